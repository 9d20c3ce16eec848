//! The one place that knows how much of a key's quota is spent.
//!
//! Invariant: a request is granted once, here, and never again; what an isolate claims or wants only makes it fewer.

use core::hash::Hash;

use super::Lease;
use crate::quota::{NANOS_PER_MILLI, Quota};
use crate::table::{Decision, Table};

/// A lease holds at most one in so many of the requests that are free, so that who asks first leaves most to the others:
/// the n-th isolate to ask for much still finds `(3/4)^n` of the burst. When few are free each gets one, in turn.
const SHARE: u32 = 4;
/// A lease lives at most one in so many of the quota's window, which bounds the overshoot by that part of the limit.
const WINDOW_SHARE: u64 = 8;
/// Below this, a request is granted one at a time: an eighth of the limit would be no request.
const LEAST_LIMIT: u32 = 8;

/// What leases may cost; see the [theorem](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// The whole limit as a burst; over all isolates at most what accrues in one lease's life too much.
    Bounded,
    /// Never more than the quota in any interval; the burst is smaller by what accrues in one lease's life.
    Exact,
}

/// Owns the GCRA state of its keys and leases from it. One per tenant, in memory.
pub struct Home<K> {
    table: Table<K>,
    strictness: Strictness,
    ttl_ms: u32,
}

impl<K: Copy + Eq + Hash> Home<K> {
    /// A home for about `capacity` keys at once; `seed` is secret and random, drawn for this home. A lease lives `ttl_ms`
    /// or an eighth of its quota's window, whichever is shorter. With 0 each request has to ask, and both kinds of
    /// strictness are exact with the whole burst.
    #[must_use]
    pub fn new(capacity: usize, seed: [u8; 16], strictness: Strictness, ttl_ms: u32) -> Self {
        Self { table: Table::new(capacity, seed), strictness, ttl_ms }
    }

    /// Counts the request of `key` that asks, at `now_ms` (unix milliseconds), and leases up to `ahead` more.
    ///
    /// A quota of fewer than 8 requests is never leased from: each request asks.
    pub fn lease(&mut self, key: K, quota: Quota, ahead: u32, now_ms: u64) -> Lease {
        let ttl_ms = self.ttl_of(quota);
        let quota = self.held(quota);
        let most = if ttl_ms == 0 { 0 } else { self.table.peek(key, quota, now_ms).remaining / SHARE };
        let (granted, decision) = self.table.take_up_to(key, quota, ahead.min(most) + 1, now_ms);
        // A client that was told to wait for a second can be refused for that second without a call.
        let refused = |seconds: u32| self.ttl_ms.min(seconds.saturating_mul(1000));
        Lease {
            decision,
            ahead: granted.saturating_sub(1),
            ttl_ms: decision.retry_after_seconds.map_or(ttl_ms, refused),
        }
    }

    /// What a request of `key` that asks for no lease would get, without counting it.
    #[must_use]
    pub fn peek(&self, key: K, quota: Quota, now_ms: u64) -> Decision {
        self.table.peek(key, self.held(quota), now_ms)
    }

    /// Takes up what `key` owed to an earlier home ([`Table::owe`]).
    pub fn owe(&mut self, key: K, whole_at_ms: u64, now_ms: u64) {
        self.table.owe(key, whole_at_ms, now_ms);
    }

    /// The quota as it is granted from.
    fn held(&self, quota: Quota) -> Quota {
        match self.strictness {
            Strictness::Bounded => quota,
            Strictness::Exact => quota.reserving(u64::from(self.ttl_of(quota)) * NANOS_PER_MILLI),
        }
    }

    fn ttl_of(&self, quota: Quota) -> u32 {
        if quota.limit() < LEAST_LIMIT {
            return 0;
        }
        let longest = quota.window_nanos() / NANOS_PER_MILLI / WINDOW_SHARE;
        self.ttl_ms.min(u32::try_from(longest).unwrap_or(u32::MAX))
    }
}
