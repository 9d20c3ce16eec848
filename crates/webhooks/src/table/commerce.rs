//! Payments, shops, deliveries.

use super::{BODY, PROVIDER, STRIPE_LIKE, base64, hex, pairs, seconds};
use crate::provider::{
    Algorithm, Encoding, Field, Grammar, JsonValue, KeyFormat, Part, Parts, Place, Provider, Scheme,
    Signature, Tested, UrlCheck,
};

/// A path in the one item of Adyen's notifications of payments.
macro_rules! item {
    ($($key:literal),+) => {
        &["notificationItems", "[]", "NotificationRequestItem", $($key),+]
    };
}

/// `additionalData.hmacSignature` of a payment's notification, over eight of its fields.
const ADYEN_PAYMENT: Parts = Parts {
    key: KeyFormat::Hex,
    signature: Signature {
        place: Place::Json(item!("additionalData", "hmacSignature")),
        grammar: Grammar::One { prefix: "" },
        encoding: Encoding::Base64,
    },
    signed: &[
        Part::Json { path: item!("pspReference"), value: JsonValue::Id },
        Part::Text(":"),
        Part::Json { path: item!("originalReference"), value: JsonValue::OptionalId },
        Part::Text(":"),
        Part::Json { path: item!("merchantAccountCode"), value: JsonValue::OptionalId },
        Part::Text(":"),
        Part::Json { path: item!("merchantReference"), value: JsonValue::Free },
        Part::Text(":"),
        Part::Json { path: item!("amount", "value"), value: JsonValue::Id },
        Part::Text(":"),
        Part::Json { path: item!("amount", "currency"), value: JsonValue::Id },
        Part::Text(":"),
        Part::Json { path: item!("eventCode"), value: JsonValue::Id },
        Part::Text(":"),
        Part::Json { path: item!("success"), value: JsonValue::Id },
    ],
    ..BODY
};

pub(super) const ADYEN: Provider = Provider {
    id: "adyen",
    name: "Adyen",
    docs: "https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/",
    secret_hint: "Customer Area → Developers → Webhooks → your webhook → HMAC key (hexadecimal).",
    tested: Tested::Sdk,
    caveat: Some(
        "A payment's notification is signed in eight fields: references, merchant account, amount, event code and \
         success. Whatever else it holds is not protected. Notifications of platforms are signed whole.",
    ),
    scheme: Scheme::FirstOf(&[
        Parts { key: KeyFormat::Hex, signature: base64(&["hmacsignature"], ""), ..BODY },
        ADYEN_PAYMENT,
    ]),
    event_id: &[Field::Signature],
    event_type: &[Field::Json(item!("eventCode")), Field::Json(&["type"])],
    ..PROVIDER
};

pub(super) const BRAINTREE: Provider = Provider {
    id: "braintree",
    name: "Braintree",
    docs: "https://developer.paypal.com/braintree/docs/guides/webhooks/parse",
    secret_hint: "Control Panel → API → Keys → Private key.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha1,
        key: KeyFormat::Sha1,
        signature: Signature {
            place: Place::Form("bt_signature"),
            grammar: Grammar::Named,
            encoding: Encoding::Hex,
        },
        signed: &[Part::Form("bt_payload")],
        ..BODY
    }),
    event_id: &[Field::Signature],
    ..PROVIDER
};

pub(super) const COINBASE_COMMERCE: Provider = Provider {
    id: "coinbase-commerce",
    name: "Coinbase Commerce",
    docs: "https://docs.cdp.coinbase.com/commerce/docs/webhooks-security",
    secret_hint: "Settings → Notifications → Show shared secret.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-cc-webhook-signature"], ""), ..BODY }),
    event_id: &[Field::Json(&["event", "id"])],
    event_type: &[Field::Json(&["event", "type"])],
    ..PROVIDER
};

pub(super) const GOCARDLESS: Provider = Provider {
    id: "gocardless",
    name: "GoCardless",
    docs: "https://developer.gocardless.com/api-reference/#webhooks-overview",
    secret_hint: "Developers → Webhook endpoints → Secret, as you set it.",
    scheme: Scheme::Parts(Parts { signature: hex(&["webhook-signature"], ""), ..BODY }),
    event_id: &[Field::Json(&["meta", "webhook_id"])],
    ..PROVIDER
};

