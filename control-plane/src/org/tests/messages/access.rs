//! Who may publish and read, and how much a plan includes.

use super::*;
use protocol::{Feature, Meter};

#[test]
fn n3_what_a_plan_does_not_include_is_not_published() {
    let mut tenant = Tenant::new(1);
    endpoint(&tenant, &json!({}));
    let plan = tenant.config.plans.plans.get_mut("free").unwrap();
    plan.monthly.insert(Meter::Messages, 2);
    let post = |tenant: &Tenant| raw(tenant, br#"{"event_type":"a","payload":1}"#, None);
    post(&tenant).unwrap();
    post(&tenant).unwrap();
    let trail = tenant.count("audit");
    assert_eq!(code(post(&tenant)), Code::PlanRequired);
    assert_eq!((tenant.count("messages"), tenant.count("deliveries"), tenant.count("audit")), (2, 2, trail));
    // What is refused for another reason counts nothing.
    tenant.config.plans.plans.get_mut("free").unwrap().monthly.insert(Meter::Messages, 3);
    raw(&tenant, br#"{"event_type":"a b","payload":1}"#, None).unwrap_err();
    post(&tenant).unwrap();

    tenant.config.plans.plans.get_mut("free").unwrap().features = vec![Feature::Audit];
    assert_eq!(code(post(&tenant)), Code::PlanRequired);
    assert!(tenant.call(&tenant.founder, list(None), &Json::Null).is_ok(), "reading stays");
}

#[test]
fn n2_a_member_reads_messages_and_publishes_none() {
    let tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({}));
    let id = publish(&tenant, "a", None);
    let (member, body) = (tenant.add_member(&user(9)), json!({ "event_type": "a", "payload": 1 }));
    let (reads, writes) = (tenant.key(json!(["messages:read"])), tenant.key(json!(["messages:write"])));
    let others = tenant.key(json!(["endpoints:write", "inbound_events:write"]));
    for operation in [
        list(None),
        Operation::GetMessage { id: id.clone() },
        Operation::ListMessageDeliveries { id: id.clone() },
        Operation::ListMessageAttempts { id: id.clone(), page: Page::default() },
        Operation::ListEventTypes(Page::default()),
    ] {
        assert!(tenant.call(&member, operation.clone(), &Json::Null).is_ok(), "{operation:?}");
        assert!(tenant.call(&reads, operation.clone(), &Json::Null).is_ok(), "{operation:?}");
        for key in [&writes, &others] {
            let refused = tenant.call(key, operation.clone(), &Json::Null);
            assert_eq!(code(refused), Code::InsufficientScope, "{operation:?}");
        }
    }
    let since = json!({ "since": "2020-01-01T00:00:00Z" });
    for (operation, body) in [
        (Operation::PublishMessage, &body),
        (Operation::ResendMessage { id: id.clone(), endpoint: target.clone() }, &Json::Null),
        (Operation::SkipDelivery { id, endpoint: target.clone() }, &Json::Null),
        (Operation::TestEndpoint { id: target.clone() }, &Json::Null),
        (Operation::RecoverEndpoint { id: target }, &since),
        (Operation::SetEventType { name: "a".into() }, &json!({})),
        (Operation::DeleteEventType { name: "a".into() }, &Json::Null),
    ] {
        assert_eq!(code(tenant.call(&member, operation.clone(), body)), Code::Forbidden, "{operation:?}");
        for key in [&reads, &others] {
            let refused = tenant.call(key, operation.clone(), body);
            assert_eq!(code(refused), Code::InsufficientScope, "{operation:?}");
        }
        tenant.call(&writes, operation, body).unwrap();
    }
}
