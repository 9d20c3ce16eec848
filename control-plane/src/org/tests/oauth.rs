//! OAuth connections, against whoever comes between: the person's browser, another session, the provider, a crash.

use super::outside::{Outside, member, url_decoded};
use super::*;
use futures_util::FutureExt as _;
use futures_util::future::join;
use protocol::api::ShownOnce;
use std::rc::Rc;

const CLIENT: &str = "operator-client.example";

/// A tenant whose installation has a client at every provider.
fn tenant() -> Tenant {
    let mut tenant = Tenant::new(1);
    for summary in connectors::catalogue::all() {
        let client = config::Connector { client_id: Some(CLIENT.into()), stand_in: None };
        tenant.config.connectors.insert(summary.id.into(), client);
        tenant.secrets.connector_clients.insert(summary.id.into(), secret("operator").into());
    }
    tenant
}

fn new(connector: &str, parameters: Json) -> Json {
    json!({ "connector": connector, "name": "c", "auth": { "type": "oauth2" }, "parameters": parameters,
            "return_to": "/connections?new=1" })
}

/// A connection that waits, with the query of its authorize URL.
fn pending(tenant: &Tenant, connector: &str, parameters: Json) -> (ConnectionId, Vec<(String, String)>) {
    let created = tenant.ok(Operation::CreateConnection, &new(connector, parameters));
    assert_eq!(created["status"], "pending");
    let url = created["authorize_url"].as_str().unwrap();
    (id_of(&created), url_decoded(url.split_once('?').unwrap().1))
}

fn id_of(connection: &Json) -> ConnectionId {
    ConnectionId::parse(connection["id"].as_str().unwrap()).unwrap()
}

fn callback(state: &str) -> Operation {
    query(&format!("state={state}&code={}", secret("code")))
}

fn query(query: &str) -> Operation {
    Operation::FinishAuthorization { query: ShownOnce(query.into()) }
}

fn tokens(name: &str, scope: &str) -> Json {
    json!({ "access_token": secret(&format!("{name}-access")), "refresh_token": secret(&format!("{name}-refresh")),
            "token_type": "Bearer", "expires_in": 3600, "scope": scope })
}

const GMAIL: &str = "https://www.googleapis.com/auth/gmail.readonly";

fn finish(tenant: &Tenant, outside: &Outside, operation: Operation) -> Result<Json, AppError> {
    tenant.call_outside(&tenant.founder, operation, &Json::Null, outside).map(|reply| json_of(&reply))
}

fn get(tenant: &Tenant, id: &ConnectionId) -> Json {
    tenant.ok(Operation::GetConnection { id: id.clone() }, &Json::Null)
}

fn refusal(result: Result<Json, AppError>) -> String {
    let error = result.unwrap_err();
    let (code, detail) = error.public();
    assert_eq!(code, Code::AuthorizationRefused, "{error}");
    detail.unwrap().to_string()
}

