//! Sign-up, login, who am I, logout (claims C4, M3, M4, F9).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::{Client, Gate, Org, Response, now_ms, random};
use serde_json::{Value, json};
use tokens::SessionClaims;

const COOKIE: &str = "__Host-sluicegate_session";

/// M4, C4: a session is good until it is closed, and then nowhere, whatever its token still says.
#[test]
fn m4_c4_a_session_lives_from_sign_up_to_logout() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let me = org.get("/v1/me").send().ok(200);
    assert_eq!(me["user"], json!({ "id": org.user_id, "email": org.email, "name": "Ada" }));
    assert_eq!(me["org"]["id"], org.id.as_str());
    assert_eq!((&me["role"], &me["auth"]), (&json!("org_admin"), &json!("session")));
    assert_eq!(me.get("csrf_token"), None, "a bearer token needs none");

    let second = org.bearer(&token(&org.log_in()));
    org.request("POST", "/v1/logout").send().ok(204);
    for path in ["/v1/me", "/v1/connections", "/v1/audit"] {
        org.get(path).send().problem("unauthenticated");
        org.cookie(&org.cookie).get(path).send().problem("unauthenticated");
    }
    second.get("/v1/me").send().ok(200);
}

#[test]
fn a_wrong_password_and_an_unknown_email_get_the_same_bytes() {
    let org = Org::sign_up(Gate::shared());
    let log_in = |email: &str| {
        let body = json!({ "email": email, "password": random::text("wrong-") });
        org.anonymous().post("/v1/login", &body).send()
    };
    let wrong = log_in(&org.email);
    let unknown = log_in(&format!("nobody-{}", org.email));
    wrong.problem("invalid_credentials");
    assert_eq!(wrong.fingerprint(), unknown.fingerprint());
}

#[test]
fn an_email_has_one_account_however_it_is_written() {
    let org = Org::sign_up(Gate::shared());
    let shouted = format!(" {} ", org.email.to_uppercase());
    let body = json!({
        "email": shouted, "password": org.password, "name": "Eve", "org_name": "Other", "accept_terms": true,
    });
    org.anonymous().post("/v1/signup", &body).send().problem("email_taken");
    let body = json!({ "email": shouted, "password": org.password });
    let signed_in = org.anonymous().post("/v1/login", &body).send().ok(200);
    assert_eq!(signed_in["org"]["id"], org.id.as_str());
}

/// M4: the cookie is out of reach of scripts, other hosts, plain HTTP and other sites' changes.
#[test]
fn m4_the_session_cookie_has_every_protection() {
    let org = Org::sign_up(Gate::shared());
    let response = org.log_in();
    let cookie = response.header("set-cookie").expect("a cookie");
    let mut parts = cookie.split("; ");
    let value = response.cookie().expect("a token");
    assert_eq!(parts.next(), Some(format!("{COOKIE}={value}").as_str()));
    let mut attributes: Vec<&str> = parts.collect();
    attributes.sort_unstable();
    let life = u64::from(e2e::config().sessions.idle_days) * 86_400;
    assert_eq!(attributes, ["HttpOnly", &format!("Max-Age={life}"), "Path=/", "SameSite=Lax", "Secure"]);

    let response = org.browser().request("POST", "/v1/logout").send();
    response.ok(204);
    let cleared = response.header("set-cookie").expect("a cleared cookie");
    assert!(cleared.starts_with(&format!("{COOKIE}=; ")) && cleared.contains("Max-Age=0"), "{cleared}");
}

#[test]
fn cookie_and_bearer_are_the_same_principal_and_each_token_goes_one_way() {
    let org = Org::sign_up(Gate::shared());
    for _ in 0..2 {
        org.cookie(&org.token).get("/v1/me").send().problem("unauthenticated");
        org.bearer(&org.cookie).get("/v1/me").send().problem("unauthenticated");
        org.get("/v1/me").send().ok(200);
        org.cookie(&org.cookie).get("/v1/me").send().ok(200);
    }
    let by_bearer = org.get("/v1/me").send().ok(200);
    let mut by_cookie = org.cookie(&org.cookie).get("/v1/me").send().ok(200);
    let csrf = by_cookie.as_object_mut().unwrap().remove("csrf_token");
    assert!(csrf.is_some_and(|token| token.as_str().is_some_and(|token| !token.is_empty())));
    assert_eq!(by_bearer, by_cookie);
    // `Authorization` wins: a bad one is not made good by a cookie.
    let both = org.cookie(&org.cookie).with("authorization", "Bearer nonsense");
    both.get("/v1/me").send().problem("unauthenticated");
    let doubled = org.cookie(&org.cookie).with("cookie", &format!("{COOKIE}={0}; {COOKIE}={0}", org.cookie));
    doubled.get("/v1/me").send().problem("unauthenticated");
}

