use super::*;
use crate::handlers::fixtures::*;
use crate::testing::*;
use protocol::ApiKeyId;
use protocol::api::NewApiKey;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

mod account;
mod everybody;
mod faults;
mod vault;
mod webhooks;

/// Whether a form's JSON is what the API takes.
type Reads = fn(&Value) -> bool;

/// Sends a form as it is, its token not added.
fn post(path: &str, body: &str, plane: &FakePlane) -> Result<Answer, Code> {
    browse("POST", path, true, COOKIES, body, plane)
}

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect()
}

fn sent(plane: &FakePlane) -> (Operation, Value) {
    let calls = plane.calls.borrow();
    let (call, body) = calls.first().unwrap();
    (call.operation.clone(), serde_json::from_slice(body).unwrap_or(Value::Null))
}

fn done() -> FakePlane {
    FakePlane::new(|_, _| reply(200, json!({ "id": "src_1" })))
}

#[test]
fn forms_become_the_json_of_the_api() {
    let csrf = csrf_token();
    for (path, body, operation, expected, location) in [
        (
            "/sign-in",
            "email=+ada%40example.com&password=+a+b+".to_owned(),
            Operation::LogIn,
            json!({ "email": "ada@example.com", "password": " a b " }),
            "/join",
        ),
        (
            "/sign-up",
            "email=a%40b&password=p&name=A&org_name=O&region=eu&accept_terms=true".to_owned(),
            Operation::SignUp,
            json!({ "email": "a@b", "password": "p", "name": "A", "org_name": "O", "region": "eu", "accept_terms": true }),
            "/join",
        ),
        (
            "/connections",
            format!(
                "csrf_token={csrf}&action=create&name=N&base_url=https://a.test&auth_type=bearer&token=t&value=&username="
            ),
            Operation::CreateConnection,
            json!({ "connector": "http", "name": "N", "base_url": "https://a.test", "auth": { "type": "bearer", "token": "t" } }),
            "/connections?done=created",
        ),
        (
            "/connections",
            format!(
                "csrf_token={csrf}&action=create&name=N&base_url=u&auth_type=api_key&place=query&parameter=k&value=v"
            ),
            Operation::CreateConnection,
            json!({ "connector": "http", "name": "N", "base_url": "u", "auth": { "type": "api_key", "query": "k", "value": "v" } }),
            "/connections?done=created",
        ),
        (
            "/connections",
            format!(
                "csrf_token={csrf}&action=create&name=N&base_url=u&auth_type=basic&username=u&password=p"
            ),
            Operation::CreateConnection,
            json!({ "connector": "http", "name": "N", "base_url": "u", "auth": { "type": "basic", "username": "u", "password": "p" } }),
            "/connections?done=created",
        ),
        (
            "/keys",
            format!("csrf_token={csrf}&action=revoke&id=key_00000000000000000000000000"),
            Operation::RevokeApiKey { id: ApiKeyId::parse("key_00000000000000000000000000").unwrap() },
            Value::Null,
            "/keys?done=revoked",
        ),
        (
            "/sources",
            format!("csrf_token={csrf}&action=create&provider=github&name=N&secret=s"),
            Operation::CreateSource,
            json!({ "provider": "github", "name": "N", "secret": "s" }),
            "/sources/src_1?done=created",
        ),
    ] {
        let plane = done();
        let answer = post(path, &body, &plane).unwrap();
        assert_eq!(sent(&plane), (operation, expected), "{path}");
        assert_eq!((answer.status, answer.header("location")), (303, Some(location)), "{path}");
    }
}