fn column(tenant: &Tenant, id: &ConnectionId, column: &str) -> Value {
    let select = format!("SELECT {column} FROM connections WHERE id = ?");
    tenant.sql.exec(&select, &[id.as_str().into()]).unwrap()[0].0[0].clone()
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// None of the secrets of these names is in the database or in the audit trail.
fn assert_nowhere(tenant: &Tenant, names: &[&str]) {
    let bytes = tenant.sql.bytes();
    let trail = tenant.ok(Operation::ListAudit(Page::default()), &Json::Null).to_string();
    for name in names {
        assert!(!holds(&bytes, &secret(name)) && !trail.contains(&secret(name)), "{name}");
    }
}

#[test]
fn t1_the_scopes_that_are_asked_for_are_the_catalogues_to_the_letter() {
    let tenant = tenant();
    for (connector, parameters, url, scope) in [
        ("gmail", json!({}), "https://accounts.google.com/o/oauth2/v2/auth", GMAIL),
        ("linear", json!({}), "https://linear.app/oauth/authorize", "read"),
        (
            "jira",
            json!({}),
            "https://auth.atlassian.com/authorize",
            "read:jira-work read:jira-user write:jira-work offline_access",
        ),
        (
            "salesforce",
            json!({ "instance": "acme.my.salesforce.com" }),
            "https://acme.my.salesforce.com/services/oauth2/authorize",
            "api refresh_token",
        ),
    ] {
        let created = tenant.ok(Operation::CreateConnection, &new(connector, parameters));
        let (endpoint, query) = created["authorize_url"].as_str().unwrap().split_once('?').unwrap();
        let query = url_decoded(query);
        assert_eq!((endpoint, member(&query, "scope").as_str()), (url, scope));
        assert_eq!(member(&query, "redirect_uri"), "https://gate.test/connections/callback");
        assert_eq!(member(&query, "client_id"), CLIENT);
        assert_eq!(member(&query, "code_challenge_method"), "S256");
        assert_eq!(query.iter().filter(|(name, _)| name == "scope").count(), 1);
    }
}

#[test]
fn f6_what_is_granted_is_sealed_and_the_person_goes_on() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    let authorized = finish(&tenant, &outside, callback(&member(&asked, "state"))).unwrap();
    assert_eq!(authorized["return_to"], "/connections?new=1");
    assert_eq!(authorized["connection"]["status"], "active");
    assert_eq!(authorized["connection"]["scopes"], json!([GMAIL]));
    assert_eq!(authorized["connection"]["allowed_hosts"], json!(["gmail.googleapis.com"]));
    assert!(authorized["connection"]["authorize_url"].is_null());

    let (url, form) = outside.asked().remove(0);
    assert_eq!(url, "https://oauth2.googleapis.com/token");
    assert_eq!(member(&form, "code"), secret("code"));
    assert_eq!(member(&form, "client_secret"), secret("operator"));
    assert_eq!(member(&form, "redirect_uri"), "https://gate.test/connections/callback");
    // RFC 7636: the verifier is the challenge's.
    use base64::Engine as _;
    use sha2::Digest as _;
    let challenge = sha2::Sha256::digest(member(&form, "code_verifier"));
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(challenge);
    assert_eq!(challenge, member(&asked, "code_challenge"));

    let event = tenant.last_event();
    assert_eq!(
        (&event["action"], &event["metadata"]["scopes"]),
        (&json!("connection.authorized"), &json!([GMAIL]))
    );
    assert_eq!(column(&tenant, &id, "client_id"), CLIENT.into());
    assert_eq!(tenant.count("authorizations"), 0);
    let verifier = member(&form, "code_verifier");
    assert!(!holds(&tenant.sql.bytes(), &verifier) && !holds(&tenant.sql.bytes(), &member(&asked, "state")));
    assert_nowhere(&tenant, &["one-access", "one-refresh", "code", "operator"]);
    assert!(tenant.verify_audit().ok);
}

#[test]
fn c9_no_access_token_is_stored_by_any_connector_that_refreshes() {
    for summary in connectors::catalogue::all() {
        let connector = connectors::catalogue::get(summary.id).unwrap();
        let Some(oauth) = &connector.oauth else { continue };
        let parameters: serde_json::Map<_, _> = connector
            .parameters
            .iter()
            .map(|(name, parameter)| {
                let host = parameter.suffixes.first().map(|suffix| format!("acme{suffix}"));
                (name.clone(), json!(host.unwrap_or_else(|| "acme".into())))
            })
            .collect();
        let tenant = tenant();
        let (id, asked) = pending(&tenant, summary.id, json!(parameters));
        let granted: Vec<_> = oauth.scopes.iter().map(|scope| scope.scope.as_str()).collect();
        let mut answer = tokens("any", &granted.join(&oauth.scope_separator));
        let refreshes = oauth.refresh.kind != connectors::catalogue::RefreshKind::None;
        if !refreshes {
            answer.as_object_mut().unwrap().remove("refresh_token");
        }
        let outside = Outside::answering([(200, answer)]);
        finish(&tenant, &outside, callback(&member(&asked, "state"))).unwrap_or_else(|error| {
            panic!("{}: {error} {:?}", summary.id, error.public());
        });
        assert_eq!(get(&tenant, &id)["status"], "active", "{}", summary.id);
        assert_nowhere(&tenant, &["any-access", "any-refresh", "operator"]);
        let stored = tenant.opened(&id);
        assert_eq!(stored.access_token().is_none(), refreshes, "{}", summary.id);
        assert_eq!(stored.refresh_token().is_some(), refreshes, "{}", summary.id);
    }
}

