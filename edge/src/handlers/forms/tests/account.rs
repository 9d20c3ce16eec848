//! The forms of the members' and the account's pages.

use super::*;
use protocol::api::{
    AcceptInvitation, ChangeEmail, ChangePassword, ConfirmSecondFactor, NewInvitation, NewOrg, RotateApiKey,
    SwitchOrg, UpdateMember,
};
use protocol::call::{OidcPurpose, OidcStart};
use protocol::{InvitationId, SessionId, UserId};

/// Each form of the members' and the account's pages: its operation, its JSON, where it leads.
#[test]
fn forms_of_members_and_account_become_the_json_of_the_api() {
    use Operation as O;
    let person = || UserId::parse(&id("usr_")).unwrap();
    let oidc = |purpose| O::StartOidc(OidcStart { provider: "idp".into(), purpose });
    let (usr, inv, ses) = (id("usr_"), id("inv_"), id("ses_"));
    let cases: Vec<(&str, String, O, Value, Reads, &str)> = vec![
        (
            "/join",
            String::new(),
            O::AcceptInvitation,
            json!({ "token": "inv_token_1" }),
            read::<AcceptInvitation>,
            "/?done=joined",
        ),
        (
            "/members",
            format!("action=role&id={usr}&role=org_admin"),
            O::UpdateMember { id: person() },
            json!({ "role": "org_admin" }),
            read::<UpdateMember>,
            "/members?done=role-changed",
        ),
        (
            "/members",
            format!("action=remove&id={usr}"),
            O::RemoveMember { id: person() },
            Value::Null,
            read::<()>,
            "/members?done=member-removed",
        ),
        (
            "/members",
            "action=invite&email=+a%40b+&role=member".into(),
            O::CreateInvitation,
            json!({ "email": "a@b", "role": "member" }),
            read::<NewInvitation>,
            "",
        ),
        (
            "/members",
            format!("action=revoke&id={inv}"),
            O::RevokeInvitation { id: InvitationId::parse(&inv).unwrap() },
            Value::Null,
            read::<()>,
            "/members?done=invitation-revoked",
        ),
        ("/members", "action=leave".into(), O::LeaveOrg, Value::Null, read::<()>, "/?done=left"),
        (
            "/account",
            "action=resend_verification".into(),
            O::ResendVerification,
            Value::Null,
            read::<()>,
            "/account?done=verification-sent",
        ),
        (
            "/account",
            "action=change_email&email=a%40b".into(),
            O::ChangeEmail,
            json!({ "email": "a@b" }),
            read::<ChangeEmail>,
            "/account?done=email-asked",
        ),
        (
            "/account/password",
            "current_password=a+&new_password=+b".into(),
            O::ChangePassword,
            json!({ "current_password": "a ", "new_password": " b" }),
            read::<ChangePassword>,
            "/account?done=password-changed",
        ),
        ("/account", "action=start_second_factor".into(), O::StartSecondFactor, Value::Null, read::<()>, ""),
        (
            "/account",
            "action=confirm_second_factor&code=123+456".into(),
            O::ConfirmSecondFactor,
            json!({ "code": "123 456" }),
            read::<ConfirmSecondFactor>,
            "",
        ),
        ("/account", "action=new_recovery_codes".into(), O::NewRecoveryCodes, Value::Null, read::<()>, ""),
        (
            "/account",
            "action=remove_second_factor".into(),
            O::RemoveSecondFactor,
            Value::Null,
            read::<()>,
            "/account?done=second-factor-off",
        ),
        ("/account", "action=link&provider=idp".into(), oidc(OidcPurpose::Link), Value::Null, read::<()>, ""),
        (
            "/account",
            "action=unlink&provider=idp".into(),
            O::UnlinkIdentity { provider: "idp".into() },
            Value::Null,
            read::<()>,
            "/account?done=unlinked",
        ),
        (
            "/account",
            format!("action=end_session&id={ses}"),
            O::RevokeSession { id: SessionId::parse(&ses).unwrap() },
            Value::Null,
            read::<()>,
            "/account?done=session-ended",
        ),
        (
            "/account",
            "action=end_other_sessions".into(),
            O::RevokeOtherSessions,
            Value::Null,
            read::<()>,
            "/account?done=sessions-ended",
        ),
        (
            "/account",
            format!("action=switch&org_id={ORG}"),
            O::SwitchOrg,
            json!({ "org_id": ORG }),
            read::<SwitchOrg>,
            "/",
        ),
        (
            "/account",
            "action=create_org&name=N&region=eu".into(),
            O::CreateOrg,
            json!({ "name": "N", "region": "eu" }),
            read::<NewOrg>,
            "/",
        ),
        (
            "/confirm",
            "action=provider&provider=idp".into(),
            oidc(OidcPurpose::Reauthenticate),
            Value::Null,
            read::<()>,
            "",
        ),
        (
            "/keys",
            format!("action=rotate&id={}&grace_seconds=3600", id("key_")),
            O::RotateApiKey { id: ApiKeyId::parse(&id("key_")).unwrap() },
            json!({ "grace_seconds": 3600 }),
            read::<RotateApiKey>,
            "",
        ),
    ];
    for (path, body, operation, expected, reads, location) in cases {
        let plane = hostile();
        let answer = post(path, &format!("csrf_token={}&{body}", csrf_token()), &plane).unwrap();
        assert!(reads(&expected), "{path} {body}: no JSON of the API");
        assert_eq!(sent(&plane), (operation, expected), "{path} {body}");
        assert_eq!(plane.calls.borrow().len(), 1, "{path} {body}");
        if location.is_empty() {
            assert_eq!((answer.status, answer.header("location")), (200, None), "{path} {body}");
        } else {
            assert_eq!((answer.status, answer.header("location")), (303, Some(location)), "{path} {body}");
        }
    }
}

