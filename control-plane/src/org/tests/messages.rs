//! Messages: what is published is kept to the byte, and goes to whom it is for.

mod access;
mod again;
mod catalogue;
mod lists;
mod portal;

use super::*;
use protocol::{EndpointId, MessageId};

fn endpoint(tenant: &Tenant, body: &Json) -> EndpointId {
    let mut whole = json!({ "url": "https://example.com/hooks" });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    EndpointId::parse(tenant.ok(Operation::CreateEndpoint, &whole)["id"].as_str().unwrap()).unwrap()
}

/// Publishes as the founder, from the body's bytes.
fn raw(tenant: &Tenant, body: &[u8], key: Option<&str>) -> Result<Reply, AppError> {
    let mut call = call(tenant.founder.clone(), Operation::PublishMessage);
    call.idempotency_key = key.map(str::to_owned);
    handle(tenant.context(&call), body)
}

fn publish(tenant: &Tenant, event_type: &str, customer: Option<&str>) -> MessageId {
    let body = json!({ "event_type": event_type, "payload": { "n": 1 }, "customer_id": customer });
    message_id(&tenant.ok(Operation::PublishMessage, &body))
}

fn message_id(summary: &Json) -> MessageId {
    MessageId::parse(summary["id"].as_str().unwrap()).unwrap()
}

/// A delivery's end, as the engine writes it.
fn settle(tenant: &Tenant, message: &MessageId, endpoint: &EndpointId, status: &str, reason: Option<&str>) {
    let settle = "UPDATE deliveries SET status = ?, reason = ?, due_at = NULL, attempts = attempts + 1 \
                  WHERE message_id = ? AND endpoint_id = ?";
    let of = [message.as_str().into(), endpoint.as_str().into()];
    tenant.sql.exec(settle, &[vec![status.into(), reason.into()], of.to_vec()].concat()).unwrap();
}

/// The holder of a link to the portal of a customer.
fn holder(tenant: &Tenant, customer: &str) -> Principal {
    let id = protocol::PortalLinkId::new(NOW, [customer.len() as u8; 10]);
    let open = "INSERT INTO portal_links (id, digest, customer_id, created_by, created_at, expires_at) \
                VALUES (?1, ?2, ?2, '', 0, 9000000000000)";
    tenant.sql.exec(open, &[id.as_str().into(), customer.into()]).unwrap();
    Principal::Portal { org: tenant.org.clone(), digest: customer.to_owned() }
}

fn list(cursor: Option<&str>) -> Operation {
    let page = Page { limit: Some(2), cursor: cursor.map(str::to_owned) };
    Operation::ListMessages { customer_id: None, page }
}

#[test]
fn m8_what_is_published_goes_to_the_customers_endpoints_that_want_its_type() {
    let tenant = Tenant::new(1);
    let all = endpoint(&tenant, &json!({ "customer_id": "acme" }));
    let invoices = endpoint(&tenant, &json!({ "customer_id": "acme", "event_types": ["invoice.*"] }));
    endpoint(&tenant, &json!({ "customer_id": "acme", "event_types": ["invoice", "invoices.*"] }));
    endpoint(&tenant, &json!({ "customer_id": "acme2" }));
    endpoint(&tenant, &json!({}));

    let body = json!({ "event_type": "invoice.paid", "payload": { "id": 7 }, "customer_id": "acme" });
    let reply = tenant.call(&tenant.founder, Operation::PublishMessage, &body).unwrap();
    let summary = json_of(&reply);
    let id = message_id(&summary);
    assert_eq!(
        (reply.status, summary),
        (
            202,
            json!({ "id": id, "event_type": "invoice.paid", "customer_id": "acme", "deliveries": 2, "size": 8,
                    "created_at": protocol::time::rfc3339(NOW) })
        )
    );
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["target"]), (&json!("message.published"), &json!(id)));
    let metadata = json!({ "event_type": "invoice.paid", "customer_id": "acme", "deliveries": 2 });
    assert_eq!(event["metadata"], metadata, "and nothing of the payload");
    let deliveries = tenant.ok(Operation::ListMessageDeliveries { id }, &Json::Null);
    let to: Vec<_> = deliveries["data"].as_array().unwrap().iter().map(|d| &d["endpoint_id"]).collect();
    assert_eq!(to, [&json!(invoices), &json!(all)]);
    assert!(leaves_work(&Operation::Me, &tenant.limits), "the alarm is set");

    // Nobody's: the workspace's own endpoint; and what nobody wants is kept all the same.
    let own = tenant.ok(Operation::PublishMessage, &json!({ "event_type": "a", "payload": 1 }));
    let body = json!({ "event_type": "a", "payload": 1, "customer_id": "c" });
    let nobodys = tenant.ok(Operation::PublishMessage, &body);
    assert_eq!((&own["deliveries"], &nobodys["deliveries"]), (&json!(1), &json!(0)));
    assert_eq!((tenant.count("messages"), own.get("customer_id")), (3, None));
}

