//! Replays: the same messages again, oldest first, in bounded pieces.

use super::*;
use protocol::{EndpointId, InboundEventId};

fn one(tenant: &Tenant, id: &InboundEventId, body: &Json) -> Result<Reply, AppError> {
    tenant.call(&tenant.founder, Operation::ReplayEvent { id: id.clone() }, body)
}

fn many(tenant: &Tenant, source: &SourceId, more: Json) -> Result<Reply, AppError> {
    let mut body = json!({ "source_id": source });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    tenant.call(&tenant.founder, Operation::ReplayEvents, &body)
}

fn deliveries(result: Result<Reply, AppError>) -> u64 {
    let reply = result.unwrap();
    assert_eq!(reply.status, 202);
    json_of(&reply)["deliveries"].as_u64().unwrap()
}

fn settle(tenant: &Tenant, status: &str) {
    let settle = "UPDATE deliveries SET status = ?, due_at = NULL, attempts = 8, step = 8";
    tenant.sql.exec(settle, &[status.into()]).unwrap();
}

fn message_ids(tenant: &Tenant) -> Vec<String> {
    let rows = tenant.sql.exec("SELECT id FROM messages ORDER BY rowid", &[]).unwrap();
    rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
}

#[test]
fn a_replay_is_the_same_message_again() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    let endpoint = tenant.new_endpoint(&source, &json!({}));
    let event = tenant.receive(&source, "push", b"x");
    let messages = message_ids(&tenant);
    for status in ["delivered", "failed"] {
        settle(&tenant, status);
        assert_eq!(deliveries(one(&tenant, &event, &json!({}))), 1);
        assert_eq!(tenant.deliveries(), [("pending".to_owned(), true)]);
    }
    assert_eq!(message_ids(&tenant), messages, "the receiver sees the webhook-id that it knows");
    let audited = tenant.last_event();
    assert_eq!((&audited["action"], &audited["target"]), (&json!("inbound_event.replayed"), &json!(event)));
    assert_eq!(audited["metadata"], json!({ "count": 1 }));
    // The body may be left out altogether.
    let call = call(tenant.founder.clone(), Operation::ReplayEvent { id: event.clone() });
    assert!(handle(tenant.context(&call), b"").is_ok());
    assert_eq!(deliveries(one(&tenant, &event, &json!({ "endpoint_id": endpoint }))), 1);
}

#[test]
fn an_event_that_no_endpoint_had_wanted_becomes_a_message_now() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    let (first, second) = (tenant.receive(&source, "push", b"1"), tenant.receive(&source, "push", b"2"));
    assert_eq!(deliveries(one(&tenant, &first, &json!({}))), 0);
    assert_eq!(tenant.count("messages"), 0);
    tenant.new_endpoint(&source, &json!({ "event_types": ["push"] }));
    // Another that does not name the source, and whose filter says no: by its id it may be had.
    let created = tenant.ok(
        Operation::CreateEndpoint,
        &json!({ "url": "https://hooks.example.com/b", "event_types": ["other"] }),
    );
    let other = EndpointId::parse(created["id"].as_str().unwrap()).unwrap();
    assert_eq!(deliveries(one(&tenant, &first, &json!({}))), 1);
    assert_eq!(deliveries(one(&tenant, &second, &json!({ "endpoint_id": other }))), 1);
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (2, 2));
    assert_eq!(tenant.last_event()["metadata"], json!({ "count": 1, "endpoint_id": other }));
    let lanes = tenant.sql.exec("SELECT DISTINCT lane FROM deliveries", &[]).unwrap();
    assert_eq!((lanes.len(), lanes[0].text(0).unwrap()), (1, source.as_str()), "in the order of the source");
    // A message that there is goes to endpoints that came later, too.
    assert_eq!(deliveries(one(&tenant, &second, &json!({}))), 1);
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (2, 3));
}

