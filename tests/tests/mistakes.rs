//! Mistakes of the first day, as people made them on a running gate: each refusal says which status and code it is, which field
//! or parameter is wrong, and what to send instead. (401 and 403 are `key_rights`' and `api_keys`'.)

use e2e::{Gate, Org, Request, Response};
use serde_json::{Value, json};
use std::net::TcpListener;

/// What `curl -d` sends by itself.
const FORM: &str = "application/x-www-form-urlencoded";

/// A mistake, and what its answer must say.
struct Mistake {
    request: Request,
    status: u16,
    code: &'static str,
    /// Of `errors`; none where no field is wrong.
    field: Option<&'static str>,
    /// Each stands in `detail`.
    says: &'static [&'static str],
}

impl Mistake {
    fn check(self) {
        let response = self.request.send();
        let detail = response.problem(self.code);
        assert_eq!(response.status, self.status, "{response}");
        for word in self.says {
            assert!(detail.contains(word), "{word:?} is not said: {response}");
        }
        let errors = errors(&response);
        let fields: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(fields, Vec::from_iter(self.field), "{response}");
        // The same words at the field as in the text.
        for error in &errors {
            let message = error["message"].as_str().unwrap();
            assert!(!message.is_empty() && detail.contains(message), "{response}");
        }
    }
}

fn errors(response: &Response) -> Vec<Value> {
    let problem: Value = serde_json::from_slice(&response.body).unwrap();
    problem.get("errors").map(|errors| errors.as_array().unwrap().clone()).unwrap_or_default()
}

/// An API key with every scope, as the banner of `cargo xtask dev` gives one, and its workspace.
fn everything() -> (Org, e2e::ApiKey) {
    let org = Org::sign_up(Gate::shared());
    let scopes: Vec<String> = protocol::Scope::all().map(String::from).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let key = org.api_key(&scopes);
    (org, key)
}

/// Row 4: `curl -d` names a form; a body without a type says nothing of itself.
#[test]
fn a_body_of_another_type() {
    let (_, key) = everything();
    let body = r#"{"provider":"github","name":"n","secret":"0123456789abcdef0123456789abcdef"}"#;
    let post = || key.request("POST", "/v1/sources").body(body);
    for (request, says) in [
        (post().header("content-type", FORM), &[FORM, "curl", "Content-Type: application/json"][..]),
        (post(), &["Content-Type: application/json"]),
        (post().header("content-type", "text/plain"), &["Content-Type: application/json"]),
    ] {
        Mistake { request, status: 415, code: "unsupported_media_type", field: None, says }.check();
    }
}

/// Row 5: what is missing or wrong in a body is named by its path, with what it can be.
#[test]
fn a_field_that_is_missing_wrong_or_unknown() {
    let (_, key) = everything();
    let connection = |auth: Value| {
        let mut body = json!({ "connector": "http", "name": "n", "base_url": "https://api.example.com" });
        if !auth.is_null() {
            body["auth"] = auth;
        }
        key.post("/v1/connections", &body)
    };
    let kinds: &[&str] = &["bearer", "api_key", "basic", "oauth2"];
    let new_key = |body: Value| key.post("/v1/api-keys/verify", &body);
    for (request, field, says) in [
        (connection(Value::Null), "auth", &["missing"][..]),
        (connection(json!({ "type": "token" })), "auth.type", kinds),
        (connection(json!({ "type": "token", "token": "t" })), "auth.type", kinds),
        (connection(json!({ "token": "t" })), "auth.type", &["missing"]),
        (connection(json!({ "type": "bearer" })), "auth.token", &["missing"]),
        (connection(json!({ "type": "basic", "username": "u" })), "auth.password", &["missing"]),
        (connection(json!({ "type": "bearer", "token": "t", "user": "u" })), "auth.user", &["token"]),
        (new_key(json!({})), "key", &["missing"]),
        (new_key(json!({ "keys": "x" })), "keys", &["key"]),
        (key.post("/v1/messages", &json!({ "event_type": "a" })), "payload", &["missing"]),
        (key.post("/v1/messages", &json!({ "event_type": "a b", "payload": 1 })), "event_type", &[]),
    ] {
        Mistake { request, status: 422, code: "validation_failed", field: Some(field), says }.check();
    }
}

