//! An answered request outlives a power cut (claim B6).

use e2e::{ApiKey, Client, Gate, Org, Upstream, random};
use serde_json::json;
use std::collections::BTreeSet;

const CUTS: usize = 12;

/// B6: `kill -9` right after a 200, a dozen times over: each acknowledged event is there, and so is everything else that
/// was answered.
#[test]
fn b6_a_power_cut_right_after_the_answer_loses_nothing() {
    let mut gate = Gate::start("durability");
    let org = Org::sign_up(&gate);
    let upstream = Upstream::echo();
    let secret = random::text("whsec_");
    let source = org.source("stripe", &secret);
    let mut acknowledged = BTreeSet::new();

    for cut in 0..CUTS {
        for event in 0..=cut % 4 {
            let body = format!(r#"{{"id":"evt_{cut}_{event}","type":"cut"}}"#);
            let received = org.deliver(&source, &secret, body.as_bytes()).ok(200);
            acknowledged.insert(received["id"].as_str().unwrap().to_owned());
        }
        gate.kill9();
        gate.restart();
        let stored = org.list("/v1/inbound-events");
        let stored: BTreeSet<String> =
            stored.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(stored, acknowledged, "after cut {cut}");
    }
    let again = org.deliver(&source, &secret, br#"{"id":"evt_0_0","type":"cut"}"#).ok(200);
    assert_eq!(again["duplicate"], true, "dedupe survives too");

    // Each kind of change, killed right after its answer.
    let auth = json!({ "type": "bearer", "token": random::text("tok-") });
    let connection = org.connection(&upstream.url(), &auth);
    cut(&mut gate);
    org.get(&format!("/v1/connections/{connection}/proxy/")).send().ok(200);
    let expected = format!("Bearer {}", auth["token"].as_str().unwrap());
    assert!(upstream.only_head().all("authorization").eq([expected.as_str()]));

    let key: ApiKey = org.api_key(&["connections:read"]);
    cut(&mut gate);
    key.get("/v1/connections").send().ok(200);
    org.delete(&format!("/v1/api-keys/{}", key.id)).send().ok(204);
    cut(&mut gate);
    key.get("/v1/connections").send().problem("key_revoked");

    let second = org.log_in().ok(200)["session"]["token"].as_str().unwrap().to_owned();
    cut(&mut gate);
    let second: Client = org.bearer(&second);
    second.get("/v1/me").send().ok(200);
    second.request("POST", "/v1/logout").send().ok(204);
    cut(&mut gate);
    second.get("/v1/me").send().problem("unauthenticated");

    let late = Org::sign_up(&gate);
    cut(&mut gate);
    late.get("/v1/me").send().ok(200);
    late.log_in().ok(200);
    assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
}

fn cut(gate: &mut Gate) {
    gate.kill9();
    gate.restart();
}
