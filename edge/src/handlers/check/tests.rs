use super::*;
use crate::testing::*;
use crate::verdict::{Task, Verdict};
use protocol::OrgId;
use std::cell::RefCell;

fn verified(assertion: Option<&str>) -> VerifiedPrincipal {
    VerifiedPrincipal {
        org_id: OrgId::parse(ORG).unwrap(),
        subject: "key_x".into(),
        role: None,
        scopes: None,
        rate_limit: None,
        allowed_ips: None,
        lease: None,
        assertion: assertion.map(|jwt| protocol::api::ShownOnce(jwt.to_owned())),
    }
}

fn auth_check() -> String {
    let (name, value) = bearer(&api_key());
    head("GET", "/v1/auth/check", &[(name, &value)])
}

/// The status at `now_ms`, asking the control plane where the decision says so.
fn status(state: &RefCell<State>, plane: &FakePlane, head: &str, now_ms: u64) -> u16 {
    let verdict = decide_at(&mut state.borrow_mut(), head, now_ms);
    match verdict {
        Verdict::Answer(answer) => answer.status,
        Verdict::GoOn(admitted) => {
            let Task::Check { caller, ahead } = &admitted.task else { panic!("{:?}", admitted.task) };
            let context = Context { state, plane, admitted: &admitted };
            block_on(handle(&context, caller, *ahead))
                .map_or_else(|refused| refused.code.status(), |answer| answer.status)
        }
    }
}

/// B5: what the edge decides alone is at most `max_staleness_seconds` old, to the millisecond.
#[test]
fn b5_a_good_answer_is_used_until_it_is_stale() {
    let (state, plane) = (RefCell::new(state()), FakePlane::new(|_, _| reply(200, verified(None))));
    let head = auth_check();
    for (after_ms, calls) in [(0, 1), (1, 1), (5000, 1), (5001, 2), (10_001, 2), (10_002, 3)] {
        assert_eq!(status(&state, &plane, &head, NOW_MS + after_ms), 200);
        assert_eq!(plane.calls.borrow().len(), calls, "after {after_ms} ms");
    }
}

#[test]
fn a_clock_that_steps_back_makes_no_answer_younger() {
    let (state, plane) = (RefCell::new(state()), FakePlane::new(|_, _| reply(200, verified(None))));
    let head = auth_check();
    status(&state, &plane, &head, NOW_MS);
    status(&state, &plane, &head, NOW_MS - 1);
    assert_eq!(plane.calls.borrow().len(), 2);
}

#[test]
fn a_refusal_is_kept_for_a_second() {
    let (state, plane) = (RefCell::new(state()), FakePlane::new(|_, _| refusal(Code::Unauthenticated)));
    let head = auth_check();
    for (after_ms, calls) in [(0, 1), (1000, 1), (1001, 2)] {
        assert_eq!(status(&state, &plane, &head, NOW_MS + after_ms), 401);
        assert_eq!(plane.calls.borrow().len(), calls, "after {after_ms} ms");
    }
}

#[test]
fn an_outage_is_not_kept_and_not_taken_for_a_refusal() {
    let (state, plane) = (RefCell::new(state()), FakePlane::new(|_, _| None));
    let head = auth_check();
    assert_eq!(status(&state, &plane, &head, NOW_MS), 503);
    assert_eq!(status(&state, &plane, &head, NOW_MS), 503);
    assert_eq!(plane.calls.borrow().len(), 2);
}

#[test]
fn one_principals_answer_is_not_anothers_and_shows_no_assertion() {
    let (state, plane) =
        (RefCell::new(state()), FakePlane::new(|_, _| reply(200, verified(Some("jwt.for.app")))));
    let (first, second) = (auth_check(), auth_check());
    status(&state, &plane, &first, NOW_MS);
    let Verdict::Answer(answer) = decide_at(&mut state.borrow_mut(), &first, NOW_MS) else { panic!() };
    assert!(answer.body.contains("key_x") && !answer.body.contains("jwt.for.app"), "{}", answer.body);
    status(&state, &plane, &second, NOW_MS);
    assert_eq!(plane.calls.borrow().len(), 2);
}

