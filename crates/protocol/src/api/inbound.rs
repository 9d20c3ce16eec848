//! Inbound webhooks: the providers' schemes, sources, and the events they brought.

use super::endpoints::DeliveryStatus;
use crate::{EndpointId, InboundEventId, SourceId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A provider of the signature table: what to paste where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Provider {
    /// `stripe`, `github` … As `provider` of a new source.
    pub id: String,
    /// The name people know.
    pub name: String,
    /// The provider's own page on its signatures.
    pub docs: String,
    /// Where its secret (or public key) is found, and how it looks.
    pub secret_hint: String,
    /// What a new source takes for it.
    pub credential: SourceCredential,
    /// The scheme in one line: `HMAC-SHA256 of {timestamp}.{body}, hex, in Stripe-Signature (v1=…)`.
    pub scheme: String,
    /// How far a signed time may lie from now, in seconds; absent: the scheme has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance_seconds: Option<u64>,
    /// Whether the URL is signed: then it must be registered at the provider to the letter.
    pub signs_url: bool,
    /// How the provider checks the URL before it sends events, in words; answered by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<String>,
    /// What the scheme does not protect, for whoever relies on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
    /// How the scheme was tested: `sdk` (the provider's own package is the other side), `vector` (a published example)
    /// or `documentation`.
    pub tested: String,
}

/// What a source of a provider is created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceCredential {
    /// `secret`.
    Secret,
    /// `public_key`.
    PublicKey,
    /// Nothing: the provider sends its secret to the URL when the webhook is registered there.
    Handshake,
}

/// `POST /v1/sources`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// A provider of `GET /v1/providers`: `stripe`, `github` …
    pub provider: String,
    /// For people.
    pub name: String,
    /// The signing secret, as the provider shows it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub secret: Option<SecretString>,
    /// The provider's public key, where it signs with a key pair.
    #[serde(default)]
    pub public_key: Option<String>,
    /// The URL as it is registered at the provider, where requests come here through a proxy or domain of yours; only for
    /// providers that sign it. Absent: the source's own.
    #[serde(default)]
    pub url: Option<String>,
    /// How the sender signs; for the provider `generic` alone.
    #[serde(default)]
    pub scheme: Option<GenericScheme>,
}

/// A signature scheme in the table's terms, for senders that the table does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GenericScheme {
    /// `hmac-sha256` (the default), `hmac-sha512` or `hmac-sha1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// The header that holds the signature.
    pub header: String,
    /// What stands before the signature: `sha256=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// `hex` (the default, in either case), `base64` or `base64url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// How the secret is written: `utf8` (the default), `hex` or `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_encoding: Option<String>,
    /// What is signed: `{body}` (the default), with `{timestamp}`, `{id}`, `{method}`, `{url}` and text around it, such as
    /// `{timestamp}.{body}`. `{body}` must be in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<String>,
    /// The header that holds the time; needed for `{timestamp}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// `seconds` (the default), `milliseconds` or `rfc3339`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_unit: Option<String>,
    /// How far the time may lie from now; 1 to 3600, 300 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance_seconds: Option<u32>,
    /// The header that holds the event's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// The header that holds the event's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_header: Option<String>,
}

/// `PATCH /v1/sources/{id}`: what is absent stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateSource {
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
    /// A paused source stores and acknowledges; what it stores is forwarded, in order, once it goes on.
    #[serde(default)]
    pub paused: Option<bool>,
}

/// `POST /v1/sources/{id}/rotate-secret`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateSourceSecret {
    /// The provider's new secret.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub secret: Option<SecretString>,
    /// Its new public key, where it signs with a key pair.
    #[serde(default)]
    pub public_key: Option<String>,
    /// So long the one before it verifies too, 0 to 604,800; a day by default.
    #[serde(default)]
    pub overlap_seconds: Option<u32>,
}

/// Whether a source works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceStatus {
    /// Stores and forwards.
    Active,
    /// Stores, and forwards later.
    Paused,
    /// Waits for the secret that the provider sends when the webhook is registered there.
    AwaitingHandshake,
}

