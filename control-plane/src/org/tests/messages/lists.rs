//! What is read of messages: pages that neither skip nor repeat, and cost the same however much there is.

use super::*;
use crate::store::{Row, Sql, SqlError};

/// An attempt as the engine writes it.
pub(super) fn attempt(tenant: &Tenant, message: &MessageId, endpoint: &EndpointId, number: u64) {
    let id = protocol::AttemptId::new(NOW + number, [endpoint.as_str().len() as u8; 10]);
    tenant
        .sql
        .exec(
            "INSERT INTO attempts (id, message_id, endpoint_id, at, number, status, http_status, duration_ms, error, response) \
             VALUES (?1 || (SELECT COUNT(*) FROM attempts), ?2, ?3, ?4, ?5, 'failed', 302, 12, 'redirect', 'no')",
            &[
                // The last character counts: each id is another one.
                id.as_str()[..29].into(),
                message.as_str().into(),
                endpoint.as_str().into(),
                (NOW + number).into(),
                number.into(),
            ],
        )
        .unwrap();
}

fn ids(answer: &Json) -> Vec<String> {
    answer["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_neither_skip_nor_repeat_while_messages_are_added() {
    let tenant = Tenant::new(1);
    let mut published: Vec<String> = (0..5).map(|_| publish(&tenant, "a", None).to_string()).collect();
    published.reverse();
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = tenant.ok(list(cursor.as_deref()), &Json::Null);
        seen.extend(ids(&page));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
        publish(&tenant, "a", None);
    }
    assert_eq!(seen, published);
    assert_eq!(code(tenant.call(&tenant.founder, list(Some("msg_x")), &Json::Null)), Code::InvalidRequest);
}

#[test]
fn a_list_is_of_one_customer_or_of_all() {
    let tenant = Tenant::new(1);
    let [a, _, own] = [Some("acme"), Some("acme2"), None].map(|customer| publish(&tenant, "a", customer));
    let of = |customer: Option<&str>| {
        let customer_id = customer.map(str::to_owned);
        ids(&tenant.ok(Operation::ListMessages { customer_id, page: Page::default() }, &Json::Null))
    };
    assert_eq!(of(Some("acme")), [a.to_string()]);
    assert_eq!((of(None).len(), of(None)[0].clone()), (3, own.to_string()));
    assert!(of(Some("nobody")).is_empty());
}

#[test]
fn deliveries_are_listed_by_how_far_they_have_come_and_attempts_with_what_came_of_them() {
    let tenant = Tenant::new(1);
    let (target, other) = (endpoint(&tenant, &json!({})), endpoint(&tenant, &json!({})));
    let messages: Vec<_> = (0..4).map(|_| publish(&tenant, "a.b", None)).collect();
    settle(&tenant, &messages[0], &target, "delivered", None);
    settle(&tenant, &messages[1], &target, "failed", Some("gave_up"));
    for (number, message) in [(1, 1), (2, 1), (1, 0)] {
        attempt(&tenant, &messages[message], &target, number);
    }
    attempt(&tenant, &messages[1], &other, 1);
    let of = |status: Option<&str>| {
        let status = status.map(|status| protocol::api::DeliveryStatus::parse(status).unwrap());
        let list = Operation::ListDeliveries { id: target.clone(), status, page: Page::default() };
        tenant.ok(list, &Json::Null)["data"].take()
    };
    let messages_of = |list: Json| {
        list.as_array().unwrap().iter().map(|row| message_id(&json!({ "id": row["message_id"] }))).collect()
    };
    let dead: Vec<MessageId> = messages_of(of(Some("failed")));
    assert_eq!(dead, messages[1..2]);
    let mut pending: Vec<MessageId> = messages_of(of(Some("pending")));
    pending.reverse();
    assert_eq!(pending, messages[2..]);
    let dead = &of(Some("failed"))[0];
    assert_eq!((&dead["reason"], &dead["attempts"]), (&json!("gave_up"), &json!(1)));
    assert_eq!((&dead["event_type"], dead.get("next_attempt_at")), (&json!("a.b"), None));
    assert_eq!(of(None).as_array().unwrap().len(), 4);

    let page = Page::default();
    let attempts = tenant.ok(Operation::ListAttempts { id: target, page: page.clone() }, &Json::Null);
    let numbers: Vec<_> = attempts["data"].as_array().unwrap().iter().map(|a| &a["number"]).collect();
    assert_eq!(numbers, [1, 2, 1]);
    let expected = json!({ "message_id": messages[0], "event_type": "a.b", "status": "failed", "http_status": 302,
                           "duration_ms": 12, "error": "redirect", "response": "no" });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&attempts["data"][0][name], value, "{name}");
    }
    let of = Operation::ListMessageAttempts { id: messages[1].clone(), page };
    assert_eq!(tenant.ok(of, &Json::Null)["data"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_past_its_retention_is_not_there_before_it_is_deleted() {
    let mut tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({}));
    let id = publish(&tenant, "a", None);
    attempt(&tenant, &id, &target, 1);
    let days = u64::from(tenant.config.retention.messages_days);
    tenant.now_ms = NOW + days * DAY;
    tenant.founder = tenant.sign_in(&user(1));
    let get = || Operation::GetMessage { id: id.clone() };
    assert!(tenant.call(&tenant.founder, get(), &Json::Null).is_ok());
    tenant.now_ms += 1;
    for operation in [
        get(),
        Operation::ListMessageDeliveries { id: id.clone() },
        Operation::ListMessageAttempts { id: id.clone(), page: Page::default() },
        Operation::ResendMessage { id: id.clone(), endpoint: target.clone() },
    ] {
        assert_eq!(code(tenant.call(&tenant.founder, operation, &Json::Null)), Code::NotFound);
    }
    for operation in [
        list(None),
        Operation::ListAttempts { id: target.clone(), page: Page::default() },
        Operation::ListDeliveries { id: target, status: None, page: Page::default() },
    ] {
        assert_eq!(tenant.ok(operation, &Json::Null)["data"], json!([]));
    }
}

#[test]
fn n1_another_tenants_message_is_not_there() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let their_endpoint = endpoint(&theirs, &json!({}));
    let id = publish(&theirs, "a", None);
    let endpoint = endpoint(&ours, &json!({}));
    for operation in [
        Operation::GetMessage { id: id.clone() },
        Operation::ListMessageDeliveries { id: id.clone() },
        Operation::ListMessageAttempts { id: id.clone(), page: Page::default() },
        Operation::ResendMessage { id: id.clone(), endpoint: endpoint.clone() },
        Operation::SkipDelivery { id, endpoint },
        Operation::TestEndpoint { id: their_endpoint.clone() },
        Operation::ListAttempts { id: their_endpoint, page: Page::default() },
    ] {
        assert_eq!(code(ours.call(&ours.founder, operation, &Json::Null)), Code::NotFound);
    }
    assert_eq!(ours.ok(list(None), &Json::Null)["data"], json!([]));
}

