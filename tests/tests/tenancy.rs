//! A tenant is a database (claim N1): what a list shows is the org's own. That another org's ids are ids that never were, on
//! every route, is in the attack suite.

use crate::furnished::Furnished;
use e2e::{Gate, Org};
use serde_json::{Value, json};

/// N1: a new org starts empty, and no list, filter or cursor shows another's rows.
#[test]
fn n1_a_new_org_starts_empty() {
    let gate = Gate::shared();
    let (owner, stranger) = (Furnished::new(gate), Org::sign_up(gate));
    let nothing: Vec<Value> = Vec::new();
    for kind in ["api-keys", "connections", "inbound-events", "invitations", "sources"] {
        assert_eq!(stranger.list(&format!("/v1/{kind}")), nothing, "{kind}");
        assert_ne!(owner.org.list(&format!("/v1/{kind}")), nothing, "{kind}");
    }
    for (kind, own) in [("members", &stranger.user_id), ("sessions", &stranger.session_id())] {
        let rows = stranger.list(&format!("/v1/{kind}"));
        assert_eq!((rows.len(), &rows[0]["id"]), (1, &json!(own)), "{kind}");
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
