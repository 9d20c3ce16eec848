//! D2, D14, D15: what acts for good asks first, what was made says how it is used, and a refusal keeps the way to everything
//! else.

use super::*;

const NAVIGATION: &str = "<nav aria-label=\"Workspace\">";

/// D15: whatever page is refused, who is signed in keeps the navigation; nobody else is shown it.
#[test]
fn d15_a_refusal_keeps_the_navigation() {
    let session = cookie(&cookie_token(NOW + 60)).1;
    let html = ("accept", "text/html");
    for path in ["/nothing", "/keyz", "/keys/key_1/revoke", "/connections/con_short"] {
        let known = answered(&mut isolate(), &head("GET", path, &[html, ("cookie", &session)]));
        assert!((400..500).contains(&known.status), "{path}");
        assert!(known.body.contains(NAVIGATION) && known.body.contains("action=\"/sign-out\""), "{path}");
        let unknown = answered(&mut isolate(), &head("GET", path, &[html]));
        assert!(!unknown.body.contains(NAVIGATION), "{path}");
        let forged = session.replace('.', "_");
        let forged = answered(&mut isolate(), &head("GET", path, &[html, ("cookie", &forged)]));
        assert!(!forged.body.contains(NAVIGATION) && !forged.body.contains("csrf_token"), "{path}");
    }
}

/// D15: the same where the control plane refuses, and where it cannot be reached.
#[test]
fn d15_a_refused_answer_keeps_the_navigation() {
    for path in ["/admin/keys", "/audit", "/members"] {
        let plane = FakePlane::new(|_, _| refusal(Code::Forbidden));
        let answer = get(path, &plane);
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains(NAVIGATION), "{path}");
    }
    let session = cookie(&cookie_token(NOW + 60)).1;
    let mut state = isolate();
    let request = head("GET", "/keys", &[("cookie", &session)]);
    let crate::verdict::Verdict::GoOn(admitted) = decide_at(&mut state, &request, NOW_MS) else { panic!() };
    let answer = super::super::refused(&admitted, &mut state, Code::Unavailable.into());
    assert!(answer.status == 503 && answer.body.contains(NAVIGATION));
}

/// D15: the portal's refusals show nothing of the dashboard, even to its own people.
#[test]
fn d15_the_portals_refusals_are_the_portals() {
    let session = cookie(&cookie_token(NOW + 60)).1;
    let request = head("GET", "/portal/nothing", &[("accept", "text/html"), ("cookie", &session)]);
    let answer = answered(&mut isolate(), &request);
    assert_eq!(answer.status, 404);
    assert!(!answer.body.contains(NAVIGATION) && !answer.body.contains("csrf_token"));
}

/// D2: the list changes nothing by one click; the pages that ask say what ends.
#[test]
fn d2_rotate_and_revoke_ask_first() {
    let list = get("/keys", &hostile()).body;
    assert!(!list.contains("value=\"rotate\"") && !list.contains("value=\"revoke\""));
    let key = id("key_");
    for (ask, action) in [("rotate", "rotate"), ("revoke", "revoke")] {
        let path = format!("/keys/{key}/{ask}");
        assert!(list.contains(&format!("href=\"{path}\"")), "{ask}");
        let plane = hostile();
        let page = get(&path, &plane);
        assert_eq!((page.status, plane.operations()), (200, vec![Operation::Overview]), "{ask}");
        assert!(page.body.contains(&format!("name=\"action\" value=\"{action}\"")), "{ask}");
        assert!(page.body.contains(&format!("name=\"id\" value=\"{key}\"")), "{ask}");
    }
    let rotate = get(&format!("/keys/{key}/rotate"), &hostile()).body;
    let first =
        rotate.split("<select name=\"grace_seconds\"").nth(1).unwrap().split("<option").nth(1).unwrap();
    assert!(first.starts_with(" value=\"86400\""), "a day is the default: {first}");
    for gone in ["key_1", &id("key_").replace("key_0", "key_1")] {
        for ask in ["rotate", "revoke"] {
            let path = format!("/keys/{gone}/{ask}");
            let session = cookie(&cookie_token(NOW + 60)).1;
            let request = head("GET", &path, &[("accept", "text/html"), ("cookie", &session)]);
            let status = match decide_at(&mut isolate(), &request, NOW_MS) {
                crate::verdict::Verdict::GoOn(_) => get(&path, &hostile()).status,
                crate::verdict::Verdict::Answer(answer) => answer.status,
            };
            assert_eq!(status, 404, "{path}");
        }
    }
}

/// D2: a refusal shows the page that asked, and a proof leads back to it.
#[test]
fn d2_a_refusal_shows_the_page_that_asked() {
    let key = id("key_");
    for action in ["rotate", "revoke"] {
        let refusing = |code| {
            refusing(code, |operation| {
                matches!(operation, Operation::RotateApiKey { .. } | Operation::RevokeApiKey { .. })
            })
        };
        let form = format!("action={action}&id={key}&grace_seconds=86400");
        let answer = post("/keys", &form, &refusing(Code::Forbidden)).unwrap();
        let asks = format!("name=\"action\" value=\"{action}\"");
        assert!(
            answer.status == 403 && answer.body.contains(&asks) && answer.body.contains("role=\"alert\"")
        );
        let answer = post("/keys", &form, &refusing(Code::ReauthenticationRequired)).unwrap();
        assert!(answer.body.contains(&format!("name=\"back\" value=\"/keys/{key}/{action}\"")), "{action}");
    }
}

/// D14: a new key comes with a command that works: at this origin, of a call that takes no scope.
#[test]
fn d14_a_new_key_comes_with_a_command() {
    let plane = FakePlane::new(|call, _| match call.operation {
        Operation::CreateApiKey => {
            let mut created = overview()["api_keys"][0].clone();
            created["key"] = "sgk_made_just_now".into();
            reply(201, created)
        }
        _ => reply(200, answer(&call.operation)),
    });
    let body = post("/keys", "action=create&name=n&scopes=audit:read", &plane).unwrap().body;
    let origin = "https://gate.test";
    let command = format!("curl {origin}/v1/me -H 'Authorization: Bearer sgk_made_just_now'");
    assert!(body.contains(&command), "{body}");
    assert_eq!(Operation::Me.access(), protocol::Access::Principal);
}
