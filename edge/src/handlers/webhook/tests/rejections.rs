//! What the tenant is told of refused requests, and what that may cost.

use super::*;

/// Refuses a request and sends what is to be reported, as the platform does after the answer.
fn refuse(fixture: &Fixture, plane: &FakePlane, incoming: &Incoming) -> Code {
    let context = Context { state: &fixture.state, plane, admitted: &fixture.admitted };
    let refused = block_on(handle(&context, &fixture.source, incoming)).unwrap_err();
    if let Some(report) = refused.report {
        block_on(report.send(plane, &fixture.state));
    }
    refused.code
}

fn reports(plane: &FakePlane) -> Vec<(String, String, u64)> {
    let operations = plane.operations().into_iter();
    let reports = operations.filter_map(|operation| match operation {
        Operation::RecordRejections(it) => Some((it.code, it.reason, it.count)),
        _ => None,
    });
    reports.collect()
}

fn forged() -> Incoming {
    Incoming { headers: Vec::new(), ..signed(BODY, NOW) }
}

/// C6: the tenant is told what was wrong and who sent it, the sender only the code.
#[test]
fn c6_a_refused_request_is_reported_with_its_reason_and_sender() {
    let (mut fixture, plane) = (fixture(), usual());
    fixture.admitted.client.ip = "192.0.2.7".into();
    refuse(&fixture, &plane, &forged());
    refuse(&fixture, &plane, &signed(BODY, NOW - 301));
    assert_eq!(
        reports(&plane),
        [
            ("signature_invalid".into(), Refusal::SignatureMissing.to_string(), 1),
            ("timestamp_out_of_tolerance".into(), Refusal::TimestampTooOld.to_string(), 1),
        ]
    );
    let calls = plane.calls.borrow();
    let (call, body) = calls.last().unwrap();
    assert_eq!(call.client.ip, "192.0.2.7");
    assert_eq!(call.operation.source(), Some(&fixture.source));
    assert!(body.is_empty(), "nothing of the request is kept");
}

#[test]
fn what_is_no_refusal_of_the_sender_is_not_reported() {
    for answer in [None, Some(500), Some(403), Some(404)] {
        let plane = FakePlane::new(move |call, _| match call.operation {
            Operation::SourceKeys { .. } => keys(1),
            _ => answer.and_then(|status| reply(status, ())),
        });
        refuse(&fixture(), &plane, &signed(BODY, NOW));
        assert!(reports(&plane).is_empty());
    }
}

/// A flood costs the org's object thirty calls a minute, and not one of its requests goes uncounted for long.
#[test]
fn a_flood_of_forgeries_makes_few_calls_and_is_counted_whole() {
    let (mut fixture, plane) = (fixture(), usual());
    for request in 0..6_000 {
        fixture.admitted.now_ms = NOW_MS + request * 10;
        assert_eq!(refuse(&fixture, &plane, &forged()), Code::SignatureInvalid);
    }
    let made = reports(&plane);
    assert!((30..=60).contains(&made.len()), "{}", made.len());
    let counted: u64 = made.iter().map(|(_, _, count)| count).sum();
    assert!((5_800..=6_000).contains(&counted), "{counted}");
    let keys = plane.operations().len() - made.len();
    assert!(keys <= 31, "{keys} times asked for keys");
}

#[test]
fn a_flood_at_one_source_hides_nothing_of_another() {
    let (mut fixture, plane) = (fixture(), usual());
    for _ in 0..100 {
        refuse(&fixture, &plane, &forged());
    }
    let before = reports(&plane).len();
    fixture.source = SourceId::parse(&source_id()).unwrap();
    refuse(&fixture, &plane, &forged());
    assert_eq!(reports(&plane).len(), before + 1);
}

#[test]
fn a_report_that_fails_is_made_up_for_by_the_next_and_the_sender_sees_nothing_of_it() {
    for failure in [None, Some(500), Some(503), Some(429)] {
        let (fixture, works) = (fixture(), std::rc::Rc::new(Cell::new(false)));
        let now_works = works.clone();
        let plane = FakePlane::new(move |call, _| match call.operation {
            Operation::SourceKeys { .. } => keys(1),
            _ if now_works.get() => reply(204, ()),
            _ => failure.and_then(|status| reply(status, ())),
        });
        for _ in 0..3 {
            assert_eq!(refuse(&fixture, &plane, &forged()), Code::SignatureInvalid);
        }
        works.set(true);
        refuse(&fixture, &plane, &forged());
        assert_eq!(reports(&plane).last().unwrap().2, 4, "{failure:?}");
        refuse(&fixture, &plane, &forged());
        assert_eq!(reports(&plane).last().unwrap().2, 1, "{failure:?}");
    }
}
