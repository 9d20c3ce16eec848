//! Inbound webhooks: sources and the events they brought.

use crate::{InboundEventId, SourceId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// `POST /v1/sources`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// A provider of the table (crate `webhooks`): `stripe`, `github` …
    pub provider: String,
    /// For people.
    pub name: String,
    /// The signing secret, as the provider shows it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub secret: SecretString,
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
    /// RFC 3339.
    pub created_at: String,
    /// Events stored, duplicates not counted.
    pub event_count: u64,
    /// RFC 3339.
    pub last_event_at: Option<String>,
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
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InboundEvent {
    /// As in the list.
    #[serde(flatten)]
    pub summary: InboundEventSummary,
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
