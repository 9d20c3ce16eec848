//! API keys: scopes, forgery, revocation, repeated requests (claims N7, M3).

use e2e::{ApiKey, Gate, Org, PATIENCE, Response, now_ms, random, until};
use protocol::time::{parse_rfc3339, rfc3339};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;
use tokens::ApiKeyFormat;

/// N7, M3: a key is shown once; its list shows a prefix; it does what its scopes say.
#[test]
fn n7_m3_a_key_is_shown_once_and_used() {
    let org = Org::sign_up(Gate::shared());
    let body = json!({ "name": "CI", "scopes": ["connections:read", "audit:read", "connections:read"] });
    let created = org.post("/v1/api-keys", &body).send().ok(201);
    let key = ApiKey::new(&org, &created);
    assert!(key.key.starts_with("sgk_"), "a secret scanner knows it");
    assert_eq!(created["scopes"], json!(["connections:read", "audit:read"]));

    let listed = org.get("/v1/api-keys").send();
    assert!(!listed.text().contains(&key.key[40..]), "{listed}");
    let row = &listed.ok(200)["data"][0];
    assert_eq!((&row["id"], row.get("key")), (&created["id"], None));
    let lookup = row["prefix"].as_str().unwrap().rsplit('_').next().unwrap();
    assert_eq!(lookup.len(), 8);
    assert!(key.key.contains(&format!("_{lookup}_")), "the prefix is the key's own: {row}");

    key.get("/v1/connections").send().ok(200);
    key.get("/v1/audit").send().ok(200);
    until("the key's last use", || org.list("/v1/api-keys")[0]["last_used_at"].as_str().map(drop));
}

#[test]
fn n7_scopes_are_per_resource_and_writing_is_not_reading() {
    let org = Org::sign_up(Gate::shared());
    let secret = json!({ "type": "bearer", "token": random::text("tok-") });
    let connection =
        json!({ "connector": "http", "name": "c", "base_url": "https://api.example.com", "auth": secret });
    let reader = org.api_key(&["connections:read"]);
    reader.get("/v1/connections").send().ok(200);
    reader.post("/v1/connections", &connection).send().problem("insufficient_scope");
    reader.get("/v1/sources").send().problem("insufficient_scope");
    let writer = org.api_key(&["connections:write"]);
    let id = writer.post("/v1/connections", &connection).send().ok(201)["id"].as_str().unwrap().to_owned();
    writer.get("/v1/connections").send().problem("insufficient_scope");
    reader.delete(&format!("/v1/connections/{id}")).send().problem("insufficient_scope");
    writer.delete(&format!("/v1/connections/{id}")).send().ok(200);
}

/// N7: once the revoking call is answered, no request with the key succeeds, on whichever connection.
#[test]
fn n7_a_revoked_key_is_refused_in_the_very_next_request() {
    let org = Org::sign_up(Gate::shared());
    for _ in 0..3 {
        let key = org.api_key(&["connections:read"]);
        let (ready, revoked) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut after = 0;
                    let deadline = Instant::now() + PATIENCE;
                    while after < 5 {
                        assert!(Instant::now() < deadline, "the key was never revoked");
                        let must_refuse = revoked.load(Ordering::SeqCst);
                        let response = key.get("/v1/connections").send();
                        if must_refuse {
                            response.problem("key_revoked");
                            after += 1;
                        } else {
                            assert!([200, 401].contains(&response.status), "{response}");
                            ready.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
            until("the key to be in use", || (ready.load(Ordering::SeqCst) >= 8).then_some(()));
            org.delete(&format!("/v1/api-keys/{}", key.id)).send().ok(204);
            revoked.store(true, Ordering::SeqCst);
        });
        org.delete(&format!("/v1/api-keys/{}", key.id)).send().problem("not_found");
    }
    assert!(org.list("/v1/api-keys").iter().all(|key| key["revoked_at"].is_string()));
}

/// B5: where the edge decides alone, its answer is at most as old as the configuration says.
#[test]
fn b5_the_edges_own_answer_follows_a_revocation() {
    let org = Org::sign_up(Gate::shared());
    let key = org.api_key(&["connections:read"]);
    key.get("/v1/auth/check").send().ok(200);
    org.delete(&format!("/v1/api-keys/{}", key.id)).send().ok(204);
    let most_ms = u64::from(e2e::config().revocation.max_staleness_seconds) * 1000;
    let revoked_at = now_ms();
    until("the edge to know", || {
        let sent_at = now_ms();
        let response = key.get("/v1/auth/check").send();
        if response.status == 200 {
            assert!(sent_at <= revoked_at + most_ms, "{} ms after the revocation", sent_at - revoked_at);
            return None;
        }
        response.problem("key_revoked");
        Some(())
    });
}

