//! URLs: whole for those who could change them, and to nobody who reads the disk.

use super::*;

const WHOLE: &str = "https://example.com/services/hush?token=hush";
const SHOWN: &str = "https://example.com/…";

fn on_disk(tenant: &Tenant, bytes: &[u8]) -> bool {
    tenant.sql.bytes().windows(bytes.len()).any(|window| window == bytes)
}

fn seen_by(tenant: &Tenant, principal: &Principal, id: &EndpointId) -> [Json; 2] {
    let one = Operation::GetEndpoint { id: id.clone() };
    let all = Operation::ListEndpoints { customer_id: None, page: Page::default() };
    let [mut one, mut all] =
        [one, all].map(|operation| json_of(&tenant.call(principal, operation, &Json::Null).unwrap()));
    [one["url"].take(), all["data"][0]["url"].take()]
}

#[test]
fn a_url_is_whole_for_those_who_may_change_it_and_in_no_list() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint(WHOLE)));
    assert_eq!(seen_by(&tenant, &tenant.founder, &id), [WHOLE, SHOWN]);
    let writer = tenant.key(json!(["endpoints:read", "endpoints:write"]));
    assert_eq!(seen_by(&tenant, &writer, &id), [WHOLE, SHOWN]);
    let reader = tenant.key(json!(["endpoints:read"]));
    assert_eq!(seen_by(&tenant, &reader, &id), [SHOWN, SHOWN]);
    let member = tenant.add_member(&user(2));
    assert_eq!(seen_by(&tenant, &member, &id), [SHOWN, SHOWN]);
}

#[test]
fn invariant_3_a_url_is_sealed_and_wiped_when_it_changes_or_goes() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint(WHOLE)));
    let sealed = || {
        let rows = tenant.sql.exec("SELECT sealed FROM endpoint_urls", &[]).unwrap();
        rows.first().map(|row| row.blob(0).unwrap().to_vec())
    };
    let first = sealed().unwrap();
    assert!(on_disk(&tenant, &first));
    update(&tenant, &id, &json!({ "url": format!("{WHOLE}2") })).unwrap();
    let second = sealed().unwrap();
    assert!(!on_disk(&tenant, &first) && on_disk(&tenant, &second));
    assert_eq!(seen_by(&tenant, &tenant.founder, &id)[0], format!("{WHOLE}2"));
    assert!(!on_disk(&tenant, b"hush"));
    tenant.ok(Operation::DeleteEndpoint { id }, &Json::Null);
    assert!(sealed().is_none() && !on_disk(&tenant, &second));
}

/// As somebody would who can write to the database.
#[test]
fn b2_a_url_that_was_moved_to_another_endpoint_does_not_open() {
    let tenant = Tenant::new(1);
    let victim = id_of(&create(&tenant, &endpoint(WHOLE)));
    let evil = id_of(&create(&tenant, &endpoint("https://example.com/evil")));
    let moves = "UPDATE endpoint_urls SET sealed = (SELECT sealed FROM endpoint_urls WHERE endpoint_id = ?) WHERE endpoint_id = ?";
    tenant.sql.exec(moves, &[evil.as_str().into(), victim.as_str().into()]).unwrap();
    let seen = tenant.call(&tenant.founder, Operation::GetEndpoint { id: victim }, &Json::Null);
    assert!(matches!(seen, Err(AppError::Vault(_))));
}
