//! Signing in.

use super::world::{MINUTE, PASSWORD, Signed, World};
use crate::asks::{AskIdentity, AskOrg, Identity};
use crate::error::AppError;
use protocol::{Code, Operation, OrgId, Principal, Region};
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";
const NOBODY: &str = "nobody@example.com";
const WRONG: &str = "wrong horse";

fn body(email: &str, password: &str) -> Json {
    json!({ "email": email, "password": password })
}

fn log_in_to(world: &World, email: &str, org: &OrgId) -> Result<Signed, AppError> {
    let body = json!({ "email": email, "password": PASSWORD, "org_id": org });
    world.run(&Principal::Anonymous, Operation::LogIn, &body).map(|reply| world.signed(&reply))
}

#[test]
fn an_email_without_an_account_is_treated_step_by_step_as_one_with_an_account() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    // Points to an account that does not own it.
    let stale = Identity::Email { email: "stale@example.com".into() };
    world.point(&world.secrets.identity_name(&stale), &AskIdentity::Claim { user: ada.user });
    // Up to the limit and beyond.
    for attempt in 0..12 {
        let answers = [ADA, NOBODY, "stale@example.com"].map(|email| {
            let (result, trace) = world.traced(|| world.log_in(email, WRONG));
            let error = result.unwrap_err();
            let wait = match error {
                AppError::Limited { retry_after_seconds: seconds, .. } => seconds,
                _ => 0,
            };
            (error.public().0, wait, trace)
        });
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
        let (code, trace): (_, &[&str]) = if attempt < 10 {
            (Code::InvalidCredentials, &["identity.attempt", "account.prove_password", "verify"])
        } else {
            (Code::RateLimited, &["identity.attempt"])
        };
        assert_eq!(
            (answers[0].0, &answers[0].2[..]),
            (code, &trace.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
        );
    }
    // The right password is no exception, and tells nothing.
    assert_eq!(world.log_in(ADA, PASSWORD).unwrap_err().public().0, Code::RateLimited);
    world.now_ms.set(world.now_ms.get() + 2 * MINUTE);
    world.signed_in(ADA, PASSWORD);
}

#[test]
fn m6_guesses_made_at_once_do_not_slip_past_the_limit() {
    let world = World::new();
    world.sign_up(ADA);
    world.shared.set(true);
    let flows = [(); 40].map(|()| (Principal::Anonymous, Operation::LogIn, body(ADA, WRONG)));
    let (mut wrong, mut limited) = (0, 0);
    world.trace.borrow_mut().clear();
    world.run_all(flows, |_, result| match result.unwrap_err().public().0 {
        Code::InvalidCredentials => wrong += 1,
        Code::RateLimited => limited += 1,
        other => panic!("{other:?}"),
    });
    assert_eq!((wrong, limited), (10, 30));
    assert_eq!(world.trace.borrow().iter().filter(|step| *step == "verify").count(), 10);
}

/// M6: what all clients share is spent where a password is hashed and nowhere before.
#[test]
fn m6_what_hashes_no_password_takes_no_turn_of_it() {
    let mut world = World::new();
    let ada = world.sign_up(ADA);
    world.config.rate_limits.passwords.limit = 1;
    world.now_ms.set(world.now_ms.get() + MINUTE);
    let bob = json!({ "email": "bob@example.com", "name": "Bob", "org_name": "B", "accept_terms": true, "password": "short" });
    let token = "rst_00000000000000000000000000";
    for (principal, operation, body) in [
        (Principal::Anonymous, Operation::LogIn, json!({})),
        (Principal::Anonymous, Operation::LogIn, json!([])),
        (Principal::Anonymous, Operation::LogIn, json!({ "email": ADA })),
        (Principal::Anonymous, Operation::LogIn, json!({ "email": "ada", "password": PASSWORD })),
        (Principal::Anonymous, Operation::LogIn, json!({ "email": ADA, "password": PASSWORD, "x": 1 })),
        (Principal::Anonymous, Operation::SignUp, json!({})),
        (Principal::Anonymous, Operation::SignUp, bob),
        (Principal::Anonymous, Operation::ResetPassword, json!({ "token": token, "new_password": PASSWORD })),
        (ada.principal.clone(), Operation::ChangePassword, json!({})),
        (ada.principal.clone(), Operation::Reauthenticate, json!({})),
        (ada.principal, Operation::Reauthenticate, json!({ "code": "123456" })),
    ] {
        let (result, trace) = world.traced(|| world.run(&principal, operation.clone(), &body));
        assert_ne!(result.unwrap_err().public().0, Code::RateLimited, "{operation:?} {body}");
        assert!(!trace.iter().any(|step| step == "verify" || step == "hash"), "{trace:?}");
    }
    world.signed_in(ADA, PASSWORD);
    assert_eq!(world.log_in(NOBODY, WRONG).unwrap_err().public().0, Code::RateLimited);
}

