//! Inbound events: stored once, sealed, forwarded with the same commit, and read at the same cost however many there are.

use super::*;
use crate::store::Store;
use protocol::api::DeliveryStatus;
use protocol::call::VerifiedWebhook;
use protocol::{EndpointId, InboundEventId};

impl Tenant {
    /// A source of the provider `github`.
    pub(super) fn new_source(&self) -> SourceId {
        let created = self.ok(Operation::CreateSource, &source());
        SourceId::parse(created["id"].as_str().unwrap()).unwrap()
    }

    /// An endpoint that gets events of a source.
    pub(super) fn new_endpoint(&self, source: &SourceId, settings: &Json) -> EndpointId {
        let mut body = json!({ "url": "https://hooks.example.com/a", "sources": [source], "ordered": false });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let created = self.ok(Operation::CreateEndpoint, &body);
        EndpointId::parse(created["id"].as_str().unwrap()).unwrap()
    }

    /// Stores an event and returns its id.
    pub(super) fn receive(&self, source: &SourceId, event_type: &str, body: &[u8]) -> InboundEventId {
        let generation = self.sources_keys(source)["generation"].as_u64().unwrap();
        let webhook = VerifiedWebhook {
            source: source.clone(),
            generation,
            event_id: None,
            event_id_signed: false,
            event_type: Some(event_type.into()),
            headers: vec![("content-type".into(), "application/json".into())],
        };
        let call = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
        let received = json_of(&handle(self.context(&call), body).unwrap());
        assert_eq!(received["duplicate"], false);
        InboundEventId::parse(received["id"].as_str().unwrap()).unwrap()
    }

    /// What the edge gets.
    pub(super) fn sources_keys(&self, source: &SourceId) -> Json {
        let keys = Operation::SourceKeys { id: source.clone() };
        json_of(&self.call(&Principal::Anonymous, keys, &Json::Null).unwrap())
    }

    /// Deliveries, oldest first: status and whether it is due.
    pub(super) fn deliveries(&self) -> Vec<(String, bool)> {
        let rows = "SELECT status, due_at IS NOT NULL FROM deliveries ORDER BY rowid";
        let rows = self.sql.exec(rows, &[]).unwrap();
        rows.iter().map(|row| (row.text(0).unwrap().to_owned(), row.number(1).unwrap() == 1)).collect()
    }

    fn events(&self, filter: EventFilter) -> Json {
        self.ok(Operation::ListInboundEvents { filter, page: Page::default() }, &Json::Null)
    }
}

fn ids(list: &Json) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect()
}

#[test]
fn b6_a_webhook_is_stored_once_byte_for_byte_and_sealed() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateSource, &source());
    let id = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    assert_eq!(created["url"], format!("https://gate.test/in/{id}"));

    let body = b"{\"marker\": \"\xff\x00 very recognisable\"}\n";
    for duplicate in [false, true] {
        let reply = webhook(&tenant, &id, Some("evt_1"), body).unwrap();
        let received: Json = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(received["duplicate"], duplicate);
    }
    webhook(&tenant, &id, None, b"other").unwrap();
    webhook(&tenant, &id, None, b"other").unwrap();

    let list = Operation::ListInboundEvents {
        filter: EventFilter { source: Some(id.clone()), ..EventFilter::default() },
        page: Page::default(),
    };
    let events = tenant.ok(list, &Json::Null);
    let counts: Vec<_> =
        events["data"].as_array().unwrap().iter().map(|e| e["duplicate_count"].clone()).collect();
    assert_eq!(counts, [json!(1), json!(1)]);
    let first = protocol::InboundEventId::parse(events["data"][1]["id"].as_str().unwrap()).unwrap();
    let event = tenant.ok(Operation::GetInboundEvent { id: first }, &Json::Null);
    use base64::Engine as _;
    let stored = base64::engine::general_purpose::STANDARD.encode(body);
    assert_eq!(event["body_base64"], stored);
    assert!(!tenant.sql.bytes().windows(17).any(|window| window == b"very recognisable"));
}

#[test]
fn n4_an_id_that_the_signature_does_not_cover_does_not_make_a_new_event() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateSource, &source());
    let source = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    for event_id in ["delivery-1", "delivery-2"] {
        let webhook = VerifiedWebhook {
            source: source.clone(),
            generation: 1,
            event_id: Some(event_id.into()),
            event_id_signed: false,
            event_type: None,
            headers: vec![],
        };
        let call = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
        handle(tenant.context(&call), b"same bytes").unwrap();
    }
    assert_eq!(tenant.sql.exec("SELECT 1 FROM inbound_events", &[]).unwrap().len(), 1);
}

