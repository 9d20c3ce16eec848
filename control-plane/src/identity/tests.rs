//! The identity's object: what it counts, what it gives away, what it leaves behind.

use super::*;
use crate::store::Value;
use crate::store::native::Native;
use protocol::Code;
use serde::de::DeserializeOwned;
use std::cell::RefCell;

const NOW: u64 = 1_800_000_000_000;

fn config() -> Config {
    config::parse(include_str!("../../../sluicegate.toml")).unwrap()
}

fn user(seed: u8) -> UserId {
    UserId::new(NOW, [seed; 10])
}

fn ask<T: DeserializeOwned>(sql: &dyn Sql, now_ms: u64, ask: &AskIdentity) -> Result<T, AppError> {
    answer(IdentityContext { sql, config: &config(), now_ms }, ask)?.read()
}

fn attempt_at(sql: &dyn Sql, now_ms: u64) -> Result<Option<UserId>, AppError> {
    ask(sql, now_ms, &AskIdentity::Attempt)
}

#[test]
fn m6_attempts_are_limited_and_the_wait_is_told() {
    let sql = Native::new();
    for _ in 0..10 {
        assert_eq!(attempt_at(&sql, NOW).unwrap(), None);
    }
    let error = attempt_at(&sql, NOW).unwrap_err();
    assert_eq!(error.public().0, Code::RateLimited);
    let reply = Reply::problem(&error, &protocol::RequestId::new(NOW, [0; 10]));
    assert_eq!((reply.status, reply.retry_after), (429, Some(90)));
    assert!(matches!(reply.into_result(), Err(AppError::Limited { retry_after_seconds: 90, .. })));
    assert!(attempt_at(&sql, NOW + 89_999).is_err());
    attempt_at(&sql, NOW + 90_000).unwrap();
}

#[test]
fn what_is_forgiven_does_not_count() {
    let sql = Native::new();
    for _ in 0..50 {
        attempt_at(&sql, NOW).unwrap();
        ask::<()>(&sql, NOW, &AskIdentity::Forgive).unwrap();
    }
}

#[test]
fn a_claim_is_kept_and_only_the_one_it_points_to_can_lose_it() {
    let sql = Native::new();
    let claim = |who: u8| ask::<UserId>(&sql, NOW, &AskIdentity::Claim { user: user(who) }).unwrap();
    let reclaim = |from: u8, to: u8| {
        ask::<UserId>(&sql, NOW, &AskIdentity::Reclaim { from: user(from), to: user(to) }).unwrap()
    };
    let find = || ask::<Option<UserId>>(&sql, NOW, &AskIdentity::Find).unwrap();
    assert_eq!(find(), None);
    assert_eq!((claim(1), claim(1), claim(2)), (user(1), user(1), user(1)));
    assert_eq!(reclaim(3, 2), user(1));
    assert_eq!(reclaim(1, 2), user(2));
    ask::<()>(&sql, NOW, &AskIdentity::Release { user: user(1) }).unwrap();
    assert_eq!(find(), Some(user(2)));
    ask::<()>(&sql, NOW, &AskIdentity::Release { user: user(2) }).unwrap();
    assert_eq!(find(), None);
    assert_eq!(reclaim(2, 3), user(3));
}

#[test]
fn an_identity_that_nobody_claims_leaves_nothing_behind() {
    let sql = Native::new();
    let config = config();
    let ctx = |now_ms| IdentityContext { sql: &sql, config: &config, now_ms };
    assert_eq!(wakes_at(&sql).unwrap(), None);
    attempt_at(&sql, NOW).unwrap();
    assert_eq!(wakes_at(&sql).unwrap(), Some(NOW + 90_000));
    assert!(!sweep(ctx(NOW + 89_999)).unwrap());
    assert!(sweep(ctx(NOW + 90_000)).unwrap());
    assert!(sql.exec("SELECT 1 FROM sqlite_master", &[]).unwrap().is_empty());

    // A claimed one keeps its pointer, and no attempts.
    ask::<UserId>(&sql, NOW, &AskIdentity::Claim { user: user(1) }).unwrap();
    attempt_at(&sql, NOW).unwrap();
    assert!(!sweep(ctx(NOW + 90_000)).unwrap());
    assert_eq!(wakes_at(&sql).unwrap(), None);
    assert_eq!(ask::<Option<UserId>>(&sql, NOW, &AskIdentity::Find).unwrap(), Some(user(1)));

    ask::<()>(&sql, NOW, &AskIdentity::Release { user: user(1) }).unwrap();
    assert_eq!(wakes_at(&sql).unwrap(), Some(0));
    assert!(sweep(ctx(NOW)).unwrap());
}

#[test]
fn a_reset_is_told_to_whom_it_points_to_and_to_nobody_else() {
    let sql = Native::new();
    let config = config();
    let ctx = IdentityContext { sql: &sql, config: &config, now_ms: NOW };
    ask::<()>(&sql, NOW, &AskIdentity::RequestReset).unwrap();
    assert_eq!(wakes_at(&sql).unwrap(), Some(0));
    assert_eq!(pending_reset(ctx).unwrap(), None);
    assert!(sweep(ctx).unwrap());

    ask::<UserId>(&sql, NOW, &AskIdentity::Claim { user: user(1) }).unwrap();
    ask::<()>(&sql, NOW, &AskIdentity::RequestReset).unwrap();
    // Until the account has been told, it is told again.
    for _ in 0..2 {
        assert_eq!(pending_reset(ctx).unwrap(), Some(user(1)));
        assert!(!sweep(ctx).unwrap());
    }
    reset_done(ctx).unwrap();
    assert_eq!(pending_reset(ctx).unwrap(), None);
}

/// A database that notes what it is told to write.
struct Noted {
    sql: Native,
    writes: RefCell<Vec<String>>,
}

impl Sql for Noted {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<crate::store::Row>, SqlError> {
        if !statement.starts_with("SELECT") {
            self.writes.borrow_mut().push(statement.to_owned());
        }
        self.sql.exec(statement, parameters)
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), SqlError> {
        self.sql.atomically(body)
    }
}

#[test]
fn an_attempt_and_a_reset_write_the_same_for_a_known_and_an_unknown_identity() {
    let [known, unknown] = [true, false].map(|known| {
        let noted = Noted { sql: Native::new(), writes: RefCell::default() };
        if known {
            ask::<UserId>(&noted, NOW, &AskIdentity::Claim { user: user(1) }).unwrap();
        }
        noted.writes.borrow_mut().clear();
        let mut wakes = Vec::new();
        for _ in 0..12 {
            let _ = attempt_at(&noted, NOW);
            wakes.push(wakes_at(&noted).unwrap());
        }
        ask::<()>(&noted, NOW, &AskIdentity::RequestReset).unwrap();
        wakes.push(wakes_at(&noted).unwrap());
        (noted.writes.into_inner(), wakes)
    });
    assert_eq!(known, unknown);
}
