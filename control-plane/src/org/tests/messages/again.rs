//! What is sent again, given up, recovered or tried out.

use super::*;

fn resend(id: &MessageId, endpoint: &EndpointId) -> Operation {
    Operation::ResendMessage { id: id.clone(), endpoint: endpoint.clone() }
}

fn skip(id: &MessageId, endpoint: &EndpointId) -> Operation {
    Operation::SkipDelivery { id: id.clone(), endpoint: endpoint.clone() }
}

fn disable(tenant: &Tenant, id: &EndpointId, disabled: bool) {
    tenant.ok(Operation::UpdateEndpoint { id: id.clone() }, &json!({ "disabled": disabled }));
}

fn recover(tenant: &Tenant, id: &EndpointId, body: &Json) -> Json {
    tenant.ok(Operation::RecoverEndpoint { id: id.clone() }, body)
}

fn pending(tenant: &Tenant, id: &EndpointId) -> u64 {
    let count = "SELECT COUNT(*) FROM deliveries WHERE endpoint_id = ? AND status = 'pending'";
    tenant.sql.exec(count, &[id.as_str().into()]).unwrap()[0].number(0).unwrap()
}

#[test]
fn b6_a_message_is_sent_again_to_an_endpoint_that_it_was_for() {
    let tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({ "customer_id": "acme" }));
    let id = publish(&tenant, "a", Some("acme"));
    settle(&tenant, &id, &target, "failed", Some("gave_up"));
    let reply = tenant.call(&tenant.founder, resend(&id, &target), &Json::Null).unwrap();
    let delivery = json_of(&reply);
    assert_eq!(
        (reply.status, &delivery["status"], &delivery["attempts"]),
        (202, &json!("pending"), &json!(1))
    );
    assert_eq!(delivery["next_attempt_at"], protocol::time::rfc3339(NOW));
    assert_eq!(delivery.get("reason"), None);
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["target"]), (&json!("message.resent"), &json!(id)));
    assert_eq!(event["metadata"], json!({ "endpoint_id": target }));

    // One that its customer has made since, or that asks for other types, can have it too; nobody else's can.
    let later = endpoint(&tenant, &json!({ "customer_id": "acme", "event_types": ["b"] }));
    assert_eq!(tenant.ok(resend(&id, &later), &Json::Null)["attempts"], 0);
    for other in [json!({ "customer_id": "other" }), json!({})] {
        let other = endpoint(&tenant, &other);
        assert_eq!(code(tenant.call(&tenant.founder, resend(&id, &other), &Json::Null)), Code::NotFound);
    }
    disable(&tenant, &target, true);
    assert_eq!(code(tenant.call(&tenant.founder, resend(&id, &target), &Json::Null)), Code::EndpointDisabled);
}

#[test]
fn b6_a_repeated_resend_with_its_key_sends_once() {
    let tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({}));
    let id = publish(&tenant, "a", None);
    let mut call = call(tenant.founder.clone(), resend(&id, &target));
    call.idempotency_key = Some("k".into());
    handle(tenant.context(&call), b"").unwrap();
    settle(&tenant, &id, &target, "delivered", None);
    assert!(handle(tenant.context(&call), b"").unwrap().replayed);
    assert_eq!(pending(&tenant, &target), 0);
}

#[test]
fn b6_a_forwarded_event_is_sent_again_to_endpoints_of_its_source_while_it_is_kept() {
    let mut tenant = Tenant::new(1);
    let body = json!({ "provider": "github", "name": "s", "secret": secret("source") });
    let [source, other] = [(); 2].map(|()| tenant.ok(Operation::CreateSource, &body)["id"].clone());
    let target = endpoint(&tenant, &json!({ "sources": [source] }));
    let not_its = [json!({ "sources": [other] }), json!({})].map(|body| endpoint(&tenant, &body));
    // As the event's own module writes it.
    let (event, id) = (protocol::InboundEventId::new(NOW, [1; 10]), MessageId::new(NOW, [1; 10]));
    tenant
        .sql
        .exec(
            "INSERT INTO inbound_events (id, source_id, provider, dedupe_key, received_at, size, sealed) \
             VALUES (?, ?, 'github', 'k', ?, 2, x'01')",
            &[event.as_str().into(), source.as_str().unwrap().into(), NOW.into()],
        )
        .unwrap();
    tenant
        .sql
        .exec(
            "INSERT INTO messages (id, event_type, inbound_event_id, size, created_at, sealed) \
             VALUES (?, 'push', ?, 2, ?, x'')",
            &[id.as_str().into(), event.as_str().into(), NOW.into()],
        )
        .unwrap();
    let message = tenant.ok(Operation::GetMessage { id: id.clone() }, &Json::Null);
    assert_eq!((&message["inbound_event_id"], message.get("payload")), (&json!(event), None));
    tenant.ok(resend(&id, &target), &Json::Null);
    for other in &not_its {
        assert_eq!(code(tenant.call(&tenant.founder, resend(&id, other), &Json::Null)), Code::NotFound);
    }
    tenant.now_ms = NOW + u64::from(tenant.config.retention.inbound_events_days) * DAY + 1;
    tenant.config.retention.messages_days = 90;
    tenant.founder = tenant.sign_in(&user(1));
    assert_eq!(code(tenant.call(&tenant.founder, resend(&id, &target), &Json::Null)), Code::NotFound);
}

