//! Plans and usage: what is enforced, and who may set it (claims N2, N3).

use crate::furnished::Furnished;
use crate::operated::{Operated, become_operator, tally};
use crate::routes::{absent, cases};
use e2e::{Client, Org, fresh_email, random, text};
use protocol::Code;
use protocol::time::parse_rfc3339;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// N2: a listed email alone is no operator; nor is a second factor; nor is a proven address that is not on the list.
#[test]
fn n2_an_operator_is_listed_proven_and_has_a_second_factor() {
    let Operated { gate, operator } = Operated::shared();
    let me = operator.get("/v1/me").send().ok(200);
    assert_eq!(me["role"], "super_admin");
    let tenant = Org::sign_up(gate);
    let path = format!("/v1/admin/orgs/{}", tenant.id);
    operator.get(&path).send().ok(200);

    // The same person by password alone has no session at all; before the code nothing is open.
    operator.log_in().ok(202);
    let unlisted = become_operator(gate, &Org::sign_up(gate)).0;
    assert_eq!(unlisted.get("/v1/me").send().ok(200)["role"], "org_admin");
    let unproven = Org::sign_up_as(&gate.client(), "unproven@example.com");
    let (mut app, _) = unproven.second_factor();
    let unproven_with_code = unproven.session_with(&mut app);
    assert_eq!(unproven_with_code.get("/v1/me").send().ok(200)["role"], "org_admin");
    let key = operator.api_key(&["usage:read", "members:read"]);
    let nobody: [&Client; 5] = [&tenant, &unlisted, &unproven, &unproven_with_code, &key];
    for client in nobody {
        client.get(&path).send().problem("forbidden");
        client.put(&format!("{path}/plan"), &json!({ "plan": "scale" })).send().problem("forbidden");
        client.put(&format!("{path}/rate-limits"), &json!({})).send().problem("forbidden");
    }
    assert_eq!(plan_of(&tenant), "free");
}

/// N1, N2: operating an installation opens nothing that an org holds.
#[test]
fn n1_n2_an_operator_sees_no_content() {
    let Operated { gate, operator } = Operated::shared();
    let tenant = Furnished::new(gate);
    let described = operator.get(&format!("/v1/admin/orgs/{}", tenant.org.id)).send().ok(200);
    let mut parts: Vec<&str> = described.as_object().unwrap().keys().map(String::as_str).collect();
    parts.sort_unstable();
    assert_eq!(parts, ["org", "rate_limits", "usage"]);
    let (own, unknown) = (cases(|kind| tenant.id(kind)), cases(absent));
    for (case, unknown) in own.iter().zip(&unknown) {
        if case.path != unknown.path && !case.path.starts_with("/v1/admin/") {
            case.assert_refused(&case.send(operator), Code::NotFound);
        }
    }
    let absent = format!("/v1/admin/orgs/{}", absent("orgs"));
    operator.get(&absent).send().problem("not_found");
    operator.put(&format!("{absent}/plan"), &json!({ "plan": "scale" })).send().problem("not_found");
    for (body, field) in
        [(json!({ "plan": "nope" }), "plan"), (json!({}), "plan"), (json!({ "plan": 1 }), "")]
    {
        let response = operator.put(&format!("/v1/admin/orgs/{}/plan", tenant.org.id), &body).send();
        assert!(response.problem("validation_failed").contains(field), "{response}");
    }
}

