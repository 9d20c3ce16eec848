//! A new password, by the old one or by mail.

use super::world::{MINUTE, PASSWORD, Signed, World, token};
use crate::asks::{About, AskAccount, AskOrg, Mail, NewIdentity};
use protocol::api::{Account, Renewed};
use protocol::{Code, Operation, Principal};
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";
const NEW: &str = "battery staple";

fn change() -> Json {
    json!({ "current_password": PASSWORD, "new_password": NEW })
}

/// A person with a session in each of two orgs, and one more in the first.
fn everywhere(world: &World) -> [Signed; 3] {
    let first = world.sign_up(ADA);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    let here = world.signed_in(ADA, PASSWORD);
    let reply = world.run(&here.principal, Operation::CreateOrg, &json!({ "name": "Second" })).unwrap();
    let second = world.signed(&reply);
    world.mails(&first.user);
    let body = json!({ "email": ADA, "password": PASSWORD, "org_id": first.org });
    let here = world.signed(&world.run(&Principal::Anonymous, Operation::LogIn, &body).unwrap());
    [first, second, here]
}

fn reset_mail(world: &World, email: &str, signed: &Signed) -> Option<Mail> {
    let body = json!({ "email": email });
    let reply = world.run(&Principal::Anonymous, Operation::RequestPasswordReset, &body).unwrap();
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    world.ring(email);
    world.mails(&signed.user).into_iter().find(|mail| matches!(mail.about, About::ResetPassword { .. }))
}

fn reset(token: &str) -> Json {
    json!({ "token": token, "new_password": NEW })
}

#[test]
fn m4_a_new_password_ends_every_other_session_before_it_is_answered() {
    let world = World::new();
    let [first, second, here] = everywhere(&world);
    let reply = world.run(&here.principal, Operation::ChangePassword, &change()).unwrap();
    let fresh = world.signed(&reply);
    assert_eq!(reply.read::<Renewed>().unwrap().session.token.0, **reply.session.as_ref().unwrap());
    for old in [&first, &second, &here] {
        assert!(!world.is_alive(old));
    }
    assert!(world.is_alive(&fresh) && fresh.org == here.org);
    assert_eq!(world.log_in(ADA, PASSWORD).unwrap_err().public().0, Code::InvalidCredentials);
    world.signed_in(ADA, NEW);
    // Nothing is left to do that would end the new ones.
    world.now_ms.set(world.now_ms.get() + MINUTE);
    let mails = world.mails(&here.user);
    assert!(matches!(&mails[..], [Mail { to, about: About::PasswordChanged { .. } }] if to == ADA));
    assert!(world.is_alive(&fresh));
}

#[test]
fn an_org_that_cannot_be_reached_is_asked_again() {
    let world = World::new();
    let [first, second, here] = everywhere(&world);
    world.down.borrow_mut().insert(second.org.clone());
    assert_eq!(world.refused(&here.principal, Operation::ChangePassword, &change()), Code::Unavailable);
    assert!(!world.is_alive(&first) && !world.is_alive(&here) && world.is_alive(&second));
    for _ in 0..3 {
        world.now_ms.set(world.now_ms.get() + 2 * MINUTE);
        world.mails(&here.user);
    }
    assert!(world.is_alive(&second));
    world.down.borrow_mut().clear();
    world.now_ms.set(world.now_ms.get() + 30 * MINUTE);
    world.mails(&here.user);
    assert!(!world.is_alive(&second));
}

#[test]
fn a_change_that_was_cut_off_anywhere_ends_the_old_sessions_all_the_same() {
    World::cut_off_everywhere(
        everywhere,
        |world, [_, _, here]| world.try_run(&here.principal, Operation::ChangePassword, &change()),
        |world, sessions, _| {
            let changed = world.log_in(ADA, PASSWORD).is_err();
            world.now_ms.set(world.now_ms.get() + MINUTE);
            world.mails(&sessions[0].user);
            for old in sessions {
                assert_eq!(world.is_alive(old), !changed);
            }
            world.signed_in(ADA, if changed { NEW } else { PASSWORD });
        },
    );
}