/// A webhook source, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// `src_…`
    pub id: SourceId,
    /// Give this to the provider.
    pub url: String,
    /// A provider of the table.
    pub provider: String,
    /// For people.
    pub name: String,
    /// Whether it works.
    pub status: SourceStatus,
    /// RFC 3339.
    pub created_at: String,
    /// Events stored, duplicates not counted.
    pub event_count: u64,
    /// RFC 3339.
    pub last_event_at: Option<String>,
    /// Requests refused: signatures that do not verify, times out of tolerance.
    pub rejected_count: u64,
    /// RFC 3339.
    pub last_rejected_at: Option<String>,
    /// Since when more requests are refused than `detections.signature_failures` of sluicegate.toml allows, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerting_since: Option<String>,
    /// Until when a secret before the current one verifies too, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<String>,
    /// The provider's verification token has come and can be fetched, once, by `POST /v1/sources/{id}/verification-token`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_verification_token: bool,
}

/// A request to a source that was refused, and why. Nothing of its body is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rejection {
    /// RFC 3339, of the last one.
    pub at: String,
    /// `signature_invalid` or `timestamp_out_of_tolerance`: all that the sender was told.
    pub code: String,
    /// What was wrong, and what may be the cause.
    pub reason: String,
    /// The sender's address.
    pub ip: String,
    /// Its `User-Agent`.
    pub user_agent: String,
    /// How many such requests.
    pub count: u64,
}

/// The answer to `POST /v1/sources/{id}/verification-token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerificationToken {
    /// To be pasted at the provider. Only here, and once.
    pub verification_token: super::ShownOnce,
}

/// A stored event in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InboundEventSummary {
    /// `ine_…`
    pub id: InboundEventId,
    /// The source it came to.
    pub source_id: SourceId,
    /// A provider of the table.
    pub provider: String,
    /// The provider's own id of it.
    pub provider_event_id: Option<String>,
    /// The provider's type of it.
    pub event_type: Option<String>,
    /// RFC 3339.
    pub received_at: String,
    /// How often it came again.
    pub duplicate_count: u64,
    /// Bytes of the body.
    pub size: u64,
    /// How far it has come to endpoints that get this source's events: the worst of its deliveries; absent: none gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<DeliveryStatus>,
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InboundEvent {
    /// As in the list.
    #[serde(flatten)]
    pub summary: InboundEventSummary,
    /// The message that forwards it, `msg_…`, for its attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<crate::MessageId>,
    /// As received; signatures and credentials redacted.
    pub headers: Vec<(String, String)>,
    /// The body as received, base64.
    pub body_base64: String,
}

/// The answer to the provider, once the event is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Received {
    /// `ine_…`
    pub id: InboundEventId,
    /// It had come before; nothing new was stored.
    pub duplicate: bool,
}

/// `POST /v1/inbound-events/{id}/replay`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ReplayEvent {
    /// To this endpoint, whatever its filter says; absent: to all that get the source's events.
    pub endpoint_id: Option<EndpointId>,
}

/// `POST /v1/inbound-events/replay`: the events of a source, a range of them, or those that failed.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayEvents {
    /// Whose events.
    pub source_id: SourceId,
    /// Received at this time or later, RFC 3339.
    #[serde(default)]
    pub since: Option<String>,
    /// Received before this time, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// Of these types; empty: all.
    #[serde(default)]
    pub event_types: Vec<String>,
    /// Only deliveries that have failed.
    #[serde(default)]
    pub failed_only: bool,
    /// To this endpoint alone.
    #[serde(default)]
    pub endpoint_id: Option<EndpointId>,
    /// Where the last call ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// What was put on its way again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Replayed {
    /// Deliveries that are due now.
    pub deliveries: u64,
    /// There is more: call again with this as `cursor`. Null: done.
    pub next_cursor: Option<String>,
}

/// The answer to `GET /v1/sources/{id}/listen`: what came after an event, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Listened {
    /// At most 16 events, and 2 MiB of bodies; empty where none came within 20 s.
    pub data: Vec<InboundEvent>,
    /// Give this as `after` in the next call.
    pub cursor: String,
}
