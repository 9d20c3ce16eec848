//! Invitations: for one person, once, in time.

use super::*;
use crate::asks::Invited;
use protocol::InvitationId;
use tokens::{LinkKind, parse_link};

/// Invites, and returns the record with the digest of the link's token.
fn invite(tenant: &Tenant, email: &str, role: &str) -> (Json, String) {
    let created = tenant.ok(Operation::CreateInvitation, &json!({ "email": email, "role": role }));
    let digest = digest(tenant, created["token"].as_str().unwrap());
    (created, digest)
}

fn digest(tenant: &Tenant, token: &str) -> String {
    let presented = parse_link(&tenant.secrets.mac, LinkKind::Invitation, token).unwrap();
    assert_eq!(presented.subject, tenant.org.body());
    presented.digest
}

fn join(tenant: &Tenant, digest: &str, user: &User) -> Result<Reply, AppError> {
    tenant.ask(&AskOrg::Join { digest: digest.to_owned(), user: user.clone() })
}

fn statuses(tenant: &Tenant) -> Vec<String> {
    let list = tenant.ok(Operation::ListInvitations(Page::default()), &Json::Null);
    list["data"].as_array().unwrap().iter().map(|i| i["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn c5_who_is_invited_joins_with_the_role_once() {
    let tenant = Tenant::new(1);
    let (created, digest) = invite(&tenant, " U9@Example.com ", "org_admin");
    assert_eq!((&created["email"], &created["status"]), (&json!("u9@example.com"), &json!("pending")));
    let token = created["token"].as_str().unwrap();
    assert_eq!(created["url"], format!("https://gate.test/join?token={token}"));

    let ask = AskOrg::PeekInvitation { digest: digest.clone() };
    let invited: Invited = serde_json::from_slice(&tenant.ask(&ask).unwrap().body).unwrap();
    assert_eq!((invited.email.as_str(), invited.org_name.as_str()), ("u9@example.com", "Acme"));
    assert_eq!(invited.role, protocol::Role::OrgAdmin);
    assert_eq!(invited.inviter, Some(user(1).name), "who invites");

    assert!(join(&tenant, &digest, &user(9)).is_ok());
    let member = tenant.sign_in(&user(9));
    assert_eq!(json_of(&tenant.call(&member, Operation::Me, &Json::Null).unwrap())["role"], "org_admin");
    assert_eq!(statuses(&tenant), ["accepted"]);
    // The same link again, from whomever: two who accept at the same moment come here one after the other.
    assert_eq!(code(join(&tenant, &digest, &user(9))), Code::InvalidLink);
    assert_eq!(code(tenant.ask(&ask)), Code::InvalidLink);
    assert_eq!(tenant.count("members"), 2);
    assert!(tenant.actions().contains(&"member.joined".to_owned()));
}

#[test]
fn c5_an_invitation_is_for_its_email_alone() {
    let tenant = Tenant::new(1);
    let (_, digest) = invite(&tenant, "u9@example.com", "member");
    assert_eq!(code(join(&tenant, &digest, &user(8))), Code::WrongEmail);
    assert_eq!(tenant.count("members"), 1);
    assert_eq!(statuses(&tenant), ["pending"], "a stranger does not use it up");
    assert!(join(&tenant, &digest, &User { email: "U9@EXAMPLE.COM".into(), ..user(9) }).is_ok());
}

#[test]
fn an_invitation_that_is_too_old_revoked_replaced_or_invented_is_the_same_to_its_holder() {
    let mut tenant = Tenant::new(1);
    let (_, replaced) = invite(&tenant, "u9@example.com", "org_admin");
    let (second, digest) = invite(&tenant, "u9@example.com", "member");
    assert_eq!(statuses(&tenant), ["pending", "revoked"]);
    let refused = |tenant: &Tenant, digest: &str| {
        let peek = tenant.ask(&AskOrg::PeekInvitation { digest: digest.to_owned() });
        assert_eq!(code(peek), Code::InvalidLink);
        code(join(tenant, digest, &user(9)))
    };
    assert_eq!(refused(&tenant, &replaced), Code::InvalidLink);
    assert_eq!(refused(&tenant, &"0".repeat(64)), Code::InvalidLink);

    let id = InvitationId::parse(second["id"].as_str().unwrap()).unwrap();
    tenant.ok(Operation::RevokeInvitation { id: id.clone() }, &Json::Null);
    assert_eq!(refused(&tenant, &digest), Code::InvalidLink);
    let again = tenant.call(&tenant.founder, Operation::RevokeInvitation { id }, &Json::Null);
    assert_eq!(code(again), Code::NotFound);

    let (_, old) = invite(&tenant, "u9@example.com", "member");
    let life = u64::from(tenant.config.sessions.invitation_days) * DAY;
    tenant.now_ms = NOW + life - 1;
    assert!(tenant.ask(&AskOrg::PeekInvitation { digest: old.clone() }).is_ok());
    tenant.now_ms = NOW + life;
    assert_eq!(refused(&tenant, &old), Code::InvalidLink);
    assert_eq!(statuses(&tenant)[0], "expired");
    assert_eq!(tenant.count("members"), 1);
}

#[test]
fn m3_an_invitations_token_is_on_no_disk() {
    let tenant = Tenant::new(1);
    let mut call = call(tenant.founder.clone(), Operation::CreateInvitation);
    call.idempotency_key = Some("once".into());
    let body = br#"{"email":"u9@example.com","role":"member"}"#;
    let created = handle(tenant.context(&call), body).unwrap();
    assert_eq!(created.body, handle(tenant.context(&call), body).unwrap().body, "kept, sealed, for a retry");
    assert_eq!(tenant.count("invitations"), 1);
    let token = json_of(&created)["token"].as_str().unwrap().to_owned();
    let secret = &token.as_bytes()[30..82];
    assert!(!tenant.sql.bytes().windows(secret.len()).any(|window| window == secret));
}

#[test]
fn who_is_a_member_is_not_invited_and_uses_an_invitation_up_without_effect() {
    let tenant = Tenant::new(1);
    tenant.add_member(&user(9));
    let again = json!({ "email": "U9@example.com", "role": "org_admin" });
    let refused = tenant.call(&tenant.founder, Operation::CreateInvitation, &again);
    assert_eq!(code(refused), Code::AlreadyMember);

    // Invited under an address that becomes a member's later: no way to raise oneself (claim N9).
    let (_, digest) = invite(&tenant, "new@example.com", "org_admin");
    let renamed = User { email: "new@example.com".into(), ..user(9) };
    assert!(join(&tenant, &digest, &renamed).is_ok());
    assert_eq!(role_of(tenant.store(), &user(9).id).unwrap(), Some(protocol::Role::Member));
    assert_eq!(statuses(&tenant), ["accepted"]);
}

#[test]
fn n2_only_an_admin_in_person_invites() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let key = tenant.key(json!(["members:read", "api_keys:write"]));
    let body = json!({ "email": "x@example.com", "role": "member" });
    for principal in [&member, &key] {
        let refused = tenant.call(principal, Operation::CreateInvitation, &body);
        assert_eq!(code(refused), Code::Forbidden);
    }
    for (field, value) in
        [("role", "super_admin"), ("role", "owner"), ("email", "nobody"), ("email", "a b@c.d")]
    {
        let mut body = body.clone();
        body[field] = value.into();
        let refused = tenant.call(&tenant.founder, Operation::CreateInvitation, &body);
        assert_eq!(code(refused), Code::ValidationFailed, "{field} {value}");
    }
    assert_eq!(tenant.count("invitations"), 0);
}

#[test]
fn n3_members_and_invitations_share_the_plans_places() {
    let mut tenant = Tenant::new(1);
    tenant.config.plans.plans.get_mut("free").unwrap().members = 3;
    let (_, first) = invite(&tenant, "u9@example.com", "member");
    invite(&tenant, "u8@example.com", "member");
    let third = json!({ "email": "u7@example.com", "role": "member" });
    let invite_third = |tenant: &Tenant| tenant.call(&tenant.founder, Operation::CreateInvitation, &third);
    assert_eq!(code(invite_third(&tenant)), Code::PlanRequired);
    invite(&tenant, "u8@example.com", "org_admin");

    // A smaller plan since: those who were invited in time come as long as there is room.
    tenant.config.plans.plans.get_mut("free").unwrap().members = 1;
    assert_eq!(code(join(&tenant, &first, &user(9))), Code::PlanRequired);
    assert_eq!(statuses(&tenant)[2], "pending", "refused whole");
    tenant.config.plans.plans.get_mut("free").unwrap().members = 2;
    assert!(join(&tenant, &first, &user(9)).is_ok());
}

#[test]
fn a_hundred_invitations_are_open_at_most() {
    let mut tenant = Tenant::new(1);
    tenant.config.plans.plans.get_mut("free").unwrap().members = 1000;
    for number in 0..100 {
        invite(&tenant, &format!("x{number}@example.com"), "member");
    }
    let one_more = json!({ "email": "y@example.com", "role": "member" });
    let refused = tenant.call(&tenant.founder, Operation::CreateInvitation, &one_more);
    assert_eq!(code(refused), Code::PlanRequired);
    tenant.now_ms += u64::from(tenant.config.sessions.invitation_days) * DAY;
    tenant.founder = tenant.sign_in(&user(1));
    assert!(tenant.call(&tenant.founder, Operation::CreateInvitation, &one_more).is_ok());
}

#[test]
fn the_mail_brings_a_link_of_its_own_while_the_invitation_is_open() {
    let tenant = Tenant::new(1);
    let (created, shown) = invite(&tenant, "u9@example.com", "member");
    let id = InvitationId::parse(created["id"].as_str().unwrap()).unwrap();
    let call = call(Principal::Anonymous, Operation::LogIn);
    let prepare = || prepare_invitation_mail(tenant.context(&call), &id, "https://gate.test").unwrap();
    use secrecy::ExposeSecret as _;
    let mailed = {
        let mail = prepare().unwrap();
        assert_eq!((mail.to.as_str(), mail.org_name.as_str()), ("u9@example.com", "Acme"));
        assert_eq!((mail.inviter, mail.role), (user(1), protocol::Role::Member));
        assert_eq!(mail.valid_for_seconds, u64::from(tenant.config.sessions.invitation_days) * 86_400);
        assert!(!format!("{:?}", mail.link).contains("ivt_"));
        let token = mail.link.expose_secret().strip_prefix("https://gate.test/join?token=").unwrap();
        digest(&tenant, token)
    };
    assert_ne!(mailed, shown);
    assert!(tenant.ask(&AskOrg::PeekInvitation { digest: shown.clone() }).is_ok());
    assert!(join(&tenant, &mailed, &user(9)).is_ok());
    assert_eq!(
        code(join(&tenant, &shown, &user(9))),
        Code::InvalidLink,
        "one invitation, however many links"
    );
    assert!(prepare().is_none());
}

#[test]
fn nobody_is_flooded_with_invitations() {
    let mut tenant = Tenant::new(1);
    tenant.config.plans.plans.get_mut("free").unwrap().members = 1000;
    let attempt = |tenant: &Tenant, email: &str| {
        let body = json!({ "email": email, "role": "member" });
        tenant.call(&tenant.founder, Operation::CreateInvitation, &body)
    };
    for _ in 0..5 {
        assert!(attempt(&tenant, "u9@example.com").is_ok());
    }
    assert_eq!(code(attempt(&tenant, "u9@example.com")), Code::RateLimited);
    assert_eq!(statuses(&tenant)[0], "pending", "refused whole: the last one still stands");
    // Taking them back makes room among the open ones, not in the day.
    for number in 5..300 {
        assert!(attempt(&tenant, &format!("x{number}@example.com")).is_ok());
        tenant.sql.exec("UPDATE invitations SET revoked_at = 1", &[]).unwrap();
    }
    assert_eq!(code(attempt(&tenant, "y@example.com")), Code::RateLimited);
    tenant.now_ms += DAY;
    tenant.founder = tenant.sign_in(&user(1));
    assert!(attempt(&tenant, "u9@example.com").is_ok());
}

/// RFC 5890: a domain is its A-labels, whichever form somebody types. What cannot be mailed to is refused where it is typed.
#[test]
fn an_invitation_is_for_an_address_that_mail_reaches() {
    let tenant = Tenant::new(1);
    let (created, digest) = invite(&tenant, "u9@B\u{fc}cher.example", "member");
    assert_eq!(created["email"], "u9@xn--bcher-kva.example");
    let typed = User { email: "U9@xn--BCHER-kva.example".into(), ..user(9) };
    assert!(join(&tenant, &digest, &typed).is_ok());
    for email in [
        "\u{e4}da@example.com",
        "ada@localhost",
        "ada@[192.0.2.1]",
        "\"ada\"@example.com",
        "ada@example..com",
    ] {
        let body = json!({ "email": email, "role": "member" });
        let refused = tenant.call(&tenant.founder, Operation::CreateInvitation, &body);
        let Err(AppError::Refused(Code::ValidationFailed, Some(detail))) = refused else { panic!("{email}") };
        assert!(detail.starts_with("email: "), "{email}: {detail}");
    }
}
