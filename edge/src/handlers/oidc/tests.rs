use super::*;
use crate::handlers::fixtures::*;
use crate::testing::*;
use serde_json::{Value, json};
use zeroize::Zeroizing;

const ATTEMPT: &str = "__Host-sluicegate_oidc=attempt_1";
const CLEARED: &str = "__Host-sluicegate_oidc=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect()
}

/// Comes back from the provider with `outcome`; a session comes with a sign-in.
fn back(outcome: Value, cookies: &str) -> (Answer, FakePlane) {
    let plane = FakePlane::new(move |_, _| {
        let mut reply = reply(200, &outcome).unwrap();
        if outcome["outcome"] == "done" {
            reply.session = Some(Zeroizing::new("aa.bb.cc".into()));
        }
        Some(reply)
    });
    let answer =
        browse("GET", "/sign-in/idp/callback?code=c&state=s%20t", false, cookies, "", &plane).unwrap();
    (answer, plane)
}

/// C3, F9: the way there binds the attempt to this browser.
#[test]
fn c3_a_link_leads_to_the_provider_with_the_attempts_cookie() {
    let plane = hostile();
    let answer = browse("GET", "/sign-in/idp", false, "", "", &plane).unwrap();
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").unwrap().starts_with("https://idp.test/authorize?"));
    assert_eq!(
        cookies(&answer),
        ["__Host-sluicegate_oidc=att_1; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"]
    );
    let start = OidcStart { provider: "idp".into(), purpose: OidcPurpose::SignIn };
    assert_eq!(plane.operations(), [Operation::StartOidc(start)]);
    for unknown in
        ["/sign-in/nope", "/sign-in/nope/callback", "/sign-in/", "/sign-in/idp/x", "/sign-in//callback"]
    {
        let answer = browse("GET", unknown, false, "", "", &hostile()).unwrap();
        assert_eq!(answer.status, 404, "{unknown}");
    }
}

