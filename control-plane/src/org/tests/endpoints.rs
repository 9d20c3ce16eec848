//! Endpoints: who may have one, what stays secret, what is published.

mod changes;
mod customers;
mod headers;
mod secrets;
mod urls;

use super::*;
use crate::store::Committed;
use protocol::EndpointId;
use protocol::api::{DisabledReason, Revocation, StatusReason};

use crate::org::messages::{OwnEvent, publish};
use crate::org::outbox::next_due;

fn endpoint(url: &str) -> Json {
    json!({ "url": url })
}

fn id_of(json: &Json) -> EndpointId {
    EndpointId::parse(json["id"].as_str().unwrap()).unwrap()
}

fn create(tenant: &Tenant, body: &Json) -> Json {
    tenant.ok(Operation::CreateEndpoint, body)
}

fn deliveries(tenant: &Tenant, id: &EndpointId) -> Json {
    tenant.ok(Operation::ListDeliveries { id: id.clone(), status: None, page: Page::default() }, &Json::Null)
        ["data"]
        .take()
}

fn detail(result: Result<Reply, AppError>) -> String {
    match result.map(|_| ()).unwrap_err() {
        AppError::Refused(Code::ValidationFailed, Some(detail)) => detail.to_string(),
        other => panic!("{other}"),
    }
}

/// A change of an endpoint by its workspace's founder.
fn update(tenant: &Tenant, id: &EndpointId, body: &Json) -> Result<Json, AppError> {
    tenant
        .call(&tenant.founder, Operation::UpdateEndpoint { id: id.clone() }, body)
        .map(|reply| json_of(&reply))
}

/// A source's id.
fn source(tenant: &Tenant) -> SourceId {
    let body = json!({ "provider": "github", "name": "s", "secret": secret("source") });
    SourceId::parse(tenant.ok(Operation::CreateSource, &body)["id"].as_str().unwrap()).unwrap()
}

/// Connects and disconnects: an event of the workspace's own. The connection's id.
fn disconnect(tenant: &Tenant) -> String {
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("bearer")));
    let id = ConnectionId::parse(created["id"].as_str().unwrap()).unwrap();
    tenant.ok(Operation::DeleteConnection { id: id.clone() }, &Json::Null);
    id.to_string()
}

#[test]
fn m8_every_endpoint_has_a_secret_of_its_own_that_is_shown_once() {
    let mut tenant = Tenant::new(1);
    let body = json!({ "url": "https://example.com/hooks?team=7", "description": "Ops", "event_types": [] });
    let created = create(&tenant, &body);
    let other = create(&tenant, &body);
    assert_eq!(created["url"], "https://example.com/hooks?team=7");
    let (secret, id) = (created["secret"].as_str().unwrap(), id_of(&created));
    assert_ne!(created["secret"], other["secret"]);
    let key = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &secret["whsec_".len()..]);
    let key = key.unwrap();
    assert_eq!(key.len(), 32);

    disconnect(&tenant);
    tenant.now_ms += 1;
    let answers = [
        tenant.ok(Operation::ListEndpoints { customer_id: None, page: Page::default() }, &Json::Null),
        tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null),
        tenant.ok(Operation::ListAudit(Page::default()), &Json::Null),
        tenant.ok(Operation::Overview, &Json::Null),
        deliveries(&tenant, &id),
    ];
    for answer in &answers {
        assert!(!answer.to_string().contains(&secret[6..]), "{answer}");
    }
    assert_eq!(answers[0]["data"].as_array().unwrap().len(), 2);
    // What a receiver has put into its URL stands in the endpoint's own answer alone.
    assert_eq!(
        answers.each_ref().map(|answer| answer.to_string().contains("team=7")),
        [false, true, false, false, false]
    );
    assert_eq!(answers[0]["data"][0]["url"], "https://example.com/…");
    let event = &answers[2]["data"].as_array().unwrap().iter().find(|e| e["target"] == id.as_str()).unwrap();
    assert_eq!(
        (&event["action"], &event["metadata"]),
        (&json!("endpoint.created"), &json!({ "host": ["example.com"], "event_types": [] }))
    );
    let created: protocol::api::CreatedEndpoint = serde_json::from_value(created).unwrap();
    assert!(!format!("{created:?}").contains(&created.secret.0[6..]));

    let on_disk =
        |tenant: &Tenant, bytes: &[u8]| tenant.sql.bytes().windows(bytes.len()).any(|window| window == bytes);
    assert!(!on_disk(&tenant, created.secret.0.as_bytes()) && !on_disk(&tenant, &key));
    let sealed = tenant.sql.exec("SELECT sealed FROM endpoints WHERE id = ?", &[id.as_str().into()]).unwrap();
    assert!(on_disk(&tenant, sealed[0].blob(0).unwrap()));
    tenant.ok(Operation::DeleteEndpoint { id }, &Json::Null);
    assert!(!on_disk(&tenant, sealed[0].blob(0).unwrap()), "wiped with the endpoint");
}

