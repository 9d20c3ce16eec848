//! Custom headers: what may be one, and that nobody sees their values.

use super::*;
use crate::org::endpoints::{custom_headers, sign};
use secrecy::ExposeSecret as _;

fn with(headers: &Json) -> Json {
    json!({ "url": "https://example.com/hook", "headers": headers })
}

/// The headers that a delivery to these hosts carries.
fn sent(tenant: &Tenant, id: &EndpointId, host: &str) -> Result<Vec<(String, String)>, AppError> {
    let call = call(Principal::Anonymous, Operation::LogIn);
    let headers = custom_headers(tenant.context(&call), id, &[host.to_owned()])?;
    Ok(headers.into_iter().map(|(name, value)| (name, value.expose_secret().to_owned())).collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn headers_are_sent_as_they_came_and_their_values_are_never_shown() {
    let tenant = Tenant::new(1);
    let value = secret("header");
    let created = create(&tenant, &with(&json!({ "Authorization": value, "X-Team": "a: b  c" })));
    let id = id_of(&created);
    assert_eq!(created["header_names"], json!(["authorization", "x-team"]));
    let expected = pairs(&[("authorization", &value), ("x-team", "a: b  c")]);
    assert_eq!(sent(&tenant, &id, "example.com").unwrap(), expected);

    update(&tenant, &id, &json!({ "description": "x" })).unwrap();
    for answer in [
        created,
        tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null),
        tenant.ok(Operation::ListEndpoints { customer_id: None, page: Page::default() }, &Json::Null),
        tenant.ok(Operation::ListAudit(Page::default()), &Json::Null),
    ] {
        assert!(!answer.to_string().contains(&value));
    }
    let request: protocol::api::NewEndpoint = serde_json::from_value(with(&json!({ "x-a": value }))).unwrap();
    assert!(!format!("{request:?}").contains(&value));
    let on_disk = |bytes: &[u8]| tenant.sql.bytes().windows(bytes.len()).any(|window| window == bytes);
    assert!(!on_disk(value.as_bytes()));
    let row = tenant.sql.exec("SELECT sealed FROM endpoint_headers", &[]).unwrap();
    let sealed = row[0].blob(0).unwrap();
    assert!(on_disk(sealed));
    assert_eq!(update(&tenant, &id, &json!({ "headers": {} })).unwrap()["header_names"], json!([]));
    assert!(!on_disk(sealed), "wiped");
    assert_eq!(sent(&tenant, &id, "example.com").unwrap(), []);
}

#[test]
fn what_http_a_proxy_or_the_signature_uses_is_no_custom_header() {
    let tenant = Tenant::new(1);
    let brand = format!("X-{}-Anything", tenant.config.brand.header_name());
    for name in [
        "Host",
        "Content-Length",
        "content-type",
        "Content-Encoding",
        "Connection",
        "keep-alive",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Proxy-Authorization",
        "Expect",
        "Cookie",
        "User-Agent",
        "Webhook-Id",
        "webhook-signature",
        "svix-id",
        "Sluicegate-Call",
        "X-Sluicegate-Signature",
        &brand,
        "X-Forwarded-For",
        "CF-Connecting-IP",
        "Forwarded",
        "sec-fetch-site",
        "X-HTTP-Method-Override",
        "Method-Override",
        "X_Forwarded_For",
        "x-forwarded_for",
        "",
        "x y",
        "x:y",
        "x\r\nhost",
        "x\u{e9}",
        ":path",
        &"x".repeat(129),
    ] {
        let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &with(&json!({ name: "v" })));
        assert!(detail(refused).starts_with("headers: a name must be"), "{name}");
    }
    assert_eq!(tenant.count("endpoints"), 0);
}

#[test]
fn a_value_that_would_end_its_line_or_is_not_ascii_is_refused_and_not_repeated() {
    let tenant = Tenant::new(1);
    let secret = secret("header");
    for spoil in
        ["", " x", "x ", "x\r\nhost: evil.example", "x\ny", "x\r", "x\0", "x\ty", "x\u{7f}", "ż", "x\u{2028}"]
    {
        let value = if spoil.is_empty() { String::new() } else { spoil.replace('x', &secret) };
        let refused = detail(tenant.call(
            &tenant.founder,
            Operation::CreateEndpoint,
            &with(&json!({ "x-key": value })),
        ));
        assert!(refused.starts_with("headers: a value must be") && !refused.contains(&secret), "{spoil:?}");
    }
    let longest = "v".repeat(1024);
    create(&tenant, &with(&json!({ "x-key": longest })));
    let refused = with(&json!({ "x-key": format!("{longest}v") }));
    assert!(tenant.call(&tenant.founder, Operation::CreateEndpoint, &refused).is_err());
}

#[test]
fn ten_headers_at_most_each_once() {
    let tenant = Tenant::new(1);
    let many = |count: u32| {
        with(&(0..count).map(|n| (format!("x-{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into())
    };
    create(&tenant, &many(10));
    let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &many(11));
    assert_eq!(detail(refused), "headers: at most 10");
    let twice = with(&json!({ "X-Key": "a", "x-key": "b" }));
    let refused = tenant.call(&tenant.founder, Operation::CreateEndpoint, &twice);
    assert_eq!(detail(refused), "headers: a name is there twice");
}

#[test]
fn b2_headers_stay_on_their_host_and_go_with_it() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &with(&json!({ "x-key": "one" }))));
    update(&tenant, &id, &json!({ "url": "https://EXAMPLE.com:443/other" })).unwrap();
    assert_eq!(sent(&tenant, &id, "example.com").unwrap(), pairs(&[("x-key", "one")]));
    let moved = json!({ "url": "https://other.example/", "headers": { "x-new": "two" } });
    assert_eq!(update(&tenant, &id, &moved).unwrap()["header_names"], json!(["x-new"]));
    assert_eq!(sent(&tenant, &id, "other.example").unwrap(), pairs(&[("x-new", "two")]));
    let moved = update(&tenant, &id, &json!({ "url": "https://other.example:8443/" })).unwrap();
    assert_eq!((&moved["header_names"], tenant.count("endpoint_headers")), (&json!([]), 0));
    assert_eq!(sent(&tenant, &id, "other.example:8443").unwrap(), []);
}

#[test]
fn b2_headers_open_for_their_endpoint_and_host_alone() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &with(&json!({ "x-key": "one" }))));
    let other = id_of(&create(&tenant, &endpoint("https://example.com")));
    assert!(matches!(sent(&tenant, &id, "evil.example"), Err(AppError::Vault(_))));
    // As somebody would who can write to the database.
    let moves = "UPDATE endpoint_headers SET endpoint_id = ?, allowed_hosts = '[\"evil.example\"]'";
    tenant.sql.exec(moves, &[other.as_str().into()]).unwrap();
    for host in ["example.com", "evil.example"] {
        assert!(matches!(sent(&tenant, &other, host), Err(AppError::Vault(_))));
    }
    tenant.sql.exec("UPDATE endpoints SET sealed = (SELECT sealed FROM endpoint_headers)", &[]).unwrap();
    let call = call(Principal::Anonymous, Operation::LogIn);
    let signed = sign(tenant.context(&call), &id, &["example.com".to_owned()], "msg_1", 1, b"{}");
    assert!(matches!(signed, Err(AppError::Vault(_))), "they are no secret");
}
