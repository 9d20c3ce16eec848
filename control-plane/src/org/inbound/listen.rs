//! A source's next events for a developer's machine: what is there at once, else what comes within 20 s. The call holds
//! nothing while it waits. A caller who may not listen any more is refused when something comes, and within
//! `revocation.max_staleness_seconds` where nothing does.

use super::oldest;
use super::read::{select_whole, whole};
use crate::context::Context;
use crate::error::AppError;
use crate::org::{readmit, sources};
use crate::remote::{Remote, within};
use crate::reply::Reply;
use crate::store::{self, SqlError};
use protocol::SourceId;
use protocol::api::Listened;

/// How long a call waits, ms.
const WAIT_MS: u64 = 20_000;
/// Events of one answer, and bytes of their bodies unless the first has more.
const MOST: u64 = 16;
const MAX_BYTES: u64 = 2 << 20;
/// Calls of one org that wait at a time.
const MOST_LISTENERS: usize = 32;

/// `GET /v1/sources/{id}/listen`.
pub(in crate::org) async fn listen(
    ctx: Context<'_>,
    remote: &impl Remote,
    source: &SourceId,
    after: Option<&str>,
) -> Result<Reply, AppError> {
    sources::get(ctx, source)?;
    let newest = newest(ctx)?;
    let Some(after) = after else {
        return Reply::json(200, &Listened { data: Vec::new(), cursor: newest.to_string() });
    };
    // Rows are numbered from the beginning again where all of them had outlived their retention.
    let after = Some(store::row_number(after)?).filter(|after| *after <= newest).unwrap_or_default();
    let _seat = Seat::take(ctx)?;
    let until = remote.now_ms() + WAIT_MS;
    let check_ms = u64::from(ctx.config.revocation.max_staleness_seconds.max(1)) * 1000;
    let mut check_at = ctx.now_ms + check_ms;
    loop {
        // From before the look on: what comes after it is not missed.
        let woken = ctx.limits.borrow().events.woken();
        let left = until.saturating_sub(remote.now_ms());
        if has_more(ctx, source, after)? || left == 0 {
            break;
        }
        within(remote, left.min(check_at.saturating_sub(remote.now_ms())), woken).await;
        // Also where other sources' events wake it all the time.
        if remote.now_ms() >= check_at {
            readmit(ctx.at(remote.now_ms()))?;
            check_at = remote.now_ms() + check_ms;
        }
    }
    let ctx = ctx.at(remote.now_ms());
    readmit(ctx)?;
    Reply::json(200, &next(ctx, source, after)?)
}

fn newest(ctx: Context<'_>) -> Result<u64, SqlError> {
    let row = ctx.store.first("SELECT COALESCE(MAX(rowid), 0) FROM inbound_events", &[])?;
    row.ok_or(SqlError::Row)?.number(0)
}

fn has_more(ctx: Context<'_>, source: &SourceId, after: u64) -> Result<bool, SqlError> {
    let row = ctx.store.first(
        "SELECT 1 FROM inbound_events WHERE source_id = ? AND rowid > ? LIMIT 1",
        &[source.as_str().into(), after.into()],
    )?;
    Ok(row.is_some())
}

fn next(ctx: Context<'_>, source: &SourceId, after: u64) -> Result<Listened, AppError> {
    let found = ctx.store.query(
        "SELECT rowid, size FROM inbound_events WHERE source_id = ? AND rowid > ? ORDER BY rowid LIMIT ?",
        &[source.as_str().into(), after.into(), MOST.into()],
    )?;
    let (mut last, mut bytes) = (after, 0);
    for row in &found {
        bytes += row.number(1)?;
        if bytes > MAX_BYTES && last > after {
            break;
        }
        last = row.number(0)?;
    }
    let rows = ctx.store.query(
        &format!(
            "{} WHERE source_id = ? AND inbound_events.rowid > ? AND inbound_events.rowid <= ? AND received_at >= ? \
             ORDER BY inbound_events.rowid",
            select_whole()
        ),
        &[source.as_str().into(), after.into(), last.into(), oldest(ctx).into()],
    )?;
    let data = rows.iter().map(|row| whole(ctx, row)).collect::<Result<_, _>>()?;
    Ok(Listened { data, cursor: last.to_string() })
}

/// A place among those who wait, until it is dropped.
struct Seat<'a>(Context<'a>);

impl<'a> Seat<'a> {
    fn take(ctx: Context<'a>) -> Result<Self, AppError> {
        let listeners = &mut ctx.limits.borrow_mut().listeners;
        if *listeners >= MOST_LISTENERS {
            return Err(AppError::limited(
                format_args!("this workspace has {MOST_LISTENERS} listeners already"),
                5,
            ));
        }
        *listeners += 1;
        Ok(Self(ctx))
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let listeners = &mut self.0.limits.borrow_mut().listeners;
        *listeners = listeners.saturating_sub(1);
    }
}
