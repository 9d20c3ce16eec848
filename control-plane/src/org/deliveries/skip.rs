//! A delivery that somebody gives up, so that what waits behind it goes on.

use super::queue::wake;
use crate::context::Context;
use crate::error::AppError;
use crate::store::Tx;
use protocol::{EndpointId, MessageId};

/// Gives a delivery up, if it is still to be made; whether it was. In an ordered lane the next one is due, unless its source
/// is paused.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn skip(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    message: &MessageId,
    endpoint: &EndpointId,
) -> Result<bool, AppError> {
    let skipped = tx.write(
        "UPDATE deliveries SET status = 'failed', reason = 'skipped', due_at = NULL \
         WHERE message_id = ? AND endpoint_id = ? AND status = 'pending' RETURNING lane",
        &[message.as_str().into(), endpoint.as_str().into()],
    )?;
    let Some(row) = skipped.first() else { return Ok(false) };
    tx.write(
        "UPDATE deliveries SET due_at = ?1 WHERE due_at IS NULL AND rowid = (SELECT MIN(rowid) FROM deliveries \
         WHERE endpoint_id = ?2 AND lane = ?3 AND status = 'pending') \
         AND NOT EXISTS (SELECT 1 FROM sources WHERE id = ?3 AND paused_at IS NOT NULL)",
        &[ctx.now_ms.into(), endpoint.as_str().into(), row.text(0)?.into()],
    )?;
    wake(ctx);
    Ok(true)
}
