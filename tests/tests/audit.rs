//! The audit trail: complete, and a customer can check it (claims M7, B7, B10).

use e2e::{Gate, Org, Response, Upstream, database, random};
use protocol::time::parse_rfc3339;
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// M7, B7, B10: every change and every use of a credential leaves its event: who, from where, what, by which request.
#[test]
fn m7_b7_b10_every_action_leaves_its_event() {
    let gate = Gate::shared();
    let anonymous = gate.client_from("203.0.113.7");
    let org = Org::sign_up_from(&anonymous);
    let upstream = Upstream::echo();
    let trail = std::cell::RefCell::new(Vec::new());
    let note = |action: &str, actor: &str, target: &str, response: &Response| {
        let request = response.header("x-request-id").unwrap();
        trail.borrow_mut().push([action, actor, target, request].map(str::to_owned));
    };
    let id = |response: &Response| response.ok(response.status)["id"].as_str().unwrap().to_owned();

    let response = org
        .post("/v1/api-keys", &json!({ "name": "k", "scopes": ["connections:write", "connections:read"] }))
        .send();
    let key_id = id(&response);
    note("api_key.created", &org.user_id, &key_id, &response);
    let key = org.bearer(response.ok(201)["key"].as_str().unwrap());

    let auth = json!({ "type": "bearer", "token": random::text("tok-") });
    let body = json!({ "connector": "http", "name": "c", "base_url": upstream.url(), "auth": auth });
    let response = key.post("/v1/connections", &body).send();
    let connection = id(&response);
    note("connection.created", &key_id, &connection, &response);
    let response = org.get(&format!("/v1/connections/{connection}/proxy/a?secret=of-the-caller")).send();
    note("credential.used", &org.user_id, &connection, &response);
    let response = key.request("POST", &format!("/v1/connections/{connection}/proxy/b")).send();
    note("credential.used", &key_id, &connection, &response);
    let response = key.delete(&format!("/v1/connections/{connection}")).send();
    note("connection.deleted", &key_id, &connection, &response);

    let secret = random::text("whsec_");
    let response =
        org.post("/v1/sources", &json!({ "provider": "stripe", "name": "s", "secret": secret })).send();
    let source = id(&response);
    note("source.created", &org.user_id, &source, &response);
    let response = org.deliver(&source, &secret, b"{}");
    note("inbound_event.stored", &source, &id(&response), &response);
    let response = org.delete(&format!("/v1/sources/{source}")).send();
    note("source.deleted", &org.user_id, &source, &response);
    let response = org.delete(&format!("/v1/api-keys/{key_id}")).send();
    note("api_key.revoked", &org.user_id, &key_id, &response);

    // What was refused, and what only reads, changes nothing and leaves nothing.
    key.get("/v1/connections").send().problem("key_revoked");
    org.delete(&format!("/v1/sources/{source}")).send().problem("not_found");
    org.get("/v1/connections").send().ok(200);

    let events = org.list("/v1/audit");
    assert!(
        events.iter().all(|event| event["ip"] == "203.0.113.7" && event["jurisdiction"] == "auto"),
        "{events:#?}"
    );
    let text = |event: &serde_json::Value, name: &str| event[name].as_str().unwrap().to_owned();
    let listed: Vec<[String; 4]> = events
        .iter()
        .rev()
        .map(|event| ["action", "actor", "target", "request_id"].map(|name| text(event, name)))
        .collect();
    let (first, rest) = listed.split_at(2);
    assert_eq!(
        first.iter().map(|event| event[0].as_str()).collect::<Vec<_>>(),
        ["org.created", "session.opened"]
    );
    assert_eq!(rest, *trail.borrow());
    let used = events
        .iter()
        .find(|event| event["action"] == "credential.used" && event["metadata"]["path"] == "/a")
        .unwrap();
    assert_eq!(
        (&used["metadata"]["method"], &used["metadata"]["host"]),
        (&json!("GET"), &json!([upstream.authority()]))
    );
    assert!(!json!(events).to_string().contains("of-the-caller"), "a query is the caller's own");
}

/// An event as `GET /v1/audit` gives it, its metadata as the bytes that were hashed.
#[derive(Deserialize)]
struct Public {
    id: String,
    sequence: u64,
    at: String,
    actor: String,
    ip: String,
    action: String,
    target: String,
    metadata: Box<RawValue>,
    jurisdiction: String,
    request_id: String,
    hash: String,
    prev_hash: String,
}

