//! A shard among members that come, go, fail and are there in thousands.

use super::*;
use crate::asks::{AskAccount, AskIdentity, AskOrg, ShardKeys, Wrapped};
use crate::flows::Objects;
use crate::store::migrations;
use crate::store::native::Native;
use protocol::{Code, Operation, OrgId, Region, UserId};
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const NOW: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

type Between = Box<dyn FnMut(&World)>;

/// One shard, and orgs and accounts as what wraps their keys.
struct World {
    sql: Native,
    now_ms: Cell<u64>,
    members: RefCell<BTreeMap<String, u32>>,
    /// The highest version that their isolates know.
    deployed: Cell<u32>,
    down: RefCell<BTreeSet<String>>,
    /// How often each was asked.
    asked: RefCell<BTreeMap<String, u32>>,
    most_at_once: Cell<u32>,
    at_once: Cell<u32>,
    /// What happens between two asks.
    between: RefCell<Option<Between>>,
}

impl World {
    fn new() -> Self {
        let sql = Native::new();
        migrations::run(&sql, migrations::REGISTRY).unwrap();
        Self {
            sql,
            now_ms: Cell::new(NOW),
            members: RefCell::default(),
            deployed: Cell::new(9),
            down: RefCell::default(),
            asked: RefCell::default(),
            most_at_once: Cell::new(0),
            at_once: Cell::new(0),
            between: RefCell::default(),
        }
    }

    /// With orgs and accounts, a tenth of them, that version 1 wraps.
    fn populated(count: u32) -> Self {
        let world = Self::new();
        for number in 0..count {
            let id = if number % 10 == 9 { user(number) } else { org(number) };
            world.members.borrow_mut().insert(id.clone(), 1);
            world.register(&id, Some(1));
        }
        world
    }

    fn context(&self) -> RegistryContext<'_> {
        RegistryContext { sql: &self.sql, deployed: 1, now_ms: self.now_ms.get() }
    }

    fn ask<T: DeserializeOwned>(&self, ask: &AskRegistry) -> Result<T, AppError> {
        answer(self.context(), ask)?.read()
    }

    fn register(&self, id: &str, kek: Option<u32>) -> u32 {
        self.ask::<Wrapped>(&AskRegistry::Register { id: id.into(), kek }).unwrap().version
    }

    fn rotate(&self, version: u32) -> ShardKeys {
        self.ask(&AskRegistry::Rotate { version }).unwrap()
    }

    fn progress(&self) -> ShardKeys {
        self.ask(&AskRegistry::Progress).unwrap()
    }

    fn is_finished(&self) -> bool {
        let keys = self.progress();
        keys.started_at.is_some() && keys.finished_at.is_some()
    }

    /// One alarm, of which only so many polls happen: then the object is gone.
    fn alarm_cut_off(&self, polls: usize) -> bool {
        let now = || self.now_ms.get();
        let mut work = pin!(work(self.context(), self, now));
        let done = (0..polls).any(|_| match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => {
                outcome.unwrap();
                true
            }
            Poll::Pending => false,
        });
        self.at_once.set(0);
        done
    }

    /// Alarms, as long as somebody is due by now.
    fn ring(&self) {
        while wakes_at(&self.sql).unwrap().is_some_and(|due| due <= self.now_ms.get()) {
            assert!(self.alarm_cut_off(usize::MAX));
        }
    }

    /// Alarms at the times that they are set for, for so long.
    fn live(&self, ms: u64) {
        let end = self.now_ms.get() + ms;
        while let Some(due) = wakes_at(&self.sql).unwrap().filter(|due| *due <= end) {
            self.now_ms.set(due.max(self.now_ms.get()));
            self.ring();
        }
        self.now_ms.set(end);
    }

    fn wrapped_by(&self, version: u32) -> usize {
        self.members.borrow().values().filter(|kek| **kek == version).count()
    }

    async fn rewrap(&self, id: &str, to: Option<u32>) -> Result<Wrapped, AppError> {
        *self.asked.borrow_mut().entry(id.into()).or_default() += 1;
        self.at_once.set(self.at_once.get() + 1);
        self.most_at_once.set(self.most_at_once.get().max(self.at_once.get()));
        pause().await;
        let between = self.between.borrow_mut().take();
        if let Some(mut between) = between {
            between(self);
            self.between.borrow_mut().get_or_insert(between);
        }
        let answer = self.answer(id, to);
        pause().await;
        self.at_once.set(self.at_once.get() - 1);
        answer
    }

    fn answer(&self, id: &str, to: Option<u32>) -> Result<Wrapped, AppError> {
        if self.down.borrow().contains(id) {
            return Err(Code::Unavailable.into());
        }
        let mut members = self.members.borrow_mut();
        let kek = members.get_mut(id).ok_or(Code::NotFound)?;
        if let Some(to) = to.filter(|to| to > kek) {
            if to > self.deployed.get() {
                return Err(Code::KeyVersionRefused.into());
            }
            *kek = to;
        }
        Ok(Wrapped { version: *kek })
    }
}

