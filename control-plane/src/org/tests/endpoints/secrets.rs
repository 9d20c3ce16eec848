//! Secrets: which ones sign, for whom they open, when they are gone.

use super::*;
use crate::org::endpoints::sign;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use webhooks::{Signer as _, SigningKey};

const HOST: &str = "example.com";

/// The entries of `webhook-signature` of a delivery to a host.
fn signatures(tenant: &Tenant, id: &EndpointId, host: &str) -> Result<Vec<String>, AppError> {
    let call = call(Principal::Anonymous, Operation::LogIn);
    let headers = sign(tenant.context(&call), id, &[host.to_owned()], "msg_1", tenant.now_ms / 1000, b"{}")?;
    let [id, timestamp, signature] = headers;
    assert_eq!(
        (id, timestamp),
        (("webhook-id", "msg_1".into()), ("webhook-timestamp", (tenant.now_ms / 1000).to_string()))
    );
    assert_eq!(signature.0, "webhook-signature");
    Ok(signature.1.split(' ').map(str::to_owned).collect())
}

/// What a receiver that holds this secret expects.
fn expected(tenant: &Tenant, answer: &Json) -> String {
    let secret = STANDARD.decode(answer["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
    let timestamp = (tenant.now_ms / 1000).to_string();
    SigningKey::from_bytes(&secret).unwrap().entry(&[b"msg_1.", timestamp.as_bytes(), b".{}"])
}

fn rotate(tenant: &Tenant, id: &EndpointId, body: &Json) -> Json {
    tenant.ok(Operation::RotateEndpointSecret { id: id.clone() }, body)
}

fn sealed(tenant: &Tenant, table: &str) -> Vec<u8> {
    tenant.sql.exec(&format!("SELECT sealed FROM {table}"), &[]).unwrap()[0].blob(0).unwrap().to_vec()
}

fn on_disk(tenant: &Tenant, bytes: &[u8]) -> bool {
    tenant.sql.bytes().windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn m8_during_the_overlap_both_secrets_sign_newest_first_and_then_the_new_one_alone() {
    let mut tenant = Tenant::new(1);
    let created = create(&tenant, &endpoint("https://example.com/hook"));
    let id = id_of(&created);
    assert_eq!(signatures(&tenant, &id, HOST).unwrap(), [expected(&tenant, &created)]);

    let rotated = rotate(&tenant, &id, &json!({}));
    let until = protocol::time::rfc3339(NOW + DAY);
    assert_eq!(rotated["previous_secret_until"], until);
    let view = tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null);
    assert_eq!(view["previous_secret_until"], until);
    assert_eq!(
        (&tenant.last_event()["action"], &tenant.last_event()["metadata"]),
        (&json!("endpoint.secret_rotated"), &json!({ "overlap_seconds": 86_400 }))
    );
    tenant.now_ms = NOW + DAY - 1;
    let both = [expected(&tenant, &rotated), expected(&tenant, &created)];
    assert_eq!(signatures(&tenant, &id, HOST).unwrap(), both);

    tenant.now_ms += 1;
    assert_eq!(signatures(&tenant, &id, HOST).unwrap(), [expected(&tenant, &rotated)]);
    let view = tenant.ok(Operation::GetEndpoint { id }, &Json::Null);
    assert!(view["previous_secret_until"].is_null());
    let former = sealed(&tenant, "endpoint_secrets");
    assert!(on_disk(&tenant, &former));
    let retention = call(Principal::Anonymous, Operation::LogIn);
    purge(tenant.context(&retention)).unwrap();
    assert!(!on_disk(&tenant, &former) && tenant.count("endpoint_secrets") == 0);
}

#[test]
fn m8_one_former_secret_signs_at_a_time_and_none_where_no_overlap_is_asked_for() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    let second = rotate(&tenant, &id, &json!({ "overlap_seconds": 604_800 }));
    let first = sealed(&tenant, "endpoint_secrets");
    let third = rotate(&tenant, &id, &json!({ "overlap_seconds": 60 }));
    let both = [expected(&tenant, &third), expected(&tenant, &second)];
    assert_eq!(signatures(&tenant, &id, HOST).unwrap(), both);
    assert!(!on_disk(&tenant, &first), "the first is wiped");

    let former = [sealed(&tenant, "endpoints"), sealed(&tenant, "endpoint_secrets")];
    let fourth = rotate(&tenant, &id, &json!({ "overlap_seconds": 0 }));
    assert!(fourth["previous_secret_until"].is_null());
    assert_eq!(signatures(&tenant, &id, HOST).unwrap(), [expected(&tenant, &fourth)]);
    assert!(former.iter().all(|sealed| !on_disk(&tenant, sealed)), "wiped");

    let rotate = Operation::RotateEndpointSecret { id };
    let refused = tenant.call(&tenant.founder, rotate, &json!({ "overlap_seconds": 604_801 }));
    assert_eq!(detail(refused), "overlap_seconds: must be 0 to 604800");
}

#[test]
fn m8_of_ed25519_the_public_key_is_given_and_the_private_one_never() {
    let tenant = Tenant::new(1);
    let created = create(&tenant, &json!({ "url": "https://example.com", "signature": "v1a" }));
    let id = id_of(&created);
    let rotated = rotate(&tenant, &id, &json!({}));
    let entries = signatures(&tenant, &id, HOST).unwrap();
    for (answer, entry) in [&rotated, &created].into_iter().zip(&entries) {
        let public = answer["secret"].as_str().unwrap().strip_prefix("whpk_").unwrap();
        assert_eq!(STANDARD.decode(public).unwrap().len(), 32);
        assert_eq!(STANDARD.decode(entry.strip_prefix("v1a,").unwrap()).unwrap().len(), 64);
    }
    assert_ne!(created["secret"], rotated["secret"]);
    assert_ne!(entries[0], entries[1]);
}

#[test]
fn m8_no_secret_is_in_any_other_answer_or_on_disk() {
    let tenant = Tenant::new(1);
    let created = create(&tenant, &endpoint("https://example.com"));
    let id = id_of(&created);
    let rotated = rotate(&tenant, &id, &json!({}));
    for answer in [
        update(&tenant, &id, &json!({ "url": "https://other.example" })).unwrap(),
        tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null),
        tenant.ok(Operation::ListEndpoints { customer_id: None, page: Page::default() }, &Json::Null),
        tenant.ok(Operation::ListAudit(Page::default()), &Json::Null),
    ] {
        for shown in [&created, &rotated] {
            assert!(!answer.to_string().contains(&shown["secret"].as_str().unwrap()[6..]), "{answer}");
        }
    }
    for shown in [&created, &rotated] {
        let text = &shown["secret"].as_str().unwrap()[6..];
        assert!(!on_disk(&tenant, text.as_bytes()) && !on_disk(&tenant, &STANDARD.decode(text).unwrap()));
    }
    let shown: protocol::api::RotatedEndpointSecret = serde_json::from_value(rotated).unwrap();
    assert!(!format!("{shown:?}").contains(&shown.secret.0[6..]));
    let kept = [sealed(&tenant, "endpoints"), sealed(&tenant, "endpoint_secrets")];
    tenant.ok(Operation::DeleteEndpoint { id }, &Json::Null);
    assert!(kept.iter().all(|sealed| !on_disk(&tenant, sealed)), "wiped with the endpoint");
    assert_eq!((tenant.count("endpoint_secrets"), tenant.count("endpoint_headers")), (0, 0));
}

