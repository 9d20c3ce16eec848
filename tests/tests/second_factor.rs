//! The authenticator app and its recovery codes (claim C4).

use e2e::subject::{CONFIRM, RESET};
use e2e::{Client, Gate, Org, Response, random, text};
use serde_json::{Value, json};

#[test]
fn c4_a_second_factor_counts_once_it_is_confirmed() {
    let org = Org::sign_up(Gate::shared());
    let started = org.request("POST", "/v1/second-factor").send().ok(201);
    let secret = text(&started, "/secret");
    let uri = text(&started, "/otpauth_uri");
    assert!(uri.starts_with("otpauth://totp/Sluicegate:") && uri.contains(&secret), "{uri}");
    assert_eq!(account(&org)["second_factor"], false);
    org.log_in().ok(200);

    // What was begun anew takes the place of what was not finished.
    let again = org.request("POST", "/v1/second-factor").send().ok(201);
    assert_ne!(text(&again, "/secret"), secret);
    let mut old = e2e::Authenticator::new(&secret);
    let mut app = e2e::Authenticator::new(&text(&again, "/secret"));
    let confirm = |code: &str| org.post("/v1/second-factor/confirm", &json!({ "code": code })).send();
    for wrong in ["", "12345", "1234567", "abcdef", &app.wrong_code(), &old.code()] {
        confirm(wrong).problem("invalid_code");
    }
    org.log_in().ok(200);
    let codes = confirm(&app.code()).ok(200)["recovery_codes"].clone();
    let codes: Vec<&str> = codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert!(codes.len() >= 8 && codes.iter().all(|code| code.len() == 19), "{codes:?}");
    let account = account(&org);
    assert_eq!(
        (&account["second_factor"], &account["recovery_codes_left"]),
        (&json!(true), &json!(codes.len()))
    );
    org.log_in().ok(202);
    org.request("POST", "/v1/second-factor").send().problem("second_factor_state");
    confirm(&app.code()).problem("second_factor_state");
}

/// A right password alone is no session; a code is good once, also for who has listened to it.
#[test]
fn c4_signing_in_takes_a_code_that_was_never_used() {
    let org = Org::sign_up(Gate::shared());
    let (mut app, _) = org.second_factor();
    let response = org.log_in();
    let challenge = text(&response.ok(202), "/challenge");
    assert_eq!(response.header("set-cookie"), None);
    assert!(!response.text().contains(&org.id), "{response}");
    org.bearer(&challenge).get("/v1/me").send().problem("unauthenticated");
    org.cookie(&challenge).get("/v1/me").send().problem("unauthenticated");

    // The code that has confirmed the app has been used.
    finish(&org, &challenge, &app.last_code()).problem("invalid_code");
    let other = Org::sign_up(Gate::shared());
    let (mut others_app, _) = other.second_factor();
    finish(&org, &challenge, &others_app.code()).problem("invalid_code");
    for wrong in ["x", &challenge[1..], &org.token] {
        finish(&org, wrong, "000000").problem("invalid_link");
    }

    let signed_in = finish(&org, &challenge, &app.code());
    assert!(signed_in.header("set-cookie").is_some());
    let session = org.with_session(&signed_in.ok(200));
    let sessions = session.list("/v1/sessions");
    let current = sessions.iter().find(|row| row["current"] == true).expect("the current one");
    assert_eq!((&current["id"], &current["second_factor"]), (&json!(session.session_id()), &json!(true)));

    // Neither the challenge nor the code serves twice.
    finish(&org, &challenge, &app.last_code()).problem("invalid_link");
    let next = text(&org.log_in().ok(202), "/challenge");
    finish(&org, &next, &app.last_code()).problem("invalid_code");
}

