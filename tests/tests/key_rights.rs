//! What an API key carries besides its scopes: networks, a successor, its owner's own names (claims N7, M3).

use e2e::{ApiKey, Gate, Org, PATIENCE, now_ms, until};
use protocol::time::parse_rfc3339;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

fn create(org: &Org, more: &Value) -> e2e::Response {
    let mut body = json!({ "name": "k", "scopes": ["connections:read"] });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    org.post("/v1/api-keys", &body).send()
}

/// N7: a key for some networks is good from no other, on whichever path it is decided.
#[test]
fn n7_a_key_is_held_to_its_networks() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let networks = json!(["198.51.100.0/24", "203.0.113.7", "2001:db8:5::/48"]);
    let created = create(&org, &json!({ "allowed_ips": networks })).ok(201);
    assert_eq!(created["allowed_ips"], networks);
    let key = ApiKey::new(&org, &created).key;
    let from = |ip: &str| gate.client_from(ip).bearer(&key);
    for path in ["/v1/connections", "/v1/me", "/v1/auth/check"] {
        for ip in ["198.51.100.0", "198.51.100.255", "203.0.113.7", "2001:db8:5:ffff::1"] {
            from(ip).get(path).send().ok(200);
        }
        // Also where the edge has just been told that the key is good.
        for ip in ["198.51.101.0", "203.0.113.8", "2001:db8:6::1", "127.0.0.1"] {
            from(ip).get(path).send().problem("ip_not_allowed");
        }
        from("198.51.100.1").get(path).send().ok(200);
    }
    // Who does not hold the key learns nothing of it.
    let lookup_only = &key[..key.len() - 1];
    gate.client_from("192.0.2.1").bearer(lookup_only).get("/v1/me").send().problem("unauthenticated");
    for bad in [
        json!([]),
        json!(["nowhere"]),
        json!(["198.51.100.0/33"]),
        json!(["2001:db8::/129"]),
        json!("198.51.100.0/24"),
        json!([7]),
        json!(vec!["198.51.100.1"; 33]),
    ] {
        create(&org, &json!({ "allowed_ips": bad })).problem("validation_failed");
    }
}

/// N7: a rotated key works on for its grace and not a request longer; the new one has the same id and rights.
#[test]
fn n7_a_rotated_key_works_on_for_its_grace() {
    let org = Org::sign_up(Gate::shared());
    let old = org.api_key(&["connections:read", "audit:read"]);
    let before = now_ms();
    let response = rotate(&org, &old, &json!({ "grace_seconds": 4 }));
    let rotated = response.ok(200);
    let new = ApiKey::new(&org, &rotated);
    assert_eq!((&new.id, &rotated["scopes"]), (&old.id, &json!(["connections:read", "audit:read"])));
    assert_ne!(new.key, old.key);
    let end = parse_rfc3339(rotated["previous_works_until"].as_str().unwrap()).unwrap();
    assert!((before + 3000..=now_ms() + 4000).contains(&end), "{rotated}");
    for key in [&old, &new] {
        key.get("/v1/connections").send().ok(200);
        key.get("/v1/sources").send().problem("insufficient_scope");
    }
    let shown = org.get(&format!("/v1/api-keys/{}", old.id)).send();
    assert!(!shown.text().contains(&new.key[30..]), "{shown}");
    until("the end of the grace", || {
        let response = old.get("/v1/connections").send();
        if response.status == 200 {
            assert!(now_ms() < end + 1500, "the old key outlives its grace");
            return None;
        }
        response.problem("key_revoked");
        assert!(now_ms() >= end, "refused before its end");
        Some(())
    });
    new.get("/v1/connections").send().ok(200);
    let listed = org.list("/v1/api-keys");
    assert_eq!(listed.len(), 1, "one key, not two");
}