/// Who is refused because others have spent it has not tried a password, and is not locked out by that.
#[test]
fn m6_a_password_that_nobody_has_looked_at_is_no_attempt() {
    let mut world = World::new();
    let ada = world.sign_up(ADA);
    world.config.rate_limits.passwords.limit = 1;
    world.now_ms.set(world.now_ms.get() + MINUTE);
    assert_eq!(world.log_in(NOBODY, WRONG).unwrap_err().public().0, Code::InvalidCredentials);
    let again = json!({ "password": PASSWORD });
    for _ in 0..20 {
        assert_eq!(world.log_in(ADA, WRONG).unwrap_err().public().0, Code::RateLimited);
        let proven = world.run(&ada.principal, Operation::Reauthenticate, &again);
        assert_eq!(proven.unwrap_err().public().0, Code::RateLimited);
    }
    world.now_ms.set(world.now_ms.get() + MINUTE);
    world.signed_in(ADA, PASSWORD);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    world.run(&ada.principal, Operation::Reauthenticate, &again).unwrap();
}

#[test]
fn a_right_password_is_not_counted() {
    let world = World::new();
    world.sign_up(ADA);
    for _ in 0..30 {
        world.signed_in(ADA, PASSWORD);
    }
}

#[test]
fn m4_a_password_that_was_replaced_while_it_was_checked_opens_nothing() {
    let change = json!({ "current_password": PASSWORD, "new_password": "battery staple" });
    // Each begins at each step of the other; whichever comes first, no session of the old password is left.
    for (head_start, login_first) in (0..14).flat_map(|steps| [(steps, true), (steps, false)]) {
        let world = World::new();
        let ada = world.sign_up(ADA);
        world.shared.set(true);
        let change = (ada.principal.clone(), Operation::ChangePassword, change.clone());
        let login = (Principal::Anonymous, Operation::LogIn, body(ADA, PASSWORD));
        let (first, second) = if login_first { (login, change) } else { (change, login) };
        let (mut fresh, mut by_old) = (None, None);
        world.run_staggered(head_start, first, second, |at, result| {
            let signed = result.ok().map(|reply| world.signed(&reply));
            *(if (at == 0) == login_first { &mut by_old } else { &mut fresh }) = signed;
        });
        world.shared.set(false);
        // The alarm may have nothing to do but must not end more either.
        world.now_ms.set(world.now_ms.get() + MINUTE);
        world.mails(&ada.user);
        assert!(fresh.is_some(), "{head_start} {login_first}");
        for old in by_old.iter().chain([&ada]) {
            assert!(!world.is_alive(old), "{head_start} {login_first}");
        }
        world.signed_in(ADA, "battery staple");
    }
}

#[test]
fn the_org_is_the_one_asked_for_or_the_one_used_last() {
    let world = World::new();
    let first = world.sign_up(ADA);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    let reply = world.run(&first.principal, Operation::CreateOrg, &json!({ "name": "Second" })).unwrap();
    let second = world.signed(&reply);
    assert_eq!(world.signed_in(ADA, PASSWORD).org, second.org);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    assert_eq!(log_in_to(&world, ADA, &first.org).unwrap().org, first.org);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    assert_eq!(world.signed_in(ADA, PASSWORD).org, first.org);
}

