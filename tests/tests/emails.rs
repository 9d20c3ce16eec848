//! Proving an email address, and moving an account to another one (claim F1).

use e2e::subject::{CONFIRM, EMAIL_CHANGED, RESET};
use e2e::{Client, Gate, Org, Response, fresh_email, now_ms};
use protocol::time::parse_rfc3339;
use serde_json::{Value, json};

/// F1: what an account holds of its person, with the moment of consent; none of it is the password.
#[test]
fn f1_an_account_holds_its_consent() {
    let before = now_ms();
    let org = Org::sign_up(Gate::shared());
    let response = org.get("/v1/account").send();
    let account = response.ok(200);
    assert_eq!(account["user"], json!({ "id": org.user_id, "email": org.email, "name": "Ada" }));
    assert_eq!((&account["email_verified"], &account["pending_email"]), (&json!(false), &Value::Null));
    assert_eq!((&account["has_password"], &account["second_factor"]), (&json!(true), &json!(false)));
    assert_eq!((&account["identities"], &account["recovery_codes_left"]), (&json!([]), &json!(0)));
    let accepted = parse_rfc3339(account["terms_accepted_at"].as_str().unwrap()).unwrap();
    assert!((before - 1000..=now_ms()).contains(&accepted), "{account}");
    assert!(!response.text().contains("$2b$"), "{response}");
}

#[test]
fn an_email_is_proven_once_by_the_link_that_was_mailed_to_it() {
    let gate = Gate::shared();
    let (org, other) = (Org::sign_up(gate), Org::sign_up(gate));
    let token = gate.mailed_token(&org.email, CONFIRM, 1);
    let others_token = gate.mailed_token(&other.email, CONFIRM, 1);
    assert_eq!(gate.mails_to(&org.email, "").len(), 1);

    let mut tampered = token.clone();
    let last = tampered.pop().unwrap();
    tampered.push(if last == 'a' { 'b' } else { 'a' });
    for wrong in ["", "token", &tampered, &format!("{token}0"), &org.token, &token.to_uppercase()] {
        verify(&org, wrong).problem("invalid_link");
    }
    // A proof takes the session of its own account: nobody lends their address to what somebody else has made with it.
    verify(&org.anonymous(), &token).problem("unauthenticated");
    verify(&org, &others_token).problem("invalid_link");
    verify(&other, &token).problem("invalid_link");
    assert!(!is_verified(&org) && !is_verified(&other));
    verify(&org, &token).ok(204);
    assert!(is_verified(&org) && !is_verified(&other));
    verify(&org, &token).problem("invalid_link");
    verify(&other, &others_token).ok(204);
}

#[test]
fn the_proof_can_be_mailed_again() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let first = gate.mailed_token(&org.email, CONFIRM, 1);
    org.request("POST", "/v1/email/verification").send().ok(202);
    let second = gate.mailed_token(&org.email, CONFIRM, 2);
    assert_ne!(first, second);
    verify(&org, &second).ok(204);
    assert!(is_verified(&org));
}

/// A token opens what it was mailed for and nothing else.
#[test]
fn a_mailed_token_serves_no_other_purpose() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let confirm = gate.mailed_token(&org.email, CONFIRM, 1);
    org.anonymous().post("/v1/password-reset", &json!({ "email": org.email })).send().ok(202);
    let reset = gate.mailed_token(&org.email, RESET, 1);
    let invitation = org.invitation(&fresh_email(), "member")["token"].as_str().unwrap().to_owned();

    for wrong in [&reset, &invitation] {
        verify(&org, wrong).problem("invalid_link");
    }
    for wrong in [&confirm, &invitation] {
        let body = json!({ "token": wrong, "new_password": "a-password-of-the-attacker" });
        org.anonymous().post("/v1/password-reset/confirm", &body).send().problem("invalid_link");
    }
    for wrong in [&confirm, &reset] {
        org.post("/v1/invitations/accept", &json!({ "token": wrong })).send().problem("invalid_link");
        org.bearer(wrong).get("/v1/me").send().problem("unauthenticated");
    }
    assert!(!is_verified(&org));
    org.log_in().ok(200);
}

