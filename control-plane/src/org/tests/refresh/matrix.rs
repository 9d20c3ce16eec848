//! The fault matrix: one fault, three kinds of provider, and what becomes of the connection.

use super::*;

/// A single fault, and a caller that comes back as it is told to.
fn after(kind: Kind, fault: Fault) -> (Granted, String) {
    let granted = Granted::with_fault(kind, fault);
    let first = granted.one(None);
    granted.check(&first);
    let outcome = granted.patient();
    granted.check(&outcome);
    let said = say(&granted, &outcome);
    (granted, said)
}

/// The object is gone after so many steps of its call, if it gets so far; then a caller comes.
fn after_crash(kind: Kind, steps: usize) -> (Granted, String) {
    let mut granted = Granted::new(kind);
    {
        let mut tasks = granted.callers(1);
        for _ in 0..steps {
            if !tasks.poll_one(0) {
                granted.provider.tick();
            }
        }
    }
    granted.crash();
    let outcome = granted.patient();
    granted.check(&outcome);
    let said = say(&granted, &outcome);
    (granted, said)
}

fn say(granted: &Granted, outcome: &Outcome) -> String {
    match outcome {
        Ok(_) => "token".into(),
        Err(_) => granted.status().split_once('/').unwrap().1.to_owned(),
    }
}

const KINDS: [Kind; 3] = [Kind::Kept, Kind::Grace, Kind::Strict];

/// For each kind of provider, what it comes to and how many requests that took.
type Cells = [(&'static str, u32); 3];

const FAULTS: [(&str, Fault, Cells); 11] = [
    ("none", Fault::None, [("token", 1); 3]),
    ("the answer takes long", Fault::Slow, [("token", 1); 3]),
    ("the request does not arrive", Fault::Unreachable, [("token", 2); 3]),
    ("the answer is lost", Fault::AnswerLost, [("token", 2), ("token", 2), ("rotation_lost", 2)]),
    ("500 instead of doing it", Fault::Error500, [("token", 2); 3]),
    ("500 after doing it", Fault::Error500AfterWork, [("token", 2), ("token", 2), ("rotation_lost", 2)]),
    ("200 that cannot be read", Fault::Garbage, [("token", 2), ("token", 2), ("rotation_lost", 2)]),
    ("429 with Retry-After", Fault::TooMany, [("token", 2); 3]),
    ("invalid_client", Fault::InvalidClient, [("token", 2); 3]),
    ("400 of another kind", Fault::Odd400, [("token", 2); 3]),
    ("the person has ended the grant", Fault::GrantEnded, [("refused", 1); 3]),
];

/// After how many steps of the call the object is gone. Steps: poll (begin, and the request is on its way), the network (it
/// arrives), poll (the provider has done it), the network (the answer is here), poll (settled).
const CRASHES: [(&str, usize, Cells); 5] = [
    ("crash before it begins", 0, [("token", 1); 3]),
    ("crash after it began", 1, [("token", 2); 3]),
    ("crash after the provider did it", 3, [("token", 2), ("token", 2), ("rotation_lost", 2)]),
    ("crash with the answer unread", 4, [("token", 2), ("token", 2), ("rotation_lost", 2)]),
    // The refresh token is stored, the access token was in memory: another refresh is due.
    ("crash after it was settled", 5, [("token", 2); 3]),
];

#[test]
fn b1_any_single_fault_ends_with_a_token_or_a_plain_status() {
    for (name, fault, expected) in FAULTS {
        for (kind, expected) in KINDS.into_iter().zip(expected) {
            let (granted, said) = after(kind, fault);
            assert_eq!((said.as_str(), granted.provider.sent()), expected, "{name} {kind:?}");
            assert_eq!(granted.provider.with(|state| state.most_in_flight), 1);
            assert!(granted.is_settled());
        }
    }
}

#[test]
fn b1_a_crash_at_any_step_ends_with_a_token_or_a_plain_status() {
    for (name, steps, expected) in CRASHES {
        for (kind, expected) in KINDS.into_iter().zip(expected) {
            let (granted, said) = after_crash(kind, steps);
            assert_eq!((said.as_str(), granted.provider.sent()), expected, "{name} {kind:?}");
            assert!(granted.is_settled());
        }
    }
}

#[test]
fn b1_a_lost_rotation_is_said_to_be_one() {
    let (granted, said) = after(Kind::Strict, Fault::AnswerLost);
    assert_eq!(said, "rotation_lost");
    let event = granted.tenant.last_event();
    assert_eq!(event["action"], "connection.reauthorization_required");
    assert_eq!(event["metadata"]["reason"], "rotation_lost");
    let connection = granted.tenant.ok(Operation::GetConnection { id: granted.id.clone() }, &Json::Null);
    assert_eq!(connection["status"], "reauthorization_required");
    assert_eq!(connection["status_reason"], "rotation_lost");
}

#[test]
#[ignore = "prints the table of ARCHITECTURE.md"]
fn figures_of_the_fault_matrix() {
    let mut table = String::from(
        "| fault | refresh token kept | rotated, with a grace | rotated, reuse ends the grant |\n|---|---|---|---|\n",
    );
    let mut row = |name: &str, run: &dyn Fn(Kind) -> (Granted, String)| {
        let cells = KINDS.map(|kind| {
            let (granted, said) = run(kind);
            format!("{said}, {}", granted.provider.sent())
        });
        table += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    for (name, fault, _) in FAULTS {
        row(name, &|kind| after(kind, fault));
    }
    for (name, steps, _) in CRASHES {
        row(name, &|kind| after_crash(kind, steps));
    }
    eprintln!("{table}");
}
