use super::*;
use crate::handlers::fixtures::*;
use crate::handlers::pages::webhooks::View;
use crate::head::Head;
use crate::route::{self, Target};
use crate::testing::*;
use protocol::Operation;
use serde_json::{Value, json};
use std::collections::BTreeSet;

mod refused;
mod vault;
mod webhooks;

fn get(path: &str, plane: &FakePlane) -> Answer {
    browse("GET", path, true, COOKIES, "", plane).unwrap()
}

fn get_signed_out(path: &str, cookies: &str, plane: &FakePlane) -> Answer {
    browse("GET", path, false, cookies, "", plane).unwrap()
}

/// Every signed-in page there is: [`every_page_is_in_these_lists`] holds it to that.
fn signed_in_pages() -> Vec<String> {
    let paths = [
        "/",
        "/?done=confirmed",
        "/connections",
        "/keys",
        "/keys?done=revoked",
        "/sources",
        "/sources?provider=stripe",
        "/providers",
        "/events?event_type=a.b&since=2026-11-22T10%3A00&forwarding=failed&source_id=",
        "/messages?customer_id=cus_1&cursor=msg_x",
        "/event-types?done=described",
        "/event-types/a.b",
        "/portal-links",
        "/connectors",
        "/connectors/gmail",
        "/connectors/gmail?done=client-set",
        "/receipts?cursor=con_x",
        "/endpoints?done=deleted",
        "/endpoints?customer_id=cus_1",
        "/workspace",
        "/admin/keys",
        "/members",
        "/members?cursor=usr_x",
        "/members/leave",
        "/usage",
        "/account",
        "/confirm",
        "/join",
        "/verify-email",
        "/audit",
        "/audit?verify=1",
    ];
    let con = id("con_");
    let named = [
        format!("/events/{}", id("ine_")),
        format!("/members/{}/remove", other()),
        format!("/keys/{}/rotate", id("key_")),
        format!("/keys/{}/revoke", id("key_")),
        format!("/connections/{con}?done=connected"),
        format!("/connections/{con}/disconnect"),
        format!("/connectors/gmail?replace={con}"),
        format!("/endpoints/{}?status=failed&cursor=msg_x&attempts_cursor=att_x", id("end_")),
        format!("/endpoints/{}/delete", id("end_")),
        format!("/sources/{}?done=paused", SOURCE),
        format!("/sources/{}/delete", SOURCE),
        format!("/messages/{}?done=resent", id("msg_")),
    ];
    paths.map(str::to_owned).into_iter().chain(named).collect()
}

const PUBLIC_PAGES: [&str; 10] = [
    "/",
    "/?done=password-set",
    "/sign-in/code",
    "/finish-sign-up",
    "/forgot-password",
    "/forgot-password?done=reset-asked",
    "/reset-password",
    "/verify-email",
    "/join",
    "/sign-up",
];