#[test]
fn f6_a_state_is_good_once() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let state = member(&asked, "state");
    let outside = Outside::answering([(200, tokens("one", GMAIL)), (200, tokens("two", GMAIL))]);
    finish(&tenant, &outside, callback(&state)).unwrap();
    let before = column(&tenant, &id, "sealed");
    refusal(finish(&tenant, &outside, callback(&state)));
    assert_eq!(outside.sent.borrow().len(), 1);
    assert_eq!(column(&tenant, &id, "sealed"), before);
}

#[test]
fn f6_of_two_callbacks_at_once_one_wins() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let outside = Outside::answering([(200, tokens("one", GMAIL)), (200, tokens("two", GMAIL))]);
    let calls = [(); 2].map(|()| call(tenant.founder.clone(), callback(&member(&asked, "state"))));
    let [one, two] = calls.each_ref().map(|call| handle_remote(tenant.context(call), &outside, b""));
    let (one, two) = block_on(join(one, two));
    assert!(one.is_ok() && code(two) == Code::AuthorizationRefused);
    assert_eq!(outside.sent.borrow().len(), 1);
    assert_eq!(get(&tenant, &id)["status"], "active");
}

#[test]
fn f6_another_session_finds_nothing_and_spoils_nothing() {
    let tenant = tenant();
    let (_, asked) = pending(&tenant, "gmail", json!({}));
    let state = member(&asked, "state");
    let admin = tenant.add_admin(&user(9));
    let other = tenant.sign_in(&user(1));
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    for session in [&admin, &other] {
        let refused = tenant.call_outside(session, callback(&state), &Json::Null, &outside);
        let unknown = tenant.call_outside(session, callback(&"A".repeat(43)), &Json::Null, &outside);
        let (refused, unknown) = (refused.unwrap_err(), unknown.unwrap_err());
        assert_eq!(refused.public(), unknown.public(), "the same as of a state that nobody has");
    }
    // Nor does the provider's refusal, in another's hands.
    let denied = query(&format!("state={state}&error=access_denied"));
    assert!(tenant.call_outside(&admin, denied, &Json::Null, &outside).is_err());
    assert!(outside.sent.borrow().is_empty());
    assert!(finish(&tenant, &outside, callback(&state)).is_ok());
}

#[test]
fn f6_a_state_is_of_one_org() {
    let (ours, theirs) = (tenant(), Tenant::new(2));
    let (_, asked) = pending(&ours, "gmail", json!({}));
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    let operation = || callback(&member(&asked, "state"));
    refusal(finish(&theirs, &outside, operation()));
    let stranger = ours.call_outside(&theirs.founder, operation(), &Json::Null, &outside);
    assert_eq!(code(stranger), Code::Unauthenticated);
    assert!(outside.sent.borrow().is_empty());
}

#[test]
fn f6_what_is_tampered_with_incomplete_or_too_late_reaches_no_provider() {
    let mut tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let state = member(&asked, "state");
    let flipped = format!("{}{}", if state.starts_with('A') { 'B' } else { 'A' }, &state[1..]);
    let digest =
        tenant.sql.exec("SELECT digest FROM authorizations", &[]).unwrap()[0].text(0).unwrap().to_owned();
    let outside = Outside::default();
    for attempt in [
        "code=abc".to_owned(),
        String::new(),
        format!("state={state}"),
        format!("state={flipped}&code=abc"),
        format!("state={digest}&code=abc"),
        format!("state={state}&state={state}&code=abc"),
        format!("state={state}&code=abc&code=def"),
        format!("state={state}&code=abc&error=access_denied"),
        format!("state={state}%00&code=abc"),
        format!("state={state}&code={}", "a".repeat(8192)),
    ] {
        refusal(finish(&tenant, &outside, query(&attempt)));
    }
    assert_eq!(tenant.count("authorizations"), 1, "none of them uses it up");
    tenant.now_ms = NOW + 600_001;
    refusal(finish(&tenant, &outside, callback(&state)));
    assert!(outside.sent.borrow().is_empty());
    assert_eq!(get(&tenant, &id)["status"], "pending");
}

