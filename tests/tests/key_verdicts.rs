//! `POST /v1/api-keys/verify`: what a tenant's own backend is told of a key that it was shown (claim N7).

use e2e::{ApiKey, Client, Gate, Org, now_ms, until};
use protocol::time::rfc3339;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

/// N7: each of the seven verdicts, always 200, and nothing said of a key that is not the workspace's.
#[test]
fn n7_a_verdict_names_the_first_thing_that_is_wrong() {
    let gate = Gate::shared();
    let (org, other) = (Org::sign_up(gate), Org::sign_up(gate));
    let backend = org.api_key(&["api_keys:read"]);
    let code = |body: &Value| verdict(&backend, body)["code"].as_str().unwrap().to_owned();

    let good = key(&org, &json!({ "scopes": ["app.invoices:read"], "external_id": "cus_1" }));
    let valid = verdict(&backend, &json!({ "key": good.key, "scopes": ["app.invoices:read"] }));
    assert_eq!((&valid["valid"], &valid["code"]), (&json!(true), &json!("valid")));
    assert_eq!(
        (&valid["api_key"]["id"], &valid["api_key"]["external_id"]),
        (&json!(good.id), &json!("cus_1"))
    );
    assert_eq!(valid.get("rate_limit"), None);
    assert!(!valid.to_string().contains(&good.key[30..]), "{valid}");

    let foreign = other.api_key(&["audit:read"]).key;
    let mut mistyped = good.key.clone();
    mistyped.replace_range(mistyped.len() - 1.., if mistyped.ends_with('0') { "1" } else { "0" });
    for unknown in ["", "sgk_", "nonsense", &foreign, &mistyped, &org.token] {
        let answer = verdict(&backend, &json!({ "key": unknown }));
        assert_eq!(answer, json!({ "valid": false, "code": "not_found" }), "{unknown}");
    }

    assert_eq!(code(&json!({ "key": good.key, "scopes": ["app.invoices:write"] })), "insufficient_scope");
    assert_eq!(
        code(&json!({ "key": good.key, "scopes": ["app.invoices:read", "audit:read"] })),
        "insufficient_scope"
    );

    let homely = key(&org, &json!({ "allowed_ips": ["198.51.100.0/24"] }));
    for (ip, expected) in [
        (json!("198.51.100.9"), "valid"),
        (json!("198.51.101.9"), "ip_not_allowed"),
        (json!("2001:db8::1"), "ip_not_allowed"),
        (Value::Null, "ip_not_allowed"),
    ] {
        assert_eq!(code(&json!({ "key": homely.key, "ip": ip })), expected, "{ip}");
    }
    // The networks come before the scopes.
    assert_eq!(code(&json!({ "key": homely.key, "scopes": ["sources:write"] })), "ip_not_allowed");

    let rotated = org.api_key(&["audit:read"]);
    let path = format!("/v1/api-keys/{}/rotate", rotated.id);
    let successor = ApiKey::new(&org, &org.post(&path, &json!({ "grace_seconds": 600 })).send().ok(200));
    assert_eq!(code(&json!({ "key": rotated.key })), "valid", "in its grace");
    let last = ApiKey::new(&org, &org.post(&path, &json!({})).send().ok(200));
    assert_eq!(code(&json!({ "key": successor.key })), "revoked", "past it");
    assert_eq!(code(&json!({ "key": last.key })), "valid");
    org.delete(&format!("/v1/api-keys/{}", last.id)).send().ok(204);
    assert_eq!(code(&json!({ "key": last.key })), "revoked");

    let short = key(&org, &json!({ "expires_at": rfc3339(now_ms() + 3000) }));
    assert_eq!(code(&json!({ "key": short.key })), "valid");
    until("the key's end", || (code(&json!({ "key": short.key })) == "expired").then_some(()));
    org.delete(&format!("/v1/api-keys/{}", short.id)).send().ok(204);
    assert_eq!(code(&json!({ "key": short.key })), "revoked", "which comes first");

    for bad in [json!({}), json!({ "key": 7 }), json!({ "key": good.key, "scopes": ["nope"] })] {
        backend.post("/v1/api-keys/verify", &bad).send().problem("validation_failed");
    }
    let member = org.invite("member");
    member.post("/v1/api-keys/verify", &json!({ "key": good.key })).send().problem("forbidden");
}

/// N7: a key's own limit is exact over every connection that asks, and looking does not count.
#[test]
fn n7_a_verdict_counts_exactly_however_many_ask_at_once() {
    let org = Org::sign_up(Gate::shared());
    let limit = json!({ "limit": 20, "period_seconds": 36_000 });
    let limited = key(&org, &json!({ "rate_limit": limit }));
    let look = json!({ "key": limited.key, "count": false });
    let before = verdict(&org, &look);
    assert_eq!(
        (&before["rate_limit"]["limit"], &before["rate_limit"]["remaining"]),
        (&json!(20), &json!(20))
    );

    let codes: Mutex<BTreeMap<String, usize>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..6 {
                    let answer = verdict(&org, &json!({ "key": limited.key }));
                    let code = answer["code"].as_str().unwrap().to_owned();
                    if code == "rate_limited" {
                        let state = &answer["rate_limit"];
                        assert_eq!(state["remaining"], 0, "{answer}");
                        let wait = state["retry_after_seconds"].as_u64().expect("when to come back");
                        assert!((1..=1800).contains(&wait), "{answer}");
                    }
                    *codes.lock().unwrap().entry(code).or_default() += 1;
                }
            });
        }
    });
    let codes = codes.into_inner().unwrap();
    let expected = BTreeMap::from([("valid".to_owned(), 20), ("rate_limited".to_owned(), 28)]);
    assert_eq!(codes, expected);
    assert_eq!(verdict(&org, &look)["rate_limit"]["remaining"], 0);
    // Another key has its own.
    let other = key(&org, &json!({ "rate_limit": limit }));
    assert_eq!(verdict(&org, &json!({ "key": other.key }))["rate_limit"]["remaining"], 19);
}

fn key(org: &Org, more: &Value) -> ApiKey {
    let mut body = json!({ "name": "k", "scopes": ["audit:read"] });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    ApiKey::new(org, &org.post("/v1/api-keys", &body).send().ok(201))
}

fn verdict(client: &Client, body: &Value) -> Value {
    client.post("/v1/api-keys/verify", body).send().ok(200)
}
