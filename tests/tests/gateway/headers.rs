//! What the upstream gets of the client's headers.

use super::assertion::{assertion_of, verify};
use super::{Behind, callers, echoed, fresh};
use e2e::Org;
use serde_json::Value;

/// Our credentials stay here, and what a client says in our name or in a proxy's is dropped.
#[test]
fn what_a_client_makes_up_and_what_it_signs_in_with_never_arrive() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let made_up = [
        "Sluicegate-Assertion",
        "sluicegate-assertion",
        "SLUICEGATE-CALL",
        "Sluicegate-Anything",
        "Sluicegate_Assertion",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-User",
        "X-Forwarded-Prefix",
        "X_Forwarded_For",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "CF-Connecting-IP",
        "X-Auth-Request-Email",
        "Remote-User",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "X-CSRF-Token",
        "X-Request-Id",
        "Proxy-Authorization",
        "TE",
    ];
    for (kind, client, subject) in callers(&org) {
        println!("{kind}");
        let client = client.with("user-agent", "e2e").with("x-custom", "kept").with("accept-language", "de");
        let request = client.get(&fresh()).headers(made_up.map(|name| (name, "made-up")));
        let response = request.send_to_app();
        let echo = response.ok(200);
        assert!(!echo.to_string().contains("made-up"), "{echo}");
        assert!(!echo.to_string().contains(&org.token), "{echo}");
        assert_eq!(echoed(&echo, "authorization"), Vec::<&str>::new());
        assert_eq!(verify(&behind.gate, &assertion_of(&echo), "app").unwrap()["sub"], subject);

        let ours: [(&str, &str); 8] = [
            ("host", &behind.app.authority()),
            ("x-forwarded-for", one(&echo, "x-test-client-ip")),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", &behind.gate.address().to_string()),
            ("x-request-id", response.header("x-request-id").unwrap()),
            ("user-agent", "e2e"),
            ("x-custom", "kept"),
            ("accept-language", "de"),
        ];
        for (name, value) in ours {
            assert_eq!(one(&echo, name), value, "{name} of {echo}");
        }
    }
}

/// The app's own cookies pass; ours does not, wherever it stands.
#[test]
fn of_the_cookies_only_ours_is_kept_back() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let ours = format!("__Host-sluicegate_session={}", org.cookie);
    let anonymous = org.anonymous();
    for (sent, kept) in [
        (format!("a=1; {ours}; b=2"), Some("a=1; b=2")),
        (format!("a=1;{ours}"), Some("a=1")),
        (format!("{ours}; a=x=y"), Some("a=x=y")),
        (ours.replacen('=', " = ", 1), None),
        (ours.clone(), None),
        (format!(" {ours} ;"), None),
    ] {
        let echo = anonymous.with("cookie", &sent).get(&fresh()).send_to_app().ok(200);
        let cookies = echoed(&echo, "cookie");
        assert_eq!(cookies.iter().filter(|cookie| !cookie.is_empty()).copied().next(), kept, "{sent}");
        assert!(!echo.to_string().contains(&org.token), "{echo}");
    }
    // Two of ours: one may be planted.
    let doubled = anonymous.with("cookie", &format!("{ours}; {ours}")).get(&fresh()).send();
    doubled.problem("unauthenticated");
}

/// `Connection` names headers that end at the next hop. Ours is set after it has been read.
#[test]
fn a_client_cannot_have_the_assertion_dropped() {
    let org = Org::sign_up(&Behind::shared().gate);
    let request = org.get(&fresh()).header("connection", "close, sluicegate-assertion, x-forwarded-for");
    let echo = request.send_to_app().ok(200);
    assertion_of(&echo);
    one(&echo, "x-forwarded-for");
}

fn one<'e>(echo: &'e Value, name: &str) -> &'e str {
    match echoed(echo, name)[..] {
        [value] => value,
        _ => panic!("not one {name}: {echo}"),
    }
}