/// N3: what the plan leaves out answers 403 with no data, on every operation that needs a feature; what is there can still be
/// read and taken away, and everything is back when the plan is.
#[test]
fn n3_a_suspended_workspace_gets_no_service_and_no_data() {
    let operated = Operated::shared();
    let tenant = Furnished::new(&operated.gate);
    let org = &tenant.org;
    let secret = random::text("whsec_");
    let source = org.source("stripe", &secret);
    org.deliver(&source, &secret, br#"{"id":"evt_a","type":"t"}"#).ok(200);
    let wide = org.api_key(&["connections:read", "connections:write", "api_keys:read", "audit:read"]);
    let spare = org.connection(&tenant.upstream.url(), &json!({ "type": "bearer", "token": "spare-token" }));

    let described = operated.set_plan(org, "suspended", true).ok(200);
    assert_eq!(
        (&described["org"]["plan"], &described["usage"]["plan"]),
        (&json!("suspended"), &json!("suspended"))
    );
    let mut gated = 0;
    for case in cases(|kind| tenant.id(kind)).iter().filter(|case| case.operation.feature().is_some()) {
        println!("{} {}", case.method, case.path);
        let response = case.send(org);
        case.assert_refused(&response, Code::PlanRequired);
        if case.method != "HEAD" {
            let body: Value = serde_json::from_slice(&response.body).unwrap();
            let parts: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
            let parts: Vec<&str> = parts.into_iter().filter(|part| *part != "detail").collect();
            assert_eq!(parts, ["code", "request_id", "status", "title", "type"], "{response}");
        }
        gated += 1;
    }
    assert!(gated >= 12, "only {gated}");
    wide.get(&format!("/v1/connections/{spare}/proxy/")).send().problem("plan_required");
    wide.post("/v1/api-keys/verify", &json!({ "key": wide.key })).send().problem("plan_required");
    org.deliver(&source, &secret, br#"{"id":"evt_b","type":"t"}"#).problem("plan_required");
    assert_eq!(tenant.upstream.connections(), 0);
    // None of what a plan has a number of can be made.
    let key = json!({ "name": "one more", "scopes": ["audit:read"] });
    org.post("/v1/api-keys", &key).send().problem("plan_required");
    let invitation = json!({ "email": fresh_email(), "role": "member" });
    org.post("/v1/invitations", &invitation).send().problem("plan_required");

    for path in
        ["/v1/connections", "/v1/sources", "/v1/inbound-events", "/v1/api-keys", "/v1/usage", "/v1/members"]
    {
        org.get(path).send().ok(200);
    }
    org.delete(&format!("/v1/connections/{spare}")).send().ok(200);
    org.delete(&format!("/v1/api-keys/{}", tenant.id("api-keys"))).send().ok(204);

    // Up again works at once.
    operated.set_plan(org, "free", false).ok(200);
    org.get("/v1/audit").send().ok(200);
    org.get(&format!("/v1/connections/{}/proxy/", tenant.id("connections"))).send().ok(200);
    org.deliver(&source, &secret, br#"{"id":"evt_c","type":"t"}"#).ok(200);
    let trail = org.list("/v1/audit");
    let by_operator =
        trail.iter().filter(|event| event["actor"] == operated.operator.user_id.as_str()).count();
    assert_eq!(by_operator, 2, "both changes stand in the workspace's own trail");
}

/// N3: up at once, down with the next cycle, and back before that.
#[test]
fn n3_a_downgrade_comes_with_the_next_cycle() {
    let operated = Operated::shared();
    let org = Org::sign_up(&operated.gate);
    assert_eq!(plan_of(&org), "free");
    operated.set_plan(&org, "scale", false).ok(200);
    let usage = usage(&org);
    assert_eq!((&usage["plan"], &usage["next_plan"]), (&json!("scale"), &Value::Null));
    assert_eq!(usage["resources"]["api_keys"]["limit"], 1000);

    operated.set_plan(&org, "free", false).ok(200);
    let waiting = self::usage(&org);
    assert_eq!((&waiting["plan"], &waiting["next_plan"]["plan"]), (&json!("scale"), &json!("free")));
    assert_eq!(waiting["next_plan"]["at"], waiting["cycle_ends_at"]);
    assert_eq!(waiting["resources"]["api_keys"]["limit"], 1000, "until then nothing is less");
    let [start, end] = ["cycle_started_at", "cycle_ends_at"].map(|name| text(&waiting, &format!("/{name}")));
    assert!(start.ends_with("-01T00:00:00.000Z") && end.ends_with("-01T00:00:00.000Z"), "{start} {end}");
    assert!(parse_rfc3339(&start).unwrap() < parse_rfc3339(&end).unwrap());
    assert_eq!(org.get("/v1/me").send().ok(200)["org"]["plan"], "scale");

    operated.set_plan(&org, "scale", false).ok(200);
    assert_eq!(self::usage(&org)["next_plan"], Value::Null);
    operated.set_plan(&org, "free", true).ok(200);
    assert_eq!(plan_of(&org), "free");
}

/// N3: what is used is told as it is used.
#[test]
fn n3_usage_moves_with_what_is_done() {
    let operated = Operated::shared();
    let org = Org::sign_up(&operated.gate);
    let used = |pointer: &str| usage(&org).pointer(pointer).and_then(Value::as_u64).expect("a number");
    let resources = ["api_keys", "connections", "members", "sources"];
    let now = || resources.map(|name| used(&format!("/resources/{name}/used")));
    assert_eq!(now(), [0, 0, 1, 0]);
    let tenant = Furnished::new(&operated.gate);
    let org = &tenant.org;
    let used = |pointer: &str| usage(org).pointer(pointer).and_then(Value::as_u64).expect("a number");
    let now = || resources.map(|name| used(&format!("/resources/{name}/used")));
    assert_eq!(now(), [1, 1, 2, 1]);
    org.delete(&format!("/v1/api-keys/{}", tenant.id("api-keys"))).send().ok(204);
    assert_eq!(now(), [0, 1, 2, 1]);

    let meters = || {
        ["inbound_events", "proxy_calls", "key_verifications"]
            .map(|name| used(&format!("/meters/{name}/used")))
    };
    assert_eq!(meters(), [1, 0, 0]);
    for _ in 0..3 {
        org.get(&format!("/v1/connections/{}/proxy/", tenant.id("connections"))).send().ok(200);
    }
    let key = org.api_key(&["audit:read"]);
    org.post("/v1/api-keys/verify", &json!({ "key": key.key })).send().ok(200);
    assert_eq!(meters(), [1, 3, 1]);
    // Who reads it needs the right to.
    tenant.member.get("/v1/usage").send().ok(200);
    key.get("/v1/usage").send().problem("insufficient_scope");
}

/// N3: the number of a cycle is exact, however many come at once; so is the number of things.
#[test]
fn n3_a_plans_numbers_are_exact_at_once() {
    let operated = Operated::shared();
    let tenant = Furnished::new(&operated.gate);
    let org = &tenant.org;
    let secret = random::text("whsec_");
    let source = org.source("stripe", &secret);
    operated.set_plan(org, "metered", false).ok(200);
    let count = Mutex::new(0);
    let deliver = || {
        let nth = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count
        };
        org.deliver(&source, &secret, format!(r#"{{"id":"evt_{nth}","type":"t"}}"#).as_bytes())
    };
    // One was delivered when the org was furnished.
    assert_eq!(tally(12, deliver), BTreeMap::from([(200, 2), (403, 10)]));
    let proxy = || org.get(&format!("/v1/connections/{}/proxy/", tenant.id("connections"))).send();
    assert_eq!(tally(12, proxy), BTreeMap::from([(200, 5), (403, 7)]));
    assert_eq!(tenant.upstream.connections(), 5);
    let verify = || org.post("/v1/api-keys/verify", &json!({ "key": "sgk_nothing" })).send();
    assert_eq!(tally(12, verify), BTreeMap::from([(200, 4), (403, 8)]));
    for (meter, limit) in [("inbound_events", 3), ("proxy_calls", 5), ("key_verifications", 4)] {
        let amount = &usage(org)["meters"][meter];
        assert_eq!(amount, &json!({ "used": limit, "limit": limit }), "{meter}");
    }

    let other = Org::sign_up(&operated.gate);
    operated.set_plan(&other, "small", false).ok(200);
    let body = json!({ "name": "k", "scopes": ["audit:read"] });
    let keys = tally(6, || other.post("/v1/api-keys", &body).send());
    assert_eq!(keys, BTreeMap::from([(201, 2), (403, 4)]));
    // Who is invited takes a place: three are the admin and two invitations.
    let invite = || {
        let body = json!({ "email": fresh_email(), "role": "member" });
        other.post("/v1/invitations", &body).send()
    };
    assert_eq!(tally(6, invite), BTreeMap::from([(201, 2), (403, 4)]));
    let connection = json!({
        "connector": "http", "name": "c", "base_url": "https://api.example.com",
        "auth": { "type": "bearer", "token": random::text("tok-") },
    });
    let connections = tally(4, || other.post("/v1/connections", &connection).send());
    assert_eq!(connections, BTreeMap::from([(201, 1), (403, 3)]));
    let source = json!({ "provider": "github", "name": "s", "secret": random::text("shared-") });
    assert_eq!(tally(4, || other.post("/v1/sources", &source).send()), BTreeMap::from([(201, 1), (403, 3)]));
}

fn usage(org: &Org) -> Value {
    org.get("/v1/usage").send().ok(200)
}

fn plan_of(org: &Org) -> String {
    text(&usage(org), "/plan")
}
