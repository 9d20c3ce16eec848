//! Endpoints: where this workspace's own events are delivered, signed by Standard Webhooks.

use super::ShownOnce;
use crate::{EndpointId, MessageId};
use serde::{Deserialize, Serialize};

/// `POST /v1/endpoints`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// HTTPS URL of a public host.
    pub url: String,
    /// Types of events that it gets; absent or empty: all.
    #[serde(default)]
    pub event_types: Vec<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
}

/// An endpoint, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endpoint {
    /// `end_…`
    pub id: EndpointId,
    /// Where deliveries go. In full in the answer that creates it alone; from then on scheme and host, and `…` for the rest,
    /// since receivers put secrets of their own into path and query: `https://example.com/…`.
    pub url: String,
    /// Types of events that it gets; empty: all.
    pub event_types: Vec<String>,
    /// For people.
    pub description: String,
    /// RFC 3339.
    pub created_at: String,
}

/// The answer to `POST /v1/endpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedEndpoint {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// `whsec_…`: verifies deliveries. Only here.
    pub secret: ShownOnce,
}

/// A delivery of a message to an endpoint, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delivery {
    /// `msg_…`, the `webhook-id`.
    pub message_id: MessageId,
    /// `connection.reauthorization_required`, …
    pub event_type: String,
    /// `pending`, `delivered` or `failed`.
    pub status: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The endpoint's last status; absent where it could not be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
}
