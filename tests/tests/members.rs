//! Who belongs to a workspace, as what, until when (claims N2, N8, N9).

use e2e::{Client, Gate, Org, PATIENCE, Response, now_ms, text, until};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// N2: a change of role holds in the very next request with the same token, up and down.
#[test]
fn n2_a_role_counts_from_the_next_request_on() {
    let org = Org::sign_up(Gate::shared());
    let member = org.invite("member");
    let guarded = || member.get("/v1/api-keys").send();
    for _ in 0..3 {
        guarded().problem("forbidden");
        let row = set_role(&org, &member, "org_admin").ok(200);
        assert_eq!((&row["id"], &row["role"]), (&json!(member.user_id), &json!("org_admin")));
        guarded().ok(200);
        assert_eq!(member.get("/v1/me").send().ok(200)["role"], "org_admin");
        set_role(&org, &member, "member").ok(200);
        guarded().problem("forbidden");
        assert_eq!(member.get("/v1/me").send().ok(200)["role"], "member");
    }
}

/// N9: no way up but by another admin: not by one's own hand, not by a field, not by a key.
#[test]
fn n9_nobody_raises_themselves() {
    let org = Org::sign_up(Gate::shared());
    let member = org.invite("member");
    set_role(&member, &member, "org_admin").problem("forbidden");
    set_role(&member, &org, "member").problem("forbidden");
    for role in ["super_admin", "owner", "ORG_ADMIN", ""] {
        set_role(&org, &org, role).problem("validation_failed");
        set_role(&org, &member, role).problem("validation_failed");
    }
    let key = org.api_key(&["members:read", "api_keys:write"]);
    let body = json!({ "role": "org_admin" });
    let path = format!("/v1/members/{}", member.user_id);
    key.patch(&path, &body).send().problem("forbidden");
    key.get("/v1/members").send().ok(200);
    for extra in [json!({ "role": "member", "org_id": org.id }), json!({ "role": ["org_admin"] }), json!({})]
    {
        org.patch(&path, &extra).send().problem("validation_failed");
    }
    let roles: Vec<Value> = org.list("/v1/members").iter().map(|row| row["role"].clone()).collect();
    assert_eq!(roles, [json!("member"), json!("org_admin")], "newest first");
}

