//! The secret that a provider sends when the webhook is registered.

use super::*;

const HOOK_SECRET: &str = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";
const TOKEN: &str = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
const EVENTS: &[u8] = br#"{"events":[]}"#;

fn awaiting(provider: &str) -> SourceKeys {
    SourceKeys { secrets: Vec::new(), awaiting_handshake: true, ..source_keys(provider, "", 1) }
}

/// A source that waits until the first secret has come, as the org's object keeps it.
fn plane(provider: &'static str) -> FakePlane {
    let secret = RefCell::new(None::<String>);
    FakePlane::new(move |call, _| {
        let secret = &mut *secret.borrow_mut();
        match &call.operation {
            Operation::SourceKeys { .. } => match secret {
                None => reply(200, awaiting(provider)),
                Some(secret) => reply(200, source_keys(provider, secret, 2)),
            },
            Operation::FinishHandshake { .. } if secret.is_some() => refusal(Code::SourceOutdated),
            Operation::FinishHandshake { secret: sent, .. } => {
                *secret = Some(sent.0.clone());
                reply(204, ())
            }
            _ => stored(),
        }
    })
}

fn asana(secret: &str) -> Incoming {
    Incoming {
        path_and_query: "/in/x".into(),
        headers: vec![("x-hook-secret".into(), secret.into())],
        body: b"{}".to_vec(),
    }
}

fn notion(body: &str) -> Incoming {
    Incoming { path_and_query: "/in/x".into(), headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn handshakes(plane: &FakePlane) -> Vec<String> {
    let operations = plane.operations().into_iter();
    let secrets = operations.filter_map(|operation| match operation {
        Operation::FinishHandshake { secret, .. } => Some(secret.0),
        _ => None,
    });
    secrets.collect()
}

#[test]
fn asanas_secret_is_stored_said_back_and_used() {
    let (fixture, plane) = (fixture(), plane("asana"));
    let answer = run(&fixture, &plane, &asana(HOOK_SECRET)).unwrap();
    assert_eq!((answer.status, answer.header("x-hook-secret")), (200, Some(HOOK_SECRET)));
    assert_eq!(handshakes(&plane), [HOOK_SECRET]);
    // What was in memory is forgotten: the first event is verified at once.
    let event = signed_as("asana", HOOK_SECRET, EVENTS, NOW);
    assert_eq!(run(&fixture, &plane, &event).unwrap().status, 200);
}

#[test]
fn notions_token_is_stored_and_never_said_back() {
    let (fixture, plane) = (fixture(), plane("notion"));
    let body = format!(r#"{{"verification_token":"{TOKEN}"}}"#);
    let answer = run(&fixture, &plane, &notion(&body)).unwrap();
    assert_eq!((answer.status, answer.body.as_ref(), answer.headers.len()), (200, "{}", 0));
    assert_eq!(handshakes(&plane), [TOKEN]);
}

/// N4: the first secret stays, whoever sends another.
#[test]
fn n4_a_second_handshake_is_refused_like_any_unsigned_request() {
    let (mut fixture, plane) = (fixture(), plane("asana"));
    run(&fixture, &plane, &asana(HOOK_SECRET)).unwrap();
    for after_ms in [0, 5_000] {
        fixture.admitted.now_ms = NOW_MS + after_ms;
        for secret in [HOOK_SECRET, "0123456789abcdef0123456789abcdef"] {
            assert_eq!(run(&fixture, &plane, &asana(secret)), Err(Code::SignatureInvalid));
        }
    }
    assert_eq!(handshakes(&plane).len(), 1, "the edge does not even pass it on");
}

/// An isolate that still believes the source to be waiting asks the org's object, which knows better.
#[test]
fn an_isolate_that_is_behind_cannot_be_used_to_change_the_secret() {
    let (here, elsewhere, plane) = (fixture(), fixture(), plane("asana"));
    assert_eq!(
        run(&here, &plane, &signed_as("asana", "x".repeat(32).as_str(), EVENTS, NOW)).err(),
        Some(Code::SignatureInvalid),
        "so that it is in this isolate's memory"
    );
    run(&elsewhere, &plane, &asana(HOOK_SECRET)).unwrap();
    assert_eq!(run(&here, &plane, &asana("0123456789abcdef0123456789abcdef")), Err(Code::SignatureInvalid));
    assert_eq!(run(&here, &plane, &signed_as("asana", HOOK_SECRET, EVENTS, NOW)).unwrap().status, 200);
}

#[test]
fn while_it_waits_nothing_is_an_event() {
    let long = "a".repeat(257);
    let big = format!(r#"{{"verification_token":"{TOKEN}","x":"{}"}}"#, "y".repeat(4096));
    let token = format!(r#"{{"verification_token":"{TOKEN}"}}"#);
    for (provider, incoming) in [
        ("asana", asana("")),
        ("asana", asana("short")),
        ("asana", asana(&long)),
        ("asana", asana("0123456789abcdef\u{e9}\u{e9}")),
        ("asana", asana(&[HOOK_SECRET, HOOK_SECRET].join(", "))),
        ("asana", notion(&token)),
        ("asana", signed_as("asana", HOOK_SECRET, EVENTS, NOW)),
        ("notion", notion(&big)),
        ("notion", notion(r#"{"verification_token":null}"#)),
        ("notion", notion("{}")),
        ("notion", asana(HOOK_SECRET)),
        ("notion", signed_as("notion", TOKEN, token.as_bytes(), NOW)),
    ] {
        let (fixture, plane) = (fixture(), plane(provider));
        let refused = run(&fixture, &plane, &incoming);
        assert_eq!(refused, Err(Code::SignatureInvalid), "{provider} {:?}", incoming.headers);
        assert!(handshakes(&plane).is_empty());
    }
}

#[test]
fn another_providers_source_takes_no_secret() {
    let plane = FakePlane::new(|call, _| match call.operation {
        Operation::SourceKeys { .. } => reply(200, awaiting("github")),
        _ => panic!("nothing is stored"),
    });
    assert_eq!(run(&fixture(), &plane, &asana(HOOK_SECRET)), Err(Code::SignatureInvalid));
}

#[test]
fn a_secret_that_was_not_stored_is_not_acknowledged() {
    for (answer, expected) in
        [(None, Code::Unavailable), (Some(500), Code::Unavailable), (Some(404), Code::NotFound)]
    {
        let plane = FakePlane::new(move |call, _| match call.operation {
            Operation::SourceKeys { .. } => reply(200, awaiting("asana")),
            _ => answer.and_then(|status| reply(status, ())),
        });
        assert_eq!(run(&fixture(), &plane, &asana(HOOK_SECRET)), Err(expected));
    }
}