/// B7: whoever has the public answers can recompute the chain, with nothing of ours but its description.
#[test]
fn b7_a_customer_can_recompute_the_chain() {
    let org = Org::sign_up(Gate::shared());
    for name in ["one", "zwei \"2\"", "três <&>", "四\\"] {
        org.post("/v1/api-keys", &json!({ "name": name, "scopes": ["audit:read", "api_keys:read"] }))
            .send()
            .ok(201);
    }
    let mut events: Vec<Public> = {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<Public>,
        }
        serde_json::from_slice::<Page>(&org.get("/v1/audit?limit=200").send().body).unwrap().data
    };
    events.reverse();
    let mut previous = "0".repeat(64);
    for (index, event) in events.iter().enumerate() {
        assert_eq!((event.sequence, event.prev_hash.as_str()), (index as u64 + 1, previous.as_str()));
        let mut hash = Sha256::new();
        let fields = [
            "sluicegate audit 1",
            &event.prev_hash,
            &event.sequence.to_string(),
            &event.id,
            &parse_rfc3339(&event.at).unwrap().to_string(),
            &event.actor,
            &event.ip,
            &event.action,
            &event.target,
            event.metadata.get(),
            &event.jurisdiction,
            &event.request_id,
        ];
        for field in fields {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(event.hash, hash, "{}", event.action);
        previous = hash;
    }
    let verified = org.get("/v1/audit/verify").send().ok(200);
    assert_eq!(verified, json!({ "ok": true, "length": events.len(), "head": previous }));
}

/// B7: whoever has the disk cannot change, remove or reorder an event unseen; who cuts the end off, changes the head.
#[test]
fn b7_a_changed_trail_is_found() {
    let mut gate = Gate::start("audit-tampered");
    type Tamper = fn(&Connection);
    let cases: [(&str, u64, Tamper); 6] = [
        ("a changed actor", 3, |db| {
            run(db, "UPDATE audit SET actor = 'usr_somebody_else' WHERE sequence = 3")
        }),
        ("changed metadata", 4, |db| run(db, "UPDATE audit SET metadata = '{}' WHERE sequence = 4")),
        ("a changed time", 2, |db| run(db, "UPDATE audit SET at = at + 1 WHERE sequence = 2")),
        ("a removed event", 3, |db| run(db, "DELETE FROM audit WHERE sequence = 3")),
        ("two events swapped", 3, |db| {
            run(db, "UPDATE audit SET sequence = 99 WHERE sequence = 3");
            run(db, "UPDATE audit SET sequence = 3 WHERE sequence = 4");
            run(db, "UPDATE audit SET sequence = 4 WHERE sequence = 99");
        }),
        ("an event removed and the rest renumbered", 3, |db| {
            run(db, "DELETE FROM audit WHERE sequence = 3");
            run(db, "UPDATE audit SET sequence = sequence - 1 WHERE sequence > 3");
        }),
    ];
    let orgs: Vec<Org> = (0..=cases.len()).map(|_| Org::sign_up(&gate)).collect();
    for org in &orgs {
        for _ in 0..4 {
            org.api_key(&["audit:read"]);
        }
    }
    let noted = orgs[cases.len()].get("/v1/audit/verify").send().ok(200);
    assert_eq!((&noted["ok"], &noted["length"]), (&json!(true), &json!(6)));
    gate.stop();
    for (org, (_, _, tamper)) in orgs.iter().zip(&cases) {
        tamper(&database::of_org(&gate, &org.id));
    }
    run(&database::of_org(&gate, &orgs[cases.len()].id), "DELETE FROM audit WHERE sequence = 6");
    gate.restart();

    for (org, (what, broken_at, _)) in orgs.iter().zip(&cases) {
        let verified = org.get("/v1/audit/verify").send().ok(200);
        assert_eq!((&verified["ok"], &verified["broken_at"]), (&json!(false), &json!(broken_at)), "{what}");
    }
    // A shorter chain is whole in itself: what shows it is the head that the customer noted.
    let cut = orgs[cases.len()].get("/v1/audit/verify").send().ok(200);
    assert_eq!((&cut["ok"], &cut["length"]), (&json!(true), &json!(5)));
    assert_ne!(cut["head"], noted["head"]);
}

fn run(database: &Connection, statement: &str) {
    assert!(database.execute(statement, []).unwrap() > 0, "{statement} changed nothing");
}
