//! The outbox and what goes with time: tasks that are neither lost nor done for ever, rows that are.

use super::*;
use crate::org::outbox::{Task, done, failed, forget, next, next_due};
use protocol::InvitationId;

fn invited(tenant: &Tenant) -> (u64, InvitationId) {
    tenant.ok(Operation::CreateInvitation, &json!({ "email": "u9@example.com", "role": "member" }));
    match next(tenant.store(), tenant.now_ms).unwrap().unwrap() {
        (id, Task::MailInvitation { invitation, origin }) if origin == "https://gate.test" => {
            (id, invitation)
        }
        other => panic!("{other:?}"),
    }
}

fn mail(tenant: &Tenant) -> Json {
    tenant.ok(Operation::ListInvitations(Page::default()), &Json::Null)["data"][0]["mail"].clone()
}

#[test]
fn a_task_is_tried_at_once_then_ever_more_slowly() {
    let tenant = Tenant::new(1);
    assert_eq!(next_due(tenant.store()).unwrap(), None);
    tenant.ok(Operation::CreateInvitation, &json!({ "email": "u9@example.com", "role": "member" }));
    let mut waits = Vec::new();
    for _ in 0..8 {
        let due = next_due(tenant.store()).unwrap().unwrap();
        waits.push(due);
        assert!(next(tenant.store(), due - 1).unwrap().is_none());
        let (id, _) = next(tenant.store(), due).unwrap().unwrap();
        // Taken is tried: even if nobody comes back to say how it went.
        assert!(next(tenant.store(), due).unwrap().is_none());
        failed(tenant.store(), id, NOW, false).unwrap();
    }
    let waits: Vec<u64> = waits.windows(2).map(|pair| (pair[1] - pair[0]) / 1000).collect();
    assert_eq!(waits, [10, 60, 300, 1_800, 7_200, 21_600, 21_600]);
}

#[test]
fn a_mail_is_sent_refused_or_given_up_after_a_day() {
    let tenant = Tenant::new(1);
    let (id, _) = invited(&tenant);
    assert_eq!(mail(&tenant), "queued");
    done(tenant.store(), id).unwrap();
    assert_eq!((mail(&tenant), tenant.count("outbox")), (json!("sent"), 0));

    let (id, _) = invited(&tenant);
    failed(tenant.store(), id, NOW, true).unwrap();
    assert_eq!((mail(&tenant), tenant.count("outbox")), (json!("failed"), 0));

    let (id, _) = invited(&tenant);
    failed(tenant.store(), id, NOW + DAY - 1, false).unwrap();
    assert_eq!((mail(&tenant), tenant.count("outbox")), (json!("queued"), 1));
    failed(tenant.store(), id, NOW + DAY, false).unwrap();
    assert_eq!((mail(&tenant), tenant.count("outbox")), (json!("failed"), 0));

    let (id, _) = invited(&tenant);
    forget(tenant.store(), id).unwrap();
    assert_eq!((mail(&tenant), tenant.count("outbox")), (json!("queued"), 0));
}

#[test]
fn an_installation_without_mail_queues_none() {
    let tenant = Tenant::new(1);
    let call = call(tenant.founder.clone(), Operation::CreateInvitation);
    let ctx = Context { mail_enabled: false, ..tenant.context(&call) };
    handle(ctx, br#"{"email":"u9@example.com","role":"member"}"#).unwrap();
    assert_eq!((mail(&tenant), tenant.count("outbox")), (json!("off"), 0));
}

#[test]
fn an_account_is_told_however_long_it_takes() {
    let tenant = Tenant::new(1);
    tenant.add_member(&user(9));
    tenant.ok(Operation::RemoveMember { id: user(9).id }, &Json::Null);
    let (id, _) = next(tenant.store(), NOW).unwrap().unwrap();
    failed(tenant.store(), id, NOW + 30 * DAY, false).unwrap();
    assert_eq!(tenant.count("outbox"), 1);
    done(tenant.store(), id).unwrap();
    assert_eq!(tenant.count("outbox"), 0);
}

#[test]
fn a_task_of_a_later_version_waits_and_holds_up_nothing() {
    let tenant = Tenant::new(1);
    let insert =
        "INSERT INTO outbox (task, created_at, due_at) VALUES ('{\"task\":\"from_the_future\"}', 0, 0)";
    tenant.sql.exec(insert, &[]).unwrap();
    invited(&tenant);
    assert_eq!(tenant.count("outbox"), 2);
}

#[test]
fn frozen_tasks() {
    let user = user(9).id;
    let invitation = InvitationId::new(0, [0; 10]);
    for (task, json) in [
        (
            Task::TellAccount { user: user.clone(), email: "e".into() },
            format!(r#"{{"task":"tell_account","user":"{user}","email":"e"}}"#),
        ),
        (
            Task::MailInvitation { invitation: invitation.clone(), origin: "o".into() },
            format!(r#"{{"task":"mail_invitation","invitation":"{invitation}","origin":"o"}}"#),
        ),
        (
            Task::Revoke { connection: ConnectionId::new(0, [0; 10]) },
            format!(r#"{{"task":"revoke","connection":"{}"}}"#, ConnectionId::new(0, [0; 10])),
        ),
        (Task::LeaveRegistry, r#"{"task":"leave_registry"}"#.to_owned()),
    ] {
        assert_eq!(serde_json::to_string(&task).unwrap(), json);
    }
}

#[test]
fn what_has_outlived_its_time_goes_in_batches_and_the_rest_stays() {
    let mut tenant = Tenant::new(1);
    invited(&tenant);
    let key = tenant.ok(Operation::CreateApiKey, &json!({ "name": "k", "scopes": ["audit:read"] }));
    let rotated = "INSERT INTO rotated_keys (lookup, key_id, hash, ends_at) VALUES (?, ?, 'h', ?)";
    for (lookup, ends_at) in [("a", NOW), ("b", NOW + 365 * DAY)] {
        let key = key["id"].as_str().unwrap();
        tenant.sql.exec(rotated, &[lookup.into(), key.into(), ends_at.into()]).unwrap();
    }
    let event = "INSERT INTO inbound_events (id, source_id, provider, dedupe_key, received_at, size, sealed) \
                 SELECT 'ine_' || value, 's', 'p', value, ?, 0, x'00' FROM json_each(?)";
    let numbers: Vec<u32> = (0..600).collect();
    tenant.sql.exec(event, &[NOW.into(), serde_json::to_string(&numbers).unwrap().into()]).unwrap();
    let purge_now =
        |tenant: &Tenant| purge(tenant.context(&call(Principal::Anonymous, Operation::LogIn))).unwrap();
    let counts = |tenant: &Tenant| {
        ["inbound_events", "sessions", "rotated_keys", "invitation_tokens"].map(|table| tenant.count(table))
    };
    assert!(!purge_now(&tenant));
    assert_eq!(counts(&tenant), [600, 1, 1, 1]);

    tenant.now_ms = NOW + 31 * DAY;
    tenant.founder = tenant.sign_in(&user(1));
    assert!(purge_now(&tenant), "there is more");
    assert_eq!(counts(&tenant), [100, 1, 1, 0]);
    assert!(!purge_now(&tenant));
    assert_eq!(counts(&tenant), [0, 1, 1, 0]);
    assert!(tenant.call(&tenant.founder, Operation::Me, &Json::Null).is_ok());
}