#[test]
fn a_deleted_or_changed_source_stores_nothing() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateSource, &source());
    let id = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    tenant.sql.exec("UPDATE sources SET generation = 2", &[]).unwrap();
    assert_eq!(code(webhook(&tenant, &id, None, b"x")), Code::SourceOutdated);
    tenant.ok(Operation::DeleteSource { id: id.clone() }, &Json::Null);
    assert_eq!(code(webhook(&tenant, &id, None, b"x")), Code::NotFound);
}

#[test]
fn only_the_edge_itself_asks_for_a_sources_secret() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateSource, &source());
    let id = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    let keys = Operation::SourceKeys { id };
    assert_eq!(code(tenant.call(&tenant.founder, keys.clone(), &Json::Null)), Code::Forbidden);
    let reply = tenant.call(&Principal::Anonymous, keys, &Json::Null).unwrap();
    let keys: Json = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(keys["secrets"], json!([secret("source")]));
}

#[test]
fn events_past_their_retention_go() {
    let mut tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateSource, &source());
    let id = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    webhook(&tenant, &id, None, b"old").unwrap();
    tenant.now_ms += (u64::from(tenant.config.retention.inbound_events_days) + 1) * DAY;
    tenant.founder = tenant.sign_in(&user(1));
    let list = Operation::ListInboundEvents { filter: EventFilter::default(), page: Page::default() };
    assert_eq!(tenant.ok(list, &Json::Null)["data"], json!([]));
    for number in 2..=16u8 {
        webhook(&tenant, &id, None, &[number]).unwrap();
    }
    let rows = tenant.sql.exec("SELECT 1 FROM inbound_events", &[]).unwrap();
    assert_eq!(rows.len(), 15, "the sixteenth event takes the old one along");
}

#[test]
fn an_event_is_forwarded_in_the_commit_that_stores_it() {
    let tenant = Tenant::new(1);
    let (source, other) = (tenant.new_source(), tenant.new_source());
    tenant.new_endpoint(&source, &json!({}));
    tenant.new_endpoint(&source, &json!({ "event_types": ["push", "issue.*"] }));
    tenant.receive(&other, "push", b"nobody asks for this source");
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (0, 0));
    let event = tenant.receive(&source, "push", b"1");
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (1, 2));
    tenant.receive(&source, "issue.opened", b"2");
    tenant.receive(&source, "star", b"3");
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (3, 5));
    assert!(tenant.deliveries().iter().all(|(status, due)| status == "pending" && *due));
    assert!(leaves_work(&Operation::Me, &tenant.limits), "the alarm is set for them");

    let got = tenant.ok(Operation::GetInboundEvent { id: event.clone() }, &Json::Null);
    assert_eq!(got["forwarding"], "pending");
    assert!(got["message_id"].as_str().unwrap().starts_with("msg_"));
    let all = tenant.events(EventFilter::default());
    let states: Vec<&Json> =
        all["data"].as_array().unwrap().iter().map(|event| &event["forwarding"]).collect();
    assert_eq!(states, [&json!("pending"), &json!("pending"), &json!("pending"), &Json::Null]);

    // The worst of its deliveries.
    let settle = |status: &str, count: u32| {
        let set = "UPDATE deliveries SET status = ?, due_at = NULL WHERE rowid IN \
                   (SELECT d.rowid FROM deliveries d JOIN messages m ON m.id = d.message_id \
                   WHERE m.inbound_event_id = ? ORDER BY d.rowid LIMIT ?)";
        tenant.sql.exec(set, &[status.into(), event.as_str().into(), count.into()]).unwrap();
        tenant.ok(Operation::GetInboundEvent { id: event.clone() }, &Json::Null)["forwarding"].take()
    };
    assert_eq!(settle("delivered", 1), "pending");
    assert_eq!(settle("delivered", 2), "delivered");
    assert_eq!(settle("failed", 1), "failed");
}

#[test]
fn a_duplicate_is_not_forwarded_again() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({}));
    for _ in 0..2 {
        webhook(&tenant, &source, Some("evt_1"), b"same").unwrap();
    }
    assert_eq!(tenant.deliveries().len(), 1);
}

