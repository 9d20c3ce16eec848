//! Signing up.

use super::world::{NOW, PASSWORD, World, sign_up_body};
use crate::asks::{About, AskAccount, AskIdentity, Identity};
use crate::error::AppError;
use protocol::api::Account;
use protocol::{Code, Operation, Principal, Role};
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";

fn sign_up(world: &World, body: &Json) -> Option<Result<crate::reply::Reply, AppError>> {
    world.try_run(&Principal::Anonymous, Operation::SignUp, body)
}

#[test]
fn f1_an_account_holds_what_it_says_and_when_the_terms_were_accepted() {
    let world = World::new();
    let ada = world.sign_up(" ADA@Example.com ");
    let account: Account = world.ask(&ada.user, AskAccount::Describe).unwrap();
    assert_eq!((account.user.email.as_str(), account.user.name.as_str()), (ADA, "Ada"));
    assert_eq!(account.terms_accepted_at, protocol::time::rfc3339(NOW));
    assert!(!account.email_verified && account.has_password && !account.second_factor);
    assert_eq!(world.orgs.borrow()[&ada.org].members[&ada.user].1, Role::OrgAdmin);
    let mails = world.mails(&ada.user);
    assert!(
        matches!(&mails[..], [mail] if mail.to == ADA && matches!(mail.about, About::VerifyEmail { .. }))
    );
}

#[test]
fn an_email_has_one_account() {
    let world = World::new();
    world.sign_up(ADA);
    assert_eq!(world.refused(&Principal::Anonymous, Operation::SignUp, &sign_up_body(ADA)), Code::EmailTaken);
    assert_eq!(world.account_count(), 1);
}

#[test]
fn two_sign_ups_at_once_make_one_account() {
    let world = World::new();
    world.shared.set(true);
    let flow = || (Principal::Anonymous, Operation::SignUp, sign_up_body(ADA));
    let mut outcomes = Vec::new();
    world.run_all([flow(), flow(), flow()], |_, result| {
        outcomes.push(result.map_or_else(|error| error.public().0.status(), |reply| reply.status));
    });
    outcomes.sort_unstable();
    assert_eq!(outcomes, [201, 409, 409]);
    assert_eq!(world.account_count(), 1);
    world.signed_in(ADA, PASSWORD);
}

#[test]
fn a_sign_up_that_was_cut_off_anywhere_is_done_again_or_signed_in_to() {
    World::cut_off_everywhere(
        |_| (),
        |world, ()| sign_up(world, &sign_up_body(ADA)),
        |world, (), _| {
            match sign_up(world, &sign_up_body(ADA)).unwrap() {
                Ok(reply) => assert_eq!(reply.status, 201),
                Err(error) => assert_eq!(error.public().0, Code::EmailTaken),
            }
            let ada = world.signed_in(ADA, PASSWORD);
            assert_eq!(world.account_count(), 1);
            assert_eq!(world.orgs.borrow()[&ada.org].name, "Acme");
            assert_eq!(world.orgs.borrow().len(), 1);
        },
    );
}

#[test]
fn an_invitation_is_joined_without_a_workspace_of_ones_own() {
    let world = World::new();
    let host = world.sign_up("host@example.com");
    let token = world.invite(&host.org, ADA);
    let mut body = sign_up_body(ADA);
    body.as_object_mut().unwrap().remove("org_name");
    body["invitation_token"] = token.into();
    let reply = sign_up(&world, &body).unwrap().unwrap();
    let ada = world.signed(&reply);
    assert_eq!(ada.org, host.org);
    assert_eq!(world.orgs.borrow().len(), 1);
    assert_eq!(world.orgs.borrow()[&host.org].members[&ada.user].1, Role::Member);

    // Used.
    body["email"] = "eve@example.com".into();
    assert_eq!(world.refused(&Principal::Anonymous, Operation::SignUp, &body), Code::InvalidLink);
    // For another.
    body["invitation_token"] = world.invite(&host.org, "bob@example.com").into();
    assert_eq!(world.refused(&Principal::Anonymous, Operation::SignUp, &body), Code::WrongEmail);
    assert_eq!(world.account_count(), 2);
}

#[test]
fn a_sign_up_by_invitation_that_was_cut_off_anywhere_leaves_nobody_stuck() {
    World::cut_off_everywhere(
        |world| {
            let host = world.sign_up("host@example.com");
            let mut body = sign_up_body(ADA);
            body.as_object_mut().unwrap().remove("org_name");
            body["invitation_token"] = world.invite(&host.org, ADA).into();
            (host, body)
        },
        |world, (_, body)| sign_up(world, body),
        |world, (host, body), _| {
            let _ = sign_up(world, body).unwrap();
            let ada = world.signed_in(ADA, PASSWORD);
            if ada.org != host.org {
                let accept = json!({ "token": body["invitation_token"] });
                let reply = world.run(&ada.principal, Operation::AcceptInvitation, &accept).unwrap();
                assert_eq!(world.signed(&reply).org, host.org);
            }
            assert_eq!(world.account_count(), 2);
        },
    );
}

