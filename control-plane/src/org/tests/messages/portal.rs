//! Who holds a link to the portal sees what went to the endpoints of one customer, and nothing else: what is another's is
//! answered like what never was.

use super::*;

#[test]
fn n1_a_holder_sees_and_sends_again_what_is_their_customers_alone() {
    let tenant = Tenant::new(1);
    let [theirs, others, own] =
        [json!({ "customer_id": "acme" }), json!({ "customer_id": "other" }), json!({})]
            .map(|body| endpoint(&tenant, &body));
    let [message, foreign, internal] =
        [Some("acme"), Some("other"), None].map(|customer| publish(&tenant, "a", customer));
    for (message, endpoint) in [(&message, &theirs), (&foreign, &others), (&internal, &own)] {
        lists::attempt(&tenant, message, endpoint, 1);
        settle(&tenant, message, endpoint, "failed", Some("gave_up"));
    }
    // Rows that no code writes: a link opens nothing by them either.
    lists::attempt(&tenant, &message, &others, 2);
    let stray = "INSERT INTO deliveries (message_id, endpoint_id, lane, status) VALUES (?, ?, '', 'failed')";
    tenant.sql.exec(stray, &[foreign.as_str().into(), theirs.as_str().into()]).unwrap();
    let holder = holder(&tenant, "acme");
    let page = Page::default;
    let since = json!({ "since": "2020-01-01T00:00:00Z" });
    let ok = |operation| json_of(&tenant.call(&holder, operation, &since).unwrap());

    assert_eq!(ok(Operation::GetMessage { id: message.clone() })["payload"], json!({ "n": 1 }));
    let attempts = ok(Operation::ListMessageAttempts { id: message.clone(), page: page() });
    let data = attempts["data"].as_array().unwrap();
    assert_eq!((data.len(), &data[0]["endpoint_id"]), (1, &json!(theirs)));
    assert_eq!(
        ok(Operation::ListAttempts { id: theirs.clone(), page: page() })["data"].as_array().unwrap().len(),
        1
    );
    let list = Operation::ListDeliveries { id: theirs.clone(), status: None, page: page() };
    assert_eq!(ok(list)["data"].as_array().unwrap().len(), 2);
    ok(Operation::ResendMessage { id: message.clone(), endpoint: theirs.clone() });
    let tested = ok(Operation::TestEndpoint { id: theirs.clone() });
    assert_eq!(tested["customer_id"], "acme");
    ok(Operation::GetMessage { id: message_id(&tested) });
    assert_eq!(ok(Operation::RecoverEndpoint { id: theirs.clone() })["deliveries"], 1);
    assert!(tenant.last_event()["actor"].as_str().unwrap().starts_with("ptl_"));

    let nobodys = MessageId::new(NOW, [0xff; 10]);
    let body_of = |operation: Operation| {
        let error = tenant.call(&holder, operation, &since).unwrap_err();
        let request_id = RequestId::new(NOW, [7; 10]);
        String::from_utf8(Reply::problem(&error, &request_id).body.to_vec()).unwrap()
    };
    let absent = body_of(Operation::GetMessage { id: nobodys });
    assert!(absent.contains("not_found"));
    let of = |id: &MessageId| {
        [
            Operation::GetMessage { id: id.clone() },
            Operation::ListMessageAttempts { id: id.clone(), page: page() },
            Operation::ResendMessage { id: id.clone(), endpoint: others.clone() },
        ]
    };
    let at = |id: &EndpointId| {
        [
            Operation::ListAttempts { id: id.clone(), page: page() },
            Operation::ListDeliveries { id: id.clone(), status: None, page: page() },
            Operation::TestEndpoint { id: id.clone() },
            Operation::RecoverEndpoint { id: id.clone() },
            Operation::ResendMessage { id: message.clone(), endpoint: id.clone() },
        ]
    };
    let foreign_ones = of(&foreign).into_iter().chain(of(&internal)).chain(at(&others)).chain(at(&own));
    for operation in foreign_ones {
        assert_eq!(body_of(operation.clone()), absent, "{operation:?}");
    }
    let unsent = Operation::ResendMessage { id: internal, endpoint: theirs };
    assert_eq!(body_of(unsent), absent);
}

#[test]
fn n1_a_holder_publishes_lists_and_describes_nothing() {
    let tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({ "customer_id": "acme" }));
    let id = publish(&tenant, "a", Some("acme"));
    let holder = holder(&tenant, "acme");
    for operation in [
        Operation::PublishMessage,
        Operation::ListMessages { customer_id: None, page: Page::default() },
        Operation::ListMessageDeliveries { id: id.clone() },
        Operation::SkipDelivery { id, endpoint: target },
        Operation::SetEventType { name: "a".into() },
        Operation::DeleteEventType { name: "a".into() },
    ] {
        let body = json!({ "event_type": "a", "payload": 1, "customer_id": "acme" });
        assert_eq!(code(tenant.call(&holder, operation.clone(), &body)), Code::Forbidden, "{operation:?}");
    }
}

#[test]
fn a_holder_is_told_of_the_types_that_a_customer_gets() {
    let tenant = Tenant::new(1);
    tenant.ok(Operation::SetEventType { name: "invoice.paid".into() }, &json!({ "description": "Paid." }));
    let holder = holder(&tenant, "acme");
    let ask = |operation| tenant.call(&holder, operation, &Json::Null);
    let list = json_of(&ask(Operation::ListEventTypes(Page::default())).unwrap());
    assert_eq!(
        (list["data"].as_array().unwrap().len(), &list["data"][0]["name"]),
        (1, &json!("invoice.paid"))
    );
    assert!(ask(Operation::GetEventType { name: "invoice.paid".into() }).is_ok());
    assert_eq!(code(ask(Operation::GetEventType { name: "org.key_rotated".into() })), Code::NotFound);
}
