use super::*;
use crate::auth;
use crate::handlers::cookies::Jar;
use crate::handlers::fixtures::{self, EVIL, id};
use crate::head::Head;
use crate::route::{self, Target};
use crate::security_headers::Kind;
use crate::state::State;
use crate::testing::*;
use crate::verdict::{Task, Verdict};
use protocol::{Operation, OrgId, Principal};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use tokens::{LinkKind, mint_link};

mod faults;

const NAME: &str = "__Host-sluicegate_portal";

fn body_of_org() -> &'static str {
    ORG.strip_prefix("org_").unwrap()
}

fn token_of(kind: LinkKind) -> String {
    mint_link(&mac(), kind, body_of_org()).unwrap().token.expose_secret().to_owned()
}

/// A link, and its holder's digest.
fn token() -> (String, String) {
    let minted = mint_link(&mac(), LinkKind::Portal, body_of_org()).unwrap();
    (minted.token.expose_secret().to_owned(), minted.digest)
}

fn csrf_of(digest: &str) -> String {
    tokens::csrf_token(&state().csrf, digest)
}

/// What the control plane would say, every text of it hostile.
fn answer(operation: &Operation) -> Value {
    use Operation as O;
    let list = |row: Value, next: &str| json!({ "data": [row], "next_cursor": next });
    let message = json!({
        "id": id("msg_"), "event_type": EVIL, "customer_id": EVIL, "created_at": EVIL, "size": 7, "deliveries": 1,
    });
    let attempt = |status: &str| {
        json!({
            "id": id("att_"), "message_id": id("msg_"), "endpoint_id": id("end_"), "event_type": EVIL, "at": EVIL,
            "number": 2, "status": status, "http_status": 500, "duration_ms": 12, "error": EVIL, "response": EVIL,
        })
    };
    let endpoint = json!({
        "id": id("end_"), "url": EVIL, "event_types": [EVIL], "description": EVIL, "customer_id": EVIL, "sources": [],
        "ordered": false, "header_names": [EVIL], "signature": "v1", "created_at": EVIL, "failing_since": EVIL,
        "disabled_at": EVIL, "disabled_reason": "failing", "previous_secret_until": EVIL,
    });
    let delivery = json!({
        "message_id": id("msg_"), "endpoint_id": id("end_"), "event_type": EVIL, "status": "failed", "reason": EVIL,
        "attempts": 8, "http_status": 500, "created_at": EVIL, "next_attempt_at": EVIL,
    });
    match operation {
        O::GetPortal => {
            json!({ "id": id("ptl_"), "customer_id": EVIL, "created_at": EVIL, "expires_at": EVIL })
        }
        O::ListEndpoints { .. } => list(endpoint, "end_next"),
        O::GetEndpoint { .. } | O::UpdateEndpoint { .. } => endpoint,
        O::CreateEndpoint => {
            let mut created = endpoint;
            created["secret"] = EVIL.into();
            created
        }
        O::RotateEndpointSecret { .. } => json!({ "secret": EVIL, "previous_secret_until": EVIL }),
        O::ListDeliveries { .. } => list(delivery, "1"),
        O::ListAttempts { .. } | O::ListMessageAttempts { .. } => list(attempt("interrupted"), "2"),
        O::GetMessage { .. } => {
            let mut message = message;
            message["payload"] = json!({ "b": EVIL, "a": 1 });
            message
        }
        O::TestEndpoint { .. } => message,
        O::DeleteEndpoint { .. } => Value::Null,
        O::ResendMessage { .. } => delivery,
        O::RecoverEndpoint { .. } => json!({ "deliveries": 500, "next_cursor": EVIL }),
        O::ListEventTypes(_) => list(
            json!({ "name": EVIL, "description": EVIL, "schema": { EVIL: EVIL }, "example": EVIL, "built_in": false }),
            "3",
        ),
        operation => panic!("not for the portal: {operation:?}"),
    }
}

fn hostile() -> FakePlane {
    FakePlane::new(|call, _| reply(200, answer(&call.operation)))
}