/// N7: a new key is shown on the answer to its form, and nowhere else.
#[test]
fn n7_a_new_key_is_shown_once() {
    let plane = FakePlane::new(|_, body| {
        let asked: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            asked,
            json!({ "name": "CI", "scopes": ["connections:read", "audit:read"], "expires_at": "2027-01-02T00:00:00Z" })
        );
        reply(
            201,
            json!({
                "key": "sgk_shown_once", "id": "key_00000000000000000000000000", "name": "CI", "created_by": "usr_00000000000000000000000000", "prefix": "sgk_…",
                "scopes": ["connections:read"], "created_at": "2026-11-22T00:00:00.000Z",
            }),
        )
    });
    let csrf = csrf_token();
    let body = format!(
        "csrf_token={csrf}&action=create&name=CI&scopes=connections:read&scopes=audit:read&expires_on=2027-01-02"
    );
    let answer = post("/keys", &body, &plane).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("sgk_shown_once"));
    assert_eq!(answer.header("location"), None);
}

/// M5: no form changes anything without the session's token.
#[test]
fn m5_a_form_without_its_csrf_token_reaches_nobody() {
    let plane = done();
    for (path, body) in [
        ("/connections", "action=disconnect&id=con_00000000000000000000000000"),
        ("/connections", "action=authorize&id=con_00000000000000000000000000"),
        ("/connections", "action=test&id=con_00000000000000000000000000"),
        ("/connections", "csrf_token=wrong&action=create&connector=gmail&auth_type=oauth2"),
        ("/connectors", "action=set_client&connector=gmail&client_id=i&client_secret=s"),
        ("/endpoints", "action=create&url=u"),
        ("/messages", "action=publish&event_type=a&payload=1"),
        ("/messages", "action=publish&event_type=a&payload=not+json"),
        ("/events", "action=replay&id=ine_00000000000000000000000000"),
        ("/event-types", "action=delete&name=a"),
        ("/portal-links", "action=create&customer_id=c"),
        ("/workspace", "action=rotate"),
        ("/workspace", "action=delete&name=N"),
        ("/admin/keys", "action=rotate"),
        ("/keys", "csrf_token=&action=create&name=n"),
        ("/sources", "csrf_token=wrong&action=create"),
        ("/sign-out", ""),
        ("/members", "action=leave"),
        ("/account", "action=remove_second_factor"),
        ("/account/password", "current_password=a&new_password=b"),
        ("/confirm", "password=a"),
        ("/confirm", "action=provider&provider=idp"),
        ("/join", ""),
        ("/verify-email", ""),
    ] {
        assert_eq!(post(path, body, &plane), Err(Code::CsrfFailed), "{path}");
    }
    assert!(plane.calls.borrow().is_empty());
}

#[test]
fn a_form_that_no_page_holds_is_refused() {
    let csrf = csrf_token();
    for (path, fields) in [
        ("/keys", "action=explode"),
        ("/keys", "action=rotate&id=key_00000000000000000000000000&grace_seconds=-1"),
        ("/connections", "action=disconnect&id=key_0"),
        ("/connections", "action=delete&id=con_00000000000000000000000000"),
        ("/connections", "action=create&connector=..%2Fx"),
        ("/connectors", "action=set_client&connector=Gmail"),
        ("/connectors", "action=set_client"),
        ("/endpoints", "action=delete&id=con_00000000000000000000000000"),
        ("/workspace", "action=explode"),
        ("/admin/keys", "action=rotate&version=-1"),
        ("/admin/keys", "action=rotate&version=two"),
        ("/sources", ""),
        ("/sources", "action=explode&id=src_0"),
        ("/sources", "action=pause&id=end_00000000000000000000000000"),
        ("/events", "action=delete&id=ine_00000000000000000000000000"),
        ("/endpoints", "action=explode&id=end_00000000000000000000000000"),
        ("/messages", "action=resend&id=msg_00000000000000000000000000"),
        (
            "/messages",
            "action=explode&id=msg_00000000000000000000000000&endpoint_id=end_00000000000000000000000000",
        ),
        ("/event-types", "action=delete&name=..%2Fx"),
        ("/portal-links", "action=close&id=ptl_0"),
        ("/members", "action=role&id=key_00000000000000000000000000&role=member"),
        ("/members", ""),
        ("/account", "action=create"),
        ("/account", "action=link&provider=../x"),
        ("/account", "action=unlink&provider="),
        ("/confirm", "action=provider&provider=A"),
    ] {
        assert_eq!(post(path, &format!("csrf_token={csrf}&{fields}"), &done()), Err(Code::InvalidRequest));
    }
}

