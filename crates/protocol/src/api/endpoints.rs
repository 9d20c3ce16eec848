//! Endpoints: where messages and forwarded events are delivered, signed by Standard Webhooks.

use super::{RateLimit, ShownOnce};
use crate::{AttemptId, EndpointId, MessageId, SourceId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How deliveries are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignatureVersion {
    /// HMAC-SHA256 with a shared secret, `whsec_…`.
    #[default]
    V1,
    /// Ed25519: who receives holds a public key, `whpk_…`.
    V1a,
}

impl SignatureVersion {
    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// By that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::V1, Self::V1a].into_iter().find(|version| version.as_str() == name)
    }
}

/// `POST /v1/endpoints`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// HTTPS URL of a public host.
    pub url: String,
    /// Types of events that it gets: names, or prefixes with `.*`, such as `invoice.*`; absent or empty: all.
    #[serde(default)]
    pub event_types: Vec<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// It is this customer's: it gets the messages that name the same customer. Absent: the workspace's own, which gets
    /// messages that name none and the workspace's own events. 1 to 128 of `a-z A-Z 0-9 . _ -`.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// It gets the events of these sources, and nothing else.
    #[serde(default)]
    pub sources: Vec<SourceId>,
    /// Whether nothing of a source is sent before what came earlier is delivered or given up. By default: where it gets
    /// the events of sources.
    #[serde(default)]
    pub ordered: Option<bool>,
    /// Headers sent with each delivery, at most 10. Values are sealed and never shown.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, String>"))]
    pub headers: BTreeMap<String, SecretString>,
    /// The most deliveries in a time.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// How deliveries are signed.
    #[serde(default)]
    pub signature: SignatureVersion,
}

/// `PATCH /v1/endpoints/{id}`: what is absent stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateEndpoint {
    /// Another URL. On another host, custom headers go: they may be credentials for the one before.
    #[serde(default)]
    pub url: Option<String>,
    /// All of them.
    #[serde(default)]
    pub event_types: Option<Vec<String>>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// All of them; not from some to none, or from none to some.
    #[serde(default)]
    pub sources: Option<Vec<SourceId>>,
    /// Whether order is kept.
    #[serde(default)]
    pub ordered: Option<bool>,
    /// All of them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, String>>"))]
    pub headers: Option<BTreeMap<String, SecretString>>,
    /// The most deliveries in a time; null: no limit.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<RateLimit>"))]
    pub rate_limit: Option<Option<RateLimit>>,
    /// Takes it out of use, or back into it. What it misses meanwhile can be recovered.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// A field that is there, be it null.
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Why an endpoint is out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody has done it.
    Manual,
    /// It has answered 410 Gone.
    Gone,
    /// It has taken nothing for five days.
    Failing,
}

impl DisabledReason {
    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// By that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Manual, Self::Gone, Self::Failing].into_iter().find(|reason| reason.as_str() == name)
    }
}

/// An endpoint, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endpoint {
    /// `end_…`
    pub id: EndpointId,
    /// Where deliveries go. Receivers put secrets of their own into path and query, so it is whole only where one endpoint is
    /// asked for or changed, by somebody who may change it. Elsewhere `…` stands for path and query: `https://example.com/…`.
    pub url: String,
    /// Types of events that it gets; empty: all.
    pub event_types: Vec<String>,
    /// For people.
    pub description: String,
    /// Whose it is; absent: the workspace's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// It gets the events of these sources, and nothing else; empty: it gets messages.
    pub sources: Vec<SourceId>,
    /// Whether order is kept.
    pub ordered: bool,
    /// Names of the headers sent with each delivery.
    pub header_names: Vec<String>,
    /// The most deliveries in a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How deliveries are signed.
    pub signature: SignatureVersion,
    /// RFC 3339.
    pub created_at: String,
    /// Since when every attempt has failed, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// RFC 3339; absent: in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<DisabledReason>,
    /// Until when the secret before the current one signs too, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<String>,
}

/// The answer to `POST /v1/endpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedEndpoint {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// Verifies deliveries: `whsec_…`, only here; of Ed25519 the public key, `whpk_…`.
    pub secret: ShownOnce,
}

/// `POST /v1/endpoints/{id}/rotate-secret`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RotateEndpointSecret {
    /// So long the one before it signs too, 0 to 604,800; a day by default.
    pub overlap_seconds: Option<u32>,
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RotatedEndpointSecret {
    /// As in [`CreatedEndpoint`].
    pub secret: ShownOnce,
    /// Until when the one before it signs too, RFC 3339.
    pub previous_secret_until: Option<String>,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Still to be made, or tried again.
    Pending,
    /// The endpoint has answered 2xx.
    Delivered,
    /// Given up: a dead letter, until it is resent or recovered.
    Failed,
}

impl DeliveryStatus {
    /// The name in rows, queries and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// By that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|status| status.as_str() == name)
    }
}

/// A delivery of a message to an endpoint, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delivery {
    /// `msg_…`, the `webhook-id`.
    pub message_id: MessageId,
    /// Where to.
    pub endpoint_id: EndpointId,
    /// The message's.
    pub event_type: String,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// Why it has failed: `gave_up`, `endpoint_gone`, `endpoint_disabled`, `skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// The endpoint's last status; absent where it could not be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339, while it is pending and does not wait for another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// It is under way.
    Sending,
    /// 2xx.
    Succeeded,
    /// Anything else, or no answer.
    Failed,
    /// This object stopped while it was under way: the endpoint may have got it.
    Interrupted,
}

impl AttemptStatus {
    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// By that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sending, Self::Succeeded, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// `att_…`
    pub id: AttemptId,
    /// Of which message.
    pub message_id: MessageId,
    /// Where to.
    pub endpoint_id: EndpointId,
    /// The message's.
    pub event_type: String,
    /// RFC 3339.
    pub at: String,
    /// The first is 1; a resend goes on counting.
    pub number: u32,
    /// How it went.
    pub status: AttemptStatus,
    /// Absent where there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Until the head of the answer, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Why there was none, or what was wrong with it: `timeout`, `redirect`, `url_not_allowed`,
    /// `no_such_host`, `connection_refused`, `connection_closed`, `bad_certificate`, `tls_failed` or, where nobody knows,
    /// `unreachable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first 1,024 bytes of the answer's body as text, secrets redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// `POST /v1/endpoints/{id}/recover`: sends again what has failed.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recover {
    /// Messages made at this time or later, RFC 3339.
    pub since: String,
    /// And before this time, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// Where the last call ended.
    #[serde(default)]
    pub cursor: Option<String>,
}