/// Every page: of the paths above, and the ones that answer a form.
fn pages_with_session() -> Vec<(String, Answer)> {
    let mut pages: Vec<_> =
        signed_in_pages().into_iter().map(|path| (path.clone(), get(&path, &hostile()))).collect();
    let con = id("con_");
    let shown_once = [
        ("/connections", format!("action=test&id={con}")),
        ("/connections", format!("action=dry_run&id={con}&method=GET&path=%3Cscript%3E&body=%3Cscript%3E")),
        ("/connections", format!("action=disconnect&id={con}")),
        ("/connections", format!("action=authorize&id={con}")),
        ("/connections", "action=create&connector=gmail&auth_type=oauth2&name=N".to_owned()),
        ("/endpoints", "action=create&url=u".to_owned()),
        ("/endpoints", format!("action=rotate&id={}&overlap_seconds=0", id("end_"))),
        ("/endpoints", format!("action=recover&id={}&since=%3Cscript%3E", id("end_"))),
        ("/sources", format!("action=token&id={}", SOURCE)),
        ("/sources", format!("action=replay&id={}&event_types=%3Cscript%3E", SOURCE)),
        ("/events", format!("action=replay&id={}", id("ine_"))),
        ("/portal-links", "action=create&customer_id=c&expires_in_seconds=60".to_owned()),
        ("/workspace", "action=delete&name=N".to_owned()),
        ("/keys", format!("action=rotate&grace_seconds=0&id={}", id("key_"))),
        ("/members", "action=invite&email=a%40b&role=member".to_owned()),
        ("/account", "action=start_second_factor".to_owned()),
        ("/account", "action=new_recovery_codes".to_owned()),
        ("/account", "action=link&provider=idp".to_owned()),
    ];
    for (path, body) in shown_once {
        pages.push((format!("{path} {body}"), post(path, &body, &hostile()).unwrap()));
    }
    let typed = "method=%3Cscript%3E&path=%22%3E%3Cscript%3E&body=%3Cscript%3E&client_id=%3Cscript%3E&url=%3Cscript%3E\
                 &event_types=%3Cscript%3E&description=%3Cscript%3E&base_url=%3Cscript%3E&username=%3Cscript%3E&email=%22%3E%3Cscript%3E&allowed_ips=%3Cscript%3E&app_scopes=%3Cscript%3E&back=%3Cscript%3E&id=con_00000000000000000000000000";
    let refused = [
        ("/keys", "create", Code::ValidationFailed, 422),
        ("/connections", "create&name=%22%3E%3Cscript%3E", Code::BaseUrlRefused, 422),
        (
            "/connections",
            "create&connector=gmail&auth_type=basic&name=%3Cscript%3E",
            Code::CredentialRefused,
            422,
        ),
        (
            "/connections",
            "replace&connector=gmail&auth_type=api_key&name=%3Cscript%3E",
            Code::CredentialRefused,
            422,
        ),
        ("/connections", "authorize", Code::ClientMissing, 409),
        ("/connections", "dry_run", Code::ValidationFailed, 422),
        ("/connections", "test", Code::RefreshFailed, 503),
        ("/connectors", "set_client&connector=gmail", Code::ValidationFailed, 422),
        ("/connectors", "set_client&connector=gmail", Code::ReauthenticationRequired, 403),
        ("/endpoints", "create", Code::BaseUrlRefused, 422),
        ("/endpoints", "create&headers=%3Cscript%3E", Code::Unavailable, 422),
        (
            "/sources",
            "create&provider=%3Cscript%3E&public_key=%3Cscript%3E&scheme.header=%3Cscript%3E",
            Code::ValidationFailed,
            422,
        ),
        ("/messages", "publish&payload=%3Cscript%3E&event_type=%3Cscript%3E", Code::Unavailable, 422),
        (
            "/messages",
            "publish&payload=%5B%22%3Cscript%3E%22%5D&customer_id=%3Cscript%3E",
            Code::ValidationFailed,
            422,
        ),
        ("/event-types", "set&name=%3Cscript%3E&schema=%3Cscript%3E", Code::Unavailable, 422),
        ("/event-types", "set&name=a&example=%22%3Cscript%3E%22", Code::ValidationFailed, 422),
        ("/portal-links", "create&customer_id=%3Cscript%3E", Code::ValidationFailed, 422),
        ("/workspace", "delete", Code::ValidationFailed, 422),
        ("/admin/keys", "rotate", Code::KeyVersionRefused, 409),
        ("/members", "invite", Code::AlreadyMember, 409),
        ("/account", "create_org", Code::ValidationFailed, 422),
        ("/account", "change_email", Code::EmailTaken, 409),
        ("/account", "confirm_second_factor", Code::InvalidCode, 401),
        ("/account/password", "", Code::InvalidCredentials, 401),
        ("/confirm", "", Code::InvalidCredentials, 401),
        ("/join", "", Code::WrongEmail, 403),
        ("/account", "change_email", Code::ReauthenticationRequired, 403),
    ];
    for (path, action, code, status) in refused {
        let changes = |operation: &Operation| {
            use Operation as O;
            let shown = matches!(
                operation,
                O::Me
                    | O::Overview
                    | O::GetAccount
                    | O::GetConnector { .. }
                    | O::GetConnection { .. }
                    | O::GetOrgKey
                    | O::GetKeys
                    | O::GetSource { .. }
                    | O::GetEndpoint { .. }
                    | O::GetMessage { .. }
                    | O::GetInboundEvent { .. }
            );
            !answer(operation).as_object().unwrap().contains_key("data") && !shown
        };
        let answer = post(path, &format!("action={action}&{typed}"), &refusing(code, changes)).unwrap();
        assert_eq!(answer.status, status, "{path} {action}");
        pages.push((format!("{path} {action} {code:?}"), answer));
    }
    pages
}