/// C4: whatever the change, one that needs a fresh proof asks for it, tells the way back and repeats nothing typed.
#[test]
fn c4_a_sensitive_change_asks_for_a_proof_and_leads_back() {
    let csrf = csrf_token();
    for (path, body, back) in [
        ("/keys", "action=create&name=typed-before".to_owned(), "/keys"),
        ("/members", format!("action=remove&id={}", id("usr_")), "/members"),
        ("/members", "action=invite&email=typed-before&role=member".to_owned(), "/members"),
        ("/account", "action=start_second_factor".to_owned(), "/account"),
        ("/account", "action=link&provider=idp".to_owned(), "/account"),
        ("/account", "action=confirm_second_factor&code=123456".to_owned(), "/account"),
        (
            "/connectors",
            "action=set_client&connector=gmail&client_id=typed-before&client_secret=123456".to_owned(),
            "/connectors/gmail",
        ),
        (
            "/connections",
            "action=create&connector=http&name=typed-before&base_url=https%3A%2F%2Fa.example&auth=bearer&token=123456"
                .to_owned(),
            "/connections",
        ),
        (
            "/connections",
            format!("action=authorize&id={}", id("con_")),
            &format!("/connections/{}", id("con_")),
        ),
        ("/sources", "action=create&provider=github&name=typed-before&secret=123456".to_owned(), "/sources"),
        (
            "/sources",
            format!("action=rotate&id={}&secret=123456", id("src_")),
            &format!("/sources/{}", id("src_")),
        ),
        ("/endpoints", "action=create&url=https%3A%2F%2Ftyped-before.example".to_owned(), "/endpoints"),
        (
            "/endpoints",
            format!("action=rotate&id={}", id("end_")),
            &format!("/endpoints/{}", id("end_")),
        ),
        ("/portal-links", "action=create&customer_id=typed-before".to_owned(), "/portal-links"),
        ("/workspace", "action=delete&name=typed-before".to_owned(), "/workspace"),
        ("/workspace", "action=rotate".to_owned(), "/workspace"),
        ("/admin/keys", "action=rotate&version=3".to_owned(), "/admin/keys"),
    ] {
        let plane = refusing(Code::ReauthenticationRequired, Operation::is_sensitive);
        let answer = post(path, &format!("csrf_token={csrf}&{body}"), &plane).unwrap();
        assert_eq!(answer.status, 403, "{path} {body}");
        assert!(answer.body.contains(&format!("<input type=\"hidden\" name=\"back\" value=\"{back}\">")));
        for way in ["name=\"password\"", "name=\"code\"", "value=\"provider\""] {
            assert!(answer.body.contains(way), "{path} {body}: {way}");
        }
        assert!(!answer.body.contains("typed-before") && !answer.body.contains("123456"));

        let plane = done();
        let answer =
            post("/confirm", &format!("csrf_token={csrf}&password=+p&code=&back={back}"), &plane).unwrap();
        assert_eq!(sent(&plane), (Operation::Reauthenticate, json!({ "password": " p" })));
        assert_eq!(answer.header("location"), Some(format!("{back}?done=confirmed").as_str()));
    }
    let plane = done();
    post("/confirm", &format!("csrf_token={csrf}&password=filled-in&code=123456"), &plane).unwrap();
    assert_eq!(sent(&plane).1, json!({ "code": "123456" }));
}

