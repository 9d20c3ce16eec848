use super::*;
use crate::testing::*;
use crate::verdict::Task;
use serde_json::{Value, json};
use std::cell::RefCell;

const EVIL: &str = "\"><script>alert(1)</script>";

/// An overview whose every text is hostile.
fn overview() -> Value {
    let me = json!({
        "user": { "id": USER, "email": EVIL, "name": EVIL },
        "org": { "id": ORG, "name": EVIL, "region": "eu", "plan": EVIL, "created_at": EVIL },
        "role": "org_admin", "auth": "session",
    });
    let id = |prefix: &str| format!("{prefix}{}", "0".repeat(26));
    json!({
        "me": me,
        "connections": [{ "id": id("con_"), "connector": EVIL, "name": EVIL, "status": "active", "base_url": EVIL,
            "auth_type": EVIL, "allowed_hosts": [EVIL], "scopes": [EVIL], "created_at": EVIL, "last_used_at": EVIL }],
        "api_keys": [{ "id": id("key_"), "name": EVIL, "created_by": "usr_00000000000000000000000000", "prefix": EVIL, "scopes": ["audit:read"], "created_at": EVIL,
            "revoked_at": EVIL }],
        "sources": [{ "id": source_id(), "url": EVIL, "provider": EVIL, "name": EVIL, "created_at": EVIL,
            "event_count": 1, "last_event_at": EVIL }],
        "events": [{ "id": id("ine_"), "source_id": source_id(), "provider": EVIL, "provider_event_id": EVIL,
            "event_type": EVIL, "received_at": EVIL, "duplicate_count": 0, "size": 1 }],
        "audit": [{ "id": id("aud_"), "sequence": 1, "at": EVIL, "actor": EVIL, "ip": EVIL, "action": EVIL,
            "target": EVIL, "metadata": {}, "jurisdiction": "eu", "request_id": EVIL, "hash": EVIL, "prev_hash": EVIL }],
    })
}

fn event() -> Value {
    let mut event = overview()["events"][0].clone();
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, EVIL);
    event["headers"] = json!([[EVIL, EVIL]]);
    event["body_base64"] = body.into();
    event
}

fn get(path: &str, plane: &FakePlane) -> Answer {
    let mut isolate = state();
    let (name, value) = cookie(&session_token(NOW + 60));
    let admitted = admitted(&mut isolate, &head("GET", path, &[(name, &value)]));
    let Task::Page { page, caller } = &admitted.task else { panic!("{:?}", admitted.task) };
    let state = RefCell::new(isolate);
    let context = Context { state: &state, plane, admitted: &admitted };
    block_on(handle(&context, page, caller.as_ref())).unwrap()
}

fn pages() -> [String; 9] {
    let event = format!("/events/ine_{}", "0".repeat(26));
    let paths = [
        "/",
        "/connections",
        "/keys",
        "/sources?done=created",
        "/events",
        &event,
        "/audit",
        "/audit?verify=1",
        "/keys?done=revoked",
    ];
    paths.map(str::to_owned)
}

fn hostile() -> FakePlane {
    FakePlane::new(|call, _| match call.operation {
        Operation::GetInboundEvent { .. } => reply(200, event()),
        Operation::VerifyAudit { .. } => reply(200, json!({ "ok": true, "length": 1, "head": EVIL })),
        _ => reply(200, overview()),
    })
}

#[test]
fn whatever_a_tenant_stored_shows_as_text() {
    for path in pages() {
        let answer = get(&path, &hostile());
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("<script"), "{path}");
        assert!(answer.body.contains("&lt;script&gt;"), "{path} shows nothing of it");
    }
}