#[test]
fn n1_an_org_that_is_not_the_persons_is_as_one_that_never_was() {
    let world = World::new();
    let (ada, eve) = (world.sign_up(ADA), world.sign_up("eve@example.com"));
    let never = OrgId::new(Region::Eu, [9; 16]);
    for org in [&ada.org, &never] {
        let error = log_in_to(&world, "eve@example.com", org).unwrap_err();
        assert!(matches!(error, AppError::Refused(Code::NotFound, None)));
    }
    assert_eq!(world.orgs.borrow()[&ada.org].sessions.values().filter(|s| s.user == eve.user).count(), 0);
}

#[test]
fn n8_who_was_removed_gets_to_the_next_org_and_then_to_one_of_their_own() {
    let world = World::new();
    let first = world.sign_up(ADA);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    let reply = world.run(&first.principal, Operation::CreateOrg, &json!({ "name": "Second" })).unwrap();
    let second = world.signed(&reply);
    world.orgs.borrow_mut().get_mut(&second.org).unwrap().members.clear();
    assert_eq!(log_in_to(&world, ADA, &second.org).unwrap_err().public().0, Code::NotFound);
    assert_eq!(world.signed_in(ADA, PASSWORD).org, first.org);
    // Deleted: it is not made again, though it was this person's to make once.
    world.orgs.borrow_mut().remove(&first.org);
    let own = world.signed_in(ADA, PASSWORD);
    assert!(own.org != first.org && own.org != second.org);
    assert!(!world.orgs.borrow().contains_key(&first.org));
    assert_eq!(world.orgs.borrow()[&own.org].name, "Ada's workspace");
    assert_eq!(world.signed_in(ADA, PASSWORD).org, own.org);
}

#[test]
fn an_org_that_cannot_be_reached_is_not_forgotten() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    world.down.borrow_mut().insert(ada.org.clone());
    assert_eq!(world.log_in(ADA, PASSWORD).unwrap_err().public().0, Code::Unavailable);
    world.down.borrow_mut().clear();
    assert_eq!(world.signed_in(ADA, PASSWORD).org, ada.org);
}

#[test]
fn a_login_that_was_cut_off_anywhere_is_done_again() {
    World::cut_off_everywhere(
        |world| world.sign_up(ADA),
        |world, _| world.try_run(&Principal::Anonymous, Operation::LogIn, &body(ADA, PASSWORD)),
        |world, ada, _| {
            assert_eq!(world.signed_in(ADA, PASSWORD).org, ada.org);
            assert_eq!(world.orgs.borrow().len(), 1);
        },
    );
}

#[test]
fn n9_an_operator_has_proven_email_and_second_factor() {
    let world = World::new();
    let is_operator = |world: &World, signed: &Signed| {
        world.orgs.borrow()[&signed.org].sessions[&signed.session].opened.operator
    };
    let root = world.sign_up("root@example.com");
    let unproven = world.with_second_factor(&root);
    assert!(!is_operator(&world, &unproven.sign_in(&world)));
    world.verify_email(&root);
    assert!(is_operator(&world, &unproven.sign_in(&world)));

    let world = World::new();
    let root = world.sign_up_verified("root@example.com");
    assert!(!is_operator(&world, &world.signed_in("root@example.com", PASSWORD)));
    let ada = world.sign_up_verified(ADA);
    let ada = world.with_second_factor(&ada);
    assert!(!is_operator(&world, &ada.sign_in(&world)));
    let root = world.with_second_factor(&root);
    let root = root.sign_in(&world);
    assert!(is_operator(&world, &root));
    let asks = &world.orgs.borrow()[&root.org].asks;
    assert!(
        asks.iter()
            .any(|ask| matches!(ask, AskOrg::OpenSession(open) if open.operator && open.second_factor))
    );
}
