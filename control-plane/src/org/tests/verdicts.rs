//! `POST /v1/api-keys/verify`: what is wrong with a key, in its order.

use super::*;
use protocol::ApiKeyId;
use protocol::time::rfc3339;

fn create(tenant: &Tenant, with: Json) -> Json {
    let mut body = json!({ "name": "k", "scopes": ["app.invoices:read"] });
    body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    tenant.ok(Operation::CreateApiKey, &body)
}

fn verify(tenant: &Tenant, key: &Json, with: Json) -> Json {
    let mut body = json!({ "key": key["key"] });
    body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    tenant.ok(Operation::VerifyApiKey, &body)
}

fn revoke(tenant: &Tenant, key: &Json) {
    let id = ApiKeyId::parse(key["id"].as_str().unwrap()).unwrap();
    tenant.ok(Operation::RevokeApiKey { id }, &Json::Null);
}

/// A key with everything wrong that can be, put right one thing after the other.
#[test]
fn n7_the_first_thing_wrong_is_what_is_told() {
    let mut tenant = Tenant::new(1);
    let all = json!({
        "expires_at": rfc3339(NOW + 1000),
        "allowed_ips": ["203.0.113.0/24"],
        "rate_limit": { "limit": 1, "period_seconds": 3600 },
    });
    let key = create(&tenant, all);
    let (inside, outside) = (json!({ "ip": "203.0.113.9" }), json!({ "ip": "198.51.100.1" }));
    let unscoped = json!({ "ip": "203.0.113.9", "scopes": ["app.invoices:read", "app.invoices:write"] });

    let good = verify(&tenant, &key, inside.clone());
    assert_eq!((&good["code"], &good["valid"]), (&json!("valid"), &json!(true)));
    assert_eq!(good["rate_limit"], json!({ "limit": 1, "remaining": 0, "reset_seconds": 3600 }));
    assert_eq!(good["api_key"]["id"], key["id"]);

    let limited = verify(&tenant, &key, inside.clone());
    assert_eq!(limited["code"], "rate_limited");
    assert_eq!(limited["rate_limit"]["retry_after_seconds"], 3600);
    for (with, code) in
        [(&unscoped, "insufficient_scope"), (&outside, "ip_not_allowed"), (&json!({}), "ip_not_allowed")]
    {
        assert_eq!(verify(&tenant, &key, with.clone())["code"], code);
    }
    tenant.now_ms = NOW + 1000;
    assert_eq!(verify(&tenant, &key, outside.clone())["code"], "expired");
    revoke(&tenant, &key);
    let revoked = verify(&tenant, &key, outside);
    assert_eq!((&revoked["code"], &revoked["valid"]), (&json!("revoked"), &json!(false)));
    assert_eq!(revoked["api_key"]["id"], key["id"]);
}

#[test]
fn n7_n1_whatever_is_no_key_of_ours_looks_alike() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let key = create(&ours, json!({}));
    let text = key["key"].as_str().unwrap();
    let mut forged = text.to_owned();
    forged.replace_range(forged.len() - 1.., if text.ends_with('0') { "1" } else { "0" });
    // Genuine in form and tail, but of a secret that no row has: as after a restore of an older database.
    let minted = ours.secrets.api_keys.mint(&ours.secrets.mac, ours.org.as_str()).unwrap();
    use secrecy::ExposeSecret as _;
    let keys = [
        create(&theirs, json!({}))["key"].clone(),
        json!(forged),
        json!(minted.key.expose_secret()),
        json!(""),
        json!("sgk_"),
        json!("é".repeat(60)),
        json!("x".repeat(60_000)),
        json!(text.to_uppercase()),
        json!(format!(" {text}")),
    ];
    for key in keys {
        let verdict = verify(&ours, &json!({ "key": key }), json!({}));
        assert_eq!(verdict, json!({ "valid": false, "code": "not_found" }), "{key}");
    }
}

