//! A person in several orgs.

use super::world::{MINUTE, PASSWORD, World};
use crate::asks::{AskAccount, Ending};
use protocol::api::{List, Membership};
use protocol::{Code, Operation, OrgId, Principal, Region, Role};
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";

#[test]
fn a_session_goes_from_org_to_org_with_what_it_has_proven() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    let proven_at = world.now_ms.get();
    world.now_ms.set(proven_at + 5 * MINUTE);
    let reply = world.run(&ada.principal, Operation::CreateOrg, &json!({ "name": "Second" })).unwrap();
    assert_eq!(reply.status, 201);
    let second = world.signed(&reply);
    assert!(!world.is_alive(&ada) && world.is_alive(&second) && second.org != ada.org);
    {
        let orgs = world.orgs.borrow();
        let opened = &orgs[&second.org].sessions[&second.session].opened;
        assert_eq!((opened.authenticated_at, opened.second_factor), (proven_at, false));
    }
    let other_device = world.signed_in(ADA, PASSWORD);
    let back = json!({ "org_id": ada.org });
    let reply = world.run(&second.principal, Operation::SwitchOrg, &back).unwrap();
    assert_eq!(world.signed(&reply).org, ada.org);
    // Only the session that has gone ends.
    assert!(!world.is_alive(&second) && world.is_alive(&other_device));

    let list = world.run(&world.signed(&reply).principal, Operation::ListOrgs, &Json::Null).unwrap();
    let list: List<Membership> = list.read().unwrap();
    let seen: Vec<_> = list.data.iter().map(|m| (m.org_name.as_str(), m.role, m.current)).collect();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.contains(&("Acme", Role::OrgAdmin, true)) && seen.contains(&("Second", Role::OrgAdmin, false))
    );
}

/// M4: all sessions have been ended, and this one's org has not been told yet: it opens no other that nobody would end.
#[test]
fn m4_a_session_that_is_as_good_as_ended_opens_no_other() {
    let world = World::new();
    let stolen = world.sign_up(ADA);
    let own = world.signed_in(ADA, PASSWORD);
    // Decided in the account; on its way to the orgs.
    let end = AskAccount::EndSessions { but: own.session.clone() };
    world.ask::<Ending>(&stolen.user, end).unwrap();
    let body = json!({ "name": "Second" });
    assert_eq!(world.refused(&stolen.principal, Operation::CreateOrg, &body), Code::Unauthenticated);
    let alive: usize =
        world.orgs.borrow().values().filter(|org| org.name == "Second").map(|org| org.sessions.len()).sum();
    assert_eq!(alive, 0);
    // Once they know, the one that was spared goes on as before.
    world.now_ms.set(world.now_ms.get() + MINUTE);
    world.mails(&stolen.user);
    assert!(!world.is_alive(&stolen) && world.is_alive(&own));
    world.run(&own.principal, Operation::CreateOrg, &body).unwrap();
}

#[test]
fn n1_nobody_switches_to_an_org_that_is_not_theirs() {
    let world = World::new();
    let (ada, eve) = (world.sign_up(ADA), world.sign_up("eve@example.com"));
    for org in [ada.org.clone(), OrgId::new(Region::Eu, [9; 16])] {
        let body = json!({ "org_id": org });
        assert_eq!(world.refused(&eve.principal, Operation::SwitchOrg, &body), Code::NotFound);
    }
    // Removed meanwhile: the same answer, and the org is no longer listed.
    let reply = world.run(&eve.principal, Operation::CreateOrg, &json!({ "name": "Second" })).unwrap();
    let second = world.signed(&reply);
    world.orgs.borrow_mut().get_mut(&eve.org).unwrap().members.clear();
    let body = json!({ "org_id": eve.org });
    assert_eq!(world.refused(&second.principal, Operation::SwitchOrg, &body), Code::NotFound);
    let list: List<Membership> =
        world.run(&second.principal, Operation::ListOrgs, &Json::Null).unwrap().read().unwrap();
    assert_eq!(list.data.len(), 1);
    assert!(world.is_alive(&second));
}

#[test]
fn an_invitation_is_accepted_by_whom_it_is_for() {
    let world = World::new();
    let (host, ada, eve) =
        (world.sign_up("host@example.com"), world.sign_up(ADA), world.sign_up("eve@example.com"));
    let body = json!({ "token": world.invite(&host.org, ADA) });
    assert_eq!(world.refused(&eve.principal, Operation::AcceptInvitation, &body), Code::WrongEmail);
    let eves: List<Membership> =
        world.run(&eve.principal, Operation::ListOrgs, &Json::Null).unwrap().read().unwrap();
    assert_eq!(eves.data.len(), 1);
    world.now_ms.set(world.now_ms.get() + MINUTE);
    let reply = world.run(&ada.principal, Operation::AcceptInvitation, &body).unwrap();
    let joined = world.signed(&reply);
    assert_eq!((joined.org.clone(), joined.user.clone()), (host.org.clone(), ada.user));
    // A used one again: refused, and the membership stands.
    assert_eq!(world.refused(&joined.principal, Operation::AcceptInvitation, &body), Code::InvalidLink);
    assert_eq!(world.signed_in(ADA, PASSWORD).org, host.org);
    let list: List<Membership> =
        world.run(&joined.principal, Operation::ListOrgs, &Json::Null).unwrap().read().unwrap();
    let there = list.data.iter().find(|membership| membership.org_id == host.org).unwrap();
    assert_eq!((there.role, there.org_name.as_str(), there.current), (Role::Member, "Acme", true));
}