#[test]
fn an_expired_key_is_refused_and_none_is_born_expired() {
    let org = Org::sign_up(Gate::shared());
    let create = |expires_at: &str| {
        let body = json!({ "name": "short", "scopes": ["connections:read"], "expires_at": expires_at });
        org.post("/v1/api-keys", &body).send()
    };
    for past in
        [rfc3339(now_ms() - 1000), "2020-01-01T00:00:00Z".into(), "tomorrow".into(), "2999-01-01".into()]
    {
        assert!(create(&past).problem("validation_failed").contains("expires_at"));
    }
    let end = now_ms() + 5000;
    let key = ApiKey::new(&org, &create(&rfc3339(end)).ok(201));
    until("the key's end", || {
        let response = key.get("/v1/connections").send();
        if response.status == 200 {
            return None;
        }
        response.problem("key_expired");
        assert!(now_ms() >= end, "refused before its end");
        Some(())
    });
}

/// N7: a key with any one character changed, cut or added to is none; neither is one that names another org.
#[test]
fn n7_forged_keys_are_refused() {
    let gate = Gate::shared();
    let (org, other) = (Org::sign_up(gate), Org::sign_up(gate));
    let key = org.api_key(&["connections:read"]).key;
    let refused = |forged: &str| org.bearer(forged).get("/v1/connections").send().problem("unauthenticated");
    for at in 0..key.len() {
        let mut forged = key.clone().into_bytes();
        forged[at] = if forged[at] == b'2' { b'3' } else { b'2' };
        refused(&String::from_utf8(forged).unwrap());
    }
    refused(&key[..key.len() - 1]);
    refused(&format!("{key}0"));
    refused(&key.to_uppercase());
    let body = |org: &Org| org.id.strip_prefix("org_").unwrap().to_owned();
    refused(&key.replace(&body(&org), &body(&other)));
    // The edge's MAC key alone makes no key that the org knows (invariant 1).
    let minted = ApiKeyFormat::default().mint(&gate.mac(), &org.id).unwrap();
    refused(minted.key.expose_secret());
    // Nor does a known key's lookup part with another secret.
    let lookup = key.split('_').nth(2).unwrap();
    refused(&minted.key.expose_secret().replace(&minted.lookup, lookup));
    org.cookie(&key).get("/v1/connections").send().problem("unauthenticated");
    org.bearer(&key).get("/v1/connections").send().ok(200);
}

/// N9's sibling: a key makes no key that may do more than itself, and a limited one makes none.
#[test]
fn a_key_cannot_raise_itself() {
    let org = Org::sign_up(Gate::shared());
    let key = org.api_key(&["api_keys:write", "audit:read"]);
    let create = |key: &ApiKey, scopes: Value| {
        key.post("/v1/api-keys", &json!({ "name": "child", "scopes": scopes })).send()
    };
    create(&key, json!(["connections:read"])).problem("forbidden");
    create(&key, json!(["audit:read", "api_keys:read"])).problem("forbidden");
    let child = ApiKey::new(&org, &create(&key, json!(["audit:read"])).ok(201));
    child.get("/v1/audit").send().ok(200);
    create(&child, json!(["audit:read"])).problem("insufficient_scope");

    let limited = |limit: u32, period_seconds: u32| {
        let limit = json!({ "limit": limit, "period_seconds": period_seconds });
        let body = json!({ "name": "limited", "scopes": ["api_keys:write"], "rate_limit": limit });
        org.post("/v1/api-keys", &body).send()
    };
    let most = e2e::config().rate_limits.principal;
    create(&ApiKey::new(&org, &limited(1, 1).ok(201)), json!(["api_keys:write"])).problem("forbidden");
    for (limit, period_seconds) in [(most.limit + 1, most.period_seconds), (most.limit, 1), (0, 1), (1, 0)] {
        assert!(limited(limit, period_seconds).problem("validation_failed").contains("rate_limit"));
    }

    for scopes in [json!([]), json!(["connections:admin"]), json!(["*"]), json!("audit:read"), json!([7])] {
        let response = org.post("/v1/api-keys", &json!({ "name": "x", "scopes": scopes })).send();
        response.problem("validation_failed");
    }
}

/// N3: the plan's limit holds in the transaction that would pass it, and counts what is in use.
#[test]
fn n3_a_plan_holds_its_limit_on_keys() {
    let org = Org::sign_up(Gate::shared());
    let plans = e2e::config().plans;
    let most = plans.plans[&plans.default].api_keys;
    let keys: Vec<ApiKey> = (0..most).map(|_| org.api_key(&["audit:read"])).collect();
    let one_more =
        || org.post("/v1/api-keys", &json!({ "name": "one more", "scopes": ["audit:read"] })).send();
    one_more().problem("plan_required");
    org.delete(&format!("/v1/api-keys/{}", keys[0].id)).send().ok(204);
    let outcomes: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| one_more().status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|status| **status == 201).count(), 1, "{outcomes:?}");
}

