//! Who may do what: every operation of the public API, as everybody who could ask for it.

use super::*;
use protocol::access::Level;
use protocol::{Access, Permission, Scope};

fn link() -> Operation {
    Operation::StartOidc(protocol::call::OidcStart {
        provider: "google".into(),
        purpose: protocol::call::OidcPurpose::Link,
    })
}

/// A founder who is a SUPER_ADMIN: may ask for everything.
fn operator() -> (Tenant, Principal) {
    let mut tenant = Tenant::new(1);
    tenant.config.operators.super_admins = vec![user(1).email];
    let operator = tenant.sign_in_as(OpenSession {
        second_factor: true,
        operator: true,
        ..open(&user(1), tenant.now_ms)
    });
    (tenant, operator)
}

#[test]
fn c4_every_sensitive_operation_asks_for_a_recent_proof_and_no_other_does() {
    let (mut tenant, operator) = operator();
    let minutes = u64::from(tenant.config.sessions.reauthentication_minutes);
    let refused = |tenant: &Tenant| -> Vec<Operation> {
        operations()
            .into_iter()
            .map(|(_, _, operation)| operation)
            .chain([link()])
            .filter(|operation| operation.access() != Access::Public)
            .filter(|operation| {
                tenant
                    .authorize(&operator, operation.clone())
                    .is_err_and(|error| error.public().0 == Code::ReauthenticationRequired)
            })
            .collect()
    };
    tenant.now_ms = NOW + minutes * 60_000;
    assert_eq!(refused(&tenant), []);

    tenant.now_ms += 1;
    let sensitive = operations().into_iter().map(|(_, _, operation)| operation).chain([link()]);
    let sensitive: Vec<_> = sensitive.filter(Operation::is_sensitive).collect();
    assert!(sensitive.contains(&link()) && sensitive.contains(&Operation::CreateApiKey));
    assert_eq!(refused(&tenant), sensitive);
    let refusal = tenant.authorize(&operator, Operation::CreateApiKey).unwrap_err();
    assert!(refusal.public().1.unwrap().contains("POST /v1/reauthenticate"));

    let proof =
        AskOrg::MarkAuthenticated { session: session_of(&operator), proof: crate::asks::Again::First };
    let answer = json_of(&tenant.ask(&proof).unwrap());
    let until = protocol::time::rfc3339(tenant.now_ms + minutes * 60_000);
    assert_eq!(answer["authenticated_until"], until);
    assert_eq!(refused(&tenant), []);
    assert_eq!(tenant.last_event()["action"], "session.authenticated");
}

#[test]
fn c4_a_key_has_no_moment_of_proof() {
    let mut tenant = Tenant::new(1);
    let key = tenant.key(json!(["api_keys:write", "audit:read"]));
    tenant.now_ms = NOW + DAY;
    let body = json!({ "name": "k", "scopes": ["audit:read"] });
    assert!(tenant.call(&key, Operation::CreateApiKey, &body).is_ok());
}

#[test]
fn n2_a_super_admin_is_all_of_a_proven_email_a_listed_one_and_a_second_factor() {
    let operate = || Operation::GetOrgAsOperator { org: OrgId::new(Region::Eu, [9; 16]) };
    for bits in 0..8u8 {
        let [proven, listed, second_factor] = [1, 2, 4].map(|bit| bits & bit != 0);
        let mut tenant = Tenant::new(1);
        if listed {
            tenant.config.operators.super_admins = vec![user(1).email];
        }
        let admin = tenant.sign_in_as(OpenSession { second_factor, operator: proven, ..open(&user(1), NOW) });
        let verdict = tenant.authorize(&admin, operate());
        let me = json_of(&tenant.call(&admin, Operation::Me, &Json::Null).unwrap());
        if bits == 7 {
            let voucher: crate::asks::Voucher = serde_json::from_slice(&verdict.unwrap().body).unwrap();
            assert!(voucher.operator && voucher.role == protocol::Role::OrgAdmin);
            assert_eq!(me["role"], "super_admin");
            // Off the list, off the job, in the next call.
            tenant.config.operators.super_admins.clear();
            assert_eq!(code(tenant.authorize(&admin, operate())), Code::Forbidden);
        } else {
            let error = verdict.unwrap_err();
            assert_eq!(error.public().0, Code::Forbidden, "{proven} {listed} {second_factor}");
            // D15: what makes an operator; to who lacks the second factor alone, that.
            let detail = error.public().1.unwrap();
            assert_eq!(detail.contains("set one up"), listed && !second_factor, "{detail}");
            assert_eq!(detail.contains("operators.super_admins"), !listed || second_factor, "{detail}");
            assert!(detail.contains("second factor"), "{detail}");
            assert_eq!(me["role"], "org_admin");
        }
    }
}

