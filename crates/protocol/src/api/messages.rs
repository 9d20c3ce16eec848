//! Messages: what this workspace's product tells its customers' endpoints; the types there are, and the portal where those
//! customers look after their endpoints themselves.

use crate::{MessageId, PortalLinkId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST /v1/messages`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// `invoice.paid`: 1 to 128 of `a-z A-Z 0-9 . _ -`.
    pub event_type: String,
    /// Delivered to the byte as it stands here; at most `limits.message_bytes` (256 KiB).
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Value"))]
    pub payload: Box<RawValue>,
    /// To this customer's endpoints; absent: to the workspace's own.
    #[serde(default)]
    pub customer_id: Option<String>,
}

/// A message in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageSummary {
    /// `msg_…`, the `webhook-id`.
    pub id: MessageId,
    /// Its type.
    pub event_type: String,
    /// Whose endpoints it is for; absent: the workspace's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The event that it forwards, `ine_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_event_id: Option<crate::InboundEventId>,
    /// RFC 3339.
    pub created_at: String,
    /// Bytes of the payload.
    pub size: u64,
    /// Endpoints that it goes to.
    pub deliveries: u64,
}

/// A message.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// As in the list.
    #[serde(flatten)]
    pub summary: MessageSummary,
    /// As delivered, to the byte; absent where it forwards an event, whose body is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub payload: Option<Box<RawValue>>,
}

/// `PUT /v1/event-types/{name}`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SetEventType {
    /// For people.
    pub description: Option<String>,
    /// JSON Schema of the payload, shown to who receives it. Payloads are not checked against it.
    pub schema: Option<serde_json::Map<String, serde_json::Value>>,
    /// A payload to show and to test endpoints with.
    pub example: Option<serde_json::Value>,
}

/// A type of event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventType {
    /// `invoice.paid`
    pub name: String,
    /// For people.
    pub description: String,
    /// JSON Schema of the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<serde_json::Map<String, serde_json::Value>>,
    /// A payload to show and to test endpoints with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<serde_json::Value>,
    /// One of the workspace's own events, which Sluicegate itself publishes.
    pub built_in: bool,
    /// RFC 3339; absent for one of Sluicegate's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
}

/// `POST /v1/portal-links`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPortalLink {
    /// Whose endpoints its holder may manage.
    pub customer_id: String,
    /// 60 to 86,400; an hour by default.
    #[serde(default)]
    pub expires_in_seconds: Option<u32>,
}

/// A link to the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PortalLink {
    /// `ptl_…`
    pub id: PortalLinkId,
    /// Whose endpoints its holder may manage.
    pub customer_id: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// The answer to `POST /v1/portal-links`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedPortalLink {
    /// The link.
    #[serde(flatten)]
    pub link: PortalLink,
    /// Give this to the customer's user. Only here.
    pub url: super::ShownOnce,
}