/// M4: the record renews a token that has run out, by cookie alone, and only while it stands itself.
#[test]
fn m4_an_expired_cookie_is_renewed_while_the_session_stands() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let (bearer, expired) = expired_tokens(gate, &org);
    org.bearer(&bearer).get("/v1/me").send().problem("unauthenticated");
    // Nor is it made good again by the other way.
    org.cookie(&bearer).get("/v1/me").send().problem("unauthenticated");
    org.bearer(&expired).get("/v1/me").send().problem("unauthenticated");

    let response = org.cookie(&expired).get("/v1/me").send();
    response.ok(200);
    let cookie = response.header("set-cookie").expect("a renewed cookie");
    let renewed = cookie.strip_prefix(&format!("{COOKIE}=")).and_then(|rest| rest.split(';').next()).unwrap();
    assert_ne!(renewed, expired);
    org.bearer(renewed).get("/v1/me").send().problem("unauthenticated");
    let unexpired = org.cookie(renewed).get("/v1/me").send();
    unexpired.ok(200);
    assert_eq!(unexpired.header("set-cookie"), None, "nothing to renew");

    org.request("POST", "/v1/logout").send().ok(204);
    let response = org.cookie(&expired).get("/v1/me").send();
    response.problem("unauthenticated");
    org.cookie(renewed).get("/v1/me").send().problem("unauthenticated");
}