#[test]
fn an_authorization_can_be_ended_to_the_millisecond() {
    let mut tenant = tenant();
    let (_, asked) = pending(&tenant, "gmail", json!({}));
    tenant.now_ms = NOW + 600_000;
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    assert!(finish(&tenant, &outside, callback(&member(&asked, "state"))).is_ok());
}

/// RFC 9700, section 4.4.
#[test]
fn an_answer_in_another_issuers_name_is_not_redeemed_and_is_the_end() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let state = member(&asked, "state");
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    let mixed = |iss: &str| query(&format!("state={state}&code=abc&iss={iss}"));
    let text = refusal(finish(&tenant, &outside, mixed("https%3A%2F%2Fevil.example")));
    assert!(text.starts_with("issuer_mismatch"), "{text}");
    assert_eq!(tenant.last_event()["metadata"]["reason"], "issuer_mismatch");
    refusal(finish(&tenant, &outside, mixed("https%3A%2F%2Faccounts.google.com")));
    assert!(outside.sent.borrow().is_empty());
    assert_eq!(get(&tenant, &id)["status"], "pending");

    let begun = tenant.ok(Operation::AuthorizeConnection { id }, &json!({}));
    let url = begun["authorize_url"].as_str().unwrap();
    let state = member(&url_decoded(url.split_once('?').unwrap().1), "state");
    let right = format!("state={state}&code=abc&iss=https%3A%2F%2Faccounts.google.com");
    assert!(finish(&tenant, &outside, query(&right)).is_ok());
}

#[test]
fn the_redirect_uri_of_the_exchange_is_the_one_that_was_asked_with() {
    let tenant = tenant();
    let (_, asked) = pending(&tenant, "gmail", json!({}));
    let mut call = call(tenant.founder.clone(), callback(&member(&asked, "state")));
    call.client.origin = "https://other.test".into();
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    block_on(handle_remote(tenant.context(&call), &outside, b"")).unwrap();
    assert_eq!(member(&outside.asked()[0].1, "redirect_uri"), "https://gate.test/connections/callback");
}

#[test]
fn t1_more_than_was_asked_for_is_given_back() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let widened = format!("{GMAIL} https://mail.google.com/");
    let outside = Outside::answering([(200, tokens("wide", &widened)), (200, json!({}))]);
    let text = refusal(finish(&tenant, &outside, callback(&member(&asked, "state"))));
    assert!(text.starts_with("scopes_widened"), "{text}");
    let (url, form) = outside.asked().remove(1);
    assert_eq!(url, "https://oauth2.googleapis.com/revoke");
    assert_eq!(member(&form, "token"), secret("wide-refresh"));
    let event = tenant.last_event();
    assert_eq!(event["action"], "connection.authorization_refused");
    assert_eq!(
        event["metadata"],
        json!({ "reason": "scopes_widened", "revocation": "revoked", "excess": ["https://mail.google.com/"] })
    );
    assert_eq!(get(&tenant, &id)["status"], "pending");
    assert_nowhere(&tenant, &["wide-access", "wide-refresh"]);
}

#[test]
fn t1_less_than_was_asked_for_is_said() {
    let tenant = tenant();
    let (_, asked) = pending(&tenant, "jira", json!({}));
    let outside = Outside::answering([(200, tokens("less", "read:jira-work offline_access"))]);
    let authorized = finish(&tenant, &outside, callback(&member(&asked, "state"))).unwrap();
    assert_eq!(authorized["connection"]["status"], "active");
    assert_eq!(authorized["connection"]["missing_scopes"], json!(["read:jira-user", "write:jira-work"]));
    assert_eq!(tenant.last_event()["metadata"]["missing_scopes"], authorized["connection"]["missing_scopes"]);
}

#[test]
fn without_a_refresh_token_nothing_is_kept() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let mut answer = tokens("short", GMAIL);
    answer.as_object_mut().unwrap().remove("refresh_token");
    let outside = Outside::answering([(200, answer), (200, json!({}))]);
    let text = refusal(finish(&tenant, &outside, callback(&member(&asked, "state"))));
    assert!(text.starts_with("no_refresh_token"), "{text}");
    assert_eq!(member(&outside.asked()[1].1, "token"), secret("short-access"));
    assert_eq!(get(&tenant, &id)["status"], "pending");
}

