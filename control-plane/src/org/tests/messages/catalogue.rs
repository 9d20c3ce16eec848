//! The catalogue of event types, and the examples that are sent from it.

use super::*;

fn set(name: &str) -> Operation {
    Operation::SetEventType { name: name.into() }
}

fn get(name: &str) -> Operation {
    Operation::GetEventType { name: name.into() }
}

fn page(limit: u32, cursor: Option<&str>) -> Operation {
    Operation::ListEventTypes(Page { limit: Some(limit), cursor: cursor.map(str::to_owned) })
}

fn names(answer: &Json) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[test]
fn a_type_is_described_changed_and_forgotten() {
    let mut tenant = Tenant::new(1);
    let schema = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "type": ["object", "null"],
                         "properties": { "id": { "type": "integer" }, "any": true }, "required": ["id"] });
    let body = json!({ "description": "Paid.", "schema": schema, "example": { "id": 7 } });
    let described = tenant.ok(set("invoice.paid"), &body);
    let expected = json!({ "name": "invoice.paid", "description": "Paid.", "schema": schema, "example": { "id": 7 },
                           "built_in": false, "updated_at": protocol::time::rfc3339(NOW) });
    assert_eq!((&described, &tenant.ok(get("invoice.paid"), &Json::Null)), (&expected, &expected));
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["target"]), (&json!("event_type.set"), &json!("invoice.paid")));
    assert_eq!(event["metadata"], json!({ "has_schema": true, "has_example": true }));
    tenant.now_ms += 1;
    let emptied = tenant.ok(set("invoice.paid"), &json!({}));
    let updated_at = protocol::time::rfc3339(NOW + 1);
    let expected =
        json!({ "name": "invoice.paid", "description": "", "built_in": false, "updated_at": updated_at });
    assert_eq!(emptied, expected);
    let delete = || Operation::DeleteEventType { name: "invoice.paid".into() };
    tenant.ok(delete(), &Json::Null);
    assert_eq!(tenant.last_event()["action"], "event_type.deleted");
    for operation in [delete(), get("invoice.paid")] {
        assert_eq!(code(tenant.call(&tenant.founder, operation, &Json::Null)), Code::NotFound);
    }
}

#[test]
fn what_is_no_schema_or_too_large_is_refused() {
    let tenant = Tenant::new(1);
    let text = |size: usize| "a".repeat(size);
    for body in [
        json!({ "schema": [] }),
        json!({ "schema": true }),
        json!({ "schema": { "$schema": "https://example.com/mine" } }),
        json!({ "schema": { "type": "text" } }),
        json!({ "schema": { "type": [] } }),
        json!({ "schema": { "properties": [] } }),
        json!({ "schema": { "properties": { "a": { "items": { "type": 7 } } } } }),
        json!({ "schema": { "required": "a" } }),
        json!({ "schema": { "oneOf": {} } }),
        json!({ "schema": { "title": text(48 * 1024 - 11) } }),
        json!({ "example": text(16 * 1024 - 1) }),
        json!({ "description": text(1001) }),
        json!({ "name": "b" }),
    ] {
        assert_eq!(code(tenant.call(&tenant.founder, set("a"), &body)), Code::ValidationFailed, "{body}");
    }
    tenant.ok(
        set("a"),
        &json!({ "schema": { "title": text(48 * 1024 - 12) }, "example": text(16 * 1024 - 2),
                 "description": text(1000) }),
    );
}

#[test]
fn sluicegates_own_types_come_first_and_stay_as_they_are() {
    let tenant = Tenant::new(1);
    for name in ["b", "a"] {
        tenant.ok(set(name), &json!({}));
    }
    let all = tenant.ok(page(50, None), &Json::Null);
    let expected = [
        "connection.authorized",
        "connection.reauthorization_required",
        "connection.disconnected",
        "org.key_rotated",
        "endpoint.disabled",
        "source.signature_failures",
        "a",
        "b",
    ];
    assert_eq!((names(&all), &all["next_cursor"]), (expected.to_vec(), &Json::Null));
    // In pages of any size it is the same list.
    for limit in 1..=9 {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = tenant.ok(page(limit, cursor.as_deref()), &Json::Null);
            assert!(names(&page).len() <= limit as usize && !names(&page).is_empty());
            seen.extend(names(&page).into_iter().map(str::to_owned));
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{limit}");
    }
    for cursor in ["b", "bx", "x", "b99999999999999999999"] {
        let refused = tenant.call(&tenant.founder, page(2, Some(cursor)), &Json::Null);
        assert_eq!(code(refused), Code::InvalidRequest, "{cursor}");
    }
    let own = tenant.ok(get("org.key_rotated"), &Json::Null);
    assert_eq!((&own["built_in"], &own["example"]["type"]), (&json!(true), &json!("org.key_rotated")));
    for operation in [set("org.key_rotated"), Operation::DeleteEventType { name: "org.key_rotated".into() }] {
        let refused = tenant.call(&tenant.founder, operation, &json!({}));
        assert_eq!(code(refused), Code::ValidationFailed);
    }
}

