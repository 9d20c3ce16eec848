//! The operator's rotation of key-encryption keys, from the call to the last account.

use super::world::{MINUTE, PASSWORD, Signed, World, sign_up_body};
use crate::asks::{AskAccount, AskOrg, Wrapped};
use crate::error::AppError;
use crate::registry::shard_of;
use crate::secrets::tests::with_keyring;
use protocol::api::{KekVersion, Keys};
use protocol::time::{parse_rfc3339, rfc3339};
use protocol::{Code, Operation, Principal};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

const HOUR: u64 = 60 * MINUTE;

/// A world whose keyring has a second version that nobody uses yet, with an operator in it.
fn world() -> (World, Signed) {
    let mut world = World::new();
    world.secrets = with_keyring(1, &[1, 2]);
    let root = operator(&world);
    (world, root)
}

fn operator(world: &World) -> Signed {
    let root = world.sign_up_verified("root@example.com");
    world.with_second_factor(&root).sign_in(world)
}

impl World {
    fn keys(&self, who: &Signed) -> Keys {
        self.run(&who.principal, Operation::GetKeys, &Json::Null).unwrap().read().unwrap()
    }

    fn rotate(&self, who: &Signed, body: &Json) -> Keys {
        let reply = self.run(&who.principal, Operation::RotateKeys, body).unwrap();
        assert_eq!(reply.status, 202);
        reply.read().unwrap()
    }

    fn pass(&self, ms: u64) {
        let end = self.now_ms.get() + ms;
        while self.now_ms.get() < end {
            self.now_ms.set(self.now_ms.get() + MINUTE);
            self.ring_registry();
        }
    }

    fn account_kek(&self, who: &Signed) -> u32 {
        self.ask::<Wrapped>(&who.user, AskAccount::Rewrap { version: None }).unwrap().version
    }
}

fn version(keys: &Keys, version: u32) -> &KekVersion {
    keys.versions.iter().find(|key| key.version == version).unwrap()
}