#[test]
fn what_a_provider_refuses_is_told_by_its_code_alone() {
    let tenant = tenant();
    let description = secret("described");
    for (callback_query, answers, reason) in [
        (Some(format!("error=access_denied&error_description={description}")), vec![], "access_denied"),
        (Some("error=%3Cscript%3E".into()), vec![], "refused"),
        (
            None,
            vec![(400, json!({ "error": "invalid_grant", "error_description": description }))],
            "invalid_grant",
        ),
        (None, vec![(401, json!({ "error": "invalid_client" }))], "invalid_client"),
        (None, vec![(400, json!({ "error": description }))], "refused"),
        (None, vec![(503, json!({}))], "temporarily_unavailable"),
        (None, vec![(200, json!([description]))], "unreadable"),
        (None, vec![(302, json!({}))], "unreadable"),
        (None, vec![], "no_answer"),
    ] {
        let (id, asked) = pending(&tenant, "gmail", json!({}));
        let state = member(&asked, "state");
        let operation =
            callback_query.map_or_else(|| callback(&state), |rest| query(&format!("state={state}&{rest}")));
        let outside = Outside::answering(answers);
        let text = refusal(finish(&tenant, &outside, operation.clone()));
        assert!(text.starts_with(&format!("{reason}: ")) && !text.contains("planted"), "{text}");
        let event = tenant.last_event();
        assert_eq!(event["action"], "connection.authorization_refused");
        assert_eq!((&event["metadata"]["reason"], &event["target"]), (&json!(reason), &json!(id)));
        // It was the only attempt.
        refusal(finish(&tenant, &outside, operation));
        assert_eq!(get(&tenant, &id)["status"], "pending");
        tenant.ok(Operation::DeleteConnection { id }, &Json::Null);
    }
    assert_nowhere(&tenant, &["described", "code"]);
}

#[test]
fn n2_only_an_administrators_own_session_grants_access() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let member_of_org = tenant.add_member(&user(9));
    let key = tenant.key(json!(["connections:write", "connections:read"]));
    let authorize = || Operation::AuthorizeConnection { id: id.clone() };
    for principal in [&member_of_org, &key] {
        let finish = callback(&member(&asked, "state"));
        for (operation, body) in [
            (authorize(), json!({})),
            (finish, Json::Null),
            (Operation::CreateConnection, new("gmail", json!({}))),
        ] {
            let refused = tenant.call(principal, operation, &body);
            assert_eq!(code(refused), Code::Forbidden);
        }
    }
    let error = tenant.call(&key, Operation::CreateConnection, &new("gmail", json!({}))).unwrap_err();
    assert!(error.public().1.unwrap().contains("signed-in user"));
    assert_eq!(tenant.count("connections"), 1);
}

/// The object stops while the provider's answer is on its way: the code is spent, and everything else is as it was.
#[test]
fn c8_a_crash_before_the_answer_leaves_the_connection_as_it_was() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let before = (column(&tenant, &id, "sealed"), get(&tenant, &id));
    let silent = Outside { is_silent: true, ..Outside::default() };
    let cut = call(tenant.founder.clone(), callback(&member(&asked, "state")));
    assert!(handle_remote(tenant.context(&cut), &silent, b"").now_or_never().is_none());
    assert_eq!(silent.sent.borrow().len(), 1);
    assert_eq!((column(&tenant, &id, "sealed"), get(&tenant, &id)), before);
    assert_eq!(tenant.last_event()["action"], "connection.authorization_redeemed");

    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    refusal(finish(&tenant, &outside, callback(&member(&asked, "state"))));
    let begun = tenant.ok(Operation::AuthorizeConnection { id: id.clone() }, &json!({}));
    let url = begun["authorize_url"].as_str().unwrap();
    let state = member(&url_decoded(url.split_once('?').unwrap().1), "state");
    finish(&tenant, &outside, callback(&state)).unwrap();
    assert_eq!(get(&tenant, &id)["status"], "active");
    assert!(tenant.verify_audit().ok);
}

/// The same while tokens that are not taken are given back.
#[test]
fn a_crash_while_giving_back_stores_nothing() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let outside = Outside::answering([(200, tokens("wide", &format!("{GMAIL} more")))]);
    let cut = call(tenant.founder.clone(), callback(&member(&asked, "state")));
    let mut running = Box::pin(handle_remote(tenant.context(&cut), &outside, b""));
    while outside.sent.borrow().len() < 2 {
        assert!(running.as_mut().now_or_never().is_none());
    }
    drop(running);
    assert_eq!(get(&tenant, &id)["status"], "pending");
    assert_nowhere(&tenant, &["wide-access", "wide-refresh"]);
}

