//! `GET /v1/providers`: the signature table as a tenant sees it.

use super::*;

#[test]
fn the_whole_table_is_listed_with_what_to_paste_where() {
    let tenant = Tenant::new(1);
    let list = tenant.ok(Operation::ListProviders, &Json::Null);
    let rows = list["data"].as_array().unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(ids.iter().eq(webhooks::providers().iter().map(|row| &row.id)));
    assert!(list["next_cursor"].is_null());

    let stripe = tenant.ok(Operation::GetProvider { provider: "stripe".into() }, &Json::Null);
    assert_eq!(rows.iter().find(|row| row["id"] == "stripe"), Some(&stripe));
    assert_eq!(
        stripe,
        json!({
            "id": "stripe",
            "name": "Stripe",
            "docs": "https://docs.stripe.com/webhooks/signature",
            "secret_hint": "Workbench → Webhooks → your endpoint → Signing secret: whsec_…",
            "credential": "secret",
            "scheme": "HMAC-SHA256 of {timestamp}.{body}, hex, in Stripe-Signature (t=…,v1=…)",
            "tolerance_seconds": 300,
            "signs_url": false,
            "tested": stripe["tested"],
        })
    );
    for row in rows {
        let tested = row["tested"].as_str().unwrap();
        assert!(["sdk", "vector", "documentation"].contains(&tested), "{row}");
    }
}

#[test]
fn a_provider_says_what_it_takes_and_what_it_leaves_open() {
    let tenant = Tenant::new(1);
    let get = |id: &str| tenant.ok(Operation::GetProvider { provider: id.into() }, &Json::Null);
    let discord = get("discord");
    assert_eq!(discord["credential"], "public_key");
    assert_eq!(
        discord["handshake"],
        r#"A signed event with type = 1 and no event.type is answered with {"type":1}. A signed event with type = 0 is answered with status 204."#
    );
    assert_eq!(get("asana")["credential"], "handshake");
    assert_eq!(get("twilio")["signs_url"], true);
    assert!(get("mailgun")["caveat"].as_str().unwrap().contains("not the event"));
    assert!(get("github")["tolerance_seconds"].is_null());
}

#[test]
fn an_unknown_provider_is_not_found() {
    let tenant = Tenant::new(1);
    for id in ["nothing", "Stripe", ""] {
        let unknown = Operation::GetProvider { provider: id.into() };
        assert_eq!(code(tenant.call(&tenant.founder, unknown, &Json::Null)), Code::NotFound, "{id}");
    }
}
