//! The provider table. A row is a scheme in full: what it doesn't say comes from the base scheme it names.
//!
//! To add a provider: a row in the file of its trade, its name in [`PROVIDERS`], a vector in `tests/vectors.rs`.

mod commerce;
mod development;
mod standard;
mod work;

use crate::provider::{
    Algorithm, Encoding, Field, Grammar, KeyFormat, Part, Provider, Signature, Timestamp, Unit,
};

/// The provider of an id.
#[must_use]
pub fn provider(id: &str) -> Option<&'static Provider> {
    providers().iter().find(|provider| provider.id == id)
}

/// All providers, in the order of their ids.
#[must_use]
pub fn providers() -> &'static [Provider] {
    PROVIDERS
}

static PROVIDERS: &[Provider] = &[
    standard::ANTHROPIC,
    work::ASANA,
    development::BITBUCKET,
    work::BOX,
    work::CAL_COM,
    work::CALENDLY,
    standard::CLERK,
    work::CLICKUP,
    commerce::COINBASE_COMMERCE,
    work::CUSTOMERIO,
    standard::DODO,
    work::DROPBOX,
    development::GITHUB,
    commerce::GOCARDLESS,
    work::HELPSCOUT,
    work::HUBSPOT,
    work::INTERCOM,
    development::JIRA,
    commerce::LEMONSQUEEZY,
    work::LINE,
    development::LINEAR,
    work::META,
    development::MUX,
    work::NOTION,
    commerce::ONFLEET,
    standard::OPENAI,
    commerce::PADDLE,
    standard::POLAR,
    commerce::RAZORPAY,
    standard::REPLICATE,
    standard::RESEND,
    development::SANITY,
    commerce::SHOPIFY,
    work::SLACK,
    commerce::SQUARE,
    standard::STANDARD_WEBHOOKS,
    commerce::STRIPE,
    standard::SVIX,
    work::TRELLO,
    work::TYPEFORM,
    work::WEBEX,
    development::WEBFLOW,
    work::WHATSAPP,
    development::WORKOS,
    work::ZENDESK,
    work::ZOOM,
];

/// HMAC-SHA256 of the body in hex: what most providers do, and the base of every other scheme.
const BODY: Provider = Provider {
    id: "",
    name: "",
    docs: "",
    secret_hint: "",
    algorithm: Algorithm::HmacSha256,
    key: KeyFormat::Utf8,
    signature: hex(&[], ""),
    signed: &[Part::Body],
    timestamp: None,
    event_id: &[],
    event_type: &[],
    challenge: None,
    url_check: None,
    handshake: None,
};

/// `t=…,v1=…` over `{t}.{body}`, as Stripe made it common.
const STRIPE_LIKE: Provider = Provider {
    signed: &[Part::Timestamp, Part::Text("."), Part::Body],
    timestamp: Some(seconds(Field::SignaturePair, 300)),
    ..BODY
};

/// `v0:{timestamp}:{body}`, as Slack made it common.
const SLACK_LIKE: Provider =
    Provider { signed: &[Part::Text("v0:"), Part::Timestamp, Part::Text(":"), Part::Body], ..BODY };

const fn hex(headers: &'static [&'static str], prefix: &'static str) -> Signature {
    Signature { headers, grammar: Grammar::One { prefix }, encoding: Encoding::Hex }
}

const fn base64(headers: &'static [&'static str], prefix: &'static str) -> Signature {
    Signature { headers, grammar: Grammar::One { prefix }, encoding: Encoding::Base64 }
}

const fn pairs(
    headers: &'static [&'static str],
    timestamp: &'static str,
    separator: &'static str,
    signature: &'static str,
) -> Signature {
    Signature {
        headers,
        grammar: Grammar::Pairs { separator, timestamp, signature },
        encoding: Encoding::Hex,
    }
}

const fn seconds(source: Field, tolerance_seconds: u64) -> Timestamp {
    Timestamp { source, unit: Unit::Seconds, tolerance_seconds }
}

const fn milliseconds(source: Field, tolerance_seconds: u64) -> Timestamp {
    Timestamp { source, unit: Unit::Milliseconds, tolerance_seconds }
}

const fn rfc3339(source: Field, tolerance_seconds: u64) -> Timestamp {
    Timestamp { source, unit: Unit::Rfc3339, tolerance_seconds }
}