fn refusing(refused: fn(&Operation) -> bool, code: Code) -> FakePlane {
    FakePlane::new(
        move |call, _| {
            if refused(&call.operation) { refusal(code) } else { reply(200, answer(&call.operation)) }
        },
    )
}

/// Sends a request with cookies, and runs what it is admitted to.
fn browse(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
    plane: &FakePlane,
) -> Result<Answer, Code> {
    browse_in(state(), method, path, headers, body, plane)
}

fn browse_in(
    mut isolate: State,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
    plane: &FakePlane,
) -> Result<Answer, Code> {
    let admitted = match decide_at(&mut isolate, &head(method, path, headers), NOW_MS) {
        Verdict::GoOn(admitted) => *admitted,
        Verdict::Answer(answer) => return Ok(answer),
    };
    let state = RefCell::new(isolate);
    let context = Context { state: &state, plane, admitted: &admitted };
    match &admitted.task {
        Task::Portal { ask, holder } => block_on(handle(&context, holder, ask, body.as_bytes())),
        task => panic!("{task:?}"),
    }
}

fn get(path: &str, plane: &FakePlane) -> Answer {
    browse("GET", path, &[("cookie", &format!("{NAME}={}", token().0))], "", plane).unwrap()
}

fn post_to(path: &str, body: &str, plane: &FakePlane) -> Result<Answer, Code> {
    let (token, digest) = token();
    let body = format!("csrf_token={}&{body}", csrf_of(&digest));
    browse("POST", path, &[("cookie", &format!("{NAME}={token}"))], &body, plane)
}

fn post(body: &str, plane: &FakePlane) -> Answer {
    post_to("/portal", body, plane).unwrap()
}

fn is_ended(answer: &Answer) -> bool {
    answer.status == 401
        && answer.kind == Kind::Html
        && answer.body.contains("<h1>This link has ended</h1>")
        && answer.header("location").is_none()
        && answer
            .header("set-cookie")
            .is_some_and(|set| set.starts_with(&format!("{NAME}=; ")) && set.contains("Max-Age=0"))
}

fn pages() -> Vec<String> {
    let (end, msg) = (id("end_"), id("msg_"));
    vec![
        "/portal".into(),
        "/portal?done=deleted".into(),
        "/portal?cursor=end_x".into(),
        "/portal/event-types".into(),
        format!("/portal/endpoints/{end}"),
        format!("/portal/endpoints/{end}?done=changed"),
        format!("/portal/endpoints/{end}/attempts?cursor=7"),
        format!("/portal/endpoints/{end}/deliveries"),
        format!("/portal/endpoints/{end}/deliveries?status=failed"),
        format!("/portal/messages/{msg}"),
    ]
}

/// Every page there is, and every answer to a form that is one.
fn all_pages() -> Vec<(String, Answer)> {
    let mut all: Vec<_> = pages().into_iter().map(|path| (path.clone(), get(&path, &hostile()))).collect();
    let end = id("end_");
    for body in [
        "action=create&url=u".to_owned(),
        format!("action=rotate&id={end}&overlap_seconds=0"),
        format!("action=recover&id={end}&hours=24"),
        format!("action=recover&id={end}&since=%3Cscript%3E&until=%3Cscript%3E&cursor=%3Cscript%3E"),
    ] {
        all.push((body.clone(), post(&body, &hostile())));
    }
    let typed = "url=%22%3E%3Cscript%3E&event_types=%3Cscript%3E&description=%3Cscript%3E&headers=hush%3Cscript%3E:x\
                 &signature=%3Cscript%3E";
    for action in ["create", "update", "recover&hours=1"] {
        let body = format!("action={action}&id={end}&{typed}");
        let refused = |operation: &Operation| {
            use Operation as O;
            matches!(operation, O::CreateEndpoint | O::UpdateEndpoint { .. } | O::RecoverEndpoint { .. })
        };
        let answer = post(&body, &refusing(refused, Code::ValidationFailed));
        assert_eq!(answer.status, 422, "{action}");
        assert!(!answer.body.contains("hush"), "{action}: headers may be credentials");
        all.push((body, answer));
    }
    all
}

