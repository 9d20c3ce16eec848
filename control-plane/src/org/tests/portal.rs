//! The portal: what a link opens, for whom, how long, and that it is nothing else.

use super::*;
use protocol::{EndpointId, MessageId, PortalLinkId};
use tokens::{LinkKind, parse_link};

/// Makes a link, and returns its record with who holds it.
fn link(tenant: &Tenant, customer: &str) -> (Json, Principal) {
    link_by(tenant, &tenant.founder, customer)
}

fn link_by(tenant: &Tenant, maker: &Principal, customer: &str) -> (Json, Principal) {
    let reply = tenant.call(maker, Operation::CreatePortalLink, &json!({ "customer_id": customer })).unwrap();
    let created = json_of(&reply);
    let holder = holder(tenant, token(&created));
    (created, holder)
}

fn token(created: &Json) -> &str {
    created["url"].as_str().unwrap().strip_prefix("https://gate.test/portal?token=").unwrap()
}

/// As the edge reads a link.
fn holder(tenant: &Tenant, token: &str) -> Principal {
    let presented = parse_link(&tenant.secrets.mac, LinkKind::Portal, token).unwrap();
    assert_eq!(presented.subject, tenant.org.body());
    Principal::Portal { org: tenant.org.clone(), digest: presented.digest }
}

fn id_of(created: &Json) -> PortalLinkId {
    PortalLinkId::parse(created["id"].as_str().unwrap()).unwrap()
}

fn portal(tenant: &Tenant, holder: &Principal) -> Result<Json, Code> {
    match tenant.call(holder, Operation::GetPortal, &Json::Null) {
        Ok(reply) => Ok(json_of(&reply)),
        refused => Err(code(refused)),
    }
}

fn open_links(tenant: &Tenant) -> usize {
    tenant.ok(Operation::ListPortalLinks(Page::default()), &Json::Null)["data"].as_array().unwrap().len()
}

fn add_endpoint(tenant: &Tenant, customer: Option<&str>) -> EndpointId {
    let mut body = json!({ "url": "https://example.com/hook" });
    if let Some(customer) = customer {
        body["customer_id"] = customer.into();
    }
    EndpointId::parse(tenant.ok(Operation::CreateEndpoint, &body)["id"].as_str().unwrap()).unwrap()
}

#[test]
fn a_link_says_whose_it_is_and_when_it_ends_and_its_token_is_on_no_disk() {
    let tenant = Tenant::new(1);
    let body = json!({ "customer_id": "cus_1", "expires_in_seconds": 60 });
    let created = tenant.ok(Operation::CreatePortalLink, &body);
    assert_eq!(created["expires_at"], protocol::time::rfc3339(NOW + 60_000));
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["target"]), (&json!("portal_link.created"), &created["id"]));
    assert_eq!(event["metadata"]["customer_id"], "cus_1");

    let seen = portal(&tenant, &holder(&tenant, token(&created))).unwrap();
    assert_eq!((&seen["customer_id"], &seen["id"]), (&json!("cus_1"), &created["id"]));
    assert!(seen.get("url").is_none() && !seen.to_string().contains("digest"));
    let secret = &token(&created).as_bytes()[30..82];
    assert!(!tenant.sql.bytes().windows(secret.len()).any(|window| window == secret));

    let (hour, _) = link(&tenant, "cus_1");
    assert_eq!(hour["expires_at"], protocol::time::rfc3339(NOW + 3_600_000));
    assert_eq!(open_links(&tenant), 2);
}

#[test]
fn what_is_no_customer_or_no_time_is_refused() {
    let tenant = Tenant::new(1);
    let long = "x".repeat(129);
    for customer in ["", "a b", "a/b", "<script>", "é", "a\n", long.as_str()] {
        let refused =
            tenant.call(&tenant.founder, Operation::CreatePortalLink, &json!({ "customer_id": customer }));
        assert_eq!(code(refused), Code::ValidationFailed, "{customer}");
    }
    for seconds in [json!(0), json!(59), json!(86_401), json!(-1), json!("60"), json!(4_294_967_296_u64)] {
        let body = json!({ "customer_id": "c", "expires_in_seconds": seconds });
        let refused = tenant.call(&tenant.founder, Operation::CreatePortalLink, &body);
        assert_eq!(code(refused), Code::ValidationFailed, "{seconds}");
    }
    for seconds in [60, 86_400] {
        tenant.ok(Operation::CreatePortalLink, &json!({ "customer_id": "c", "expires_in_seconds": seconds }));
    }
}

