//! Changes of an endpoint, by people and by the engine.

use super::*;
use crate::org::endpoints::disable;

/// The engine takes it out of use.
fn engine_disables(tenant: &Tenant, id: &EndpointId, reason: DisabledReason) {
    let call = call(Principal::Anonymous, Operation::LogIn);
    disable(tenant.context(&call), id, reason).unwrap();
}

fn refused(tenant: &Tenant, id: &EndpointId, body: &Json) -> String {
    detail(tenant.call(&tenant.founder, Operation::UpdateEndpoint { id: id.clone() }, body))
}

/// The newest audit events' actions.
fn actions<const N: usize>(tenant: &Tenant) -> [String; N] {
    let mut actions = tenant.actions();
    actions.truncate(N);
    actions.try_into().unwrap()
}

#[test]
fn what_is_given_changes_and_the_rest_stays() {
    let tenant = Tenant::new(1);
    let limit = json!({ "limit": 5, "period_seconds": 60 });
    let created = create(
        &tenant,
        &json!({ "url": "https://example.com/a?token=x", "description": "Ops", "event_types": ["a.b"],
                 "rate_limit": limit, "signature": "v1a" }),
    );
    let id = id_of(&created);
    let mut expected = created.clone();
    expected.as_object_mut().unwrap().remove("secret");
    for (change, fields) in [
        (json!({ "description": "" }), json!(["description"])),
        (json!({ "event_types": ["c.*"], "ordered": true }), json!(["event_types", "ordered"])),
        (json!({ "url": "https://example.com/b" }), json!(["url"])),
        (json!({ "rate_limit": { "limit": 1, "period_seconds": 1 } }), json!(["rate_limit"])),
        (json!({ "rate_limit": null }), json!(["rate_limit"])),
        (json!({ "sources": [], "headers": {} }), json!(["sources", "headers"])),
    ] {
        for (field, value) in change.as_object().unwrap() {
            match (field.as_str(), value) {
                ("headers", _) => {}
                (_, Json::Null) => drop(expected.as_object_mut().unwrap().remove(field)),
                _ => expected[field] = value.clone(),
            }
        }
        assert_eq!(update(&tenant, &id, &change).unwrap(), expected, "{change}");
        assert_eq!(tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null), expected);
        let event = tenant.last_event();
        assert_eq!((&event["action"], &event["metadata"]["fields"]), (&json!("endpoint.updated"), &fields));
        assert_eq!(event["metadata"]["host"], json!(["example.com"]));
    }
    let url = tenant.sql.exec("SELECT url FROM endpoints", &[]).unwrap();
    assert_eq!(url[0].text(0), Ok("https://example.com/…"));
    let audit = tenant.ok(Operation::ListAudit(Page::default()), &Json::Null).to_string();
    assert!(!audit.contains("token=x") && !audit.contains("/b"), "no path");
}

#[test]
fn what_cannot_be_changed_is_said() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    assert_eq!(refused(&tenant, &id, &json!({})), "nothing to change");
    for fixed in ["signature", "customer_id", "secret", "id"] {
        let said = refused(&tenant, &id, &json!({ fixed: "x" }));
        assert!(said.starts_with(&format!("{fixed}: is not a field here")), "{said}");
    }
    assert!(refused(&tenant, &id, &json!({ "event_types": ["a b"] })).starts_with("event_types: "));
    assert!(refused(&tenant, &id, &json!({ "description": "a\nb" })).starts_with("description: "));
    assert!(refused(&tenant, &id, &json!({ "headers": { "host": "x" } })).starts_with("headers: "));
    let limit = json!({ "rate_limit": { "limit": 0, "period_seconds": 1 } });
    assert!(refused(&tenant, &id, &limit).starts_with("rate_limit: "));
    assert_eq!(actions::<1>(&tenant), ["endpoint.created"]);
}