#[test]
fn a_private_or_metadata_address_is_no_endpoint() {
    let tenant = Tenant::new(1);
    for url in [
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "https://[::1]/",
        "https://10.0.0.1",
    ] {
        let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &endpoint(url));
        assert!(detail(refused).contains("public host"), "{url}");
    }
    let plain = tenant.call(&tenant.founder, Operation::CreateEndpoint, &endpoint("http://example.com/"));
    assert!(detail(plain).contains("https://"));
    assert_eq!(tenant.count("endpoints"), 0);
}

#[test]
fn event_types_are_well_formed_each_once_and_need_not_be_in_the_catalogue() {
    let tenant = Tenant::new(1);
    let long = "a".repeat(129);
    for name in
        ["", "*", ".*", "invoice.*.paid", "invoice*", "invoice .paid", "rechnung.bezählt", "x\n", &long]
    {
        let body = json!({ "url": "https://example.com", "event_types": ["invoice.paid", name] });
        let refused = detail(tenant.call(&tenant.founder, Operation::CreateEndpoint, &body));
        assert!(refused.starts_with("event_types: each must be 1 to 128 of a-z"), "{name}");
    }
    let many: Vec<_> = (0..51).map(|n| format!("t{n}")).collect();
    let body = json!({ "url": "https://example.com", "event_types": many });
    let refused = detail(tenant.call(&tenant.founder, Operation::CreateEndpoint, &body));
    assert_eq!(refused, "event_types: at most 50");

    let names = ["org.key_rotated", "invoice.*", "connection.authorized", "invoice.*"];
    let created = create(&tenant, &json!({ "url": "https://example.com", "event_types": names }));
    assert_eq!(created["event_types"], json!(["org.key_rotated", "invoice.*", "connection.authorized"]));
}

#[test]
fn n3_an_endpoint_more_than_the_plan_includes_is_refused() {
    let mut tenant = Tenant::new(1);
    tenant.config.plans.plans.values_mut().for_each(|plan| plan.endpoints = 1);
    create(&tenant, &endpoint("https://example.com"));
    for body in [endpoint("https://example.com"), json!({ "url": "https://example.com", "customer_id": "c" })]
    {
        let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &body);
        assert_eq!(code(refused), Code::PlanRequired);
    }
}

#[test]
fn a_rate_limit_has_bounds() {
    let tenant = Tenant::new(1);
    for (limit, period) in [(0, 60), (1001, 60), (1, 0), (1, 3601)] {
        let rate_limit = json!({ "limit": limit, "period_seconds": period });
        let body = json!({ "url": "https://example.com", "rate_limit": rate_limit });
        let refused = detail(tenant.call(&tenant.founder, Operation::CreateEndpoint, &body));
        assert!(refused.starts_with("rate_limit: "), "{limit} in {period}");
    }
    let rate_limit = json!({ "limit": 1000, "period_seconds": 3600 });
    let created = create(&tenant, &json!({ "url": "https://example.com", "rate_limit": rate_limit }));
    assert_eq!(created["rate_limit"], rate_limit);
}

#[test]
fn an_endpoint_of_sources_names_sources_of_this_workspace_and_keeps_order() {
    let (tenant, theirs) = (Tenant::new(1), Tenant::new(2));
    let (first, second, foreign) = (source(&tenant), source(&tenant), source(&theirs));
    let with = |sources: Json| json!({ "url": "https://example.com", "sources": sources });
    let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &with(json!([first, foreign])));
    assert_eq!(detail(refused), "sources: each must be the id of a source of this workspace");
    let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &with(json!(vec![&first; 21])));
    assert_eq!(detail(refused), "sources: at most 20");
    assert_eq!((tenant.count("endpoints"), tenant.count("endpoint_sources")), (0, 0));

    let created = create(&tenant, &with(json!([second, first, second])));
    assert_eq!((&created["sources"], &created["ordered"]), (&json!([second, first]), &json!(true)));
    let mut unordered = with(json!([first]));
    unordered["ordered"] = false.into();
    assert_eq!(create(&tenant, &unordered)["ordered"], false);
    let plain = create(&tenant, &endpoint("https://example.com"));
    assert_eq!((&plain["sources"], &plain["ordered"]), (&json!([]), &json!(false)));
}

#[test]
fn a_workspace_and_each_customer_have_twenty_endpoints_at_most() {
    let tenant = Tenant::new(1);
    for body in [endpoint("https://example.com"), json!({ "url": "https://example.com", "customer_id": "c" })]
    {
        let created: Vec<_> = (0..20).map(|_| create(&tenant, &body)).collect();
        let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &body);
        assert!(detail(refused).contains("at most 20"));
        tenant.ok(Operation::DeleteEndpoint { id: id_of(&created[7]) }, &Json::Null);
        create(&tenant, &body);
    }
}

