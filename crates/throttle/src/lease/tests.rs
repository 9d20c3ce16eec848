use proptest::collection::vec;
use proptest::prelude::*;

use super::simulation::{Counting, LOADS, Load, Rng, World, run};
use super::*;
use crate::Quota;

const NOW: u64 = 1_800_000_000_000;
const SEED: [u8; 16] = *b"a seed for tests";
const TTL_MS: u32 = 5000;
const BOUNDED: Counting = Counting::Leased(Strictness::Bounded);
const EXACT: Counting = Counting::Leased(Strictness::Exact);

fn quota(limit: u32, period_seconds: u32) -> Quota {
    Quota::new(limit, period_seconds).unwrap()
}

/// 100 a minute, asked for at each isolate nearly twice over.
fn world(isolates: usize, counting: Counting) -> World {
    World {
        isolates,
        quota: quota(100, 60),
        ttl_ms: TTL_MS,
        counting,
        skew_ms: 2000,
        delay_ms: 150,
        lost: 2,
        rate: isolates as u64 * 3,
        seconds: 60,
        seed: 1,
    }
}

/// `⌈T / e⌉` of the theorem.
fn bound(world: &World) -> u64 {
    let window = world.quota.window_nanos() / 8;
    (u64::from(world.ttl_ms) * 1_000_000).min(window).div_ceil(world.quota.emission_nanos())
}

fn rested(strictness: Strictness) -> Home<u64> {
    Home::new(16, SEED, strictness, TTL_MS)
}

/// The theorem, for 1 to 1000 isolates, clocks 2 s apart either way, answers late or lost, each load.
#[test]
fn no_interval_exceeds_the_bound_however_many_isolates() {
    for isolates in [1, 10, 100, 1000] {
        for load in LOADS {
            let world = World { seconds: 30, ..world(isolates, BOUNDED) };
            let over = run(world, load).overshoot(world.quota);
            assert!(over <= bound(&world), "{isolates} isolates, {load:?}: {over}");
            let over = run(World { counting: EXACT, ..world }, load).overshoot(world.quota);
            assert_eq!(over, 0, "exact, {isolates} isolates, {load:?}");
        }
    }
}

/// What the test above would say if isolates counted for themselves: the same load lets N times the limit through.
#[test]
fn without_leases_the_same_load_overshoots_n_fold() {
    for isolates in [1, 10, 100, 1000] {
        for load in [Load::Uniform, Load::Moving] {
            let world = world(isolates, Counting::Alone);
            let over = run(world, load).overshoot(world.quota);
            let once = u64::from(world.quota.limit());
            assert!(over >= once * (isolates as u64 - 1) * 9 / 10, "{isolates} isolates, {load:?}: {over}");
        }
    }
}

