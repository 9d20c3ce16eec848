//! Plans: what is included, how much in a cycle, and what the operator changes.

use super::*;
use protocol::api::{OrgLimits, RateLimit};
use protocol::time::parse_rfc3339;
use protocol::{Feature, Meter};

fn at(text: &str) -> u64 {
    parse_rfc3339(text).unwrap()
}

fn operate(tenant: &Tenant, plan: &str, at_once: bool) -> Result<Json, AppError> {
    let call = call(Principal::Anonymous, Operation::Me);
    let ask = AskOrg::SetPlan { operator: user(99).id, plan: plan.into(), at_once };
    let reply = answer(tenant.context(&call), &ask)?;
    Ok(serde_json::from_slice(&reply.body).unwrap())
}

/// Once more signed in, for a test that goes far ahead in time.
fn go_to(tenant: &mut Tenant, now_ms: u64) {
    tenant.now_ms = now_ms;
    tenant.founder = tenant.sign_in(&user(1));
}

fn last_event(tenant: &Tenant) -> Json {
    tenant.ok(Operation::ListAudit(Page { limit: Some(1), cursor: None }), &Json::Null)["data"][0].clone()
}

/// An operation of every route, and the one that has none.
fn every_operation() -> Vec<Operation> {
    let routed = operations().into_iter().map(|(_, _, operation)| operation);
    routed.chain([Operation::VerifyPrincipal { audience: Some("app".into()), want: 1 }]).collect()
}

#[test]
fn n3_an_operation_of_a_feature_that_the_plan_lacks_gives_403_and_no_data() {
    let mut tenant = Tenant::new(1);
    tenant.ok(Operation::CreateConnection, &connection(&secret("one")));
    let created = tenant.ok(Operation::CreateSource, &source());
    let source = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    let all = tenant.config.plans.plans["free"].features.clone();
    let mut seen = Vec::new();
    for operation in every_operation().into_iter().filter(|operation| operation.feature().is_some()) {
        let feature = operation.feature().unwrap();
        seen.push(feature);
        let name = serde_json::to_value(feature).unwrap();
        tenant.config.plans.plans.get_mut("free").unwrap().features =
            all.iter().copied().filter(|other| *other != feature).collect();
        let before = tenant.sql.bytes();
        let error = tenant.call(&tenant.founder, operation.clone(), &Json::Null).unwrap_err();
        let (code, detail) = error.public();
        assert_eq!(code, Code::PlanRequired, "{operation:?}");
        assert_eq!(detail.unwrap(), &format!("the plan does not include {}", name.as_str().unwrap()));
        assert!(before == tenant.sql.bytes(), "{operation:?} has written something");

        tenant.config.plans.plans.get_mut("free").unwrap().features = vec![feature];
        let included = tenant.call(&tenant.founder, operation.clone(), &Json::Null);
        assert_ne!(included.err().map(|error| error.public().0), Some(Code::PlanRequired), "{operation:?}");
    }
    for feature in &all {
        assert!(*feature == Feature::Webhooks || seen.contains(feature), "{feature:?}");
    }
    tenant.config.plans.plans.get_mut("free").unwrap().features.clear();
    assert_eq!(code(webhook(&tenant, &source, None, b"x")), Code::PlanRequired);
}

#[test]
fn n3_reading_and_taking_away_need_no_feature() {
    let mut tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("one")));
    let id = ConnectionId::parse(created["id"].as_str().unwrap()).unwrap();
    operate(&tenant, "suspended", true).unwrap();
    for operation in every_operation().into_iter().filter(|operation| operation.feature().is_none()) {
        let refused = tenant.call(&tenant.founder, operation.clone(), &Json::Null).err();
        let code = refused.map(|error| error.public().0);
        assert_ne!(code, Some(Code::PlanRequired), "{operation:?}");
        if matches!(operation, Operation::LogOut) {
            tenant.founder = tenant.sign_in(&user(1));
        }
    }
    tenant.ok(Operation::DeleteConnection { id }, &Json::Null);
    let key = tenant.call(
        &tenant.founder,
        Operation::CreateApiKey,
        &json!({ "name": "k", "scopes": ["audit:read"] }),
    );
    assert_eq!(code(key), Code::PlanRequired);
}

#[test]
fn n3_a_plan_that_is_gone_includes_nothing() {
    let mut tenant = Tenant::new(1);
    tenant.config.plans.plans.remove("free");
    for operation in every_operation().into_iter().filter(|operation| operation.feature().is_some()) {
        let refused = tenant.call(&tenant.founder, operation.clone(), &Json::Null);
        assert_eq!(code(refused), Code::PlanRequired, "{operation:?}");
    }
    let usage = tenant.ok(Operation::GetUsage, &Json::Null);
    assert_eq!(usage["features"], json!([]));
    assert_eq!(usage["meters"]["proxy_calls"], json!({ "used": 0, "limit": 0 }));
    // And the way out of it is open.
    assert_eq!(operate(&tenant, "suspended", false).unwrap()["usage"]["plan"], "suspended");
}