#[test]
fn a_link_ends_to_the_millisecond_and_its_row_with_it() {
    let mut tenant = Tenant::new(1);
    let (created, holder) = link(&tenant, "cus_1");
    tenant.now_ms = NOW + 3_599_999;
    assert!(portal(&tenant, &holder).is_ok());
    assert!(!purge(tenant.context(&call(Principal::Anonymous, Operation::LogIn))).unwrap());
    assert_eq!(tenant.count("portal_links"), 1);

    tenant.now_ms = NOW + 3_600_000;
    assert_eq!(portal(&tenant, &holder), Err(Code::Unauthenticated));
    assert_eq!(open_links(&tenant), 0);
    let closed =
        tenant.call(&tenant.founder, Operation::DeletePortalLink { id: id_of(&created) }, &Json::Null);
    assert_eq!(code(closed), Code::NotFound);
    purge(tenant.context(&call(Principal::Anonymous, Operation::LogIn))).unwrap();
    assert_eq!(tenant.count("portal_links"), 0);
}

#[test]
fn n8_a_link_that_is_closed_opens_nothing_in_the_next_call() {
    let tenant = Tenant::new(1);
    let (created, holder) = link(&tenant, "cus_1");
    let (_, other) = link(&tenant, "cus_1");
    let close = || Operation::DeletePortalLink { id: id_of(&created) };
    tenant.ok(close(), &Json::Null);
    assert_eq!(tenant.last_event()["action"], "portal_link.deleted");
    assert_eq!(portal(&tenant, &holder), Err(Code::Unauthenticated));
    assert!(portal(&tenant, &other).is_ok());
    assert_eq!(code(tenant.call(&tenant.founder, close(), &Json::Null)), Code::NotFound);
}

#[test]
fn n8_a_link_ends_with_the_rights_of_who_made_it() {
    let tenant = Tenant::new(1);
    let admin = tenant.add_admin(&user(9));
    let (_, by_admin) = link_by(&tenant, &admin, "cus_1");
    let scopes = json!(["endpoints:read", "endpoints:write", "messages:read", "messages:write"]);
    let key = tenant.ok(Operation::CreateApiKey, &json!({ "name": "k", "scopes": scopes }));
    let (_, by_key) = link_by(&tenant, &tenant.principal_of(key["key"].as_str().unwrap()), "cus_1");
    let ended = |holder: &Principal| portal(&tenant, holder) == Err(Code::Unauthenticated);
    assert!(!ended(&by_admin) && !ended(&by_key));

    let id: Value = user(9).id.as_str().into();
    tenant
        .sql
        .exec("UPDATE members SET role = 'member' WHERE user_id = ?", std::slice::from_ref(&id))
        .unwrap();
    assert!(ended(&by_admin), "demoted");
    tenant
        .sql
        .exec("UPDATE members SET role = 'org_admin' WHERE user_id = ?", std::slice::from_ref(&id))
        .unwrap();
    assert!(!ended(&by_admin));
    tenant.sql.exec("DELETE FROM members WHERE user_id = ?", &[id]).unwrap();
    assert!(ended(&by_admin), "removed");

    tenant.sql.exec("UPDATE api_keys SET expires_at = ?", &[NOW.into()]).unwrap();
    assert!(ended(&by_key), "expired");
    let set = "UPDATE api_keys SET expires_at = NULL, scopes = ?";
    tenant.sql.exec(set, &["[\"endpoints:write\"]".into()]).unwrap();
    assert!(ended(&by_key), "of a scope less");
    tenant.sql.exec(set, &[scopes.to_string().into()]).unwrap();
    assert!(!ended(&by_key));
    tenant.sql.exec("UPDATE api_keys SET revoked_at = 1", &[]).unwrap();
    assert!(ended(&by_key), "revoked");
}

#[test]
fn only_who_may_change_endpoints_gives_out_a_link() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let body = json!({ "customer_id": "cus_1" });
    assert_eq!(code(tenant.call(&member, Operation::CreatePortalLink, &body)), Code::Forbidden);
    let key = tenant.key(json!(["endpoints:read", "messages:write"]));
    assert_eq!(code(tenant.call(&key, Operation::CreatePortalLink, &body)), Code::InsufficientScope);
    // Nobody but a link's holder has a portal.
    for principal in [&tenant.founder, &member, &key] {
        assert_eq!(portal(&tenant, principal), Err(Code::Forbidden));
    }
}