#[test]
fn n2_a_member_sees_endpoints_and_changes_none() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    let member = tenant.add_member(&user(9));
    let get = || Operation::GetEndpoint { id: id.clone() };
    assert!(tenant.call(&member, get(), &Json::Null).is_ok());
    for change in [
        Operation::CreateEndpoint,
        Operation::UpdateEndpoint { id: id.clone() },
        Operation::RotateEndpointSecret { id: id.clone() },
        Operation::DeleteEndpoint { id: id.clone() },
    ] {
        let body = endpoint("https://example.com");
        assert_eq!(code(tenant.call(&member, change.clone(), &body)), Code::Forbidden);
        let key = tenant.key(json!(["endpoints:read"]));
        assert_eq!(code(tenant.call(&key, change, &body)), Code::InsufficientScope);
    }
    let key = tenant.key(json!(["connections:write"]));
    assert_eq!(code(tenant.call(&key, get(), &Json::Null)), Code::InsufficientScope);
}

#[test]
fn n1_another_tenants_endpoint_is_not_there() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let id = id_of(&create(&theirs, &endpoint("https://example.com")));
    for operation in [
        Operation::GetEndpoint { id: id.clone() },
        Operation::UpdateEndpoint { id: id.clone() },
        Operation::RotateEndpointSecret { id: id.clone() },
        Operation::DeleteEndpoint { id: id.clone() },
        Operation::ListDeliveries { id: id.clone(), status: None, page: Page::default() },
    ] {
        let body = match operation {
            Operation::UpdateEndpoint { .. } => json!({ "disabled": true }),
            _ => json!({}),
        };
        assert_eq!(code(ours.call(&ours.founder, operation, &body)), Code::NotFound);
    }
    disconnect(&ours);
    assert_eq!((theirs.count("messages"), ours.count("messages")), (0, 0));
}

#[test]
fn an_endpoint_is_made_once_for_an_idempotency_key() {
    let tenant = Tenant::new(1);
    let mut call = call(tenant.founder.clone(), Operation::CreateEndpoint);
    call.idempotency_key = Some("k".into());
    let make = || handle(tenant.context(&call), br#"{"url":"https://example.com"}"#).unwrap();
    assert_eq!((make().body, tenant.count("endpoints")), (make().body, 1));
}

#[test]
fn an_event_goes_to_the_endpoints_that_ask_for_it_with_ids_and_names_alone() {
    let tenant = Tenant::new(1);
    let all = create(&tenant, &endpoint("https://example.com/all"));
    let keys = json!({ "url": "https://example.com/keys", "event_types": ["org.key_rotated"] });
    let keys = create(&tenant, &keys);
    let connection = disconnect(&tenant);
    assert_eq!(deliveries(&tenant, &id_of(&keys)), json!([]));
    let [delivery] = deliveries(&tenant, &id_of(&all)).as_array().unwrap().clone().try_into().unwrap();
    assert_eq!(delivery["status"], "pending");
    assert_eq!(delivery["event_type"], "connection.disconnected");
    assert_eq!((&delivery["attempts"], &delivery["next_attempt_at"]), (&json!(0), &delivery["created_at"]));

    let data =
        json!({ "connection_id": connection, "connector": "http", "name": "c", "revocation": "unsupported" });
    let timestamp = protocol::time::rfc3339(NOW);
    assert_eq!(
        published(&tenant).1,
        json!({ "type": "connection.disconnected", "timestamp": timestamp, "data": data })
    );
}

#[test]
fn every_event_has_its_type_and_data() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    let connection = ConnectionId::new(0, [0; 10]);
    let (connection_id, connector, name) = (&connection, "gmail", "Inbox");
    let named = |more: Json| {
        let mut data = json!({ "connection_id": connection, "connector": "gmail", "name": "Inbox" });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let reason = StatusReason::RotationLost;
    let revocation = Revocation::Revoked;
    for (event, kind, data) in [
        (
            OwnEvent::ConnectionAuthorized { connection_id, connector, name },
            "connection.authorized",
            named(json!({})),
        ),
        (
            OwnEvent::ConnectionReauthorizationRequired { connection_id, connector, name, reason },
            "connection.reauthorization_required",
            named(json!({ "reason": "rotation_lost" })),
        ),
        (
            OwnEvent::ConnectionDisconnected { connection_id, connector, name, revocation },
            "connection.disconnected",
            named(json!({ "revocation": "revoked" })),
        ),
        (
            OwnEvent::OrgKeyRotated { org_id: &tenant.org, version: 2 },
            "org.key_rotated",
            json!({ "org_id": tenant.org, "version": 2 }),
        ),
        (
            OwnEvent::EndpointDisabled {
                endpoint_id: &id,
                host: "example.com",
                reason: DisabledReason::Gone,
            },
            "endpoint.disabled",
            json!({ "endpoint_id": id, "host": "example.com", "reason": "gone" }),
        ),
    ] {
        publish_one(&tenant, &event, true).unwrap();
        let (event_type, payload) = published(&tenant);
        assert_eq!((event_type.as_str(), &payload["type"], &payload["data"]), (kind, &json!(kind), &data));
    }
}

#[test]
fn a_change_that_is_undone_has_published_nothing() {
    let tenant = Tenant::new(1);
    create(&tenant, &endpoint("https://example.com"));
    let event = OwnEvent::OrgKeyRotated { org_id: &tenant.org, version: 2 };
    assert!(publish_one(&tenant, &event, false).is_err());
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (0, 0));
    publish_one(&tenant, &event, true).unwrap();
    assert_eq!((tenant.count("messages"), tenant.count("deliveries")), (1, 1));
}

