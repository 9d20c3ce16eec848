//! Proving an email address, and moving to another one.

use super::world::{MINUTE, PASSWORD, Signed, World, sign_up_body, token};
use crate::asks::{About, AskAccount, AskIdentity, Identity};
use protocol::api::Account;
use protocol::{Code, Operation, Principal};
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";
const NEW: &str = "countess@example.com";

/// Somebody with a link to move to [`NEW`].
fn about_to_move(world: &World) -> (Signed, Json) {
    let ada = world.sign_up_verified(ADA);
    world.run(&ada.principal, Operation::ChangeEmail, &json!({ "email": " Countess@Example.com" })).unwrap();
    let mails = world.mails(&ada.user);
    assert_eq!(mails[0].to, NEW);
    (ada, json!({ "token": token(&mails[0]) }))
}

fn verify(
    world: &World,
    who: &Signed,
    body: &Json,
) -> Option<Result<crate::reply::Reply, crate::error::AppError>> {
    world.try_run(&who.principal, Operation::VerifyEmail, body)
}

fn account(world: &World, signed: &Signed) -> Account {
    world.ask(&signed.user, AskAccount::Describe).unwrap()
}

#[test]
fn an_email_is_proven_by_its_own_mail_once_and_in_three_days() {
    let world = World::new();
    let (ada, eve) = (world.sign_up(ADA), world.sign_up("eve@example.com"));
    let body = json!({ "token": token(&world.mails(&ada.user)[0]) });
    world.now_ms.set(world.now_ms.get() + 72 * 60 * MINUTE - 1);
    assert_eq!(verify(&world, &ada, &body).unwrap().unwrap().status, 204);
    assert!(account(&world, &ada).email_verified && !account(&world, &eve).email_verified);
    assert_eq!(verify(&world, &ada, &body).unwrap().unwrap_err().public().0, Code::InvalidLink);
    // Nothing more to prove, nothing more to mail.
    world.run(&ada.principal, Operation::ResendVerification, &Json::Null).unwrap();
    assert!(world.mails(&ada.user).is_empty());

    let late = json!({ "token": token(&world.mails(&eve.user)[0]) });
    world.now_ms.set(world.now_ms.get() + 72 * 60 * MINUTE);
    assert_eq!(verify(&world, &eve, &late).unwrap().unwrap_err().public().0, Code::InvalidLink);
}

/// The address's owner reads the mail and presses the button: that lends nothing to an account that somebody else has made.
#[test]
fn n9_a_link_proves_nothing_without_the_accounts_own_session() {
    let world = World::new();
    let (eve, victim) = (world.sign_up("root@example.com"), world.sign_up(ADA));
    let body = json!({ "token": token(&world.mails(&eve.user)[0]) });
    assert_eq!(world.refused(&Principal::Anonymous, Operation::VerifyEmail, &body), Code::Unauthenticated);
    assert_eq!(world.refused(&victim.principal, Operation::VerifyEmail, &body), Code::InvalidLink);
    assert!(!account(&world, &eve).email_verified && !account(&world, &victim).email_verified);
    assert_eq!(verify(&world, &eve, &body).unwrap().unwrap().status, 204);
}

#[test]
fn the_proof_is_mailed_again_but_not_without_end() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    world.mails(&ada.user);
    for _ in 0..5 {
        assert_eq!(
            world.run(&ada.principal, Operation::ResendVerification, &Json::Null).unwrap().status,
            202
        );
        assert_eq!(world.mails(&ada.user).len(), 1);
    }
    let again = world.refused(&ada.principal, Operation::ResendVerification, &Json::Null);
    assert_eq!(again, Code::RateLimited);
}

#[test]
fn a_proven_address_takes_the_old_ones_place_everywhere() {
    let world = World::new();
    let (ada, link) = about_to_move(&world);
    let other = world.signed_in(ADA, PASSWORD);
    assert_eq!(account(&world, &ada).pending_email.as_deref(), Some(NEW));
    assert_eq!(account(&world, &ada).user.email, ADA);
    verify(&world, &ada, &link).unwrap().unwrap();

    let after = account(&world, &ada);
    assert_eq!((after.user.email.as_str(), after.email_verified, after.pending_email), (NEW, true, None));
    assert_eq!(world.orgs.borrow()[&ada.org].members[&ada.user].0.email, NEW);
    assert_eq!((world.owner(NEW), world.owner(ADA)), (Some(ada.user.clone()), None));
    // The session that asked goes on, the others end.
    assert!(world.is_alive(&ada) && !world.is_alive(&other));
    let mails = world.mails(&ada.user);
    assert!(mails.iter().any(|mail| mail.to == ADA && matches!(mail.about, About::EmailChanged { .. })));
    world.signed_in(NEW, PASSWORD);
    assert_eq!(world.log_in(ADA, PASSWORD).unwrap_err().public().0, Code::InvalidCredentials);
    assert_eq!(verify(&world, &ada, &link).unwrap().unwrap_err().public().0, Code::InvalidLink);
    // The old one is for whoever comes next.
    assert_ne!(world.sign_up(ADA).user, ada.user);
}

