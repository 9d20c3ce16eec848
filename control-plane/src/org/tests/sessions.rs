//! Sessions: seen and ended by their owner alone, and by nobody's token.

use super::*;
use crate::asks::Again;
use protocol::SessionId;

fn list(tenant: &Tenant, principal: &Principal) -> Vec<Json> {
    let reply = tenant.call(principal, Operation::ListSessions(Page::default()), &Json::Null).unwrap();
    json_of(&reply)["data"].as_array().unwrap().clone()
}

#[test]
fn c4_a_person_sees_their_own_living_sessions() {
    let mut tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let second = tenant.sign_in(&user(1));
    let seen = list(&tenant, &second);
    assert_eq!(seen.len(), 2);
    assert_eq!((&seen[0]["current"], &seen[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&seen[0]["device"], &seen[0]["ip"]), (&json!("test"), &json!("192.0.2.1")));
    assert_eq!(list(&tenant, &member).len(), 1, "an admin's are not a member's to see");

    tenant.now_ms += u64::from(tenant.config.sessions.idle_days) * DAY;
    tenant.call(&second, Operation::Me, &Json::Null).unwrap();
    tenant.now_ms += 1;
    assert_eq!(list(&tenant, &second).len(), 1, "the other one has not been used");
}

#[test]
fn c4_nobody_ends_anothers_session_nor_learns_that_there_is_one() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let revoke = |principal: &Principal, id: SessionId| {
        let call = call(principal.clone(), Operation::RevokeSession { id });
        handle(tenant.context(&call), b"")
    };
    let answer = |id: SessionId| {
        let error = revoke(&tenant.founder, id).unwrap_err();
        Reply::problem(&error, &RequestId::new(NOW, [7; 10])).body
    };
    assert_eq!(answer(session_of(&member)), answer(SessionId::new(NOW, [0; 10])));
    assert!(tenant.call(&member, Operation::Me, &Json::Null).is_ok());

    let second = tenant.sign_in(&user(1));
    let reply = revoke(&second, session_of(&tenant.founder)).unwrap();
    assert_eq!((reply.status, reply.session), (204, None));
    assert_eq!(code(tenant.call(&tenant.founder, Operation::Me, &Json::Null)), Code::Unauthenticated);
    // One's own goes with its cookie.
    let reply = revoke(&second, session_of(&second)).unwrap();
    assert!(reply.session.is_some_and(|token| token.is_empty()));
}