#[test]
fn a_rotation_is_made_once_for_an_idempotency_key() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    let mut call = call(tenant.founder.clone(), Operation::RotateEndpointSecret { id: id.clone() });
    call.idempotency_key = Some("k".into());
    let rotate = || handle(tenant.context(&call), b"").unwrap().body;
    let first = rotate();
    assert_eq!(first, rotate());
    let rotated = serde_json::from_slice(&first).unwrap();
    assert_eq!(signatures(&tenant, &id, HOST).unwrap()[0], expected(&tenant, &rotated));
}

#[test]
fn b2_secrets_follow_their_endpoint_to_another_host_and_open_nowhere_else() {
    let tenant = Tenant::new(1);
    let created = create(&tenant, &endpoint("https://example.com"));
    let id = id_of(&created);
    let rotated = rotate(&tenant, &id, &json!({}));
    let before = [sealed(&tenant, "endpoints"), sealed(&tenant, "endpoint_secrets")];
    update(&tenant, &id, &json!({ "url": "https://other.example" })).unwrap();
    let both = [expected(&tenant, &rotated), expected(&tenant, &created)];
    assert_eq!(signatures(&tenant, &id, "other.example").unwrap(), both);
    assert!(matches!(signatures(&tenant, &id, HOST), Err(AppError::Vault(_))));
    assert!(before.iter().all(|sealed| !on_disk(&tenant, sealed)));
    for table in ["endpoints", "endpoint_secrets"] {
        let hosts = tenant.sql.exec(&format!("SELECT allowed_hosts FROM {table}"), &[]).unwrap();
        assert_eq!(hosts[0].text(0), Ok("[\"other.example\"]"), "{table}: as reseal reads it");
    }
}

/// As somebody would who can write to the database.
#[test]
fn b2_a_secret_that_was_moved_to_another_row_does_not_open() {
    let tenant = Tenant::new(1);
    let victim = id_of(&create(&tenant, &endpoint("https://example.com")));
    let evil = id_of(&create(&tenant, &endpoint("https://evil.example")));
    let points = "UPDATE endpoints SET url = 'https://evil.example/', allowed_hosts = '[\"evil.example\"]'";
    tenant.sql.exec(points, &[]).unwrap();
    assert!(matches!(signatures(&tenant, &victim, "evil.example"), Err(AppError::Vault(_))));
    let moves = "UPDATE endpoints SET sealed = (SELECT sealed FROM endpoints WHERE id = ?) WHERE id = ?";
    tenant.sql.exec(moves, &[victim.as_str().into(), evil.as_str().into()]).unwrap();
    for host in [HOST, "evil.example"] {
        assert!(matches!(signatures(&tenant, &evil, host), Err(AppError::Vault(_))), "{host}");
    }
    let former =
        "INSERT INTO endpoint_secrets SELECT ?, allowed_hosts, sealed, ? FROM endpoints WHERE id = ?";
    let ends_at = (NOW + DAY).into();
    tenant.sql.exec(former, &[evil.as_str().into(), ends_at, victim.as_str().into()]).unwrap();
    assert!(signatures(&tenant, &evil, "evil.example").is_err());
    // And it is not sealed anew to where a row was pointed.
    let change = Operation::UpdateEndpoint { id: victim };
    let moved = tenant.call(&tenant.founder, change, &json!({ "url": "https://third.example" }));
    assert!(matches!(moved, Err(AppError::Vault(_))));
}

#[test]
fn nothing_is_signed_for_an_endpoint_that_is_no_more() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    tenant.ok(Operation::DeleteEndpoint { id: id.clone() }, &Json::Null);
    assert!(matches!(signatures(&tenant, &id, HOST), Err(AppError::Refused(Code::NotFound, _))));
}