#[test]
fn m8_a_payload_is_kept_to_the_byte_and_sealed() {
    let tenant = Tenant::new(1);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for payload in [
        &deep,
        r#"{"amount":12345678901234567890123456789.100e+05,"z":1,"a":-0.0}"#,
        "{ \"b\" :\t1 ,\r\n  \"a\":[ 1 , 2 ]\n}",
        r#"{"same":1,"same":2}"#,
        r#""é \u00e9 💶 \ud83d\/ \u2028""#,
        r#"{"<script>":"planted-payload","\u0000":null}"#,
        "null",
        "1E400",
    ] {
        let body = format!("{{\"payload\" : {payload} \n, \"event_type\":\"a.b\"}}");
        let published = json_of(&raw(&tenant, body.as_bytes(), None).unwrap());
        assert_eq!(published["size"], payload.len());
        let get = Operation::GetMessage { id: message_id(&published) };
        let answer = tenant.call(&tenant.founder, get, &Json::Null).unwrap();
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.ends_with(&format!(r#","payload":{payload}}}"#)), "{text}");
    }
    let on_disk = |bytes: &[u8]| tenant.sql.bytes().windows(bytes.len()).any(|window| window == bytes);
    assert!(!on_disk(b"planted-payload") && !on_disk(b"12345678901234567890123456789"));
}

#[test]
fn m8_what_is_not_a_message_is_refused() {
    let tenant = Tenant::new(1);
    let long = "a".repeat(129);
    for body in [
        r#"{"event_type":"a"}"#.as_bytes(),
        br#"{"payload":{}}"#,
        br#"{"event_type":"a","payload":{},"payload":{}}"#,
        br#"{"event_type":"a","payload":{},"id":"msg_1"}"#,
        br#"{"event_type":"a","payload":{"b":}}"#,
        br#"{"event_type":"a","payload":[1}}"#,
        br#"{"event_type":"a","payload":01}"#,
        br#"{"event_type":"a","payload":NaN}"#,
        b"{\"event_type\":\"a\",\"payload\":\"\xff\"}",
        br#"{"event_type":"a","payload":1}{}"#,
        br#"{"event_type":"","payload":1}"#,
        br#"{"event_type":"a b","payload":1}"#,
        br#"{"event_type":"invoice.*","payload":1}"#,
        br#"{"event_type":"a","payload":1,"customer_id":""}"#,
        br#"{"event_type":"a","payload":1,"customer_id":"a/b"}"#,
        format!(r#"{{"event_type":"{long}","payload":1}}"#).as_bytes(),
        format!(r#"{{"event_type":"a","payload":1,"customer_id":"{long}"}}"#).as_bytes(),
        b"",
    ] {
        let refused = code(raw(&tenant, body, None));
        let text = String::from_utf8_lossy(body);
        assert!(matches!(refused, Code::ValidationFailed | Code::InvalidJson), "{text}: {refused:?}");
    }
    assert_eq!(tenant.count("messages"), 0);
    let name = "a".repeat(128);
    let longest = json!({ "event_type": name, "payload": 1, "customer_id": name });
    tenant.ok(Operation::PublishMessage, &longest);
}

#[test]
fn m8_a_payload_has_a_size_that_configuration_sets() {
    let mut tenant = Tenant::new(1);
    tenant.config.limits.message_bytes = 1024;
    let body = |size: usize| {
        let text = "é".repeat((size - 3) / 2) + "a";
        format!("{{\"event_type\":\"a\",  \"payload\":\"{text}\"}}")
    };
    raw(&tenant, body(1024 - 1).as_bytes(), None).unwrap();
    assert_eq!(code(raw(&tenant, body(1025).as_bytes(), None)), Code::PayloadTooLarge);
    tenant.config.limits.message_bytes = 1023;
    raw(&tenant, body(1023).as_bytes(), None).unwrap();
    tenant.config.limits.message_bytes = 1022;
    assert_eq!(code(raw(&tenant, body(1023).as_bytes(), None)), Code::PayloadTooLarge);
    assert_eq!(tenant.count("messages"), 2);
}

#[test]
fn m8_nobody_publishes_what_only_sluicegate_says() {
    let tenant = Tenant::new(1);
    endpoint(&tenant, &json!({}));
    let own = tenant.ok(Operation::ListEventTypes(Page::default()), &Json::Null)["data"].take();
    assert_eq!(own.as_array().unwrap().len(), 6);
    for name in own.as_array().unwrap().iter().map(|own| &own["name"]) {
        let body = json!({ "event_type": name, "payload": { "type": name } });
        let refused = tenant.call(&tenant.founder, Operation::PublishMessage, &body);
        assert_eq!(code(refused), Code::ValidationFailed, "{name}");
    }
    assert_eq!(tenant.count("deliveries"), 0);
}

#[test]
fn b6_a_message_is_published_once_for_an_idempotency_key() {
    let tenant = Tenant::new(1);
    endpoint(&tenant, &json!({}));
    let body = br#"{"event_type":"a","payload":{"n":1}}"#;
    let first = raw(&tenant, body, Some("k")).unwrap();
    let again = raw(&tenant, body, Some("k")).unwrap();
    assert_eq!((first.body, first.status, again.replayed), (again.body, again.status, true));
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (1, 1));
    let meters = &tenant.ok(Operation::GetUsage, &Json::Null)["meters"]["messages"]["used"];
    assert_eq!(meters, 1);
    for other in [
        br#"{"event_type":"a","payload":{"n":1 }}"#.as_slice(),
        br#"{"event_type":"b","payload":{"n":1}}"#,
        br#"{"event_type":"a","payload":{"n":1},"customer_id":"c"}"#,
    ] {
        assert_eq!(code(raw(&tenant, other, Some("k"))), Code::IdempotencyMismatch);
    }
    raw(&tenant, body, Some("k2")).unwrap();
    assert_eq!(tenant.count("messages"), 2);
}