#[test]
fn n3_every_meter_is_refused_at_its_number_until_the_cycle_ends() {
    let mut tenant = Tenant::new(1);
    go_to(&mut tenant, at("2028-02-29T23:59:59.999Z"));
    let plan = tenant.config.plans.plans.get_mut("free").unwrap();
    plan.monthly = Meter::ALL.into_iter().map(|meter| (meter, 2)).collect();
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("one")));
    let connection = created["id"].as_str().unwrap().to_owned();
    let created = tenant.ok(Operation::CreateSource, &source());
    let source = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    let use_all = |tenant: &Tenant, number: u8| {
        [
            webhook(tenant, &source, None, &[number]),
            tenant.call(
                &tenant.founder,
                Operation::PublishMessage,
                &json!({ "event_type": "a", "payload": number }),
            ),
            tenant.call(&tenant.founder, proxy(&connection, "/"), &Json::Null),
            tenant.call(&tenant.founder, Operation::VerifyApiKey, &json!({ "key": "x" })),
        ]
    };
    for number in 0..2 {
        assert!(use_all(&tenant, number).iter().all(Result::is_ok));
    }
    // A repeated webhook is no new one.
    webhook(&tenant, &source, None, &[0]).unwrap();
    let count = |table: &str| tenant.sql.exec(&format!("SELECT 1 FROM {table}"), &[]).unwrap().len();
    let (events, trail) = (count("inbound_events"), count("audit"));
    for (refused, meter) in use_all(&tenant, 2).into_iter().zip(Meter::ALL) {
        let error = refused.unwrap_err();
        let (code, detail) = error.public();
        assert_eq!(code, Code::PlanRequired);
        let name = meter.as_str();
        let expected = format!("the plan includes 2 {name} in this cycle; it ends 2028-03-01T00:00:00.000Z");
        assert_eq!(detail.unwrap(), &expected);
    }
    assert_eq!((count("inbound_events"), count("audit")), (events, trail), "what is refused leaves nothing");
    let usage = tenant.ok(Operation::GetUsage, &Json::Null);
    for meter in Meter::ALL {
        assert_eq!(usage["meters"][meter.as_str()], json!({ "used": 2, "limit": 2 }));
    }

    go_to(&mut tenant, at("2028-03-01T00:00:00.000Z"));
    let usage = tenant.ok(Operation::GetUsage, &Json::Null);
    assert_eq!(usage["meters"]["inbound_events"], json!({ "used": 0, "limit": 2 }));
    assert!(use_all(&tenant, 2).iter().all(Result::is_ok));
}

#[test]
fn n3_usage_tells_what_there_is_and_may_be() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    tenant.key(json!(["audit:read"]));
    operate(&tenant, "scale", false).unwrap();
    let reply = tenant.call(&member, Operation::GetUsage, &Json::Null).unwrap();
    let usage: Json = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        usage,
        json!({
            "plan": "scale",
            "next_plan": null,
            "features": ["connections", "webhooks", "key_verification", "gateway", "audit"],
            "cycle_started_at": "2027-01-01T00:00:00.000Z",
            "cycle_ends_at": "2027-02-01T00:00:00.000Z",
            "resources": {
                "api_keys": { "used": 1, "limit": 1000 },
                "connections": { "used": 0, "limit": 1000 },
                "endpoints": { "used": 0, "limit": 10000 },
                "members": { "used": 2, "limit": 1000 },
                "sources": { "used": 0, "limit": 1000 },
            },
            "meters": {
                "inbound_events": { "used": 0, "limit": null },
                "messages": { "used": 0, "limit": null },
                "proxy_calls": { "used": 0, "limit": null },
                "key_verifications": { "used": 0, "limit": null },
            },
        })
    );
}

#[test]
fn n3_a_larger_plan_holds_at_once_and_a_smaller_one_from_the_next_cycle() {
    for (now, next) in [
        ("2026-11-22T04:05:06.789Z", "2026-12-01T00:00:00.000Z"),
        ("2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z"),
        ("2028-02-29T00:00:00.000Z", "2028-03-01T00:00:00.000Z"),
        ("2027-02-28T23:59:59.999Z", "2027-03-01T00:00:00.000Z"),
        ("2027-01-01T00:00:00.000Z", "2027-02-01T00:00:00.000Z"),
    ] {
        let mut tenant = Tenant::new(1);
        go_to(&mut tenant, at(now));
        let up = operate(&tenant, "scale", false).unwrap();
        assert_eq!((&up["usage"]["plan"], &up["usage"]["next_plan"]), (&json!("scale"), &Json::Null));
        let event = last_event(&tenant);
        assert_eq!((&event["action"], &event["actor"]), (&json!("org.plan_changed"), &json!(user(99).id)));
        assert_eq!(event["metadata"], json!({ "from": "free", "to": "scale", "was_to_come": null }));

        let down = operate(&tenant, "free", false).unwrap();
        assert_eq!(down["org"]["plan"], "scale");
        assert_eq!(down["usage"]["next_plan"], json!({ "plan": "free", "at": next }));
        let event = last_event(&tenant);
        assert_eq!(
            (&event["action"], &event["metadata"]["at"]),
            (&json!("org.plan_change_scheduled"), &json!(next))
        );

        let limit = |tenant: &Tenant| {
            tenant.ok(Operation::GetUsage, &Json::Null)["resources"]["api_keys"]["limit"].clone()
        };
        go_to(&mut tenant, at(next) - 1);
        assert_eq!(limit(&tenant), 1000);
        go_to(&mut tenant, at(next));
        assert_eq!(limit(&tenant), 20);
        // The same from an object that has just woken.
        tenant.sleep();
        assert_eq!(limit(&tenant), 20);
        let me = tenant.ok(Operation::Me, &Json::Null);
        assert_eq!(me["org"]["plan"], "free");
    }
}