/// The bound is not slack: whoever saves a lease up gets almost all that it admits, and from an exact home nothing.
#[test]
fn a_hoarder_comes_near_the_bound_and_exact_mode_takes_it_from_him() {
    let near = World { delay_ms: 0, lost: 0, ..world(10, BOUNDED) };
    let over = run(near, Load::Hoarding).overshoot(near.quota);
    assert!((bound(&near) - 2..=bound(&near)).contains(&over), "{over} of {}", bound(&near));
    assert_eq!(run(World { counting: EXACT, ..near }, Load::Hoarding).overshoot(near.quota), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The theorem for any quota, life of a lease, network and load.
    #[test]
    fn the_bound_holds_in_any_world(
        isolates in 1_usize..30, limit in 1_u32..200, period_seconds in 1_u32..30, ttl_ms in 0_u32..10_000,
        skew_ms in 0_u64..5000, delay_ms in 0_u64..8000, lost in 0_u64..30, rate in 1_u64..400,
        load in prop::sample::select(LOADS.to_vec()), exact: bool, seed: u64,
    ) {
        let counting = if exact { EXACT } else { BOUNDED };
        let quota = quota(limit, period_seconds);
        let world = World { isolates, quota, ttl_ms, counting, skew_ms, delay_ms, lost, rate, seconds: 20, seed };
        let over = run(world, load).overshoot(quota);
        let most = if exact || limit < 8 { 0 } else { bound(&world) };
        prop_assert!(over <= most, "{over} > {most}");
    }

    /// Any schedule of spending, asking, answers in any order and lost ones, on one isolate: it never lets more through
    /// than it was granted, nor any of it after its end, and at least a third of what reached it is spent.
    #[test]
    fn a_spender_spends_each_lease_once_and_in_time(seed: u64, steps in 1_usize..300, limit in 8_u32..500) {
        let mut rng = Rng::new(seed);
        let quota = quota(limit, 60);
        let (mut home, mut spender) = (rested(Strictness::Bounded), Spender::new(16, SEED));
        let mut now = NOW;
        let (mut pending, mut granted, mut last_end) = (Vec::new(), 0_u64, NOW);
        let mut spent = 0_u64;
        for _ in 0..steps {
            now += [0, 1, 300, 6000][rng.below(4) as usize];
            match spender.spend(1_u64, now) {
                Spend::Decided(decision) if decision.allowed => {
                    spent += 1;
                    prop_assert!(spent <= granted && now < last_end);
                }
                Spend::Decided(_) => {}
                Spend::Ask { ahead } => pending.push((now, home.lease(1, quota, ahead, now))),
            }
            if !pending.is_empty() && rng.below(2) == 0 {
                let (asked, lease) = pending.swap_remove(rng.below(pending.len() as u64) as usize);
                if rng.below(10) > 0 {
                    granted += u64::from(lease.ahead);
                    last_end = last_end.max(asked + u64::from(lease.ttl_ms));
                    spender.accept(1, lease, asked, now);
                }
            }
        }
    }
}

proptest! {
    /// The undershoot's bound, for traffic that comes and goes at any moment, the worst ones included.
    #[test]
    fn at_least_a_third_of_what_is_granted_is_spent(
        pauses in vec(prop_oneof![8 => Just(0_u64), 1 => 0_u64..2000, 1 => 4000_u64..12_000], 1..500),
    ) {
        let quota = quota(1_000_000, 60);
        let (mut home, mut spender) = (rested(Strictness::Bounded), Spender::new(16, SEED));
        let (mut now, mut granted, mut through) = (NOW, 0, 0);
        for pause in pauses {
            now += pause;
            if let Spend::Ask { ahead } = spender.spend(1_u64, now) {
                let lease = home.lease(1, quota, ahead, now);
                granted += lease.ahead + 1;
                spender.accept(1, lease, now, now);
            }
            through += 1;
            prop_assert!(granted <= 3 * through, "{through} of {granted}");
        }
    }
}

#[test]
fn ten_equal_isolates_each_get_a_usable_share() {
    for counting in [BOUNDED, EXACT] {
        let world = World { seconds: 300, ..world(10, counting) };
        let outcome = run(world, Load::Uniform);
        let all = outcome.through.len() as u64;
        // The burst and five minutes' rate, of which a tenth may be lost with answers.
        assert!(all >= 600 * 9 / 10, "{counting:?}: {all}");
        for share in outcome.through_by {
            assert!(share * 10 >= all / 2 && share * 10 <= all * 2, "{counting:?}: {share} of {all}");
        }
    }
}

#[test]
fn one_who_asks_for_everything_leaves_three_quarters_to_the_others() {
    let mut home = rested(Strictness::Bounded);
    let greedy = home.lease(1, quota(100, 60), u32::MAX, NOW);
    assert_eq!((greedy.decision.allowed, greedy.ahead, greedy.decision.remaining), (true, 24, 75));
    assert_eq!(home.lease(1, quota(100, 60), u32::MAX, NOW).ahead, 18);
}

#[test]
fn a_lone_isolate_gets_the_whole_burst_in_a_few_calls() {
    let calm =
        World { skew_ms: 0, delay_ms: 0, lost: 0, quota: quota(1000, 60), seconds: 1, ..world(1, BOUNDED) };
    let outcome = run(World { rate: 100_000, ..calm }, Load::Uniform);
    assert!(outcome.through.len() >= 1000);
    assert!(outcome.asks <= 50, "{}", outcome.asks);
}

#[test]
fn a_lease_ends_by_the_isolates_own_clock_counted_from_its_ask() {
    let (mut home, mut spender) = (rested(Strictness::Bounded), Spender::new(16, SEED));
    // Hours apart from the home's clock.
    let own = NOW - 9_999_999;
    let ahead = spender.ask(1, own);
    let first = home.lease(1, quota(1000, 60), ahead + 8, NOW);
    spender.accept(1, first, own, own + 4000);
    assert!(matches!(spender.spend(1, own + 4999), Spend::Decided(decision) if decision.allowed));
    assert!(matches!(spender.spend(1, own + 5000), Spend::Ask { .. }));
    // Nor does setting the clock back open it again.
    assert!(matches!(spender.spend(1, own - 1), Spend::Ask { .. }));
}

#[test]
fn a_refusal_is_remembered_for_as_long_as_the_client_was_told_to_wait_and_no_longer_than_a_lease() {
    for (period_seconds, held_ms) in [(8, 1000), (3600, u64::from(TTL_MS))] {
        let (mut home, mut spender) = (rested(Strictness::Bounded), Spender::new(16, SEED));
        let quota = quota(8, period_seconds);
        for _ in 0..8 {
            assert!(home.lease(1, quota, 0, NOW).decision.allowed);
        }
        let ahead = spender.ask(1, NOW);
        let refused = home.lease(1, quota, ahead, NOW);
        let told = refused.decision.retry_after_seconds.unwrap();
        assert!(!spender.accept(1, refused, NOW, NOW).allowed);
        let again = spender.spend(1, NOW + held_ms - 1);
        let waited = u32::try_from((held_ms - 1) / 1000).unwrap();
        assert!(
            matches!(again, Spend::Decided(decision) if decision.retry_after_seconds == Some(told - waited)),
            "{again:?}"
        );
        assert_eq!(spender.spend(1, NOW + held_ms), Spend::Ask { ahead: 0 });
        // While that one asks, the others are still refused.
        let crowd = spender.spend(1, NOW + held_ms);
        assert!(matches!(crowd, Spend::Decided(decision) if !decision.allowed), "{crowd:?}");
    }
}

#[test]
fn a_quota_too_small_to_share_is_counted_one_by_one() {
    for strictness in [Strictness::Bounded, Strictness::Exact] {
        let mut home = rested(strictness);
        for left in (0..7).rev() {
            let lease = home.lease(1, quota(7, 60), 100, NOW);
            assert_eq!((lease.ahead, lease.ttl_ms, lease.decision.remaining), (0, 0, left));
        }
        assert!(!home.lease(1, quota(7, 60), 100, NOW).decision.allowed);
    }
}

/// Requests that arrive while an ask is on its way ask for themselves: a crowd doesn't take a lease each.
#[test]
fn a_crowd_asks_for_one_lease() {
    let (mut home, mut spender) = (rested(Strictness::Bounded), Spender::new(16, SEED));
    for _ in 0..3 {
        let ahead = spender.ask(1, NOW);
        spender.accept(1, home.lease(1, quota(1000, 60), ahead, NOW), NOW, NOW);
        while matches!(spender.spend(1, NOW), Spend::Decided(_)) {}
        spender.accept(1, home.lease(1, quota(1000, 60), 0, NOW), NOW, NOW);
    }
    let asks: Vec<_> = (0..50).map(|_| spender.ask(1, NOW + 1)).collect();
    assert!(asks[1..].iter().all(|&ahead| ahead == 0), "{asks:?}");
}

/// More keys than slots: leases are lost, none is made, and nothing grows.
#[test]
fn a_displaced_lease_is_lost_and_never_another_keys() {
    let (mut home, mut spender) = (rested(Strictness::Bounded), Spender::new(1, SEED));
    let (mut through, mut granted) = ([0_u32; 100], [0_u32; 100]);
    for i in 0..20_000_u64 {
        let key = (i * i) % 100;
        let now = NOW + i / 4;
        match spender.spend(key, now) {
            Spend::Decided(decision) => through[key as usize] += u32::from(decision.allowed),
            Spend::Ask { ahead } => {
                let lease = home.lease(key, quota(50, 60), ahead, now);
                granted[key as usize] += lease.ahead;
                spender.accept(key, lease, now, now);
            }
        }
    }
    assert!(through.iter().zip(granted).all(|(through, granted)| *through <= granted));
}

/// The figures of ARCHITECTURE.md: `cargo test -p sluicegate-throttle figures -- --ignored --nocapture`.
#[test]
#[ignore = "prints, and proves nothing that the tests above do not"]
#[allow(clippy::print_stdout)]
fn figures() {
    println!(
        "| load | isolates | alone | bounded | exact | calls per 100 requests, bounded |\n|---|---|---|---|---|---|"
    );
    for load in LOADS {
        for isolates in [1, 10, 100, 1000] {
            let [alone, bounded, exact] = [Counting::Alone, BOUNDED, EXACT].map(|counting| {
                let world = world(isolates, counting);
                let outcome = run(world, load);
                (outcome.overshoot(world.quota), outcome.asks as f64 * 100.0 / outcome.requests as f64)
            });
            println!(
                "| {load:?} | {isolates} | {} | {} | {} | {:.1} |",
                alone.0, bounded.0, exact.0, bounded.1
            );
        }
    }
}
