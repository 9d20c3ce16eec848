//! One person in several workspaces (claims N1, N2).

use crate::routes::absent;
use e2e::{Gate, Org, Response, text};
use serde_json::{Value, json};

/// N1: a person has a role in each workspace of theirs, and a session in one says nothing in another.
#[test]
fn n1_a_session_is_for_one_workspace() {
    let gate = Gate::shared();
    let host = Org::sign_up(gate);
    let secret = json!({ "type": "bearer", "token": "of-the-host" });
    let connection = host.connection("https://api.example.com", &secret);
    let guest = host.invite("member");
    let own = guest.with_session(&guest.session().post("/v1/orgs", &json!({ "name": "Own" })).send().ok(201));
    assert_ne!(own.id, host.id);
    assert_eq!(own.get("/v1/me").send().ok(200)["role"], "org_admin");
    assert_eq!(own.list("/v1/connections"), Vec::<Value>::new(), "a new workspace is empty");
    assert_eq!(own.list("/v1/members").len(), 1);
    own.get(&format!("/v1/connections/{connection}")).send().problem("not_found");
    own.api_key(&["audit:read"]);

    // Admin there, member here, by the same account.
    guest.get(&format!("/v1/connections/{connection}")).send().ok(200);
    guest.get("/v1/api-keys").send().problem("forbidden");
    let rows = guest.list("/v1/orgs");
    let row = |org: &Org| rows.iter().find(|row| row["org_id"] == org.id.as_str()).expect("a row").clone();
    assert_eq!(rows.len(), 2);
    assert_eq!((&row(&host)["role"], &row(&host)["current"]), (&json!("member"), &json!(true)));
    assert_eq!((&row(&own)["role"], &row(&own)["current"]), (&json!("org_admin"), &json!(false)));
    assert_eq!(row(&own)["org_name"], "Own");
}

/// Going to another workspace leaves no session behind; the last one is where the next sign-in leads.
#[test]
fn n1_switching_takes_the_session_along() {
    let first = Org::sign_up(Gate::shared());
    let second =
        first.with_session(&first.session().post("/v1/orgs", &json!({ "name": "B" })).send().ok(201));
    let leaving = second.session();
    let back = switch(&leaving, &first.id);
    let arrived = first.with_session(&back.ok(200));
    assert_eq!(arrived.id, first.id);
    assert!(back.header("set-cookie").is_some_and(|cookie| cookie.contains(&arrived.cookie)));
    leaving.get("/v1/me").send().problem("unauthenticated");
    arrived.get("/v1/me").send().ok(200);
    second.get("/v1/me").send().ok(200);
    assert_eq!(first.session().id, first.id, "the workspace used last");
    let there = json!({ "email": first.email, "password": first.password, "org_id": second.id });
    let signed_in = first.anonymous().post("/v1/login", &there).send().ok(200);
    assert_eq!(text(&signed_in, "/org/id"), second.id);
}

/// N1: a workspace that one does not belong to is one that never was.
#[test]
fn n1_nobody_switches_to_a_workspace_that_is_not_theirs() {
    let gate = Gate::shared();
    let (org, other) = (Org::sign_up(gate), Org::sign_up(gate));
    let before = other.list("/v1/audit");
    let (foreign, unknown) = (switch(&org, &other.id), switch(&org, &absent("orgs")));
    foreign.problem("not_found");
    assert_eq!(foreign.fingerprint(), unknown.fingerprint());
    org.get("/v1/me").send().ok(200);
    let log_in = |id: &str| {
        let body = json!({ "email": org.email, "password": org.password, "org_id": id });
        org.anonymous().post("/v1/login", &body).send()
    };
    let (foreign, unknown) = (log_in(&other.id), log_in(&absent("orgs")));
    assert!([403, 404].contains(&foreign.status), "{foreign}");
    assert_eq!(foreign.fingerprint(), unknown.fingerprint());
    assert_eq!(foreign.header("set-cookie"), None);
    for bad in ["", "org_1", "usr_00000000000000000000000000"] {
        assert!([404, 422].contains(&switch(&org, bad).status), "{bad}");
    }
    assert_eq!(other.list("/v1/audit"), before);
    assert_eq!(other.list("/v1/members").len(), 1);
}

#[test]
fn a_new_workspace_needs_a_name_and_a_region_on_offer() {
    let org = Org::sign_up(Gate::shared());
    for bad in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "x", "region": "moon" }),
        json!({ "name": "x", "plan": "scale" }),
    ] {
        org.post("/v1/orgs", &bad).send().problem("validation_failed");
    }
    assert_eq!(org.list("/v1/orgs").len(), 1);
    let eu = org.post("/v1/orgs", &json!({ "name": "EU", "region": "eu" })).send().ok(201);
    assert_eq!((&eu["org"]["region"], &eu["org"]["plan"]), (&json!("eu"), &json!("free")));
    assert!(text(&eu, "/org/id").starts_with("org_e"));
}

fn switch(client: &Org, org: &str) -> Response {
    client.post("/v1/orgs/switch", &json!({ "org_id": org })).send()
}