async fn pause() {
    let mut waited = false;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Objects for World {
    async fn identity<T: DeserializeOwned>(&self, _: &str, _: &AskIdentity) -> Result<T, AppError> {
        unreachable!()
    }

    async fn account<T: DeserializeOwned>(&self, user: &UserId, ask: &AskAccount) -> Result<T, AppError> {
        let AskAccount::Rewrap { version } = ask else { unreachable!() };
        Reply::json(200, &self.rewrap(user.as_str(), *version).await?)?.read()
    }

    async fn org(&self, org: &OrgId, ask: &AskOrg) -> Result<Reply, AppError> {
        let AskOrg::Rewrap { version } = ask else { unreachable!() };
        Reply::json(200, &self.rewrap(org.as_str(), *version).await?)
    }

    async fn registry<T: DeserializeOwned>(&self, _: &str, _: &AskRegistry) -> Result<T, AppError> {
        unreachable!()
    }

    async fn operate(&self, _: &OrgId, _: &Operation) -> Result<Reply, AppError> {
        unreachable!()
    }
}

fn org(number: u32) -> String {
    OrgId::new(Region::Eu, (u128::from(number) << 64).to_be_bytes()).to_string()
}

fn user(number: u32) -> String {
    UserId::new(NOW + u64::from(number), [1; 10]).to_string()
}

/// An id is looked for where it was put, for ever.
#[test]
fn frozen_shards() {
    assert_eq!(shard_of("org_e0000000000000000000000000"), "registry-01");
    assert_eq!(shard_of("usr_00000000000000000000000000"), "registry-06");
    let names: Vec<String> = shards().collect();
    assert_eq!((names.len(), names[0].as_str(), names[15].as_str()), (16, "registry-00", "registry-15"));
    let used: BTreeSet<String> = (0..1000).map(|number| shard_of(&org(number))).collect();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), names);
}

#[test]
fn c7_every_member_is_wrapped_anew_once_in_bounded_batches_and_the_counts_prove_it() {
    let world = World::populated(3_000);
    let begun = world.rotate(2);
    assert_eq!(begun.before, BTreeMap::from([(1, 3_000)]));
    assert_eq!((begun.started_at, begun.finished_at), (Some(NOW), None));
    world.alarm_cut_off(usize::MAX);
    assert_eq!(world.wrapped_by(2), 50);
    let half = world.progress();
    assert_eq!((half.orgs[&2] + half.accounts[&2], half.orgs[&1] + half.accounts[&1]), (50, 2_950));
    world.now_ms.set(NOW + MINUTE);
    world.ring();
    let ended = world.progress();
    assert_eq!(ended.finished_at, Some(NOW + MINUTE));
    assert_eq!((ended.orgs, ended.accounts), (BTreeMap::from([(2, 2_700)]), BTreeMap::from([(2, 300)])));
    assert_eq!((ended.before, ended.unmade, ended.failing), (BTreeMap::from([(1, 3_000)]), 0, 0));
    assert_eq!(world.wrapped_by(2), 3_000);
    assert!(world.asked.borrow().values().all(|times| *times == 1));
    assert_eq!(world.most_at_once.get(), 10);
    assert_eq!(wakes_at(&world.sql).unwrap(), None, "nothing is left to do");
}

