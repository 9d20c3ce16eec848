//! A person's sessions: seen, ended one by one or all at once, made fresh (claims C4, M4).

use e2e::{Gate, Org, now_ms, text};
use protocol::time::parse_rfc3339;
use serde_json::{Value, json};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// C4: a person sees each of their own sessions here, and nobody else's.
#[test]
fn c4_a_person_sees_their_own_sessions() {
    let gate = Gate::shared();
    let client = gate.client_from("203.0.113.9").with("user-agent", FIREFOX);
    let org = Org::sign_up_from(&client);
    let phone = org.session();
    let member = org.invite("org_admin");
    let rows = org.list("/v1/sessions");
    let ids: Vec<&str> = rows.iter().flat_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids, [phone.session_id(), org.session_id()], "newest first");
    let own = &rows[1];
    assert_eq!((&own["current"], &rows[0]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&own["device"], &own["ip"]), (&json!("Firefox on Linux"), &json!("203.0.113.9")));
    assert_eq!((&own["second_factor"], &own["country"]), (&json!(false), &Value::Null));
    let created = parse_rfc3339(own["created_at"].as_str().unwrap()).unwrap();
    assert!(now_ms() - created < 600_000, "{own}");
    assert!(!org.get("/v1/sessions").send().text().contains(&org.token));
    // An admin neither: sessions are the person's.
    let seen_by_admin = member.list("/v1/sessions");
    assert_eq!((seen_by_admin.len(), &seen_by_admin[0]["id"]), (1, &json!(member.session_id())));
    member.delete(&format!("/v1/sessions/{}", org.session_id())).send().problem("not_found");
    org.get("/v1/me").send().ok(200);
}

/// C4: ended is ended in the very next request, by cookie and bearer.
#[test]
fn c4_a_session_is_ended_from_another_one() {
    let org = Org::sign_up(Gate::shared());
    let (lost, kept) = (org.session(), org.session());
    let lost_browser = lost.browser();
    org.delete(&format!("/v1/sessions/{}", lost.session_id())).send().ok(204);
    for path in ["/v1/me", "/v1/account", "/v1/sessions", "/v1/connections"] {
        lost.get(path).send().problem("unauthenticated");
        lost_browser.get(path).send().problem("unauthenticated");
        kept.get(path).send().ok(200);
    }
    lost.request("POST", "/v1/sessions/refresh").send().problem("unauthenticated");
    org.delete(&format!("/v1/sessions/{}", lost.session_id())).send().problem("not_found");
    assert_eq!(org.list("/v1/sessions").len(), 2);
    // One's own too, as by signing out.
    let own = kept.browser().delete(&format!("/v1/sessions/{}", kept.session_id())).send();
    own.ok(204);
    assert!(own.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")), "{own}");
    kept.get("/v1/me").send().problem("unauthenticated");
}

/// C4: all others at once, in every workspace; other people's go on.
#[test]
fn c4_all_other_sessions_end_in_every_workspace() {
    let org = Org::sign_up(Gate::shared());
    let colleague = org.invite("member");
    let beside = org.session();
    let there = org.with_session(&beside.post("/v1/orgs", &json!({ "name": "Second" })).send().ok(201));
    let here = {
        let body = json!({ "email": org.email, "password": org.password, "org_id": org.id });
        org.with_session(&org.anonymous().post("/v1/login", &body).send().ok(200))
    };
    let there_too = org.session();
    here.delete("/v1/sessions").send().ok(204);
    for ended in [&*org, &beside, &there, &there_too] {
        ended.get("/v1/me").send().problem("unauthenticated");
        ended.get("/v1/account").send().problem("unauthenticated");
    }
    let left = here.list("/v1/sessions");
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(here.session_id())));
    colleague.get("/v1/me").send().ok(200);
    here.delete("/v1/sessions").send().ok(204);
    here.get("/v1/me").send().ok(200);
}

/// M4: who holds the token itself gets a fresh one while the session stands.
#[test]
fn m4_a_live_session_refreshes_its_token() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let response = org.request("POST", "/v1/sessions/refresh").send();
    let renewed = response.ok(200);
    assert_eq!(response.header("set-cookie"), None, "a bearer's token is no cookie");
    let fresh = org.bearer(&text(&renewed, "/session/token"));
    assert_eq!(fresh.get("/v1/me").send().ok(200)["user"]["id"], org.user_id.as_str());
    let life = u64::from(e2e::config().sessions.access_seconds) * 1000;
    let end = parse_rfc3339(&text(&renewed, "/session/expires_at")).unwrap();
    assert!((now_ms() + life - 10_000..=now_ms() + life + 1000).contains(&end), "{renewed}");
    assert_eq!(org.list("/v1/sessions").len(), 1, "the same session");

    let by_cookie = org.browser().request("POST", "/v1/sessions/refresh").send();
    let token = text(&by_cookie.ok(200), "/session/cookie");
    org.cookie(&token).get("/v1/me").send().ok(200);
    // Both are the session's: it ends, they end.
    org.request("POST", "/v1/logout").send().ok(204);
    fresh.get("/v1/me").send().problem("unauthenticated");
    fresh.request("POST", "/v1/sessions/refresh").send().problem("unauthenticated");
}

/// C4: what happened to the account is told to its person: not to the workspace's other admins.
#[test]
fn c4_the_accounts_own_trail_names_what_happened() {
    let gate = Gate::shared();
    let org = Org::sign_up_from(&gate.client_from("203.0.113.10"));
    let wrong = json!({ "current_password": "not-the-password", "new_password": "another-password" });
    org.post("/v1/password", &wrong).send().problem("invalid_credentials");
    let change = json!({ "current_password": org.password, "new_password": "another-password" });
    let renewed = org.bearer(&text(&org.post("/v1/password", &change).send().ok(200), "/session/token"));
    let events = renewed.get("/v1/account/events").send().ok(200)["data"].clone();
    let rows = events.as_array().unwrap();
    assert!(
        rows.iter().any(|event| event["action"].as_str().is_some_and(|a| a.contains("password"))),
        "{events}"
    );
    let own = rows.iter().filter(|event| event["actor"] == org.user_id.as_str());
    assert!(own.clone().count() >= 3 && own.clone().all(|event| event["ip"] == "203.0.113.10"), "{events}");
    let pages = renewed.get("/v1/account/events?limit=1").send().ok(200);
    assert_eq!(pages["data"].as_array().map(Vec::len), Some(1));
    assert!(pages["next_cursor"].is_string(), "{pages}");
}
