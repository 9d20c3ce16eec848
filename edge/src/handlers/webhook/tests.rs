mod fetched;
mod handshake;
mod rejections;
mod url;

use super::*;
use crate::control_plane::Unreachable;
use crate::testing::*;
use crate::verdict::{Admitted, Verdict};
use protocol::InboundEventId;
use protocol::api::Received;
use protocol::call::SourceKeys;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};
use webhooks::provider;
use webhooks::sign::{Unsigned, sign_as};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const BODY: &[u8] = br#"{"type":"user.created","data":{}}"#;

struct Fixture {
    state: RefCell<crate::state::State>,
    admitted: Admitted,
    source: SourceId,
}

fn fixture() -> Fixture {
    let mut state = state();
    let id = source_id();
    let admitted = admitted(&mut state, &head("POST", &format!("/in/{id}"), &[]));
    Fixture { state: RefCell::new(state), admitted, source: SourceId::parse(&id).unwrap() }
}

/// For schemes that fetch nothing.
struct NoWeb;

impl Fetch for NoWeb {
    async fn get(&self, url: &str) -> Result<Got, Unreachable> {
        panic!("nothing to fetch at {url}")
    }
}

fn run(fixture: &Fixture, plane: &FakePlane, incoming: &Incoming) -> Result<Answer, Code> {
    let context = Context { state: &fixture.state, plane, admitted: &fixture.admitted };
    block_on(handle(&context, &NoWeb, &fixture.source, incoming)).map_err(|refused| refused.code)
}

/// As the provider sends it, and two headers besides.
fn signed_as(id: &str, secret: &str, body: &[u8], at: u64) -> Incoming {
    let provider = provider(id).unwrap();
    let key = provider.parse_secret(secret).unwrap();
    let unsigned = Unsigned {
        id: "msg_1",
        timestamp_ms: at * 1000,
        method: "POST",
        url: &[ORIGIN, "/in/x"].concat(),
        body,
    };
    let extra = [("authorization", "Bearer of the provider"), ("user-agent", "provider/1")];
    let extra = extra.map(|(name, value)| (name, value.to_owned()));
    let headers = sign_as(provider, &key, &unsigned).unwrap().headers.into_iter().chain(extra);
    Incoming {
        path_and_query: "/in/x".into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).collect(),
        body: body.to_vec(),
    }
}

fn signed(body: &[u8], at: u64) -> Incoming {
    signed_as("standard-webhooks", SECRET, body, at)
}

fn signature(incoming: &mut Incoming) -> &mut String {
    &mut incoming.headers.iter_mut().find(|(name, _)| name == "webhook-signature").unwrap().1
}

fn keys(generation: u64) -> Option<Reply> {
    reply(200, source_keys("standard-webhooks", SECRET, generation))
}

fn stored() -> Option<Reply> {
    reply(200, Received { id: InboundEventId::new(0, [0; 10]), duplicate: false })
}

fn usual() -> FakePlane {
    FakePlane::new(|call, _| match call.operation {
        Operation::SourceKeys { .. } => keys(1),
        _ => stored(),
    })
}

/// B6: 200 is said only after the control plane has stored the raw bytes.
#[test]
fn b6_a_verified_event_is_stored_as_it_came_and_then_acknowledged() {
    let (fixture, plane) = (fixture(), usual());
    assert_eq!(run(&fixture, &plane, &signed(BODY, NOW)).unwrap().status, 200);
    let calls = plane.calls.borrow();
    let [(keys, _), (store, body)] = calls.as_slice() else { panic!("{calls:?}") };
    assert!(matches!(keys.operation, Operation::SourceKeys { .. }));
    assert_eq!(body, BODY);
    let Operation::StoreInbound(webhook) = &store.operation else { panic!() };
    assert_eq!((webhook.event_id.as_deref(), webhook.event_id_signed), (Some("msg_1"), true));
    assert_eq!(webhook.event_type.as_deref(), Some("user.created"));
    let header =
        |name: &str| webhook.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
    assert_eq!(header("user-agent"), Some("provider/1"));
    assert_eq!(header("authorization"), Some("[redacted]"));
    assert_eq!(header("webhook-signature"), Some("[redacted]"));
}