#[test]
fn c4_a_recovery_code_signs_in_once() {
    let org = Org::sign_up(Gate::shared());
    let (_, codes) = org.second_factor();
    let log_in = |code: &str| finish(&org, &text(&org.log_in().ok(202), "/challenge"), code);
    log_in(&codes[0]).ok(200);
    assert_eq!(account(&org)["recovery_codes_left"], codes.len() - 1);
    log_in(&codes[0]).problem("invalid_code");
    log_in("aaaa-aaaa-aaaa-aaaa").problem("invalid_code");

    let new = org.request("POST", "/v1/second-factor/recovery-codes").send().ok(200);
    let new: Vec<&str> = new["recovery_codes"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
    assert_eq!(new.len(), codes.len());
    assert!(new.iter().all(|code| !codes.iter().any(|old| old == code)));
    log_in(&codes[1]).problem("invalid_code");
    log_in(new[0]).ok(200);
    assert_eq!(account(&org)["recovery_codes_left"], codes.len() - 1);
}

/// A million codes are soon tried: five wrong ones end the attempt, and the right one is too late then.
#[test]
fn c4_five_wrong_codes_end_the_attempt() {
    let org = Org::sign_up(Gate::shared());
    let (mut app, codes) = org.second_factor();
    let challenge = text(&org.log_in().ok(202), "/challenge");
    for _ in 0..5 {
        finish(&org, &challenge, &app.wrong_code()).problem("invalid_code");
    }
    finish(&org, &challenge, &app.code()).problem("invalid_link");
    finish(&org, &challenge, &codes[0]).problem("invalid_link");
    let next = text(&org.log_in().ok(202), "/challenge");
    finish(&org, &next, &codes[0]).ok(200);
}

#[test]
fn c4_a_reset_password_leaves_the_second_factor_in_force() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let proof = gate.mailed_token(&org.email, CONFIRM, 1);
    org.post("/v1/email/verify", &json!({ "token": proof })).send().ok(204);
    let (_, codes) = org.second_factor();
    let open = text(&org.log_in().ok(202), "/challenge");
    let password = reset(gate, &org);
    // What the old password had begun is over with it.
    finish(&org, &open, &codes[0]).problem("invalid_link");
    let challenge = log_in(&org, &password).ok(202);
    finish(&org, &text(&challenge, "/challenge"), &codes[0]).ok(200);
}

/// Somebody else may have made the account for its email's owner to walk into: nothing that they left there stays.
#[test]
fn c4_who_first_proves_the_email_by_a_reset_is_alone_in_the_account() {
    let gate = Gate::shared();
    let hijacker = Org::sign_up(gate);
    hijacker.second_factor();
    let password = reset(gate, &hijacker);
    let owner = hijacker.with_session(&log_in(&hijacker, &password).ok(200));
    let account = account(&owner);
    assert_eq!((&account["email_verified"], &account["second_factor"]), (&json!(true), &json!(false)));
    hijacker.get("/v1/me").send().problem("unauthenticated");
    assert_ne!(owner.id, hijacker.id, "nor is the workspace theirs, which may hold another's keys");
    assert_eq!(owner.list("/v1/sessions").len(), 1);
}

/// Resets the password by mail and returns the new one.
fn reset(gate: &Gate, org: &Org) -> String {
    org.anonymous().post("/v1/password-reset", &json!({ "email": org.email })).send().ok(202);
    let token = gate.mailed_token(&org.email, RESET, 1);
    let password = random::text("new-password-");
    let body = json!({ "token": token, "new_password": password });
    org.anonymous().post("/v1/password-reset/confirm", &body).send().ok(204);
    password
}

fn log_in(org: &Org, password: &str) -> Response {
    org.anonymous().post("/v1/login", &json!({ "email": org.email, "password": password })).send()
}

#[test]
fn c4_a_second_factor_proves_who_sits_there_and_can_be_taken_off() {
    let org = Org::sign_up(Gate::shared());
    for empty in [json!({}), json!({ "password": org.password, "code": "123456" })] {
        org.post("/v1/reauthenticate", &empty).send().problem("validation_failed");
    }
    let by_code = |code: &str| org.post("/v1/reauthenticate", &json!({ "code": code })).send();
    by_code("123456").problem("second_factor_state");
    let of_before = org.session();
    let (mut app, _) = org.second_factor();
    // A session that has proven a password alone does not get rid of what stands beside it.
    of_before.delete("/v1/second-factor").send().problem("reauthentication_required");
    let renew = of_before.request("POST", "/v1/second-factor/recovery-codes").send();
    renew.problem("reauthentication_required");
    by_code(&app.last_code()).problem("invalid_code");
    let until = text(&by_code(&app.code()).ok(200), "/authenticated_until");
    assert_eq!(org.get("/v1/me").send().ok(200)["authenticated_until"], until);
    by_code(&app.last_code()).problem("invalid_code");

    org.delete("/v1/second-factor").send().ok(204);
    let account = account(&org);
    assert_eq!((&account["second_factor"], &account["recovery_codes_left"]), (&json!(false), &json!(0)));
    org.log_in().ok(200);
    org.delete("/v1/second-factor").send().problem("second_factor_state");
    org.request("POST", "/v1/second-factor/recovery-codes").send().problem("second_factor_state");
}

fn account(org: &Org) -> Value {
    org.get("/v1/account").send().ok(200)
}

fn finish(client: &Client, challenge: &str, code: &str) -> Response {
    let body = json!({ "challenge": challenge, "code": code });
    client.without("authorization").post("/v1/login/second-factor", &body).send()
}
