//! The store's own promises: whole changes, migrations that run once, a chain that shows every change.

use super::native::Native;
use super::*;
use protocol::{Code, Region};

fn subject() -> Subject {
    Subject {
        actor: "usr_1".into(),
        ip: "192.0.2.1".into(),
        request_id: "req_1".into(),
        jurisdiction: Region::Eu,
        now_ms: 1_000,
    }
}

fn database() -> Native {
    let sql = Native::new();
    migrations::run(&sql, migrations::ORG).unwrap();
    sql
}

fn put(tx: &Tx<'_>, user: &str) -> Result<(), SqlError> {
    tx.write("INSERT INTO members VALUES (?, 'e', 'n', 'member', 0)", &[user.into()]).map(|_| ())
}

fn count(store: Store<'_>, table: &str) -> u64 {
    store.first(&format!("SELECT COUNT(*) FROM {table}"), &[]).unwrap().unwrap().number(0).unwrap()
}

#[test]
fn a_failed_change_leaves_neither_row_nor_event() {
    let sql = database();
    let store = Store::new(&sql);
    let refused: Result<(), _> = store.transaction(|tx| {
        put(tx, "usr_1")?;
        let _event = tx.commit(&subject(), Event::new("member.added", "usr_1"), ())?;
        Err(Code::Forbidden.into())
    });
    assert!(matches!(refused, Err(AppError::Refused(Code::Forbidden, None))));
    assert_eq!((count(store, "members"), count(store, "audit")), (0, 0));
}

#[test]
fn b7_a_change_and_its_event_are_kept_together() {
    let sql = database();
    let store = Store::new(&sql);
    store
        .transaction(|tx| {
            put(tx, "usr_1")?;
            tx.commit(&subject(), Event::new("member.added", "usr_1").with("role", "member"), ())
        })
        .unwrap();
    assert_eq!((count(store, "members"), count(store, "audit")), (1, 1));
}

#[test]
fn migrations_run_once_and_an_empty_database_is_known_as_such() {
    let sql = Native::new();
    assert!(migrations::is_empty(&sql).unwrap());
    migrations::run(&sql, migrations::ORG).unwrap();
    migrations::run(&sql, migrations::ORG).unwrap();
    assert!(!migrations::is_empty(&sql).unwrap());
}

#[test]
fn a_failing_migration_leaves_nothing() {
    let sql = Native::new();
    let broken: &[&str] = &["CREATE TABLE a (x INTEGER) STRICT; CREATE TABLE a (x INTEGER) STRICT"];
    assert_eq!(migrations::run(&sql, broken), Err(SqlError::Statement));
    assert!(sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'a'", &[]).unwrap().is_empty());
}

#[test]
fn frozen_chain_hash() {
    assert_eq!(
        chain_hash(GENESIS, &["1", "aud_1"]),
        // printf 'sluicegate audit 1', 64 zeros, '1', 'aud_1', each after its length as eight bytes, into sha256sum.
        "c0f8606ba63ab2c376028ed87ea3168ea8b41b0adece7e85c88eff4e9260038d"
    );
    assert_ne!(chain_hash(GENESIS, &["12", "3"]), chain_hash(GENESIS, &["1", "23"]));
}