#[test]
fn n3_a_downgrade_to_come_is_replaced_taken_back_or_made_at_once() {
    let mut tenant = Tenant::new(1);
    let next = |answer: &Json| answer["usage"]["next_plan"]["plan"].clone();
    operate(&tenant, "scale", false).unwrap();
    assert_eq!(next(&operate(&tenant, "free", false).unwrap()), "free");
    assert_eq!(next(&operate(&tenant, "suspended", false).unwrap()), "suspended");
    // The plan in force: the change to come is taken back.
    assert_eq!(next(&operate(&tenant, "scale", false).unwrap()), Json::Null);
    assert_eq!(
        last_event(&tenant)["metadata"],
        json!({ "from": "scale", "to": "scale", "was_to_come": "suspended" })
    );
    operate(&tenant, "suspended", false).unwrap();
    let at_once = operate(&tenant, "free", true).unwrap();
    assert_eq!((&at_once["usage"]["plan"], &next(&at_once)), (&json!("free"), &Json::Null));

    // What has come counts as the plan in force, though no row says so yet.
    operate(&tenant, "suspended", false).unwrap();
    go_to(&mut tenant, at("2027-02-01T00:00:00.000Z"));
    let up = operate(&tenant, "free", false).unwrap();
    assert_eq!((&up["usage"]["plan"], &next(&up)), (&json!("free"), &Json::Null));
    let event = last_event(&tenant);
    assert_eq!(event["metadata"], json!({ "from": "suspended", "to": "free", "was_to_come": null }));
    go_to(&mut tenant, at("2027-03-01T00:00:00.000Z"));
    assert_eq!(tenant.ok(Operation::GetUsage, &Json::Null)["plan"], "free");
}

#[test]
fn what_changes_nothing_leaves_no_event() {
    let tenant = Tenant::new(1);
    operate(&tenant, "scale", false).unwrap();
    operate(&tenant, "free", false).unwrap();
    let length = tenant.verify_audit().length;
    operate(&tenant, "free", false).unwrap();
    assert_eq!(tenant.verify_audit().length, length);
}

#[test]
fn an_unknown_plan_or_an_impossible_limit_is_refused_by_name() {
    let tenant = Tenant::new(1);
    let error = operate(&tenant, "gold", true).unwrap_err();
    let (code, detail) = error.public();
    assert_eq!(code, Code::ValidationFailed);
    assert_eq!(detail.unwrap(), "plan: must be one of free, scale, suspended");

    let call = call(Principal::Anonymous, Operation::Me);
    let set = |limit, period_seconds| {
        let limit = Some(RateLimit { limit, period_seconds });
        [OrgLimits { principal: limit, org: None }, OrgLimits { principal: None, org: limit }].map(|limits| {
            let ask = AskOrg::SetLimits { operator: user(99).id, limits };
            answer(tenant.context(&call), &ask).err().map(|e| e.public().0)
        })
    };
    for (limit, period) in [(0, 60), (1_000_001, 60), (1, 0), (1, 86_401)] {
        assert_eq!(set(limit, period), [Some(Code::ValidationFailed); 2], "{limit} in {period}");
    }
    assert_eq!(set(1_000_000, 86_400), [None, None]);
    let event = last_event(&tenant);
    assert_eq!((&event["action"], &event["actor"]), (&json!("org.limits_changed"), &json!(user(99).id)));
    let expected = json!({ "principal": null, "org": { "limit": 1_000_000, "period_seconds": 86_400 } });
    assert_eq!(event["metadata"], expected);
    let described: Json = serde_json::from_slice(
        &answer(tenant.context(&call), &AskOrg::Describe { operator: user(99).id }).unwrap().body,
    )
    .unwrap();
    assert_eq!(described["rate_limits"], expected);
    assert!(tenant.verify_audit().ok);
}

#[test]
fn an_org_that_never_was_is_not_found() {
    let mut empty = Tenant::new(1);
    empty.sql.exec("DELETE FROM org", &[]).unwrap();
    empty.sleep();
    let call = call(Principal::Anonymous, Operation::Me);
    let operator = user(99).id;
    for ask in [
        AskOrg::Describe { operator: operator.clone() },
        AskOrg::SetPlan { operator: operator.clone(), plan: "free".into(), at_once: true },
        AskOrg::SetLimits { operator, limits: OrgLimits::default() },
    ] {
        assert_eq!(code(answer(empty.context(&call), &ask)), Code::NotFound, "{ask:?}");
    }
}