#[test]
fn m4_every_other_session_ends_when_a_password_changes() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let [kept, ended] = [(); 2].map(|()| tenant.sign_in(&user(1)));
    let end = |user: &User, but: Option<&Principal>| {
        let ask = AskOrg::EndSessions {
            epoch: 1,
            user: user.id.clone(),
            but: but.map(session_of),
            reason: "password_changed".into(),
        };
        assert_eq!(tenant.ask(&ask).unwrap().status, 204);
    };
    end(&user(1), Some(&kept));
    assert!(tenant.call(&kept, Operation::Me, &Json::Null).is_ok());
    for gone in [&ended, &tenant.founder] {
        assert_eq!(code(tenant.call(gone, Operation::Me, &Json::Null)), Code::Unauthenticated);
    }
    let event = json_of(&tenant.call(&kept, Operation::ListAudit(Page::default()), &Json::Null).unwrap());
    let event = &event["data"][0];
    assert_eq!((&event["action"], &event["actor"]), (&json!("session.revoked"), &json!(user(1).id)));
    assert_eq!(event["metadata"], json!({ "count": 2, "reason": "password_changed" }));
    assert!(tenant.call(&member, Operation::Me, &Json::Null).is_ok());

    let events = tenant.count("audit");
    end(&user(1), Some(&kept));
    end(&user(5), None);
    assert_eq!(tenant.count("audit"), events, "nothing ended, nothing to record");
    end(&user(1), None);
    assert_eq!(code(tenant.call(&kept, Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn m4_a_refreshed_token_is_the_same_session() {
    let tenant = Tenant::new(1);
    let reply = tenant.call(&tenant.founder, Operation::RefreshSession, &Json::Null).unwrap();
    assert_eq!(reply.session, None, "who holds the token itself gets no cookie");
    let token = json_of(&reply)["session"]["token"].as_str().unwrap().to_owned();
    let verifier = tokens::SessionVerifier::from_jwks(&tenant.secrets.signer.jwks()).unwrap();
    let claims = verifier.verify(&token, protocol::ISSUER, NOW / 1000).unwrap().claims;
    assert_eq!(claims.sid, session_of(&tenant.founder).as_str());

    let Principal::Session { org, user, session, .. } = tenant.founder.clone() else { panic!() };
    let browser = Principal::Session { org, user, session, expired: false, cookie: true };
    let reply = tenant.call(&browser, Operation::RefreshSession, &Json::Null).unwrap();
    let kept = reply.session.clone().unwrap();
    let shown = json_of(&reply)["session"]["token"].as_str().unwrap().to_owned();
    assert_eq!(verifier.verify_cookie(&kept, protocol::ISSUER, NOW / 1000).unwrap().claims.sid, claims.sid);
    assert_eq!(verifier.verify(&shown, protocol::ISSUER, NOW / 1000).unwrap().claims.sid, claims.sid);
    assert!(verifier.verify(&kept, protocol::ISSUER, NOW / 1000).is_err(), "a cookie's is no bearer's");
    assert!(verifier.verify_cookie(&shown, protocol::ISSUER, NOW / 1000).is_err(), "nor the other way");
}

#[test]
fn c4_a_proof_counts_for_a_living_session_alone_and_keeps_its_second_factor() {
    let tenant = Tenant::new(1);
    let mark = |session: SessionId, proof| tenant.ask(&AskOrg::MarkAuthenticated { session, proof });
    let session = session_of(&tenant.founder);
    mark(session.clone(), Again::First).unwrap();
    mark(session.clone(), Again::Second).unwrap();
    mark(session.clone(), Again::FirstOfTwo).unwrap();
    let voucher = json_of(&tenant.authorize(&tenant.founder, Operation::GetAccount).unwrap());
    assert_eq!((&voucher["second_factor"], &voucher["operator"]), (&json!(true), &json!(false)));

    let member = tenant.add_member(&user(9));
    tenant.sql.exec("DELETE FROM members WHERE user_id = ?", &[user(9).id.as_str().into()]).unwrap();
    assert_eq!(code(mark(session_of(&member), Again::Second)), Code::Unauthenticated);
    tenant.call(&tenant.founder, Operation::LogOut, &Json::Null).unwrap();
    assert_eq!(code(mark(session, Again::Second)), Code::Unauthenticated);
}

/// A session from before the second factor proves itself by nothing less.
#[test]
fn c4_a_first_factor_alone_renews_no_session_that_has_not_shown_the_second() {
    let mut tenant = Tenant::new(1);
    tenant.now_ms += DAY;
    let session = session_of(&tenant.founder);
    let proof = AskOrg::MarkAuthenticated { session, proof: Again::FirstOfTwo };
    let refused = tenant.ask(&proof).map(|_| ()).unwrap_err();
    assert_eq!(refused.public().0, Code::ReauthenticationRequired);
    assert!(refused.public().1.unwrap().contains("authenticator app"));
    let sensitive = tenant.authorize(&tenant.founder, Operation::CreateApiKey);
    assert_eq!(code(sensitive), Code::ReauthenticationRequired, "it counts for nothing");
}

#[test]
fn c4_me_says_until_when_a_proof_counts() {
    let tenant = Tenant::new(1);
    let until = NOW + u64::from(tenant.config.sessions.reauthentication_minutes) * 60_000;
    let me = tenant.ok(Operation::Me, &Json::Null);
    assert_eq!(me["authenticated_until"], protocol::time::rfc3339(until));
    let key = tenant.key(json!(["audit:read"]));
    let me = json_of(&tenant.call(&key, Operation::Me, &Json::Null).unwrap());
    assert!(me["authenticated_until"].is_null() && me["role"].is_null());
}