#[test]
fn an_identity_whose_account_has_moved_away_is_for_who_comes_next() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    // A crash has left a pointer to an account with another email.
    let name = world.secrets.identity_name(&Identity::Email { email: "bob@example.com".into() });
    world.point(&name, &AskIdentity::Claim { user: ada.user.clone() });
    let bob = world.sign_up("bob@example.com");
    assert_ne!(bob.user, ada.user);
    assert_eq!(world.owner("bob@example.com"), Some(bob.user));
    world.signed_in(ADA, PASSWORD);
    world.signed_in("bob@example.com", PASSWORD);
}

#[test]
fn what_is_wrong_with_a_sign_up_is_named_and_leaves_nothing() {
    for (field, value) in [
        ("email", json!("ada")),
        ("email", json!("a b@example.com")),
        ("email", json!("a@@example.com")),
        ("password", json!("short")),
        ("password", json!("x".repeat(73))),
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("org_name", json!(" padded ")),
        ("org_name", Json::Null),
        ("accept_terms", json!(false)),
    ] {
        let world = World::new();
        let mut body = sign_up_body(ADA);
        body[field] = value.clone();
        let (result, trace) = world.traced(|| sign_up(&world, &body).unwrap());
        let AppError::Refused(code, detail) = result.unwrap_err() else { panic!("{field}") };
        let detail = detail.unwrap();
        assert_eq!(code, Code::ValidationFailed, "{field}");
        assert!(detail.starts_with(field), "{detail}");
        assert!(value.as_str().is_none_or(|v| v.len() < 3 || !detail.contains(v)), "{detail}");
        assert!(trace.is_empty(), "{field}");
    }
    let world = World::new();
    let host = world.sign_up("host@example.com");
    let mut both = sign_up_body(ADA);
    both["invitation_token"] = world.invite(&host.org, ADA).into();
    assert_eq!(world.refused(&Principal::Anonymous, Operation::SignUp, &both), Code::ValidationFailed);
}

/// RFC 5890, section 2.3.2.4: two spellings of a domain that have the same A-labels are one domain, so one account.
#[test]
fn a_domain_in_unicode_and_its_a_labels_are_one_account() {
    let world = World::new();
    let ada = world.sign_up("Ada@B\u{fc}cher.example");
    let account: Account = world.ask(&ada.user, AskAccount::Describe).unwrap();
    assert_eq!(account.user.email, "ada@xn--bcher-kva.example");
    for same in [
        "ada@xn--bcher-kva.example",
        "ADA@XN--BCHER-KVA.EXAMPLE",
        "ada@bu\u{308}cher.example",
        "ada@B\u{dc}CHER\u{3002}example",
    ] {
        let taken = world.refused(&Principal::Anonymous, Operation::SignUp, &sign_up_body(same));
        assert_eq!(taken, Code::EmailTaken, "{same}");
        assert_eq!(world.signed_in(same, PASSWORD).user, ada.user, "{same}");
    }
    assert_eq!(world.account_count(), 1);
}

/// Whatever takes an address refuses, by the field's name, one that the mailer would refuse later in silence.
#[test]
fn an_address_that_no_mail_reaches_is_refused_where_it_is_typed() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    let unreachable = [
        "\u{e4}da@example.com",
        "\u{212a}ate@example.com",
        "ada@localhost",
        "\"ada\"@example.com",
        "ada@[192.0.2.1]",
        "a..da@example.com",
    ];
    for email in unreachable {
        let asked = [
            (Principal::Anonymous, Operation::SignUp, sign_up_body(email)),
            (Principal::Anonymous, Operation::LogIn, json!({ "email": email, "password": PASSWORD })),
            (Principal::Anonymous, Operation::RequestPasswordReset, json!({ "email": email })),
            (ada.principal.clone(), Operation::ChangeEmail, json!({ "email": email })),
        ];
        for (who, operation, body) in asked {
            let refused = world.run(&who, operation.clone(), &body);
            let Err(AppError::Refused(Code::ValidationFailed, Some(detail))) = refused else {
                panic!("{email}: {operation:?}")
            };
            assert!(detail.starts_with("email: "), "{detail}");
            assert_eq!(
                detail.contains("non-ASCII letters before the @"),
                !email.is_ascii(),
                "{email}: {detail}"
            );
        }
    }
    assert_eq!(world.account_count(), 1);
}

/// NIST SP 800-63B, section 3.1.1.2.
#[test]
fn a_password_that_is_tried_first_is_refused_wherever_one_is_set() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    for guessable in ["password12", "sluicegate2027", "Ada@Example1", "aaaaaaaaaaaa"] {
        let mut sign_up = sign_up_body("ada2@example.com");
        sign_up["password"] = guessable.into();
        let change = json!({ "current_password": PASSWORD, "new_password": guessable });
        let reset = json!({ "token": "rpw_x", "new_password": guessable });
        let mut asked = vec![
            (Principal::Anonymous, Operation::SignUp, sign_up),
            (ada.principal.clone(), Operation::ChangePassword, change),
        ];
        if guessable != "Ada@Example1" {
            asked.push((Principal::Anonymous, Operation::ResetPassword, reset));
        }
        for (who, operation, body) in asked {
            let refused = world.run(&who, operation.clone(), &body);
            let Err(AppError::Refused(Code::ValidationFailed, Some(detail))) = refused else {
                panic!("{guessable}: {operation:?}")
            };
            assert!(detail.contains("too easy to guess"), "{detail}");
        }
    }
}
