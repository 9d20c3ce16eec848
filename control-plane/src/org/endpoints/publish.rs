//! An event of the workspace's own, written for the endpoints that want it.

use super::event::OwnEvent;
use crate::context::{Context, random};
use crate::error::AppError;
use crate::store::Tx;
use protocol::MessageId;
use protocol::time::rfc3339;
use serde::Serialize;

/// The largest payload: the specification's advice. No event of ours comes near it.
const MAX_BYTES: usize = 20 * 1024;

/// The body of a delivery.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it happened, RFC 3339.
    timestamp: String,
    data: &'a OwnEvent<'a>,
}

/// Publishes an event: to be called in the transaction of the change that it tells of. What is written is due at once.
///
/// # Errors
/// Those of the database; [`AppError::Encoding`] above 20 KiB.
pub(in crate::org) fn publish(ctx: Context<'_>, tx: &Tx<'_>, event: &OwnEvent<'_>) -> Result<(), AppError> {
    let id = MessageId::new(ctx.now_ms, random()?);
    let kind = event.kind().as_str();
    let wanting = tx.write(
        "INSERT INTO deliveries (message_id, endpoint_id, status, due_at) SELECT ?, id, 'pending', ? FROM endpoints \
         WHERE event_types = '[]' OR EXISTS (SELECT 1 FROM json_each(event_types) WHERE value = ?) \
         RETURNING endpoint_id",
        &[id.as_str().into(), ctx.now_ms.into(), kind.into()],
    )?;
    if wanting.is_empty() {
        return Ok(());
    }
    let payload = serde_json::to_string(&Payload { kind, timestamp: rfc3339(ctx.now_ms), data: event })?;
    if payload.len() > MAX_BYTES {
        return Err(AppError::Encoding);
    }
    tx.write(
        "INSERT INTO messages (id, event_type, payload, created_at) VALUES (?, ?, ?, ?)",
        &[id.as_str().into(), kind.into(), payload.into(), ctx.now_ms.into()],
    )?;
    ctx.limits.borrow_mut().has_published = true;
    Ok(())
}
