//! Changes by cookie come from our own pages alone (claim M5).

use e2e::{Client, Gate, Org};
use serde_json::json;

/// M5: of every combination, only the session's own token from our own origin makes a change.
#[test]
fn m5_a_change_by_cookie_needs_its_token_and_its_origin() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let browser = org.browser();
    let own_origin = org.origin();
    let second_session = org.log_in().ok(200)["session"]["cookie"].as_str().unwrap().to_owned();
    let second = org.cookie(&second_session).get("/v1/me").send().ok(200)["csrf_token"].clone();
    let token = second.as_str().unwrap();
    let csrf = |value: &str| browser.with("x-csrf-token", value);

    let refused: [(&str, Client, &str); 12] = [
        ("no token", browser.without("x-csrf-token"), "csrf_failed"),
        ("an empty token", csrf(""), "csrf_failed"),
        ("a made-up token", csrf(&"A".repeat(43)), "csrf_failed"),
        ("another session's token", csrf(token), "csrf_failed"),
        ("the session token", csrf(&org.token), "csrf_failed"),
        ("another origin", browser.with("origin", "https://evil.example"), "cross_origin"),
        (
            "an origin like ours",
            browser.with("origin", &format!("{own_origin}.evil.example")),
            "cross_origin",
        ),
        (
            "our origin over https",
            browser.with("origin", &own_origin.replace("http:", "https:")),
            "cross_origin",
        ),
        ("an opaque origin", browser.with("origin", "null"), "cross_origin"),
        ("another site", browser.with("sec-fetch-site", "cross-site"), "cross_origin"),
        ("a sibling site", browser.with("sec-fetch-site", "same-site"), "cross_origin"),
        (
            "another site that claims our origin",
            browser.with("origin", &own_origin).with("sec-fetch-site", "cross-site"),
            "cross_origin",
        ),
    ];
    for (case, client, code) in refused {
        println!("{case}");
        create(&client).send().problem(code);
    }
    for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
        let body = json!({ "name": "csrf", "scopes": ["audit:read"] }).to_string();
        let request = browser.request("POST", "/v1/api-keys").header("content-type", kind).body(body);
        request.send().problem("unsupported_media_type");
    }
    assert_eq!(org.list("/v1/api-keys"), Vec::<serde_json::Value>::new());

    create(&browser).send().ok(201);
    create(&browser.with("origin", &own_origin).with("sec-fetch-site", "same-origin")).send().ok(201);
    create(&browser.with("sec-fetch-site", "none")).send().ok(201);
    assert_eq!(org.list("/v1/api-keys").len(), 3);
}

#[test]
fn a_read_by_cookie_is_refused_to_other_sites_and_a_bearer_token_needs_none_of_this() {
    let org = Org::sign_up(Gate::shared());
    let by_cookie = org.cookie(&org.cookie);
    by_cookie.get("/v1/me").send().ok(200);
    by_cookie.with("sec-fetch-site", "cross-site").get("/v1/me").send().problem("cross_origin");
    create(&org.with("origin", "https://app.example").with("sec-fetch-site", "cross-site")).send().ok(201);
}

/// A login from another site would put a visitor into the attacker's account.
#[test]
fn sign_in_from_another_site_is_refused() {
    let org = Org::sign_up(Gate::shared());
    let body = json!({ "email": org.email, "password": org.password });
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let response = org.anonymous().with(name, value).post("/v1/login", &body).send();
        response.problem("cross_origin");
        assert_eq!(response.header("set-cookie"), None);
    }
}

fn create(client: &Client) -> e2e::Request {
    client.post("/v1/api-keys", &json!({ "name": "csrf", "scopes": ["audit:read"] }))
}