fn pages_without_session() -> Vec<(String, Answer)> {
    PUBLIC_PAGES.map(|path| (path.to_owned(), get_signed_out(path, COOKIES, &hostile()))).into()
}

fn all_pages() -> impl Iterator<Item = (String, Answer)> {
    pages_with_session().into_iter().chain(pages_without_session())
}

/// A page that is new does not compile here until it has a number, and fails here until a list above has a path of it.
#[test]
fn every_page_is_in_these_lists() {
    let number = |page: &Page| match page {
        Page::Home(_) => 0,
        Page::SignInCode => 1,
        Page::FinishSignUp => 2,
        Page::ForgotPassword(_) => 3,
        Page::ResetPassword => 4,
        Page::VerifyEmail => 5,
        Page::Join => 6,
        Page::Connections(_) => 7,
        Page::Keys(_) => 8,
        Page::Webhooks(view) => match &**view {
            View::Sources { .. } => 9,
            View::Events { .. } => 10,
            View::Event(_) => 11,
            View::Endpoints { .. } => 24,
            View::Endpoint { .. } => 25,
            View::Source { .. } => 28,
            View::DeleteSource(_) => 29,
            View::Providers => 30,
            View::DeleteEndpoint(_) => 31,
            View::Messages { .. } => 32,
            View::Message { .. } => 33,
            View::EventTypes { .. } => 34,
            View::EventType(_) => 35,
            View::PortalLinks { .. } => 36,
        },
        Page::Members { .. } => 12,
        Page::RemoveMember { .. } => 13,
        Page::Leave => 14,
        Page::Usage => 15,
        Page::Account(_) => 16,
        Page::Confirm => 17,
        Page::Audit { .. } => 18,
        Page::Connection { .. } => 19,
        Page::Disconnect(_) => 20,
        Page::Connectors => 21,
        Page::Connector { .. } => 22,
        Page::Receipts { .. } => 23,
        Page::Workspace(_) => 26,
        Page::AdminKeys(_) => 27,
        Page::RotateKey(_) => 37,
        Page::RevokeKey(_) => 38,
        // No page of their own; the tests of `oidc`, of `connect` and, for the last, the answer to a wrong code above.
        Page::StartOidc { .. }
        | Page::FinishOidc { .. }
        | Page::FinishAuthorization { .. }
        | Page::SecondFactor => 99,
    };
    let config = isolate().config;
    let paths = signed_in_pages().into_iter().chain(PUBLIC_PAGES.map(str::to_owned));
    let listed: BTreeSet<_> = paths
        .map(|path| match route::find(&Head::parse(&head("GET", &path, &[])), &config) {
            Ok(Target::Page(page)) => number(&page),
            other => panic!("{path}: {other:?}"),
        })
        .collect();
    assert_eq!(listed, (0..=38).collect());
}

#[test]
fn whatever_a_tenant_stored_shows_as_text() {
    for (path, answer) in all_pages() {
        assert!(!answer.body.contains("<script"), "{path}");
    }
    for path in signed_in_pages() {
        let answer = get(&path, &hostile());
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains("&lt;script&gt;"), "{path} shows nothing of it");
    }
}

