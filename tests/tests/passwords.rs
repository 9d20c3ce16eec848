//! Changing, resetting and guessing passwords (claims M4, M6, C4).

use config::Quota;
use e2e::subject::{PASSWORD_CHANGED, RESET};
use e2e::{Client, Gate, Org, Response, fresh_email, random, text};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::thread;

/// M4: when the change has been answered every other session is over, in every workspace, and so is the caller's old token.
#[test]
fn m4_a_password_change_ends_every_other_session_everywhere() {
    let gate = Gate::shared();
    let here = Org::sign_up(gate);
    let there = here.with_session(&here.post("/v1/orgs", &json!({ "name": "Second" })).send().ok(201));
    assert_ne!(there.id, here.id);
    let [asking, beside, beside_too] = [(); 3].map(|()| in_org(&here, &here.id));
    let over_there = in_org(&here, &there.id);
    let ended = [&beside, &beside_too, &there, &over_there, &asking];
    for session in ended {
        session.get("/v1/me").send().ok(200);
    }

    let new = random::text("new-password-");
    let change = |current: &str, new: &str| {
        asking.post("/v1/password", &json!({ "current_password": current, "new_password": new })).send()
    };
    change(&random::text("wrong-"), &new).problem("invalid_credentials");
    assert!(change(&here.password, "short").problem("validation_failed").contains("password"));
    for session in ended {
        session.get("/v1/me").send().ok(200);
    }

    let renewed = text(&change(&here.password, &new).ok(200), "/session/token");
    for session in ended {
        for path in ["/v1/me", "/v1/account", "/v1/connections"] {
            session.get(path).send().problem("unauthenticated");
            session.cookie(&session.cookie).get(path).send().problem("unauthenticated");
        }
    }
    let renewed = here.bearer(&renewed);
    assert_eq!(renewed.get("/v1/me").send().ok(200)["org"]["id"], here.id.as_str());
    renewed.get("/v1/account").send().ok(200);
    here.log_in().problem("invalid_credentials");
    log_in(&here, &here.email, &new).ok(200);
    let notice = gate.mail_to(&here.email, PASSWORD_CHANGED, 1);
    assert!(!notice.text.contains(&new) && notice.link().is_none(), "{notice:?}");
}

/// RFC 8265: what two keyboards write as one code point or two, or with another space, is one password (in workerd too).
#[test]
fn m4_a_password_is_the_same_however_its_letters_are_encoded() {
    let org = Org::sign_up(Gate::shared());
    let unique = random::text("");
    let new = format!("caf\u{e9} \u{ac00} {unique}");
    let body = json!({ "current_password": org.password, "new_password": new });
    org.post("/v1/password", &body).send().ok(200);
    for same in ["cafe\u{301}\u{a0}\u{1100}\u{1161}\u{3000}", "caf\u{e9} \u{ac00} "] {
        log_in(&org, &org.email, &format!("{same}{unique}")).ok(200);
    }
    log_in(&org, &org.email, &format!("cafe \u{ac00} {unique}")).problem("invalid_credentials");
}

/// By cookie, the browser that changes the password stays signed in with its new session.
#[test]
fn m4_the_browser_that_changes_the_password_goes_on() {
    let org = Org::sign_up(Gate::shared());
    let new = random::text("new-password-");
    let body = json!({ "current_password": org.password, "new_password": new });
    let response = org.browser().post("/v1/password", &body).send();
    let token = text(&response.ok(200), "/session/cookie");
    let me = org.cookie(&token).get("/v1/me").send().ok(200);
    assert_eq!(me["user"]["id"], org.user_id.as_str());
    org.cookie(&org.cookie).get("/v1/me").send().problem("unauthenticated");
}

#[test]
fn m4_a_reset_by_mail_ends_every_session_and_works_once() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let there = org.with_session(&org.post("/v1/orgs", &json!({ "name": "Second" })).send().ok(201));
    let here = in_org(&org, &org.id);
    let [earlier, token] = [1, 2].map(|nth| {
        request_reset(&org, &org.email).ok(202);
        gate.mailed_token(&org.email, RESET, nth)
    });
    let new = random::text("new-password-");
    for wrong in ["", "token", &token[1..], &org.token] {
        reset(&org, wrong, &new).problem("invalid_link");
    }
    // A password that does not do costs no link.
    assert!(reset(&org, &token, "short").problem("validation_failed").contains("password"));
    here.get("/v1/me").send().ok(200);

    assert_eq!(reset(&org, &token, &new).header("set-cookie"), None, "it signs nobody in");
    for session in [&*org, &here, &there] {
        session.get("/v1/me").send().problem("unauthenticated");
        session.get("/v1/account").send().problem("unauthenticated");
    }
    org.log_in().problem("invalid_credentials");
    log_in(&org, &org.email, &new).ok(200);
    gate.mail_to(&org.email, PASSWORD_CHANGED, 1);
    for dead in [&token, &earlier] {
        reset(&org, dead, &random::text("again-")).problem("invalid_link");
    }
    log_in(&org, &org.email, &new).ok(200);
}