#[test]
fn every_page_shows_whose_it_is_escaped_and_nothing_of_the_dashboard() {
    for (path, answer) in all_pages() {
        assert!(!answer.body.contains("<script"), "{path}");
        assert!(answer.body.contains("&lt;script&gt;"), "{path} shows nothing of it");
        for link in ["href=\"/\"", "href=\"/endpoints\"", "href=\"/members\"", "/account", "/sign-out"] {
            assert!(!answer.body.contains(link), "{path}: {link}");
        }
        assert_eq!(answer.body.matches("<h1").count(), 1, "{path}");
    }
    for path in pages() {
        let answer = get(&path, &hostile());
        assert_eq!((answer.status, answer.kind), (200, Kind::Html), "{path}");
        assert!(answer.body.contains("Webhooks of <strong>"), "{path}");
    }
}

/// M5: a nonce of its own for the one style, no script, no inline handler; every form with the link's token and a route.
#[test]
fn m5_pages_need_no_script_and_forms_carry_the_token() {
    let config = fixtures::isolate().config;
    let mut nonces = BTreeSet::new();
    let (token, digest) = token();
    let cookie = format!("{NAME}={token}");
    let field = format!("<input type=\"hidden\" name=\"csrf_token\" value=\"{}\">", csrf_of(&digest));
    for path in pages() {
        let answer = browse("GET", &path, &[("cookie", &cookie)], "", &hostile()).unwrap();
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!(answer.body.matches(&format!("<style nonce=\"{nonce}\">")).count(), 1, "{path}");
        assert!(nonces.insert(nonce.to_owned()));
        for forbidden in ["style=\"", "onclick", "javascript:", " src=", "<link", &token, &digest] {
            assert!(!answer.body.contains(forbidden), "{path}: {forbidden}");
        }
        let forms: Vec<&str> =
            answer.body.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()).collect();
        assert!(!forms.is_empty(), "{path}");
        for form in forms {
            assert!(form.contains(&field), "{path}: {form}");
            let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
            let text = head("POST", action, &[]);
            assert!(matches!(route::find(&Head::parse(&text), &config), Ok(Target::Portal(_))), "{action}");
        }
        for link in answer.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(link.starts_with("/portal") || link == "#main", "{path}: {link}");
            let text = head("GET", &link.replace("&amp;", "&"), &[]);
            let found =
                link == "#main" || matches!(route::find(&Head::parse(&text), &config), Ok(Target::Portal(_)));
            assert!(found, "{path}: {link}");
        }
    }
}

#[test]
fn fields_have_labels_heads_a_scope_and_ids_are_each_one() {
    for (path, answer) in all_pages() {
        let body = answer.body;
        let fields =
            ["<input", "<select", "<textarea"].iter().map(|tag| body.matches(tag).count()).sum::<usize>();
        let hidden = body.matches("type=\"hidden\"").count();
        assert_eq!(fields - hidden, body.matches("<label").count(), "{path}");
        assert_eq!(body.matches("<th ").count(), body.matches("<th scope=\"col\"").count(), "{path}");
        let ids: Vec<_> = body.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: {ids:?}");
    }
}

/// The token leaves the address at once, for a cookie of this host that no script reads.
#[test]
fn a_link_becomes_a_cookie_and_leaves_the_address() {
    let (token, _) = token();
    for method in ["GET", "HEAD"] {
        let answer = answered(&mut state(), &head(method, &format!("/portal?token={token}"), &[]));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/portal")));
        assert_eq!(
            answer.header("set-cookie"),
            Some(format!("{NAME}={token}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax").as_str())
        );
        assert!(!answer.body.contains(&token));
    }
}

