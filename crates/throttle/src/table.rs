//! The limiter's memory: for each client the time at which its allowance is whole again (GCRA's theoretical arrival
//! time, TAT), in a table whose size never changes.
//!
//! Kept here: memory is bounded whatever clients do, and nobody gets a spent allowance back by pushing others, or
//! himself, out of the table.
//!
//! **Shape.** Slots in [buckets](crate::buckets); a keyed hash picks a client's bucket. A slot whose TAT has passed is free:
//! it says no more than an absent one. So a slot is taken only by a client that spent something lately.
//!
//! **When a bucket is full of live slots** a newcomer takes the slot with the nearest TAT *and that slot's debt with it*
//! (as the Space-Saving sketch does with counts), up to one request short of its own limit. What follows:
//! - Fresh addresses cannot wash out a heavy client's counter: they have the least debt, so they displace each other. A
//!   slot is pushed out only when its whole bucket owes more, and the hash key keeps an attacker from aiming at a
//!   bucket: he would have to put as much debt as the victim's on every slot of the table.
//! - Whoever was pushed out and comes back inherits a debt no smaller than his own was: with one quota for the table, a
//!   push-out is worth at most one request, never a fresh burst.
//! - Under such a flood newcomers are held to the sustained rate instead of a burst, and their first request is always
//!   allowed: the flood costs innocent clients their burst, not the service.
//!
//! Use one table for quotas of one kind (addresses, keys, sign-in): debts are compared in time, so a tight quota's
//! clients would sit on the slots of a table shared with a loose one.

use core::hash::Hash;

use crate::buckets::Buckets;
use crate::quota::{NANOS_PER_MILLI, NANOS_PER_SECOND, Quota};

#[cfg(test)]
mod tests;

/// What one request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may go on.
    pub allowed: bool,
    /// The quota's limit.
    pub limit: u32,
    /// Requests that would still be allowed now, after this one.
    pub remaining: u32,
    /// Seconds, rounded up, until the whole quota is back.
    pub reset_after_seconds: u32,
    /// For a refused request: seconds, rounded up, after which one is allowed. At least 1.
    pub retry_after_seconds: Option<u32>,
}

/// A bounded map from client to TAT.
///
/// About `size_of::<K>() + 16` bytes a slot, allocated at construction. A check is one SipHash-1-3 of the key and a scan
/// of one bucket.
pub struct Table<K> {
    slots: Buckets<Slot<K>>,
}

#[derive(Clone, Copy)]
struct Slot<K> {
    key: K,
    /// Unix nanoseconds: enough for the year 2554.
    tat: u64,
}

impl<K: Copy + Eq + Hash> Table<K> {
    /// An empty table for about `capacity` clients at once. `seed` is secret and random, drawn for this table.
    #[must_use]
    pub fn new(capacity: usize, seed: [u8; 16]) -> Self {
        Self { slots: Buckets::new(capacity, seed) }
    }

    /// Counts a request of `key` at `now_ms` (unix milliseconds) and says whether it may go on. A refused request costs
    /// the client nothing.
    ///
    /// The clock may step back: a client then waits at most one period, and gets no more than the clock's steps
    /// forward would have given it.
    pub fn check(&mut self, key: K, quota: Quota, now_ms: u64) -> Decision {
        self.take_up_to(key, quota, 1, now_ms).1
    }

    /// Counts as many of `n` requests of `key` as the quota has free at `now_ms` (0 counts as 1). How many those are, and
    /// the decision: allowed where it is at least one.
    pub fn take_up_to(&mut self, key: K, quota: Quota, n: u32, now_ms: u64) -> (u32, Decision) {
        let now = nanos(now_ms);
        let Some(slot) = self.slots.of_mut(&key).min_by_key(|slot| rank(slot, &key, now)) else {
            return decide(quota, quota.window_nanos(), n);
        };
        let debt = debt(slot, &key, quota, now);
        let (taken, decision) = decide(quota, debt, n);
        let debt = debt + quota.emission_nanos() * u64::from(taken);
        *slot = Some(Slot { key, tat: now.saturating_add(debt) });
        (taken, decision)
    }

