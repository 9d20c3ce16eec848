//! Requests to a source that were refused: what the tenant is told of them, and when they are too many (claim C6).
//!
//! Anybody who knows a source's URL can cause them, so a report is bounded work and bounded rows however many come, and an
//! alarm goes off once, not once each.

use super::messages::{OwnEvent, publish};
use super::notices::{self, Notice};
use crate::context::Context;
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use protocol::api::{List, Rejection};
use protocol::call::Rejections;
use protocol::time::rfc3339;
use protocol::{Code, Page, SourceId};
use serde_json::json;

/// Those of one cause and sender are one row for so long, ms.
const MERGED_MS: u64 = 60_000;
/// Rows kept of a source, the newest.
const KEPT: u64 = 100;
const MAX_REASON_CHARS: usize = 300;
const MAX_IP_CHARS: usize = 64;
/// No report says more.
const MAX_COUNT: u64 = 1_000_000;
/// Who is told by mail is so at most this often of one source that flares up again and again, ms.
const MAIL_EVERY_MS: u64 = 3_600_000;

pub(super) fn list(ctx: Context<'_>, source: &SourceId, page: &Page) -> Result<List<Rejection>, AppError> {
    super::sources::get(ctx, source)?;
    let kept = [("source_id = ?", source.as_str().into()), ("+at >= ?", super::inbound::oldest(ctx).into())];
    let select = "SELECT rowid, at, code, reason, ip, user_agent, count FROM rejections";
    store::list(ctx.store, select, kept, page, |row| {
        Ok(Rejection {
            at: rfc3339(row.number(1)?),
            code: row.text(2)?.to_owned(),
            reason: row.text(3)?.to_owned(),
            ip: row.text(4)?.to_owned(),
            user_agent: row.text(5)?.to_owned(),
            count: row.number(6)?,
        })
    })
}

/// Takes the edge's report.
///
/// # Errors
/// `NotFound` for a source that is not there; those of the database.
pub(super) fn record(ctx: Context<'_>, report: &Rejections) -> Result<Reply, AppError> {
    let count = report.count.clamp(1, MAX_COUNT);
    let code = match report.code.as_str() {
        code @ "timestamp_out_of_tolerance" => code,
        _ => "signature_invalid",
    };
    let reason = start_of(&report.reason, MAX_REASON_CHARS);
    let ip = start_of(&ctx.call.client.ip, MAX_IP_CHARS);
    let source = report.source.as_str();
    let row = ctx
        .store
        .first(
            "SELECT name, provider, failures_since, failures, failures_before, alerting_since, alerting_until, \
             (SELECT MAX(id) FROM rejections WHERE source_id = s.id AND at >= ? AND code = ? AND reason = ? AND ip = ?) \
             FROM sources s WHERE id = ?",
            &[
                (ctx.now_ms / MERGED_MS * MERGED_MS).into(),
                code.into(),
                reason.into(),
                ip.into(),
                source.into(),
            ],
        )?
        .ok_or(Code::NotFound)?;
    match row.optional_number(7)? {
        Some(same) => ctx.store.bookkeeping(
            "UPDATE rejections SET at = ?, count = count + ? WHERE id = ?",
            &[ctx.now_ms.into(), count.into(), same.into()],
        )?,
        None => {
            let user_agent = start_of(&ctx.call.client.user_agent, MAX_REASON_CHARS);
            ctx.store.bookkeeping(
                "INSERT INTO rejections (source_id, at, code, reason, ip, user_agent, count) VALUES (?, ?, ?, ?, ?, ?, ?)",
                &[
                    source.into(),
                    ctx.now_ms.into(),
                    code.into(),
                    reason.into(),
                    ip.into(),
                    user_agent.into(),
                    count.into(),
                ],
            )?;
            ctx.store.bookkeeping(
                "DELETE FROM rejections WHERE source_id = ?1 AND id <= \
                 (SELECT id FROM rejections WHERE source_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                &[source.into(), KEPT.into()],
            )?;
        }
    }
    let quota = ctx.config.detections.signature_failures;
    let period_ms = u64::from(quota.period_seconds) * 1000;
    let window = Window::read(&row)?.count(ctx.now_ms, period_ms, count);
    ctx.store.bookkeeping(
        "UPDATE sources SET rejected_count = rejected_count + ?, last_rejected_at = ?, failures_since = ?, failures = ?, \
         failures_before = ? WHERE id = ?",
        &[
            count.into(),
            ctx.now_ms.into(),
            window.since.into(),
            window.count.into(),
            window.before.into(),
            source.into(),
        ],
    )?;
    let failures = window.estimate(ctx.now_ms, period_ms);
    if failures > u64::from(quota.limit) {
        alert(ctx, &report.source, &row, failures)?;
    }
    Ok(Reply::no_content())
}