/// M6: who has no signature uses up nothing that the source's provider needs, from the same address neither.
#[test]
fn m6_garbage_takes_nothing_of_the_sources_limit() {
    let mut state = state_with(|config| {
        config.rate_limits.ip.limit = 3;
        config.rate_limits.source.limit = 5;
    });
    let (id, plane) = (source_id(), usual());
    let source = SourceId::parse(&id).unwrap();
    let from = |ip| head("POST", &format!("/in/{id}"), &[("cf-connecting-ip", ip)]);
    let state = &RefCell::new(std::mem::replace(&mut state, crate::testing::state()));
    let send = |ip, incoming: &Incoming| {
        let admitted = match decide_at(&mut state.borrow_mut(), &from(ip), NOW_MS) {
            Verdict::GoOn(admitted) => admitted,
            Verdict::Answer(answer) => return Err(code_of(&answer)),
        };
        let context = Context { state, plane: &plane, admitted: &admitted };
        block_on(handle(&context, &NoWeb, &source, incoming)).map(drop).map_err(|refused| refused.code)
    };
    let mut forged = signed(BODY, NOW);
    forged.body[1] ^= 1;
    for n in 0..20 {
        let wanted = if n < 3 { Code::SignatureInvalid } else { Code::RateLimited };
        assert_eq!(send("198.51.100.1", &forged), Err(wanted), "{n}");
    }
    // The provider's own address has as much left after an event as before, and the source counts what is signed.
    for n in 0..10 {
        let wanted = if n < 5 { Ok(()) } else { Err(Code::RateLimited) };
        assert_eq!(send("192.0.2.1", &signed(BODY, NOW)), wanted, "{n}");
    }
}

/// N4: what is changed, doubled, missing or old is refused, and nothing is stored.
#[test]
fn n4_what_is_not_the_providers_is_refused_and_not_stored() {
    let mut changed = signed(BODY, NOW);
    changed.body[1] ^= 1;
    let mut doubled = signed(BODY, NOW);
    let value = signature(&mut doubled);
    *value = format!("{value}, {value}");
    let mut missing = signed(BODY, NOW);
    missing.headers.retain(|(name, _)| name != "webhook-signature");
    for (incoming, expected) in [
        (changed, Code::SignatureInvalid),
        (doubled, Code::SignatureInvalid),
        (missing, Code::SignatureInvalid),
        (signed(BODY, NOW - 301), Code::TimestampOutOfTolerance),
        (signed(BODY, NOW + 301), Code::TimestampOutOfTolerance),
    ] {
        let (fixture, plane) = (fixture(), usual());
        assert_eq!(run(&fixture, &plane, &incoming), Err(expected));
        assert!(plane.operations().iter().all(|operation| matches!(operation, Operation::SourceKeys { .. })));
    }
}

#[test]
fn an_id_that_was_never_issued_makes_no_call() {
    // Nothing of it even reaches a handler: the decision answers.
    let mut state = state();
    let id = source_id();
    let forged = format!("{}{}", &id[..id.len() - 1], if id.ends_with('0') { '1' } else { '0' });
    let verdict = decide_at(&mut state, &head("POST", &format!("/in/{forged}"), &[]), NOW_MS);
    assert!(matches!(verdict, Verdict::Answer(ref answer) if answer.status == 404));
}

#[test]
fn a_sources_keys_are_asked_for_once_until_they_are_old() {
    let (mut fixture, plane) = (fixture(), usual());
    let asked = |plane: &FakePlane| {
        plane.operations().iter().filter(|op| matches!(op, Operation::SourceKeys { .. })).count()
    };
    for (after_ms, times) in [(0, 1), (29_999, 1), (30_000, 2)] {
        fixture.admitted.now_ms = NOW_MS + after_ms;
        run(&fixture, &plane, &signed(BODY, NOW)).unwrap();
        assert_eq!(asked(&plane), times, "after {after_ms} ms");
    }
}

#[test]
fn keys_of_an_old_generation_are_fetched_anew_and_the_event_verified_again() {
    let (fixture, generation) = (fixture(), Cell::new(0));
    let plane = FakePlane::new(move |call, _| match &call.operation {
        Operation::SourceKeys { .. } => {
            generation.set(generation.get() + 1);
            keys(generation.get())
        }
        Operation::StoreInbound(webhook) if webhook.generation < 2 => refusal(Code::SourceOutdated),
        _ => stored(),
    });
    assert_eq!(run(&fixture, &plane, &signed(BODY, NOW)).unwrap().status, 200);
    assert_eq!(plane.calls.borrow().len(), 4);
}