#[test]
fn what_changed_while_the_provider_answered_decides() {
    type Change = fn(&Tenant, &ConnectionId);
    let changes: [(Change, Code, &str); 4] = [
        (
            |tenant, id| {
                // The executor of this test is at work already.
                let delete = call(tenant.founder.clone(), Operation::DeleteConnection { id: id.clone() });
                let deleted = handle_remote(tenant.context(&delete), &Nobody, b"").now_or_never();
                assert!(deleted.unwrap().is_ok());
            },
            Code::AuthorizationRefused,
            "disconnected",
        ),
        (|tenant, _| drop(tenant.ok(Operation::LogOut, &Json::Null)), Code::Unauthenticated, "not_permitted"),
        (
            |tenant, _| drop(tenant.sql.exec("UPDATE members SET role = 'member'", &[]).unwrap()),
            Code::Forbidden,
            "not_permitted",
        ),
        (
            |tenant, _| {
                tenant.sql.exec("UPDATE org SET plan = 'suspended'", &[]).unwrap();
                tenant.limits.replace(OrgLimiter::default());
            },
            Code::PlanRequired,
            "not_permitted",
        ),
    ];
    for (change, expected, reason) in changes {
        let tenant = Rc::new(tenant());
        let (id, asked) = pending(&tenant, "gmail", json!({}));
        let there = Rc::clone(&tenant);
        let outside = Outside::answering([(200, tokens("late", GMAIL)), (200, json!({}))])
            .meanwhile(move || change(&there, &id));
        let result = finish(&tenant, &outside, callback(&member(&asked, "state")));
        assert_eq!(result.unwrap_err().public().0, expected);
        assert_eq!(outside.asked()[1].0, "https://oauth2.googleapis.com/revoke", "{reason}");
        let events =
            tenant.sql.exec("SELECT action, metadata FROM audit ORDER BY sequence DESC LIMIT 1", &[]);
        let event = events.unwrap().remove(0);
        assert_eq!(event.text(0), Ok("connection.authorization_refused"));
        let noted: Json = event.json(1).unwrap();
        assert_eq!(noted, json!({ "reason": reason, "revocation": "revoked" }));
        let active = tenant.sql.exec("SELECT 1 FROM connections WHERE status = 'active'", &[]).unwrap();
        assert!(active.is_empty() && !holds(&tenant.sql.bytes(), &secret("late-refresh")));
    }
}

#[test]
fn an_org_that_is_deleted_while_the_provider_answers_stays_empty() {
    use crate::org::deletion::{BULK, ORG, OUTBOX, TABLES};
    let tables = || TABLES.into_iter().chain(BULK).chain([ORG, OUTBOX]);
    for answers in [vec![(200, tokens("late", GMAIL)), (200, json!({}))], vec![(400, json!({}))]] {
        let tenant = Rc::new(tenant());
        let (_, asked) = pending(&tenant, "gmail", json!({}));
        let there = Rc::clone(&tenant);
        let outside = Outside::answering(answers).meanwhile(move || {
            let empty = |table: &str| drop(there.sql.exec(&format!("DELETE FROM {table}"), &[]).unwrap());
            tables().for_each(empty);
        });
        finish(&tenant, &outside, callback(&member(&asked, "state"))).unwrap_err();
        for table in tables() {
            assert_eq!(tenant.count(table), 0, "{table}");
        }
    }
}

