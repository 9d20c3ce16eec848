//! Disconnecting, cut off at every step, with providers that answer late, wrongly or never (claims C8, B3, N5).

use super::refresh::{Fault, Granted, Kind, Provider, connect};
use super::*;
use crate::org::outbox::{self, Task};
use crate::org::receipts;
use futures_executor::block_on;
use std::pin::pin;
use std::task::{Context as Polled, Waker};

fn delete(id: &ConnectionId) -> Operation {
    Operation::DeleteConnection { id: id.clone() }
}

fn disconnect(granted: &Granted) -> Json {
    let outcome = granted.tenant.call_outside(
        &granted.tenant.founder,
        delete(&granted.id),
        &Json::Null,
        &granted.provider,
    );
    json_of(&outcome.unwrap())["receipt"].take()
}

fn receipt(granted: &Granted) -> Json {
    granted.tenant.ok(Operation::GetReceipt { id: granted.id.clone() }, &Json::Null)
}

/// What the alarm does, when it is due, once; whether there was anything.
fn alarm(granted: &Granted) -> bool {
    let store = granted.tenant.store();
    let Some(due) = outbox::next_due(store).unwrap() else { return false };
    if due > granted.provider.now_ms() {
        granted.provider.set_clock(due);
    }
    let now_ms = granted.provider.now_ms();
    let (id, task) = outbox::next(store, now_ms).unwrap().unwrap();
    let Task::Revoke { connection } = task else { panic!("{task:?}") };
    let call = call(Principal::Anonymous, Operation::Me);
    let ctx = granted.tenant.context(&call).at(now_ms);
    if block_on(receipts::revoke(ctx, &granted.provider, &connection)).unwrap() {
        outbox::done(store, id).unwrap();
    } else {
        outbox::failed(store, id, now_ms, false).unwrap();
    }
    true
}

fn with_revocations(kind: Kind, answers: impl IntoIterator<Item = Option<u16>>) -> Granted {
    let granted = Granted::new(kind);
    granted.provider.with(|state| state.revocations.extend(answers));
    granted
}

/// Neither a secret in the clear nor, once it is settled, a sealed one.
fn assert_wiped(granted: &Granted, sealed: &Value) {
    let Value::Blob(sealed) = sealed else { panic!() };
    let file = granted.tenant.sql.bytes();
    let holds = |bytes: &[u8]| file.windows(bytes.len()).any(|window| window == bytes);
    assert!(!holds(&sealed[17..]), "the sealed credential is still in the file");
    for secret in granted.provider.with(|state| state.secrets.clone()) {
        assert!(!holds(secret.as_bytes()), "{secret}");
    }
}

#[test]
fn c8_disconnecting_calls_the_providers_revocation_at_once_and_says_so() {
    let granted = with_revocations(Kind::Kept, [Some(200)]);
    let sealed = granted.column("sealed");
    let receipt_given = disconnect(&granted);
    assert_eq!(receipt_given["revocation"], "revoked");
    let sent = granted.provider.with(|state| state.revoked.clone());
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("https://oauth2.googleapis.com/revoke token=fake-refresh-0"), "{sent:?}");
    let evidence = &receipt_given["evidence"];
    assert_eq!(evidence["endpoint"], "https://oauth2.googleapis.com/revoke");
    assert_eq!((&evidence["http_status"], &evidence["attempts"]), (&json!(200), &json!(1)));
    assert!(receipt_given["deleted_at"].is_string());
    assert_eq!(receipt(&granted), receipt_given);
    let page = granted.tenant.ok(Operation::ListReceipts(Page::default()), &Json::Null);
    assert_eq!(page["data"], json!([receipt_given]));
    assert_wiped(&granted, &sealed);
    // The outbox finds nothing left to do.
    assert!(alarm(&granted) && !alarm(&granted));
    assert_eq!(granted.provider.with(|state| state.revoked.len()), 1);
    assert_eq!(
        granted.actions("")[3..],
        ["connection.deleted", "credential.revocation_begun", "connection.revocation_settled"]
    );
    assert!(granted.tenant.verify_audit().ok);
}

