//! `POST /v1/endpoints/{id}/recover`: what an endpoint has missed is sent again, oldest first, a batch a call, so that nothing
//! that failed while it was down is lost.

use super::scope;
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse, time};
use crate::org::actor::Actor;
use crate::org::{change, deliveries, inbound};
use crate::reply::Reply;
use crate::store::Event;
use protocol::EndpointId;
use protocol::api::{Recover, Replayed};
use protocol::time::rfc3339;

/// Deliveries of one call: some 20 milliseconds, so that nobody's call waits for long.
const BATCH: usize = 500;

/// What has failed after a row, of messages of a time, and can still be sent. What somebody has skipped stays so.
const FAILED: &str = "SELECT d.rowid, d.message_id FROM deliveries d WHERE d.endpoint_id = ? AND d.status = 'failed' \
    AND d.rowid > ? AND d.reason IS NOT 'skipped' AND EXISTS (SELECT 1 FROM messages m WHERE m.id = d.message_id \
      AND m.created_at >= ? AND m.created_at < ? AND (m.inbound_event_id IS NULL \
        OR EXISTS (SELECT 1 FROM inbound_events i WHERE i.id = m.inbound_event_id AND i.received_at >= ?))) \
    ORDER BY d.rowid LIMIT ?";

/// Puts them on their way.
pub(in crate::org) fn recover(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &EndpointId,
) -> Result<Reply, AppError> {
    /// 2^53 - 1: integers cross into JavaScript as doubles.
    const LAST: u64 = (1 << 53) - 1;
    let request: Recover = parse(body)?;
    let since = time("since", &request.since)?;
    let until = match request.until.as_deref() {
        Some(text) => time("until", text)?,
        // What fails from here on was not missed yet.
        None => ctx.now_ms + 1,
    };
    let after = match request.cursor.as_deref() {
        Some(cursor) => cursor
            .parse()
            .ok()
            .filter(|row| *row <= LAST)
            .ok_or_else(|| field("cursor", "must be the next_cursor of the last call"))?,
        None => 0u64,
    };

    change::answer(ctx, actor, body, 202, |tx| {
        let gets_events = !scope::target(ctx, actor, id)?.sources.is_empty();
        scope::may_deliver(ctx, actor, gets_events)?;
        let mut rows = ctx.store.query(
            FAILED,
            &[
                id.as_str().into(),
                after.into(),
                since.max(deliveries::oldest(ctx)).into(),
                until.into(),
                inbound::oldest(ctx).into(),
                (BATCH as u64 + 1).into(),
            ],
        )?;
        let more = rows.len() > BATCH;
        rows.truncate(BATCH);
        let last = rows.last().map(|row| row.number(0)).transpose()?;
        for row in &rows {
            deliveries::rearm(ctx, tx, &row.parse(1)?, id)?;
        }
        let event = Event::new("endpoint.recovered", id)
            .with("since", rfc3339(since))
            .with("until", rfc3339(until))
            .with("deliveries", rows.len());
        let recovered = Replayed {
            deliveries: rows.len() as u64,
            next_cursor: last.filter(|_| more).map(|row| row.to_string()),
        };
        tx.commit(&ctx.subject(actor.name()), event, recovered)
    })
}
