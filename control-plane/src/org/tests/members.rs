//! Members: roles that nobody raises for themselves, and ends that leave nothing behind.

use super::*;
use protocol::api::Member;

fn list(tenant: &Tenant) -> Vec<Member> {
    let list = tenant.ok(Operation::ListMembers(Page::default()), &Json::Null);
    serde_json::from_value(list["data"].clone()).unwrap()
}

fn give(tenant: &Tenant, principal: &Principal, to: &User, role: &str) -> Result<Reply, AppError> {
    tenant.call(principal, Operation::UpdateMember { id: to.id.clone() }, &json!({ "role": role }))
}

fn remove(tenant: &Tenant, principal: &Principal, whom: &User) -> Result<Reply, AppError> {
    tenant.call(principal, Operation::RemoveMember { id: whom.id.clone() }, &Json::Null)
}

fn make_key(tenant: &Tenant, maker: &Principal, scopes: &Json) -> Principal {
    let body = json!({ "name": "k", "scopes": scopes });
    let made = json_of(&tenant.call(maker, Operation::CreateApiKey, &body).unwrap());
    tenant.principal_of(made["key"].as_str().unwrap())
}

#[test]
fn members_are_listed_with_what_hangs_on_them() {
    let mut tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let key = make_key(&tenant, &admin, &json!(["api_keys:write", "audit:read"]));
    make_key(&tenant, &key, &json!(["audit:read"]));
    tenant.now_ms += 60_001;
    tenant.call(&admin, Operation::Me, &Json::Null).unwrap();
    let [newest, founder] = &list(&tenant)[..] else { panic!() };
    assert_eq!((newest.id.clone(), newest.email.as_str()), (user(9).id, "u9@example.com"));
    assert_eq!(newest.last_seen_at, Some(protocol::time::rfc3339(tenant.now_ms)));
    assert_eq!((newest.api_keys, founder.api_keys), (2, 0), "a key's key is its maker's too");

    tenant.sql.exec("UPDATE api_keys SET expires_at = ?", &[tenant.now_ms.into()]).unwrap();
    assert_eq!(list(&tenant)[0].api_keys, 0, "dead keys don't count");
}

#[test]
fn n9_nobody_raises_themselves() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    assert_eq!(code(give(&tenant, &member, &user(9), "org_admin")), Code::Forbidden);
    for (principal, whom) in [(&tenant.founder, user(1)), (&tenant.founder, user(9)), (&member, user(9))] {
        let refused = code(give(&tenant, principal, &whom, "super_admin"));
        assert!(matches!(refused, Code::ValidationFailed | Code::Forbidden));
    }
    let refusal = give(&tenant, &tenant.founder, &user(9), "super_admin").unwrap_err();
    assert!(refusal.public().1.unwrap().starts_with("role:"));
    assert_eq!(code(give(&tenant, &tenant.founder, &user(9), "owner")), Code::ValidationFailed);
    let key = tenant.key(json!(["members:read", "api_keys:write"]));
    assert_eq!(code(give(&tenant, &key, &user(9), "org_admin")), Code::Forbidden);
    assert!(list(&tenant).iter().any(|m| m.id == user(9).id && m.role == protocol::Role::Member));
}

#[test]
fn n2_a_role_counts_from_the_next_call_on() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let audit = || Operation::ListAudit(Page::default());
    assert_eq!(code(tenant.call(&member, audit(), &Json::Null)), Code::Forbidden);
    let reply = give(&tenant, &tenant.founder, &user(9), "org_admin").unwrap();
    assert_eq!(json_of(&reply)["role"], "org_admin");
    assert!(tenant.call(&member, audit(), &Json::Null).is_ok());
    assert_eq!(tenant.last_event()["metadata"], json!({ "from": "member", "to": "org_admin" }));
    // The same once more is no change.
    let events = tenant.count("audit");
    assert!(give(&tenant, &tenant.founder, &user(9), "org_admin").is_ok());
    assert_eq!(tenant.count("audit"), events);
    // Down one may go by oneself.
    assert!(give(&tenant, &member, &user(9), "member").is_ok());
    assert_eq!(code(give(&tenant, &member, &user(9), "org_admin")), Code::Forbidden);
}

