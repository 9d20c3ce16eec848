//! The second factor, and proving again who sits there.

use super::world::{MINUTE, PASSWORD, World};
use crate::asks::AskAccount;
use protocol::api::Account;
use protocol::{Code, Operation, Principal};
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";

fn challenge(world: &World, email: &str) -> String {
    let reply = world.log_in(email, PASSWORD).unwrap();
    assert_eq!((reply.status, reply.session.is_none()), (202, true));
    reply.read::<Json>().unwrap()["challenge"].as_str().unwrap().to_owned()
}

fn answer(challenge: &str, code: &str) -> Json {
    json!({ "challenge": challenge, "code": code })
}

#[test]
fn a_password_alone_no_longer_signs_in() {
    let world = World::new();
    let signed = world.sign_up(ADA);
    let ada = world.with_second_factor(&signed);
    let challenge = challenge(&world, ADA);
    let body = answer(&challenge, &ada.code(&world));
    let reply = world.run(&Principal::Anonymous, Operation::LogInSecondFactor, &body).unwrap();
    let signed = world.signed(&reply);
    assert!(world.orgs.borrow()[&signed.org].sessions[&signed.session].second_factor);
    // Neither challenge nor code a second time.
    assert_eq!(world.refused(&Principal::Anonymous, Operation::LogInSecondFactor, &body), Code::InvalidLink);
    let again = answer(&self::challenge(&world, ADA), body["code"].as_str().unwrap());
    assert_eq!(world.refused(&Principal::Anonymous, Operation::LogInSecondFactor, &again), Code::InvalidCode);
}

#[test]
fn the_challenge_keeps_the_org_that_was_asked_for() {
    let world = World::new();
    let first = world.sign_up(ADA);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    let reply = world.run(&first.principal, Operation::CreateOrg, &json!({ "name": "Second" })).unwrap();
    let second = world.signed(&reply);
    let ada = world.with_second_factor(&second);
    let body = json!({ "email": ADA, "password": PASSWORD, "org_id": first.org });
    let reply = world.run(&Principal::Anonymous, Operation::LogIn, &body).unwrap();
    let challenge = reply.read::<Json>().unwrap()["challenge"].as_str().unwrap().to_owned();
    let body = answer(&challenge, &ada.code(&world));
    let reply = world.run(&Principal::Anonymous, Operation::LogInSecondFactor, &body).unwrap();
    assert_eq!(world.signed(&reply).org, first.org);
}

#[test]
fn a_recovery_code_signs_in_once() {
    let world = World::new();
    let signed = world.sign_up(ADA);
    let ada = world.with_second_factor(&signed);
    let code = ada.recovery[0].to_uppercase();
    let sign_in = || {
        let body = answer(&challenge(&world, ADA), &code);
        world.run(&Principal::Anonymous, Operation::LogInSecondFactor, &body)
    };
    sign_in().unwrap();
    assert_eq!(sign_in().unwrap_err().public().0, Code::InvalidCode);
    let account: Account = world.ask(&signed.user, AskAccount::Describe).unwrap();
    assert_eq!(account.recovery_codes_left, 9);
    assert!(world.account_events(&signed.user).contains(&"recovery_code.used".to_owned()));
}

#[test]
fn five_wrong_codes_end_a_challenge_and_ten_the_guessing() {
    let world = World::new();
    let signed = world.sign_up(ADA);
    let ada = world.with_second_factor(&signed);
    let guess = |challenge: &str, code: &str| {
        let body = answer(challenge, code);
        world
            .run(&Principal::Anonymous, Operation::LogInSecondFactor, &body)
            .map_err(|error| error.public().0)
    };
    for _ in 0..2 {
        let challenge = challenge(&world, ADA);
        for _ in 0..5 {
            assert_eq!(guess(&challenge, "not it").unwrap_err(), Code::InvalidCode);
        }
        assert_eq!(guess(&challenge, &ada.code_now(&world)).unwrap_err(), Code::InvalidLink);
    }
    // A new challenge does not help: the account counts.
    let fresh = challenge(&world, ADA);
    assert_eq!(guess(&fresh, &ada.code_now(&world)).unwrap_err(), Code::RateLimited);
    world.now_ms.set(world.now_ms.get() + 2 * MINUTE);
    guess(&fresh, &ada.code(&world)).unwrap();
}

#[test]
fn a_challenge_is_of_one_account_of_one_kind_and_of_ten_minutes() {
    let world = World::new();
    let signed = world.sign_up(ADA);
    let ada = world.with_second_factor(&signed);
    let late = challenge(&world, ADA);
    world.now_ms.set(world.now_ms.get() + 10 * MINUTE);
    let invitation = world.invite(&signed.org, ADA);
    for challenge in [late.as_str(), &invitation, &late.replace("mfa_", "rpw_"), "", "mfa_"] {
        let body = answer(challenge, &ada.code(&world));
        assert_eq!(
            world.refused(&Principal::Anonymous, Operation::LogInSecondFactor, &body),
            Code::InvalidLink
        );
    }
    // A challenge does nothing that a mailed link does.
    let challenge = challenge(&world, ADA);
    let body = json!({ "token": challenge });
    assert_eq!(world.refused(&signed.principal, Operation::VerifyEmail, &body), Code::InvalidLink);
    let body = json!({ "token": challenge, "new_password": "battery staple" });
    assert_eq!(world.refused(&Principal::Anonymous, Operation::ResetPassword, &body), Code::InvalidLink);
}