/// M5: a page's policy names the nonce that its one style has; no page has a script, an inline handler or style.
#[test]
fn m5_pages_carry_their_own_nonce_and_need_no_script() {
    let mut nonces = BTreeSet::new();
    for (path, answer) in all_pages() {
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

fn forms(body: &str) -> Vec<&str> {
    body.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()).collect()
}

/// M5: every form that changes something carries the session's token.
#[test]
fn m5_every_post_form_carries_the_csrf_token() {
    let field = format!("<input type=\"hidden\" name=\"csrf_token\" value=\"{}\">", csrf_token());
    for (path, answer) in pages_with_session() {
        let forms = forms(&answer.body);
        // Who has deleted the workspace is signed out, and has nothing left to send.
        assert!(!forms.is_empty() || path.starts_with("/workspace action=delete"), "{path}");
        for form in forms.iter().filter(|form| form.contains("method=\"post\"")) {
            assert!(form.contains(&field), "{path}: {form}");
        }
    }
}

/// A form's action is a form's route: none leads nowhere, or to another origin.
#[test]
fn every_form_has_a_route_of_its_own() {
    let config = isolate().config;
    for (path, answer) in all_pages() {
        for form in forms(&answer.body) {
            let method = if form.contains("method=\"post\"") { "POST" } else { "GET" };
            let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
            let text = head(method, action, &[]);
            let target = route::find(&Head::parse(&text), &config);
            let found =
                matches!((method, &target), ("POST", Ok(Target::Form(_))) | ("GET", Ok(Target::Page(_))));
            assert!(found, "{path}: {method} {action}");
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_table_head_a_scope() {
    for (path, answer) in all_pages() {
        let body = answer.body;
        let fields =
            ["<input", "<select", "<textarea"].iter().map(|tag| body.matches(tag).count()).sum::<usize>();
        let hidden = body.matches("type=\"hidden\"").count();
        assert_eq!(fields - hidden, body.matches("<label").count(), "{path}");
        assert_eq!(
            body.matches("<th>").count() + body.matches("<th ").count(),
            body.matches("<th scope=\"col\"").count()
        );
        assert_eq!(body.matches("<h1").count(), 1, "{path}");
        let ids: Vec<_> = body.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: {ids:?}");
    }
}

/// No token of a link or a sign-in stands on a page: they are in cookies that no script reads.
#[test]
fn no_page_holds_what_a_cookie_holds() {
    for (path, answer) in all_pages() {
        for token in ["attempt_1", "chal_1", "pend_1", "inv_token_1", "rst_token_1", "ver_token_1"] {
            assert!(!answer.body.contains(token), "{path}: {token}");
        }
    }
}

#[test]
fn a_page_asks_for_what_it_shows_and_nothing_else() {
    for path in ["/", "/connections", "/keys"] {
        let plane = hostile();
        get(path, &plane);
        assert_eq!(plane.operations(), [Operation::Overview], "{path}");
    }
    let named = [
        (format!("/connections/{}", id("con_")), 2),
        (format!("/connectors/gmail?replace={}", id("con_")), 3),
        (format!("/endpoints/{}", id("end_")), 5),
        (format!("/sources/{}", SOURCE), 5),
        (format!("/events/{}", id("ine_")), 5),
        (format!("/messages/{}", id("msg_")), 5),
    ];
    let fixed = [
        ("/usage", 2),
        ("/members", 3),
        ("/account", 5),
        ("/confirm", 2),
        ("/join", 2),
        ("/verify-email", 1),
        ("/connectors", 2),
        ("/connectors/gmail", 2),
        ("/receipts", 2),
        ("/endpoints", 3),
        ("/sources", 2),
        ("/providers", 2),
        ("/events", 3),
        ("/messages", 2),
        ("/event-types", 2),
        ("/portal-links", 2),
        ("/workspace", 2),
        ("/admin/keys", 2),
    ];
    let fixed = fixed.into_iter().map(|(path, calls)| (path.to_owned(), calls));
    for (path, calls) in fixed.chain(named) {
        let path = path.as_str();
        let plane = hostile();
        get(path, &plane);
        assert_eq!(plane.operations().len(), calls, "{path}");
        assert_eq!(plane.operations().first(), Some(&Operation::Me), "{path}");
    }
    for path in PUBLIC_PAGES {
        let plane = hostile();
        get_signed_out(path, COOKIES, &plane);
        let asks = usize::from(matches!(path, "/join" | "/finish-sign-up"));
        assert_eq!(plane.operations().len(), asks, "{path}: what an invitation is for, where there is one");
        get_signed_out(path, "", &plane);
        assert_eq!(plane.operations().len(), asks, "{path}");
    }
}

#[test]
fn an_empty_workspace_is_told_the_next_step() {
    let empty = || {
        let mut data = overview();
        for rows in ["connections", "api_keys", "sources", "events", "audit"] {
            data[rows] = json!([]);
        }
        FakePlane::new(move |call, _| match call.operation {
            Operation::Overview => reply(200, data.clone()),
            Operation::Me => reply(200, me()),
            _ => reply(200, json!({ "data": [], "next_cursor": null })),
        })
    };
    for (path, step) in [
        ("/connections", "Store a third party"),
        ("/keys", "Create one below"),
        ("/sources", "paste its URL"),
        ("/events", "Create a source"),
        ("/endpoints", "Give a URL"),
        ("/messages", "Publish one below"),
        ("/portal-links", "No link opens anything"),
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
    for path in ["/connections", "/keys", "/audit"] {
        let data = data.clone();
        let body = get(path, &FakePlane::new(move |_, _| reply(200, data.clone()))).body;
        assert!(body.contains("Your role does not include"), "{path}");
        assert!(!body.contains("value=\"create\""), "{path}");
    }
}

/// N2: a member sees who belongs to the workspace and is offered no change; N9: nobody is offered their own role.
#[test]
fn n2_n9_the_members_page_offers_what_the_role_may_do() {
    let forms_of = |role: &'static str| {
        let plane = FakePlane::new(move |call, _| {
            let mut answer = answer(&call.operation);
            if call.operation == Operation::Me {
                answer["role"] = role.into();
            }
            reply(200, answer)
        });
        get("/members", &plane).body.into_owned()
    };
    let member = forms_of("member");
    assert_eq!(forms(&member).len(), 1, "sign-out alone");
    assert!(!member.contains("/remove") && member.contains("href=\"/members/leave\""));
    let admin = forms_of("org_admin");
    for offered in ["value=\"role\"", "value=\"invite\"", "value=\"revoke\""] {
        assert_eq!(admin.matches(offered).count(), 1, "{offered}");
    }
    assert!(admin.contains(&format!("/members/{}/remove\"", other())));
    assert!(!admin.contains(&format!("/members/{USER}/remove")));
    assert!(!forms(&admin).iter().any(|form| form.contains("value=\"role\"") && form.contains(USER)));
}

/// N8: before a member is removed, the page says what ends with it.
#[test]
fn n8_removal_says_how_many_keys_end() {
    let answer = get(&format!("/members/{}/remove?cursor=usr_x", other()), &hostile());
    assert!(answer.body.contains("3 API keys that they made end with it."));
    let nobody = get(&format!("/members/{}/remove", id("usr_").replace("usr_0", "usr_2")), &hostile());
    assert_eq!(nobody.status, 404);
}

#[test]
fn the_header_says_who_is_signed_in_and_where() {
    let body = get("/usage", &hostile()).body;
    assert!(body.contains("href=\"/account#workspaces\"") && body.contains("href=\"/account\""));
    for label in ["Overview", "Members", "Usage", "Audit"] {
        assert!(body.contains(&format!(">{label}</a>")), "{label}");
    }
}

#[test]
fn usage_is_written_for_people() {
    let body = get("/usage", &hostile()).body;
    assert!(body.contains("1,234,567") && body.contains("10,000,000"));
    assert!(body.contains("used up") && body.contains("not included") && body.contains("no limit"));
    assert!(body.contains("<meter min=\"0\" max=\"20\" optimum=\"0\" high=\"16\" value=\"19\""));
}

#[test]
fn a_dead_session_is_cleared_and_leads_to_sign_in() {
    let dead = || FakePlane::new(|_, _| refusal(Code::Unauthenticated));
    for path in ["/keys", "/account", "/members", "/usage"] {
        let answer = get(path, &dead());
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{path}");
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    }
    let answer = get("/", &dead());
    assert!(answer.status == 200 && answer.body.contains("action=\"/sign-in\""));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert!(get("/join", &dead()).body.contains("action=\"/join/sign-up\""));
    assert!(get("/verify-email", &dead()).body.contains("<h1>Sign in to confirm your email</h1>"));
}

#[test]
fn a_renewed_session_reaches_the_browser_whichever_call_brought_it() {
    for path in ["/", "/account"] {
        let plane = FakePlane::new(|call, _| {
            let mut reply = reply(200, answer(&call.operation)).unwrap();
            if matches!(call.operation, Operation::Overview | Operation::ListOrgs) {
                reply.session = Some(zeroize::Zeroizing::new("aa.bb.cc".into()));
            }
            Some(reply)
        });
        let set = get(path, &plane).header("set-cookie").unwrap().to_owned();
        assert!(set.starts_with("__Host-sluicegate_session=aa.bb.cc;"), "{path}");
    }
}

/// A mailed token leaves the address for a cookie at once; what is no token of ours is left out.
#[test]
fn a_mailed_link_leads_to_its_page_without_the_token() {
    for (path, name) in [("/join", "join"), ("/reset-password", "reset"), ("/verify-email", "verify")] {
        for signed_in in [false, true] {
            let plane = hostile();
            let answer = browse("GET", &format!("{path}?token=tok_abc"), signed_in, "", "", &plane).unwrap();
            assert_eq!((answer.status, answer.header("location")), (303, Some(path)));
            assert_eq!(
                answer.header("set-cookie"),
                Some(format!("__Host-sluicegate_{name}=tok_abc; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax").as_str())
            );
            assert!(plane.operations().is_empty(), "scanners of mails follow links");
        }
        let answer = get_signed_out(&format!("{path}?token=a%0d%0aset-cookie:x=y"), "", &hostile());
        assert_eq!((answer.status, answer.header("location")), (303, Some(path)));
        assert!(answer.header("set-cookie").unwrap().contains("=; Path=/; Max-Age=0"));
        let answer = get_signed_out(path, "", &hostile());
        assert!(answer.status == 400 && answer.body.contains(Code::InvalidLink.title()), "{path}");
    }
}

#[test]
fn an_emails_confirmation_is_offered_to_who_is_signed_in_alone() {
    let body = get_signed_out("/verify-email", COOKIES, &hostile()).body;
    assert!(forms(&body).is_empty() && body.contains("<h1>Sign in to confirm your email</h1>"));
    assert!(body.contains("href=\"/\"") && body.contains("href=\"/sign-in/idp\""));
    assert!(get("/verify-email", &hostile()).body.contains("action=\"/verify-email\""));
    let answer = browse("GET", "/verify-email", true, "", "", &hostile()).unwrap();
    assert!(answer.status == 400 && answer.body.contains(Code::InvalidLink.title()));
}

#[test]
fn a_step_of_signing_in_without_its_cookie_says_so() {
    for path in ["/sign-in/code", "/finish-sign-up"] {
        let answer = get_signed_out(path, "", &hostile());
        assert!(answer.status == 400 && answer.body.contains("Sign in again"), "{path}");
    }
}

/// Nothing of an address but a known word gets onto a page.
#[test]
fn a_link_cannot_put_words_into_a_pages_mouth() {
    for query in ["?done=%3Cscript%3E", "?done=You+have+won", "?notice=x", "?done=created&x=y"] {
        let body = get_signed_out(&format!("/{query}"), "", &hostile()).body;
        assert!(!body.contains("role=\"status\"") && !body.contains("won"), "{query}");
    }
}
