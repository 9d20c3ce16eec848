//! The provider table. A row is a scheme in full: what is not said in it comes from one of the few base schemes.

use crate::provider::{
    Algorithm, ChallengeAnswer, ChallengeRule, Encoding, Field, Grammar, KeyFormat, Part, Provider,
    Signature, Timestamp, Unit,
};

/// The provider of an id.
#[must_use]
pub fn provider(id: &str) -> Option<&'static Provider> {
    providers().iter().find(|provider| provider.id == id)
}

/// All providers, by id.
#[must_use]
pub fn providers() -> &'static [Provider] {
    PROVIDERS
}

/// HMAC-SHA256 of the body in hex, alone in a header: what most providers do, and the base of every row.
const BODY_HEX: Provider = Provider {
    id: "",
    name: "",
    docs: "",
    secret_hint: "",
    algorithm: Algorithm::HmacSha256,
    key: KeyFormat::Utf8,
    signature: Signature { headers: &[], grammar: Grammar::One { prefix: "" }, encoding: Encoding::Hex },
    signed: &[Part::Body],
    timestamp: None,
    event_id: &[],
    event_type: &[],
    challenge: None,
};

/// Standard Webhooks 1.0.0, symmetric signatures.
const STANDARD: Provider = Provider {
    key: KeyFormat::Base64 { prefix: "whsec_" },
    signature: Signature {
        headers: &["webhook-signature"],
        grammar: Grammar::Versioned { version: "v1" },
        encoding: Encoding::Base64,
    },
    signed: &[Part::Header("webhook-id"), Part::Text("."), Part::Timestamp, Part::Text("."), Part::Body],
    timestamp: Some(seconds(Field::Header("webhook-timestamp"), 300)),
    event_id: &[Field::Header("webhook-id")],
    event_type: &[Field::Json(&["type"])],
    ..BODY_HEX
};

const fn seconds(source: Field, tolerance_seconds: u64) -> Timestamp {
    Timestamp { source, unit: Unit::Seconds, tolerance_seconds }
}

static PROVIDERS: &[Provider] = &[
    Provider {
        id: "github",
        name: "GitHub",
        docs: "https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries",
        secret_hint: "The secret you chose when you created the webhook (Settings → Webhooks).",
        signature: Signature {
            headers: &["x-hub-signature-256"],
            grammar: Grammar::One { prefix: "sha256=" },
            encoding: Encoding::Hex,
        },
        event_id: &[Field::Header("x-github-delivery")],
        event_type: &[Field::Header("x-github-event")],
        ..BODY_HEX
    },
    Provider {
        id: "shopify",
        name: "Shopify",
        docs: "https://shopify.dev/docs/apps/build/webhooks/verify-deliveries",
        secret_hint: "The app's client secret; for webhooks made in the admin, the key shown below their list.",
        signature: Signature {
            headers: &["x-shopify-hmac-sha256"],
            grammar: Grammar::One { prefix: "" },
            encoding: Encoding::Base64,
        },
        event_id: &[Field::Header("x-shopify-event-id"), Field::Header("x-shopify-webhook-id")],
        event_type: &[Field::Header("x-shopify-topic")],
        ..BODY_HEX
    },
    Provider {
        id: "slack",
        name: "Slack",
        docs: "https://docs.slack.dev/authentication/verifying-requests-from-slack",
        secret_hint: "Your app → Basic Information → App Credentials → Signing Secret (32 hex digits).",
        signature: Signature {
            headers: &["x-slack-signature"],
            grammar: Grammar::One { prefix: "v0=" },
            encoding: Encoding::Hex,
        },
        signed: &[Part::Text("v0:"), Part::Timestamp, Part::Text(":"), Part::Body],
        timestamp: Some(seconds(Field::Header("x-slack-request-timestamp"), 300)),
        event_id: &[Field::Json(&["event_id"])],
        event_type: &[Field::Json(&["event", "type"]), Field::Json(&["type"])],
        challenge: Some(ChallengeRule {
            kind: (&["type"], "url_verification"),
            token: &["challenge"],
            answer: ChallengeAnswer::Echo,
        }),
        ..BODY_HEX
    },
    Provider {
        id: "standard-webhooks",
        name: "Standard Webhooks",
        docs: "https://www.standardwebhooks.com",
        secret_hint: "whsec_ followed by base64.",
        ..STANDARD
    },
    Provider {
        id: "stripe",
        name: "Stripe",
        docs: "https://docs.stripe.com/webhooks/signature",
        secret_hint: "Workbench → Webhooks → your endpoint → Signing secret: whsec_…",
        signature: Signature {
            headers: &["stripe-signature"],
            grammar: Grammar::Pairs { separator: ",", timestamp: "t", signature: "v1" },
            encoding: Encoding::Hex,
        },
        signed: &[Part::Timestamp, Part::Text("."), Part::Body],
        timestamp: Some(seconds(Field::SignaturePair, 300)),
        event_id: &[Field::Json(&["id"])],
        event_type: &[Field::Json(&["type"])],
        ..BODY_HEX
    },
];
