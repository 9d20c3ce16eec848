use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::buckets::WAYS;
use crate::{ClientKey, client_key};

const NOW: u64 = 1_800_000_000_000;
const SEED: [u8; 16] = *b"a seed for tests";

fn quota(limit: u32, period_seconds: u32) -> Quota {
    Quota::new(limit, period_seconds).unwrap()
}

/// Sends `times` requests at once; how many were allowed.
fn burst(table: &mut Table<u64>, key: u64, quota: Quota, now: u64, times: usize) -> usize {
    (0..times).filter(|_| table.check(key, quota, now).allowed).count()
}

/// The same contract said another way: a leaky bucket in whole units, one a key, none ever pushed out.
#[derive(Default)]
struct Reference(HashMap<u64, (u128, u64)>);

impl Reference {
    fn check(&mut self, key: u64, limit: u32, period: u32, now: u64) -> bool {
        // A request adds `period * 1000` units; the level falls by `limit` units a millisecond; it holds `limit` requests.
        let cost = u128::from(period) * 1000;
        let (level, at) = self.0.get(&key).copied().unwrap_or((0, now));
        let level = level.saturating_sub(u128::from(now - at) * u128::from(limit));
        let allowed = level + cost <= cost * u128::from(limit);
        self.0.insert(key, (if allowed { level + cost } else { level }, now));
        allowed
    }
}

proptest! {
    /// Quotas whose emission interval is whole nanoseconds: every decision is the reference's.
    #[test]
    fn decisions_are_those_of_an_exact_leaky_bucket(
        (limit, period) in prop::sample::select(vec![(1, 1), (2, 1), (5, 60), (100, 60), (1000, 60), (600, 3600)]),
        steps in vec((0_u64..4, prop_oneof![3 => Just(0_u64), 2 => 0_u64..2000, 1 => 0_u64..100_000]), 1..400),
    ) {
        let (mut table, mut reference) = (Table::new(64, SEED), Reference::default());
        let mut now = NOW;
        for (key, wait) in steps {
            now += wait;
            let decision = table.check(key, quota(limit, period), now);
            prop_assert_eq!(decision.allowed, reference.check(key, limit, period, now));
        }
    }

    /// Claim M6. Any quota, any interval: never more than `limit` and what the interval itself earned.
    #[test]
    fn no_interval_has_more_than_a_burst_and_what_it_earned(
        limit in 1_u32..50, period in 1_u32..100,
        waits in vec(prop_oneof![3 => Just(0_u64), 2 => 0_u64..500, 1 => 0_u64..20_000], 1..200),
    ) {
        let mut table = Table::new(16, SEED);
        let mut now = NOW;
        let mut allowed = Vec::new();
        for wait in waits {
            now += wait;
            if table.check(1, quota(limit, period), now).allowed {
                allowed.push(now);
            }
        }
        for (i, from) in allowed.iter().enumerate() {
            for (j, to) in allowed.iter().enumerate().skip(i) {
                let earned = (to - from) * u64::from(limit) / (u64::from(period) * 1000);
                prop_assert!((j - i + 1) as u64 <= u64::from(limit) + earned);
            }
        }
    }

    /// A clock that jumps either way gives no more than its own steps forward earned, and locks nobody out for more
    /// than a period.
    #[test]
    fn a_clock_that_steps_back_neither_gives_more_nor_locks_out(
        limit in 1_u32..20, period in 1_u32..100, steps in vec(-200_000_i64..200_000, 1..200),
    ) {
        let quota = quota(limit, period);
        let mut table = Table::new(16, SEED);
        let (mut now, mut forward, mut allowed) = (NOW, 0_u64, 0_u64);
        for step in steps {
            now = now.saturating_add_signed(step);
            forward += step.max(0).unsigned_abs();
            allowed += u64::from(table.check(1, quota, now).allowed);
            prop_assert!(allowed <= u64::from(limit) + forward * u64::from(limit) / (u64::from(period) * 1000));
        }
        let rested = table.peek(1, quota, now + u64::from(period) * 1000 + 1);
        prop_assert_eq!(rested.remaining, limit - 1);
    }

    /// Waiting for Retry-After is enough, and the second before it is not.
    #[test]
    fn who_waits_for_retry_after_is_allowed(limit in 1_u32..2000, period in 1_u32..5000, early in 0_u64..1000) {
        let quota = quota(limit, period);
        let mut table = Table::new(16, SEED);
        burst(&mut table, 1, quota, NOW, limit as usize);
        let now = NOW + early.min(u64::from(period) * 1000 / u64::from(limit) / 2);
        let refused = table.check(1, quota, now);
        prop_assert!(!refused.allowed);
        let wait = u64::from(refused.retry_after_seconds.unwrap());
        prop_assert!(wait >= 1);
        prop_assert!(table.peek(1, quota, now + wait * 1000).allowed);
        prop_assert!(wait == 1 || !table.peek(1, quota, now + (wait - 1) * 1000).allowed);
        let reset = table.peek(1, quota, now + u64::from(refused.reset_after_seconds) * 1000);
        prop_assert_eq!(reset.remaining, limit - 1);
    }

    #[test]
    fn remaining_falls_by_one_in_a_burst_and_is_what_is_then_allowed(limit in 1_u32..200, period in 1_u32..100, used in 0_u32..200) {
        let quota = quota(limit, period);
        let mut table = Table::new(16, SEED);
        for i in 0..used.min(limit) {
            let peeked = table.peek(1, quota, NOW);
            let decision = table.check(1, quota, NOW);
            prop_assert_eq!(peeked, decision);
            prop_assert_eq!(decision.remaining, limit - 1 - i);
        }
        let left = table.peek(1, quota, NOW);
        let left = if left.allowed { left.remaining + 1 } else { 0 };
        prop_assert_eq!(burst(&mut table, 1, quota, NOW, 500), left as usize);
    }
}