#[test]
fn an_org_is_never_without_an_admin() {
    let tenant = Tenant::new(1);
    tenant.add_member(&user(9));
    let leave = |principal: &Principal| tenant.call(principal, Operation::LeaveOrg, &Json::Null);
    for refused in [
        give(&tenant, &tenant.founder, &user(1), "member"),
        remove(&tenant, &tenant.founder, &user(1)),
        leave(&tenant.founder),
    ] {
        let error = refused.map(|_| ()).unwrap_err();
        assert_eq!(error.public().0, Code::LastAdmin);
        assert!(error.public().1.unwrap().contains("org_admin first"));
    }
    assert!(tenant.call(&tenant.founder, Operation::Me, &Json::Null).is_ok(), "refused whole");
    assert_eq!(tenant.count("outbox"), 0);

    // Of two admins who go at the same moment the second one stays.
    let second = tenant.add_admin(&user(8));
    assert_eq!(leave(&tenant.founder).unwrap().status, 204);
    assert_eq!(code(leave(&second)), Code::LastAdmin);
    assert_eq!(code(tenant.call(&tenant.founder, Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn n8_removal_ends_sessions_keys_and_invitations_at_once() {
    let tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let other_device = tenant.sign_in(&user(9));
    let key = make_key(&tenant, &admin, &json!(["api_keys:write", "audit:read"]));
    let keys_key = make_key(&tenant, &key, &json!(["audit:read"]));
    let founders = tenant.key(json!(["audit:read"]));
    for (sender, email) in [(&admin, "a@example.com"), (&tenant.founder, "b@example.com")] {
        let body = json!({ "email": email, "role": "member" });
        tenant.call(sender, Operation::CreateInvitation, &body).unwrap();
    }

    assert_eq!(remove(&tenant, &tenant.founder, &user(9)).unwrap().status, 204);
    for gone in [&admin, &other_device] {
        assert_eq!(code(tenant.call(gone, Operation::Me, &Json::Null)), Code::Unauthenticated);
    }
    for gone in [&key, &keys_key] {
        assert_eq!(code(tenant.call(gone, Operation::Me, &Json::Null)), Code::KeyRevoked);
    }
    assert!(tenant.call(&founders, Operation::Me, &Json::Null).is_ok());
    let invitations = tenant.ok(Operation::ListInvitations(Page::default()), &Json::Null);
    let status = |at: usize| invitations["data"][at]["status"].clone();
    assert_eq!((status(0), status(1)), (json!("pending"), json!("revoked")));
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["target"]), (&json!("member.removed"), &json!(user(9).id)));
    assert_eq!(
        event["metadata"],
        json!({
            "role": "org_admin", "sessions_ended": 2, "api_keys_revoked": 2, "invitations_revoked": 1,
            "old_secrets_ended": 0, "portal_links_closed": 0, "endpoint_secrets_known": [],
        })
    );
    // The account gives no new session, whatever it still believes.
    assert_eq!(code(tenant.ask(&AskOrg::OpenSession(open(&user(9), NOW)))), Code::Forbidden);
    assert_eq!(code(remove(&tenant, &tenant.founder, &user(9))), Code::NotFound);
}

#[test]
fn n8_a_member_leaves_and_their_account_is_told() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let reply = tenant.call(&member, Operation::LeaveOrg, &Json::Null).unwrap();
    assert!(reply.session.is_some_and(|token| token.is_empty()));
    assert_eq!(tenant.last_event()["action"], "member.left");
    let (_, task) = super::super::outbox::next(tenant.store(), NOW).unwrap().unwrap();
    let expected =
        super::super::outbox::Task::TellAccount { user: user(9).id, email: "u9@example.com".into() };
    assert_eq!(task, expected);
    assert_eq!(role_of(tenant.store(), &user(9).id).unwrap(), None);
    assert_eq!(role_of(tenant.store(), &user(1).id).unwrap(), Some(protocol::Role::OrgAdmin));
}

#[test]
fn n9_who_is_an_admin_no_more_has_no_invitation_to_come_back_by() {
    let tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let body = json!({ "email": "second-self@example.com", "role": "org_admin" });
    tenant.call(&admin, Operation::CreateInvitation, &body).unwrap();
    give(&tenant, &tenant.founder, &user(9), "member").unwrap();
    let invitations = tenant.ok(Operation::ListInvitations(Page::default()), &Json::Null);
    assert_eq!(invitations["data"][0]["status"], "revoked");
    assert_eq!(tenant.last_event()["metadata"]["invitations_revoked"], 1);
}

#[test]
fn n1_another_orgs_member_is_nobody_to_change() {
    let tenant = Tenant::new(1);
    assert_eq!(code(give(&tenant, &tenant.founder, &user(7), "member")), Code::NotFound);
    assert_eq!(code(remove(&tenant, &tenant.founder, &user(7))), Code::NotFound);
}

#[test]
fn a_changed_account_changes_its_member_and_nobody_else() {
    let tenant = Tenant::new(1);
    let renamed = User { name: "Ada L.".into(), email: "new@example.com".into(), ..user(1) };
    tenant.ask(&AskOrg::UpdateUser(renamed.clone())).unwrap();
    assert_eq!(tenant.ok(Operation::Me, &Json::Null)["user"], serde_json::to_value(&renamed).unwrap());
    assert_eq!(tenant.last_event()["action"], "member.updated");
    let events = tenant.count("audit");
    tenant.ask(&AskOrg::UpdateUser(renamed)).unwrap();
    tenant.ask(&AskOrg::UpdateUser(user(5))).unwrap();
    assert_eq!((tenant.count("audit"), tenant.count("members")), (events, 1));
}

#[test]
fn n8_a_removed_member_has_no_open_invitation_of_their_own_left() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let body = json!({ "email": "new@example.com", "role": "member" });
    tenant.call(&tenant.founder, Operation::CreateInvitation, &body).unwrap();
    let renamed = User { email: "new@example.com".into(), ..user(9) };
    tenant.ask(&AskOrg::UpdateUser(renamed)).unwrap();
    tenant.call(&member, Operation::LeaveOrg, &Json::Null).unwrap();
    assert_eq!(tenant.last_event()["metadata"]["invitations_revoked"], 1);
}