#[test]
fn a_paused_source_stores_acknowledges_and_forwards_in_order_once_it_goes_on() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({}));
    tenant.new_endpoint(&source, &json!({ "ordered": true }));
    let update = |paused: bool| {
        tenant.ok(Operation::UpdateSource { id: source.clone() }, &json!({ "paused": paused }))["status"]
            .take()
    };
    tenant.receive(&source, "push", b"0");
    assert_eq!(update(true), "paused");
    assert!(tenant.deliveries().iter().all(|(_, due)| !due), "also what was due already");
    tenant.receive(&source, "push", b"1");
    tenant.receive(&source, "push", b"2");
    assert_eq!(tenant.deliveries(), vec![("pending".to_owned(), false); 6]);
    assert_eq!(update(true), "paused");
    assert_eq!(update(false), "active");
    let due = |ordered: u64| {
        let due = "SELECT due_at IS NOT NULL FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id \
                   WHERE ordered = ? ORDER BY d.rowid";
        let rows = tenant.sql.exec(due, &[ordered.into()]).unwrap();
        rows.iter().map(|row| row.number(0).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((due(0), due(1)), (vec![1, 1, 1], vec![1, 0, 0]), "one after the other where order is kept");
}

/// The hot path: what is not needed costs no statement of its own.
#[test]
fn storing_an_event_takes_seven_statements_and_forwarding_it_two_more() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    webhook(&tenant, &source, None, b"the org's terms are read once").unwrap();
    let cost = |body: &[u8]| {
        let before = tenant.sql.cost().0;
        webhook(&tenant, &source, None, body).unwrap();
        tenant.sql.cost().0 - before
    };
    assert_eq!(cost(b"1"), 7);
    tenant.new_endpoint(&source, &json!({}));
    tenant.new_endpoint(&source, &json!({}));
    assert_eq!(cost(b"2"), 9, "for all endpoints together");
    tenant.sql.exec("UPDATE endpoints SET event_types = '[\"other\"]'", &[]).unwrap();
    assert_eq!(cost(b"3"), 8, "no message where no endpoint wants it");
    let before = tenant.sql.cost().0;
    webhook(&tenant, &source, None, b"3").unwrap();
    assert_eq!(tenant.sql.cost().0 - before, 2, "a duplicate");
}

#[test]
fn events_are_found_by_source_type_time_and_state() {
    let mut tenant = Tenant::new(1);
    let (one, other) = (tenant.new_source(), tenant.new_source());
    tenant.new_endpoint(&one, &json!({ "event_types": ["push"] }));
    let mut received = Vec::new();
    for (number, (source, kind)) in
        [(&one, "push"), (&other, "push"), (&one, "star"), (&one, "push")].into_iter().enumerate()
    {
        tenant.now_ms = NOW + number as u64 * 1000;
        received.push(tenant.receive(source, kind, &[number as u8]));
    }
    let found = |filter: EventFilter| -> Vec<usize> {
        let list = tenant.events(filter);
        let place = |id: &&str| received.iter().position(|known| known.as_str() == *id).unwrap();
        ids(&list).iter().map(place).collect()
    };
    let none = EventFilter::default;
    assert_eq!(found(none()), [3, 2, 1, 0]);
    assert_eq!(found(EventFilter { source: Some(one.clone()), ..none() }), [3, 2, 0]);
    assert_eq!(found(EventFilter { event_type: Some("push".into()), ..none() }), [3, 1, 0]);
    let both = EventFilter { source: Some(one.clone()), event_type: Some("push".into()), ..none() };
    assert_eq!(found(both.clone()), [3, 0]);
    assert_eq!(found(EventFilter { since: Some(NOW + 1000), ..none() }), [3, 2, 1]);
    assert_eq!(found(EventFilter { until: Some(NOW + 1000), ..none() }), [0]);
    assert_eq!(found(EventFilter { since: Some(NOW + 1), until: Some(NOW + 3000), ..none() }), [2, 1]);
    assert_eq!(found(EventFilter { since: Some(NOW + 3001), ..none() }), [0usize; 0]);
    assert_eq!(found(EventFilter { until: Some(NOW), ..none() }), [0usize; 0]);
    assert_eq!(found(EventFilter { since: Some(NOW + 1), ..both }), [3]);

    let state = |forwarding| EventFilter { forwarding: Some(forwarding), ..none() };
    assert_eq!(found(state(DeliveryStatus::Pending)), [3, 0]);
    assert_eq!(found(state(DeliveryStatus::Failed)), [0usize; 0]);
    tenant.sql.exec("UPDATE deliveries SET status = 'failed' WHERE rowid = 1", &[]).unwrap();
    assert_eq!(found(state(DeliveryStatus::Failed)), [0]);
    assert_eq!(found(EventFilter { since: Some(NOW + 1), ..state(DeliveryStatus::Pending) }), [3]);
    assert_eq!(found(EventFilter { source: Some(other), ..state(DeliveryStatus::Pending) }), [0usize; 0]);
    assert_eq!(
        found(EventFilter { event_type: Some("star".into()), ..state(DeliveryStatus::Pending) }),
        [0usize; 0]
    );
}