#[test]
fn an_endpoint_cannot_be_moved_to_where_none_may_be_made() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    for url in [
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://metadata.google.internal./",
        "https://localhost:443/",
    ] {
        assert!(refused(&tenant, &id, &json!({ "url": url })).contains("public host"), "{url}");
    }
    for url in ["http://example.com", "https://user@example.com", "https://example.com/../x", "https://a b/"]
    {
        assert!(refused(&tenant, &id, &json!({ "url": url })).contains("must be an https://"), "{url}");
    }
    for url in [OWN_ORIGIN, "https://GATE.example.com:443/in/src_x?y"] {
        assert!(refused(&tenant, &id, &json!({ "url": url })).contains("this service itself"), "{url}");
        let made = tenant.call(&tenant.founder, Operation::CreateEndpoint, &endpoint(url));
        assert!(detail(made).contains("this service itself"), "{url}");
    }
    let row = tenant.sql.exec("SELECT url, allowed_hosts FROM endpoints", &[]).unwrap();
    assert_eq!((row[0].text(0), row[0].text(1)), (Ok("https://example.com/"), Ok("[\"example.com\"]")));
}

#[test]
fn sources_change_to_others_and_the_kind_of_an_endpoint_does_not() {
    let tenant = Tenant::new(1);
    let (first, second) = (source(&tenant), source(&tenant));
    let foreign = source(&Tenant::new(2));
    let id = id_of(&create(&tenant, &json!({ "url": "https://example.com", "sources": [first] })));
    let plain = id_of(&create(&tenant, &endpoint("https://example.com")));
    let changed = update(&tenant, &id, &json!({ "sources": [second, first] })).unwrap();
    assert_eq!(changed["sources"], json!([second, first]));
    for (id, sources) in [(&id, json!([])), (&plain, json!([first]))] {
        assert!(refused(&tenant, id, &json!({ "sources": sources })).contains("some to none"));
    }
    assert!(refused(&tenant, &id, &json!({ "sources": [second, foreign] })).contains("of this workspace"));
    let still = tenant.ok(Operation::GetEndpoint { id }, &Json::Null);
    assert_eq!(still["sources"], json!([second, first]));
}

#[test]
fn what_waits_for_its_turn_is_due_where_order_is_no_longer_kept() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &json!({ "url": "https://example.com", "ordered": true })));
    disconnect(&tenant);
    disconnect(&tenant);
    let waiting = |tenant: &Tenant| {
        let deliveries = deliveries(tenant, &id);
        deliveries.as_array().unwrap().iter().filter(|d| d["next_attempt_at"].is_null()).count()
    };
    assert_eq!(waiting(&tenant), 1);
    leaves_work(&Operation::Me, &tenant.limits);
    update(&tenant, &id, &json!({ "ordered": true })).unwrap();
    assert_eq!(waiting(&tenant), 1);
    update(&tenant, &id, &json!({ "ordered": false })).unwrap();
    assert_eq!(waiting(&tenant), 0);
    assert!(leaves_work(&Operation::Me, &tenant.limits), "the alarm is told");
    update(&tenant, &id, &json!({ "ordered": true })).unwrap();
    assert_eq!(waiting(&tenant), 1);
}

#[test]
fn what_is_out_of_use_is_sent_nothing_and_begins_anew_when_it_is_back() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    disconnect(&tenant);
    tenant.sql.exec("UPDATE endpoints SET failing_since = 1", &[]).unwrap();
    let disabled = update(&tenant, &id, &json!({ "disabled": true })).unwrap();
    assert_eq!(
        (&disabled["disabled_reason"], &disabled["disabled_at"]),
        (&json!("manual"), &json!(protocol::time::rfc3339(NOW)))
    );
    assert_eq!(actions::<1>(&tenant), ["endpoint.disabled"]);
    assert_eq!(tenant.count("outbox"), 0, "who has done it knows");
    disconnect(&tenant);
    let failed = deliveries(&tenant, &id);
    // The third is what says so itself.
    assert_eq!(failed.as_array().unwrap().len(), 3);
    for delivery in failed.as_array().unwrap() {
        assert_eq!(
            (&delivery["status"], &delivery["reason"]),
            (&json!("failed"), &json!("endpoint_disabled"))
        );
    }
    assert_eq!(next_due(tenant.store()), Ok(None));
    // Once is enough; the rest of a change is made all the same.
    update(&tenant, &id, &json!({ "disabled": true, "description": "x" })).unwrap();
    assert_eq!(actions::<2>(&tenant)[0], "endpoint.updated");

    let back = update(&tenant, &id, &json!({ "disabled": false, "url": "https://example.com/x" })).unwrap();
    for field in ["disabled_at", "disabled_reason", "failing_since"] {
        assert!(back[field].is_null(), "{field}");
    }
    assert_eq!(actions::<2>(&tenant), ["endpoint.updated", "endpoint.enabled"]);
    disconnect(&tenant);
    assert_eq!(deliveries(&tenant, &id)[0]["status"], "pending");
}