#[test]
fn b3_it_is_tried_again_until_it_is_settled() {
    let granted = with_revocations(Kind::Kept, [Some(500), None, Some(503), Some(200)]);
    let sealed = granted.column("sealed");
    let pending = disconnect(&granted);
    assert_eq!(
        (&pending["revocation"], &pending["evidence"]["http_status"]),
        (&json!("pending"), &json!(500))
    );
    assert!(pending["deleted_at"].is_null());
    // From the answer on nothing is sent with it.
    let id = granted.id.as_str().to_owned();
    assert_eq!(
        code(granted.tenant.call(&granted.tenant.founder, proxy(&id, "/x"), &Json::Null)),
        Code::NotFound
    );
    for _ in 0..3 {
        assert_eq!(receipt(&granted)["revocation"], "pending");
        assert!(alarm(&granted));
    }
    let settled = receipt(&granted);
    assert_eq!((&settled["revocation"], &settled["evidence"]["attempts"]), (&json!("revoked"), &json!(4)));
    assert!(!alarm(&granted));
    assert_wiped(&granted, &sealed);
}

#[test]
fn b3_what_is_gone_already_is_revoked() {
    let granted = with_revocations(Kind::Kept, [Some(400)]);
    let receipt = disconnect(&granted);
    assert_eq!(
        (&receipt["revocation"], &receipt["evidence"]["http_status"]),
        (&json!("revoked"), &json!(400))
    );
}

#[test]
fn b3_what_a_provider_refuses_or_never_answers_has_failed_and_says_what_is_left_to_do() {
    let refused = with_revocations(Kind::Kept, [Some(403)]);
    let sealed = refused.column("sealed");
    let receipt_given = disconnect(&refused);
    assert_eq!(receipt_given["revocation"], "failed");
    assert!(receipt_given["detail"].as_str().unwrap().contains("Gmail by hand"));
    assert_wiped(&refused, &sealed);

    let silent = with_revocations(Kind::Kept, [None]);
    let sealed = silent.column("sealed");
    disconnect(&silent);
    let mut attempts = 1;
    while alarm(&silent) {
        attempts += 1;
        assert!(attempts < 20, "it is tried for ever");
    }
    let settled = receipt(&silent);
    assert_eq!(
        (&settled["revocation"], &settled["evidence"]["attempts"]),
        (&json!("failed"), &json!(attempts))
    );
    assert!(settled["evidence"].get("http_status").is_none());
    let waited = silent.provider.now_ms() - NOW;
    assert!((DAY..DAY + 6 * 3_600_000 + 60_000).contains(&waited), "{waited}");
    assert_wiped(&silent, &sealed);
}

#[test]
fn b3_a_crash_at_any_step_leaves_a_receipt_that_is_settled_later() {
    // Polls before the object is gone: the request is made at the second.
    for polls in 0..3 {
        let mut granted = with_revocations(Kind::Kept, [None, Some(200)]);
        {
            let call = call(granted.tenant.founder.clone(), delete(&granted.id));
            let ctx = granted.tenant.context(&call);
            let mut deleting = pin!(handle_remote(ctx, &granted.provider, b"null"));
            for _ in 0..polls {
                if deleting.as_mut().poll(&mut Polled::from_waker(Waker::noop())).is_ready() {
                    break;
                }
            }
        }
        granted.tenant.sleep();
        if polls == 0 {
            assert_eq!(granted.tenant.count("receipts"), 0);
            continue;
        }
        assert_eq!(granted.tenant.count("connections"), 0);
        while alarm(&granted) {}
        assert_eq!(receipt(&granted)["revocation"], "revoked");
    }
}

#[test]
fn a_provider_that_takes_long_is_not_waited_for() {
    let granted = Granted::new(Kind::Kept);
    granted.provider.with(|state| state.is_silent = true);
    let receipt_given = disconnect(&granted);
    assert_eq!(receipt_given["revocation"], "pending");
    granted.provider.with(|state| state.is_silent = false);
    assert!(alarm(&granted));
    assert_eq!(receipt(&granted)["revocation"], "revoked");
}