#[test]
fn a_wrong_current_password_changes_nothing_and_is_limited() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    let wrong = json!({ "current_password": "wrong horse", "new_password": NEW });
    for _ in 0..10 {
        assert_eq!(
            world.refused(&ada.principal, Operation::ChangePassword, &wrong),
            Code::InvalidCredentials
        );
    }
    assert_eq!(world.refused(&ada.principal, Operation::ChangePassword, &change()), Code::RateLimited);
    assert!(world.is_alive(&ada));
    // That whoever sits at the session cannot guess on locks nobody out of signing in.
    world.signed_in(ADA, PASSWORD);
    let short = json!({ "current_password": PASSWORD, "new_password": "short" });
    assert_eq!(world.refused(&ada.principal, Operation::ChangePassword, &short), Code::ValidationFailed);
}

#[test]
fn asking_for_a_reset_says_nothing_about_whether_there_is_an_account() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    let ask = |email: &str| {
        let body = json!({ "email": email });
        let (reply, trace) = world
            .traced(|| world.run(&Principal::Anonymous, Operation::RequestPasswordReset, &body).unwrap());
        (reply.status, reply.body.to_vec(), trace)
    };
    assert_eq!(ask(ADA), ask("nobody@example.com"));
    assert_eq!(ask(ADA).2, ["identity.request_reset"]);
    world.ring("nobody@example.com");
    world.ring(ADA);
    assert!(world.mails(&ada.user).iter().any(|mail| matches!(mail.about, About::ResetPassword { .. })));
    assert_eq!(world.account_count(), 1);
}

#[test]
fn a_reset_link_works_once_for_its_account_and_an_hour() {
    let world = World::new();
    let [first, second, here] = everywhere(&world);
    let token_1 = token(&reset_mail(&world, ADA, &first).unwrap());
    let token_2 = token(&reset_mail(&world, ADA, &first).unwrap());
    let eve = world.sign_up("eve@example.com");
    let eves = token(&reset_mail(&world, "eve@example.com", &eve).unwrap());
    world.run(&Principal::Anonymous, Operation::ResetPassword, &reset(&token_1)).unwrap();
    for old in [&first, &second, &here] {
        assert!(!world.is_alive(old));
    }
    // Used; void since the other was used; of another kind; made up.
    let verify = token_1.replace("rpw_", "vfy_");
    for token in [&token_1, &token_2, &verify, &format!("{eves}0"), &String::new()] {
        assert_eq!(
            world.refused(&Principal::Anonymous, Operation::ResetPassword, &reset(token)),
            Code::InvalidLink
        );
    }
    world.signed_in(ADA, NEW);
    assert!(world.is_alive(&eve));
    assert_eq!(world.log_in("eve@example.com", NEW).unwrap_err().public().0, Code::InvalidCredentials);
    // Too late.
    world.now_ms.set(world.now_ms.get() + 60 * MINUTE);
    assert_eq!(
        world.refused(&Principal::Anonymous, Operation::ResetPassword, &reset(&eves)),
        Code::InvalidLink
    );
    let mails = world.mails(&first.user);
    assert!(mails.iter().any(|mail| matches!(mail.about, About::PasswordChanged { .. })));
}

#[test]
fn no_link_is_at_rest() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    let token = token(&reset_mail(&world, ADA, &ada).unwrap());
    let secret = &token.as_bytes()[30..82];
    let bytes = world.account_sql(&ada.user).bytes();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret));
}

#[test]
fn nobody_floods_a_mailbox() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    let mails = (0..50).filter_map(|_| reset_mail(&world, ADA, &ada)).count();
    assert_eq!(mails, 5);
    // And nobody uses up the person's own mails by it.
    world.run(&ada.principal, Operation::ResendVerification, &Json::Null).unwrap();
    world.now_ms.set(world.now_ms.get() + 13 * MINUTE);
    assert!(reset_mail(&world, ADA, &ada).is_some());
}