/// N7: without a grace the old key ends with the answer, whoever is using it.
#[test]
fn n7_rotation_without_grace_ends_the_old_key_at_once() {
    let org = Org::sign_up(Gate::shared());
    let old = org.api_key(&["connections:read"]);
    let rotated = AtomicBool::new(false);
    let new = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let deadline = Instant::now() + PATIENCE;
                let mut refused = 0;
                while refused < 5 {
                    assert!(Instant::now() < deadline, "the key was never rotated");
                    let must_refuse = rotated.load(Ordering::SeqCst);
                    let response = old.get("/v1/connections").send();
                    if must_refuse {
                        response.problem("key_revoked");
                        refused += 1;
                    }
                }
            });
        }
        let new = ApiKey::new(&org, &rotate(&org, &old, &json!({})).ok(200));
        rotated.store(true, Ordering::SeqCst);
        new
    });
    new.get("/v1/connections").send().ok(200);
    for bad in [json!({ "grace_seconds": 2_592_001 }), json!({ "grace_seconds": -1 }), json!({ "grace": 1 })]
    {
        rotate(&org, &new, &bad).problem("validation_failed");
    }

    // Revoked is revoked, with all the secrets that it has.
    let last = ApiKey::new(&org, &rotate(&org, &new, &json!({ "grace_seconds": 600 })).ok(200));
    new.get("/v1/connections").send().ok(200);
    org.delete(&format!("/v1/api-keys/{}", new.id)).send().ok(204);
    for dead in [&new, &last, &old] {
        dead.get("/v1/connections").send().problem("key_revoked");
    }
    rotate(&org, &new, &json!({})).problem("api_key_ended");
}

/// A key without the right to make keys rotates none; with it, only what it may have made itself.
#[test]
fn n7_a_key_rotates_none_above_itself() {
    let org = Org::sign_up(Gate::shared());
    let strong = org.api_key(&["connections:read", "connections:write", "audit:read"]);
    let keymaker = org.api_key(&["api_keys:write", "audit:read"]);
    let rotate = |by: &ApiKey, which: &ApiKey| {
        by.post(&format!("/v1/api-keys/{}/rotate", which.id), &json!({})).send()
    };
    rotate(&keymaker, &strong).problem("forbidden");
    rotate(&strong, &keymaker).problem("insufficient_scope");
    // Itself it is already.
    let keymaker = ApiKey::new(&org, &rotate(&keymaker, &keymaker).ok(200));
    strong.get("/v1/connections").send().ok(200);
    let child = org.api_key(&["audit:read"]);
    let rotated = ApiKey::new(&org, &rotate(&keymaker, &child).ok(200));
    rotated.get("/v1/audit").send().ok(200);
}

/// N7: a tenant's own names for a key come back as they were given, and grant nothing.
#[test]
fn n7_a_keys_own_names_come_back_as_given() {
    let org = Org::sign_up(Gate::shared());
    let metadata = json!({ "tier": "gold", "seats": 3, "nested": { "é": [null, true] } });
    let more = json!({
        "external_id": "cus_42 / Söhne", "metadata": metadata,
        "scopes": ["app.invoices:read", "app.invoices:write"],
    });
    let created = create(&org, &more).ok(201);
    let key = ApiKey::new(&org, &created);
    let shown = org.get(&format!("/v1/api-keys/{}", key.id)).send().ok(200);
    for row in [&created, &shown, &org.list("/v1/api-keys")[0]] {
        assert_eq!((&row["external_id"], &row["metadata"]), (&more["external_id"], &metadata));
    }
    assert_eq!((shown.get("key"), &shown["created_by"]), (None, &json!(org.user_id)));
    // Scopes of the tenant's own open nothing here.
    assert_eq!(key.get("/v1/me").send().ok(200)["scopes"], more["scopes"]);
    for path in ["/v1/connections", "/v1/api-keys", "/v1/members", "/v1/usage", "/v1/audit"] {
        key.get(path).send().problem("insufficient_scope");
    }
    let large: Map<String, Value> =
        (0..100).map(|n| (format!("key-{n}"), json!("twenty characters ..."))).collect();
    for bad in [
        json!({ "external_id": "x".repeat(256) }),
        json!({ "metadata": large }),
        json!({ "metadata": "text" }),
        json!({ "scopes": ["app.Invoices:read"] }),
        json!({ "scopes": ["app.invoices:admin"] }),
    ] {
        create(&org, &bad).problem("validation_failed");
    }
}

fn rotate(org: &Org, key: &ApiKey, body: &Value) -> e2e::Response {
    org.post(&format!("/v1/api-keys/{}/rotate", key.id), body).send()
}
