use super::*;
use crate::handlers::fixtures::*;
use crate::testing::*;
use crate::verdict::{Task, Verdict};
use protocol::Principal;
use serde_json::{Value, json};
use zeroize::Zeroizing;

const QUERY: &str = "code=hush_code&state=hush%20state";
const CLEARED: &str = "__Host-sluicegate_session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";

fn back_with(query: &str, signed_in: bool, plane: &FakePlane) -> Answer {
    browse("GET", &format!("/connections/callback?{query}"), signed_in, "", "", plane).unwrap()
}

fn connected(return_to: Value) -> FakePlane {
    FakePlane::new(move |_, _| {
        let mut reply =
            reply(200, json!({ "connection": connection("active", "oauth2"), "return_to": return_to }))
                .unwrap();
        reply.session = Some(Zeroizing::new("aa.bb.cc".into()));
        Some(reply)
    })
}

/// F9: the query goes on whole, by the session that came with it; the browser goes on to a page of ours.
#[test]
fn f9_the_callback_is_taken_by_the_session_that_it_came_with() {
    let mut isolate = isolate();
    let session = cookie(&cookie_token(NOW + 60)).1;
    let headers = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("cookie", &*session)];
    let admitted = admitted(&mut isolate, &head("GET", "/connections/callback?code=c", &headers));
    assert!(
        matches!(admitted.task, Task::Page { caller: Some(_), .. }),
        "the way back is another site's navigation"
    );

    let plane = connected(Value::Null);
    let answer = back_with(QUERY, true, &plane);
    assert_eq!(plane.operations(), [Operation::FinishAuthorization { query: ShownOnce(QUERY.into()) }]);
    assert!(matches!(plane.calls.borrow()[0].0.principal, Principal::Session { .. }));
    let landing = format!("/connections/{}?done=connected", id("con_"));
    assert_eq!((answer.status, answer.header("location")), (303, Some(landing.as_str())));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(answer.header("set-cookie").unwrap().starts_with("__Host-sluicegate_session=aa.bb.cc;"));
    let page = browse("GET", &landing, true, "", "", &hostile()).unwrap();
    assert!(page.body.contains("Connected: access is granted."));
}

/// F9: nobody's query is handed on; the page says that it has to be begun again, and how.
#[test]
fn f9_without_a_session_nothing_is_asked() {
    let plane = connected(Value::Null);
    let answer = back_with(QUERY, false, &plane);
    assert!(plane.operations().is_empty());
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("<h1>Sign in and connect again</h1>") && answer.body.contains("href=\"/\""));

    // The session has ended, and the edge does not know it yet.
    let answer = back_with(QUERY, true, &FakePlane::new(|_, _| refusal(Code::Unauthenticated)));
    assert!(answer.status == 401 && answer.body.contains("<h1>Sign in and connect again</h1>"));
    assert_eq!(answer.header("set-cookie"), Some(CLEARED));
}

/// F9: what the provider or an attacker sent shows nowhere: not on the page, not in a header, not in `Debug`.
#[test]
fn f9_nothing_of_the_query_comes_back() {
    let queries = [
        QUERY.to_owned(),
        "error=access_denied&error_description=hush%3Cscript%3E".to_owned(),
        "%00%0d%0ahush:x&&&=&state&state=hush".to_owned(),
        format!("code={}", "hush".repeat(1900)),
        "hush".to_owned(),
        String::new(),
    ];
    for query in &queries {
        for (signed_in, code) in [
            (true, Code::AuthorizationRefused),
            (true, Code::Unauthenticated),
            (true, Code::UpstreamUnreachable),
            (true, Code::RateLimited),
            (false, Code::Unauthenticated),
        ] {
            let plane = FakePlane::new(move |_, _| refusal(code));
            let answer = back_with(query, signed_in, &plane);
            assert_eq!(answer.status, code.status());
            let headers = format!("{:?}", answer.headers);
            assert!(!answer.body.contains("hush") && !headers.contains("hush"), "{query:.40}");
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
            assert!(!answer.body.contains("<form"), "a form of such a page would have no origin");
            assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
        }
    }
    let text = head("GET", &format!("/connections/callback?{QUERY}"), &[]);
    assert!(!format!("{:?}", decide_at(&mut isolate(), &text, NOW_MS)).contains("hush"));
}

