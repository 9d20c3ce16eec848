//! A limiter of one client whose state is one number, to be kept in a row: exact, and the same for every caller.

use crate::Quota;
use crate::table::Decision;

const MICROS_PER_MILLI: u64 = 1_000;
const MICROS_PER_SECOND: u64 = 1_000_000;

/// When a client's allowance is whole again (GCRA's theoretical arrival time), Unix microseconds: below 2^53 until 2255,
/// so that it survives as a JavaScript number. Zero, the default, is a client that has spent nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tat(u64);

impl Tat {
    /// The number as it was kept.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The number to keep.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Counts a request at `now_ms` (Unix milliseconds) and says whether it may go on. A refused request costs nothing.
    /// Keep the number either way.
    ///
    /// The clock may step back: a client then waits at most one period.
    pub fn check(&mut self, quota: Quota, now_ms: u64) -> Decision {
        let (cost, window) = costs(quota);
        let before = self.debt(quota, now_ms);
        let allowed = before + cost <= window;
        let debt = if allowed { before + cost } else { before };
        // Refused or not: what a clock from the future has left is cut down to what can be owed now.
        self.owe(debt, now_ms);
        Decision {
            allowed,
            limit: quota.limit(),
            remaining: ((window - debt) / cost) as u32,
            reset_after_seconds: seconds(debt),
            retry_after_seconds: (!allowed).then(|| seconds((before + cost).saturating_sub(window))),
        }
    }

    /// Gives one counted request back.
    pub fn forgive(&mut self, quota: Quota, now_ms: u64) {
        let debt = self.debt(quota, now_ms).saturating_sub(costs(quota).0);
        self.owe(debt, now_ms);
    }

    /// When the next request will be allowed, Unix milliseconds, rounded up; a time that is over if it is so already.
    #[must_use]
    pub const fn allowed_at_ms(self, quota: Quota) -> u64 {
        let (cost, window) = costs(quota);
        (self.0 + cost).saturating_sub(window).div_ceil(MICROS_PER_MILLI)
    }

    /// When nothing is owed any more, Unix milliseconds, rounded up.
    #[must_use]
    pub const fn whole_at_ms(self) -> u64 {
        self.0.div_ceil(MICROS_PER_MILLI)
    }

    /// Microseconds. Never more than the quota lets a client owe, as in [`crate::Table`].
    fn debt(self, quota: Quota, now_ms: u64) -> u64 {
        self.0.saturating_sub(micros(now_ms)).min(costs(quota).1)
    }

    fn owe(&mut self, debt: u64, now_ms: u64) {
        *self = Self(if debt == 0 { 0 } else { micros(now_ms).saturating_add(debt) });
    }
}

/// What one request costs and the most that a client can owe, microseconds: the cheapest request costs exactly one.
const fn costs(quota: Quota) -> (u64, u64) {
    let cost = quota.emission_nanos().div_ceil(1_000);
    (cost, cost * quota.limit() as u64)
}

const fn micros(now_ms: u64) -> u64 {
    now_ms.saturating_mul(MICROS_PER_MILLI)
}

/// Rounded up: a client that waits so long is allowed.
const fn seconds(micros: u64) -> u32 {
    micros.div_ceil(MICROS_PER_SECOND) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_800_000_000_000;

    fn quota() -> Quota {
        Quota::new(10, 900).unwrap()
    }

    #[test]
    fn the_limit_at_once_then_one_an_interval() {
        let mut tat = Tat::default();
        for left in (0..10).rev() {
            let decision = tat.check(quota(), NOW);
            assert!(decision.allowed);
            assert_eq!(decision.remaining, left);
        }
        let refused = tat.check(quota(), NOW);
        assert_eq!((refused.allowed, refused.retry_after_seconds), (false, Some(90)));
        assert!(!tat.check(quota(), NOW + 89_999).allowed);
        assert!(tat.check(quota(), NOW + 90_000).allowed);
        assert_eq!(tat.whole_at_ms(), NOW + 990_000);
    }

    #[test]
    fn a_cost_that_is_no_whole_number_still_gives_the_whole_limit() {
        let quota = Quota::new(7, 60).unwrap();
        let mut tat = Tat::default();
        assert_eq!((0..10).filter(|_| tat.check(quota, NOW).allowed).count(), 7);
    }

    #[test]
    fn what_is_forgiven_was_never_spent() {
        let mut tat = Tat::default();
        for _ in 0..1000 {
            assert!(tat.check(quota(), NOW).allowed);
            tat.forgive(quota(), NOW);
        }
        assert_eq!(tat, Tat::default());
        tat.forgive(quota(), NOW);
        assert_eq!(tat, Tat::default());
    }

    #[test]
    fn a_clock_that_steps_back_locks_nobody_out_for_longer_than_a_period() {
        let mut tat = Tat::default();
        assert!(tat.check(quota(), NOW + 1_000_000_000).allowed);
        let refused = tat.check(quota(), NOW);
        assert!(refused.retry_after_seconds.is_none_or(|seconds| seconds <= 900));
        assert!(tat.check(quota(), NOW + 900_000).allowed);
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_any_window(
            limit in 1u32..20, period in 1u32..1000, steps in prop::collection::vec(0u64..100_000, 1..80),
        ) {
            let quota = Quota::new(limit, period).unwrap();
            let (mut tat, mut now, mut allowed) = (Tat::default(), NOW, Vec::new());
            for step in steps {
                now += step;
                prop_assert_eq!(tat.clone().check(quota, now).allowed, tat.allowed_at_ms(quota) <= now);
                if tat.check(quota, now).allowed {
                    allowed.push(now);
                }
            }
            // In a period T from any request on: the burst, and what one more T gives back.
            for (at, first) in allowed.iter().enumerate() {
                let within = allowed.iter().skip(at).filter(|t| *t - first < u64::from(period) * 1000).count();
                prop_assert!(within <= 2 * limit as usize);
            }
        }
    }
}