/// Row 6: a parameter of the query that is out of range, of another form, unknown or given twice.
#[test]
fn a_parameter_of_the_query() {
    let (_, key) = everything();
    for (target, field, says) in [
        ("/v1/connections?limit=1000", "limit", &["1 to 200"][..]),
        ("/v1/connections?limit=0", "limit", &["1 to 200"]),
        ("/v1/messages?limit=many", "limit", &["1 to 200"]),
        ("/v1/inbound-events?since=yesterday", "since", &["RFC 3339", "2026-11-22T"]),
        ("/v1/inbound-events?since=2026-11-22", "since", &["RFC 3339"]),
        ("/v1/inbound-events?until=1795320000", "until", &["RFC 3339"]),
        ("/v1/inbound-events?source_id=con_x", "source_id", &["src_"]),
        ("/v1/inbound-events?forwarding=broken", "forwarding", &["pending", "delivered", "failed"]),
        ("/v1/inbound-events?source=src_x", "source", &["source_id"]),
        ("/v1/connections?foo=1", "foo", &[]),
        ("/v1/connections?limit=1&limit=2", "limit", &["once"]),
    ] {
        let request = key.get(target);
        Mistake { request, status: 400, code: "invalid_request", field: Some(field), says }.check();
    }
}

/// Row 7: a path that is none, and an id of another kind or cut off.
#[test]
fn a_path_or_an_id_that_is_none() {
    let (_, key) = everything();
    let source = format!("src_{}", "0".repeat(26));
    for (target, says) in [
        ("/v1/connections/con_%E2%80%A6".to_owned(), &["begins with con_"][..]),
        ("/v1/connections/con_%E2%80%A6/proxy/v1/invoices".to_owned(), &["begins with con_"]),
        ("/v1/connections/con_123".to_owned(), &["begins with con_"]),
        (format!("/v1/connections/{source}"), &["begins with con_"]),
        (format!("/v1/endpoints/{source}"), &["begins with end_"]),
        ("/v1/connections/".to_owned(), &["did you mean /v1/connections?"]),
        ("/v1/conections".to_owned(), &["did you mean /v1/connections?"]),
        ("/v1/Connections".to_owned(), &["did you mean /v1/connections?"]),
        ("/connections".to_owned(), &["did you mean /v1/connections?"]),
        ("/messages".to_owned(), &["did you mean /v1/messages?"]),
        ("/v1/nothing-like-it".to_owned(), &["no such path"]),
    ] {
        Mistake { request: key.get(&target), status: 404, code: "not_found", field: None, says }.check();
    }
    // An id that could be somebody else's says nothing.
    let foreign = key.get(&format!("/v1/connections/con_{}", "0".repeat(26))).send();
    assert_eq!(foreign.problem("not_found"), "");
}

/// Row 8: an upstream that does not listen is the upstream's fault, and is said to be.
#[test]
fn an_upstream_that_is_down() {
    let (org, key) = everything();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let auth = json!({ "type": "bearer", "token": e2e::random::text("tok-") });
    let id = org.connection(&format!("http://127.0.0.1:{port}"), &auth);
    let request = key.get(&format!("/v1/connections/{id}/proxy/v1"));
    Mistake { request, status: 502, code: "upstream_unreachable", field: None, says: &[] }.check();
}

/// Row 9: a name that somebody has misspelt, with the one that they meant.
#[test]
fn a_misspelt_name() {
    let (_, key) = everything();
    let source = |provider: &str| {
        let secret = "0123456789abcdef0123456789abcdef";
        key.post("/v1/sources", &json!({ "provider": provider, "name": "n", "secret": secret }))
    };
    let connection = |connector: &str| {
        key.post(
            "/v1/connections",
            &json!({ "connector": connector, "name": "n", "auth": { "type": "oauth2" } }),
        )
    };
    for (request, field, says) in [
        (source("gihub"), "provider", &["did you mean github?"][..]),
        (source("GitHub"), "provider", &["did you mean github?"]),
        (source("strip"), "provider", &["did you mean stripe?"]),
        (source("something-else"), "provider", &["GET /v1/providers"]),
        (connection("gmial"), "connector", &["did you mean gmail?"]),
        (connection("Gmail"), "connector", &["did you mean gmail?"]),
        (connection("something-else"), "connector", &["GET /v1/connectors"]),
    ] {
        Mistake { request, status: 422, code: "validation_failed", field: Some(field), says }.check();
    }
}

/// Row 10: a limit says whose it is, how much it lets through, and when to come again.
#[test]
fn a_limit_that_is_reached() {
    let org = Org::sign_up(Gate::shared());
    let body = json!({
        "name": "slow", "scopes": ["connections:read"], "rate_limit": { "limit": 1, "period_seconds": 3600 },
    });
    let key = e2e::ApiKey::new(&org, &org.post("/v1/api-keys", &body).send().ok(201));
    let refused = (0..20).map(|_| key.get("/v1/connections").send()).find(|response| response.status != 200);
    let refused = refused.expect("a limit of one request in an hour");
    let detail = refused.problem("rate_limited");
    assert_eq!(refused.status, 429);
    let wait = refused.header("retry-after").expect("Retry-After");
    for said in ["key", "at most 1", "in 3600 seconds", &format!("again in {wait} seconds")] {
        assert!(detail.contains(said), "{said:?} is not said: {refused}");
    }
    assert_eq!(errors(&refused), Vec::<Value>::new());
}