#[test]
fn another_orgs_link_or_one_of_another_kind_opens_nothing() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let (created, there) = link(&theirs, "cus_1");
    assert_eq!(portal(&ours, &there), Err(Code::Unauthenticated));
    // The same digest, under our name: a row of theirs is none of ours.
    let Principal::Portal { digest, .. } = &there else { panic!() };
    let moved = Principal::Portal { org: ours.org.clone(), digest: digest.clone() };
    assert_eq!(portal(&ours, &moved), Err(Code::Unauthenticated));
    assert!(portal(&theirs, &there).is_ok());

    let invited =
        ours.ok(Operation::CreateInvitation, &json!({ "email": "u9@example.com", "role": "member" }));
    let invitation = invited["token"].as_str().unwrap();
    assert!(parse_link(&ours.secrets.mac, LinkKind::Portal, invitation).is_err());
    let digest_of = parse_link(&ours.secrets.mac, LinkKind::Invitation, invitation).unwrap().digest;
    let as_portal = Principal::Portal { org: ours.org.clone(), digest: digest_of };
    assert_eq!(portal(&ours, &as_portal), Err(Code::Unauthenticated));

    assert!(parse_link(&theirs.secrets.mac, LinkKind::Invitation, token(&created)).is_err());
    let as_invitation = theirs.ask(&AskOrg::PeekInvitation { digest: digest.clone() });
    assert_eq!(code(as_invitation), Code::InvalidLink);
}

/// What no route leads to: the edge's own operations and its pages'.
fn of_the_edge() -> Vec<Operation> {
    let source = || SourceId::parse(&format!("{:0<30}", "src_")).unwrap();
    vec![
        Operation::SourceKeys { id: source() },
        Operation::GetProviderKey { source: source(), key_id: "k".into() },
        Operation::FinishHandshake { source: source(), secret: protocol::api::ShownOnce("s".into()) },
        Operation::FinishAuthorization { query: protocol::api::ShownOnce("q".into()) },
        Operation::Overview,
    ]
}

/// The boundary: what is not for the portal is refused before anything is looked at, and what is, is this list.
#[test]
fn a_link_opens_what_is_listed_here_and_nothing_else() {
    let tenant = Tenant::new(1);
    let (_, holder) = link(&tenant, "cus_1");
    let mut opened = Vec::new();
    for (method, path, operation) in operations() {
        match operation.is_for_portal() {
            true => opened.push(format!("{method} {path}")),
            false => {
                let refused = tenant.call(&holder, operation.clone(), &Json::Null);
                assert_eq!(code(refused), Code::Forbidden, "{method} {path}");
                assert_eq!(code(tenant.authorize(&holder, operation)), Code::Forbidden, "{method} {path}");
            }
        }
    }
    for operation in of_the_edge() {
        assert_eq!(
            code(tenant.call(&holder, operation.clone(), &Json::Null)),
            Code::Forbidden,
            "{operation:?}"
        );
    }
    assert_eq!(
        opened,
        [
            "GET /v1/endpoints",
            "POST /v1/endpoints",
            "GET /v1/endpoints/{id}",
            "PATCH /v1/endpoints/{id}",
            "DELETE /v1/endpoints/{id}",
            "POST /v1/endpoints/{id}/rotate-secret",
            "POST /v1/endpoints/{id}/test",
            "POST /v1/endpoints/{id}/recover",
            "GET /v1/endpoints/{id}/attempts",
            "GET /v1/endpoints/{id}/deliveries",
            "GET /v1/messages/{id}",
            "GET /v1/messages/{id}/attempts",
            "POST /v1/messages/{id}/endpoints/{endpoint_id}/resend",
            "GET /v1/event-types",
            "GET /v1/event-types/{id}",
        ]
    );
}