#[test]
fn a_repeated_request_is_done_once_and_answered_alike() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let idempotency = random::text("idem-");
    let send = |client: &e2e::Client, name: &str| {
        let body = json!({ "name": name, "scopes": ["audit:read"] });
        client.post("/v1/api-keys", &body).header("idempotency-key", &idempotency).send()
    };
    let first = send(&org, "one");
    first.ok(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    for _ in 0..2 {
        let again = send(&org, "one");
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    send(&org, "two").problem("idempotency_mismatch");
    let elsewhere = org.post("/v1/sources", &json!({})).header("idempotency-key", &idempotency).send();
    elsewhere.problem("validation_failed");
    assert_eq!(org.list("/v1/api-keys").len(), 1);

    // The key is the caller's own: another principal, of this org or another, starts afresh.
    let admin = org.api_key(&["api_keys:write", "audit:read"]);
    assert_ne!(send(&admin, "one").ok(201)["id"], first.ok(201)["id"]);
    assert_ne!(send(&Org::sign_up(gate), "one").ok(201)["id"], first.ok(201)["id"]);
}

#[test]
fn simultaneous_repetitions_are_done_once() {
    let org = Org::sign_up(Gate::shared());
    let body = json!({ "name": "race", "scopes": ["audit:read"] });
    let answers: HashSet<Vec<u8>> = thread::scope(|scope| {
        let send = || org.post("/v1/api-keys", &body).header("idempotency-key", "race").send();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(send)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .inspect(|answer| drop(answer.ok(201)))
            .map(|a| a.body)
            .collect()
    });
    assert_eq!(answers.len(), 1);
    assert_eq!(org.list("/v1/api-keys").len(), 1);
}

#[test]
fn an_idempotency_key_that_is_none_is_refused() {
    let org = Org::sign_up(Gate::shared());
    for key in ["", "two words", &"k".repeat(256), "é"] {
        let request = org.post("/v1/api-keys", &json!({ "name": "x", "scopes": ["audit:read"] }));
        request.header("idempotency-key", key).send().problem("invalid_request");
    }
    assert_eq!(org.list("/v1/api-keys").len(), 0);
}

/// RFC 6750, section 3: the holder of a key learns what has become of it, in the body and in the challenge; who sends something
/// else learns what its form lacks.
#[test]
fn a_401_says_what_to_change() {
    let org = Org::sign_up(Gate::shared());
    let key = org.api_key(&["connections:read"]);
    let told = |response: &Response, code: &str| {
        let detail = response.problem(code);
        (detail, response.header("www-authenticate").unwrap_or_default().to_owned())
    };
    let error = |detail: &str| format!(r#"Bearer error="invalid_token", error_description="{detail}""#);
    let anonymous = org.anonymous();

    let (detail, challenge) = told(&anonymous.get("/v1/connections").send(), "unauthenticated");
    assert_eq!(detail, "the Authorization header is missing: send Authorization: Bearer sgk_...");
    assert_eq!(challenge, "Bearer");
    let cut = org.bearer(&key.key[..84]).get("/v1/connections").send();
    let (detail, challenge) = told(&cut, "unauthenticated");
    assert!(detail.starts_with("the API key is incomplete (84 of 108 characters)"), "{detail}");
    assert_eq!(challenge, error(&detail));
    let in_query = anonymous.get(&format!("/v1/connections?api_key={}", key.key)).send();
    let (detail, challenge) = told(&in_query, "unauthenticated");
    assert!(detail.starts_with("a key in the URL is not read"), "{detail}");
    assert_eq!(challenge, "Bearer");

    org.delete(&format!("/v1/api-keys/{}", key.id)).send().ok(204);
    let (detail, challenge) = told(&key.get("/v1/connections").send(), "key_revoked");
    let at = detail.strip_prefix("this API key was revoked at ").and_then(parse_rfc3339);
    assert!(at.is_some_and(|at| at <= now_ms()), "{detail}");
    assert_eq!(challenge, error(&detail));
    // Before a connection's path and in the gateway's own check it is the same word.
    let proxied = key.get("/v1/connections/con_00000000000000000000000000/proxy/x").send();
    assert_eq!(proxied.header("www-authenticate"), Some(challenge.as_str()), "{proxied}");
    assert_eq!(told(&key.get("/v1/auth/check").send(), "key_revoked"), (detail.clone(), challenge.clone()));
    assert_eq!(
        told(&key.get("/v1/auth/check").send(), "key_revoked"),
        (detail, challenge),
        "from memory too"
    );
}