/// Backups hold what wrapped its key until then ([`crate::flows`] counts from the end).
#[test]
fn c7_who_turns_up_late_ends_the_rotation_when_they_are_wrapped_anew() {
    let world = World::populated(10);
    world.rotate(2);
    world.live(HOUR);
    assert!(world.is_finished());
    world.members.borrow_mut().insert(user(77), 1);
    assert_eq!(world.register(&user(77), Some(1)), 2);
    assert!(!world.is_finished());
    world.ring();
    assert_eq!(world.progress().finished_at, Some(NOW + HOUR));
}

#[test]
fn c7_a_rotation_goes_on_after_a_crash_at_any_step() {
    for polls in 0..12 {
        let world = World::populated(120);
        world.rotate(2);
        let mut alarms = 0;
        while !world.is_finished() {
            // The object ends, and its alarm rings again: every second one gets a little further.
            world.alarm_cut_off(if alarms % 2 == 0 { polls } else { polls + 4 });
            world.now_ms.set(world.now_ms.get() + 11_000);
            alarms += 1;
            if alarms > 40 {
                world.ring();
            }
            let (truth, keys) = (world.wrapped_by(1), world.progress());
            let believed = keys.orgs.get(&1).unwrap_or(&0) + keys.accounts.get(&1).unwrap_or(&0);
            assert!(believed as usize >= truth, "nobody is taken for done who is not");
        }
        assert_eq!(world.wrapped_by(2), 120, "{polls}");
    }
}

#[test]
fn c7_one_that_fails_holds_up_itself_alone_and_the_end_until_it_is_mended() {
    let world = World::populated(100);
    let failing = org(3);
    world.down.borrow_mut().insert(failing.clone());
    world.rotate(2);
    world.live(24 * HOUR);
    let keys = world.progress();
    assert_eq!((keys.finished_at, keys.failing, keys.orgs[&1]), (None, 1, 1));
    assert_eq!(world.wrapped_by(2), 99);
    // 10 s, 30 s, 1, 5, 15 minutes, then hourly.
    assert_eq!(world.asked.borrow()[&failing], 29);
    world.down.borrow_mut().clear();
    world.live(HOUR);
    assert!(world.is_finished());
    assert_eq!((world.progress().failing, world.wrapped_by(2)), (0, 100));
}

#[test]
fn c7_one_that_is_missing_though_it_was_there_once_goes_on_counting() {
    let world = World::populated(2);
    world.members.borrow_mut().remove(&org(1));
    world.rotate(2);
    world.live(48 * HOUR);
    assert_eq!((world.progress().orgs[&1], world.progress().failing), (1, 1));
    assert!(!world.is_finished());
    // Its deletion says so.
    answer(world.context(), &AskRegistry::Forget { id: org(1) }).unwrap();
    assert!(world.is_finished());
}

#[test]
fn c7_who_is_made_while_a_rotation_begins_is_not_missed() {
    for seed in [org(900), user(900)] {
        let world = World::populated(10);
        // Registered, told version 1; then the rotation begins, before it is made.
        assert_eq!(world.register(&seed, None), 1);
        world.rotate(2);
        world.ring();
        assert_eq!((world.progress().unmade, world.is_finished()), (1, false));
        world.members.borrow_mut().insert(seed.clone(), 1);
        world.live(10 * MINUTE);
        assert!(world.is_finished());
        assert_eq!(world.members.borrow()[&seed], 2);
    }
}

#[test]
fn c7_who_is_made_during_a_rotation_is_told_the_new_version_and_does_not_hold_it_up() {
    let world = World::populated(10);
    world.rotate(2);
    let late = org(900);
    assert_eq!(world.register(&late, None), 2);
    world.ring();
    assert!(world.is_finished());
    assert_eq!(world.progress().unmade, 0);
    world.members.borrow_mut().insert(late.clone(), 2);
    world.live(10 * MINUTE);
    assert_eq!(world.progress().orgs[&2], 10, "nine orgs, and the new one");
}