#[test]
fn a_burst_of_the_limit_is_allowed_and_the_next_request_says_when_to_come_back() {
    let mut table = Table::new(16, SEED);
    assert_eq!(burst(&mut table, 1, quota(5, 60), NOW, 20), 5);
    assert_eq!(
        table.check(1, quota(5, 60), NOW),
        Decision {
            allowed: false,
            limit: 5,
            remaining: 0,
            reset_after_seconds: 60,
            retry_after_seconds: Some(12)
        }
    );
}

#[test]
fn one_clients_burst_takes_nothing_from_another() {
    let mut table = Table::new(64, SEED);
    burst(&mut table, 1, quota(5, 60), NOW, 100);
    assert_eq!(burst(&mut table, 2, quota(5, 60), NOW, 100), 5);
}

#[test]
fn a_tightened_quota_does_not_lock_its_client_out() {
    let mut table = Table::new(16, SEED);
    burst(&mut table, 1, quota(100, 3600), NOW, 100);
    let tightened = table.check(1, quota(1, 10), NOW);
    assert_eq!(tightened.retry_after_seconds, Some(10));
}

/// Claim M6. A client with a whole IPv6 network sends a million requests, each from a /64 of its own, 5,000 a second, and
/// tries its first address beside each of them: the table stays as large as it was, and that address gets what its quota
/// earns and no request more.
#[test]
fn a_million_fresh_addresses_neither_grow_the_table_nor_wash_out_a_spent_counter() {
    let quota = quota(100, 60);
    let mut table: Table<ClientKey> = Table::new(4096, SEED);
    let first = client_key("2001:db8::1".parse().unwrap());
    let (mut now, mut allowed, mut random) = (NOW, 0, 1_u64);
    for i in 0..1_000_000_u64 {
        now = NOW + i / 5;
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        table.check(ClientKey::V6(random), quota, now);
        allowed += u64::from(table.check(first, quota, now).allowed);
    }
    assert_eq!(table.slots.len(), 4096);
    assert_eq!(allowed, 100 + (now - NOW) / 600);
}

