//! Payments, shops, deliveries.

use super::{BODY, STRIPE_LIKE, base64, hex, pairs, seconds};
use crate::provider::{Algorithm, Field, KeyFormat, Part, Provider, UrlCheck};

pub(super) const COINBASE_COMMERCE: Provider = Provider {
    id: "coinbase-commerce",
    name: "Coinbase Commerce",
    docs: "https://docs.cdp.coinbase.com/commerce/docs/webhooks-security",
    secret_hint: "Settings → Notifications → Show shared secret.",
    signature: hex(&["x-cc-webhook-signature"], ""),
    event_id: &[Field::Json(&["event", "id"])],
    event_type: &[Field::Json(&["event", "type"])],
    ..BODY
};

pub(super) const GOCARDLESS: Provider = Provider {
    id: "gocardless",
    name: "GoCardless",
    docs: "https://developer.gocardless.com/api-reference/#webhooks-overview",
    secret_hint: "Developers → Webhook endpoints → Secret, as you set it.",
    signature: hex(&["webhook-signature"], ""),
    event_id: &[Field::Json(&["meta", "webhook_id"])],
    ..BODY
};

pub(super) const LEMONSQUEEZY: Provider = Provider {
    id: "lemonsqueezy",
    name: "Lemon Squeezy",
    docs: "https://docs.lemonsqueezy.com/help/webhooks/signing-requests",
    secret_hint: "Settings → Webhooks → Signing secret, as you set it.",
    signature: hex(&["x-signature"], ""),
    event_type: &[Field::Json(&["meta", "event_name"])],
    ..BODY
};

pub(super) const ONFLEET: Provider = Provider {
    id: "onfleet",
    name: "Onfleet",
    docs: "https://docs.onfleet.com/reference/secrets",
    secret_hint: "Dashboard → Settings → API & Webhooks → Webhook secret (hexadecimal).",
    algorithm: Algorithm::HmacSha512,
    key: KeyFormat::Hex,
    signature: hex(&["x-onfleet-signature"], ""),
    event_type: &[Field::Json(&["triggerName"])],
    url_check: Some(UrlCheck::EchoQuery("check")),
    ..BODY
};

pub(super) const PADDLE: Provider = Provider {
    id: "paddle",
    name: "Paddle",
    docs: "https://developer.paddle.com/webhooks/signature-verification",
    secret_hint: "Developer tools → Notifications → your destination → Secret key: pdl_ntfset_…",
    signature: pairs(&["paddle-signature"], "ts", ";", "h1"),
    signed: &[Part::Timestamp, Part::Text(":"), Part::Body],
    timestamp: Some(seconds(Field::SignaturePair, 5)),
    event_id: &[Field::Json(&["event_id"])],
    event_type: &[Field::Json(&["event_type"])],
    ..BODY
};

pub(super) const RAZORPAY: Provider = Provider {
    id: "razorpay",
    name: "Razorpay",
    docs: "https://razorpay.com/docs/webhooks/validate-test/",
    secret_hint: "Account & Settings → Webhooks → Secret, as you set it (not the API secret).",
    signature: hex(&["x-razorpay-signature"], ""),
    event_id: &[Field::Header("x-razorpay-event-id")],
    event_type: &[Field::Json(&["event"])],
    ..BODY
};

pub(super) const SHOPIFY: Provider = Provider {
    id: "shopify",
    name: "Shopify",
    docs: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
    secret_hint: "The app's client secret; for webhooks made in the admin, the key shown below their list.",
    signature: base64(&["x-shopify-hmac-sha256"], ""),
    // "The same value across more than one webhook indicates a duplicate"; the webhook id stands in where it lacks.
    event_id: &[Field::Header("x-shopify-event-id"), Field::Header("x-shopify-webhook-id")],
    event_type: &[Field::Header("x-shopify-topic")],
    ..BODY
};

pub(super) const SQUARE: Provider = Provider {
    id: "square",
    name: "Square",
    docs: "https://developer.squareup.com/docs/webhooks/step3validate",
    secret_hint: "Developer Console → your application → Webhooks → Signature key.",
    signature: base64(&["x-square-hmacsha256-signature"], ""),
    signed: &[Part::Url, Part::Body],
    event_id: &[Field::Json(&["event_id"])],
    event_type: &[Field::Json(&["type"])],
    ..BODY
};

pub(super) const STRIPE: Provider = Provider {
    id: "stripe",
    name: "Stripe",
    docs: "https://docs.stripe.com/webhooks/signature",
    secret_hint: "Workbench → Webhooks → your endpoint → Signing secret: whsec_…",
    signature: pairs(&["stripe-signature"], "t", ",", "v1"),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["type"])],
    ..STRIPE_LIKE
};