#[test]
fn who_made_an_account_for_somebody_elses_email_is_out_when_that_one_comes() {
    let world = World::new();
    // Eve signs up with Ada's email, adds her own second factor, her own identity and a change to her own address.
    let eve = world.sign_up(ADA);
    world.with_second_factor(&eve);
    let identity = NewIdentity {
        provider: "idp".into(),
        issuer: "https://idp.example".into(),
        subject: "eve".into(),
        email: None,
    };
    world.ask::<()>(&eve.user, AskAccount::LinkIdentity(identity.clone())).unwrap();
    world.mails(&eve.user);
    world.run(&eve.principal, Operation::ChangeEmail, &json!({ "email": "eve@example.com" })).unwrap();
    let trap = token(&world.mails(&eve.user)[0]);

    let mail = reset_mail(&world, ADA, &eve).unwrap();
    world.run(&Principal::Anonymous, Operation::ResetPassword, &reset(&token(&mail))).unwrap();

    assert!(!world.is_alive(&eve));
    let ada = world.signed_in(ADA, NEW);
    let account: Account = world.ask(&ada.user, AskAccount::Describe).unwrap();
    assert!(account.email_verified && !account.second_factor && account.identities.is_empty());
    assert_eq!((account.recovery_codes_left, account.pending_email), (0, None));
    let by_identity = AskAccount::ProveIdentity { identity: identity.identity(), email: None };
    assert!(world.ask::<Option<Json>>(&ada.user, by_identity).unwrap().is_none());
    let body = json!({ "token": trap });
    assert_eq!(world.refused(&ada.principal, Operation::VerifyEmail, &body), Code::InvalidLink);
    // Nor is she in the workspace that was made in her name, where somebody else's keys and people may be.
    assert_ne!(ada.org, eve.org);
}

#[test]
fn who_has_proven_their_email_keeps_the_second_factor() {
    let world = World::new();
    let signed = world.sign_up_verified(ADA);
    world.with_second_factor(&signed);
    let mail = reset_mail(&world, ADA, &signed).unwrap();
    world.run(&Principal::Anonymous, Operation::ResetPassword, &reset(&token(&mail))).unwrap();
    assert_eq!(world.log_in(ADA, NEW).unwrap().status, 202);
}

#[test]
fn a_reset_that_was_cut_off_anywhere_ends_the_old_sessions_all_the_same() {
    World::cut_off_everywhere(
        |world| {
            let sessions = everywhere(world);
            let token = token(&reset_mail(world, ADA, &sessions[0]).unwrap());
            (sessions, token)
        },
        |world, (_, token)| world.try_run(&Principal::Anonymous, Operation::ResetPassword, &reset(token)),
        |world, (sessions, token), _| {
            let _ = world.try_run(&Principal::Anonymous, Operation::ResetPassword, &reset(token)).unwrap();
            world.now_ms.set(world.now_ms.get() + MINUTE);
            world.mails(&sessions[0].user);
            for old in sessions {
                assert!(!world.is_alive(old));
            }
            world.signed_in(ADA, NEW);
        },
    );
}

#[test]
fn who_revokes_the_other_sessions_keeps_their_own() {
    let world = World::new();
    let [first, second, here] = everywhere(&world);
    world.run(&here.principal, Operation::RevokeOtherSessions, &Json::Null).unwrap();
    assert!(!world.is_alive(&first) && !world.is_alive(&second) && world.is_alive(&here));
    for org in [&first.org, &second.org] {
        let orgs = world.orgs.borrow();
        let end =
            |ask: &AskOrg| matches!(ask, AskOrg::EndSessions { reason, .. } if reason == "revoked_by_user");
        assert!(orgs[org].asks.iter().any(end));
    }
    world.down.borrow_mut().insert(second.org);
    assert_eq!(
        world.refused(&here.principal, Operation::RevokeOtherSessions, &Json::Null),
        Code::Unavailable
    );
}

/// Who the link is for is known to the account alone: their own name and email are no password there either.
#[test]
fn a_reset_takes_no_password_made_of_the_persons_own_email() {
    let world = World::new();
    let ada = world.sign_up("lovelace@engines.example");
    let mail = reset_mail(&world, "lovelace@engines.example", &ada).unwrap();
    let body = json!({ "token": token(&mail), "new_password": "Lovelace-Engines" });
    assert_eq!(world.refused(&Principal::Anonymous, Operation::ResetPassword, &body), Code::ValidationFailed);
    // The link is not used up, and survives a paste with a line end.
    let body = reset(&format!(" {}\n", token(&mail)));
    assert_eq!(world.run(&Principal::Anonymous, Operation::ResetPassword, &body).unwrap().status, 204);
}
