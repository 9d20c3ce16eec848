//! Accounts: sign-up, login, and what they give away.

use super::*;
use crate::store::native::Native;
use serde_json::json;

const NOW: u64 = 1_800_000_000_000;

fn config() -> Config {
    config::parse(include_str!("../../../sluicegate.toml")).unwrap()
}

fn sign_up_body() -> serde_json::Value {
    json!({ "email": " Ada@Example.com ", "password": "correct horse", "name": "Ada", "org_name": "Acme",
            "region": "eu", "accept_terms": true })
}

fn sign_up_with(sql: &Native, body: &serde_json::Value) -> Result<Proven, AppError> {
    sign_up(sql, &config(), NOW, body.to_string().as_bytes())
}

fn log_in_with(sql: &Native, password: &str) -> Result<Proven, AppError> {
    log_in(sql, NOW, json!({ "email": "ada@example.com", "password": password }).to_string().as_bytes())
}

fn refusal<T>(result: Result<T, AppError>) -> (Code, String) {
    match result.map(|_| ()).unwrap_err() {
        AppError::Refused(code, detail) => (code, detail.unwrap_or_default().into_owned()),
        other => panic!("{other}"),
    }
}

#[test]
fn m3_a_password_is_kept_as_bcrypt_at_cost_12_and_proves_its_owner() {
    let sql = Native::new();
    let made = sign_up_with(&sql, &sign_up_body()).unwrap();
    assert_eq!(made.open.user.email, "ada@example.com");
    assert_eq!(made.org.region(), Some(protocol::Region::Eu));
    let hash = sql.exec("SELECT password_hash FROM account", &[]).unwrap()[0].text(0).unwrap().to_owned();
    assert!(hash.starts_with("$2b$12$"), "{hash}");

    let proven = log_in_with(&sql, "correct horse").unwrap();
    assert_eq!((proven.org, proven.open.user), (made.org, made.open.user));
    assert_eq!(refusal(log_in_with(&sql, "wrong horse")).0, Code::InvalidCredentials);
}

#[test]
fn f1_an_account_holds_what_it_says() {
    let sql = Native::new();
    sign_up_with(&sql, &sign_up_body()).unwrap();
    let row = &sql.exec("SELECT email, name, terms_accepted_at, created_at FROM account", &[]).unwrap()[0];
    assert_eq!((row.text(0).unwrap(), row.text(1).unwrap()), ("ada@example.com", "Ada"));
    assert_eq!((row.number(2).unwrap(), row.number(3).unwrap()), (NOW, NOW));
}

#[test]
fn a_login_without_an_account_leaves_nothing_behind() {
    let sql = Native::new();
    assert_eq!(refusal(log_in_with(&sql, "correct horse")).0, Code::InvalidCredentials);
    assert!(migrations::is_empty(&sql).unwrap());
}

#[test]
fn an_email_has_one_account() {
    let sql = Native::new();
    sign_up_with(&sql, &sign_up_body()).unwrap();
    assert_eq!(refusal(sign_up_with(&sql, &sign_up_body())).0, Code::EmailTaken);
}

#[test]
fn what_is_wrong_with_a_sign_up_is_named() {
    for (field, value) in [
        ("email", json!("ada")),
        ("email", json!("a b@example.com")),
        ("email", json!("a@@example.com")),
        ("password", json!("short")),
        ("password", json!("x".repeat(73))),
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("org_name", json!(" padded ")),
        ("accept_terms", json!(false)),
    ] {
        let mut body = sign_up_body();
        body[field] = value.clone();
        let sql = Native::new();
        let (code, detail) = refusal(sign_up_with(&sql, &body));
        assert_eq!(code, Code::ValidationFailed, "{field}");
        assert!(detail.starts_with(field), "{detail}");
        assert!(value.as_str().is_none_or(|v| v.len() < 3 || !detail.contains(v)), "{detail}");
        assert!(migrations::is_empty(&sql).unwrap(), "{field}");
    }
}

#[test]
fn the_router_finds_an_account_by_its_normal_form() {
    let email = |text: &str| email_of(json!({ "email": text, "password": 1 }).to_string().as_bytes());
    assert_eq!(email(" ADA@Example.COM").unwrap(), "ada@example.com");
    assert!(email("nobody").is_err());
}