/// M5: a page's policy names the nonce that its one style has; no page has a script, an inline handler or style.
#[test]
fn m5_pages_carry_their_own_nonce_and_need_no_script() {
    let mut nonces = std::collections::HashSet::new();
    for path in pages() {
        let answer = get(&path, &hostile());
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!(answer.body.matches(&format!("<style nonce=\"{nonce}\">")).count(), 1, "{path}");
        assert_eq!(answer.body.matches("<style").count(), 1, "{path}");
        for forbidden in
            ["style=\"", "onclick", "onsubmit", "javascript:", " src=", "<link", "@import", "url("]
        {
            assert!(!answer.body.contains(forbidden), "{path}: {forbidden}");
        }
        assert!(nonces.insert(nonce.to_owned()), "{path}: a nonce came twice");
    }
}

/// M5: every form that changes something carries the session's token.
#[test]
fn m5_every_post_form_carries_the_csrf_token() {
    let field = format!("<input type=\"hidden\" name=\"csrf_token\" value=\"{}\">", csrf_token());
    for path in pages() {
        let body = get(&path, &hostile()).body;
        let forms: Vec<_> =
            body.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()).collect();
        assert!(!forms.is_empty(), "{path}");
        for form in forms.iter().filter(|form| form.contains("method=\"post\"")) {
            assert!(form.contains(&field), "{path}: {form}");
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_table_head_a_scope() {
    for path in pages() {
        let body = get(&path, &hostile()).body;
        let fields = ["<input", "<select"].iter().map(|tag| body.matches(tag).count()).sum::<usize>();
        let hidden = body.matches("type=\"hidden\"").count();
        assert_eq!(fields - hidden, body.matches("<label").count(), "{path}");
        assert_eq!(
            body.matches("<th>").count() + body.matches("<th ").count(),
            body.matches("<th scope=\"col\"").count()
        );
        assert_eq!(body.matches("<h1").count(), 1, "{path}");
    }
}

#[test]
fn one_call_a_page() {
    for path in ["/", "/connections", "/keys", "/sources", "/events"] {
        let plane = hostile();
        get(path, &plane);
        assert_eq!(plane.operations(), [Operation::Overview], "{path}");
    }
}

#[test]
fn an_empty_workspace_is_told_the_next_step() {
    let empty = || {
        let mut data = overview();
        for rows in ["connections", "api_keys", "sources", "events", "audit"] {
            data[rows] = json!([]);
        }
        FakePlane::new(move |_, _| reply(200, data.clone()))
    };
    for (path, step) in [
        ("/connections", "Store a third party"),
        ("/keys", "Create one below"),
        ("/sources", "paste its URL"),
        ("/events", "Create a source"),
    ] {
        assert!(get(path, &empty()).body.contains(step), "{path}");
    }
}

#[test]
fn what_a_role_may_not_see_is_said_and_offers_no_form() {
    let mut data = overview();
    for rows in ["connections", "api_keys", "sources", "events", "audit"] {
        data[rows] = Value::Null;
    }
    for path in ["/connections", "/keys", "/sources", "/events", "/audit"] {
        let data = data.clone();
        let body = get(path, &FakePlane::new(move |_, _| reply(200, data.clone()))).body;
        assert!(body.contains("Your role does not include"), "{path}");
        assert!(!body.contains("value=\"create\""), "{path}");
    }
}

#[test]
fn a_dead_session_is_cleared_and_leads_to_sign_in() {
    let dead = || FakePlane::new(|_, _| refusal(Code::Unauthenticated));
    let answer = get("/keys", &dead());
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    let answer = get("/", &dead());
    assert!(answer.status == 200 && answer.body.contains("action=\"/sign-in\""));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
}

#[test]
fn a_renewed_session_reaches_the_browser() {
    let plane = FakePlane::new(|_, _| {
        let mut reply = reply(200, overview()).unwrap();
        reply.session = Some(zeroize::Zeroizing::new("aa.bb.cc".into()));
        Some(reply)
    });
    assert!(
        get("/", &plane).header("set-cookie").unwrap().starts_with("__Host-sluicegate_session=aa.bb.cc;")
    );
}