#[test]
fn the_alarm_is_set_for_what_any_call_has_published() {
    let tenant = Tenant::new(1);
    assert!(!leaves_work(&Operation::Me, &tenant.limits));
    disconnect(&tenant);
    assert!(!leaves_work(&Operation::Me, &tenant.limits), "nobody wants it");
    assert_eq!(next_due(tenant.store()), Ok(None));

    create(&tenant, &endpoint("https://example.com"));
    disconnect(&tenant);
    assert!(leaves_work(&Operation::Me, &tenant.limits));
    assert!(!leaves_work(&Operation::Me, &tenant.limits), "it is told once");
    assert_eq!(next_due(tenant.store()), Ok(Some(NOW)));
}

#[test]
fn nothing_more_is_due_to_a_deleted_endpoint() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    disconnect(&tenant);
    tenant.ok(Operation::DeleteEndpoint { id: id.clone() }, &Json::Null);
    assert_eq!(tenant.last_event()["action"], "endpoint.deleted");
    assert_eq!((tenant.count("deliveries"), next_due(tenant.store())), (0, Ok(None)));
    let again = tenant.call(&tenant.founder, Operation::DeleteEndpoint { id }, &Json::Null);
    assert_eq!(code(again), Code::NotFound);
}

#[test]
fn what_is_settled_goes_after_thirty_days_and_what_is_due_stays() {
    let mut tenant = Tenant::new(1);
    create(&tenant, &endpoint("https://example.com/a"));
    create(&tenant, &endpoint("https://example.com/b"));
    let counts = |tenant: &Tenant| {
        purge(tenant.context(&call(Principal::Anonymous, Operation::LogIn))).unwrap();
        (tenant.count("messages"), tenant.count("deliveries"))
    };
    disconnect(&tenant);
    let settle = "UPDATE deliveries SET status = 'delivered', due_at = NULL WHERE rowid = ?";
    tenant.sql.exec(settle, &[1u64.into()]).unwrap();
    tenant.now_ms = NOW + 30 * DAY;
    assert_eq!(counts(&tenant), (1, 2));
    tenant.now_ms += 1;
    assert_eq!(counts(&tenant), (1, 1));
    tenant.sql.exec(settle, &[2u64.into()]).unwrap();
    assert_eq!(counts(&tenant), (0, 0));
}

/// The newest message's type and payload.
fn published(tenant: &Tenant) -> (String, Json) {
    let call = call(Principal::Anonymous, Operation::LogIn);
    let ctx = tenant.context(&call);
    let row = ctx.store.first("SELECT id, event_type, sealed FROM messages ORDER BY rowid DESC", &[]);
    let row = row.unwrap().unwrap();
    let (id, sealed) = (row.parse(0).unwrap(), vault::Sealed::from_bytes(row.blob(2).unwrap()).unwrap());
    let payload = dek::open(ctx, &crate::org::deliveries::place(ctx.org, &id), &sealed).unwrap();
    (row.text(1).unwrap().to_owned(), serde_json::from_slice(&payload).unwrap())
}

/// Publishes in a change that ends well, or not.
fn publish_one(tenant: &Tenant, event: &OwnEvent<'_>, ends_well: bool) -> Result<(), AppError> {
    let call = call(Principal::Anonymous, Operation::LogIn);
    let ctx = tenant.context(&call);
    ctx.store.transaction(|tx| -> Result<Committed<()>, AppError> {
        publish(ctx, tx, event)?;
        if !ends_well {
            return Err(AppError::Encoding);
        }
        tx.commit(&ctx.subject("system"), crate::store::Event::new("test", ""), ())
    })
}
