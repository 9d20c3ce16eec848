//! Endpoints of customers: whoever comes by a link to the portal has those of one.

use super::*;

/// Who holds a link to the portal of a customer.
fn portal(tenant: &Tenant, customer: &str) -> Principal {
    let link = protocol::PortalLinkId::new(NOW, [customer.len() as u8; 10]);
    let digest = format!("digest-of-{customer}");
    tenant
        .sql
        .exec(
            "INSERT INTO portal_links (id, digest, customer_id, created_by, created_at, expires_at) \
             VALUES (?, ?, ?, (SELECT user_id FROM members WHERE role = 'org_admin'), 0, ?)",
            &[link.as_str().into(), digest.as_str().into(), customer.into(), (NOW + DAY).into()],
        )
        .unwrap();
    Principal::Portal { org: tenant.org.clone(), digest }
}

fn of(customer: &str) -> Json {
    json!({ "url": "https://example.com/hook", "customer_id": customer })
}

fn ids(tenant: &Tenant, principal: &Principal, customer: Option<&str>) -> Vec<Json> {
    let list = Operation::ListEndpoints { customer_id: customer.map(str::to_owned), page: Page::default() };
    let list = json_of(&tenant.call(principal, list, &Json::Null).unwrap());
    list["data"].as_array().unwrap().iter().map(|endpoint| endpoint["id"].clone()).collect()
}

#[test]
fn n1_a_link_opens_one_customers_endpoints_and_the_rest_is_not_there() {
    let tenant = Tenant::new(1);
    let own = create(&tenant, &of("acme"));
    let foreign = [create(&tenant, &of("acme2")), create(&tenant, &endpoint("https://example.com"))];
    let link = portal(&tenant, "acme");
    assert_eq!(ids(&tenant, &link, None), [own["id"].clone()]);
    assert_eq!(ids(&tenant, &link, Some("acme")), [own["id"].clone()]);
    assert_eq!(ids(&tenant, &link, Some("acme2")), [] as [Json; 0]);
    assert_eq!(ids(&tenant, &tenant.founder, Some("acme2")), [foreign[0]["id"].clone()]);
    assert_eq!(ids(&tenant, &tenant.founder, None).len(), 3);

    let (audit, secrets) = (tenant.count("audit"), sealed(&tenant));
    let unknown = EndpointId::new(NOW, [9; 10]);
    for id in foreign.iter().map(id_of).chain([unknown]) {
        for (operation, body) in [
            (Operation::GetEndpoint { id: id.clone() }, Json::Null),
            (Operation::UpdateEndpoint { id: id.clone() }, json!({ "disabled": true })),
            (Operation::UpdateEndpoint { id: id.clone() }, json!({ "url": "https://evil.example" })),
            (Operation::RotateEndpointSecret { id: id.clone() }, json!({})),
            (Operation::DeleteEndpoint { id: id.clone() }, Json::Null),
            (Operation::ListDeliveries { id: id.clone(), status: None, page: Page::default() }, Json::Null),
            (Operation::ListAttempts { id: id.clone(), page: Page::default() }, Json::Null),
        ] {
            let refused = tenant.call(&link, operation.clone(), &body).map(|_| ()).unwrap_err();
            assert_eq!(refused.public(), (Code::NotFound, None), "{operation:?}");
        }
    }
    assert_eq!((tenant.count("audit"), sealed(&tenant)), (audit, secrets));
    for operation in [
        Operation::GetEndpoint { id: id_of(&own) },
        Operation::RotateEndpointSecret { id: id_of(&own) },
        Operation::DeleteEndpoint { id: id_of(&own) },
    ] {
        assert!(tenant.call(&link, operation.clone(), &json!({})).is_ok(), "{operation:?}");
    }
}

fn sealed(tenant: &Tenant) -> Vec<crate::store::Row> {
    tenant.sql.exec("SELECT id, url, sealed, disabled_at FROM endpoints", &[]).unwrap()
}

#[test]
fn n1_a_link_makes_endpoints_of_its_customer_alone() {
    let tenant = Tenant::new(1);
    let link = portal(&tenant, "acme");
    let make = |body: &Json| tenant.call(&link, Operation::CreateEndpoint, body);
    let created = json_of(&make(&endpoint("https://example.com")).unwrap());
    assert_eq!(created["customer_id"], "acme");
    assert_eq!(json_of(&make(&of("acme")).unwrap())["customer_id"], "acme");
    assert_eq!(detail(make(&of("acme2"))), "customer_id: must be the link's, or absent");
    // Which sources there are is not told.
    for source in [source(&tenant), source(&Tenant::new(2))] {
        let body = json!({ "url": "https://example.com", "sources": [source] });
        assert!(detail(make(&body)).starts_with("sources: an endpoint of a customer gets messages"));
        let change = Operation::UpdateEndpoint { id: id_of(&created) };
        let refused = detail(tenant.call(&link, change, &json!({ "sources": [source] })));
        assert!(refused.starts_with("sources: not from some to none"));
    }
    assert_eq!(tenant.count("endpoints"), 2);
}

#[test]
fn what_a_links_holder_changes_is_recorded_as_theirs() {
    let tenant = Tenant::new(1);
    let link = portal(&tenant, "acme");
    let created = tenant.call(&link, Operation::CreateEndpoint, &endpoint("https://example.com/hook"));
    let id = id_of(&json_of(&created.unwrap()));
    for (operation, body, action) in [
        (Operation::UpdateEndpoint { id: id.clone() }, json!({ "description": "x" }), "endpoint.updated"),
        (Operation::UpdateEndpoint { id: id.clone() }, json!({ "disabled": true }), "endpoint.disabled"),
        (Operation::UpdateEndpoint { id: id.clone() }, json!({ "disabled": false }), "endpoint.enabled"),
        (Operation::RotateEndpointSecret { id: id.clone() }, json!({}), "endpoint.secret_rotated"),
        (Operation::DeleteEndpoint { id: id.clone() }, json!({}), "endpoint.deleted"),
    ] {
        tenant.call(&link, operation, &body).unwrap();
        let event = tenant.last_event();
        assert_eq!((&event["action"], &event["target"]), (&json!(action), &json!(id)));
        assert!(event["actor"].as_str().unwrap().starts_with("ptl_"), "{action}");
        assert_eq!(event["metadata"]["customer_id"], "acme", "{action}");
        assert!(!event.to_string().contains("/hook"), "{action}");
    }
    assert!(tenant.verify_audit().ok);
}

#[test]
fn a_customers_id_is_a_name() {
    let tenant = Tenant::new(1);
    let long = "c".repeat(129);
    for customer in ["", "a b", "a/b", "a\n", "ą", &long] {
        let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &of(customer));
        assert!(detail(refused).starts_with("customer_id: "), "{customer}");
    }
    assert_eq!(create(&tenant, &of("Acme_1.x-y"))["customer_id"], "Acme_1.x-y");
}
