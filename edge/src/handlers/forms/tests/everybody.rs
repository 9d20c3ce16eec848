//! The forms of the pages for who is not signed in.

use super::*;
use protocol::api::{
    FinishSignUp, LogIn, RequestPasswordReset, ResetPassword, SecondFactor, ShownOnce, SignUp,
};

/// Path, form, operation, its JSON, where it leads, which cookies it clears.
type Case = (&'static str, &'static str, Operation, Value, Reads, &'static str, &'static [&'static str]);

/// Each form of the pages for who is not signed in: its operation, its JSON, where it leads and what it clears.
#[test]
fn forms_for_everybody_take_their_tokens_from_cookies() {
    let cleared =
        |name: &str| format!("__Host-sluicegate_{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    let cases: [Case; 8] = [
        (
            "/sign-in",
            "email=a&password=b",
            Operation::LogIn,
            json!({ "email": "a", "password": "b" }),
            read::<LogIn>,
            "/join",
            &[],
        ),
        (
            "/sign-in/code",
            "code=+123456+",
            Operation::LogInSecondFactor,
            json!({ "challenge": "chal_1", "code": "123456" }),
            read::<SecondFactor>,
            "/join",
            &["challenge"],
        ),
        (
            "/forgot-password",
            "email=a%40b",
            Operation::RequestPasswordReset,
            json!({ "email": "a@b" }),
            read::<RequestPasswordReset>,
            "/forgot-password?done=reset-asked",
            &[],
        ),
        (
            "/reset-password",
            "new_password=+x+",
            Operation::ResetPassword,
            json!({ "token": "rst_token_1", "new_password": " x " }),
            read::<ResetPassword>,
            "/?done=password-set",
            &["session", "reset"],
        ),
        (
            "/join/sign-up",
            "email=a&password=b&name=c&accept_terms=true",
            Operation::SignUp,
            json!({ "email": "a", "password": "b", "name": "c", "accept_terms": true, "invitation_token": "inv_token_1" }),
            read::<SignUp>,
            "/?done=joined",
            &["join"],
        ),
        (
            "/finish-sign-up",
            "name=c&accept_terms=true",
            Operation::FinishSignUp { pending: ShownOnce("pend_1".into()) },
            json!({ "name": "c", "accept_terms": true, "invitation_token": "inv_token_1" }),
            read::<FinishSignUp>,
            "/",
            &["pending", "join"],
        ),
        (
            "/sign-up",
            "email=a&password=b&name=c&org_name=d&region=us",
            Operation::SignUp,
            json!({ "email": "a", "password": "b", "name": "c", "org_name": "d", "region": "us", "accept_terms": false }),
            read::<SignUp>,
            "/join",
            &[],
        ),
        (
            "/sign-up",
            "email=a&password=b&name=c&org_name=&region=mars",
            Operation::SignUp,
            json!({ "email": "a", "password": "b", "name": "c", "org_name": "", "accept_terms": false }),
            read::<SignUp>,
            "/join",
            &[],
        ),
    ];
    for (path, body, operation, expected, reads, location, clears) in cases {
        let plane = done();
        let answer = browse("POST", path, false, COOKIES, body, &plane).unwrap();
        assert!(reads(&expected), "{path}: no JSON of the API");
        assert_eq!(sent(&plane), (operation, expected), "{path}");
        assert_eq!(plane.calls.borrow()[0].0.principal, Principal::Anonymous);
        assert_eq!((answer.status, answer.header("location")), (303, Some(location)), "{path}");
        let want: Vec<_> = clears
            .iter()
            .map(|name| {
                if *name == "session" {
                    crate::handlers::session_cookie("", 14).unwrap()
                } else {
                    cleared(name)
                }
            })
            .collect();
        assert_eq!(cookies(&answer), want, "{path}");
    }
}

/// C4: a right password of an account with a second factor gives no session, but the way to the code.
#[test]
fn c4_a_right_password_leads_to_the_second_factor() {
    let plane = FakePlane::new(|_, _| {
        reply(202, json!({ "challenge": "chal.9", "expires_at": "2026-11-22T00:10:00Z" }))
    });
    let answer = browse("POST", "/sign-in", false, "", "email=a&password=b", &plane).unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in/code")));
    assert_eq!(
        cookies(&answer),
        ["__Host-sluicegate_challenge=chal.9; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"]
    );

    let wrong = FakePlane::new(|_, _| refusal(Code::InvalidCode));
    let answer = browse("POST", "/sign-in/code", false, COOKIES, "code=654321", &wrong).unwrap();
    assert!(answer.status == 401 && answer.body.contains("action=\"/sign-in/code\""));
    assert!(!answer.body.contains("654321") && cookies(&answer).is_empty());

    let over = FakePlane::new(|_, _| refusal(Code::InvalidLink));
    let answer = browse("POST", "/sign-in/code", false, COOKIES, "code=654321", &over).unwrap();
    assert!(answer.status == 400 && answer.body.contains("Sign in again"));
    assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_challenge=; "));
}

#[test]
fn a_form_without_the_cookie_that_it_needs_reaches_nobody() {
    for path in ["/sign-in/code", "/finish-sign-up", "/reset-password", "/join/sign-up"] {
        let plane = done();
        let answer =
            browse("POST", path, false, "", "code=1&token=t&challenge=c&invitation_token=i", &plane).unwrap();
        assert_eq!(answer.status, 400, "{path}");
        assert!(plane.operations().is_empty(), "{path}");
    }
}

#[test]
fn a_dead_link_is_said_and_forgotten_and_a_weak_password_can_be_typed_again() {
    for (path, next) in [("/reset-password", "/forgot-password"), ("/join/sign-up", "/")] {
        let plane = FakePlane::new(|_, _| refusal(Code::InvalidLink));
        let answer = browse("POST", path, false, COOKIES, "new_password=x", &plane).unwrap();
        assert!(answer.status == 400 && answer.body.contains(&format!("href=\"{next}\"")), "{path}");
        assert!(cookies(&answer).iter().all(|cookie| cookie.contains("=; Path=/; Max-Age=0;")), "{path}");
    }
    let plane = FakePlane::new(|_, _| refusal(Code::ValidationFailed));
    let answer = browse("POST", "/reset-password", false, COOKIES, "new_password=hunter2", &plane).unwrap();
    assert!(answer.status == 422 && answer.body.contains("action=\"/reset-password\""));
    assert!(cookies(&answer).is_empty() && !answer.body.contains("hunter2"));
}

#[test]
fn who_came_by_a_mailed_link_lands_on_its_page() {
    let verify = "__Host-sluicegate_verify=ver_1";
    for (cookies, landing) in
        [("", "/"), (verify, "/verify-email"), (&*format!("{verify}; __Host-sluicegate_join=inv_1"), "/join")]
    {
        for path in ["/sign-in", "/sign-in/code"] {
            let cookies = format!("__Host-sluicegate_challenge=c; {cookies}");
            let answer = browse("POST", path, false, &cookies, "email=a&password=b&code=1", &done()).unwrap();
            assert_eq!((answer.status, answer.header("location")), (303, Some(landing)), "{path}");
            assert!(!answer.headers.iter().any(|(_, value)| value.contains("_verify=")), "the token stays");
        }
    }
}

#[test]
fn a_newcomer_with_somebody_elses_invitation_signs_up_without_it() {
    let plane = FakePlane::new(|_, _| refusal(Code::WrongEmail));
    let answer =
        browse("POST", "/finish-sign-up", false, COOKIES, "name=A&accept_terms=true", &plane).unwrap();
    assert!(answer.body.contains(Code::WrongEmail.title()) && answer.body.contains("name=\"org_name\""));
    assert_eq!(cookies(&answer).len(), 1);
    assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_join=;"));
}

/// M6: an account that is tried too often says when it can be tried again.
#[test]
fn m6_too_many_attempts_say_how_long_to_wait() {
    let plane = FakePlane::new(|_, _| {
        refusal(Code::RateLimited)
            .map(|reply| crate::control_plane::Reply { retry_after: Some(600), ..reply })
    });
    let answer = browse("POST", "/sign-in", false, "", "email=a&password=b", &plane).unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("600")));
    assert!(answer.body.contains("Try again in 10 minutes."));
}