/// N8: who has rotated a key has seen its secret.
#[test]
fn n8_a_key_that_the_removed_member_rotated_ends_with_them() {
    let tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let body = json!({ "name": "production", "scopes": ["audit:read"] });
    let id = tenant.ok(Operation::CreateApiKey, &body)["id"].as_str().unwrap().to_owned();
    let rotate = Operation::RotateApiKey { id: protocol::ApiKeyId::parse(&id).unwrap() };
    let reply = tenant.call(&admin, rotate, &json!({ "grace_seconds": 3600 })).unwrap();
    let taken = tenant.principal_of(json_of(&reply)["key"].as_str().unwrap());
    assert!(tenant.call(&taken, Operation::Me, &Json::Null).is_ok());
    assert_eq!(remove(&tenant, &tenant.founder, &user(9)).unwrap().status, 204);
    assert_eq!(code(tenant.call(&taken, Operation::Me, &Json::Null)), Code::KeyRevoked);
}

/// N9: who is no admin any more has nothing left that only an admin may make.
#[test]
fn n9_a_demoted_admins_keys_and_invitations_end() {
    let tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let key = make_key(&tenant, &admin, &json!(["api_keys:write"]));
    let keys_key = make_key(&tenant, &key, &json!(["api_keys:write"]));
    let founders = tenant.key(json!(["audit:read"]));
    assert!(give(&tenant, &tenant.founder, &user(9), "member").is_ok());
    for gone in [&key, &keys_key] {
        assert_eq!(code(tenant.call(gone, Operation::Me, &Json::Null)), Code::KeyRevoked);
    }
    assert!(tenant.call(&founders, Operation::Me, &Json::Null).is_ok());
    assert!(tenant.call(&admin, Operation::Me, &Json::Null).is_ok());
    assert_eq!(tenant.last_event()["metadata"]["api_keys_revoked"], 2);
}