#[test]
fn links_that_went_to_the_old_address_end_with_it() {
    let world = World::new();
    let (ada, link) = about_to_move(&world);
    world.run(&Principal::Anonymous, Operation::RequestPasswordReset, &json!({ "email": ADA })).unwrap();
    world.ring(ADA);
    let reset = token(&world.mails(&ada.user)[0]);
    // One more is on its way while the address changes.
    world.run(&Principal::Anonymous, Operation::RequestPasswordReset, &json!({ "email": ADA })).unwrap();
    world.ring(ADA);
    verify(&world, &ada, &link).unwrap().unwrap();
    assert!(!world.mails(&ada.user).iter().any(|mail| matches!(mail.about, About::ResetPassword { .. })));
    let body = json!({ "token": reset, "new_password": "battery staple" });
    assert_eq!(world.refused(&Principal::Anonymous, Operation::ResetPassword, &body), Code::InvalidLink);
}

#[test]
fn an_address_of_another_account_is_refused_only_to_who_has_proven_it() {
    let world = World::new();
    let taken = world.sign_up(NEW);
    let (ada, link) = about_to_move(&world);
    assert_eq!(verify(&world, &ada, &link).unwrap().unwrap_err().public().0, Code::InvalidLink);
    assert_eq!(verify(&world, &ada, &link).unwrap().unwrap_err().public().0, Code::InvalidLink);
    assert_eq!((account(&world, &ada).user.email, account(&world, &ada).pending_email), (ADA.into(), None));
    assert_eq!((world.owner(NEW), world.owner(ADA)), (Some(taken.user), Some(ada.user)));
    world.signed_in(NEW, PASSWORD);
    world.signed_in(ADA, PASSWORD);
}

#[test]
fn an_address_that_only_a_cut_off_sign_up_has_claimed_can_be_moved_to() {
    let world = World::new();
    // Cut off between the claim and the account.
    world.fuse.set(Some(1));
    assert!(world.try_run(&Principal::Anonymous, Operation::SignUp, &sign_up_body(NEW)).is_none());
    let unborn = world.owner(NEW).unwrap();
    let (ada, link) = about_to_move(&world);
    verify(&world, &ada, &link).unwrap().unwrap();
    assert_eq!(world.owner(NEW), Some(ada.user));
    // What was cut off does not come to life behind it.
    let body = sign_up_body(NEW);
    assert_eq!(world.refused(&Principal::Anonymous, Operation::SignUp, &body), Code::EmailTaken);
    let name = world.secrets.identity_name(&Identity::Email { email: "x@example.com".into() });
    world.point(&name, &AskIdentity::Claim { user: unborn.clone() });
    assert_ne!(world.sign_up("x@example.com").user, unborn);
}

#[test]
fn a_move_that_was_cut_off_anywhere_is_made_by_opening_the_link_again() {
    World::cut_off_everywhere(
        about_to_move,
        |world, (ada, link)| verify(world, ada, link),
        |world, (ada, link), _| {
            // Meanwhile nobody else gets the address, if it was proven; before that it is free.
            let made = verify(world, ada, link).unwrap().map(|_| ()).map_err(|error| error.public().0);
            assert!(matches!(made, Ok(()) | Err(Code::InvalidLink)), "{made:?}");
            world.now_ms.set(world.now_ms.get() + MINUTE);
            world.mails(&ada.user);
            assert_eq!(account(world, ada).user.email, NEW);
            assert_eq!((world.owner(NEW), world.owner(ADA)), (Some(ada.user.clone()), None));
            assert_eq!(world.orgs.borrow()[&ada.org].members[&ada.user].0.email, NEW);
            world.signed_in(NEW, PASSWORD);
        },
    );
}

#[test]
fn a_proven_address_is_nobody_elses_while_the_move_is_cut_off() {
    for asks in 0..4 {
        let world = World::new();
        let (ada, link) = about_to_move(&world);
        world.fuse.set(Some(asks));
        assert!(verify(&world, &ada, &link).is_none());
        let outcome = world.try_run(&Principal::Anonymous, Operation::SignUp, &sign_up_body(NEW)).unwrap();
        // Claimed by the move: taken. Not yet: the sign-up is first, and the move is refused.
        let moved = verify(&world, &ada, &link).unwrap().is_ok();
        assert_eq!((outcome.is_err(), moved), (asks == 3, asks == 3), "{asks}");
        let owner = world.owner(NEW).unwrap();
        assert_eq!(owner == ada.user, moved);
        world.signed_in(NEW, PASSWORD);
    }
}

#[test]
fn a_move_and_a_sign_up_at_once_leave_everybody_with_a_way_in() {
    for head_start in 0..12 {
        let world = World::new();
        let (ada, link) = about_to_move(&world);
        world.shared.set(true);
        let (mut moved, mut made) = (false, false);
        world.run_staggered(
            head_start,
            (ada.principal.clone(), Operation::VerifyEmail, link),
            (Principal::Anonymous, Operation::SignUp, sign_up_body(NEW)),
            |at, result| if at == 0 { moved = result.is_ok() } else { made = result.is_ok() },
        );
        world.shared.set(false);
        assert!(moved != made, "{head_start}: {moved} {made}");
        assert_eq!(world.owner(NEW) == Some(ada.user.clone()), moved, "{head_start}");
        let email = if moved { NEW } else { ADA };
        assert_eq!(world.signed_in(email, PASSWORD).user, ada.user, "{head_start}");
        world.signed_in(NEW, PASSWORD);
    }
}