#[test]
fn a_range_is_replayed_oldest_first_without_what_is_on_its_way() {
    let mut tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({}));
    for (number, kind) in ["push", "star", "push", "push"].into_iter().enumerate() {
        tenant.now_ms = NOW + number as u64 * 1000;
        tenant.receive(&source, kind, &[number as u8]);
    }
    assert_eq!(deliveries(many(&tenant, &source, json!({}))), 0, "all are on their way");
    let again = |tenant: &Tenant, more: Json| {
        settle(tenant, "delivered");
        deliveries(many(tenant, &source, more))
    };
    let time = |ms: u64| protocol::time::rfc3339(NOW + ms);
    assert_eq!(again(&tenant, json!({})), 4);
    assert_eq!(again(&tenant, json!({ "event_types": ["push"] })), 3);
    assert_eq!(again(&tenant, json!({ "since": time(1000) })), 3);
    assert_eq!(again(&tenant, json!({ "since": time(1000), "until": time(3000) })), 2);
    assert_eq!(again(&tenant, json!({ "since": time(9000) })), 0);
    assert_eq!(again(&tenant, json!({ "failed_only": true })), 0);
    let audited = tenant.last_event();
    assert_eq!(
        (&audited["target"], &audited["metadata"]),
        (&json!(source), &json!({ "count": 0, "failed_only": true }))
    );

    tenant.sql.exec("UPDATE deliveries SET status = 'failed' WHERE rowid IN (1, 2, 4)", &[]).unwrap();
    assert_eq!(
        deliveries(many(&tenant, &source, json!({ "failed_only": true, "event_types": ["push"] }))),
        2
    );
    let states: Vec<String> = tenant.deliveries().into_iter().map(|(status, _)| status).collect();
    assert_eq!(states, ["pending", "failed", "delivered", "pending"]);
    for body in
        [json!({ "since": "yesterday" }), json!({ "cursor": "x" }), json!({ "event_types": vec!["x"; 101] })]
    {
        let refused = code(many(&tenant, &source, body.clone()));
        assert!([Code::ValidationFailed, Code::InvalidRequest].contains(&refused), "{body}");
    }
}

#[test]
fn the_lane_of_an_endpoint_that_keeps_order_is_replayed_in_order() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({ "ordered": true }));
    for number in 0..3u8 {
        tenant.receive(&source, "push", &[number]);
    }
    settle(&tenant, "failed");
    assert_eq!(deliveries(many(&tenant, &source, json!({ "failed_only": true }))), 3);
    let due: Vec<bool> = tenant.deliveries().into_iter().map(|(_, due)| due).collect();
    assert_eq!(due, [true, false, false], "the oldest first, the others when it has been delivered");
}

#[test]
fn a_call_makes_at_most_five_hundred_deliveries_and_the_next_goes_on() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    for number in 0..520u32 {
        tenant.receive(&source, "push", &number.to_be_bytes());
    }
    tenant.new_endpoint(&source, &json!({}));
    tenant.new_endpoint(&source, &json!({}));
    for failed_only in [false, true] {
        let (mut made, mut cursor, mut calls) = (0, Json::Null, 0);
        while calls == 0 || !cursor.is_null() {
            let mut body = json!({ "failed_only": failed_only });
            if !cursor.is_null() {
                body["cursor"] = cursor;
            }
            let answer = json_of(&many(&tenant, &source, body).unwrap());
            let deliveries = answer["deliveries"].as_u64().unwrap();
            assert!(deliveries <= 500);
            (made, cursor, calls) = (made + deliveries, answer["next_cursor"].clone(), calls + 1);
            assert!(calls < 10);
        }
        assert_eq!((made, calls), (1040, 3));
        settle(&tenant, "failed");
    }
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (520, 1040), "each once");
}

#[test]
fn a_disabled_endpoint_is_refused_by_name_and_passed_over_otherwise() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    let disabled = tenant.new_endpoint(&source, &json!({}));
    tenant.new_endpoint(&source, &json!({}));
    let event = tenant.receive(&source, "push", b"x");
    settle(&tenant, "failed");
    let disable = "UPDATE endpoints SET disabled_at = 1, disabled_reason = 'manual' WHERE id = ?";
    tenant.sql.exec(disable, &[disabled.as_str().into()]).unwrap();
    let named = json!({ "endpoint_id": disabled });
    assert_eq!(code(one(&tenant, &event, &named)), Code::EndpointDisabled);
    assert_eq!(code(many(&tenant, &source, named)), Code::EndpointDisabled);
    assert_eq!(deliveries(many(&tenant, &source, json!({ "failed_only": true }))), 1);
    settle(&tenant, "failed");
    assert_eq!(deliveries(one(&tenant, &event, &json!({}))), 1);
    let unknown = json!({ "endpoint_id": "end_00000000000000000000000000" });
    assert_eq!(code(one(&tenant, &event, &unknown)), Code::NotFound);
    assert_eq!(code(many(&tenant, &source, unknown)), Code::NotFound);
}

#[test]
fn what_is_past_its_retention_or_another_tenants_is_not_there() {
    let mut tenant = Tenant::new(1);
    let theirs = Tenant::new(2);
    let (source, foreign) = (tenant.new_source(), theirs.new_source());
    let endpoint = tenant.new_endpoint(&source, &json!({}));
    let (event, other) = (tenant.receive(&source, "push", b"x"), theirs.receive(&foreign, "push", b"x"));
    assert_eq!(code(one(&tenant, &other, &json!({}))), Code::NotFound);
    assert_eq!(code(many(&tenant, &foreign, json!({}))), Code::NotFound);
    let to_ours = json!({ "endpoint_id": endpoint });
    assert_eq!(code(one(&theirs, &other, &to_ours)), Code::NotFound);
    settle(&tenant, "failed");
    tenant.now_ms += (u64::from(tenant.config.retention.inbound_events_days) + 1) * DAY;
    tenant.founder = tenant.sign_in(&user(1));
    assert_eq!(code(one(&tenant, &event, &json!({}))), Code::NotFound);
    assert_eq!(deliveries(many(&tenant, &source, json!({}))), 0);
    assert_eq!(deliveries(many(&tenant, &source, json!({ "failed_only": true }))), 0);
}

