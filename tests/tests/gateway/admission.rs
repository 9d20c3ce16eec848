//! Who does not get through, and by which paths.

use super::{Behind, callers, fresh};
use e2e::{Client, Gate, Org, random};
use serde_json::json;

#[test]
fn without_a_good_credential_nothing_reaches_the_upstream() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let stranger = Org::sign_up(Gate::shared());
    let key = org.api_key(&["connections:read"]);
    let other_end = |text: &str| text[..text.len() - 4].to_owned() + "AAAA";
    let anonymous = org.anonymous();
    let refused: [(&str, Client); 10] = [
        ("nothing", anonymous.clone()),
        ("an empty bearer", anonymous.bearer("")),
        ("garbage", anonymous.bearer("garbage")),
        ("another scheme", anonymous.with("authorization", &format!("Basic {}", org.token))),
        ("a session with another signature", anonymous.bearer(&other_end(&org.token))),
        ("a key with another tail", anonymous.bearer(&other_end(&key.key))),
        ("another server's session", anonymous.bearer(&stranger.token)),
        ("another server's session as cookie", anonymous.cookie(&stranger.cookie)),
        ("a key as cookie", anonymous.cookie(&key.key)),
        ("a forged assertion alone", anonymous.with("sluicegate-assertion", &org.token)),
    ];
    let target = fresh();
    for (case, client) in refused {
        println!("{case}");
        for method in ["GET", "POST"] {
            client.request(method, &target).send().problem("unauthenticated");
        }
    }
    assert!(behind.heads_with(&target).is_empty());
    org.get(&target).send_to_app().ok(200);
    assert_eq!(behind.heads_with(&target).len(), 1);
}

/// Browsers add the cookie to whatever another site asks them to send; not so with the other two.
#[test]
fn a_change_by_cookie_comes_from_our_own_origin_alone() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let own = org.origin();
    let foreign = [
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", format!("{own}.evil.example")),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
    ];
    let target = fresh();
    for (kind, client, _) in callers(&org) {
        for (name, value) in &foreign {
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                let request = client.with(name, value).request(method, &target);
                if kind == "cookie" {
                    request.send().problem("cross_origin");
                } else {
                    request.send_to_app().ok(200);
                }
            }
        }
        client
            .with("origin", &own)
            .with("sec-fetch-site", "same-origin")
            .post(&target, &json!(1))
            .send_to_app()
            .ok(200);
        // A link from elsewhere may lead into the app.
        client.with("sec-fetch-site", "cross-site").get(&target).send_to_app().ok(200);
    }
    let arrived = behind.heads_with(&target);
    assert_eq!(arrived.len(), 2 * foreign.len() * 4 + 3 * 2);
}

/// No spelling of a path that climbs out of its route reaches the upstream, and none that only looks like the route's.
#[test]
fn no_path_leaves_its_route() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let mark = random::text("");
    let climbing = [
        "..",
        "%2e%2e",
        ".%2E",
        "%2e.",
        "%252e%252e",
        "%25252e.",
        "..;x=1",
        "..%2f",
        "%2e%2e%2f",
        "..%5c",
        "..\\",
        "%2e%2e%5c",
        "%5c..",
        "x%2f..",
        ".",
        "%2e",
    ];
    for climb in climbing {
        for target in [
            format!("/app/{climb}/v1/me?{mark}"),
            format!("/app/{climb}/other/{mark}"),
            format!("/app/x/{climb}/{climb}/{mark}"),
            format!("/app/{mark}/{climb}"),
        ] {
            org.get(&target).send().problem("path_refused");
        }
    }
    let similar = [
        "//app/",
        "/./app/",
        "/app",
        "/APP/",
        "/app%2f",
        "/%61pp/",
        "/application/",
        "/app;x/",
        "/other/../app/",
    ];
    for prefix in similar {
        let response = org.get(&format!("{prefix}{mark}")).send();
        assert!(matches!(response.status, 400 | 404), "{response}");
    }
    assert!(behind.heads_with(&mark).is_empty());
    // Inside the route, a doubled slash and another host's name are the app's to make sense of.
    for inside in
        ["/app//", "/app///", "/app//evil.example/", "/app/@evil.example/", "/app/http://evil.example/"]
    {
        let target = format!("{inside}{mark}");
        assert_eq!(org.get(&target).send_to_app().ok(200)["target"], target);
    }
}

#[test]
fn methods_that_no_app_needs_are_refused() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let target = fresh();
    let refused = org.request("PROPFIND", &target).send();
    refused.problem("method_not_allowed");
    assert_eq!(refused.header("allow"), Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    assert!(behind.heads_with(&target).is_empty());
}
