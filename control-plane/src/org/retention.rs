//! What goes when its time is over, in batches: the object's alarm runs this daily, and again at once while there is more.

use super::{deliveries, inbound, oauth, overlap, sessions};
use crate::context::Context;
use crate::store::{SqlError, Value};
use protocol::MessageId;

/// Rows of a table that go at once: a few milliseconds, so that nobody's call waits for long.
const BATCH: u32 = 500;

/// Deletes a batch of each kind of row that nothing reads any more; whether there may be more of them.
///
/// # Errors
/// Those of the database.
pub fn purge(ctx: Context<'_>) -> Result<bool, SqlError> {
    let oldest_answer =
        ctx.now_ms.saturating_sub(u64::from(ctx.config.retention.idempotency_hours) * 3_600_000);
    let oldest_message = deliveries::oldest(ctx);
    let first_id = MessageId::new(oldest_message, [0; 10]);
    let outlived: [(&str, &str, Value); 12] = [
        ("inbound_events", "received_at < ?", inbound::oldest(ctx).into()),
        ("rejections", "at < ?", inbound::oldest(ctx).into()),
        ("idempotency", "created_at < ?", oldest_answer.into()),
        ("sessions", "seen_at < ?", sessions::oldest_alive(ctx).into()),
        ("authorizations", "created_at < ?", oauth::oldest(ctx).into()),
        ("rotated_keys", "ends_at <= ?", ctx.now_ms.into()),
        ("portal_links", "expires_at <= ?", ctx.now_ms.into()),
        (
            "secret_holders",
            "? > 0 AND secret NOT IN (SELECT lookup FROM api_keys UNION ALL SELECT lookup FROM rotated_keys \
             UNION ALL SELECT id FROM portal_links UNION ALL SELECT id FROM endpoints)",
            1u64.into(),
        ),
        ("attempts", "at < ? AND status <> 'sending'", oldest_message.into()),
        // Ids sort by age: the key's index finds them.
        ("deliveries", "message_id < ? AND status <> 'pending'", first_id.as_str().into()),
        (
            "messages",
            "created_at < ? AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message_id = messages.id)",
            oldest_message.into(),
        ),
        (
            "invitation_tokens",
            "invitation_id IN (SELECT id FROM invitations \
             WHERE accepted_at IS NOT NULL OR revoked_at IS NOT NULL OR expires_at <= ?)",
            ctx.now_ms.into(),
        ),
    ];
    overlap::purge(ctx)?;
    let mut more = false;
    for (table, condition, time) in outlived {
        ctx.store.bookkeeping(
            &format!(
                "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {condition} LIMIT ?)"
            ),
            &[time.clone(), BATCH.into()],
        )?;
        more |=
            ctx.store.first(&format!("SELECT 1 FROM {table} WHERE {condition} LIMIT 1"), &[time])?.is_some();
    }
    Ok(more)
}