/// F9, N9: what a token says of itself raises nobody: forged ones are refused, and of genuine ones the record decides.
#[test]
fn f9_n9_forged_tokens_are_refused_and_claims_raise_nobody() {
    let gate = Gate::shared();
    let (org, other) = (Org::sign_up(gate), Org::sign_up(gate));
    let [header, claims, signature] = parts(&org.token);
    let [_, _, others_signature] = parts(&other.token);
    let mut forged = vec![
        format!("{header}.{claims}.{others_signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{}.{claims}.{signature}", encode(r#"{"alg":"none","typ":"JWT"}"#)),
        format!("{}.{claims}.", encode(r#"{"alg":"none","typ":"JWT"}"#)),
        format!("{}.{claims}.{signature}", encode(r#"{"alg":"HS256","typ":"JWT"}"#)),
        format!("{header}.{}.{signature}", parts(&other.token)[1]),
        format!("{}{}", org.token, "A".repeat(4000)),
    ];
    // Another's genuine claims, signed with our key, for a session that is not his.
    forged.push(sign(gate, &org.id, &other.user_id, &session_of(&org.token), now_ms() / 1000 + 600));
    forged.push(sign(gate, &other.id, &org.user_id, &session_of(&org.token), now_ms() / 1000 + 600));
    forged.push(sign(gate, &org.id, &org.user_id, "ses_00000000000000000000000000", now_ms() / 1000 + 600));
    forged.push(sign(
        gate,
        "org_a0000000000000000000000000",
        &org.user_id,
        &session_of(&org.token),
        now_ms() / 1000 + 600,
    ));
    for token in &forged {
        let response = org.bearer(token).get("/v1/connections").send();
        response.problem("unauthenticated");
        assert!(!response.text().contains(&org.id), "{response}");
        org.cookie(token).get("/v1/connections").send().problem("unauthenticated");
    }
    org.get("/v1/connections").send().ok(200);
}

/// What is wrong is named, and what was sent, a password above all, never comes back.
#[test]
fn a_bad_sign_up_names_the_field_and_repeats_no_password() {
    let client = Gate::shared().client();
    let secret = random::text("hunter2-");
    let good = json!({
        "email": "ada@example.com", "password": secret, "name": "Ada", "org_name": "Engines", "accept_terms": true,
    });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let without = |field: &str| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        body.to_string()
    };
    let long = format!("{secret}{}", "x".repeat(80));
    let table = [
        (without("email"), "validation_failed", "email"),
        (without("password"), "validation_failed", "password"),
        (without("accept_terms"), "validation_failed", "accept_terms"),
        (with("accept_terms", json!(false)), "validation_failed", "accept_terms"),
        (with("email", json!("not an address")), "validation_failed", "email"),
        (with("email", json!(secret)), "validation_failed", "email"),
        (with("password", json!("short")), "validation_failed", "password"),
        (with("password", json!(long)), "validation_failed", "password"),
        (with("password", json!(format!("{secret}\0"))), "validation_failed", "password"),
        (with("name", json!("")), "validation_failed", "name"),
        (with("name", json!("a\u{7}b")), "validation_failed", "name"),
        (with("org_name", json!("x".repeat(101))), "validation_failed", "org_name"),
        (with("region", json!("moon")), "validation_failed", ""),
        (with("emial", json!("typo")), "validation_failed", "emial"),
        (with("password", json!([secret])), "validation_failed", ""),
        (with("password", json!({ "value": secret })), "validation_failed", ""),
        (with("accept_terms", json!(secret)), "validation_failed", ""),
        (with("name", json!(7)), "validation_failed", ""),
        (format!("[{good}]"), "validation_failed", ""),
        (format!("\"{secret}\""), "validation_failed", ""),
        (format!("{good}{{}}"), "invalid_json", ""),
        (format!("{{\"password\": \"{secret}\", "), "invalid_json", ""),
        (format!("{{'password': '{secret}'}}"), "invalid_json", ""),
        (secret.clone(), "invalid_json", ""),
        (String::new(), "invalid_json", ""),
    ];
    for (body, code, field) in table {
        let response =
            client.request("POST", "/v1/signup").header("content-type", "application/json").body(body).send();
        let detail = response.problem(code);
        assert!(detail.contains(field), "{field:?} is not named: {response}");
        assert!(!response.text().contains(&secret), "{response}");
        assert!(!detail.is_empty(), "{response}");
    }
}

#[test]
fn only_json_is_taken_where_json_is_taken() {
    let client = Gate::shared().client();
    for kind in
        ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "text/json"]
    {
        let request = client.request("POST", "/v1/login").header("content-type", kind);
        request.body("{}").send().problem("unsupported_media_type");
    }
    client.request("POST", "/v1/login").body("{}").send().problem("unsupported_media_type");
    let typed = client.request("POST", "/v1/login").header("content-type", "Application/JSON; charset=utf-8");
    typed.body("{}").send().problem("validation_failed");
}

#[test]
fn an_api_key_cannot_log_out() {
    let org = Org::sign_up(Gate::shared());
    let key = org.api_key(&["connections:read"]);
    key.request("POST", "/v1/logout").send().problem("forbidden");
    let me = key.get("/v1/me").send().ok(200);
    assert_eq!((&me["auth"], &me["scopes"]), (&json!("api_key"), &json!(["connections:read"])));
    assert_eq!((me.get("user"), me.get("role")), (None, None));
}

/// The edge's own answer for forward-auth proxies says the same as the org's object.
#[test]
fn auth_check_names_the_principal() {
    let org = Org::sign_up(Gate::shared());
    let key = org.api_key(&["connections:read"]);
    for _ in 0..2 {
        let session = org.get("/v1/auth/check").send().ok(200);
        assert_eq!(session, json!({ "org_id": org.id, "subject": org.user_id, "role": "org_admin" }));
        let by_key = key.get("/v1/auth/check").send().ok(200);
        assert_eq!(by_key, json!({ "org_id": org.id, "subject": key.id, "scopes": ["connections:read"] }));
    }
    Client::new(org.address()).get("/v1/auth/check").send().problem("unauthenticated");
}

fn token(response: &Response) -> String {
    response.ok(200)["session"]["token"].as_str().unwrap().to_owned()
}

/// A bearer's token and the cookie's, past their end.
fn expired_tokens(gate: &Gate, org: &Org) -> (String, String) {
    let claims = claims(&org.id, &org.user_id, &session_of(&org.token), now_ms() / 1000 - 1);
    let sign = |audience| gate.signer().sign_for(&claims, protocol::ISSUER, audience).unwrap();
    (sign(tokens::AUDIENCE), sign(tokens::COOKIE_AUDIENCE))
}

fn sign(gate: &Gate, org: &str, user: &str, session: &str, exp: u64) -> String {
    gate.signer().sign(&claims(org, user, session, exp), protocol::ISSUER).unwrap()
}

fn claims(org: &str, user: &str, session: &str, exp: u64) -> SessionClaims {
    SessionClaims {
        sub: user.to_owned(),
        org: org.to_owned(),
        role: "org_admin".to_owned(),
        sid: session.to_owned(),
        iat: exp - 600,
        exp,
    }
}

fn session_of(token: &str) -> String {
    let claims = URL_SAFE_NO_PAD.decode(parts(token)[1]).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["sid"].as_str().unwrap().to_owned()
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().expect("three parts")
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}