#[test]
fn signing_in_sets_the_cookie_and_signing_out_clears_it() {
    let plane = FakePlane::new(|_, _| {
        let mut reply = reply(200, json!({})).unwrap();
        reply.session = Some(Zeroizing::new("aa.bb.cc".into()));
        Some(reply)
    });
    let answer = post("/sign-in", "email=a&password=b", &plane).unwrap();
    assert_eq!(
        answer.header("set-cookie"),
        Some("__Host-sluicegate_session=aa.bb.cc; Path=/; Max-Age=1209600; Secure; HttpOnly; SameSite=Lax")
    );
    let answer = post("/sign-out", &format!("csrf_token={}", csrf_token()), &done()).unwrap();
    assert!(
        answer.header("set-cookie").unwrap().starts_with("__Host-sluicegate_session=; Path=/; Max-Age=0;")
    );
}

#[test]
fn a_refused_form_keeps_what_was_typed_but_no_secret() {
    let plane = FakePlane::new(|_, _| refusal(Code::InvalidCredentials));
    let answer = post("/sign-in", "email=ada%40example.com&password=hunter2hunter2", &plane).unwrap();
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains(Code::InvalidCredentials.title()));
    assert!(answer.body.contains("ada@example.com") && !answer.body.contains("hunter2"));
}

#[test]
fn a_form_of_a_dead_session_leads_to_sign_in() {
    let plane = FakePlane::new(|_, _| refusal(Code::Unauthenticated));
    let answer = post("/sources", &format!("csrf_token={}&action=create", csrf_token()), &plane).unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
}

fn read<T: DeserializeOwned>(body: &Value) -> bool {
    body.is_null() || serde_json::from_value::<T>(body.clone()).is_ok()
}

/// Every redirect that names what was done names something that a page says.
#[test]
fn every_done_is_said() {
    let sources = [
        include_str!("convert.rs"),
        include_str!("account.rs"),
        include_str!("vault.rs"),
        include_str!("inbound.rs"),
        include_str!("outbound.rs"),
        include_str!("../oidc.rs"),
        include_str!("../connect.rs"),
    ];
    for source in sources {
        for place in source.split("?done=").skip(1) {
            let word = place.split('"').next().unwrap();
            assert!(crate::pages::Notice::of(&format!("done={word}")).is_some(), "{word}");
        }
    }
}

/// N7: all that a key can be given goes along, and what is left empty does not.
#[test]
fn n7_a_key_with_everything() {
    let plane = hostile();
    let body = format!(
        "csrf_token={}&action=create&name=CI&scopes=audit:read&app_scopes=app.a:read,+app.b:write&expires_on=2027-01-02\
         &allowed_ips=203.0.113.0/24%0D%0A2001:db8::/32%0D%0A&external_id=+cus_1+&limit=10&period_seconds=60",
        csrf_token()
    );
    post("/keys", &body, &plane).unwrap();
    let expected = json!({
        "name": "CI", "scopes": ["audit:read", "app.a:read", "app.b:write"], "expires_at": "2027-01-02T00:00:00Z",
        "allowed_ips": ["203.0.113.0/24", "2001:db8::/32"], "external_id": "cus_1",
        "rate_limit": { "limit": 10, "period_seconds": 60 },
    });
    assert!(read::<NewApiKey>(&expected));
    assert_eq!(sent(&plane), (Operation::CreateApiKey, expected));

    let plane = hostile();
    let body = format!(
        "csrf_token={}&action=create&name=CI&app_scopes=&expires_on=&allowed_ips=+&external_id=&limit=&period_seconds=60",
        csrf_token()
    );
    post("/keys", &body, &plane).unwrap();
    assert_eq!(sent(&plane).1, json!({ "name": "CI", "scopes": [] }));
}
