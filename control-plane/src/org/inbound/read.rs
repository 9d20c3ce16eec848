//! Stored events as they are read. Every list goes by an index from where it begins to where it ends, so that a page costs
//! the same however many events there are.

use super::{oldest, place, split};
use crate::context::Context;
use crate::error::AppError;
use crate::org::dek;
use crate::store::{self, Row, SqlError, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::api::{DeliveryStatus, InboundEvent, InboundEventSummary, List};
use protocol::call::EventFilter;
use protocol::time::rfc3339;
use protocol::{Code, InboundEventId, Page};
use vault::Sealed;

/// Deliveries that one page looks through.
const LOOKED_THROUGH: u64 = 1000;

/// The columns of [`summary`], of `inbound_events`. The last is the worst of an event's deliveries.
pub(super) const COLUMNS: &str = "inbound_events.rowid, inbound_events.id, source_id, provider, provider_event_id, \
    inbound_events.event_type, received_at, duplicate_count, inbound_events.size, \
    (SELECT CASE MAX(CASE d.status WHEN 'failed' THEN 3 WHEN 'pending' THEN 2 ELSE 1 END) \
     WHEN 3 THEN 'failed' WHEN 2 THEN 'pending' WHEN 1 THEN 'delivered' END \
     FROM messages m JOIN deliveries d ON d.message_id = m.id WHERE m.inbound_event_id = inbound_events.id)";

/// The number of the first row that was received at a time or later; one that no row has where none was. Rows are as old as
/// their numbers say, so a time is a place in their order.
///
/// # Errors
/// Those of the database.
pub(super) fn row_at(ctx: Context<'_>, time: u64) -> Result<u64, SqlError> {
    let row = ctx.store.first(
        "SELECT rowid FROM inbound_events WHERE received_at >= ? ORDER BY received_at, rowid LIMIT 1",
        &[time.into()],
    )?;
    row.map_or(Ok(store::NEWEST), |row| row.number(0))
}

pub(in crate::org) fn list(
    ctx: Context<'_>,
    filter: &EventFilter,
    page: &Page,
) -> Result<List<InboundEventSummary>, AppError> {
    if let Some(status) = filter.forwarding {
        return forwarded(ctx, filter, status, page);
    }
    let first = row_at(ctx, filter.since.unwrap_or_default().max(oldest(ctx)))?;
    let mut page = page.clone();
    if let Some(until) = filter.until {
        page.cursor = Some(row_at(ctx, until)?.min(store::before(&page)?).to_string());
    }
    let conditions: [(&'static str, Option<Value>); 3] = [
        ("rowid >= ?", Some(first.into())),
        ("source_id = ?", filter.source.as_ref().map(|id| id.as_str().into())),
        ("inbound_events.event_type = ?", filter.event_type.as_deref().map(Into::into)),
    ];
    let conditions = conditions.into_iter().filter_map(|(text, value)| value.map(|value| (text, value)));
    store::list(ctx.store, &format!("SELECT {COLUMNS} FROM inbound_events"), conditions, &page, summary)
}

/// Events with a delivery in this state, found by their deliveries, newest first. Those of other sources and types are
/// passed over: where there are many, a page may hold fewer events than were asked for, and another follows.
fn forwarded(
    ctx: Context<'_>,
    filter: &EventFilter,
    status: DeliveryStatus,
    page: &Page,
) -> Result<List<InboundEventSummary>, AppError> {
    let (before, limit) = (store::before(page)?, page.limit() as usize);
    let mut rows = ctx.store.query(
        &format!(
            "SELECT {COLUMNS}, found.row FROM (SELECT rowid AS row, message_id FROM deliveries \
             WHERE status = ?1 AND lane <> '' AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3) found \
             CROSS JOIN messages ON messages.id = found.message_id \
             CROSS JOIN inbound_events ON inbound_events.id = messages.inbound_event_id \
             WHERE received_at >= ?4 AND received_at < ?5 AND (?6 IS NULL OR source_id = ?6) \
             AND (?7 IS NULL OR inbound_events.event_type = ?7) \
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = found.message_id AND d.status = ?1 \
             AND d.lane <> '' AND d.rowid > found.row) ORDER BY found.row DESC LIMIT ?8"
        ),
        &[
            status.as_str().into(),
            before.into(),
            LOOKED_THROUGH.into(),
            filter.since.unwrap_or_default().max(oldest(ctx)).into(),
            filter.until.unwrap_or(store::NEWEST).into(),
            filter.source.as_ref().map(protocol::SourceId::as_str).into(),
            filter.event_type.as_deref().into(),
            (page.limit() + 1).into(),
        ],
    )?;
    let next = if rows.len() > limit {
        rows.truncate(limit);
        rows.last().map(|row| row.number(10)).transpose()?
    } else {
        let last = ctx.store.first(
            "SELECT rowid FROM deliveries WHERE status = ? AND lane <> '' AND rowid < ? ORDER BY rowid DESC \
             LIMIT 1 OFFSET ?",
            &[status.as_str().into(), before.into(), (LOOKED_THROUGH - 1).into()],
        )?;
        last.map(|row| row.number(0)).transpose()?
    };
    Ok(List {
        data: rows.iter().map(summary).collect::<Result<_, _>>()?,
        next_cursor: next.map(|row| row.to_string()),
    })
}

pub(in crate::org) fn get(ctx: Context<'_>, id: &InboundEventId) -> Result<InboundEvent, AppError> {
    let row = ctx
        .store
        .first(
            &format!("{} WHERE inbound_events.id = ? AND received_at >= ?", select_whole()),
            &[id.as_str().into(), oldest(ctx).into()],
        )?
        .ok_or(Code::NotFound)?;
    whole(ctx, &row)
}

/// What [`whole`] reads.
pub(super) fn select_whole() -> String {
    format!(
        "SELECT {COLUMNS}, (SELECT id FROM messages WHERE inbound_event_id = inbound_events.id), sealed \
         FROM inbound_events"
    )
}

/// An event with its body.
///
/// # Errors
/// Those of the vault.
pub(super) fn whole(ctx: Context<'_>, row: &Row) -> Result<InboundEvent, AppError> {
    let summary = summary(row)?;
    let sealed = Sealed::from_bytes(row.blob(11)?)?;
    let plaintext = dek::open(ctx, &place(ctx.org, &summary.id, &summary.provider), &sealed)?;
    let (headers, body) = split(&plaintext).ok_or(AppError::Encoding)?;
    Ok(InboundEvent {
        message_id: row.optional_text(10)?.map(|_| row.parse(10)).transpose()?,
        summary,
        headers: serde_json::from_slice(headers)?,
        body_base64: STANDARD.encode(body),
    })
}

fn summary(row: &Row) -> Result<InboundEventSummary, SqlError> {
    Ok(InboundEventSummary {
        id: row.parse(1)?,
        source_id: row.parse(2)?,
        provider: row.text(3)?.to_owned(),
        provider_event_id: row.optional_text(4)?.map(str::to_owned),
        event_type: row.optional_text(5)?.map(str::to_owned),
        received_at: rfc3339(row.number(6)?),
        duplicate_count: row.number(7)?,
        size: row.number(8)?,
        forwarding: row
            .optional_text(9)?
            .map(|status| DeliveryStatus::parse(status).ok_or(SqlError::Row))
            .transpose()?,
    })
}