/// N8: once the removal is answered, nothing of the member's works: session, cookie, key.
#[test]
fn n8_a_removed_member_is_out_at_once() {
    let org = Org::sign_up(Gate::shared());
    let member = org.invite("org_admin");
    let other_session = member.session();
    let key = member.api_key(&["connections:read", "members:read"]);
    let kept = org.api_key(&["connections:read"]);
    let row = org.list("/v1/members").into_iter().find(|row| row["id"] == member.user_id.as_str()).unwrap();
    assert_eq!(row["api_keys"], 1);
    let browser = member.browser();

    let (in_use, removed) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let clients: [(&Client, &str); 4] = [
            (&member, "unauthenticated"),
            (&other_session, "unauthenticated"),
            (&browser, "unauthenticated"),
            (&key, "key_revoked"),
        ];
        for (client, code) in clients {
            let (in_use, removed) = (&in_use, &removed);
            scope.spawn(move || {
                let deadline = Instant::now() + PATIENCE;
                let mut refused = 0;
                while refused < 5 {
                    assert!(Instant::now() < deadline, "the member was never removed");
                    let must_refuse = removed.load(Ordering::SeqCst);
                    let response = client.get("/v1/connections").send();
                    if must_refuse {
                        response.problem(code);
                        refused += 1;
                    } else {
                        assert!([200, 401].contains(&response.status), "{response}");
                        in_use.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
        until("all to be in use", || (in_use.load(Ordering::SeqCst) >= 8).then_some(()));
        org.delete(&format!("/v1/members/{}", member.user_id)).send().ok(204);
        removed.store(true, Ordering::SeqCst);
    });
    for path in ["/v1/me", "/v1/account", "/v1/orgs", "/v1/members"] {
        member.get(path).send().problem("unauthenticated");
    }
    kept.get("/v1/connections").send().ok(200);
    let revoked = org.get(&format!("/v1/api-keys/{}", key.id)).send().ok(200);
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    assert_eq!(org.list("/v1/members").len(), 1);
    org.delete(&format!("/v1/members/{}", member.user_id)).send().problem("not_found");
    let trail = org.list("/v1/audit");
    assert!(trail.iter().any(|event| event["target"] == member.user_id.as_str()), "{trail:?}");
}

/// N8, B5: where the edge decides alone, it knows after the configured time at the latest.
#[test]
fn n8_b5_the_edges_own_answer_follows_a_removal() {
    let org = Org::sign_up(Gate::shared());
    let member = org.invite("member");
    member.get("/v1/auth/check").send().ok(200);
    org.delete(&format!("/v1/members/{}", member.user_id)).send().ok(204);
    let most_ms = u64::from(e2e::config().revocation.max_staleness_seconds) * 1000;
    let removed_at = now_ms();
    until("the edge to know", || {
        let sent_at = now_ms();
        let response = member.get("/v1/auth/check").send();
        if response.status == 200 {
            assert!(sent_at <= removed_at + most_ms, "{} ms after the removal", sent_at - removed_at);
            return None;
        }
        response.problem("unauthenticated");
        Some(())
    });
}

/// N8: who belongs nowhere any more keeps their account, and finds an empty workspace of their own.
#[test]
fn n8_who_was_removed_from_everywhere_finds_a_fresh_workspace() {
    let org = Org::sign_up(Gate::shared());
    let auth = json!({ "type": "bearer", "token": "not-for-the-removed" });
    org.connection("https://api.example.com", &auth);
    let member = org.invite("member");
    org.delete(&format!("/v1/members/{}", member.user_id)).send().ok(204);
    let again = member.session();
    assert_ne!(again.id, org.id);
    assert_eq!(again.user_id, member.user_id);
    assert_eq!(again.get("/v1/me").send().ok(200)["role"], "org_admin");
    assert_eq!(again.list("/v1/connections"), Vec::<Value>::new());
    assert_eq!(again.list("/v1/members").len(), 1);
    assert_eq!(member.session().id, again.id, "and the same one the next time");
    let back = json!({ "email": member.email, "password": member.password, "org_id": org.id });
    let refused = member.anonymous().post("/v1/login", &back).send();
    assert!([403, 404].contains(&refused.status), "{refused}");
    assert_eq!(refused.header("set-cookie"), None);
}

/// N2: a workspace keeps an admin, whichever way the last one tries to go.
#[test]
fn n2_the_last_admin_stays() {
    let org = Org::sign_up(Gate::shared());
    let member = org.invite("member");
    let own = format!("/v1/members/{}", org.user_id);
    let ways = || {
        [
            org.patch(&own, &json!({ "role": "member" })).send(),
            org.delete(&own).send(),
            org.request("POST", "/v1/leave").send(),
        ]
    };
    for response in ways() {
        response.problem("last_admin");
    }
    assert_eq!(org.get("/v1/me").send().ok(200)["role"], "org_admin");
    // The role that one has already is no change.
    set_role(&org, &org, "org_admin").ok(200);

    set_role(&org, &member, "org_admin").ok(200);
    org.request("POST", "/v1/leave").send().ok(204);
    org.get("/v1/me").send().problem("unauthenticated");
    let left = member.list("/v1/members");
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(member.user_id)));
    member.request("POST", "/v1/leave").send().problem("last_admin");
}

/// N2: two admins who take each other's place at once leave one.
#[test]
fn n2_two_admins_at_once_leave_one() {
    let org = Org::sign_up(Gate::shared());
    for round in 0..3 {
        let other = org.invite("org_admin");
        let pairs = [(&org, &other), (&other, &org)];
        let statuses: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = pairs
                .iter()
                .map(|(by, whom)| scope.spawn(move || set_role(by, whom, "member").status))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{round}: {statuses:?}");
        let admin = if statuses[0] == 200 { &org } else { &other };
        let members = admin.list("/v1/members");
        let admins = members.iter().filter(|row| row["role"] == "org_admin").count();
        assert!(admins >= 1, "{members:?}");
        set_role(admin, &org, "org_admin").ok(200);
        org.delete(&format!("/v1/members/{}", other.user_id)).send().ok(204);
    }
}

#[test]
fn n2_a_member_leaves_and_takes_their_keys_along() {
    let org = Org::sign_up(Gate::shared());
    let admin = org.invite("org_admin");
    let key = admin.api_key(&["connections:read"]);
    admin.request("POST", "/v1/leave").send().ok(204);
    admin.get("/v1/me").send().problem("unauthenticated");
    key.get("/v1/connections").send().problem("key_revoked");
    assert_eq!(org.list("/v1/members").len(), 1);
}

/// C5: every change of who belongs is in the trail, with who did it.
#[test]
fn c5_changes_of_membership_are_audited() {
    let org = Org::sign_up(Gate::shared());
    let member = org.invite("member");
    set_role(&org, &member, "org_admin").ok(200);
    org.delete(&format!("/v1/members/{}", member.user_id)).send().ok(204);
    let trail = org.list("/v1/audit");
    let of_member: Vec<(String, String)> = trail
        .iter()
        .rev()
        .filter(|event| event["target"] == member.user_id.as_str())
        .map(|event| (text(event, "/action"), text(event, "/actor")))
        .collect();
    let by_admin = of_member.iter().filter(|(_, actor)| *actor == org.user_id).count();
    assert!(by_admin >= 2, "role and removal by the admin: {of_member:?}");
    assert!(trail.iter().any(|event| text(event, "/action").starts_with("invitation.")), "{trail:?}");
    assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
}

fn set_role(by: &Org, whom: &Org, role: &str) -> Response {
    by.patch(&format!("/v1/members/{}", whom.user_id), &json!({ "role": role })).send()
}