/// The way back is a navigation from another site, and passes.
#[test]
fn c3_the_callback_passes_from_the_providers_site_and_takes_query_and_attempt_along() {
    let mut isolate = isolate();
    let headers = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("cookie", ATTEMPT)];
    admitted(&mut isolate, &head("GET", "/sign-in/idp/callback?code=c", &headers));

    let (answer, plane) = back(json!({ "outcome": "done", "purpose": "sign_in" }), ATTEMPT);
    let callback = OidcCallback {
        provider: "idp".into(),
        attempt: ShownOnce("attempt_1".into()),
        query: ShownOnce("code=c&state=s%20t".into()),
    };
    assert_eq!(plane.operations(), [Operation::FinishOidc(callback)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_session=aa.bb.cc;"));
    assert_eq!(cookies(&answer)[1], CLEARED);
}

#[test]
fn each_purpose_leads_back_to_where_it_began() {
    let to = |purpose: &str, cookies: &str| {
        let (answer, _) = back(json!({ "outcome": "done", "purpose": purpose }), cookies);
        answer.header("location").unwrap().to_owned()
    };
    assert_eq!(to("link", ATTEMPT), "/account?done=linked");
    assert_eq!(to("reauthenticate", ATTEMPT), "/?done=confirmed");
    assert_eq!(to("sign_in", &format!("{ATTEMPT}; __Host-sluicegate_join=t")), "/join");
}

#[test]
fn a_newcomer_is_asked_for_the_rest_and_a_second_factor_for_its_code() {
    let (answer, _) =
        back(json!({ "outcome": "sign_up", "pending": "p.1", "email": "a@b", "name": "Ada" }), ATTEMPT);
    assert_eq!(answer.header("location"), Some("/finish-sign-up"));
    let set = cookies(&answer)[0];
    assert!(set.starts_with("__Host-sluicegate_pending=p.1~") && set.contains("; Max-Age=900; "), "{set}");
    let value = set.split(['=', ';']).nth(1).unwrap();
    let page = browse(
        "GET",
        "/finish-sign-up",
        false,
        &format!("__Host-sluicegate_pending={value}"),
        "",
        &hostile(),
    );
    let body = page.unwrap().body;
    assert!(body.contains("value=\"Ada\"") && body.contains("a@b") && body.contains("name=\"org_name\""));

    let (answer, _) = back(json!({ "outcome": "second_factor", "challenge": "c.1" }), ATTEMPT);
    assert_eq!(answer.header("location"), Some("/sign-in/code"));
    assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_challenge=c.1; Path=/; Max-Age=600; "));
    assert_eq!(cookies(&answer)[1], CLEARED);
}

/// F9: without the attempt of this very browser nothing is asked, so a code that was planted is worth nothing.
#[test]
fn f9_a_callback_without_its_attempt_ends_here() {
    for cookies in ["", "__Host-sluicegate_oidc=a; __Host-sluicegate_oidc=b"] {
        let (answer, plane) = back(json!({ "outcome": "done", "purpose": "sign_in" }), cookies);
        assert_eq!(answer.status, Code::IdentityRefused.status());
        assert!(
            answer.body.contains(Code::IdentityRefused.title())
                && answer.body.contains("action=\"/sign-in\"")
        );
        assert!(plane.operations().is_empty());
    }
}

#[test]
fn a_refusal_shows_on_the_sign_in_page_and_ends_the_attempt() {
    for signed_in in [false, true] {
        let plane = FakePlane::new(|_, _| refusal(Code::AccountExists));
        let answer = browse("GET", "/sign-in/idp/callback?code=c", signed_in, ATTEMPT, "", &plane).unwrap();
        assert_eq!(answer.status, 409);
        assert!(answer.body.contains("This email already has an account"));
        assert_eq!(answer.body.contains("action=\"/sign-in\""), !signed_in);
        assert_eq!(cookies(&answer), [CLEARED]);
    }
}

/// A form's answer may not redirect to another origin under `form-action 'self'`: it is a page that goes on.
#[test]
fn from_a_form_the_way_to_the_provider_is_a_page() {
    for (path, body, purpose) in [
        ("/account", "action=link&provider=idp", OidcPurpose::Link),
        ("/confirm", "action=provider&provider=idp", OidcPurpose::Reauthenticate),
    ] {
        let plane = FakePlane::new(|_, _| {
            reply(200, json!({ "location": "https://idp.test/a?b=c&d", "attempt": "att_1" }))
        });
        let answer = post(path, body, &plane).unwrap();
        assert_eq!((answer.status, answer.header("location")), (200, None));
        assert!(answer.body.contains("content=\"0;url=https://idp.test/a?b=c&amp;d\""));
        assert!(answer.body.contains("<a href=\"https://idp.test/a?b=c&amp;d\""));
        assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_oidc=att_1; "));
        assert_eq!(plane.operations(), [Operation::StartOidc(OidcStart { provider: "idp".into(), purpose })]);
    }
}

#[test]
fn an_address_that_is_none_is_not_gone_to() {
    for location in
        ["javascript:alert(1)", "//evil.test", "/x", "https://idp.test/\nset-cookie:a=b", "https://é"]
    {
        let plane =
            FakePlane::new(move |_, _| reply(200, json!({ "location": location, "attempt": "att_1" })));
        assert_eq!(
            browse("GET", "/sign-in/idp", false, "", "", &plane),
            Err(Code::Unavailable),
            "{location}"
        );
    }
}

#[test]
fn a_newcomers_cookie_is_read_back_or_refused() {
    let newcomer = Newcomer { pending: "a~b.c".into(), email: "ż@b".into(), name: "é\"~;".repeat(100) };
    let cookie = newcomer.to_cookie();
    let back = Newcomer::from_cookie(cookie.expose_secret()).unwrap();
    assert_eq!((back.pending.expose_secret(), back.email.as_str()), ("a~b.c", "ż@b"));
    assert_eq!(back.name.chars().count(), 200);
    for cookie in ["", "a", "a~b", "a~!~!", "a~_w~_w"] {
        assert!(Newcomer::from_cookie(cookie).is_none(), "{cookie}");
    }
}