/// A database that notes how each statement about messages is carried out.
struct Explained<'a>(&'a Tenant, RefCell<Vec<String>>);

impl Sql for Explained<'_> {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        if ["messages", "deliveries", "attempts"].iter().any(|table| statement.contains(table)) {
            let plan = self.0.sql.exec(&format!("EXPLAIN QUERY PLAN {statement}"), parameters)?;
            let steps = plan.iter().map(|step| format!("{}  -- {statement}", step.text(3).unwrap()));
            self.1.borrow_mut().extend(steps);
        }
        self.0.sql.exec(statement, parameters)
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), SqlError> {
        self.0.sql.atomically(body)
    }
}

#[test]
fn no_page_is_found_by_looking_through_all_there_is() {
    let tenant = Tenant::new(1);
    let target = endpoint(&tenant, &json!({ "customer_id": "acme" }));
    let id = publish(&tenant, "a", Some("acme"));
    let holder = holder(&tenant, "acme");
    let page = Page { limit: Some(2), cursor: Some("5".into()) };
    let explained = Explained(&tenant, RefCell::default());
    let status = Some(protocol::api::DeliveryStatus::Failed);
    let since = json!({ "since": "2020-01-01T00:00:00Z" }).to_string();
    for (operation, body, is_for_holder) in [
        (Operation::ListMessages { customer_id: None, page: page.clone() }, "", false),
        (Operation::ListMessages { customer_id: Some("acme".into()), page: page.clone() }, "", false),
        (Operation::GetMessage { id: id.clone() }, "", true),
        (Operation::ListMessageAttempts { id: id.clone(), page: page.clone() }, "", true),
        (Operation::ListAttempts { id: target.clone(), page: page.clone() }, "", true),
        (Operation::ListDeliveries { id: target.clone(), status: None, page: page.clone() }, "", true),
        (Operation::ListDeliveries { id: target.clone(), status, page }, "", true),
        (Operation::ResendMessage { id: id.clone(), endpoint: target.clone() }, "", true),
        (Operation::RecoverEndpoint { id: target.clone() }, &since, true),
        (Operation::SkipDelivery { id, endpoint: target }, "", false),
    ] {
        let callers = [Some(&tenant.founder), Some(&holder).filter(|_| is_for_holder)];
        for principal in callers.into_iter().flatten() {
            let call = call(principal.clone(), operation.clone());
            let ctx = Context { store: Store::new(&explained), ..tenant.context(&call) };
            handle(ctx, body.as_bytes()).unwrap();
        }
    }
    let plans = explained.1.into_inner();
    assert!(plans.len() > 50, "{plans:#?}");
    for step in plans {
        assert!(!step.starts_with("SCAN") && !step.contains("TEMP B-TREE"), "{step}");
    }
}
