//! Who loses a secret of a key, and when: everybody who was shown one, with their rights (claims N7, N8).

use super::*;
use protocol::ApiKeyId;

fn make(tenant: &Tenant, by: &Principal, scopes: &Json) -> Json {
    let body = json!({ "name": "k", "scopes": scopes });
    json_of(&tenant.call(by, Operation::CreateApiKey, &body).unwrap())
}

fn rotate(tenant: &Tenant, by: &Principal, key: &Json, grace_seconds: u32) -> Result<Json, AppError> {
    let id = ApiKeyId::parse(key["id"].as_str().unwrap()).unwrap();
    let body = json!({ "grace_seconds": grace_seconds });
    Ok(json_of(&tenant.call(by, Operation::RotateApiKey { id }, &body)?))
}

fn link(tenant: &Tenant, by: &Principal) -> Principal {
    let body = json!({ "customer_id": "cus_1" });
    let created = json_of(&tenant.call(by, Operation::CreatePortalLink, &body).unwrap());
    let token = created["url"].as_str().unwrap().rsplit('=').next().unwrap();
    let link = tokens::parse_link(&tenant.secrets.mac, tokens::LinkKind::Portal, token).unwrap();
    Principal::Portal { org: tenant.org.clone(), digest: link.digest }
}

impl Tenant {
    fn holder_of(&self, key: &Json) -> Principal {
        self.principal_of(key["key"].as_str().unwrap())
    }

    fn works(&self, key: &Json) -> bool {
        self.call(&self.holder_of(key), Operation::Me, &Json::Null).is_ok()
    }

    fn opens(&self, link: &Principal) -> bool {
        self.call(link, Operation::GetPortal, &Json::Null).is_ok()
    }
}