/// Another conflict says nothing about the source.
#[test]
fn another_409_is_an_outage_and_no_reason_to_read_the_source_again() {
    let (fixture, plane) = (
        fixture(),
        FakePlane::new(|call, _| match call.operation {
            Operation::SourceKeys { .. } => keys(1),
            _ => refusal(Code::EndpointDisabled),
        }),
    );
    assert_eq!(run(&fixture, &plane, &signed(BODY, NOW)), Err(Code::Unavailable));
    assert_eq!(plane.calls.borrow().len(), 2);
}

#[test]
fn a_source_that_changes_all_the_time_ends_in_an_outage_not_in_a_loop() {
    let (fixture, plane) = (
        fixture(),
        FakePlane::new(|call, _| match call.operation {
            Operation::SourceKeys { .. } => keys(1),
            _ => refusal(Code::SourceOutdated),
        }),
    );
    assert_eq!(run(&fixture, &plane, &signed(BODY, NOW)), Err(Code::Unavailable));
}

#[test]
fn a_deleted_source_is_gone_at_once_and_asked_about_seldom() {
    let (fixture, plane) = (fixture(), FakePlane::new(|_, _| refusal(Code::NotFound)));
    for _ in 0..3 {
        assert_eq!(run(&fixture, &plane, &signed(BODY, NOW)), Err(Code::NotFound));
    }
    assert_eq!(plane.calls.borrow().len(), 1);
}

#[test]
fn what_could_not_be_stored_is_not_acknowledged() {
    for answer in [None, Some(500), Some(413)] {
        let (fixture, plane) = (
            fixture(),
            FakePlane::new(move |call, _| match call.operation {
                Operation::SourceKeys { .. } => keys(1),
                _ => answer.and_then(|status| reply(status, ())),
            }),
        );
        assert_eq!(run(&fixture, &plane, &signed(BODY, NOW)), Err(Code::Unavailable));
    }
}

#[test]
fn a_signed_challenge_is_answered_and_not_stored() {
    let secret = "0123456789abcdef0123456789abcdef";
    let body = br#"{"type":"url_verification","challenge":"3eZbrw1a"}"#;
    let fixture = fixture();
    let plane = FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => reply(200, source_keys("slack", secret, 1)),
        _ => panic!("a question is not an event"),
    });
    let incoming = signed_as("slack", secret, body, NOW);
    let answer = run(&fixture, &plane, &incoming).unwrap();
    assert_eq!(
        (answer.body.as_ref(), answer.header("content-type")),
        ("3eZbrw1a", Some("text/plain; charset=utf-8"))
    );
}