/// Forged, cut, of another kind or another deployment: it ends here, and the control plane hears nothing of it.
#[test]
fn what_is_no_link_of_ours_ends_at_the_edge() {
    let (good, _) = token();
    let other = if good.ends_with('0') { '1' } else { '0' };
    let elsewhere = tokens::MacKey::from_base64("CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=").unwrap();
    let elsewhere = mint_link(&elsewhere, LinkKind::Portal, body_of_org()).unwrap();
    let no_region = mint_link(&mac(), LinkKind::Portal, &"z".repeat(26)).unwrap();
    let invitation = token_of(LinkKind::Invitation);
    for wrong in [
        String::new(),
        "x".into(),
        format!("{}{other}", &good[..good.len() - 1]),
        good[..good.len() - 1].to_owned(),
        good.to_ascii_uppercase(),
        invitation.clone(),
        invitation.replacen("ivt_", "prt_", 1),
        token_of(LinkKind::SecondFactor),
        elsewhere.token.expose_secret().to_owned(),
        no_region.token.expose_secret().to_owned(),
        session_token(NOW + 60),
        api_key(),
        format!("{good}%0d%0aset-cookie:x=y"),
        "x".repeat(5000),
    ] {
        assert!(
            is_ended(&answered(&mut state(), &head("GET", &format!("/portal?token={wrong}"), &[]))),
            "{wrong:.40}"
        );
        let cookie = format!("{NAME}={wrong}");
        for path in pages() {
            let answer = answered(&mut state(), &head("GET", &path, &[("cookie", &cookie)]));
            assert!(is_ended(&answer), "{path} {wrong:.40}");
        }
        for path in ["/portal", "/portal/leave"] {
            let headers =
                [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
            assert!(is_ended(&answered(&mut state(), &head("POST", path, &headers))), "{path} {wrong:.40}");
        }
    }
    // One may be planted: of two none counts.
    let twice = format!("{NAME}={good}; {NAME}={}", token().0);
    assert!(is_ended(&answered(&mut state(), &head("GET", "/portal", &[("cookie", &twice)]))));
    assert!(is_ended(&answered(&mut state(), &head("GET", "/portal", &[]))));
}

/// What a link is to the API, to the dashboard and to its forms: nothing. And what a session or a key is to the portal.
#[test]
fn a_link_and_a_session_are_nothing_to_each_other() {
    let (token, digest) = token();
    let cookie_of_link = format!("{NAME}={token}");
    for path in ["/v1/me", "/v1/endpoints", "/v1/event-types"] {
        for headers in [
            ("cookie", cookie_of_link.clone()),
            ("cookie", format!("{}={token}", auth::COOKIE)),
            bearer(&token),
        ] {
            let refused = answered(&mut state(), &head("GET", path, &[(headers.0, &headers.1)]));
            assert_eq!(code_of(&refused), Code::Unauthenticated, "{path} {headers:?}");
        }
    }
    for path in ["/endpoints", "/keys", "/account", &format!("/endpoints/{}", id("end_"))] {
        let answer = answered(&mut state(), &head("GET", path, &[("cookie", &cookie_of_link)]));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{path}");
    }
    for path in ["/endpoints", "/keys", "/sign-out"] {
        let headers =
            [("cookie", cookie_of_link.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let answer = answered(&mut state(), &head("POST", path, &headers));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{path}");
    }
    let session = cookie_token(NOW + 60);
    for headers in [
        cookie(&session),
        bearer(&session_token(NOW + 60)),
        bearer(&api_key()),
        bearer(&token),
        ("cookie", format!("{NAME}={session}")),
    ] {
        for path in pages() {
            let answer = answered(&mut state(), &head("GET", &path, &[(headers.0, &headers.1)]));
            assert!(is_ended(&answer), "{path} {headers:?}");
        }
    }
    // With both, each is asked for as itself.
    let both = format!("{}; {cookie_of_link}", cookie(&session).1);
    let plane = hostile();
    browse("GET", "/portal", &[("cookie", &both)], "", &plane).unwrap();
    let org = OrgId::parse(ORG).unwrap();
    for (call, _) in plane.calls.borrow().iter() {
        assert_eq!(call.principal, Principal::Portal { org: org.clone(), digest: digest.clone() });
    }
    let admitted = admitted(&mut state(), &head("GET", "/endpoints", &[("cookie", &both)]));
    let Task::Page { caller: Some(caller), .. } = admitted.task else { panic!() };
    assert!(matches!(caller.principal(), Principal::Session { .. }));
    // The portal is no API.
    for method in ["GET", "POST"] {
        let answer = answered(&mut state(), &head(method, "/v1/portal", &[("cookie", &cookie_of_link)]));
        assert_eq!(code_of(&answer), Code::NotFound);
    }
}

/// M5: a change comes from a page of ours, with the token of this very link.
#[test]
fn m5_a_form_without_the_links_own_token_changes_nothing() {
    let (token, digest) = token();
    let cookie_of_link = format!("{NAME}={token}");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let send = |path: &str, csrf: &str, header: (&str, &str)| {
        let plane = hostile();
        let body = format!("{csrf}action=delete&id={}", id("end_"));
        let answer = browse("POST", path, &[("cookie", &cookie_of_link), form, header], &body, &plane);
        (answer.map(|answer| answer.status), plane.operations().len())
    };
    let good = format!("csrf_token={}&", csrf_of(&digest));
    let nothing = ("x-nothing", "1");
    assert_eq!(send("/portal", &good, nothing), (Ok(303), 1));
    for wrong in [
        String::new(),
        "csrf_token=&".into(),
        "csrf_token=x&".into(),
        format!("csrf_token={}&", csrf_token()),
        format!("csrf_token={}&", csrf_of(&self::token().1)),
    ] {
        for path in ["/portal", "/portal/leave"] {
            assert_eq!(send(path, &wrong, nothing), (Err(Code::CsrfFailed), 0), "{path} {wrong}");
        }
    }
    for header in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/portal", "/portal/leave"] {
            assert_eq!(send(path, &good, header), (Ok(Code::CrossOrigin.status()), 0), "{path} {header:?}");
        }
    }
}

#[test]
fn a_link_that_has_ended_or_was_closed_says_so_and_leads_nowhere() {
    // It may end between two of a page's asks, and before a form's.
    let refused: [fn(&Operation) -> bool; 2] =
        [|_| true, |operation| matches!(operation, Operation::ListEndpoints { .. })];
    for refused in refused {
        assert!(is_ended(&get("/portal", &refusing(refused, Code::Unauthenticated))));
    }
    let end = id("end_");
    for action in ["create&url=u", "update", "delete", "test", "rotate&overlap_seconds=0", "recover&hours=1"]
    {
        let plane = refusing(|_| true, Code::Unauthenticated);
        assert!(is_ended(&post(&format!("action={action}&id={end}"), &plane)), "{action}");
        assert_eq!(plane.operations().len(), 1);
    }
}

#[test]
fn who_leaves_has_no_link_any_more() {
    let plane = hostile();
    let answer = post_to("/portal/leave", "", &plane).unwrap();
    assert!(answer.status == 200 && answer.body.contains("<h1>You have left</h1>"));
    assert!(answer.header("set-cookie").unwrap().starts_with(&format!("{NAME}=; ")));
    assert!(plane.operations().is_empty());
}

#[test]
fn each_form_asks_for_its_operation_with_the_body_of_the_api() {
    let (end, msg) = (id("end_"), id("msg_"));
    let endpoint = || EndpointId::parse(&end).unwrap();
    let sent = |body: &str| {
        let plane = hostile();
        let answer = post(body, &plane);
        let (call, body) = plane.calls.borrow()[0].clone();
        assert_eq!(plane.operations().len(), 1);
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        (call.operation, body, answer.header("location").map(str::to_owned))
    };
    let at = |word: &str| Some(format!("/portal/endpoints/{end}?done={word}"));
    let typed = "url=+https://a.example/x+&event_types=a.b,+c.*&description=D&headers=X-A:+1%0d%0aX-B:2";
    let headers = json!({ "X-A": "1", "X-B": "2" });
    let (operation, body, _) =
        sent(&format!("action=create&{typed}&signature=v1a&customer_id=cus_2&sources=src_0"));
    assert_eq!(operation, Operation::CreateEndpoint);
    assert_eq!(
        body,
        json!({ "url": "https://a.example/x", "event_types": ["a.b", "c.*"], "description": "D", "headers": headers,
                "signature": "v1a" })
    );
    // Nothing of a limit: that is the workspace's to set.
    let (operation, body, location) = sent(&format!("action=update&id={end}&{typed}"));
    assert_eq!((operation, location), (Operation::UpdateEndpoint { id: endpoint() }, at("changed")));
    assert_eq!(
        body,
        json!({ "url": "https://a.example/x", "event_types": ["a.b", "c.*"], "description": "D", "headers": headers })
    );
    for (action, disabled) in [("disable", true), ("enable", false)] {
        let (operation, body, location) = sent(&format!("action={action}&id={end}"));
        assert_eq!(operation, Operation::UpdateEndpoint { id: endpoint() });
        assert_eq!((body, location), (json!({ "disabled": disabled }), at(&format!("{action}d"))));
    }
    let (operation, body, _) = sent(&format!("action=rotate&id={end}&overlap_seconds=3600"));
    assert_eq!(operation, Operation::RotateEndpointSecret { id: endpoint() });
    assert_eq!(body, json!({ "overlap_seconds": 3600 }));
    let (operation, _, location) = sent(&format!("action=test&id={end}"));
    assert_eq!((operation, location), (Operation::TestEndpoint { id: endpoint() }, at("tested")));
    let (operation, _, location) = sent(&format!("action=delete&id={end}"));
    assert_eq!(operation, Operation::DeleteEndpoint { id: endpoint() });
    assert_eq!(location.as_deref(), Some("/portal?done=deleted"));
    let (operation, _, location) = sent(&format!("action=resend&id={end}&message={msg}"));
    let message = MessageId::parse(&msg).unwrap();
    assert_eq!(operation, Operation::ResendMessage { id: message, endpoint: endpoint() });
    assert_eq!(location, at("resent"));
    let (operation, body, _) = sent(&format!("action=recover&id={end}&hours=24"));
    assert_eq!(operation, Operation::RecoverEndpoint { id: endpoint() });
    let time = protocol::time::rfc3339;
    assert_eq!(body, json!({ "since": time(NOW_MS - 86_400_000), "until": time(NOW_MS) }));
    let (_, body, _) = sent(&format!("action=recover&id={end}&since=a&until=b&cursor=9"));
    assert_eq!(body, json!({ "since": "a", "until": "b", "cursor": "9" }));
}

#[test]
fn a_form_that_no_page_holds_is_refused_and_asks_for_nothing() {
    for body in [
        "",
        "action=publish",
        "action=delete",
        "action=delete&id=end_1",
        &format!("action=resend&id={}", id("end_")),
        &format!("action=rotate&id={}&overlap_seconds=x", id("end_")),
        &format!("action=recover&id={}&hours=-1", id("end_")),
    ] {
        let plane = hostile();
        assert_eq!(
            post_to("/portal", body, &plane).map(|answer| answer.status),
            Err(Code::InvalidRequest),
            "{body}"
        );
        assert!(plane.operations().is_empty());
    }
    // A header without a colon never gets to the control plane as something else.
    let plane = hostile();
    let answer = post("action=create&url=u&headers=nonsense", &plane);
    assert!(answer.status == 422 && answer.body.contains("Name: value"));
    assert!(!plane.operations().contains(&Operation::CreateEndpoint));
}

/// What is refused on the way leads back to the portal, not to the dashboard's sign-in.
#[test]
fn a_refusal_leads_back_to_the_portal() {
    let cookie = format!("{NAME}={}", token().0);
    let headers = [("cookie", cookie.as_str()), ("origin", "https://evil.test")];
    let text = head("POST", "/portal", &headers);
    let refused = answered(&mut state(), &text);
    assert_eq!(refused.status, Code::CrossOrigin.status());
    assert!(refused.body.contains("href=\"/portal\"") && !refused.body.contains("href=\"/\""));
    let verdict = decide_at(&mut state(), &head("POST", "/portal", &headers[..1]), NOW_MS);
    let Verdict::GoOn(admitted) = verdict else { panic!() };
    let refused = crate::handlers::pages::refused(&admitted, &mut state(), Code::CsrfFailed.into());
    assert!(refused.kind == Kind::Html && refused.body.contains("href=\"/portal\""));
}

/// Another customer's endpoint is none: a page that says no more, and no form of it.
#[test]
fn what_is_not_there_has_a_page_of_its_own() {
    let missing = |operation: &Operation| !matches!(operation, Operation::GetPortal);
    let path = format!("/portal/endpoints/{}", id("end_"));
    let answer = get(&path, &refusing(missing, Code::NotFound));
    assert!(answer.status == 404 && answer.body.contains(Code::NotFound.title()));
    assert!(!answer.body.contains("<form"));
    let answer = post(&format!("action=update&id={}", id("end_")), &refusing(missing, Code::NotFound));
    assert_eq!(answer.status, 404);
}

#[test]
fn the_payload_is_shown_as_it_was_published() {
    let plane = FakePlane::new(|call, _| {
        let mut reply = reply(200, answer(&call.operation))?;
        if let Operation::GetMessage { .. } = call.operation {
            let text = String::from_utf8(reply.body.to_vec()).unwrap();
            let at = text.find("\"payload\"").unwrap();
            let end = text.rfind(",\"size\"").unwrap();
            let text = format!("{}\"payload\":{{\"b\": 1.0, \"a\":  2}}{}", &text[..at], &text[end..]);
            reply.body = text.into_bytes().into();
        }
        Some(reply)
    });
    let answer = get(&format!("/portal/messages/{}", id("msg_")), &plane);
    assert!(answer.body.contains("{&quot;b&quot;: 1.0, &quot;a&quot;:  2}"), "{}", answer.body);
}

#[test]
fn paths_and_methods_are_what_they_are() {
    let (end, msg) = (id("end_"), id("msg_"));
    let cookie = format!("{NAME}={}", token().0);
    let status = |method: &str, path: &str| {
        let text = head(method, path, &[("cookie", &cookie), ("accept", "text/html")]);
        match decide_at(&mut state(), &text, NOW_MS) {
            Verdict::Answer(answer) => answer.status,
            Verdict::GoOn(_) => 200,
        }
    };
    for path in [
        "/portals".to_owned(),
        "/portal/".into(),
        "/portal/endpoints".into(),
        "/portal/endpoints/".into(),
        "/portal/endpoints/end_1".into(),
        format!("/portal/endpoints/{end}/"),
        format!("/portal/endpoints/{end}/x"),
        format!("/portal/endpoints/{end}/attempts/"),
        format!("/portal/messages/{msg}/"),
        format!("/portal/messages/{end}"),
        format!("/portal//endpoints/{end}"),
    ] {
        assert_eq!(status("GET", &path), 404, "{path}");
    }
    assert_eq!(status("GET", "/portal/leave"), 405);
    assert_eq!(status("POST", "/portal/event-types"), 405);
    assert_eq!(status("DELETE", "/portal"), 405);
    assert_eq!(status("HEAD", "/portal"), 200);
    assert_eq!(status("POST", "/portal"), 200);
}

/// M6: who holds a link is counted by it, whatever the address, and apart from everybody else.
#[test]
fn m6_a_link_is_counted_by_itself() {
    let mut state = state_with(|config| config.rate_limits.principal.limit = 2);
    let (one, other) = (token().0, token().0);
    let ask = |token: &str, ip: &str| {
        head("GET", "/portal", &[("cookie", &format!("{NAME}={token}")), ("cf-connecting-ip", ip)])
    };
    for ip in ["192.0.2.1", "192.0.2.2"] {
        admitted(&mut state, &ask(&one, ip));
    }
    let refused = answered(&mut state, &ask(&one, "192.0.2.3"));
    assert_eq!((refused.status, refused.kind), (429, Kind::Html));
    admitted(&mut state, &ask(&other, "192.0.2.3"));
    let session = cookie(&cookie_token(NOW + 60));
    admitted(&mut state, &head("GET", "/keys", &[(session.0, &session.1)]));
}

#[test]
fn a_holder_does_not_show_in_debug() {
    let (token, digest) = token();
    let text = head("GET", "/portal", &[("cookie", &format!("{NAME}={token}"))]);
    let holder = Holder::by_cookie(&Jar::of(&Head::parse(&text)), &state()).unwrap();
    assert!(format!("{holder:?}").contains(ORG) && !format!("{holder:?}").contains(&digest));
}
