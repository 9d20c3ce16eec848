use super::*;
use crate::handlers::fixtures::*;
use crate::testing::*;
use protocol::Code;
use serde_json::json;
use zeroize::Zeroizing;

const SOURCES: &str = "/sources?provider=stripe";

fn cookie_of(path: &str) -> String {
    format!("__Host-sluicegate_asked={}", URL_SAFE_NO_PAD.encode(path))
}

fn set(answer: &Answer) -> Vec<&str> {
    let asked = |value: &&str| value.starts_with("__Host-sluicegate_asked=");
    let headers = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    headers.map(|(_, value)| value.as_str()).filter(asked).collect()
}

/// The page that the cookie of an answer holds.
fn waits(answer: &Answer) -> Option<String> {
    let value = set(answer).first()?.split(['=', ';']).nth(1)?.to_owned();
    String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()
}

fn signing_in() -> FakePlane {
    FakePlane::new(|_, _| {
        reply(200, json!({ "outcome": "done", "purpose": "sign_in" })).map(|reply| {
            crate::control_plane::Reply { session: Some(Zeroizing::new("aa.bb.cc".into())), ..reply }
        })
    })
}

/// D10: a link in a mail leads to its page, through each way of signing in.
#[test]
fn who_signs_in_gets_to_the_page_that_they_asked_for() {
    let answer = browse("GET", SOURCES, false, "", "", &hostile()).unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert_eq!(waits(&answer).as_deref(), Some(SOURCES));
    assert!(set(&answer)[0].ends_with("; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"));

    let cookies = format!("{}; __Host-sluicegate_oidc=a; __Host-sluicegate_challenge=c", cookie_of(SOURCES));
    for (method, path, body) in [
        ("POST", "/sign-in", "email=a&password=b"),
        ("POST", "/sign-in/code", "code=1"),
        ("GET", "/sign-in/idp/callback?code=c", ""),
    ] {
        let answer = browse(method, path, false, &cookies, body, &signing_in()).unwrap();
        assert_eq!((answer.status, answer.header("location")), (303, Some(SOURCES)), "{path}");
        assert_eq!(
            set(&answer),
            ["__Host-sluicegate_asked=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"]
        );
    }
    // Half-way there, it goes on waiting.
    let half = FakePlane::new(|_, _| reply(202, json!({ "challenge": "c.1", "expires_at": "" })));
    let answer = browse("POST", "/sign-in", false, &cookies, "email=a&password=b", &half).unwrap();
    assert!(answer.header("location") == Some("/sign-in/code") && set(&answer).is_empty());
}

/// A session that is over is found out by the control plane alone.
#[test]
fn a_session_that_has_ended_meanwhile_comes_back_too() {
    let over = || FakePlane::new(|_, _| refusal(Code::Unauthenticated));
    let id = id("end_");
    let page =
        browse("GET", &format!("/endpoints/{id}?done=renamed&status=failed"), true, "", "", &over()).unwrap();
    assert_eq!(
        waits(&page),
        Some(format!("/endpoints/{id}?status=failed")),
        "what was done is not said again"
    );
    let form = post("/endpoints", &format!("action=test&id={id}"), &over()).unwrap();
    assert_eq!(waits(&form), Some(format!("/endpoints/{id}")), "a form's page; the form is not sent again");
    let form = browse("POST", "/keys", false, "", "action=create", &over()).unwrap();
    assert_eq!(waits(&form).as_deref(), Some("/keys"));
}

/// CWE-601. Whoever writes the cookie, from a sibling domain or by another fault, wins nothing.
#[test]
fn no_cookie_and_no_form_leads_off_the_pages_for_signed_in_people() {
    let long = format!("/sources?provider={}", "a".repeat(512));
    for path in [
        "",
        "/",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "\t//evil.test",
        " /sources",
        "/sources\r\nset-cookie: a=b",
        "/%2F%2Fevil.test",
        "/%5Cevil.test",
        "/sources/../../evil.test",
        "/.//evil.test",
        "https://evil.test/sources",
        "https:/sources",
        "javascript:alert(1)",
        "/@evil.test",
        "/sources@evil.test",
        "/sources#x",
        "/é",
        // Ours, and no page for signed-in people.
        "/v1/connections",
        "/v1/logout",
        "/portal",
        "/portal/endpoints",
        "/portal?token=prt_x",
        "/join?token=ivt_x",
        "/reset-password?token=rpw_x",
        "/verify-email?token=vfy_x",
        "/sign-in/idp",
        "/sign-in/idp/callback?code=c",
        "/connections/callback?code=c",
        "/sign-out",
        "/readyz",
        "/openapi.json",
        "/in/src_x",
        &long,
    ] {
        let cookies = cookie_of(path);
        let answer =
            browse("POST", "/sign-in", false, &cookies, "email=a&password=b", &signing_in()).unwrap();
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{path:?}");
        assert_eq!(confirmed(Some(path), &isolate().config), "/?done=confirmed", "{path:?}");
        assert_eq!(waits(&sign_in_first(path, &isolate().config)), None, "{path:?}");
    }
    for garbled in ["%2Fsources", "L3NvdXJjZXM=", "_w", "L3NvdXJjZXM; __Host-sluicegate_asked=L2tleXM"] {
        let cookies = format!("__Host-sluicegate_asked={garbled}");
        let answer =
            browse("POST", "/sign-in", false, &cookies, "email=a&password=b", &signing_in()).unwrap();
        assert_eq!(answer.header("location"), Some("/"), "{garbled}");
    }
}

/// A confirmation by an identity provider leads back as one by password does.
#[test]
fn a_confirmation_by_a_provider_leads_back() {
    let id = id("con_");
    let form = format!("action=provider&provider=idp&back=/connections/{id}");
    let answer = post("/confirm", &form, &hostile()).unwrap();
    assert_eq!(waits(&answer), Some(format!("/connections/{id}")));
    let confirmed =
        FakePlane::new(|_, _| reply(200, json!({ "outcome": "done", "purpose": "reauthenticate" })));
    let cookies = format!("__Host-sluicegate_oidc=a; {}", cookie_of(&format!("/connections/{id}")));
    let answer = browse("GET", "/sign-in/idp/callback?code=c", true, &cookies, "", &confirmed).unwrap();
    assert_eq!(answer.header("location"), Some(format!("/connections/{id}?done=confirmed").as_str()));
    assert!(set(&answer)[0].contains("Max-Age=0"));
    let elsewhere = post("/confirm", "action=provider&provider=idp&back=//evil.test", &hostile()).unwrap();
    assert!(set(&elsewhere)[0].contains("Max-Age=0"), "an older one does not stay in its place");
}

/// The mail about refused signatures links to `/sources/{id}#rejections`.
#[test]
fn a_source_has_the_place_that_its_mail_links_to() {
    let page = browse("GET", &format!("/sources/{}", id("src_")), true, "", "", &hostile()).unwrap();
    assert!(page.body.contains("id=\"rejections\""));
}
