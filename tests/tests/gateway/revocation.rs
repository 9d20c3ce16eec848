//! A credential that was taken back gets through for `revocation.max_staleness_seconds` at most: the edge asks no more
//! often than that (invariant 7).

use super::{Behind, STALENESS_SECONDS, fresh};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::{Client, Org, now_ms};
use serde_json::Value;
use std::thread;
use std::time::{Duration, Instant};
use tokens::SessionClaims;

/// Sends until it is refused, or until an answer from before `since` can no longer be gone by.
fn is_out_in_time(client: &Client, since: Instant, code: &str) {
    let staleness = Duration::from_secs(STALENESS_SECONDS.into());
    // What was asked for before it was over is kept for as long as this, and by whole milliseconds of the edge's clock.
    let deadline = since + staleness + Duration::from_millis(50);
    loop {
        let asked = Instant::now();
        let response = client.get(&fresh()).send_to_app();
        if response.status == 401 {
            response.problem(code);
            return;
        }
        response.ok(200);
        assert!(asked <= deadline, "still let in {:?} after", asked - since);
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn c4_a_revoked_key_is_out_within_the_configured_time() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let key = org.api_key(&["connections:read"]);
    key.get(&fresh()).send_to_app().ok(200);
    org.delete(&format!("/v1/api-keys/{}", key.id)).send();
    is_out_in_time(&key, Instant::now(), "key_revoked");
    // And stays out.
    thread::sleep(Duration::from_millis(1500));
    key.get("/app/").send().problem("key_revoked");
}

#[test]
fn c4_a_closed_session_is_out_within_the_configured_time() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let by_cookie = org.anonymous().cookie(&org.cookie);
    for client in [&*org, &by_cookie] {
        client.get(&fresh()).send_to_app().ok(200);
    }
    org.request("POST", "/v1/logout").send().ok(204);
    let closed = Instant::now();
    is_out_in_time(&org, closed, "unauthenticated");
    is_out_in_time(&by_cookie, closed, "unauthenticated");
}

/// A browser's session goes on behind the app as it does on our own pages; a bearer token just ends.
#[test]
fn m4_an_expired_cookie_is_renewed_on_the_way() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let payload = URL_SAFE_NO_PAD.decode(org.token.split('.').nth(1).unwrap()).unwrap();
    let session = serde_json::from_slice::<Value>(&payload).unwrap()["sid"].as_str().unwrap().to_owned();
    let exp = now_ms() / 1000 - 1;
    let claims = SessionClaims {
        sub: org.user_id.clone(),
        org: org.id.clone(),
        role: "org_admin".to_owned(),
        sid: session,
        iat: exp - 600,
        exp,
    };
    let expired = behind.gate.signer().sign_cookie(&claims, protocol::ISSUER).unwrap();
    let bearer = behind.gate.signer().sign(&claims, protocol::ISSUER).unwrap();
    org.anonymous().cookie(&bearer).get(&fresh()).send().problem("unauthenticated");
    org.anonymous().bearer(&bearer).get(&fresh()).send().problem("unauthenticated");
    let answer = org.anonymous().cookie(&expired).get(&fresh()).send_to_app();
    answer.ok(200);
    let set = answer.header("set-cookie").expect("a new cookie");
    let renewed = set.split([';', '=']).nth(1).unwrap();
    assert_ne!(renewed, expired);
    org.anonymous().cookie(renewed).get("/v1/me").send().ok(200);
    assert!(!answer.text().contains(renewed), "{answer}");
}
