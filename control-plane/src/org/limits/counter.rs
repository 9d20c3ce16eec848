//! The counts behind the limits: in memory, so that a call costs no statement, and written down now and then, because the
//! platform takes an object out of memory when nobody calls for about a minute.
//!
//! Invariant: what such a sleep forgets is less than [`STEP_MS`] of a limit, which accrues in that time anyway. A limit that
//! is whole again by then is never written down.

use crate::context::{Context, random};
use crate::error::AppError;
use crate::store::SqlError;
use std::collections::HashMap;
use throttle::{Decision, Home, Lease, Quota, Strictness};

/// Principals and connections that are counted at once: twice those that there are, 48 bytes each, so that an org may grow
/// while its object is awake. In a fuller table each is held to its rate and loses its burst.
const CAPACITY: std::ops::RangeInclusive<u64> = 256..=16_384;
/// A debt is written down when it is this much longer than the one that was written last: of a limit with a period `p`
/// every `limit * 10 s / p` requests, at most each one.
const STEP_MS: u64 = 10_000;
/// The shortest sleep, about: a period that is no longer is over by then.
const SLEEP_SECONDS: u32 = 60;

/// Who is counted: an id's bytes filled up with zeros, which is one-to-one, or only zeros for the whole org.
pub(super) type Subject = [u8; 32];
pub(super) const WHOLE_ORG: Subject = [0; 32];

pub(super) fn subject(id: &str) -> Subject {
    let mut subject = WHOLE_ORG;
    for (to, from) in subject.iter_mut().zip(id.bytes()) {
        *to = from;
    }
    subject
}

fn text(subject: &Subject) -> String {
    subject.iter().take_while(|byte| **byte != 0).copied().map(char::from).collect()
}

pub(super) struct Counter {
    home: Home<Subject>,
    /// When each debt that was written down ends, Unix ms.
    written: HashMap<Subject, u64>,
}

impl Counter {
    /// A counter that knows what was written down.
    ///
    /// # Errors
    /// Those of the database, and [`AppError::Platform`] where there is no randomness.
    pub(super) fn load(ctx: Context<'_>) -> Result<Self, AppError> {
        ctx.store.bookkeeping("DELETE FROM spent WHERE whole_at <= ?", &[ctx.now_ms.into()])?;
        let row = ctx.store.first(
            "SELECT (SELECT COUNT(*) FROM members) + (SELECT COUNT(*) FROM connections) \
             + (SELECT COUNT(*) FROM api_keys WHERE revoked_at IS NULL)",
            &[],
        )?;
        let principals = row.ok_or(SqlError::Row)?.number(0)?;
        let capacity = (2 * principals).clamp(*CAPACITY.start(), *CAPACITY.end()) as usize;
        // A lease lives no longer than the answer that it comes with.
        let lease_ms = ctx.config.revocation.max_staleness_seconds.saturating_mul(1000);
        let mut home = Home::new(capacity, random()?, Strictness::Bounded, lease_ms);
        let mut written = HashMap::new();
        for row in ctx.store.query("SELECT subject, whole_at FROM spent", &[])? {
            let (subject, whole_at) = (subject(row.text(0)?), row.number(1)?);
            home.owe(subject, whole_at, ctx.now_ms);
            written.insert(subject, whole_at);
        }
        Ok(Self { home, written })
    }

    /// What a request would get.
    pub(super) fn peek(&self, subject: Subject, quota: Quota, now_ms: u64) -> Decision {
        self.home.peek(subject, quota, now_ms)
    }

    /// Counts a request and leases up to `ahead` more.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) fn lease(
        &mut self,
        ctx: Context<'_>,
        subject: Subject,
        quota: Quota,
        ahead: u32,
    ) -> Result<Lease, AppError> {
        let lease = self.home.lease(subject, quota, ahead, ctx.now_ms);
        if quota.period_seconds() <= SLEEP_SECONDS {
            return Ok(lease);
        }
        let whole_at = ctx.now_ms + u64::from(lease.decision.reset_after_seconds) * 1000;
        let written = self.written.get(&subject).copied().unwrap_or_default().max(ctx.now_ms);
        if whole_at >= written + STEP_MS {
            ctx.store.tally(
                "INSERT INTO spent (subject, whole_at) VALUES (?, ?) \
                 ON CONFLICT (subject) DO UPDATE SET whole_at = excluded.whole_at",
                &[text(&subject).into(), whole_at.into()],
            )?;
            self.written.retain(|_, whole_at| *whole_at > ctx.now_ms);
            self.written.insert(subject, whole_at);
        }
        Ok(lease)
    }
}