#[test]
fn events_of_a_state_are_read_page_by_page_each_once() {
    let tenant = Tenant::new(1);
    let source = tenant.new_source();
    tenant.new_endpoint(&source, &json!({}));
    tenant.new_endpoint(&source, &json!({}));
    let received: Vec<InboundEventId> = (0..5).map(|n| tenant.receive(&source, "push", &[n])).collect();
    let filter = EventFilter { forwarding: Some(DeliveryStatus::Pending), ..EventFilter::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    for _ in 0..3 {
        let page = Page { limit: Some(2), cursor };
        let list = tenant.ok(Operation::ListInboundEvents { filter: filter.clone(), page }, &Json::Null);
        seen.extend(ids(&list).into_iter().map(str::to_owned));
        cursor = list["next_cursor"].as_str().map(str::to_owned);
    }
    let expected: Vec<&str> = received.iter().rev().map(InboundEventId::as_str).collect();
    assert_eq!((seen.iter().map(String::as_str).collect::<Vec<_>>(), cursor), (expected, None));
}

/// Events of one busy source, received one each millisecond up to now, each delivered; the source and type that are looked
/// for have one event, the oldest but one.
fn fill(tenant: &Tenant, busy: &SourceId, rare: &SourceId, count: u64) {
    let values = [count.into(), NOW.into(), busy.as_str().into(), rare.as_str().into()];
    for statement in [
        "INSERT INTO inbound_events (id, source_id, provider, event_type, dedupe_key, received_at, size, sealed) \
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
         SELECT printf('ine_%026d', n), iif(n = 2, ?4, ?3), 'github', iif(n = 2, 'rare', 'push'), n, ?2 - ?1 + n, 1, x'' FROM n",
        "INSERT INTO messages (id, event_type, inbound_event_id, size, created_at, sealed) \
         SELECT replace(id, 'ine_', 'msg_'), event_type, id, 1, received_at, x'' FROM inbound_events WHERE ?1 AND ?2 AND ?3 > '' AND ?4 > ''",
        "INSERT INTO deliveries (message_id, endpoint_id, lane, status) \
         SELECT replace(id, 'ine_', 'msg_'), 'end_00000000000000000000000000', source_id, iif(event_type = 'rare', 'failed', 'delivered') \
         FROM inbound_events WHERE ?1 AND ?2 AND ?3 > '' AND ?4 > ''",
    ] {
        tenant.sql.exec(statement, &values).unwrap();
    }
}

#[test]
fn a_page_costs_the_same_however_many_events_there_are() {
    let costs = |count: u64| -> Vec<(String, u64)> {
        let tenant = Tenant::new(1);
        let (busy, rare) = (tenant.new_source(), tenant.new_source());
        fill(&tenant, &busy, &rare, count);
        let none = EventFilter::default;
        let (kind, state) = (|kind: &str| Some(kind.to_owned()), |state| Some(state));
        let filters = [
            none(),
            EventFilter { source: Some(busy.clone()), ..none() },
            EventFilter { source: Some(rare.clone()), ..none() },
            EventFilter { event_type: kind("push"), ..none() },
            EventFilter { event_type: kind("rare"), ..none() },
            EventFilter { event_type: kind("none"), ..none() },
            EventFilter { source: Some(busy.clone()), event_type: kind("none"), ..none() },
            EventFilter { source: Some(busy.clone()), event_type: kind("push"), ..none() },
            EventFilter { since: Some(NOW + 1), ..none() },
            EventFilter { until: Some(NOW - count + 3), ..none() },
            EventFilter { until: Some(NOW - count + 3), source: Some(busy.clone()), ..none() },
            EventFilter { since: Some(NOW + 1), event_type: kind("push"), ..none() },
            EventFilter { forwarding: state(DeliveryStatus::Failed), ..none() },
            EventFilter { forwarding: state(DeliveryStatus::Pending), ..none() },
            EventFilter { forwarding: state(DeliveryStatus::Delivered), ..none() },
            EventFilter { forwarding: state(DeliveryStatus::Delivered), source: Some(rare), ..none() },
            EventFilter { forwarding: state(DeliveryStatus::Delivered), event_type: kind("rare"), ..none() },
            EventFilter { forwarding: state(DeliveryStatus::Failed), until: Some(NOW - count), ..none() },
        ];
        let cost = |filter: EventFilter| {
            let named = format!("{filter:?}");
            let before = tenant.sql.cost();
            tenant.events(filter);
            let after = tenant.sql.cost();
            assert!(after.0 - before.0 <= 6, "no statement for each row");
            (named, after.1 - before.1)
        };
        filters.into_iter().map(cost).collect()
    };
    for ((filter, small), (_, large)) in costs(2_000).into_iter().zip(costs(20_000)) {
        assert!(
            large <= small + small / 10 + 100,
            "{filter}: {small} steps, with ten times the events {large}"
        );
    }
}

#[test]
fn storing_costs_the_same_however_many_events_there_are() {
    let cost = |count: u64| {
        let tenant = Tenant::new(1);
        let (busy, rare) = (tenant.new_source(), tenant.new_source());
        tenant.new_endpoint(&busy, &json!({}));
        fill(&tenant, &busy, &rare, count);
        webhook(&tenant, &busy, None, b"first").unwrap();
        let before = tenant.sql.cost().1;
        webhook(&tenant, &busy, None, b"x").unwrap();
        tenant.sql.cost().1 - before
    };
    let (small, large) = (cost(200), cost(20_000));
    assert!(large <= small + 20, "{small} steps, then {large}");
}

#[test]
fn another_tenants_event_is_not_there() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let source = theirs.new_source();
    let event = theirs.receive(&source, "push", b"x");
    let got = ours.call(&ours.founder, Operation::GetInboundEvent { id: event }, &Json::Null);
    assert_eq!(code(got), Code::NotFound);
    let filter = EventFilter { source: Some(source), ..EventFilter::default() };
    assert_eq!(ours.events(filter)["data"], json!([]));
}