#[test]
fn b6_what_is_skipped_is_a_dead_letter_and_what_is_done_is_not_skipped() {
    let tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({}));
    let id = publish(&tenant, "a", None);
    let skipped = tenant.ok(skip(&id, &target), &Json::Null);
    assert_eq!((&skipped["status"], &skipped["reason"]), (&json!("failed"), &json!("skipped")));
    assert_eq!(skipped.get("next_attempt_at"), None);
    assert_eq!(tenant.last_event()["action"], "message.skipped");
    let again = tenant.call(&tenant.founder, skip(&id, &target), &Json::Null);
    assert_eq!(code(again), Code::ValidationFailed);
    let other = endpoint(&tenant, &json!({}));
    assert_eq!(code(tenant.call(&tenant.founder, skip(&id, &other), &Json::Null)), Code::NotFound);
    // Recovering an endpoint does not bring back what a person has given up; a resend does.
    assert_eq!(recover(&tenant, &target, &json!({ "since": "2020-01-01T00:00:00Z" }))["deliveries"], 0);
    tenant.ok(resend(&id, &target), &Json::Null);
    assert_eq!(pending(&tenant, &target), 1);
}

#[test]
fn b6_what_an_endpoint_has_missed_is_recovered_oldest_first_in_batches() {
    let tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({ "customer_id": "acme" }));
    disable(&tenant, &target, true);
    let messages: Vec<_> = (0..501).map(|_| publish(&tenant, "a", Some("acme"))).collect();
    let all = json!({ "since": protocol::time::rfc3339(NOW) });
    let refused = tenant.call(&tenant.founder, Operation::RecoverEndpoint { id: target.clone() }, &all);
    assert_eq!(code(refused), Code::EndpointDisabled);
    disable(&tenant, &target, false);
    assert_eq!(pending(&tenant, &target), 0);

    let first = recover(&tenant, &target, &all);
    assert_eq!((&first["deliveries"], pending(&tenant, &target)), (&json!(500), 500));
    let left = Operation::ListDeliveries {
        id: target.clone(),
        status: protocol::api::DeliveryStatus::parse("failed"),
        page: Page::default(),
    };
    assert_eq!(tenant.ok(left, &Json::Null)["data"][0]["message_id"], json!(messages[500]));
    let event = tenant.last_event();
    assert_eq!(
        (&event["action"], &event["metadata"]["deliveries"]),
        (&json!("endpoint.recovered"), &json!(500))
    );
    let mut rest = all.clone();
    rest["cursor"] = first["next_cursor"].clone();
    assert_eq!(recover(&tenant, &target, &rest), json!({ "deliveries": 1, "next_cursor": null }));
    assert_eq!(recover(&tenant, &target, &all)["deliveries"], 0, "nothing has failed");
}

#[test]
fn b6_what_is_recovered_is_of_the_time_that_is_asked_for() {
    let mut tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({}));
    let at = |ms: u64| protocol::time::rfc3339(NOW + ms);
    for ms in [0, 1000, 2000] {
        tenant.now_ms = NOW + ms;
        let id = publish(&tenant, "a", None);
        settle(&tenant, &id, &target, "failed", Some("gave_up"));
    }
    for (body, refused) in [
        (json!({}), Code::ValidationFailed),
        (json!({ "since": "yesterday" }), Code::ValidationFailed),
        (json!({ "since": at(0), "until": "2" }), Code::ValidationFailed),
        (json!({ "since": at(0), "cursor": "x" }), Code::ValidationFailed),
        (json!({ "since": at(0), "cursor": "9007199254740993" }), Code::ValidationFailed),
    ] {
        let operation = Operation::RecoverEndpoint { id: target.clone() };
        assert_eq!(code(tenant.call(&tenant.founder, operation, &body)), refused, "{body}");
    }
    let recovered = recover(&tenant, &target, &json!({ "since": at(1000), "until": at(2000) }));
    assert_eq!((&recovered["deliveries"], pending(&tenant, &target)), (&json!(1), 1));
    assert_eq!(recover(&tenant, &target, &json!({ "since": at(1001) }))["deliveries"], 1);
}