/// Of an endpoint that is somebody else's the holder learns as much as of one that there is not.
#[test]
fn b8_another_customers_endpoint_and_the_workspaces_own_are_not_there() {
    let tenant = Tenant::new(1);
    let (_, holder) = link(&tenant, "cus_1");
    let own = add_endpoint(&tenant, Some("cus_1"));
    let hidden = [add_endpoint(&tenant, Some("cus_2")), add_endpoint(&tenant, None)];
    let nowhere = EndpointId::new(0, [9; 10]);
    let asks = |id: &EndpointId| {
        let page = Page::default;
        [
            (Operation::GetEndpoint { id: id.clone() }, json!(null)),
            (Operation::UpdateEndpoint { id: id.clone() }, json!({ "description": "x" })),
            (Operation::RotateEndpointSecret { id: id.clone() }, json!({})),
            (Operation::TestEndpoint { id: id.clone() }, json!(null)),
            (Operation::RecoverEndpoint { id: id.clone() }, json!({ "since": "2026-11-22T00:00:00Z" })),
            (Operation::ListAttempts { id: id.clone(), page: page() }, json!(null)),
            (Operation::ListDeliveries { id: id.clone(), status: None, page: page() }, json!(null)),
            (Operation::DeleteEndpoint { id: id.clone() }, json!(null)),
        ]
    };
    let said = |result: Result<Reply, AppError>| {
        let error = result.map(|_| ()).unwrap_err();
        let (code, detail) = error.public();
        (code, detail.map(ToString::to_string))
    };
    for id in &hidden {
        for ((operation, body), (unknown, _)) in asks(id).into_iter().zip(asks(&nowhere)) {
            let found = said(tenant.call(&holder, operation.clone(), &body));
            assert_eq!(found.0, Code::NotFound, "{operation:?}");
            assert_eq!(found, said(tenant.call(&holder, unknown, &body)), "{operation:?}");
        }
        assert!(tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null)["id"].is_string());
    }
    let list = |customer: Option<&str>| {
        let customer_id = customer.map(str::to_owned);
        let list = Operation::ListEndpoints { customer_id, page: Page::default() };
        json_of(&tenant.call(&holder, list, &Json::Null).unwrap())["data"].take()
    };
    assert_eq!(list(None).as_array().unwrap().len(), 1);
    assert_eq!(list(None)[0]["id"], own.as_str());
    // Asking for another customer's gives no more than asking for nobody's in particular.
    assert!(!list(Some("cus_2")).to_string().contains(hidden[0].as_str()));
}