#[test]
fn a_refusal_says_why_and_leads_back_to_try_again() {
    let plane = FakePlane::new(|_, _| {
        let id = protocol::RequestId::new(0, [0; 10]);
        let detail = Some("the provider granted more than was asked".into());
        reply(400, protocol::Problem::with_detail(Code::AuthorizationRefused, detail, id))
    });
    let answer = back_with(QUERY, true, &plane);
    assert_eq!(answer.status, 400);
    for said in [
        Code::AuthorizationRefused.title(),
        "the provider granted more than was asked",
        "href=\"/connections\"",
    ] {
        assert!(answer.body.contains(said), "{said}");
    }
    assert_eq!(answer.header("set-cookie"), None, "the session stays");
}

/// F9: longer than any provider's answer, it is not handed on.
#[test]
fn f9_an_oversized_query_reaches_nobody() {
    let mut isolate = state_with(|config| config.limits.url_bytes = 16_384);
    let session = cookie(&cookie_token(NOW + 60)).1;
    for (bytes, calls) in [(MAX_QUERY, 1), (MAX_QUERY + 1, 0)] {
        let path = format!("/connections/callback?{}", "x".repeat(bytes));
        let admitted = match decide_at(&mut isolate, &head("GET", &path, &[("cookie", &session)]), NOW_MS) {
            Verdict::GoOn(admitted) => *admitted,
            Verdict::Answer(answer) => panic!("{}", answer.status),
        };
        let Task::Page { page: super::super::pages::Page::FinishAuthorization { query }, caller, .. } =
            &admitted.task
        else {
            panic!("{:?}", admitted.task)
        };
        let plane = FakePlane::new(|_, _| refusal(Code::AuthorizationRefused));
        let state = std::cell::RefCell::new(state_with(|_| ()));
        let context = Context { state: &state, plane: &plane, admitted: &admitted };
        let answer = block_on(finish(&context, query, caller.as_ref())).unwrap();
        assert_eq!((answer.status, plane.operations().len()), (400, calls));
    }
    let path = format!("/connections/callback?{}", "x".repeat(MAX_QUERY));
    let answer = answered(&mut state_with(|_| ()), &head("GET", &path, &[("cookie", &session)]));
    assert_eq!(answer.status, Code::UriTooLong.status(), "with the shipped limit it ends before");
}

/// A prefetch or a checker of links does not use up what a person is to come back with.
#[test]
fn the_callback_is_opened_by_get_alone() {
    let session = cookie(&cookie_token(NOW + 60)).1;
    for path in ["/connections/callback?code=c", "/sign-in/idp/callback?code=c"] {
        for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = answered(&mut isolate(), &head(method, path, &[("cookie", &session)]));
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(!answer.body.contains("code=c"));
        }
    }
}

/// No open redirect, no split header: what is no path of ours leads to the connection.
#[test]
fn f9_a_return_to_that_is_no_path_of_ours_is_left_out() {
    for path in ["/", "/app/settings?tab=2#x", "/connections/x"] {
        let answer = back_with(QUERY, true, &connected(path.into()));
        assert_eq!(answer.header("location"), Some(path));
    }
    for path in [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "evil",
        "",
        "/a\r\nset-cookie: x=y",
        "/a\nx",
        "/a b",
        "/\tevil.test",
        "/é",
        "javascript:alert(1)",
        &"/x".repeat(MAX_PATH),
    ] {
        let answer = back_with(QUERY, true, &connected(path.into()));
        assert!(answer.header("location").unwrap().starts_with("/connections/con_"), "{path:.40}");
    }
}

#[test]
fn an_answer_that_is_none_is_an_outage() {
    let plane = FakePlane::new(|_, _| reply(200, json!({ "connection": 1 })));
    let answer = browse("GET", "/connections/callback?code=c", true, "", "", &plane);
    assert_eq!(answer, Err(Code::Unavailable));
}
