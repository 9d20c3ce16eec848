//! A tenant is a database (claims N1, B8): another org's ids are ids that never were.

use crate::routes::{absent, cases};
use e2e::{Gate, Org, Upstream, random};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An org with one of everything.
struct Furnished {
    org: Org,
    ids: BTreeMap<&'static str, String>,
    upstream: Upstream,
}

impl Furnished {
    fn new(gate: &Gate) -> Self {
        let org = Org::sign_up(gate);
        let upstream = Upstream::echo();
        let key = org.api_key(&["connections:read"]);
        let auth = json!({ "type": "bearer", "token": random::text("tok-") });
        let connection = org.connection(&upstream.url(), &auth);
        let secret = random::text("whsec_");
        let source = org.source("stripe", &secret);
        let received = org.deliver(&source, &secret, br#"{"id":"evt_1","type":"invoice.paid"}"#);
        let event = received.ok(200)["id"].as_str().unwrap().to_owned();
        let ids = BTreeMap::from([
            ("api-keys", key.id),
            ("connections", connection),
            ("sources", source),
            ("inbound-events", event),
        ]);
        Self { org, ids, upstream }
    }

    /// Everything that the org can see of itself, its audit trail included.
    fn state(&self) -> Vec<Value> {
        let mut state: Vec<Value> =
            self.ids.keys().map(|kind| Value::from(self.org.list(&format!("/v1/{kind}")))).collect();
        state.push(self.org.list("/v1/audit").into());
        state.push(self.org.get("/v1/audit/verify").send().ok(200));
        state
    }
}

/// N1: on every route with an id, the admin of another org gets the bytes that an id which never was gets, and leaves no
/// trace with its owner.
#[test]
fn n1_another_orgs_id_is_an_id_that_never_was() {
    let gate = Gate::shared();
    let (owner, stranger) = (Furnished::new(gate), Org::sign_up(gate));
    let browser = stranger.browser();
    let before = owner.state();
    let (foreign, unknown) = (cases(|kind| owner.ids[kind].clone()), cases(absent));
    let mut covered = 0;
    for (foreign, unknown) in
        foreign.iter().zip(&unknown).filter(|(foreign, unknown)| foreign.path != unknown.path)
    {
        println!("{} {}", foreign.method, foreign.path);
        for client in [&*stranger, &browser] {
            let response = foreign.send(client);
            assert_eq!(response.status, 404, "{response}");
            if foreign.method != "HEAD" {
                response.problem("not_found");
            }
            assert_eq!(response.fingerprint(), unknown.send(client).fingerprint());
        }
        covered += 1;
    }
    assert!(covered >= 10, "only {covered} routes");
    assert_eq!(owner.state(), before);
    assert_eq!(owner.upstream.connections(), 0);
    // The owner's own requests do what the stranger's did not.
    for (kind, id) in &owner.ids {
        if *kind != "api-keys" {
            owner.org.get(&format!("/v1/{kind}/{id}")).send().ok(200);
        }
    }
}

/// N1: a new org starts empty, and no list, filter or cursor shows another's rows.
#[test]
fn n1_a_new_org_starts_empty() {
    let gate = Gate::shared();
    let (owner, stranger) = (Furnished::new(gate), Org::sign_up(gate));
    let nothing: Vec<Value> = Vec::new();
    for kind in owner.ids.keys() {
        assert_eq!(stranger.list(&format!("/v1/{kind}")), nothing, "{kind}");
    }
    let source = &owner.ids["sources"];
    assert_eq!(stranger.list(&format!("/v1/inbound-events?source_id={source}")), nothing);
    assert_eq!(stranger.get("/v1/connections?cursor=2").send().ok(200)["data"], json!([]));
    let trail = stranger.get("/v1/audit").send().text();
    for id in owner.ids.values().chain([&owner.org.id, &owner.org.user_id]) {
        assert!(!trail.contains(id), "{id} in {trail}");
    }
    assert_eq!(owner.org.list(&format!("/v1/inbound-events?source_id={source}")).len(), 1);
}

/// N1: an id of the right form and the wrong kind is none either.
#[test]
fn n1_an_id_of_another_kind_is_not_found() {
    let owner = Furnished::new(Gate::shared());
    for (kind, path) in
        [("connections", "sources"), ("api-keys", "connections"), ("sources", "inbound-events")]
    {
        let id = &owner.ids[kind];
        owner.org.get(&format!("/v1/{path}/{id}")).send().problem("not_found");
    }
}

/// What a page of a list leaves out, the next one has.
#[test]
fn pages_of_a_list_are_complete_and_in_order() {
    let org = Org::sign_up(Gate::shared());
    let made: Vec<String> = (0..5).map(|_| org.api_key(&["audit:read"]).id).collect();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = org.get(&format!("/v1/api-keys?limit=2&cursor={cursor}")).send().ok(200);
        let rows = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&rows.len()));
        seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    seen.reverse();
    assert_eq!(seen, made);
    for query in ["limit=0", "limit=201", "limit=x", "cursor=..%2f", "cursor=key_0"] {
        org.get(&format!("/v1/api-keys?{query}")).send().problem("invalid_request");
    }
}