#[test]
fn who_was_registered_and_is_never_made_is_given_up_after_an_hour() {
    let world = World::new();
    world.register(&org(1), None);
    world.rotate(2);
    world.live(59 * MINUTE);
    assert_eq!((world.progress().unmade, world.is_finished()), (1, false));
    // A second attempt to make it, with the new version; the first may still be on its way.
    assert_eq!(world.register(&org(1), None), 2);
    world.live(30 * MINUTE);
    assert_eq!((world.progress().unmade, world.is_finished()), (1, false));
    world.live(HOUR);
    assert!(world.is_finished());
    assert_eq!(wakes_at(&world.sql).unwrap(), None);
}

#[test]
fn registering_again_changes_nothing_and_loses_nothing() {
    let world = World::populated(1);
    for _ in 0..3 {
        assert_eq!(world.register(&org(0), None), 1);
        assert_eq!(world.register(&org(0), Some(1)), 1);
    }
    let keys = world.progress();
    assert_eq!((keys.orgs, keys.unmade, keys.current), (BTreeMap::from([(1, 1)]), 0, None));
    assert_eq!(wakes_at(&world.sql).unwrap(), None);
}

#[test]
fn c7_before_any_rotation_a_member_that_does_not_say_so_itself_is_asked_what_wraps_it() {
    let world = World::new();
    world.register(&org(1), None);
    world.members.borrow_mut().insert(org(1), 1);
    world.live(10 * MINUTE);
    assert_eq!(world.progress().orgs, BTreeMap::from([(1, 1)]));
    assert_eq!(world.members.borrow()[&org(1)], 1);
}

#[test]
fn c7_a_version_that_its_isolate_does_not_have_is_refused_by_the_member_and_taken_later() {
    let world = World::populated(20);
    world.deployed.set(1);
    world.rotate(2);
    world.ring();
    let keys = world.progress();
    assert_eq!((keys.failing, keys.finished_at, world.wrapped_by(1)), (20, None, 20));
    world.deployed.set(2);
    world.live(MINUTE);
    assert!(world.is_finished());
    assert_eq!(world.wrapped_by(2), 20);
}

#[test]
fn c7_the_latest_rotation_wins_even_between_an_ask_and_its_answer() {
    let world = World::populated(200);
    world.rotate(2);
    world.alarm_cut_off(usize::MAX);
    *world.between.borrow_mut() = Some(Box::new(|world: &World| {
        world.rotate(3);
    }));
    world.ring();
    let keys = world.progress();
    assert_eq!((keys.current, world.wrapped_by(3)), (Some(3), 200));
    assert_eq!(keys.before.values().sum::<u64>(), 200);
    assert!(keys.before[&2] >= 50 && world.is_finished());
    // And again, with nothing going on.
    world.between.borrow_mut().take();
    world.rotate(4);
    world.ring();
    assert_eq!((world.progress().before, world.wrapped_by(4)), (BTreeMap::from([(3, 200)]), 200));
}

#[test]
fn a_lower_version_is_refused_and_the_same_one_changes_nothing() {
    let world = World::populated(5);
    world.rotate(3);
    world.ring();
    let ended = world.progress();
    let lower = world.ask::<ShardKeys>(&AskRegistry::Rotate { version: 2 }).unwrap_err();
    assert_eq!(lower.public().0, Code::KeyVersionRefused);
    world.now_ms.set(NOW + HOUR);
    assert_eq!(world.rotate(3), ended);
}

#[test]
fn c7_what_a_member_says_of_itself_counts_also_where_it_is_less_than_before() {
    let world = World::populated(2);
    world.rotate(2);
    world.ring();
    // Its database was put back to an earlier day.
    world.members.borrow_mut().insert(org(1), 1);
    assert_eq!(world.register(&org(1), Some(1)), 2);
    assert_eq!(world.progress().orgs[&1], 1);
    world.ring();
    assert_eq!((world.progress().orgs.get(&1), world.wrapped_by(2)), (None, 2));
}

#[test]
fn c7_a_member_that_has_wrapped_itself_anew_ends_the_rotation_like_one_that_was_asked() {
    let world = World::populated(1);
    world.rotate(2);
    assert_eq!(world.register(&org(0), Some(2)), 2);
    assert!(world.is_finished());
    assert!(world.asked.borrow().is_empty());
    assert_eq!(wakes_at(&world.sql).unwrap(), None);
}