/// The two ways in which an admin loses their rights.
fn ways() -> [(&'static str, Operation, Json); 2] {
    let id = user(9).id;
    [
        ("removed", Operation::RemoveMember { id: id.clone() }, Json::Null),
        ("demoted", Operation::UpdateMember { id }, json!({ "role": "member" })),
    ]
}

#[test]
fn n8_an_old_secret_ends_with_the_admin_who_was_shown_it_and_the_new_one_works_on() {
    for (way, operation, body) in ways() {
        let tenant = Tenant::new(1);
        let admin = tenant.add_admin(&user(9));
        let first = make(&tenant, &tenant.founder, &json!(["audit:read"]));
        let theirs = rotate(&tenant, &admin, &first, 0).unwrap();
        let new = rotate(&tenant, &tenant.founder, &first, 2_592_000).unwrap();
        assert!(tenant.works(&theirs) && tenant.works(&new));
        tenant.ok(operation, &body);
        assert!(!tenant.works(&theirs), "{way}");
        assert!(tenant.works(&new), "{way}: nobody else was to lose theirs");
        let metadata = tenant.last_event()["metadata"].clone();
        assert_eq!((&metadata["old_secrets_ended"], &metadata["api_keys_revoked"]), (&json!(1), &json!(0)));
    }
}

/// N7: a key is no way to outlast the rights by which its secret was seen.
#[test]
fn n7_a_key_that_rotates_itself_or_makes_others_ends_with_who_was_shown_it() {
    for (way, operation, body) in ways() {
        let tenant = Tenant::new(1);
        let admin = tenant.add_admin(&user(9));
        let scopes = json!(["api_keys:write", "audit:read"]);
        let first = make(&tenant, &tenant.founder, &scopes);
        let seen = rotate(&tenant, &admin, &first, 0).unwrap();
        let child = make(&tenant, &tenant.holder_of(&seen), &scopes);
        let mut own = seen.clone();
        for _ in 0..3 {
            own = rotate(&tenant, &tenant.holder_of(&own), &own, 60).unwrap();
        }
        let grandchild = make(&tenant, &tenant.holder_of(&child), &scopes);
        let bystander = make(&tenant, &tenant.founder, &scopes);
        tenant.ok(operation, &body);
        for key in [&seen, &child, &own, &grandchild] {
            assert!(!tenant.works(key), "{way}");
        }
        assert!(tenant.works(&bystander), "{way}");
    }
}

#[test]
fn n8_what_a_shared_key_made_ends_with_one_who_was_shown_it_though_the_key_has_a_new_secret() {
    let tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let scopes =
        json!(["api_keys:write", "endpoints:read", "endpoints:write", "messages:read", "messages:write"]);
    let first = make(&tenant, &tenant.founder, &scopes);
    let seen = rotate(&tenant, &admin, &first, 0).unwrap();
    let child = make(&tenant, &tenant.holder_of(&seen), &scopes);
    let opened = link(&tenant, &tenant.holder_of(&seen));
    let new = rotate(&tenant, &tenant.founder, &first, 0).unwrap();
    let kept = link(&tenant, &tenant.holder_of(&new));
    let [(_, remove, body), _] = ways();
    tenant.ok(remove, &body);
    assert!(!tenant.works(&child) && !tenant.opens(&opened));
    assert!(tenant.works(&new) && tenant.opens(&kept));
}

#[test]
fn n7_a_secret_that_was_rotated_out_makes_nothing_that_outlives_it() {
    let tenant = Tenant::new(1);
    let scopes =
        json!(["api_keys:write", "endpoints:read", "endpoints:write", "messages:read", "messages:write"]);
    let old = make(&tenant, &tenant.founder, &scopes);
    let new = rotate(&tenant, &tenant.founder, &old, 3600).unwrap();
    let (with_old, with_new) = (tenant.holder_of(&old), tenant.holder_of(&new));
    let asks = || {
        let id = ApiKeyId::parse(old["id"].as_str().unwrap()).unwrap();
        [
            (Operation::CreateApiKey, json!({ "name": "k", "scopes": ["api_keys:write"] })),
            (Operation::CreatePortalLink, json!({ "customer_id": "cus_1" })),
            (Operation::RotateApiKey { id }, json!({ "grace_seconds": 2_592_000 })),
        ]
    };
    for (operation, body) in asks() {
        let refused = tenant.call(&with_old, operation.clone(), &body);
        assert_eq!(code(refused), Code::Forbidden, "{operation:?}");
    }
    assert!(tenant.works(&old) && tenant.works(&new), "a refused rotation has changed nothing");
    for (operation, body) in asks() {
        assert!(tenant.call(&with_new, operation.clone(), &body).is_ok(), "{operation:?}");
    }
}

#[test]
fn n8_a_link_ends_with_its_makers_rights_and_does_not_come_back_with_them() {
    let tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let (theirs, founders) = (link(&tenant, &admin), link(&tenant, &tenant.founder));
    let role = |role: &str| {
        tenant.ok(Operation::UpdateMember { id: user(9).id }, &json!({ "role": role }));
    };
    role("member");
    assert_eq!(tenant.last_event()["metadata"]["portal_links_closed"], 1);
    role("org_admin");
    assert!(!tenant.opens(&theirs) && tenant.opens(&founders));
}

#[test]
fn n7_with_a_revoked_key_goes_what_was_made_with_it() {
    let tenant = Tenant::new(1);
    let scopes =
        json!(["api_keys:write", "endpoints:read", "endpoints:write", "messages:read", "messages:write"]);
    let key = make(&tenant, &tenant.founder, &scopes);
    let child = make(&tenant, &tenant.holder_of(&key), &scopes);
    let opened = link(&tenant, &tenant.holder_of(&child));
    let id = ApiKeyId::parse(key["id"].as_str().unwrap()).unwrap();
    tenant.ok(Operation::RevokeApiKey { id }, &Json::Null);
    assert!(!tenant.works(&key) && !tenant.works(&child) && !tenant.opens(&opened));
    let event = tenant.last_event();
    assert_eq!(event["metadata"]["others_revoked"], 1);
    assert_eq!(event["metadata"]["portal_links_closed"], 1);
}

/// A key has several holders: what one was shown, a repetition does not show to another.
#[test]
fn an_answer_with_a_secret_is_repeated_for_the_secret_that_asked_alone() {
    let tenant = Tenant::new(1);
    let first = make(&tenant, &tenant.founder, &json!(["api_keys:write"]));
    let second = rotate(&tenant, &tenant.founder, &first, 3600).unwrap();
    let send = |by: &Principal| {
        let mut call = call(by.clone(), Operation::CreateApiKey);
        call.idempotency_key = Some("retry-1".into());
        handle(
            tenant.context(&call),
            json!({ "name": "k", "scopes": ["api_keys:write"] }).to_string().as_bytes(),
        )
    };
    assert!(!send(&tenant.holder_of(&second)).unwrap().replayed);
    assert!(send(&tenant.holder_of(&second)).unwrap().replayed);
    assert_eq!(code(send(&tenant.holder_of(&first))), Code::IdempotencyMismatch);
}

/// Rows about secrets that are no more do not stay.
#[test]
fn holders_are_forgotten_with_the_secret() {
    let mut tenant = Tenant::new(1);
    let key = make(&tenant, &tenant.founder, &json!(["audit:read"]));
    rotate(&tenant, &tenant.founder, &key, 60).unwrap();
    link(&tenant, &tenant.founder);
    assert_eq!(tenant.count("secret_holders"), 3);
    tenant.now_ms += 2 * DAY;
    for _ in 0..2 {
        purge(tenant.context(&call(Principal::Anonymous, Operation::LogIn))).unwrap();
    }
    assert_eq!(tenant.count("secret_holders"), 1, "that of the key itself");
}