#[test]
fn n7_another_secret_under_the_same_eight_characters_is_no_key() {
    let tenant = Tenant::new(1);
    let (one, two) = (create(&tenant, json!({})), create(&tenant, json!({})));
    let lookup = |key: &Json| key["prefix"].as_str().unwrap().rsplit('_').next().unwrap().to_owned();
    revoke(&tenant, &one);
    tenant
        .sql
        .exec("UPDATE api_keys SET lookup = 'x' WHERE lookup = ?", &[lookup(&one).as_str().into()])
        .unwrap();
    tenant
        .sql
        .exec(
            "UPDATE api_keys SET lookup = ? WHERE lookup = ?",
            &[lookup(&one).as_str().into(), lookup(&two).as_str().into()],
        )
        .unwrap();
    assert_eq!(verify(&tenant, &one, json!({}))["code"], "not_found");
}

#[test]
fn m6_a_keys_own_limit_is_counted_exactly_and_peeking_is_free() {
    let mut tenant = Tenant::new(1);
    let key = create(&tenant, json!({ "rate_limit": { "limit": 100, "period_seconds": 1000 } }));
    let peek = json!({ "count": false });
    assert_eq!(verify(&tenant, &key, peek.clone())["rate_limit"]["remaining"], 100);
    let valid = (0..150).filter(|_| verify(&tenant, &key, json!({}))["valid"] == true).count();
    assert_eq!(valid, 100);
    for _ in 0..3 {
        assert_eq!(verify(&tenant, &key, peek.clone())["code"], "rate_limited");
    }
    // What is refused for another reason is not counted: ten seconds give one back, and it is still there.
    tenant.now_ms += 10_000;
    assert_eq!(verify(&tenant, &key, json!({ "scopes": ["audit:read"] }))["code"], "insufficient_scope");
    assert_eq!(verify(&tenant, &key, json!({}))["code"], "valid");
    assert_eq!(verify(&tenant, &key, json!({}))["code"], "rate_limited");
    // A key without a limit of its own has no state to tell.
    assert_eq!(verify(&tenant, &create(&tenant, json!({})), json!({}))["rate_limit"], Json::Null);
}

#[test]
fn a_use_is_noted_once_a_minute_and_only_where_the_key_was_good() {
    let mut tenant = Tenant::new(1);
    let key = create(&tenant, json!({}));
    let used = |tenant: &Tenant| {
        let record = verify(tenant, &key, json!({ "count": false }))["api_key"].clone();
        (record["last_used_at"].clone(), record["last_used_ip"].clone())
    };
    verify(&tenant, &key, json!({ "scopes": ["audit:read"], "ip": "192.0.2.7" }));
    assert_eq!(used(&tenant), (Json::Null, Json::Null));
    verify(&tenant, &key, json!({ "ip": "2001:db8::7" }));
    assert_eq!(used(&tenant), (json!(rfc3339(NOW)), json!("2001:db8::7")));
    tenant.now_ms = NOW + 60_000;
    verify(&tenant, &key, json!({ "ip": "192.0.2.8" }));
    assert_eq!(used(&tenant).0, rfc3339(NOW));
    tenant.now_ms = NOW + 60_001;
    verify(&tenant, &key, json!({ "ip": "192.0.2.8" }));
    assert_eq!(used(&tenant), (json!(rfc3339(NOW + 60_001)), json!("192.0.2.8")));
}

#[test]
fn what_is_asked_is_read_strictly_and_repeats_no_key() {
    let tenant = Tenant::new(1);
    let key = create(&tenant, json!({}))["key"].clone();
    let many: Vec<String> = (0..65).map(|n| format!("app.r{n}:read")).collect();
    for body in [
        json!({ "key": key, "ip": "203.0.113.9, 198.51.100.1" }),
        json!({ "key": key, "ip": "" }),
        json!({ "key": key, "scopes": many }),
        json!({ "key": [key] }),
        json!({ "key": key, "key_id": 1 }),
        json!({}),
    ] {
        let refused = tenant.call(&tenant.founder, Operation::VerifyApiKey, &body).unwrap_err();
        let (code, detail) = refused.public();
        assert_eq!(code, Code::ValidationFailed, "{body}");
        assert!(!detail.unwrap().contains(key.as_str().unwrap()));
    }
    let reader = tenant.key(json!(["connections:read"]));
    let body = json!({ "key": key });
    assert_eq!(code(tenant.call(&reader, Operation::VerifyApiKey, &body)), Code::InsufficientScope);
}