#[test]
fn c7_b4_an_operator_rotates_and_sees_the_old_key_become_unused() {
    let (mut world, root) = world();
    let ada = world.sign_up("ada@example.com");
    world.pass(6 * MINUTE);
    let before = world.keys(&root);
    assert_eq!((before.current, before.rotation.is_none()), (1, true));
    assert_eq!((version(&before, 1).orgs, version(&before, 1).accounts), (2, 2));
    assert!(before.versions.iter().all(|key| !key.retirable && key.deployed));

    let begun = world.rotate(&root, &json!({}));
    assert_eq!(begun.current, 2);
    let rotation = begun.rotation.unwrap();
    assert_eq!((rotation.total, rotation.done, rotation.finished_at), (4, 0, None));
    assert_eq!(rotation.before, BTreeMap::from([(1, 4)]));

    world.pass(MINUTE);
    let after = world.keys(&root);
    let rotation = after.rotation.clone().unwrap();
    assert!(rotation.finished_at.is_some());
    assert_eq!((rotation.done, rotation.failing), (4, 0));
    assert_eq!((&rotation.before, &rotation.after), (&BTreeMap::from([(1, 4)]), &BTreeMap::from([(2, 4)])));
    assert_eq!((world.account_kek(&ada), world.orgs.borrow()[&ada.org].kek), (2, 2));
    let old = version(&after, 1);
    assert!(!old.retirable && old.reason.as_ref().unwrap().contains("`current` to 2"), "{old:?}");
    assert!(!version(&after, 2).retirable);

    // The operator deploys what the reason says, then without the old version.
    world.secrets = with_keyring(2, &[1, 2]);
    let finished_ms = parse_rfc3339(&rotation.finished_at.unwrap()).unwrap();
    let backups_end = finished_ms + 30 * 24 * HOUR;
    for (now_ms, retirable) in [(world.now_ms.get(), false), (backups_end - 1, false), (backups_end, true)] {
        world.now_ms.set(now_ms);
        let keys = world.keys(&root);
        let old = version(&keys, 1);
        assert_eq!((old.retirable, old.reason.is_none()), (retirable, retirable), "{old:?}");
        assert!(retirable || old.reason.as_ref().unwrap().contains(&rfc3339(backups_end)), "{old:?}");
    }
    world.secrets = with_keyring(2, &[2]);
    world.signed_in("ada@example.com", PASSWORD);
    assert_eq!(world.keys(&root).versions.len(), 1);

    let audited = &world.orgs.borrow()[&root.org].asks;
    let rotated: Vec<_> = audited
        .iter()
        .filter_map(|ask| match ask {
            AskOrg::KeysRotated { operator, from, to, before } => {
                Some((operator, *from, *to, before.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(rotated, [(&root.user, 1, 2, BTreeMap::from([("1".to_owned(), 4), ("2".to_owned(), 0)]))]);
}

#[test]
fn c7_only_an_operator_who_has_just_proven_it_rotates() {
    let mut world = World::new();
    world.secrets = with_keyring(1, &[1, 2]);
    let ada = world.sign_up("ada@example.com");
    let password_alone = world.sign_up_verified("root@example.com");
    let root = world.with_second_factor(&password_alone).sign_in(&world);
    for operation in [Operation::GetKeys, Operation::RotateKeys] {
        for outsider in [&ada, &password_alone] {
            assert_eq!(world.refused(&outsider.principal, operation.clone(), &json!({})), Code::Forbidden);
        }
        let anonymous = world.refused(&Principal::Anonymous, operation, &json!({}));
        assert_eq!(anonymous, Code::Unauthenticated);
    }
    world.now_ms.set(world.now_ms.get() + HOUR);
    let stale = world.refused(&root.principal, Operation::RotateKeys, &json!({}));
    assert_eq!(stale, Code::ReauthenticationRequired);
    assert_eq!(world.keys(&root).current, 1);
}

#[test]
fn c7_a_version_that_is_not_deployed_or_lower_is_refused_and_nothing_changes() {
    let (world, root) = world();
    for unknown in [0, 3, u32::MAX] {
        let refused = world.refused(&root.principal, Operation::RotateKeys, &json!({ "version": unknown }));
        assert_eq!(refused, Code::KeyVersionRefused, "{unknown}");
    }
    for malformed in [json!({ "version": -1 }), json!({ "version": "2" }), json!({ "to": 2 })] {
        let refused = world.refused(&root.principal, Operation::RotateKeys, &malformed);
        assert_eq!(refused, Code::ValidationFailed, "{malformed}");
    }
    world.rotate(&root, &json!({ "version": 2 }));
    let back = world.refused(&root.principal, Operation::RotateKeys, &json!({ "version": 1 }));
    assert_eq!(back, Code::KeyVersionRefused);
    // Nor below what the keyring itself began with, before anybody has rotated.
    let mut fresh = World::new();
    fresh.secrets = with_keyring(2, &[1, 2]);
    let root = operator(&fresh);
    assert_eq!(
        fresh.refused(&root.principal, Operation::RotateKeys, &json!({ "version": 1 })),
        Code::KeyVersionRefused
    );
    let audited = |world: &World| {
        let orgs = world.orgs.borrow();
        let asks = orgs.values().flat_map(|org| &org.asks);
        asks.filter(|ask| matches!(ask, AskOrg::KeysRotated { .. })).count()
    };
    assert_eq!((audited(&world), audited(&fresh)), (1, 0));
}

#[test]
fn c7_a_shard_that_cannot_be_reached_is_said_plainly_and_no_sum_is_made_without_it() {
    let (world, root) = world();
    world.shards_down.borrow_mut().insert("registry-03".into());
    for operation in [Operation::GetKeys, Operation::RotateKeys] {
        let error = world.run(&root.principal, operation, &json!({})).unwrap_err();
        let AppError::Refused(Code::Unavailable, Some(detail)) = error else { panic!("{error:?}") };
        assert!(detail.contains("1 of 16 shards") && detail.contains("repeat"), "{detail}");
    }
    world.shards_down.borrow_mut().clear();
    assert_eq!(world.keys(&root).current, 1);
    assert_eq!(world.rotate(&root, &json!({})).current, 2);
}

#[test]
fn c7_a_rotation_that_was_cut_off_anywhere_is_begun_again_and_finishes() {
    for asks in 0.. {
        let (world, root) = world();
        world.fuse.set(Some(asks));
        let finished = world.try_run(&root.principal, Operation::RotateKeys, &json!({}));
        // Half told is not finished: no key is called unused.
        let half = world.keys(&root);
        assert!(half.rotation.is_none_or(|rotation| rotation.finished_at.is_none()), "{asks}");
        assert!(half.versions.iter().all(|key| !key.retirable), "{asks}");
        world.rotate(&root, &json!({ "version": 2 }));
        world.pass(10 * MINUTE);
        let keys = world.keys(&root);
        assert!(keys.rotation.unwrap().finished_at.is_some(), "{asks}");
        assert_eq!(keys.versions[0].orgs + keys.versions[0].accounts, 0);
        if finished.is_some() {
            // The operator's org, 16 shards before and after it, and the audit trail.
            assert_eq!(asks, 34);
            return;
        }
    }
}

#[test]
fn c7_a_sign_up_that_a_rotation_begins_in_the_middle_of_is_not_missed() {
    for asks in 0.. {
        let (world, root) = world();
        world.fuse.set(Some(asks));
        let flow = world.try_run(&Principal::Anonymous, Operation::SignUp, &sign_up_body("ada@example.com"));
        world.rotate(&root, &json!({}));
        let _ = world.run(&Principal::Anonymous, Operation::SignUp, &sign_up_body("ada@example.com"));
        let ada = world.signed_in("ada@example.com", PASSWORD);
        world.pass(2 * HOUR);
        assert_eq!((world.account_kek(&ada), world.orgs.borrow()[&ada.org].kek), (2, 2), "{asks}");
        assert_eq!((world.account_kek(&root), world.orgs.borrow()[&root.org].kek), (2, 2), "{asks}");
        if flow.is_some() {
            return;
        }
    }
}

#[test]
fn c7_who_is_made_is_registered_first() {
    let (world, _) = world();
    let (_, trace) = world.traced(|| world.sign_up("ada@example.com"));
    let at = |ask: &str| trace.iter().position(|one| one == ask).unwrap();
    let registered: Vec<_> =
        trace.iter().enumerate().filter(|(_, ask)| *ask == "registry.register").map(|(at, _)| at).collect();
    assert_eq!(registered, [at("account.create") - 1, at("org.open_session") - 1]);
}

#[test]
fn a_registry_that_cannot_be_reached_keeps_nobody_from_signing_in() {
    let (world, _) = world();
    let ada = world.sign_up("ada@example.com");
    world.shards_down.borrow_mut().extend([shard_of(ada.user.as_str()), shard_of(ada.org.as_str())]);
    world.signed_in("ada@example.com", PASSWORD);
}

#[test]
fn c7_an_account_in_use_wraps_its_key_anew_by_itself() {
    let (world, root) = world();
    let ada = world.sign_up("ada@example.com");
    world.check_in(&ada.user);
    world.rotate(&root, &json!({}));
    // Within the hour it does not ask again.
    world.check_in(&ada.user);
    assert_eq!(world.account_kek(&ada), 1);
    world.now_ms.set(world.now_ms.get() + HOUR);
    world.check_in(&ada.user);
    assert_eq!(world.account_kek(&ada), 2);
    assert_eq!(version(&world.keys(&root), 2).accounts, 1);
}