#[test]
fn n9_operating_the_installation_opens_nothing_of_an_org() {
    let mut tenant = Tenant::new(1);
    tenant.config.operators.super_admins = vec![user(9).email];
    tenant.add_member(&user(9));
    let guest = tenant.sign_in_as(OpenSession { second_factor: true, operator: true, ..open(&user(9), NOW) });
    let members = Operation::UpdateMember { id: user(9).id };
    assert_eq!(code(tenant.call(&guest, members, &json!({ "role": "org_admin" }))), Code::Forbidden);
    assert_eq!(
        code(tenant.call(&guest, Operation::ListAudit(Page::default()), &Json::Null)),
        Code::Forbidden
    );
}

#[test]
fn b8_another_orgs_principal_is_nobody_in_every_operation() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let scopes: Vec<String> = Scope::all().map(String::from).collect();
    let key = theirs.key(json!(scopes));
    // The same person may well be in both orgs; the session is in one.
    ours.add_member(&user(2));
    for (method, path, operation) in operations() {
        for principal in [&theirs.founder, &key, &Principal::Anonymous] {
            let refused = ours.call(principal, operation.clone(), &Json::Null);
            assert_eq!(code(refused), Code::Unauthenticated, "{method} {path}");
        }
    }
}

/// A POST that asks no more than reading: its answer depends on a body. What a proxied request may do, its own tests say.
fn only_reads(operation: &Operation) -> bool {
    matches!(operation.access(), Access::Needs(Permission { level: Level::Read, .. }))
}

#[test]
fn n2_what_a_member_may_change_is_their_own() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let may: Vec<_> = operations()
        .into_iter()
        .filter(|(method, _, operation)| *method != "GET" && !only_reads(operation))
        .filter(|(_, _, operation)| tenant.authorize(&member, operation.clone()).is_ok())
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(
        may,
        [
            "POST /v1/email/verify",
            "POST /v1/logout",
            "DELETE /v1/account/identities/{id}",
            "POST /v1/password",
            "POST /v1/email",
            "POST /v1/email/verification",
            "POST /v1/reauthenticate",
            "POST /v1/second-factor",
            "POST /v1/second-factor/confirm",
            "DELETE /v1/second-factor",
            "POST /v1/second-factor/recovery-codes",
            "DELETE /v1/sessions",
            "POST /v1/sessions/refresh",
            "DELETE /v1/sessions/{id}",
            "POST /v1/orgs",
            "POST /v1/orgs/switch",
            "POST /v1/leave",
            "POST /v1/invitations/accept",
        ]
    );
}

#[test]
fn c5_a_key_of_every_scope_is_no_person() {
    let tenant = Tenant::new(1);
    let scopes: Vec<String> = Scope::all().map(String::from).collect();
    let key = tenant.key(json!(scopes));
    for (method, path, operation) in operations() {
        let person =
            matches!(operation.access(), Access::Session | Access::SessionNeeds(_) | Access::Operator);
        if person {
            assert_eq!(code(tenant.call(&key, operation, &Json::Null)), Code::Forbidden, "{method} {path}");
        }
    }
}

