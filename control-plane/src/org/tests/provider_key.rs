//! Public keys that a provider gives for a credential.

use super::outside::Outside;
use super::*;
use secrecy::ExposeSecret as _;

const KEY_ID: &str = "6c5516e1-92dc-479e-a8ff-5a51992e0001";
const SECRET: &str = r#"{"client_id":"fake-client","secret":"fake-plaid-secret"}"#;

fn plaid(tenant: &Tenant, secret: &str) -> SourceId {
    let body = json!({ "provider": "plaid", "name": "s", "secret": secret });
    let created = tenant.ok(Operation::CreateSource, &body);
    SourceId::parse(created["id"].as_str().unwrap()).unwrap()
}

fn ask(tenant: &Tenant, source: &SourceId, key_id: &str, outside: &Outside) -> Result<Reply, AppError> {
    let operation = Operation::GetProviderKey { source: source.clone(), key_id: key_id.into() };
    tenant.call_outside(&Principal::Anonymous, operation, &Json::Null, outside)
}

fn key() -> Json {
    json!({ "kid": KEY_ID, "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "x": "eA", "y": "eQ", "expired_at": null })
}

fn answer() -> Json {
    let mut key = key();
    key["d"] = "no member of a public key".into();
    json!({ "key": key, "request_id": "r" })
}

#[test]
fn n3_the_credential_goes_to_plaid_and_only_the_public_key_to_the_edge() {
    let tenant = Tenant::new(1);
    let source = plaid(&tenant, SECRET);
    let outside = Outside::answering([(200, answer())]);
    assert_eq!(json_of(&ask(&tenant, &source, KEY_ID, &outside).unwrap()), json!({ "jwk": key() }));
    let sent = outside.sent.borrow();
    let [request] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(
        (request.method, request.url.as_str()),
        ("POST", "https://production.plaid.com/webhook_verification_key/get")
    );
    let body: Json = serde_json::from_str(request.body.as_ref().unwrap().expose_secret()).unwrap();
    let expected = json!({ "client_id": "fake-client", "secret": "fake-plaid-secret", "key_id": KEY_ID });
    assert_eq!(body, expected);
    assert_eq!(tenant.sources_keys(&source)["secrets"], json!([]), "no business of the edge's");
}

#[test]
fn the_sandboxs_credential_stays_in_the_sandbox() {
    let tenant = Tenant::new(1);
    let source = plaid(&tenant, r#"{"client_id":"a","secret":"b","environment":"sandbox"}"#);
    let outside = Outside::answering([(200, answer())]);
    ask(&tenant, &source, KEY_ID, &outside).unwrap();
    assert_eq!(outside.sent.borrow()[0].url, "https://sandbox.plaid.com/webhook_verification_key/get");
}

#[test]
fn what_is_no_key_of_that_id_is_not_found_and_an_outage_is_said() {
    let tenant = Tenant::new(1);
    let source = plaid(&tenant, SECRET);
    let other = json!({ "key": { "kid": "another" } });
    for (status, body, expected) in [
        (400, json!({ "error_code": "INVALID_FIELD" }), Code::NotFound),
        (200, other, Code::NotFound),
        (200, json!({}), Code::Unavailable),
        (200, json!("x"), Code::Unavailable),
        (302, Json::Null, Code::Unavailable),
        (429, Json::Null, Code::Unavailable),
        (500, Json::Null, Code::Unavailable),
    ] {
        let outside = Outside::answering([(status, body)]);
        assert_eq!(code(ask(&tenant, &source, KEY_ID, &outside)), expected, "{status}");
    }
    assert_eq!(code(ask(&tenant, &source, KEY_ID, &Outside::default())), Code::Unavailable);
}

#[test]
fn n4_what_no_key_is_called_is_not_asked_for() {
    let tenant = Tenant::new(1);
    let (source, outside) = (plaid(&tenant, SECRET), Outside::default());
    for id in ["", "a/../b", "a\"b", "a b", &"x".repeat(65)] {
        assert_eq!(code(ask(&tenant, &source, id, &outside)), Code::NotFound, "{id}");
    }
    // A source of another provider has no such credential, whatever its secret is.
    assert_eq!(code(ask(&tenant, &tenant.new_source(), KEY_ID, &outside)), Code::NotFound);
    assert!(outside.sent.borrow().is_empty());
}

/// M6: ids are made up easily.
#[test]
fn m6_a_flood_of_made_up_ids_asks_plaid_seldom() {
    let tenant = Tenant::new(1);
    let (source, outside) = (plaid(&tenant, SECRET), Outside::default());
    for n in 0..200 {
        assert_eq!(code(ask(&tenant, &source, &format!("kid-{n}"), &outside)), Code::Unavailable);
    }
    assert_eq!(outside.sent.borrow().len(), 60);
}