#[test]
fn an_account_moves_to_a_new_email_once_that_is_proven() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let (member, beside) = (org.invite("member"), org.session());
    let new = fresh_email();
    org.post("/v1/email", &json!({ "email": format!(" {} ", new.to_uppercase()) })).send().ok(202);
    let token = gate.mailed_token(&new, CONFIRM, 1);
    let account = org.get("/v1/account").send().ok(200);
    assert_eq!((&account["pending_email"], &account["user"]["email"]), (&json!(new), &json!(org.email)));
    org.log_in().ok(200);
    log_in(&org, &new).problem("invalid_credentials");

    verify(&org, &token).ok(204);
    // The session that has asked for it goes on, every other one is over.
    org.get("/v1/me").send().ok(200);
    beside.get("/v1/me").send().problem("unauthenticated");
    log_in(&org, &org.email).problem("invalid_credentials");
    let moved = org.with_session(&log_in(&org, &new).ok(200));
    assert_eq!((&moved.user_id, &moved.id), (&org.user_id, &org.id), "the same person in the same org");
    let account = moved.get("/v1/account").send().ok(200);
    assert_eq!((&account["email_verified"], &account["pending_email"]), (&json!(true), &Value::Null));
    assert_eq!(moved.get("/v1/me").send().ok(200)["user"]["email"], new.as_str());
    let seen = e2e::until("the new email in the list of members", || {
        let members = member.list("/v1/members");
        members.into_iter().find(|row| row["id"] == org.user_id.as_str() && row["email"] == new.as_str())
    });
    assert_eq!(seen["role"], "org_admin");

    // Whoever reads the old mailbox learns that it happened, and not where to.
    let notice = gate.mail_to(&org.email, EMAIL_CHANGED, 1);
    assert!(!notice.text.contains(&new) && notice.text.contains("security@"), "{notice:?}");
    verify(&org, &token).problem("invalid_link");
    // The old address is anybody's again.
    assert_ne!(Org::sign_up_as(&gate.client(), &org.email).user_id, org.user_id);
    log_in(&org, &new).ok(200);
}

/// The address that was asked for is somebody's when the proof comes: nobody loses an account by it.
#[test]
fn a_new_email_that_was_taken_meanwhile_is_not_taken_over() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let wanted = fresh_email();
    org.post("/v1/email", &json!({ "email": wanted })).send().ok(202);
    let token = gate.mailed_token(&wanted, CONFIRM, 1);
    let other = Org::sign_up_as(&gate.client(), &wanted);
    let refused = verify(&org, &token);
    assert!([400, 409].contains(&refused.status), "{refused}");
    assert_eq!(other.log_in().ok(200)["user"]["id"], other.user_id.as_str());
    assert_eq!(org.log_in().ok(200)["user"]["id"], org.user_id.as_str());
    assert_eq!(org.get("/v1/account").send().ok(200)["user"]["email"], org.email.as_str());
}

/// The later request for a new email takes the place of the earlier one.
#[test]
fn only_the_newest_request_for_a_new_email_counts() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let [first, second] = [fresh_email(), fresh_email()];
    let [token, newer] = [&first, &second].map(|new| {
        org.post("/v1/email", &json!({ "email": new })).send().ok(202);
        gate.mailed_token(new, CONFIRM, 1)
    });
    verify(&org, &token).problem("invalid_link");
    verify(&org, &newer).ok(204);
    log_in(&org, &second).ok(200);
    for bad in ["", "not an address", "a@b@c.example", &"x".repeat(300)] {
        let session = org.with_session(&log_in(&org, &second).ok(200));
        let detail = session.post("/v1/email", &json!({ "email": bad })).send().problem("validation_failed");
        assert!(detail.contains("email"), "{detail}");
    }
}

fn verify(client: &Client, token: &str) -> Response {
    client.post("/v1/email/verify", &json!({ "token": token })).send()
}

fn is_verified(org: &Org) -> bool {
    org.get("/v1/account").send().ok(200)["email_verified"] == true
}

fn log_in(org: &Org, email: &str) -> Response {
    let body = json!({ "email": email, "password": org.password });
    org.anonymous().post("/v1/login", &body).send()
}