#[test]
fn a_paused_source_holds_back_what_is_replayed_too() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    let event = tenant.receive(&source, "push", b"x");
    tenant.new_endpoint(&source, &json!({}));
    let pause = |paused: bool| {
        tenant.ok(Operation::UpdateSource { id: source.clone() }, &json!({ "paused": paused }))
    };
    pause(true);
    for _ in 0..2 {
        assert_eq!(deliveries(one(&tenant, &event, &json!({}))), 1);
        assert_eq!(tenant.deliveries(), [("pending".to_owned(), false)]);
    }
    pause(false);
    assert_eq!(tenant.deliveries(), [("pending".to_owned(), true)]);
}

#[test]
fn a_replay_is_made_once_under_an_idempotency_key() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({}));
    let event = tenant.receive(&source, "push", b"x");
    let mut call = call(tenant.founder.clone(), Operation::ReplayEvent { id: event });
    call.idempotency_key = Some("again".into());
    settle(&tenant, "failed");
    let first = handle(tenant.context(&call), b"{}").unwrap();
    settle(&tenant, "delivered");
    let second = handle(tenant.context(&call), b"{}").unwrap();
    assert_eq!(first.body, second.body);
    assert_eq!(tenant.deliveries()[0].0, "delivered");
}

#[test]
fn a_cost_of_a_replay_does_not_grow_with_what_is_not_replayed() {
    let cost = |count: u32| {
        let tenant = Tenant::new(1);
        let (source, busy) = (tenant.new_source(), tenant.new_source());
        tenant.new_endpoint(&source, &json!({}));
        for number in 0..count {
            tenant.receive(&busy, "push", &number.to_be_bytes());
        }
        let event = tenant.receive(&source, "push", b"x");
        settle(&tenant, "failed");
        let before = tenant.sql.cost().1;
        assert_eq!(deliveries(one(&tenant, &event, &json!({}))), 1);
        settle(&tenant, "failed");
        assert_eq!(deliveries(many(&tenant, &source, json!({ "failed_only": true }))), 1);
        tenant.sql.cost().1 - before
    };
    let (small, large) = (cost(20), cost(400));
    assert!(large <= small + 200, "{small} steps, then {large}");
}

#[test]
fn what_somebody_has_skipped_is_not_among_what_failed() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({}));
    tenant.receive(&source, "push", b"1");
    tenant.receive(&source, "push", b"2");
    settle(&tenant, "failed");
    tenant.sql.exec("UPDATE deliveries SET reason = 'skipped' WHERE rowid = 1", &[]).unwrap();
    assert_eq!(deliveries(many(&tenant, &source, json!({ "failed_only": true }))), 1);
    let states: Vec<String> = tenant.deliveries().into_iter().map(|(status, _)| status).collect();
    assert_eq!(states, ["failed", "pending"]);
}

#[test]
fn n1_what_the_workspace_has_received_reaches_no_customer() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    let event = tenant.receive(&source, "push", b"x");
    let customers = json!({ "url": "https://hooks.example.com/c", "customer_id": "acme" });
    let named = json!({ "endpoint_id": tenant.ok(Operation::CreateEndpoint, &customers)["id"] });
    assert_eq!(code(one(&tenant, &event, &named)), Code::ValidationFailed);
    assert_eq!(code(many(&tenant, &source, named)), Code::ValidationFailed);
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (0, 0));
}

#[test]
fn a_replay_ends_where_it_began_whatever_arrives_meanwhile() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({}));
    for number in 0..501u32 {
        tenant.receive(&source, "push", &number.to_be_bytes());
    }
    for failed_only in [false, true] {
        settle(&tenant, "failed");
        let first = json_of(&many(&tenant, &source, json!({ "failed_only": failed_only })).unwrap());
        assert_eq!(first["deliveries"], 500);
        let before = tenant.count("deliveries");
        tenant.receive(&source, "push", &[u8::from(failed_only)]);
        settle(&tenant, "failed");
        let next = json!({ "failed_only": failed_only, "cursor": first["next_cursor"] });
        let last = json_of(&many(&tenant, &source, next).unwrap());
        assert_eq!(last["deliveries"].as_u64().unwrap() as usize, before as usize - 500);
        assert!(last["next_cursor"].is_null());
    }
    for cursor in ["1", "1.", ".1", "1.2.3", "-1.2"] {
        assert_eq!(
            code(many(&tenant, &source, json!({ "cursor": cursor }))),
            Code::InvalidRequest,
            "{cursor}"
        );
    }
}
