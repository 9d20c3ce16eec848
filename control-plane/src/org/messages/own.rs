//! An event of the workspace's own, written for its own endpoints that want it.

use super::event::OwnEvent;
use crate::context::{Context, random};
use crate::error::AppError;
use crate::org::deliveries::{Audience, Content, Outgoing, enqueue};
use crate::store::Tx;
use protocol::MessageId;
use protocol::time::rfc3339;
use serde::Serialize;

/// The body of a delivery, as Standard Webhooks recommends it.
#[derive(Serialize)]
pub(super) struct Payload<'a, T> {
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// When it happened, RFC 3339.
    pub timestamp: String,
    pub data: T,
}

/// Publishes an event: to be called in the transaction of the change that it tells of. What is written is due at once.
///
/// # Errors
/// Those of the database and the vault.
pub(in crate::org) fn publish(ctx: Context<'_>, tx: &Tx<'_>, event: &OwnEvent<'_>) -> Result<(), AppError> {
    let id = MessageId::new(ctx.now_ms, random()?);
    let kind = event.kind().as_str();
    let payload = serde_json::to_string(&Payload { kind, timestamp: rfc3339(ctx.now_ms), data: event })?;
    let message = Outgoing {
        id: &id,
        event_type: kind,
        audience: Audience::Customer(None),
        content: Content::Payload(&payload),
        keep: false,
    };
    enqueue(ctx, tx, &message).map(|_| ())
}