/// A crash is a statement that does not run: what was to be stored and forwarded is not there by half.
#[test]
fn b6_an_event_and_its_deliveries_are_stored_together_or_not_at_all() {
    let states = |fail_at: Option<u64>| {
        let tenant = Tenant::new(1);
        let source = tenant.new_source();
        tenant.new_endpoint(&source, &json!({}));
        webhook(&tenant, &source, None, b"first").unwrap();
        let sql = Failing { sql: &tenant.sql, left: std::cell::Cell::new(fail_at.unwrap_or(u64::MAX)) };
        let webhook = VerifiedWebhook {
            source: source.clone(),
            generation: 1,
            event_id: None,
            event_id_signed: false,
            event_type: None,
            headers: vec![],
        };
        let call = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
        let ctx = Context { store: Store::new(&sql), ..tenant.context(&call) };
        let stored = handle(ctx, b"second").is_ok();
        assert!(tenant.verify_audit().ok);
        let counts = ["inbound_events", "messages", "deliveries"].map(|table| tenant.count(table));
        (stored, counts)
    };
    assert_eq!(states(None), (true, [2, 2, 2]));
    for statement in 0..9 {
        assert_eq!(states(Some(statement)), (false, [1, 1, 1]), "cut off before statement {statement}");
    }
}

/// A database that fails after so many statements.
struct Failing<'a> {
    sql: &'a crate::store::native::Native,
    left: std::cell::Cell<u64>,
}

impl crate::store::Sql for Failing<'_> {
    fn exec(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<crate::store::Row>, crate::store::SqlError> {
        let left = self.left.get().checked_sub(1).ok_or(crate::store::SqlError::Statement)?;
        self.left.set(left);
        self.sql.exec(statement, parameters)
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), crate::store::SqlError> {
        self.sql.atomically(body)
    }
}
