//! Lanes: what goes to one endpoint of one source, or of none. Where the endpoint keeps order, one delivery of a lane is due
//! at a time, the others wait; of a paused source all wait.
//!
//! Invariant: in an ordered lane at most one is due, and if any is pending one is, unless the source is paused.

use super::queue::wake;
use crate::context::Context;
use crate::error::AppError;
use crate::store::{SqlError, Store, Tx};
use protocol::{EndpointId, SourceId};

/// In a lane that keeps order, makes the oldest one due that waits, if none is and the source is not paused. To be called
/// in the same piece that has settled one; whether another one is due now.
///
/// # Errors
/// Those of the database.
pub(super) fn advance(
    store: Store<'_>,
    endpoint: &EndpointId,
    lane: &str,
    now_ms: u64,
) -> Result<bool, SqlError> {
    let advanced = store.deliveries(
        "UPDATE deliveries SET due_at = ?3 WHERE rowid = (SELECT rowid FROM deliveries \
         WHERE endpoint_id = ?1 AND lane = ?2 AND status = 'pending' AND due_at IS NULL ORDER BY rowid LIMIT 1) \
         AND NOT EXISTS (SELECT 1 FROM deliveries \
         WHERE endpoint_id = ?1 AND lane = ?2 AND status = 'pending' AND due_at IS NOT NULL) \
         AND NOT EXISTS (SELECT 1 FROM sources WHERE id = ?2 AND paused_at IS NOT NULL) RETURNING 1",
        &[endpoint.as_str().into(), lane.into(), now_ms.into()],
    )?;
    Ok(!advanced.is_empty())
}

/// Lets what there is of a source wait: to be called where it is paused. What is under way is not called back.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn hold(tx: &Tx<'_>, source: &SourceId) -> Result<(), SqlError> {
    tx.write(
        "UPDATE deliveries SET due_at = NULL WHERE rowid IN (SELECT d.rowid FROM endpoints e CROSS JOIN deliveries d \
         WHERE d.endpoint_id = e.id AND d.lane = ?1 AND d.status = 'pending' AND d.due_at IS NOT NULL)",
        &[source.as_str().into()],
    )
    .map(|_| ())
}

/// Lets what waits for a paused source go on, in order: to be called where it is no longer paused.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn release(ctx: Context<'_>, tx: &Tx<'_>, source: &SourceId) -> Result<(), AppError> {
    tx.write(
        "UPDATE deliveries SET due_at = ?1 WHERE rowid IN (SELECT d.rowid FROM endpoints e CROSS JOIN deliveries d \
         WHERE NOT e.ordered AND d.endpoint_id = e.id AND d.lane = ?2 AND d.status = 'pending' AND d.due_at IS NULL \
         UNION ALL SELECT (SELECT d.rowid FROM deliveries d WHERE d.endpoint_id = e.id AND d.lane = ?2 \
         AND d.status = 'pending' AND d.due_at IS NULL ORDER BY d.rowid LIMIT 1) FROM endpoints e \
         WHERE e.ordered AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.lane = ?2 \
         AND d.status = 'pending' AND d.due_at IS NOT NULL))",
        &[ctx.now_ms.into(), source.as_str().into()],
    )?;
    wake(ctx);
    Ok(())
}

/// Puts an endpoint's deliveries in order, or lets them go out of it: to be called where `ordered` has been changed.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn reorder(ctx: Context<'_>, tx: &Tx<'_>, endpoint: &EndpointId) -> Result<(), AppError> {
    const MINE: &str = "UPDATE deliveries SET due_at = ";
    // All but the one that is due first wait; in a lane of a paused source all wait in either case.
    tx.write(
        &format!(
            "{MINE} NULL WHERE endpoint_id = ?1 AND due_at IS NOT NULL \
             AND (SELECT ordered FROM endpoints WHERE id = ?1) AND rowid NOT IN (SELECT MIN(rowid) FROM deliveries \
             WHERE endpoint_id = ?1 AND status = 'pending' AND due_at IS NOT NULL GROUP BY lane)"
        ),
        &[endpoint.as_str().into()],
    )?;
    tx.write(
        &format!(
            "{MINE} ?2 WHERE endpoint_id = ?1 AND status = 'pending' AND due_at IS NULL \
             AND NOT (SELECT ordered FROM endpoints WHERE id = ?1) \
             AND NOT EXISTS (SELECT 1 FROM sources WHERE id = deliveries.lane AND paused_at IS NOT NULL)"
        ),
        &[endpoint.as_str().into(), ctx.now_ms.into()],
    )?;
    wake(ctx);
    Ok(())
}
