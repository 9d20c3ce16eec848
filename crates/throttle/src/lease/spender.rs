//! An isolate's leases.
//!
//! Invariant: a lease is over `ttl_ms` after it was asked for, by this isolate's clock, whenever its answer came; and
//! each of its requests is let through once. Whatever else goes wrong here (a slot displaced, an answer lost) loses
//! requests and never makes any.
//!
//! **How much to ask for.** Twice what the last lease held if it was used up, what was spent of it if not, nothing ahead
//! on first sight, after a refusal or after a pause of a lease's life. So a busy isolate reaches its share in a few
//! calls, one that is called once takes one request, and what can be lost is in proportion to what was used.

use core::hash::Hash;

use super::Lease;
use crate::Decision;
use crate::buckets::Buckets;

/// For how long an ask is thought to be on its way. Meanwhile other requests ask for themselves alone.
const PATIENCE_MS: u64 = 2000;

/// What a request gets from the isolate alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spend {
    /// Let through from a lease, or refused because the home refused a moment ago.
    Decided(Decision),
    /// Ask the home, with so many requests ahead, and give its answer to [`Spender::accept`].
    Ask {
        /// [`Home::lease`](super::Home::lease)'s `ahead`.
        ahead: u32,
    },
}

/// Leases by key, in a fixed amount of memory. Nothing is allocated after construction.
///
/// When a bucket is full, the lease that ends first gives way; its key asks again.
pub struct Spender<K> {
    slots: Buckets<Slot<K>>,
}

struct Slot<K> {
    key: K,
    lease: Lease,
    /// What is left of `lease.ahead`.
    left: u32,
    /// When the lease was asked for: its beginning.
    asked_ms: u64,
    /// When the next lease was asked for, if its answer is still to come.
    asking_ms: Option<u64>,
}

impl<K: Copy + Eq + Hash> Spender<K> {
    /// No leases, with room for about `capacity` keys. `seed` is secret and random, drawn for this spender.
    #[must_use]
    pub fn new(capacity: usize, seed: [u8; 16]) -> Self {
        Self { slots: Buckets::new(capacity, seed) }
    }

    /// Lets a request of `key` through at `now_ms` (unix milliseconds), refuses it, or says that it must ask.
    pub fn spend(&mut self, key: K, now_ms: u64) -> Spend {
        let slot = self.slots.of_mut(&key).flatten().find(|slot| slot.key == key);
        match slot.and_then(|slot| slot.spend(now_ms)) {
            Some(decision) => Spend::Decided(decision),
            None => Spend::Ask { ahead: self.ask(key, now_ms) },
        }
    }

    /// How many requests ahead to ask for. Also for a request that calls the home anyway, so that the next lease rides on
    /// its call; such a request is counted by the home and not spent here.
    pub fn ask(&mut self, key: K, now_ms: u64) -> u32 {
        let Some(place) = self.place(key, now_ms) else { return 0 };
        match place {
            Some(slot) if slot.key == key => slot.ask(now_ms),
            _ => {
                *place = Some(Slot::asking(key, now_ms));
                0
            }
        }
    }

    /// Takes the home's answer to the ask of `key` at `asked_ms` (the `now_ms` of that ask), and gives the decision for
    /// the request that asked.
    pub fn accept(&mut self, key: K, lease: Lease, asked_ms: u64, now_ms: u64) -> Decision {
        let decision = lease.decision;
        if let Some(place) = self.place(key, now_ms) {
            let slot = place.take().filter(|slot| slot.key == key);
            let slot = slot.unwrap_or_else(|| Slot::asking(key, asked_ms));
            *place = Some(slot.accept(lease, asked_ms, now_ms));
        }
        decision
    }

    /// The slot of `key`, or the one it may take: a free one, or else the one that ends first.
    fn place(&mut self, key: K, now_ms: u64) -> Option<&mut Option<Slot<K>>> {
        self.slots.of_mut(&key).min_by_key(|slot| match slot {
            Some(slot) if slot.key == key => (0, 0),
            Some(slot) if slot.is_live(now_ms) => (2, slot.ends_ms()),
            Some(_) | None => (1, 0),
        })
    }
}

impl<K> Slot<K> {
    /// A key of which nothing is known but that it has asked.
    fn asking(key: K, now_ms: u64) -> Self {
        let decision = Decision {
            allowed: true,
            limit: 0,
            remaining: 0,
            reset_after_seconds: 0,
            retry_after_seconds: None,
        };
        let lease = Lease { decision, ahead: 0, ttl_ms: 0 };
        Self { key, lease, left: 0, asked_ms: now_ms, asking_ms: Some(now_ms) }
    }

    fn ends_ms(&self) -> u64 {
        self.asked_ms.saturating_add(self.lease.ttl_ms.into())
    }

    /// A clock that was set back to before the lease ends it too.
    fn is_live(&self, now_ms: u64) -> bool {
        (self.asked_ms..self.ends_ms()).contains(&now_ms)
    }

    /// Live, or over for no longer than it was.
    fn is_recent(&self, now_ms: u64) -> bool {
        (self.asked_ms..self.ends_ms().saturating_add(self.lease.ttl_ms.into())).contains(&now_ms)
    }

    fn is_asking(&self, now_ms: u64) -> bool {
        self.asking_ms.is_some_and(|at| (at..at.saturating_add(PATIENCE_MS)).contains(&now_ms))
    }

    fn spend(&mut self, now_ms: u64) -> Option<Decision> {
        let decision = self.lease.decision;
        // One request asks whether the refusal still stands; the crowd behind it is not let loose on the home.
        let probing = !decision.allowed && self.is_asking(now_ms) && self.is_recent(now_ms);
        if !self.is_live(now_ms) && !probing {
            return None;
        }
        if let Some(seconds) = decision.retry_after_seconds {
            let passed = u32::try_from((now_ms - self.asked_ms) / 1000).unwrap_or(u32::MAX);
            let left = seconds.saturating_sub(passed).max(1);
            return Some(Decision { retry_after_seconds: Some(left), ..decision });
        }
        self.left = self.left.checked_sub(1)?;
        Some(Decision { remaining: decision.remaining.saturating_add(self.left), ..decision })
    }

    fn ask(&mut self, now_ms: u64) -> u32 {
        if self.is_asking(now_ms) {
            return 0;
        }
        self.asking_ms = Some(now_ms);
        if !self.lease.decision.allowed || !self.is_recent(now_ms) {
            return 0;
        }
        // With the request that asked on both sides: twice what was held, or what was spent.
        match self.left {
            0 => self.lease.ahead.saturating_mul(2).saturating_add(1),
            left => self.lease.ahead - left.min(self.lease.ahead),
        }
    }

    fn accept(self, lease: Lease, asked_ms: u64, now_ms: u64) -> Self {
        let answered = self.asking_ms == Some(asked_ms);
        let asking_ms = self.asking_ms.filter(|_| !answered);
        let held = if self.is_live(now_ms) { self.left } else { 0 };
        // The answer to a request that asked for itself alone says nothing about leases, unless it is a refusal.
        let tells = answered || lease.ahead > 0 || !lease.decision.allowed;
        let next = Self { key: self.key, left: lease.ahead, lease, asked_ms, asking_ms };
        let better = held == 0 || (next.is_live(now_ms) && next.left >= held);
        if tells && better { next } else { Self { key: next.key, asking_ms, ..self } }
    }
}