/// However often a client has itself pushed out, each return is worth at most one request, never a new burst.
#[test]
fn being_pushed_out_never_gives_a_burst_back() {
    let quota = quota(50, 60);
    // One bucket, so that pushing out is as cheap as it can be.
    let mut table = Table::new(WAYS, SEED);
    assert_eq!(burst(&mut table, 0, quota, NOW, 1000), 50);
    let mut extra = 0;
    let mut returns = 0;
    for round in 1..200 {
        for helper in 0..WAYS as u64 {
            burst(&mut table, round * 100 + helper, quota, NOW, 60);
        }
        returns += usize::from(table.peek(0, quota, NOW).allowed);
        extra += burst(&mut table, 0, quota, NOW, 1000);
    }
    assert!(returns > 0, "the test never pushed the client out");
    assert!(extra <= returns, "{extra} requests for {returns} returns");
}

/// In a table full of spent counters a newcomer is served, at the sustained rate and without the burst.
#[test]
fn a_flooded_table_still_serves_a_newcomer() {
    let quota = quota(50, 60);
    let mut table = Table::new(256, SEED);
    for key in 0..20_000 {
        burst(&mut table, key, quota, NOW, 60);
    }
    assert_eq!(burst(&mut table, u64::MAX, quota, NOW, 50), 1);
    assert_eq!(burst(&mut table, u64::MAX, quota, NOW + 1200, 50), 1);
}

proptest! {
    /// Many at once are what they would have been one by one.
    #[test]
    fn taking_up_to_n_takes_what_n_checks_allow(
        limit in 1_u32..50, period in 1_u32..100, steps in vec((0_u32..80, 0_u64..20_000), 1..50),
    ) {
        let quota = quota(limit, period);
        let (mut at_once, mut one_by_one) = (Table::new(16, SEED), Table::new(16, SEED));
        let mut now = NOW;
        for (n, wait) in steps {
            now += wait;
            let (taken, decision) = at_once.take_up_to(1, quota, n, now);
            prop_assert_eq!(taken as usize, burst(&mut one_by_one, 1, quota, now, n.max(1) as usize));
            prop_assert_eq!(decision.allowed, taken > 0);
            prop_assert_eq!(at_once.peek(1, quota, now), one_by_one.peek(1, quota, now));
        }
    }
}

#[test]
fn an_earlier_tables_debt_is_taken_up_and_never_lessened() {
    let quota = Quota::new(10, 10).unwrap();
    let free = |table: &Table<u64>, now_ms| {
        let decision = table.peek(1, quota, now_ms);
        decision.remaining + u32::from(decision.allowed)
    };
    let mut table = Table::new(16, [0; 16]);
    table.owe(1, 7_000, 0);
    assert_eq!(free(&table, 0), 3);
    table.owe(1, 5_000, 0);
    assert_eq!(free(&table, 0), 3);
    assert_eq!(free(&table, 2_000), 5);
    table.owe(1, u64::MAX, 0);
    assert!(!table.check(1, quota, 0).allowed, "at most the whole quota is owed");
    assert!(table.check(2, quota, 0).allowed);
}

#[test]
fn what_is_given_back_is_one_request_of_that_client_and_no_more() {
    let quota = Quota::new(3, 60).unwrap();
    let mut table = Table::new(16, [7; 16]);
    let left = |table: &mut Table<u8>, key| table.peek(key, quota, NOW).remaining;
    for _ in 0..2 {
        table.check(1, quota, NOW);
        table.check(2, quota, NOW);
    }
    table.give_back(1, quota, NOW);
    assert_eq!((left(&mut table, 1), left(&mut table, 2)), (1, 0));
    for _ in 0..10 {
        table.give_back(1, quota, NOW);
        table.give_back(3, quota, NOW);
    }
    // Nobody comes by more than the quota.
    assert_eq!((0..9).filter(|_| table.check(1, quota, NOW).allowed).count(), 3);
    assert_eq!((0..9).filter(|_| table.check(3, quota, NOW).allowed).count(), 3);
}