#[test]
fn c8_a_refresh_under_way_brings_the_token_that_is_revoked() {
    for fault in [Fault::None, Fault::AnswerLost] {
        let granted = Granted::new(Kind::Strict);
        granted.provider.with(|state| state.faults.push_back(fault));
        let mut callers = granted.callers(3);
        (0..3).for_each(|_| assert!(callers.poll_one(0)));
        let call = call(granted.tenant.founder.clone(), delete(&granted.id));
        let deleting = handle_remote(granted.tenant.context(&call), &granted.provider, b"null");
        let mut deleting = pin!(deleting);
        let mut polled = Polled::from_waker(Waker::noop());
        let reply = loop {
            if let std::task::Poll::Ready(reply) = deleting.as_mut().poll(&mut polled) {
                break reply.unwrap();
            }
            granted.provider.tick();
        };
        let sent = granted.provider.with(|state| state.revoked.clone());
        let lost = fault == Fault::AnswerLost;
        let newest = if lost { "token=fake-refresh-0&" } else { "token=fake-refresh-1&" };
        assert!(sent.len() == 1 && sent[0].contains(newest), "{sent:?}");
        // Where its answer was lost, the receipt does not claim more than is known.
        let receipt = &json_of(&reply)["receipt"];
        assert_eq!((&receipt["revocation"], receipt["detail"].is_string()), (&json!("revoked"), lost));
        // Who waited for the token has none: the connection is gone.
        callers.finish(|| granted.provider.tick());
        let outcomes = callers.results();
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap_err().public().0 == Code::NotFound));
        assert_eq!(granted.provider.sent(), 1);
    }
}