#[test]
fn an_acceptance_that_was_cut_off_anywhere_can_be_gone_on_with() {
    World::cut_off_everywhere(
        |world| {
            let (host, ada) = (world.sign_up("host@example.com"), world.sign_up(ADA));
            let body = json!({ "token": world.invite(&host.org, ADA) });
            (host, ada, body)
        },
        |world, (_, ada, body)| world.try_run(&ada.principal, Operation::AcceptInvitation, body),
        |world, (host, _, body), _| {
            world.now_ms.set(world.now_ms.get() + MINUTE);
            let ada = world.signed_in(ADA, PASSWORD);
            let _ = world.try_run(&ada.principal, Operation::AcceptInvitation, body).unwrap();
            let ada = world.signed_in(ADA, PASSWORD);
            world.now_ms.set(world.now_ms.get() + MINUTE);
            world.run(&ada.principal, Operation::SwitchOrg, &json!({ "org_id": host.org })).unwrap();
            assert_eq!(world.signed_in(ADA, PASSWORD).org, host.org);
        },
    );
}

#[test]
fn a_new_workspace_that_was_cut_off_anywhere_leaves_nobody_stuck() {
    let body = json!({ "name": "Second" });
    World::cut_off_everywhere(
        |world| world.sign_up(ADA),
        |world, ada| world.try_run(&ada.principal, Operation::CreateOrg, &body),
        |world, _, _| {
            let ada = world.signed_in(ADA, PASSWORD);
            let list: List<Membership> =
                world.run(&ada.principal, Operation::ListOrgs, &Json::Null).unwrap().read().unwrap();
            // Every one that is listed can be gone to.
            for membership in list.data {
                let ada = world.signed_in(ADA, PASSWORD);
                let body = json!({ "org_id": membership.org_id });
                world.run(&ada.principal, Operation::SwitchOrg, &body).unwrap();
            }
        },
    );
}

#[test]
fn who_leaves_an_org_is_out_of_it_and_somewhere_else() {
    World::cut_off_everywhere(
        |world| {
            let host = world.sign_up("host@example.com");
            let ada = world.sign_up(ADA);
            let body = json!({ "token": world.invite(&host.org, ADA) });
            let reply = world.run(&ada.principal, Operation::AcceptInvitation, &body).unwrap();
            (ada, world.signed(&reply))
        },
        |world, (_, joined)| world.try_run(&joined.principal, Operation::LeaveOrg, &Json::Null),
        |world, (ada, joined), asks| {
            if asks > 0 {
                assert_eq!(world.signed_in(ADA, PASSWORD).org, ada.org);
                assert_eq!(
                    world.refused(&joined.principal, Operation::ListOrgs, &Json::Null),
                    Code::Unauthenticated
                );
            }
        },
    );
}

#[test]
fn nobody_is_in_orgs_without_end() {
    let world = World::new();
    let mut ada = world.sign_up(ADA);
    let create = |who: &protocol::Principal| world.run(who, Operation::CreateOrg, &json!({ "name": "More" }));
    for _ in 0..99 {
        ada = world.signed(&create(&ada.principal).unwrap());
    }
    assert_eq!(create(&ada.principal).unwrap_err().public().0, Code::PlanRequired);
}

#[test]
fn nobody_without_a_session_gets_anything() {
    let world = World::new();
    let ada = world.sign_up(ADA);
    world.run(&ada.principal, Operation::RevokeOtherSessions, &Json::Null).unwrap();
    world.orgs.borrow_mut().get_mut(&ada.org).unwrap().sessions.clear();
    for operation in [
        Operation::GetAccount,
        Operation::ListAccountEvents(protocol::Page::default()),
        Operation::ListOrgs,
        Operation::CreateOrg,
        Operation::SwitchOrg,
        Operation::AcceptInvitation,
        Operation::LeaveOrg,
        Operation::ChangePassword,
        Operation::ChangeEmail,
        Operation::ResendVerification,
        Operation::Reauthenticate,
        Operation::StartSecondFactor,
        Operation::ConfirmSecondFactor,
        Operation::RemoveSecondFactor,
        Operation::NewRecoveryCodes,
        Operation::UnlinkIdentity { provider: "idp".into() },
        Operation::RevokeOtherSessions,
        Operation::SetOrgPlan { org: ada.org.clone() },
    ] {
        let (result, trace) = world.traced(|| world.run(&ada.principal, operation.clone(), &json!({})));
        assert_eq!(result.unwrap_err().public().0, Code::Unauthenticated, "{operation:?}");
        assert_eq!(trace.len(), 1, "{operation:?}");
    }
}

/// Whoever has the token may know what it is for, signed in or not; nobody else learns anything.
#[test]
fn an_invitation_says_what_it_is_for_to_its_token_alone() {
    let world = World::new();
    let ada = world.sign_up("ada@example.com");
    let token = world.invite(&ada.org, "bob@example.com");
    let peek = |token: &str| Operation::PeekInvitation { token: protocol::api::ShownOnce(token.into()) };
    for pasted in [token.clone(), format!(" {token}\r\n")] {
        let reply = world.run(&Principal::Anonymous, peek(&pasted), &Json::Null).unwrap();
        let invited: protocol::call::Invited = reply.read().unwrap();
        assert_eq!((invited.email.as_str(), invited.org_name.as_str()), ("bob@example.com", "Acme"));
        assert_eq!(invited.inviter.as_deref(), Some("Ada"));
    }
    let mut forged = token.clone();
    forged.replace_range(40..41, if token.as_bytes()[40] == b'0' { "1" } else { "0" });
    for other in ["", "ivt_", &forged, &token[1..]] {
        assert_eq!(
            world.refused(&Principal::Anonymous, peek(other), &Json::Null),
            Code::InvalidLink,
            "{other:?}"
        );
    }
}