/// Whoever asks learns nothing of who has an account.
#[test]
fn a_reset_answers_alike_whether_or_not_there_is_an_account() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let nobody = fresh_email();
    let (known, unknown) = (request_reset(&org, &org.email), request_reset(&org, &nobody));
    known.ok(202);
    assert_eq!(known.fingerprint(), unknown.fingerprint());
    gate.mail_to(&org.email, RESET, 1);
    assert_eq!(gate.mails_to(&nobody, ""), []);
    for bad in [json!({ "email": "not an address" }), json!({}), json!({ "email": org.email, "x": 1 })] {
        org.anonymous().post("/v1/password-reset", &bad).send().problem("validation_failed");
    }
}

/// A server that counts wrong attempts as configured; all other limits are out of reach.
fn strict() -> &'static Gate {
    static STRICT: LazyLock<Gate> = LazyLock::new(|| {
        let mut config = e2e::config();
        let plenty = Quota { limit: 10_000, period_seconds: 1 };
        config.rate_limits.auth = plenty;
        config.rate_limits.passwords = plenty;
        Gate::start_with("passwords", |options| {
            options.config = Some(config);
            options.variables.insert("RATE_LIMIT_SCALE".into(), "1".into());
        })
    });
    &STRICT
}

/// M6: so many wrong passwords for an account, wherever they come from, then none for a while, the right one neither. An
/// email without an account gets the same answers.
#[test]
fn m6_guessing_is_stopped_alike_for_every_email() {
    let gate = strict();
    let org = Org::sign_up(gate);
    let most = e2e::config().rate_limits.account.limit as usize;
    let guess = |email: &str, password: &str| {
        gate.client().post("/v1/login", &json!({ "email": email, "password": password })).send()
    };
    let answers = |email: &str| -> Vec<Response> {
        (0..most + 2).map(|_| guess(email, &random::text("wrong-"))).collect()
    };
    let (known, unknown) = (answers(&org.email), answers(&fresh_email()));
    for (nth, (known, unknown)) in known.iter().zip(&unknown).enumerate() {
        assert_eq!(timeless(known), timeless(unknown), "attempt {nth}");
        known.problem(if nth < most { "invalid_credentials" } else { "rate_limited" });
    }
    let refused = guess(&org.email, &org.password);
    refused.problem("rate_limited");
    let wait: u64 = refused.header("retry-after").expect("Retry-After").parse().expect("seconds");
    assert!((1..=u64::from(e2e::config().rate_limits.account.period_seconds)).contains(&wait), "{wait}");
    // Who is signed in already is not locked out, and other accounts go on.
    org.get("/v1/me").send().ok(200);
    Org::sign_up(gate).log_in().ok(200);
}

/// M6: the count is exact, however many try at once.
#[test]
fn m6_guesses_at_once_are_counted_exactly() {
    let gate = strict();
    let org = Org::sign_up(gate);
    let most = e2e::config().rate_limits.account.limit as usize;
    let guess = || {
        let body = json!({ "email": org.email, "password": random::text("wrong-") });
        gate.client().post("/v1/login", &body).send()
    };
    let statuses: Vec<u16> = thread::scope(|scope| {
        let guesses: Vec<_> = (0..most + 8).map(|_| scope.spawn(move || guess().status)).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    let count = |status: u16| statuses.iter().filter(|have| **have == status).count();
    assert_eq!((count(401), count(429)), (most, 8), "{statuses:?}");
}

/// M6, C4: an open screen is no way round: the checks behind a session count on the same account.
#[test]
fn m6_c4_a_session_guesses_its_own_password_no_more_often() {
    let org = Org::sign_up(strict());
    let most = e2e::config().rate_limits.account.limit as usize;
    for nth in 0..most + 1 {
        let wrong = random::text("wrong-");
        let response = if nth % 2 == 0 {
            org.post("/v1/reauthenticate", &json!({ "password": wrong })).send()
        } else {
            let body = json!({ "current_password": wrong, "new_password": random::text("new-") });
            org.post("/v1/password", &body).send()
        };
        response.problem(if nth < most { "invalid_credentials" } else { "rate_limited" });
    }
    org.post("/v1/reauthenticate", &json!({ "password": org.password })).send().problem("rate_limited");
}

/// Without when to come back: that depends on the second.
fn timeless(response: &Response) -> String {
    let fingerprint = response.fingerprint();
    let lines = fingerprint.lines().filter(|line| !line.to_ascii_lowercase().starts_with("retry-after:"));
    let text = lines.collect::<Vec<_>>().join("\n");
    match text.split_once("; again in ") {
        Some((before, after)) => {
            format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => text,
    }
}

fn in_org(person: &Org, org: &str) -> Org {
    let body = json!({ "email": person.email, "password": person.password, "org_id": org });
    let signed_in: Value = person.anonymous().post("/v1/login", &body).send().ok(200);
    let session = person.with_session(&signed_in);
    assert_eq!(session.id, org);
    session
}

fn log_in(client: &Client, email: &str, password: &str) -> Response {
    let body = json!({ "email": email, "password": password });
    client.without("authorization").post("/v1/login", &body).send()
}

fn request_reset(org: &Org, email: &str) -> Response {
    org.anonymous().post("/v1/password-reset", &json!({ "email": email })).send()
}

fn reset(org: &Org, token: &str, new_password: &str) -> Response {
    let body = json!({ "token": token, "new_password": new_password });
    org.anonymous().post("/v1/password-reset/confirm", &body).send()
}