/// A gateway route goes by its own audience's assertion alone.
#[test]
fn an_assertion_is_for_one_route() {
    let mut isolate = state_with(|config| {
        for (path, audience) in [("/a/", "aud-a"), ("/b/", "aud-b")] {
            config.routes.push(config::GatewayRoute {
                path: path.into(),
                upstream: "https://up.test".into(),
                audience: audience.into(),
            });
        }
    });
    let (name, value) = bearer(&session_token(NOW + 600));
    let admitted: Vec<_> = ["/a/x?q=1", "/b/x", "/a/y"]
        .map(|path| admitted(&mut isolate, &head("GET", path, &[(name, &value)])))
        .into();
    let state = RefCell::new(isolate);
    let plane = FakePlane::new(|call, _| match &call.operation {
        Operation::VerifyPrincipal { audience: Some(audience), .. } => {
            reply(200, verified(Some(&format!("jwt-for-{audience}"))))
        }
        other => panic!("{other:?}"),
    });
    let onward: Vec<_> = admitted
        .iter()
        .map(|admitted| {
            let Task::Gateway { route, caller, ahead, path_and_query } = &admitted.task else { panic!() };
            let context = Context { state: &state, plane: &plane, admitted };
            block_on(crate::handlers::gateway::admit(&context, *route, caller, *ahead, path_and_query))
                .unwrap()
        })
        .collect();
    assert_eq!(onward[0].url, "https://up.test/a/x?q=1");
    assert_eq!(
        onward.iter().map(|onward| onward.assertion.as_str()).collect::<Vec<_>>(),
        ["jwt-for-aud-a", "jwt-for-aud-b", "jwt-for-aud-a"]
    );
    assert_eq!(plane.calls.borrow().len(), 2);
}

/// M6: a key with a limit of its own passes by what the org's object has leased, and by no more.
#[test]
fn m6_a_quota_of_ones_own_is_spent_from_leases() {
    let leased = |calls: usize| VerifiedPrincipal {
        rate_limit: Some(protocol::api::RateLimit { limit: 100, period_seconds: 60 }),
        lease: Some(Lease {
            ahead: if calls == 0 { 0 } else { 3 },
            ttl_ms: 5000,
            limit: 100,
            remaining: 90,
            reset_after_seconds: 6,
        }),
        ..verified(None)
    };
    let asked = RefCell::new(0);
    let plane = FakePlane::new(move |_, _| {
        let calls = asked.replace_with(|n| *n + 1);
        if calls == 2 { refusal(Code::RateLimited) } else { reply(200, leased(calls)) }
    });
    let (state, head) = (RefCell::new(state()), auth_check());
    // The first answer tells the quota; the second request asks for a lease, which three more spend.
    for (request, calls) in [(1, 1), (2, 2), (3, 2), (4, 2), (5, 2)] {
        assert_eq!(status(&state, &plane, &head, NOW_MS), 200, "request {request}");
        assert_eq!(plane.calls.borrow().len(), calls, "request {request}");
    }
    // The object refuses, and is not asked again before it said so, nor later than an answer is old.
    for (after_ms, calls) in [(0, 3), (1, 3), (999, 3), (1000, 4)] {
        let status = status(&state, &plane, &head, NOW_MS + after_ms);
        assert_eq!(
            (status == 429, plane.calls.borrow().len()),
            (after_ms < 1000, calls),
            "after {after_ms} ms"
        );
    }
}

/// N7: what is kept of a key holds for the networks that it is for.
#[test]
fn n7_a_kept_answer_serves_only_the_networks_of_the_key() {
    let here = VerifiedPrincipal { allowed_ips: Some(vec!["192.0.2.0/24".into()]), ..verified(None) };
    let (state, plane) = (RefCell::new(state()), FakePlane::new(move |_, _| reply(200, here.clone())));
    let (name, value) = bearer(&api_key());
    let from = |ip| head("GET", "/v1/auth/check", &[(name, &value), ("cf-connecting-ip", ip)]);
    assert_eq!(status(&state, &plane, &from("192.0.2.1"), NOW_MS), 200);
    assert_eq!(status(&state, &plane, &from("192.0.2.255"), NOW_MS), 200);
    for stranger in ["198.51.100.1", "2001:db8::1", "", "192.0.2.1, 198.51.100.1"] {
        assert_eq!(status(&state, &plane, &from(stranger), NOW_MS), 403, "{stranger}");
    }
    assert_eq!(plane.calls.borrow().len(), 1);
}