#[test]
fn c8_reconnecting_keeps_the_id_and_outdates_what_was_before() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    let first = Outside::answering([(200, tokens("one", GMAIL))]);
    finish(&tenant, &first, callback(&member(&asked, "state"))).unwrap();
    tenant
        .sql
        .exec(
            "UPDATE connections SET status = 'reauthorization_required', status_reason = 'rotation_lost', \
             refresh_begun_at = 1, refresh_retry_at = 2, refresh_failures = 3",
            &[],
        )
        .unwrap();
    let begun = tenant.ok(Operation::AuthorizeConnection { id: id.clone() }, &json!({}));
    assert_eq!(begun["expires_at"], protocol::time::rfc3339(NOW + 600_000));
    assert_eq!(get(&tenant, &id)["status"], "reauthorization_required", "until access is granted");
    let url = begun["authorize_url"].as_str().unwrap();
    let state = member(&url_decoded(url.split_once('?').unwrap().1), "state");
    let second = Outside::answering([(200, tokens("two", GMAIL))]);
    let authorized = finish(&tenant, &second, callback(&state)).unwrap();
    assert_eq!(authorized["connection"]["id"], json!(id));
    assert_eq!(authorized["connection"]["status"], "active");
    assert!(authorized["connection"]["status_reason"].is_null() && authorized["return_to"].is_null());
    assert_eq!(column(&tenant, &id, "generation"), Value::Integer(3));
    for name in ["refresh_begun_at", "refresh_retry_at"] {
        assert_eq!(column(&tenant, &id, name), Value::Null);
    }
    assert_eq!(column(&tenant, &id, "refresh_failures"), Value::Integer(0));
}

#[test]
fn a_connection_has_one_authorization_under_way_and_an_org_twenty() {
    let tenant = tenant();
    let (id, asked) = pending(&tenant, "gmail", json!({}));
    tenant.ok(Operation::AuthorizeConnection { id: id.clone() }, &json!({}));
    assert_eq!(tenant.count("authorizations"), 1);
    refusal(finish(&tenant, &Outside::default(), callback(&member(&asked, "state"))));
    tenant.sql.exec("UPDATE org SET plan = 'scale'", &[]).unwrap();
    tenant.limits.replace(OrgLimiter::default());
    for _ in 0..25 {
        pending(&tenant, "gmail", json!({}));
    }
    assert_eq!(tenant.count("authorizations"), 20);
}

#[test]
fn the_browser_goes_on_to_a_path_of_ours_alone() {
    let tenant = tenant();
    for away in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""] {
        let body =
            json!({ "connector": "gmail", "name": "c", "auth": { "type": "oauth2" }, "return_to": away });
        let refused = tenant.call(&tenant.founder, Operation::CreateConnection, &body);
        assert_eq!(code(refused), Code::ValidationFailed, "{away}");
    }
    assert_eq!(tenant.count("connections"), 0);
}

fn client(connector: &str) -> Operation {
    Operation::SetConnectorClient { connector: connector.into() }
}

fn whose(tenant: &Tenant, connector: &str) -> Json {
    tenant.ok(Operation::GetConnector { connector: connector.into() }, &Json::Null)["client"].take()
}

#[test]
fn f3_the_workspaces_own_client_is_sealed_and_goes_before_the_installations() {
    let tenant = tenant();
    assert_eq!((whose(&tenant, "gmail"), whose(&tenant, "stripe")), (json!("installation"), Json::Null));
    let body = json!({ "client_id": "own-client", "client_secret": secret("own") });
    let set = tenant.ok(client("gmail"), &body);
    assert_eq!(set["redirect_uri"], "https://gate.test/connections/callback");
    assert_eq!(whose(&tenant, "gmail"), "workspace");
    assert!(!set.to_string().contains("planted"));
    assert_eq!(tenant.last_event()["metadata"], json!({ "client_id": "own-client" }));
    assert_nowhere(&tenant, &["own"]);

    let (id, asked) = pending(&tenant, "gmail", json!({}));
    assert_eq!(member(&asked, "client_id"), "own-client");
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    finish(&tenant, &outside, callback(&member(&asked, "state"))).unwrap();
    assert_eq!(member(&outside.asked()[0].1, "client_secret"), secret("own"));
    assert_eq!(column(&tenant, &id, "client_id"), "own-client".into());

    tenant.ok(Operation::DeleteConnectorClient { connector: "gmail".into() }, &Json::Null);
    assert_eq!(whose(&tenant, "gmail"), "installation");
    let again = Operation::DeleteConnectorClient { connector: "gmail".into() };
    assert_eq!(code(tenant.call(&tenant.founder, again, &Json::Null)), Code::NotFound);
}

