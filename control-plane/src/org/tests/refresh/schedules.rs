//! Any order in which callers are polled, the network moves, callers go away and the object goes down.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Poll(usize),
    Tick,
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..1000usize).prop_map(Step::Poll),
        2 => Just(Step::Tick),
        1 => (0..1000usize).prop_map(Step::Drop),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Kept), Just(Kind::Grace), Just(Kind::Strict)]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Slow),
        Just(Fault::Unreachable),
        Just(Fault::AnswerLost),
        Just(Fault::Error500),
        Just(Fault::Error500AfterWork),
        Just(Fault::Garbage),
        Just(Fault::TooMany),
        Just(Fault::InvalidClient),
        Just(Fault::GrantEnded),
    ]
}

fn run(tasks: &mut Tasks<'_, Outcome>, granted: &Granted, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Poll(choice) => drop(tasks.poll_one(*choice)),
            Step::Tick => drop(granted.provider.tick()),
            Step::Drop(choice) => tasks.drop_one(*choice),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whoever waits, leaves or comes late: one request, and everybody who stays has its token.
    #[test]
    fn b1_one_refresh_whatever_the_order(
        kind in kind(),
        callers in 1..100usize,
        steps in vec(step(), 0..200),
    ) {
        let granted = Granted::new(kind);
        let mut tasks = granted.callers(callers);
        run(&mut tasks, &granted, &steps);
        tasks.finish(|| granted.provider.tick());
        for outcome in tasks.results() {
            granted.check(&outcome);
            prop_assert!(outcome.is_ok());
        }
        granted.token();
        prop_assert_eq!(granted.provider.sent(), 1);
    }

    /// One fault, and a crash somewhere: there is a token in the end, or the connection says why not, and only where the
    /// grant is over or an answer was lost. Never two requests at a time.
    #[test]
    fn b1_nothing_is_lost_silently(
        kind in kind(),
        fault in proptest::option::of(fault()),
        callers in 1..20usize,
        before in vec(step(), 0..60),
        crash in any::<bool>(),
        after in vec(step(), 0..60),
    ) {
        let mut granted = Granted::new(kind);
        granted.provider.with(|state| state.faults.extend(fault));
        {
            let mut tasks = granted.callers(callers);
            run(&mut tasks, &granted, &before);
            if !crash {
                tasks.finish(|| granted.provider.tick());
                tasks.results().iter().for_each(|outcome| granted.check(outcome));
            }
        }
        if crash {
            granted.crash();
        }
        {
            let mut tasks = granted.callers(callers);
            run(&mut tasks, &granted, &after);
            tasks.finish(|| granted.provider.tick());
            tasks.results().iter().for_each(|outcome| granted.check(outcome));
        }
        let outcome = granted.patient();
        granted.check(&outcome);
        prop_assert_eq!(granted.provider.with(|state| state.most_in_flight), 1);
        let lossy = matches!(fault, Some(Fault::AnswerLost | Fault::Error500AfterWork | Fault::Garbage));
        let may_end = fault == Some(Fault::GrantEnded) || kind == Kind::Strict && (crash || lossy);
        prop_assert!(outcome.is_ok() || may_end, "{:?}", outcome);
        prop_assert!(granted.is_settled());
        prop_assert!(granted.tenant.verify_audit().ok);
    }
}
