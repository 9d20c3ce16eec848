//! Senders of Standard Webhooks 1.0.0 with symmetric signatures, under the specification's header names or Svix's.

use super::{BODY, PROVIDER};
use crate::provider::{
    Encoding, Field, Grammar, KeyFormat, Part, Parts, Place, Provider, Scheme, Signature, Tested, Timestamp,
};

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub(super) const STANDARD_PARTS: Parts = Parts {
    key: KeyFormat::Base64 { prefix: "whsec_" },
    signature: versioned(&["webhook-signature"]),
    signed: &[Part::Header("webhook-id"), Part::Text("."), Part::Timestamp, Part::Text("."), Part::Body],
    timestamp: Some(seconds(Field::Header("webhook-timestamp"))),
    ..BODY
};

const STANDARD: Provider = Provider {
    scheme: Scheme::Parts(STANDARD_PARTS),
    event_id: &[Field::Header("webhook-id")],
    event_type: &[Field::Json(&["type"])],
    ..PROVIDER
};

/// The same under the names it had before it was a standard.
const SVIX_NAMES: Provider = Provider {
    scheme: Scheme::Parts(Parts {
        signature: versioned(&["svix-signature"]),
        signed: &[Part::Header("svix-id"), Part::Text("."), Part::Timestamp, Part::Text("."), Part::Body],
        timestamp: Some(seconds(Field::Header("svix-timestamp"))),
        ..STANDARD_PARTS
    }),
    event_id: &[Field::Header("svix-id")],
    ..STANDARD
};

const fn versioned(headers: &'static [&'static str]) -> Signature<'static> {
    Signature {
        place: Place::Headers(headers),
        grammar: Grammar::Versioned { version: "v1" },
        encoding: Encoding::Base64,
    }
}

const fn seconds(source: Field<'static>) -> Timestamp<'static> {
    super::seconds(source, 300)
}

pub(super) const ANTHROPIC: Provider = Provider {
    id: "anthropic",
    name: "Anthropic",
    docs: "https://platform.claude.com/docs/en/managed-agents/webhooks",
    secret_hint: "Shown once when the webhook endpoint is created: whsec_…",
    event_type: &[Field::Json(&["data", "type"])],
    ..STANDARD
};

pub(super) const CLERK: Provider = Provider {
    id: "clerk",
    name: "Clerk",
    docs: "https://clerk.com/docs/guides/development/webhooks/syncing",
    secret_hint: "Dashboard → Webhooks → your endpoint → Signing Secret: whsec_…",
    ..SVIX_NAMES
};

pub(super) const DODO: Provider = Provider {
    id: "dodo",
    name: "Dodo Payments",
    docs: "https://docs.dodopayments.com/developer-resources/webhooks",
    secret_hint: "Dashboard → Developer → Webhooks → your endpoint → Secret key: whsec_…",
    ..STANDARD
};

pub(super) const OPENAI: Provider = Provider {
    id: "openai",
    name: "OpenAI",
    docs: "https://platform.openai.com/docs/guides/webhooks",
    secret_hint: "Shown once when the webhook is created (Settings → Webhooks): whsec_…",
    scheme: Scheme::Parts(Parts { key: KeyFormat::Base64IfPrefixed { prefix: "whsec_" }, ..STANDARD_PARTS }),
    ..STANDARD
};

pub(super) const POLAR: Provider = Provider {
    id: "polar",
    name: "Polar",
    docs: "https://polar.sh/docs/integrate/webhooks/delivery",
    secret_hint: "Settings → Webhooks → your endpoint → Secret, as shown or as you set it.",
    scheme: Scheme::Parts(Parts {
        // Polar's own libraries encode the whole secret before they hand it to a Standard Webhooks library.
        key: KeyFormat::Utf8,
        ..STANDARD_PARTS
    }),
    ..STANDARD
};

pub(super) const REPLICATE: Provider = Provider {
    id: "replicate",
    name: "Replicate",
    docs: "https://replicate.com/docs/topics/webhooks/verify-webhook",
    secret_hint: "The API's webhooks.default.secret endpoint: whsec_…",
    ..STANDARD
};

pub(super) const RESEND: Provider = Provider {
    id: "resend",
    name: "Resend",
    docs: "https://resend.com/docs/webhooks/verify-webhooks-requests",
    secret_hint: "Dashboard → Webhooks → your webhook → Signing Secret: whsec_…",
    ..SVIX_NAMES
};

pub(super) const STANDARD_WEBHOOKS: Provider = Provider {
    id: "standard-webhooks",
    name: "Standard Webhooks",
    docs: "https://www.standardwebhooks.com",
    secret_hint: "The sender's signing secret: whsec_ and base64.",
    tested: Tested::Vector,
    ..STANDARD
};

pub(super) const SVIX: Provider = Provider {
    id: "svix",
    name: "Svix",
    docs: "https://docs.svix.com/receiving/verifying-payloads/how",
    secret_hint: "Your endpoint → Signing Secret: whsec_… (if the headers are named webhook-…, take standard-webhooks)",
    tested: Tested::Vector,
    ..SVIX_NAMES
};