#[test]
fn the_apps_secret_is_sealed_on_disk() {
    let world = World::new();
    let signed = world.sign_up(ADA);
    let ada = world.with_second_factor(&signed);
    let bytes = world.account_sql(&signed.user).bytes();
    let secret = ada.secret.as_bytes();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    assert!(!bytes.windows(19).any(|window| window == ada.recovery[0].as_bytes()));
}

#[test]
fn taking_it_away_takes_a_session_that_has_proven_it() {
    let world = World::new();
    let signed = world.sign_up(ADA);
    let before = world.signed_in(ADA, PASSWORD);
    let ada = world.with_second_factor(&signed);
    let run = |operation: Operation| world.run(&before.principal, operation, &Json::Null);
    for operation in [Operation::RemoveSecondFactor, Operation::NewRecoveryCodes] {
        assert_eq!(run(operation).unwrap_err().public().0, Code::ReauthenticationRequired);
    }
    // A password is no second factor, and no proof for a session that has not shown the second one.
    let by_password = json!({ "password": PASSWORD });
    let refused = world.refused(&before.principal, Operation::Reauthenticate, &by_password);
    assert_eq!(refused, Code::ReauthenticationRequired);
    world.run(&signed.principal, Operation::Reauthenticate, &by_password).unwrap();
    assert_eq!(run(Operation::RemoveSecondFactor).unwrap_err().public().0, Code::ReauthenticationRequired);
    let code = ada.code(&world);
    world.run(&before.principal, Operation::Reauthenticate, &json!({ "code": code })).unwrap();
    let old = ada.recovery.clone();
    let new: Json = run(Operation::NewRecoveryCodes).unwrap().read().unwrap();
    assert!(!new["recovery_codes"].as_array().unwrap().contains(&json!(old[0])));
    let body = answer(&challenge(&world, ADA), &old[0]);
    assert_eq!(world.refused(&Principal::Anonymous, Operation::LogInSecondFactor, &body), Code::InvalidCode);
    assert_eq!(run(Operation::RemoveSecondFactor).unwrap().status, 204);
    assert_eq!(run(Operation::RemoveSecondFactor).unwrap_err().public().0, Code::SecondFactorState);
    world.signed_in(ADA, PASSWORD);
}

#[test]
fn c4_sensitive_changes_take_a_recent_proof_and_guessing_it_is_limited() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    world.now_ms.set(world.now_ms.get() + 11 * MINUTE);
    let start = || world.run(&ada.principal, Operation::StartSecondFactor, &Json::Null);
    assert_eq!(start().unwrap_err().public().0, Code::ReauthenticationRequired);
    let prove = |body: Json| {
        world.run(&ada.principal, Operation::Reauthenticate, &body).map_err(|error| error.public().0)
    };
    assert_eq!(prove(json!({})).unwrap_err(), Code::ValidationFailed);
    assert_eq!(prove(json!({ "password": PASSWORD, "code": "123456" })).unwrap_err(), Code::ValidationFailed);
    assert_eq!(prove(json!({ "code": "123456" })).unwrap_err(), Code::SecondFactorState);
    prove(json!({ "password": PASSWORD })).unwrap();
    assert_eq!(start().unwrap().status, 201);
    for _ in 0..10 {
        assert_eq!(prove(json!({ "password": "wrong horse" })).unwrap_err(), Code::InvalidCredentials);
    }
    assert_eq!(prove(json!({ "password": PASSWORD })).unwrap_err(), Code::RateLimited);
}

#[test]
fn a_second_factor_counts_once_it_is_confirmed() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    let confirm = |code: &str| {
        let body = json!({ "code": code });
        world.run(&ada.principal, Operation::ConfirmSecondFactor, &body).map_err(|error| error.public().0)
    };
    assert_eq!(confirm("123456").unwrap_err(), Code::SecondFactorState);
    world.run(&ada.principal, Operation::StartSecondFactor, &Json::Null).unwrap();
    assert_eq!(confirm("abcdef").unwrap_err(), Code::InvalidCode);
    world.signed_in(ADA, PASSWORD);
    world.with_second_factor(&ada);
    let again = world.refused(&ada.principal, Operation::StartSecondFactor, &Json::Null);
    assert_eq!(again, Code::SecondFactorState);
}

#[test]
fn a_second_factor_that_was_cut_off_anywhere_leaves_a_way_in() {
    World::cut_off_everywhere(
        |world| {
            let signed = world.sign_up(ADA);
            let ada = world.with_second_factor(&signed);
            let body = answer(&challenge(world, ADA), &ada.code(world));
            (ada, body)
        },
        |world, (_, body)| world.try_run(&Principal::Anonymous, Operation::LogInSecondFactor, body),
        |world, (ada, _), _| {
            ada.sign_in(world);
        },
    );
}