/// There are too many: told once, until a period has passed without.
fn alert(ctx: Context<'_>, source: &SourceId, row: &Row, failures: u64) -> Result<(), AppError> {
    let period_seconds = ctx.config.detections.signature_failures.period_seconds;
    let until = ctx.now_ms + u64::from(period_seconds) * 1000;
    if row.optional_number(6)?.is_some_and(|until| until > ctx.now_ms) {
        let still = "UPDATE sources SET alerting_until = ? WHERE id = ?";
        return Ok(ctx.store.bookkeeping(still, &[until.into(), source.as_str().into()])?);
    }
    let told_lately = row.optional_number(5)?.is_some_and(|since| since + MAIL_EVERY_MS > ctx.now_ms);
    ctx.store.transaction(|tx| {
        tx.write(
            "UPDATE sources SET alerting_since = ?, alerting_until = ? WHERE id = ?",
            &[ctx.now_ms.into(), until.into(), source.as_str().into()],
        )?;
        let event = OwnEvent::SourceSignatureFailures {
            source_id: source,
            provider: row.text(1)?,
            name: row.text(0)?,
            count: failures,
            period_seconds: period_seconds.into(),
        };
        publish(ctx, tx, &event)?;
        if !told_lately {
            notices::tell(ctx, tx, Notice::SignatureFailures { source: source.clone() })?;
        }
        let event = Event::new("source.signature_failures", source)
            .with("count", failures)
            .with("period_seconds", period_seconds);
        tx.commit(&ctx.subject(source.as_str()), event, ())
    })?;
    ctx.limits.borrow_mut().detected.push(json!({
        "level": "warn",
        "detection": "webhook_signature_failures",
        "org": ctx.org,
        "source": source,
        "count": failures,
        "request_id": ctx.call.request_id,
    }));
    Ok(())
}

/// Failures of the last period, by a sliding window of two counts: those of the period before count by the part of it that
/// is not over yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// When the current count began, Unix ms.
    since: u64,
    count: u64,
    before: u64,
}

impl Window {
    fn read(row: &Row) -> Result<Self, SqlError> {
        Ok(Self { since: row.number(2)?, count: row.number(3)?, before: row.number(4)? })
    }

    fn count(self, now_ms: u64, period_ms: u64, count: u64) -> Self {
        let since = now_ms - now_ms % period_ms;
        match since.checked_sub(self.since) {
            // A clock that went back counts on.
            None | Some(0) => Self { count: self.count.saturating_add(count), ..self },
            Some(past) => Self { since, count, before: if past == period_ms { self.count } else { 0 } },
        }
    }

    fn estimate(self, now_ms: u64, period_ms: u64) -> u64 {
        let left = period_ms.saturating_sub(now_ms.saturating_sub(self.since));
        self.count + self.before.saturating_mul(left) / period_ms
    }
}

fn start_of(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERIOD: u64 = 300_000;

    /// Reports of one failure each, at these times; the most that were ever estimated.
    fn peak(times: &[u64]) -> u64 {
        let mut window = Window { since: 0, count: 0, before: 0 };
        let mut peak = 0;
        for time in times {
            window = window.count(*time, PERIOD, 1);
            peak = peak.max(window.estimate(*time, PERIOD));
        }
        peak
    }

    #[test]
    fn a_burst_is_counted_in_full_also_across_two_windows() {
        let edge = 1000 * PERIOD;
        let burst: Vec<u64> = (0..12).map(|n| edge - 60 + n * 10).collect();
        assert!(peak(&burst) >= 11);
        assert_eq!(peak(&burst[..6]), 6);
    }

    #[test]
    fn what_is_long_over_does_not_count() {
        let old: Vec<u64> = (0..50).map(|n| 1000 * PERIOD + n).collect();
        let mut window = Window { since: 0, count: 0, before: 0 };
        for time in old {
            window = window.count(time, PERIOD, 1);
        }
        assert_eq!(window.count(1002 * PERIOD, PERIOD, 1).estimate(1002 * PERIOD, PERIOD), 1);
    }

    proptest! {
        #[test]
        fn a_trickle_below_the_limit_never_adds_up(start in 0u64..10_000_000, apart in 31_000u64..600_000) {
            // Less than ten in any period.
            let times: Vec<u64> = (0..100).map(|n| start + n * apart).collect();
            prop_assert!(peak(&times) <= 10, "{}", peak(&times));
        }

        #[test]
        fn no_time_or_count_overflows(times in proptest::collection::vec(0u64..1 << 53, 0..20)) {
            prop_assert!(peak(&times) <= 20);
        }
    }
}