#[test]
fn the_engine_takes_an_endpoint_out_of_use_once_and_the_workspace_is_told() {
    let tenant = Tenant::new(1);
    let customers = json!({ "url": "https://example.com/hook", "customer_id": "acme" });
    let gone = id_of(&create(&tenant, &customers));
    let own = id_of(&create(&tenant, &endpoint("https://own.example")));
    engine_disables(&tenant, &gone, DisabledReason::Gone);
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["actor"]), (&json!("endpoint.disabled"), &json!("system")));
    assert_eq!(
        event["metadata"],
        json!({ "customer_id": "acme", "host": ["example.com"], "reason": "gone" })
    );
    let [told] = deliveries(&tenant, &own).as_array().unwrap().clone().try_into().unwrap();
    assert_eq!((&told["event_type"], &told["status"]), (&json!("endpoint.disabled"), &json!("pending")));
    assert_eq!(published(&tenant).1["data"]["endpoint_id"], json!(gone));
    assert_eq!(deliveries(&tenant, &gone), json!([]));
    let tasks = tenant.sql.exec("SELECT task FROM outbox", &[]).unwrap();
    let notice = json!({ "notice": "endpoint_disabled", "endpoint": gone });
    assert_eq!(tasks[0].json::<Json>(0).unwrap(), json!({ "task": "mail_notice", "notice": notice }));

    // It has been by somebody, or is no more: nothing happens.
    let audit = tenant.count("audit");
    engine_disables(&tenant, &gone, DisabledReason::Failing);
    engine_disables(&tenant, &EndpointId::new(NOW, [9; 10]), DisabledReason::Gone);
    assert_eq!((tenant.count("audit"), tenant.count("messages")), (audit, 1));
    let view = tenant.ok(Operation::GetEndpoint { id: gone }, &Json::Null);
    assert_eq!(view["disabled_reason"], "gone");
}

#[test]
fn administrators_get_one_mail_a_day_about_an_endpoint_that_is_put_back_again_and_again() {
    let mut tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com/a")));
    let other = id_of(&create(&tenant, &endpoint("https://example.com/b")));
    let cycle = |tenant: &Tenant| {
        engine_disables(tenant, &id, DisabledReason::Gone);
        assert_eq!(actions::<1>(tenant), ["endpoint.disabled"], "the audit trail has each");
        update(tenant, &id, &json!({ "disabled": false })).unwrap();
    };
    for _ in 0..3 {
        cycle(&tenant);
    }
    assert_eq!((tenant.count("outbox"), tenant.count("messages")), (1, 3), "own events are for each");
    engine_disables(&tenant, &other, DisabledReason::Gone);
    assert_eq!(tenant.count("outbox"), 2, "another endpoint is another mail");
    tenant.now_ms += DAY - 1;
    tenant.founder = tenant.sign_in(&user(1));
    cycle(&tenant);
    assert_eq!(tenant.count("outbox"), 2);
    tenant.now_ms += 1;
    cycle(&tenant);
    assert_eq!(tenant.count("outbox"), 3);
}

#[test]
fn another_url_has_not_failed_yet() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com/a")));
    tenant.sql.exec("UPDATE endpoints SET failing_since = 1", &[]).unwrap();
    let same = update(&tenant, &id, &json!({ "url": "https://example.com/a" })).unwrap();
    assert!(same["failing_since"].is_string());
    let other = update(&tenant, &id, &json!({ "url": "https://example.com/b" })).unwrap();
    assert!(other["failing_since"].is_null());
}
