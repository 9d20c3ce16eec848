//! The provider table. A row is a scheme in full: what it doesn't say comes from the base it names.
//!
//! To add a provider: a row in the file of its trade, its name in [`PROVIDERS`], a vector in `tests/vectors/examples.rs`.
//! A row that says no `tested` is of the documentation; one that says more needs a vector that shows it. What the API lists,
//! what is redacted, and every test of `tests/spoiled.rs` and `tests/properties.rs` come of the row.

mod certificates;
mod commerce;
mod communication;
mod development;
mod standard;
mod work;

use crate::provider::{
    Algorithm, Encoding, Field, Grammar, KeyFormat, Part, Parts, Place, Provider, Scheme, Signature, Tested,
    Timestamp, Unit,
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
    commerce::ADYEN,
    standard::ANTHROPIC,
    work::ASANA,
    development::ATLASSIAN_CONNECT,
    certificates::AWS_SNS,
    development::BITBUCKET,
    work::BOX,
    commerce::BRAINTREE,
    work::CAL_COM,
    work::CALENDLY,
    standard::CLERK,
    work::CLICKUP,
    commerce::COINBASE_COMMERCE,
    development::CONTENTFUL,
    work::CUSTOMERIO,
    communication::DISCORD,
    standard::DODO,
    work::DROPBOX,
    crate::generic::GENERIC,
    development::GITHUB,
    development::GITLAB,
    commerce::GOCARDLESS,
    work::HELPSCOUT,
    work::HUBSPOT,
    work::INTERCOM,
    development::JIRA,
    commerce::LEMONSQUEEZY,
    work::LINE,
    development::LINEAR,
    communication::LIVEKIT,
    communication::MAILGUN,
    communication::MANDRILL,
    work::META,
    development::MUX,
    work::NOTION,
    commerce::ONFLEET,
    standard::OPENAI,
    commerce::PADDLE,
    certificates::PAYPAL,
    certificates::PLAID,
    standard::POLAR,
    commerce::RAZORPAY,
    standard::REPLICATE,
    standard::RESEND,
    development::SANITY,
    communication::SENDGRID,
    commerce::SHOPIFY,
    work::SLACK,
    commerce::SQUARE,
    standard::STANDARD_WEBHOOKS,
    commerce::STRIPE,
    standard::SVIX,
    communication::TELNYX,
    work::TRELLO,
    communication::TWILIO,
    work::TYPEFORM,
    work::WEBEX,
    development::WEBFLOW,
    work::WHATSAPP,
    development::WORKOS,
    work::ZENDESK,
    work::ZOOM,
];

/// What rows that don't say otherwise have in common.
const PROVIDER: Provider = Provider {
    id: "",
    name: "",
    docs: "",
    secret_hint: "",
    caveat: None,
    tested: Tested::Documentation,
    scheme: Scheme::Declared,
    event_id: &[],
    event_type: &[],
    handshake: None,
    challenge: &[],
    url_check: None,
};

/// HMAC-SHA256 of the body in hex: what most providers do, and the base of every other scheme.
const BODY: Parts = Parts {
    algorithm: Algorithm::HmacSha256,
    key: KeyFormat::Utf8,
    signature: hex(&[], ""),
    signed: &[Part::Body],
    timestamp: None,
};

/// `t=…,v1=…` over `{t}.{body}`, as Stripe made it common.
const STRIPE_LIKE: Parts = Parts {
    signed: &[Part::Timestamp, Part::Text("."), Part::Body],
    timestamp: Some(seconds(Field::SignaturePair, 300)),
    ..BODY
};

/// `v0:{timestamp}:{body}`, as Slack made it common.
const SLACK_LIKE: Parts =
    Parts { signed: &[Part::Text("v0:"), Part::Timestamp, Part::Text(":"), Part::Body], ..BODY };

const fn hex(headers: &'static [&'static str], prefix: &'static str) -> Signature<'static> {
    Signature { place: Place::Headers(headers), grammar: Grammar::One { prefix }, encoding: Encoding::Hex }
}

const fn base64(headers: &'static [&'static str], prefix: &'static str) -> Signature<'static> {
    Signature { encoding: Encoding::Base64, ..hex(headers, prefix) }
}

const fn pairs(
    headers: &'static [&'static str],
    timestamp: &'static str,
    separator: &'static str,
    signature: &'static str,
) -> Signature<'static> {
    Signature { grammar: Grammar::Pairs { separator, timestamp, signature }, ..hex(headers, "") }
}

const fn seconds(source: Field<'static>, tolerance_seconds: u64) -> Timestamp<'static> {
    Timestamp { source, unit: Unit::Seconds, tolerance_seconds }
}

const fn milliseconds(source: Field<'static>, tolerance_seconds: u64) -> Timestamp<'static> {
    Timestamp { source, unit: Unit::Milliseconds, tolerance_seconds }
}

const fn rfc3339(source: Field<'static>, tolerance_seconds: u64) -> Timestamp<'static> {
    Timestamp { source, unit: Unit::Rfc3339, tolerance_seconds }
}