pub(super) const LEMONSQUEEZY: Provider = Provider {
    id: "lemonsqueezy",
    name: "Lemon Squeezy",
    docs: "https://docs.lemonsqueezy.com/help/webhooks/signing-requests",
    secret_hint: "Settings → Webhooks → Signing secret, as you set it.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-signature"], ""), ..BODY }),
    event_type: &[Field::Json(&["meta", "event_name"])],
    ..PROVIDER
};

pub(super) const ONFLEET: Provider = Provider {
    id: "onfleet",
    name: "Onfleet",
    docs: "https://docs.onfleet.com/reference/secrets",
    secret_hint: "Dashboard → Settings → API & Webhooks → Webhook secret (hexadecimal).",
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha512,
        key: KeyFormat::Hex,
        signature: hex(&["x-onfleet-signature"], ""),
        ..BODY
    }),
    event_type: &[Field::Json(&["triggerName"])],
    url_check: Some(UrlCheck::EchoQuery("check")),
    ..PROVIDER
};

pub(super) const PADDLE: Provider = Provider {
    id: "paddle",
    name: "Paddle",
    docs: "https://developer.paddle.com/webhooks/signature-verification",
    secret_hint: "Developer tools → Notifications → your destination → Secret key: pdl_ntfset_…",
    scheme: Scheme::Parts(Parts {
        signature: pairs(&["paddle-signature"], "ts", ";", "h1"),
        signed: &[Part::Timestamp, Part::Text(":"), Part::Body],
        timestamp: Some(seconds(Field::SignaturePair, 5)),
        ..BODY
    }),
    event_id: &[Field::Json(&["event_id"])],
    event_type: &[Field::Json(&["event_type"])],
    ..PROVIDER
};

pub(super) const RAZORPAY: Provider = Provider {
    id: "razorpay",
    name: "Razorpay",
    docs: "https://razorpay.com/docs/webhooks/validate-test/",
    secret_hint: "Account & Settings → Webhooks → Secret, as you set it (not the API secret).",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-razorpay-signature"], ""), ..BODY }),
    event_id: &[Field::Header("x-razorpay-event-id")],
    event_type: &[Field::Json(&["event"])],
    ..PROVIDER
};

pub(super) const SHOPIFY: Provider = Provider {
    id: "shopify",
    name: "Shopify",
    docs: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
    secret_hint: "The app's client secret; for webhooks made in the admin, the key shown below their list.",
    scheme: Scheme::Parts(Parts { signature: base64(&["x-shopify-hmac-sha256"], ""), ..BODY }),
    // "The same value across more than one webhook indicates a duplicate"; the webhook id stands in where it lacks.
    event_id: &[Field::Header("x-shopify-event-id"), Field::Header("x-shopify-webhook-id")],
    event_type: &[Field::Header("x-shopify-topic")],
    ..PROVIDER
};

pub(super) const SQUARE: Provider = Provider {
    id: "square",
    name: "Square",
    docs: "https://developer.squareup.com/docs/webhooks/step3validate",
    secret_hint: "Developer Console → your application → Webhooks → Signature key.",
    scheme: Scheme::Parts(Parts {
        signature: base64(&["x-square-hmacsha256-signature"], ""),
        signed: &[Part::Url, Part::Body],
        ..BODY
    }),
    event_id: &[Field::Json(&["event_id"])],
    event_type: &[Field::Json(&["type"])],
    ..PROVIDER
};

pub(super) const STRIPE: Provider = Provider {
    id: "stripe",
    name: "Stripe",
    docs: "https://docs.stripe.com/webhooks/signature",
    secret_hint: "Workbench → Webhooks → your endpoint → Signing secret: whsec_…",
    scheme: Scheme::Parts(Parts { signature: pairs(&["stripe-signature"], "t", ",", "v1"), ..STRIPE_LIKE }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["type"])],
    ..PROVIDER
};