/// A confirmation leads to a page of ours, whatever the form says.
#[test]
fn no_confirmation_leads_to_another_origin() {
    for back in [
        "https%3A%2F%2Fevil.test",
        "%2F%2Fevil.test",
        "%2F%5Cevil.test",
        "%2Faccount%2F..%2F%2Fevil.test",
        "javascript%3Aalert",
        "%2Fmembers%0D%0Aset-cookie%3Ax%3Dy",
        "%2Fsign-out",
        "",
        "%2Fmembers%3Fx",
        "%2Fconnectors%2F",
        "%2Fconnectors%2F%2Fevil.test",
        "%2Fconnectors%2Fgmail%3Fx",
        "%2Fconnectors%2F..%2Fsign-out",
        "%2Fendpoints%2F",
        "%2Fendpoints%2F%2Fevil.test",
        "%2Fendpoints%2Fcon_00000000000000000000000000",
        "%2Fsources%2F..%2Fsign-out",
    ] {
        let answer =
            post("/confirm", &format!("csrf_token={}&password=p&back={back}", csrf_token()), &done())
                .unwrap();
        assert_eq!(answer.header("location"), Some("/?done=confirmed"), "{back}");
    }
}

/// A change that wants the second factor itself says so.
#[test]
fn the_proof_that_is_wanted_is_named() {
    let plane = FakePlane::new(|call, _| {
        if call.operation != Operation::RemoveSecondFactor {
            return reply(200, answer(&call.operation));
        }
        let id = protocol::RequestId::new(0, [0; 10]);
        let detail = Some("confirm with a code first".into());
        reply(403, protocol::Problem::with_detail(Code::ReauthenticationRequired, detail, id))
    });
    let body = format!("csrf_token={}&action=remove_second_factor", csrf_token());
    assert!(
        post("/account", &body, &plane).unwrap().body.contains("For this one: confirm with a code first.")
    );
}

/// The account wants the second factor of this session: the page says so and keeps its way back.
#[test]
fn a_confirmation_that_is_not_enough_leads_to_the_same_page_again() {
    let plane = refusing(Code::ReauthenticationRequired, |operation| *operation == Operation::Reauthenticate);
    let body = format!("csrf_token={}&password=hunter2hunter2&back=/keys", csrf_token());
    let answer = post("/confirm", &body, &plane).unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("value=\"/keys\"") && answer.body.contains("name=\"code\""));
    assert!(!answer.body.contains("hunter2") && !answer.body.contains("Nothing was changed yet"));
}

#[test]
fn a_wrong_confirmation_can_be_repeated() {
    let plane = refusing(Code::InvalidCredentials, |operation| *operation == Operation::Reauthenticate);
    let body = format!("csrf_token={}&password=hunter2hunter2&back=/keys", csrf_token());
    let answer = post("/confirm", &body, &plane).unwrap();
    assert_eq!(answer.status, 401);
    assert!(
        answer.body.contains(Code::InvalidCredentials.title()) && answer.body.contains("value=\"/keys\"")
    );
    assert!(!answer.body.contains("hunter2"));
}

/// N7: what is shown once is shown by the answer to its form, which no cache keeps and no reload repeats unasked.
#[test]
fn n7_invitations_and_recovery_codes_are_shown_once() {
    let plane = FakePlane::new(|_, _| {
        reply(
            201,
            json!({
                "url": "https://gate.test/join?token=inv_x", "token": "inv_x", "id": id("inv_"), "email": "a@b", "role": "member",
                "status": "pending", "invited_by": USER, "created_at": "2026-11-22T00:00:00.000Z",
                "expires_at": "2026-11-29T00:00:00.000Z", "mail": "off",
            }),
        )
    });
    let csrf = csrf_token();
    let answer =
        post("/members", &format!("csrf_token={csrf}&action=invite&email=a%40b&role=member"), &plane)
            .unwrap();
    assert!(
        answer.body.contains("https://gate.test/join?token=inv_x") && answer.body.contains("sends no mail")
    );
    let plane = FakePlane::new(|_, _| reply(200, json!({ "recovery_codes": ["aaaa-bbbb-cccc-dddd"] })));
    let answer =
        post("/account", &format!("csrf_token={csrf}&action=confirm_second_factor&code=1"), &plane).unwrap();
    assert!(answer.body.contains("aaaa-bbbb-cccc-dddd"));
    let plane = FakePlane::new(|_, _| {
        reply(200, json!({ "secret": "JBSWY3DP", "otpauth_uri": "otpauth://totp/x?secret=JBSWY3DP" }))
    });
    let answer = post("/account", &format!("csrf_token={csrf}&action=start_second_factor"), &plane).unwrap();
    assert!(answer.body.contains("JBSWY3DP") && answer.body.contains("<svg class=\"qr\""));
    assert!(answer.body.contains("href=\"otpauth://totp/x?secret=JBSWY3DP\""));
}

/// The form of a wrong first code stands alone: the secret is not asked for again.
#[test]
fn a_wrong_first_code_can_be_repeated() {
    let plane = refusing(Code::InvalidCode, |operation| *operation == Operation::ConfirmSecondFactor);
    let body = format!("csrf_token={}&action=confirm_second_factor&code=000000", csrf_token());
    let answer = post("/account", &body, &plane).unwrap();
    assert!(answer.status == 401 && answer.body.contains("value=\"confirm_second_factor\""));
    assert!(!answer.body.contains("<svg") && !answer.body.contains("000000"));
}