    /// Gives one counted request of `key` back, where nobody has taken its slot since.
    pub fn give_back(&mut self, key: K, quota: Quota, now_ms: u64) {
        let now = nanos(now_ms);
        let mut slots = self.slots.of_mut(&key).flatten();
        if let Some(slot) = slots.find(|slot| slot.key == key && slot.tat > now) {
            let debt = (slot.tat - now).min(quota.window_nanos());
            slot.tat = now.saturating_add(debt.saturating_sub(quota.emission_nanos()));
        }
    }

    /// Takes up what `key` owed before this table was made: its allowance is whole at `whole_at_ms` (unix milliseconds), no
    /// sooner. A debt beyond the quota by which it is next checked counts as the whole quota.
    pub fn owe(&mut self, key: K, whole_at_ms: u64, now_ms: u64) {
        let now = nanos(now_ms);
        if let Some(slot) = self.slots.of_mut(&key).min_by_key(|slot| rank(slot, &key, now)) {
            let known = slot.as_ref().map_or(0, |slot| slot.tat);
            *slot = Some(Slot { key, tat: nanos(whole_at_ms).max(known) });
        }
    }

    /// What [`check`](Self::check) would answer, without counting a request.
    #[must_use]
    pub fn peek(&self, key: K, quota: Quota, now_ms: u64) -> Decision {
        let now = nanos(now_ms);
        let slot = self.slots.of(&key).min_by_key(|slot| rank(slot, &key, now));
        decide(quota, slot.map_or(quota.window_nanos(), |slot| debt(slot, &key, quota, now)), 1).1
    }
}

/// Which slot of a bucket a key takes, the lowest first: its own, a free one, the one nearest to being free.
fn rank<K: Eq>(slot: &Option<Slot<K>>, key: &K, now: u64) -> (u8, u64) {
    match slot {
        Some(slot) if slot.key == *key => (0, 0),
        Some(slot) if slot.tat > now => (2, slot.tat),
        _ => (1, 0),
    }
}

/// What `key` owes, in nanoseconds, when it takes `slot`.
///
/// Never more than its quota lets it owe. Without that bound a clock that steps back (or a quota that was made
/// tighter) would lock the client out until the old time comes round again.
fn debt<K: Eq>(slot: &Option<Slot<K>>, key: &K, quota: Quota, now: u64) -> u64 {
    let Some(slot) = slot else { return 0 };
    let most =
        if slot.key == *key { quota.window_nanos() } else { quota.window_nanos() - quota.emission_nanos() };
    slot.tat.saturating_sub(now).min(most)
}

/// How many of `n` requests a client may send that owes `debt` nanoseconds before them, and the decision.
fn decide(quota: Quota, debt: u64, n: u32) -> (u32, Decision) {
    let (window, emission) = (quota.window_nanos(), quota.emission_nanos());
    // At most the limit, since the window is at most the limit's.
    let free = (window.saturating_sub(debt) / emission) as u32;
    let taken = n.max(1).min(free);
    let after = debt + emission * u64::from(taken);
    let wait = (debt + emission).saturating_sub(window);
    let decision = Decision {
        allowed: taken > 0,
        limit: quota.limit(),
        remaining: free - taken,
        reset_after_seconds: seconds(after),
        retry_after_seconds: (taken == 0).then(|| seconds(wait)),
    };
    (taken, decision)
}

fn nanos(ms: u64) -> u64 {
    ms.saturating_mul(NANOS_PER_MILLI)
}

/// Rounded up: a client that waits so long is allowed.
fn seconds(nanos: u64) -> u32 {
    nanos.div_ceil(NANOS_PER_SECOND) as u32
}