#[test]
fn a_workspace_describes_five_hundred_types_at_most() {
    let tenant = Tenant::new(1);
    for number in 0..500 {
        let row = [format!("t{number}").into()];
        let insert = "INSERT INTO event_types (name, description, updated_at) VALUES (?, '', 0)";
        tenant.sql.exec(insert, &row).unwrap();
    }
    let refused = tenant.call(&tenant.founder, set("one.more"), &json!({}));
    assert_eq!(code(refused), Code::ValidationFailed);
    tenant.ok(set("t7"), &json!({ "description": "changed" }));
}

#[test]
fn a_test_sends_an_example_of_what_the_endpoint_asks_for_to_it_alone() {
    let tenant = Tenant::new(1);
    tenant.ok(set("invoice.paid"), &json!({ "example": { "id": 7 } }));
    tenant.ok(set("invoices.paid"), &json!({ "example": { "id": 8 } }));
    endpoint(&tenant, &json!({}));
    let timestamp = protocol::time::rfc3339(NOW);
    let plain = |name: &str| json!({ "type": name, "timestamp": timestamp, "data": { "test": true } });
    let long = "a".repeat(128);
    for (asked, name, payload) in [
        (json!([]), "webhook.test", plain("webhook.test")),
        (json!(["invoice.paid", "a"]), "invoice.paid", json!({ "id": 7 })),
        (json!(["invoice.*"]), "invoice.paid", json!({ "id": 7 })),
        (json!(["order.*"]), "order.test", plain("order.test")),
        (json!([format!("{long}.*")]), "webhook.test", plain("webhook.test")),
        (json!(["order.sent"]), "order.sent", plain("order.sent")),
    ] {
        let target = endpoint(&tenant, &json!({ "event_types": asked }));
        let reply = tenant.call(&tenant.founder, Operation::TestEndpoint { id: target.clone() }, &Json::Null);
        let (status, summary) = reply.map(|reply| (reply.status, json_of(&reply))).unwrap();
        assert_eq!((status, &summary["deliveries"], &summary["event_type"]), (202, &json!(1), &json!(name)));
        let event = tenant.last_event();
        assert_eq!((&event["action"], &event["target"]), (&json!("endpoint.tested"), &json!(target)));
        let id = message_id(&summary);
        assert_eq!(tenant.ok(Operation::GetMessage { id: id.clone() }, &Json::Null)["payload"], payload);
        let deliveries = tenant.ok(Operation::ListMessageDeliveries { id }, &Json::Null);
        assert_eq!(deliveries["data"][0]["endpoint_id"], json!(target));
    }
    let target = endpoint(&tenant, &json!({ "event_types": ["endpoint.*"] }));
    let summary = tenant.ok(Operation::TestEndpoint { id: target.clone() }, &Json::Null);
    let message = tenant.ok(Operation::GetMessage { id: message_id(&summary) }, &Json::Null);
    assert_eq!(message["payload"]["data"]["host"], "example.com");
    assert_eq!(message["payload"]["timestamp"], timestamp);
    assert_eq!(tenant.ok(Operation::GetUsage, &Json::Null)["meters"]["messages"]["used"], 0);

    tenant.ok(Operation::UpdateEndpoint { id: target.clone() }, &json!({ "disabled": true }));
    let refused = tenant.call(&tenant.founder, Operation::TestEndpoint { id: target }, &Json::Null);
    assert_eq!(code(refused), Code::EndpointDisabled);
}