/// An unasked-for link proves nothing: the form is the signed-in account's, with its CSRF token.
#[test]
fn an_email_is_confirmed_by_the_account_that_is_signed_in() {
    let plane = done();
    let token = format!("csrf_token={}", csrf_token());
    let answer = post("/verify-email", &token, &plane).unwrap();
    let expected = json!({ "token": "ver_token_1" });
    assert!(read::<protocol::api::VerifyEmail>(&expected));
    assert_eq!(sent(&plane), (Operation::VerifyEmail, expected));
    assert!(matches!(plane.calls.borrow()[0].0.principal, Principal::Session { .. }));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/?done=email-verified")));
    assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_verify=; Path=/; Max-Age=0;"));

    let plane = done();
    let answer = browse("POST", "/verify-email", false, COOKIES, &token, &plane).unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(cookies(&answer).is_empty(), "the token waits for the sign-in");
    let without = browse("POST", "/verify-email", true, "", &token, &plane).unwrap();
    assert_eq!(without.status, 400);
    assert!(plane.operations().is_empty());

    let plane = FakePlane::new(|_, _| refusal(Code::InvalidLink));
    let answer = post("/verify-email", &token, &plane).unwrap();
    assert!(answer.status == 400 && answer.body.contains("href=\"/account\""));
    assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_verify=; "));
}
