//! Limits of an org's own, set by the operator (claim M6).

use crate::operated::{Operated, tally};
use e2e::{ApiKey, Client, Org, now_ms, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// M6: an org's own limits: in all, over every user and key of it, and of each one; exact, and of no other org.
#[test]
fn m6_an_orgs_own_limits_are_exact() {
    let operated = Operated::shared();
    let (org, other) = (Org::sign_up(&operated.gate), Org::sign_up(&operated.gate));
    let member = org.invite("member");
    let keys: Vec<ApiKey> = (0..2).map(|_| org.api_key(&["connections:read"])).collect();
    let set = |limits: &Value| {
        operated.operator.put(&format!("/v1/admin/orgs/{}/rate-limits", org.id), limits).send()
    };
    let clients: [&Client; 4] = [&org, &member, &keys[0], &keys[1]];
    let next = Mutex::new(0);
    let any = || {
        let client = {
            let mut next = next.lock().unwrap();
            *next += 1;
            clients[*next % clients.len()]
        };
        client.get("/v1/connections").send()
    };
    let limits = json!({ "org": { "limit": 20, "period_seconds": 36_000 } });
    assert_eq!(set(&limits).ok(200)["rate_limits"]["org"], limits["org"]);
    assert_eq!(tally(40, any), BTreeMap::from([(200, 20), (429, 20)]));
    let refused = member.get("/v1/connections").send();
    refused.problem("rate_limited");
    assert!(
        refused.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok_and(|s| s >= 1)),
        "{refused}"
    );
    other.get("/v1/connections").send().ok(200);

    let limits = json!({ "principal": { "limit": 5, "period_seconds": 36_000 } });
    set(&limits).ok(200);
    for client in clients {
        let answers = tally(9, || client.get("/v1/connections").send());
        assert_eq!(answers, BTreeMap::from([(200, 5), (429, 4)]));
    }
    set(&json!({})).ok(200);
    // The edge goes by the old limit for as long as any answer of its may be stale, and no longer.
    let most_ms = u64::from(e2e::config().revocation.max_staleness_seconds) * 1000;
    let lifted_at = now_ms();
    for client in clients {
        until("the limit to be lifted", || {
            let sent_at = now_ms();
            let response = client.get("/v1/connections").send();
            assert!(response.status == 200 || sent_at <= lifted_at + most_ms, "{response}");
            (response.status == 200).then_some(())
        });
    }
    for bad in [
        json!({ "org": { "limit": 0, "period_seconds": 1 } }),
        json!({ "org": { "limit": 1, "period_seconds": 0 } }),
        json!({ "principal": { "limit": 1 } }),
        json!({ "everybody": { "limit": 1, "period_seconds": 1 } }),
    ] {
        set(&bad).problem("validation_failed");
    }
}
