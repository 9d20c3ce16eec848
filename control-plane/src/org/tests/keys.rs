//! Keys: what is taken at their making, and what a rotation gives to whom.

use super::*;
use protocol::ApiKeyId;
use protocol::time::rfc3339;

fn key(with: Json) -> Json {
    let mut body = json!({ "name": "k", "scopes": ["connections:read"] });
    body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    body
}

fn id(key: &Json) -> ApiKeyId {
    ApiKeyId::parse(key["id"].as_str().unwrap()).unwrap()
}

impl Tenant {
    fn make(&self, by: &Principal, with: Json) -> Result<Json, AppError> {
        let reply = self.call(by, Operation::CreateApiKey, &key(with))?;
        Ok(serde_json::from_slice(&reply.body).unwrap())
    }

    fn rotate(&self, by: &Principal, key: &Json, grace_seconds: u32) -> Result<Json, AppError> {
        let body = json!({ "grace_seconds": grace_seconds });
        let reply = self.call(by, Operation::RotateApiKey { id: id(key) }, &body)?;
        Ok(serde_json::from_slice(&reply.body).unwrap())
    }

    fn record(&self, key: &Json) -> Json {
        self.ok(Operation::GetApiKey { id: id(key) }, &Json::Null)
    }

    /// What `verify` says of each key.
    fn verdicts(&self, keys: &[&Json]) -> Vec<String> {
        keys.iter()
            .map(|key| {
                let verdict = self.ok(Operation::VerifyApiKey, &json!({ "key": key["key"] }));
                verdict["code"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

#[test]
fn n7_a_record_shows_everything_but_the_key() {
    let tenant = Tenant::new(1);
    let with = json!({
        "scopes": ["connections:read", "app.invoices:write", "connections:read"],
        "expires_at": rfc3339(NOW + DAY),
        "rate_limit": { "limit": 5, "period_seconds": 60 },
        "allowed_ips": ["203.0.113.0/24", "::ffff:203.0.113.0/120", "2001:DB8::/32"],
        "external_id": "customer 7",
        "metadata": { "tier": "gold", "seats": [1, 2] },
    });
    let created = tenant.make(&tenant.founder, with).unwrap();
    let record = tenant.record(&created);
    assert_eq!(record["scopes"], json!(["connections:read", "app.invoices:write"]));
    assert_eq!(record["allowed_ips"], json!(["203.0.113.0/24", "2001:db8::/32"]));
    assert_eq!(record["external_id"], "customer 7");
    assert_eq!(record["metadata"], json!({ "tier": "gold", "seats": [1, 2] }));
    assert_eq!(record["created_by"], user(1).id.as_str());
    assert_eq!(record["previous_works_until"], Json::Null);

    let secret = created["key"].as_str().unwrap().rsplit('_').next().unwrap();
    assert!(!record.to_string().contains(secret));
    let mut shown = created.clone();
    shown.as_object_mut().unwrap().remove("key");
    assert_eq!(shown, record);
    let unknown = Operation::GetApiKey { id: ApiKeyId::new(NOW, [9; 10]) };
    assert_eq!(code(tenant.call(&tenant.founder, unknown, &Json::Null)), Code::NotFound);
}

#[test]
fn what_a_key_is_made_with_is_bounded() {
    let tenant = Tenant::new(1);
    let scopes = |count: usize| -> Vec<String> { (0..count).map(|n| format!("app.r{n}:read")).collect() };
    let networks = |count: usize| -> Vec<String> { (0..count).map(|n| format!("192.0.2.{n}")).collect() };
    // `{"m":"…"}` is 8 bytes and the string.
    let metadata = |bytes: usize| json!({ "metadata": { "m": "x".repeat(bytes - 8) } });
    for with in [
        json!({ "scopes": scopes(64) }),
        json!({ "allowed_ips": networks(32) }),
        json!({ "external_id": "é".repeat(255) }),
        metadata(2048),
        json!({ "metadata": {} }),
    ] {
        assert!(tenant.make(&tenant.founder, with.clone()).is_ok(), "{with}");
    }
    for with in [
        json!({ "scopes": [] }),
        json!({ "scopes": scopes(65) }),
        json!({ "scopes": ["app.Invoices:read"] }),
        json!({ "allowed_ips": [] }),
        json!({ "allowed_ips": networks(33) }),
        json!({ "allowed_ips": ["203.0.113.1/24"] }),
        json!({ "allowed_ips": ["example.com"] }),
        json!({ "external_id": "" }),
        json!({ "external_id": "é".repeat(256) }),
        json!({ "external_id": "a\nb" }),
        metadata(2049),
        json!({ "metadata": [] }),
        json!({ "expires_at": rfc3339(NOW) }),
    ] {
        let refused = tenant.make(&tenant.founder, with.clone()).unwrap_err();
        assert_eq!(refused.public().0, Code::ValidationFailed, "{with}");
    }
}

#[test]
fn n7_a_rotation_changes_the_secret_and_nothing_else() {
    let mut tenant = Tenant::new(1);
    let old = tenant.make(&tenant.founder, json!({ "external_id": "e" })).unwrap();
    let new = tenant.rotate(&tenant.founder, &old, 60).unwrap();
    assert_eq!(old["id"], new["id"]);
    assert_ne!(old["key"], new["key"]);
    assert_eq!(new["previous_works_until"], rfc3339(NOW + 60_000));
    assert_eq!(new["external_id"], "e");
    assert_eq!(tenant.verdicts(&[&old, &new]), ["valid", "valid"]);

    let events = tenant.ok(Operation::ListAudit(Page::default()), &Json::Null);
    assert_eq!(events["data"][0]["action"], "api_key.rotated");
    assert_eq!(events["data"][0]["metadata"], json!({ "grace_seconds": 60 }));

    tenant.now_ms = NOW + 59_999;
    assert_eq!(tenant.verdicts(&[&old, &new]), ["valid", "valid"]);
    tenant.now_ms = NOW + 60_000;
    assert_eq!(tenant.verdicts(&[&old, &new]), ["revoked", "valid"]);
    assert_eq!(tenant.record(&new)["previous_works_until"], Json::Null);
}

#[test]
fn without_a_grace_the_old_secret_ends_at_once() {
    let tenant = Tenant::new(1);
    let old = tenant.make(&tenant.founder, json!({})).unwrap();
    let call = call(tenant.founder.clone(), Operation::RotateApiKey { id: id(&old) });
    let reply = handle(tenant.context(&call), b"").unwrap();
    let new: Json = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(tenant.verdicts(&[&old, &new]), ["revoked", "valid"]);
    assert_eq!(new["previous_works_until"], Json::Null);
}

#[test]
fn n7_at_most_one_old_secret_works_and_revoking_the_key_ends_all() {
    let tenant = Tenant::new(1);
    let first = tenant.make(&tenant.founder, json!({})).unwrap();
    let second = tenant.rotate(&tenant.founder, &first, 2_592_000).unwrap();
    let third = tenant.rotate(&tenant.founder, &first, 60).unwrap();
    assert_eq!(tenant.verdicts(&[&first, &second, &third]), ["revoked", "valid", "valid"]);
    assert_eq!(
        third["previous_works_until"],
        rfc3339(NOW + 60_000),
        "the shorter grace is the one that counts"
    );

    tenant.ok(Operation::RevokeApiKey { id: id(&first) }, &Json::Null);
    assert_eq!(tenant.verdicts(&[&first, &second, &third]), ["revoked", "revoked", "revoked"]);
    assert_eq!(tenant.record(&first)["previous_works_until"], Json::Null);
    for key in [&second, &third] {
        let principal = tenant.principal_of(key["key"].as_str().unwrap());
        assert_eq!(code(tenant.call(&principal, Operation::Me, &Json::Null)), Code::KeyRevoked);
    }
}

/// Who holds the whole key learns how it ended, and when; a guess at its secret learns what one at any key does.
#[test]
fn n7_only_the_holder_of_a_key_learns_how_it_ended() {
    let mut tenant = Tenant::new(1);
    let told = |tenant: &Tenant, principal: &Principal| {
        let refused = tenant.call(principal, Operation::Me, &Json::Null).unwrap_err();
        let (code, detail) = refused.public();
        (code, detail.unwrap().to_string())
    };
    let revoked = tenant.make(&tenant.founder, json!({})).unwrap();
    let expired = tenant.make(&tenant.founder, json!({ "expires_at": rfc3339(NOW + 1000) })).unwrap();
    let rotated = tenant.make(&tenant.founder, json!({})).unwrap();
    tenant.rotate(&tenant.founder, &rotated, 2).unwrap();
    tenant.ok(Operation::RevokeApiKey { id: id(&revoked) }, &Json::Null);
    tenant.now_ms = NOW + 2000;
    let holder = |key: &Json| tenant.principal_of(key["key"].as_str().unwrap());
    let at = |ms| rfc3339(NOW + ms);
    for (key, code, detail) in [
        (&revoked, Code::KeyRevoked, format!("this API key was revoked at {}", at(0))),
        (&expired, Code::KeyExpired, format!("this API key expired at {}", at(1000))),
        (
            &rotated,
            Code::KeyRevoked,
            format!("this API key has another secret: this one worked until {}", at(2000)),
        ),
    ] {
        assert_eq!(told(&tenant, &holder(key)), (code, detail));
        let other = tenant.make(&tenant.founder, json!({})).unwrap();
        let (Principal::ApiKey { org, lookup, .. }, Principal::ApiKey { digest, .. }) =
            (holder(key), holder(&other))
        else {
            panic!()
        };
        let nobody = (Code::Unauthenticated, protocol::problem::UNKNOWN_KEY.to_owned());
        let guess = Principal::ApiKey { org: org.clone(), lookup, digest: digest.clone() };
        assert_eq!(told(&tenant, &guess), nobody);
        let unknown = Principal::ApiKey { org, lookup: "00000000".into(), digest };
        assert_eq!(told(&tenant, &unknown), nobody);
    }
    // Revoked as well as expired: the revocation is what somebody did.
    tenant.ok(Operation::RevokeApiKey { id: id(&expired) }, &Json::Null);
    assert_eq!(told(&tenant, &holder(&expired)).0, Code::KeyRevoked);
}

#[test]
fn m3_an_old_secret_is_stored_as_a_hash_too() {
    let tenant = Tenant::new(1);
    let old = tenant.make(&tenant.founder, json!({})).unwrap();
    let new = tenant.rotate(&tenant.founder, &old, 60).unwrap();
    let rows = tenant.sql.exec("SELECT hash FROM rotated_keys", &[]).unwrap();
    assert!(rows[0].text(0).unwrap().starts_with("$2b$04$"));
    let file = tenant.sql.bytes();
    for key in [&old, &new] {
        let secret = key["key"].as_str().unwrap().rsplit('_').next().unwrap();
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[test]
fn only_a_key_that_lives_is_rotated_and_only_within_the_bounds() {
    let mut tenant = Tenant::new(1);
    let refused = |tenant: &Tenant, key: &Json, grace| {
        tenant.rotate(&tenant.founder, key, grace).unwrap_err().public().0
    };
    let revoked = tenant.make(&tenant.founder, json!({})).unwrap();
    tenant.ok(Operation::RevokeApiKey { id: id(&revoked) }, &Json::Null);
    assert_eq!(refused(&tenant, &revoked, 0), Code::ApiKeyEnded);

    let expiring = tenant.make(&tenant.founder, json!({ "expires_at": rfc3339(NOW + 1000) })).unwrap();
    assert_eq!(refused(&tenant, &expiring, 2_592_001), Code::ValidationFailed);
    tenant.now_ms = NOW + 1000;
    assert_eq!(refused(&tenant, &expiring, 0), Code::ApiKeyEnded);

    let unknown = json!({ "id": ApiKeyId::new(NOW, [9; 10]) });
    assert_eq!(refused(&tenant, &unknown, 0), Code::NotFound);
    let theirs = Tenant::new(2);
    let theirs = theirs.make(&theirs.founder, json!({})).unwrap();
    assert_eq!(refused(&tenant, &theirs, 0), Code::NotFound);
}

#[test]
fn n9_a_key_comes_by_no_secret_that_may_do_more() {
    let tenant = Tenant::new(1);
    let by = |scopes: Json| {
        let maker = tenant.make(&tenant.founder, json!({ "scopes": scopes })).unwrap();
        tenant.principal_of(maker["key"].as_str().unwrap())
    };
    let strong = tenant.make(&tenant.founder, json!({ "scopes": ["connections:write"] })).unwrap();
    let weak = tenant.make(&tenant.founder, json!({ "scopes": ["app.invoices:write"] })).unwrap();
    let maker = by(json!(["api_keys:write"]));
    assert_eq!(tenant.rotate(&maker, &strong, 0).unwrap_err().public().0, Code::Forbidden);
    assert!(tenant.rotate(&maker, &weak, 0).is_ok(), "scopes of the tenant's own grant nothing here");
    assert!(tenant.make(&maker, json!({ "scopes": ["app.anything:write"] })).is_ok());
    assert_eq!(tenant.verdicts(&[&strong]), ["valid"], "a refused rotation has changed nothing");

    let reader = by(json!(["api_keys:read"]));
    assert_eq!(tenant.rotate(&reader, &weak, 0).unwrap_err().public().0, Code::InsufficientScope);
    assert!(tenant.rotate(&by(json!(["api_keys:write", "connections:write"])), &strong, 0).is_ok());
}

#[test]
fn n9_a_held_in_key_frees_itself_by_no_twin_and_no_rotation() {
    let tenant = Tenant::new(1);
    let free = tenant.make(&tenant.founder, json!({ "scopes": ["api_keys:write"] })).unwrap();
    for held in [
        json!({ "rate_limit": { "limit": 100, "period_seconds": 1000 } }),
        json!({ "allowed_ips": ["192.0.2.0/24"] }),
        json!({ "expires_at": rfc3339(NOW + DAY) }),
    ] {
        let mut with = held.clone();
        with["scopes"] = json!(["api_keys:write"]);
        let maker = tenant.make(&tenant.founder, with).unwrap();
        let principal = tenant.principal_of(maker["key"].as_str().unwrap());
        let twin = tenant.make(&principal, json!({ "scopes": ["api_keys:write"] })).unwrap_err();
        assert_eq!(twin.public().0, Code::Forbidden, "{held}");
        let stolen = tenant.rotate(&principal, &free, 0).unwrap_err();
        assert_eq!(stolen.public().0, Code::Forbidden, "{held}");
        let itself = tenant.rotate(&principal, &maker, 0).unwrap();
        for field in ["rate_limit", "allowed_ips", "expires_at", "scopes"] {
            assert_eq!(itself[field], maker[field], "{held}");
        }
    }
    let maker = tenant
        .make(&tenant.founder, json!({ "scopes": ["api_keys:write"], "expires_at": rfc3339(NOW + DAY) }));
    let principal = tenant.principal_of(maker.unwrap()["key"].as_str().unwrap());
    let child =
        |end| tenant.make(&principal, json!({ "scopes": ["api_keys:write"], "expires_at": rfc3339(end) }));
    assert!(child(NOW + DAY).is_ok());
    assert_eq!(child(NOW + DAY + 1).unwrap_err().public().0, Code::Forbidden);
}

#[test]
fn n7_an_old_secret_signs_in_until_its_grace_ends() {
    let mut tenant = Tenant::new(1);
    let old = tenant.make(&tenant.founder, json!({ "allowed_ips": ["192.0.2.0/24"] })).unwrap();
    let new = tenant.rotate(&tenant.founder, &old, 60).unwrap();
    let [old, new] = [&old, &new].map(|key| tenant.principal_of(key["key"].as_str().unwrap()));
    let me = |tenant: &Tenant, key: &Principal| tenant.call(key, Operation::Me, &Json::Null);
    assert!(me(&tenant, &old).is_ok() && me(&tenant, &new).is_ok());
    // The edge is told the networks with either.
    let ask = Operation::VerifyPrincipal { audience: None, want: 0 };
    let verified = tenant.call(&old, ask, &Json::Null).unwrap();
    let verified: Json = serde_json::from_slice(&verified.body).unwrap();
    assert_eq!(verified["allowed_ips"], json!(["192.0.2.0/24"]));
    tenant.now_ms = NOW + 60_000;
    assert_eq!(code(me(&tenant, &old)), Code::KeyRevoked);
    assert!(me(&tenant, &new).is_ok());
}

/// RFC 8693, section 4.2: `scope` is a string of scopes apart by spaces. An upstream behind a gateway route can hold a key to them.
#[test]
fn n7_an_assertion_names_a_keys_scopes() {
    use base64::Engine as _;
    let tenant = Tenant::new(1);
    let claims = |of: &Principal| -> Json {
        let ask = Operation::VerifyPrincipal { audience: Some("app".into()), want: 0 };
        let verified = json_of(&tenant.call(of, ask, &Json::Null).unwrap());
        let payload = verified["assertion"].as_str().unwrap().split('.').nth(1).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let key = claims(&tenant.key(json!(["connections:read", "app.invoices:write"])));
    assert_eq!((&key["aud"], &key["scope"]), (&json!("app"), &json!("connections:read app.invoices:write")));
    let session = claims(&tenant.founder);
    assert_eq!((session.get("scope"), &session["role"]), (None, &json!("org_admin")));
}