#[test]
fn a_challenge_is_answered_with_its_own_status() {
    let challenge = Challenge { status: 204, content_type: "application/json", body: String::new() };
    let answer = answer_to(challenge);
    assert_eq!((answer.status, answer.body.as_ref()), (204, ""));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn stored_headers_are_bounded() {
    let many: Vec<_> = (0..200).map(|n| (format!("x-{n}"), "v".repeat(100))).collect();
    let github = provider("github").unwrap();
    let kept = storable(github, &many);
    assert!(kept.len() <= MAX_HEADERS);
    assert!(kept.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= MAX_HEADER_BYTES);
    assert!(storable(github, &[("sluicegate-call".into(), "x".into())]).is_empty());
}

/// A declared scheme may sign in a header by whose name nobody would know it.
#[test]
fn the_header_of_a_declared_signature_is_not_stored() {
    let declared = webhooks::generic::Declaration { header: "X-Acme-Sig", ..Default::default() };
    let scheme = webhooks::generic::Scheme::new(&declared).unwrap();
    let sent =
        [("x-acme-sig", "00ff"), ("x-acme-shop", "7")].map(|(name, value)| (name.into(), value.into()));
    let kept = scheme.with_row(|row| storable(row, &sent));
    assert_eq!(kept, [("x-acme-sig".into(), "[redacted]".into()), sent[1].clone()]);
}

/// An event signed with a secret that has just been put in place of the one in memory.
#[test]
fn a_new_secret_counts_at_once_and_forgeries_ask_seldom() {
    let rotated = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    let (mut fixture, secret) = (fixture(), std::rc::Rc::new(Cell::new(SECRET)));
    let current = secret.clone();
    let plane = FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => reply(200, source_keys("standard-webhooks", current.get(), 1)),
        _ => stored(),
    });
    run(&fixture, &plane, &signed(BODY, NOW)).unwrap();
    secret.set(rotated);
    fixture.admitted.now_ms = NOW_MS + 2_000;
    let new = signed_as("standard-webhooks", rotated, BODY, NOW);
    assert_eq!(run(&fixture, &plane, &new).unwrap().status, 200);

    let asked = |plane: &FakePlane| {
        plane.operations().iter().filter(|op| matches!(op, Operation::SourceKeys { .. })).count()
    };
    assert_eq!(asked(&plane), 2);
    for after_ms in 0..10_000 {
        fixture.admitted.now_ms = NOW_MS + 2_000 + after_ms;
        assert_eq!(run(&fixture, &plane, &signed(BODY, NOW)), Err(Code::SignatureInvalid));
    }
    assert_eq!(asked(&plane), 2 + 4, "once in two seconds");
    // A valid signature proves the secret: its time alone is no reason to ask.
    fixture.admitted.now_ms += 5_000;
    let old = signed_as("standard-webhooks", rotated, BODY, NOW - 301);
    assert_eq!(run(&fixture, &plane, &old), Err(Code::TimestampOutOfTolerance));
    assert_eq!(asked(&plane), 2 + 4);
}

/// A control plane whose answer about a source takes a while.
struct Slow(FakePlane);

impl ControlPlane for Slow {
    async fn call(&self, call: &protocol::Call, body: Vec<u8>) -> Result<Reply, Unreachable> {
        let mut waits = matches!(call.operation, Operation::SourceKeys { .. });
        poll_fn(|_| if std::mem::take(&mut waits) { Poll::Pending } else { Poll::Ready(()) }).await;
        self.0.call(call, body).await
    }

    async fn is_ready(&self) -> bool {
        true
    }
}

#[test]
fn while_a_new_secret_is_asked_for_none_is_refused_by_the_old_one() {
    let rotated = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    let mut fixture = fixture();
    run(&fixture, &usual(), &signed(BODY, NOW)).unwrap();
    fixture.admitted.now_ms = NOW_MS + 2_000;
    let plane = Slow(FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => reply(200, source_keys("standard-webhooks", rotated, 2)),
        _ => stored(),
    }));
    let context = Context { state: &fixture.state, plane: &plane, admitted: &fixture.admitted };
    let new = signed_as("standard-webhooks", rotated, BODY, NOW);
    let mut first = pin!(handle(&context, &NoWeb, &fixture.source, &new));
    let mut second = pin!(handle(&context, &NoWeb, &fixture.source, &new));
    let waker = &mut std::task::Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(waker).is_pending());
    assert!(second.as_mut().poll(waker).is_pending());
    assert!(matches!(first.poll(waker), Poll::Ready(Ok(answer)) if answer.status == 200));
    assert!(matches!(second.poll(waker), Poll::Ready(Ok(answer)) if answer.status == 200));
}

#[test]
fn where_asking_for_a_new_secret_failed_it_is_asked_for_again() {
    let rotated = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    let mut fixture = fixture();
    run(&fixture, &usual(), &signed(BODY, NOW)).unwrap();
    fixture.admitted.now_ms = NOW_MS + 2_000;
    let new = signed_as("standard-webhooks", rotated, BODY, NOW);
    assert_eq!(run(&fixture, &FakePlane::new(|_, _| None), &new), Err(Code::Unavailable));
    let plane = FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => reply(200, source_keys("standard-webhooks", rotated, 2)),
        _ => stored(),
    });
    assert_eq!(run(&fixture, &plane, &new).unwrap().status, 200);
}

fn source_keys(provider: &str, secret: &str, generation: u64) -> SourceKeys {
    SourceKeys {
        provider: provider.into(),
        secrets: vec![secret.into()],
        generation,
        url: None,
        scheme: None,
        awaiting_handshake: false,
    }
}