#[test]
fn what_a_link_makes_and_changes_is_its_customers() {
    let tenant = Tenant::new(1);
    let (created, holder) = link(&tenant, "cus_1");
    let ask = |operation, body: Json| tenant.call(&holder, operation, &body);
    let made = json_of(&ask(Operation::CreateEndpoint, json!({ "url": "https://example.com/a" })).unwrap());
    assert_eq!(made["customer_id"], "cus_1");
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["actor"]), (&json!("endpoint.created"), &created["id"]));

    let source = format!("{:0<30}", "src_");
    for more in [
        json!({ "customer_id": "cus_2" }),
        json!({ "sources": [source] }),
        json!({ "rate_limit": { "limit": 1, "period_seconds": 1 } }),
    ] {
        let mut body = json!({ "url": "https://example.com/a" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = code(ask(Operation::CreateEndpoint, body));
        assert!(matches!(refused, Code::Forbidden | Code::ValidationFailed), "{more}: {refused:?}");
    }
    let id = EndpointId::parse(made["id"].as_str().unwrap()).unwrap();
    for more in [
        json!({ "sources": [source] }),
        json!({ "rate_limit": { "limit": 1, "period_seconds": 1 } }),
        json!({ "rate_limit": null }),
    ] {
        let refused = code(ask(Operation::UpdateEndpoint { id: id.clone() }, more.clone()));
        assert!(matches!(refused, Code::Forbidden | Code::ValidationFailed), "{more}: {refused:?}");
    }
    let changed = ask(Operation::UpdateEndpoint { id: id.clone() }, json!({ "disabled": true })).unwrap();
    assert_eq!(json_of(&changed)["disabled_reason"], "manual");
    assert!(ask(Operation::DeleteEndpoint { id }, Json::Null).is_ok());
}

/// A message to somebody else is not there; nor is what was tried with one that went to others besides.
#[test]
fn b8_a_message_to_another_customer_is_not_there() {
    let tenant = Tenant::new(1);
    let (_, holder) = link(&tenant, "cus_1");
    let own = add_endpoint(&tenant, Some("cus_1"));
    let other = add_endpoint(&tenant, Some("cus_2"));
    let publish = |customer: &str| {
        let body = json!({ "event_type": "invoice.paid", "payload": { "n": 1 }, "customer_id": customer });
        let made = tenant.ok(Operation::PublishMessage, &body);
        MessageId::parse(made["id"].as_str().unwrap()).unwrap()
    };
    let (mine, theirs) = (publish("cus_1"), publish("cus_2"));
    let nowhere = MessageId::new(0, [9; 10]);
    let get = |id: &MessageId| tenant.call(&holder, Operation::GetMessage { id: id.clone() }, &Json::Null);
    let attempts = |id: &MessageId| {
        let list = Operation::ListMessageAttempts { id: id.clone(), page: Page::default() };
        tenant.call(&holder, list, &Json::Null)
    };
    let resend = |id: &MessageId, endpoint: &EndpointId| {
        let again = Operation::ResendMessage { id: id.clone(), endpoint: endpoint.clone() };
        tenant.call(&holder, again, &Json::Null)
    };
    assert!(get(&mine).is_ok() && attempts(&mine).is_ok() && resend(&mine, &own).is_ok());
    for id in [&theirs, &nowhere] {
        assert_eq!(code(get(id)), Code::NotFound);
        assert_eq!(code(attempts(id)), Code::NotFound);
        assert_eq!(code(resend(id, &own)), Code::NotFound);
        assert_eq!(code(resend(id, &other)), Code::NotFound);
    }
    assert_eq!(code(resend(&mine, &other)), Code::NotFound);
}

#[test]
fn a_thousand_links_are_open_at_a_time_at_most() {
    let mut tenant = Tenant::new(1);
    tenant
        .sql
        .exec(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
             INSERT INTO portal_links SELECT 'ptl_' || i, 'd' || i, 'c', 'usr_x', 0, ? FROM n",
            &[(NOW + 1000).into()],
        )
        .unwrap();
    let make = |tenant: &Tenant| {
        tenant.call(&tenant.founder, Operation::CreatePortalLink, &json!({ "customer_id": "c" }))
    };
    assert_eq!(code(make(&tenant)), Code::RateLimited);
    tenant.now_ms = NOW + 1000;
    assert!(make(&tenant).is_ok(), "those that have ended don't count");
}

#[test]
fn who_holds_a_link_does_not_spend_what_is_the_orgs() {
    let tenant = Tenant::new(1);
    let (_, holder) = link(&tenant, "cus_1");
    let limit = protocol::api::RateLimit { limit: 2, period_seconds: 600 };
    let limits = protocol::api::OrgLimits { principal: Some(limit), org: Some(limit) };
    tenant.ask(&AskOrg::SetLimits { operator: user(99).id, limits }).unwrap();
    for _ in 0..5 {
        assert!(portal(&tenant, &holder).is_ok());
    }
    let me = || tenant.call(&tenant.founder, Operation::Me, &Json::Null);
    assert!(me().is_ok() && me().is_ok());
    assert!(matches!(me(), Err(AppError::Limited { .. })));
}

/// A customer's own users are no flood for the workspace: in changes, in events, in what the plan includes.
#[test]
fn who_holds_links_floods_nothing_of_the_workspaces() {
    let mut tenant = Tenant::new(1);
    add_endpoint(&tenant, None);
    let holders = [link(&tenant, "cus_1").1, link(&tenant, "cus_1").1];
    let other = link(&tenant, "cus_2").1;
    let id = add_endpoint(&tenant, Some("cus_1"));
    let disabled = |by: &Principal, disabled: bool| {
        let update = Operation::UpdateEndpoint { id: id.clone() };
        tenant.call(by, update, &json!({ "disabled": disabled })).map(|_| ())
    };
    let done = (0..200).filter(|n| disabled(&holders[n % 2], (n / 2) % 2 == 0).is_ok()).count();
    assert_eq!(done, 60, "the links of a customer count together");
    let hundred = (0..100).all(|_| portal(&tenant, &holders[0]).is_ok());
    assert!(hundred, "reading is another matter");
    let body = json!({ "url": "https://example.com/a" });
    assert!(tenant.call(&other, Operation::CreateEndpoint, &body).is_ok(), "another customer has their own");
    assert!(tenant.call(&tenant.founder, Operation::CreateEndpoint, &body).is_ok());
    tenant.now_ms += 600_000;
    for n in 0..50 {
        let update = Operation::UpdateEndpoint { id: id.clone() };
        tenant.call(&holders[0], update, &json!({ "disabled": n % 2 == 0 })).unwrap();
    }
    let events = "SELECT COUNT(*) FROM messages WHERE event_type = 'endpoint.disabled'";
    let told = tenant.sql.exec(events, &[]).unwrap()[0].number(0).unwrap();
    assert!((1..=24).contains(&told), "{told} events");
}

#[test]
fn the_last_tenth_of_the_endpoints_is_the_workspaces_own() {
    let mut tenant = Tenant::new(1);
    tenant.config.plans.plans.get_mut("free").unwrap().endpoints = 11;
    let holder = link(&tenant, "cus_1").1;
    let body = json!({ "url": "https://example.com/a" });
    let make = |by: &Principal| tenant.call(by, Operation::CreateEndpoint, &body);
    for _ in 0..9 {
        assert!(make(&holder).is_ok());
    }
    assert_eq!(code(make(&holder)), Code::PlanRequired);
    assert!(make(&tenant.founder).is_ok() && make(&tenant.founder).is_ok());
    assert_eq!(code(make(&tenant.founder)), Code::PlanRequired);
}