/// Invariant 4: a sealed secret moved to another connector, so that it is sent to that one's provider, does not open.
#[test]
fn f3_a_client_secret_is_bound_to_its_provider() {
    let tenant = tenant();
    tenant.ok(client("gmail"), &json!({ "client_id": "own-client", "client_secret": secret("own") }));
    tenant.sql.exec("UPDATE oauth_clients SET connector = 'linear'", &[]).unwrap();
    let refused = tenant.call(&tenant.founder, Operation::CreateConnection, &new("linear", json!({})));
    assert_eq!(code(refused), Code::Internal);
    assert_eq!(tenant.count("connections"), 0);
}

#[test]
fn a_client_that_is_gone_between_is_said() {
    let tenant = tenant();
    tenant.ok(client("gmail"), &json!({ "client_id": "own-client", "client_secret": secret("own") }));
    let (_, asked) = pending(&tenant, "gmail", json!({}));
    tenant.ok(Operation::DeleteConnectorClient { connector: "gmail".into() }, &Json::Null);
    let outside = Outside::default();
    let refused = finish(&tenant, &outside, callback(&member(&asked, "state"))).unwrap_err();
    assert_eq!(refused.public().0, Code::ClientMissing);
    assert!(outside.sent.borrow().is_empty());
}

#[test]
fn without_a_client_nothing_is_begun() {
    let mut tenant = tenant();
    tenant.secrets.connector_clients.clear();
    let refused = tenant.call(&tenant.founder, Operation::CreateConnection, &new("gmail", json!({})));
    assert_eq!(code(refused), Code::ClientMissing);
    assert_eq!((tenant.count("connections"), whose(&tenant, "gmail")), (0, Json::Null));
    let good = json!({ "client_id": "a", "client_secret": "b" });
    for (connector, body, expected) in [
        ("stripe", good.clone(), Code::ValidationFailed),
        ("nothing", good, Code::NotFound),
        ("gmail", json!({ "client_id": "a b", "client_secret": "b" }), Code::ValidationFailed),
        ("gmail", json!({ "client_id": "a", "client_secret": "b\r\nc" }), Code::ValidationFailed),
        ("gmail", json!({ "client_id": "a", "client_secret": "" }), Code::ValidationFailed),
    ] {
        assert_eq!(code(tenant.call(&tenant.founder, client(connector), &body)), expected);
    }
    assert_eq!(tenant.count("oauth_clients"), 0);
}

#[test]
fn a_stand_in_takes_the_place_of_every_url_and_of_a_private_one_in_development_alone() {
    let mut tenant = tenant();
    tenant.config.connectors.get_mut("gmail").unwrap().stand_in = Some("http://127.0.0.1:4001".into());
    let refused = tenant.call(&tenant.founder, Operation::CreateConnection, &new("gmail", json!({})));
    assert_eq!(code(refused), Code::BaseUrlRefused);

    let local = |operation: Operation, outside: &Outside| {
        let call = call(tenant.founder.clone(), operation);
        let ctx = Context { targets: &TargetPolicy::Development.into(), ..tenant.context(&call) };
        json_of(
            &block_on(handle_remote(ctx, outside, new("gmail", json!({})).to_string().as_bytes())).unwrap(),
        )
    };
    let created = local(Operation::CreateConnection, &Outside::default());
    assert_eq!(
        (&created["base_url"], &created["allowed_hosts"]),
        (&json!("http://127.0.0.1:4001/"), &json!(["127.0.0.1:4001"]))
    );
    let (url, query) = created["authorize_url"].as_str().unwrap().split_once('?').unwrap();
    assert_eq!(url, "http://127.0.0.1:4001/o/oauth2/v2/auth");
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    local(callback(&member(&url_decoded(query), "state")), &outside);
    assert_eq!(outside.asked()[0].0, "http://127.0.0.1:4001/token");
}

#[test]
fn nothing_of_an_authorization_shows_in_debug() {
    let outside = Outside::answering([(200, tokens("one", GMAIL))]);
    let tenant = tenant();
    let (_, asked) = pending(&tenant, "gmail", json!({}));
    let operation = callback(&member(&asked, "state"));
    let mut shown = format!("{operation:?}");
    finish(&tenant, &outside, operation).unwrap();
    shown += &format!("{:?}", outside.sent.borrow());
    assert!(!shown.contains("planted") && !shown.contains(&member(&asked, "state")), "{shown}");
}