#[test]
fn n7_a_key_works_from_its_networks_alone() {
    let tenant = Tenant::new(1);
    let key = tenant.key(json!(["audit:read"]));
    let from = |ip: &str| {
        let mut call = call(key.clone(), Operation::VerifyPrincipal { audience: None, want: 0 });
        call.client.ip = ip.into();
        handle(tenant.context(&call), b"")
    };
    let networks = json!(["203.0.113.0/24", "2001:db8::/32"]);
    tenant.sql.exec("UPDATE api_keys SET allowed_ips = ?", &[networks.to_string().into()]).unwrap();
    for ip in ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"] {
        assert_eq!(json_of(&from(ip).unwrap())["allowed_ips"], networks, "{ip}");
    }
    for ip in ["203.0.114.1", "2001:db9::1", "", "unknown", "203.0.113.7, 198.51.100.1"] {
        assert_eq!(code(from(ip)), Code::IpNotAllowed, "{ip}");
    }
    // An empty list is a list, and a broken one is a fault: neither opens the key to everybody.
    tenant.sql.exec("UPDATE api_keys SET allowed_ips = '[]'", &[]).unwrap();
    assert_eq!(code(from("203.0.113.7")), Code::IpNotAllowed);
    tenant.sql.exec("UPDATE api_keys SET allowed_ips = '{'", &[]).unwrap();
    assert_eq!(code(from("203.0.113.7")), Code::Internal);

    // Who has the characters but not the secret learns nothing of networks.
    let Principal::ApiKey { org, lookup, .. } = key.clone() else { panic!() };
    let guess = Principal::ApiKey { org, lookup, digest: "00".repeat(32) };
    assert_eq!(code(tenant.call(&guess, Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn n7_a_rotated_key_works_for_its_grace_and_is_as_dead_as_its_successor() {
    let mut tenant = Tenant::new(1);
    let old = tenant.key(json!(["audit:read"]));
    // As a rotation leaves it: the old characters and hash beside, new ones in the key's row.
    let Principal::ApiKey { lookup, .. } = &old else { panic!() };
    tenant
        .sql
        .exec(
            "INSERT INTO rotated_keys (lookup, key_id, hash, ends_at) SELECT lookup, id, hash, ? FROM api_keys",
            &[(NOW + 1000).into()],
        )
        .unwrap();
    tenant.sql.exec("UPDATE api_keys SET lookup = 'zzzzzzzz', hash = 'x'", &[]).unwrap();
    let me = |tenant: &Tenant| tenant.call(&old, Operation::Me, &Json::Null);
    assert!(me(&tenant).is_ok(), "{lookup}");
    tenant.now_ms = NOW + 1000;
    assert_eq!(code(me(&tenant)), Code::KeyRevoked);
    tenant.now_ms = NOW;
    tenant.sql.exec("UPDATE api_keys SET expires_at = ?", &[NOW.into()]).unwrap();
    assert_eq!(code(me(&tenant)), Code::KeyExpired);
    tenant.sql.exec("UPDATE api_keys SET expires_at = NULL, revoked_at = 1", &[]).unwrap();
    assert_eq!(code(me(&tenant)), Code::KeyRevoked);
}

#[test]
fn a_keys_last_use_is_noted_each_minute_and_from_each_new_address() {
    let mut tenant = Tenant::new(1);
    let key = tenant.key(json!(["audit:read"]));
    let used = |tenant: &Tenant, ip: &str| -> (u64, String) {
        let mut call = call(key.clone(), Operation::Me);
        call.client.ip = ip.into();
        handle(tenant.context(&call), b"").unwrap();
        let rows = tenant.sql.exec("SELECT used_at, used_ip FROM api_keys", &[]).unwrap();
        (rows[0].number(0).unwrap(), rows[0].text(1).unwrap().to_owned())
    };
    assert_eq!(used(&tenant, "192.0.2.1"), (NOW, "192.0.2.1".into()));
    tenant.now_ms = NOW + 60_000;
    assert_eq!(used(&tenant, "192.0.2.1"), (NOW, "192.0.2.1".into()));
    assert_eq!(used(&tenant, "192.0.2.2"), (NOW + 60_000, "192.0.2.2".into()));
    tenant.now_ms = NOW + 120_001;
    assert_eq!(used(&tenant, "192.0.2.2"), (NOW + 120_001, "192.0.2.2".into()));
}