#[test]
fn c8_a_provider_that_revokes_by_the_access_token_gets_a_live_one() {
    // From memory, else by one refresh.
    for is_warm in [true, false] {
        let mut granted = Granted::new(Kind::Strict);
        granted.id = connect(&granted.tenant, "notion", Some("fake-refresh-0"), None);
        if is_warm {
            granted.token();
        }
        let receipt = disconnect_driven(&granted);
        assert_eq!(receipt["revocation"], "revoked");
        let sent = granted.provider.with(|state| state.revoked.clone());
        assert!(sent[0].ends_with(r#"{"token":"fake-access-1"}"#), "{sent:?}");
        assert_eq!(granted.provider.sent(), 1);
    }
    // The grant is over, the provider says at its token endpoint.
    let mut granted = Granted::new(Kind::Strict);
    granted.id = connect(&granted.tenant, "notion", Some("fake-refresh-0"), None);
    granted.provider.with(|state| state.faults.push_back(Fault::GrantEnded));
    assert_eq!(disconnect_driven(&granted)["revocation"], "revoked");
    // An answer was lost, and the next one is no: whether it is over is not known.
    let mut granted = Granted::new(Kind::Strict);
    granted.id = connect(&granted.tenant, "notion", Some("fake-refresh-0"), None);
    granted.provider.with(|state| state.faults.push_back(Fault::AnswerLost));
    assert_eq!(disconnect_driven(&granted)["revocation"], "pending");
    granted.provider.with(|state| state.is_prompt = true);
    assert!(alarm(&granted));
    let settled = receipt(&granted);
    assert_eq!(settled["revocation"], "failed");
    assert!(settled["detail"].as_str().unwrap().contains("was lost"));
}

/// Slack's and Zendesk's words for an access token that has expired.
const EXPIRED: [(&str, u16, &str); 3] = [
    ("slack", 200, r#"{"ok":false,"error":"token_expired"}"#),
    ("slack", 200, r#"{"ok":false,"error":"invalid_auth"}"#),
    ("zendesk", 401, r#"{"error":"invalid_token"}"#),
];

/// With a provider that takes the newest access token alone.
fn revoking_by_access_token((connector, status, body): (&str, u16, &'static str)) -> Granted {
    let mut granted = Granted::new(Kind::Strict);
    granted.id = connect(&granted.tenant, connector, Some("fake-refresh-0"), None);
    set_parameters(&granted, json!({ "subdomain": "acme" }));
    granted.provider.with(|state| state.to_an_expired_token = Some((status, body)));
    granted
}

fn set_parameters(granted: &Granted, parameters: Json) {
    let update = "UPDATE connections SET parameters = ? WHERE id = ?";
    granted.tenant.sql.exec(update, &[parameters.to_string().into(), granted.id.as_str().into()]).unwrap();
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

#[test]
fn c8_an_access_token_that_has_expired_proves_nothing() {
    for expired in EXPIRED {
        let granted = revoking_by_access_token(expired);
        granted.token();
        granted.provider.with(|state| state.end_access());
        assert_eq!(disconnect_driven(&granted)["revocation"], "revoked", "{expired:?}");
        let sent = granted.provider.with(|state| state.revoked_by.clone());
        assert_eq!(sent, [bearer("fake-access-1"), bearer("fake-access-2")]);
    }
    // Nor does one that is refused as soon as it was made.
    for expired in EXPIRED {
        let granted = revoking_by_access_token(expired);
        let (_, status, body) = expired;
        granted.provider.with(|state| {
            state.is_prompt = true;
            state.refuses_all = Some((status, body));
        });
        let receipt = disconnect(&granted);
        assert_eq!(receipt["revocation"], "failed", "{expired:?}");
        assert_eq!(granted.provider.with(|state| state.revoked.len()), 1);
    }
}

#[test]
fn c8_a_refresh_under_way_outdates_the_access_token_in_memory() {
    for expired in EXPIRED {
        let granted = revoking_by_access_token(expired);
        let first = granted.token();
        // Within the last minute it still serves, and another one is asked for.
        granted.provider.pass(3_570_000);
        let mut callers = granted.callers(1);
        assert!(callers.poll_one(0));
        granted.provider.with(|state| state.revoked_by.clear());
        let receipt = disconnect_driven(&granted);
        assert_eq!(receipt["revocation"], "revoked", "{expired:?}");
        let sent = granted.provider.with(|state| state.revoked_by.clone());
        assert_eq!(sent, [bearer("fake-access-3")], "{}", first.number);
    }
}

#[test]
fn c8_the_token_goes_in_the_header_that_the_provider_reads() {
    let mut granted = Granted::new(Kind::Strict);
    granted.id = connect(&granted.tenant, "shopify", Some("fake-refresh-0"), None);
    set_parameters(&granted, json!({ "shop": "acme" }));
    assert_eq!(disconnect_driven(&granted)["revocation"], "revoked");
    let sent = granted.provider.with(|state| state.revoked_by.clone());
    assert_eq!(sent, [("X-Shopify-Access-Token", "fake-access-1".to_owned())]);
}

#[test]
fn b3_what_can_never_be_revoked_is_not_tried_for_ever() {
    for spoil in [
        "UPDATE receipts SET connector = 'no-longer-there'",
        "UPDATE receipts SET connector = 'jira'",
        "UPDATE receipts SET sealed = x'00'",
        "UPDATE receipts SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB)",
        "UPDATE receipts SET allowed_hosts = '[]'",
    ] {
        let granted = with_revocations(Kind::Kept, [None]);
        let sealed = granted.column("sealed");
        assert_eq!(disconnect(&granted)["revocation"], "pending");
        granted.tenant.sql.exec(spoil, &[]).unwrap();
        assert!(alarm(&granted) && !alarm(&granted), "{spoil}");
        let settled = receipt(&granted);
        assert_eq!(settled["revocation"], "failed", "{spoil}");
        assert!(settled["detail"].as_str().unwrap().contains("by hand"), "{settled}");
        assert_wiped(&granted, &sealed);
    }
}

/// With a network that moves.
fn disconnect_driven(granted: &Granted) -> Json {
    granted.provider.with(|state| state.is_prompt = true);
    let receipt = disconnect(granted);
    granted.provider.with(|state| state.is_prompt = false);
    receipt
}

#[test]
fn b3_what_nothing_can_revoke_says_where_to_end_it() {
    let tenant = Tenant::new(1);
    let provider = Provider::new(Kind::Kept, NOW);
    let gone = |id: &ConnectionId| {
        let reply = tenant.call_outside(&tenant.founder, delete(id), &Json::Null, &provider).unwrap();
        json_of(&reply)["receipt"].take()
    };
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("static")));
    let receipt = gone(&ConnectionId::parse(created["id"].as_str().unwrap()).unwrap());
    assert_eq!((&receipt["revocation"], receipt["deleted_at"].is_string()), (&json!("unsupported"), true));
    assert!(receipt["detail"].as_str().unwrap().contains("by hand"));

    let receipt = gone(&connect(&tenant, "jira", Some("fake-refresh-0"), None));
    assert_eq!(receipt["revocation"], "unsupported");
    assert!(receipt["detail"].as_str().unwrap().contains("Jira"));

    let id = connect(&tenant, "gmail", None, None);
    tenant.sql.exec("UPDATE connections SET status = 'pending' WHERE id = ?", &[id.as_str().into()]).unwrap();
    assert_eq!(gone(&id)["detail"], "access had not been granted yet");

    assert!(provider.with(|state| state.revoked.is_empty()));
    assert_eq!((tenant.count("outbox"), tenant.count("connections")), (0, 0));
}

#[test]
fn a_client_that_is_gone_is_missed_only_where_the_provider_asks_for_it() {
    for (connector, revocation) in [("gmail", "revoked"), ("notion", "failed")] {
        let mut granted = Granted::new(Kind::Kept);
        granted.id = connect(&granted.tenant, connector, Some("fake-refresh-0"), None);
        granted.tenant.sql.exec("DELETE FROM oauth_clients", &[]).unwrap();
        let receipt = disconnect_driven(&granted);
        assert_eq!(receipt["revocation"], revocation, "{receipt}");
    }
}

#[test]
fn n5_disconnecting_twice_finds_nothing_and_the_receipt_answers() {
    let granted = Granted::new(Kind::Kept);
    disconnect(&granted);
    let again = granted.tenant.call(&granted.tenant.founder, delete(&granted.id), &Json::Null);
    assert_eq!(code(again), Code::NotFound);
    assert_eq!(receipt(&granted)["revocation"], "revoked");
    let unknown = Operation::GetReceipt { id: ConnectionId::new(0, [8; 10]) };
    assert_eq!(code(granted.tenant.call(&granted.tenant.founder, unknown, &Json::Null)), Code::NotFound);
    // Another tenant has no such receipt.
    let other = Tenant::new(2);
    let theirs = Operation::GetReceipt { id: granted.id.clone() };
    assert_eq!(code(other.call(&other.founder, theirs, &Json::Null)), Code::NotFound);
    assert!(
        other.ok(Operation::ListReceipts(Page::default()), &Json::Null)["data"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_repetition_under_the_same_key_is_answered_as_it_ended() {
    let granted = with_revocations(Kind::Kept, [Some(200)]);
    let mut call = call(granted.tenant.founder.clone(), delete(&granted.id));
    call.idempotency_key = Some("once".into());
    let send = || block_on(handle_remote(granted.tenant.context(&call), &granted.provider, b"null")).unwrap();
    let (first, second) = (send(), send());
    assert_eq!(json_of(&first)["receipt"]["revocation"], "revoked");
    assert_eq!((first.body, second.replayed), (second.body, true));
    assert_eq!(granted.provider.with(|state| state.revoked.len()), 1);
}

/// What the catalogue's check lets through works: a URL may hold the client's id and the token.
#[test]
fn a_revocation_url_takes_the_clients_id_and_the_token() {
    let tenant = Tenant::new(1);
    let connector: connectors::catalogue::Connector = serde_json::from_value(json!({
        "id": "acme", "name": "Acme", "category": "support", "docs": "https://acme.example", "summary": "Things.",
        "base_url": "https://api.acme.example",
        "oauth": {
            "authorize_url": "https://acme.example/oauth", "token_url": "https://acme.example/token",
            "refresh": { "kind": "kept" },
            "revocation": {
                "kind": "delete", "url": "https://api.example.com/apps/{client_id}/tokens/{token}", "token": "access",
            },
        },
        "credentials": [], "requests": [],
    }))
    .unwrap();
    let connector: &'static connectors::catalogue::Connector = Box::leak(Box::new(connector));
    let client = connectors::oauth::Client { id: "id/1".into(), secret: "s".to_owned().into() };
    let token = "a/../b?c#d{client_id}".to_owned().into();
    let call = call(tenant.founder.clone(), Operation::Me);
    let tokens = (Some(&token), Some(&token));
    let request =
        crate::org::oauth::revocation(tenant.context(&call), connector, &Default::default(), &client, tokens);
    let request = request.unwrap().unwrap();
    let url = url::Url::parse(&request.url).unwrap();
    let segments: Vec<_> = url.path_segments().unwrap().collect();
    assert_eq!(url.host_str(), Some("api.example.com"));
    assert_eq!((segments.len(), segments[0], segments[1], segments[2]), (4, "apps", "id%2F1", "tokens"));
    assert!(segments[3].starts_with("a%2F") && url.query().is_none() && url.fragment().is_none());
}
