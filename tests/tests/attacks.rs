//! The attack suite (claim B8): every route of the table as every attacker there is, the expected answer computed from what
//! the operation declares. A new route is attacked without anyone remembering; a new kind of id or body stops the suite
//! until it is told what an attacker would send.

mod attackers;

use crate::furnished::Furnished;
use crate::routes::{Case, absent, cases};
use attackers::{Attacker, Kind, attackers};
use e2e::Gate;
use protocol::access::{Access, Role};
use protocol::{Code, Operation};
use std::collections::BTreeMap;

/// What an attack must end in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    /// This refusal.
    Refused(Code),
    /// Not found, in the bytes that an id which never was gets.
    NeverWas,
    /// It is none: the caller may do that, and the tests by subject say what it does.
    Allowed,
}
use Expected::{Allowed, NeverWas, Refused};

/// The whole policy in one function. `foreign`: the case names an id of the victim's.
fn expected(kind: Kind, case: &Case, foreign: bool) -> Expected {
    match (kind, case.access()) {
        (_, Access::Edge) => panic!("the edge's own operations have no route"),
        (Kind::OtherOrigin | Kind::OtherSite, Access::Public) => Refused(Code::CrossOrigin),
        // A credential gives nothing there, and takes nothing; the body is empty.
        (_, Access::Public) => Refused(Code::ValidationFailed),
        (Kind::Nobody, _) => Refused(Code::Unauthenticated),
        (Kind::RevokedKey, _) => Refused(Code::KeyRevoked),
        (Kind::KeyElsewhere, _) => Refused(Code::IpNotAllowed),

        (Kind::OtherSite, _) => Refused(Code::CrossOrigin),
        (Kind::OtherOrigin | Kind::WithoutCsrf, _) if case.is_safe() => Allowed,
        (Kind::OtherOrigin, _) => Refused(Code::CrossOrigin),
        (Kind::WithoutCsrf, _) => Refused(Code::CsrfFailed),

        (
            Kind::KeyWithoutScope | Kind::KeyWithAllScopes | Kind::StrangersKey,
            Access::Session | Access::SessionNeeds(_) | Access::Operator,
        ) => Refused(Code::Forbidden),
        (Kind::KeyWithoutScope, Access::Needs(_)) => Refused(Code::InsufficientScope),

        (Kind::Member | Kind::StaleAdmin | Kind::Stranger, Access::Operator) => Refused(Code::Forbidden),
        (Kind::Member, Access::Needs(permission) | Access::SessionNeeds(permission))
            if !Role::Member.grants(permission) =>
        {
            Refused(Code::Forbidden)
        }
        // Of the generic connector: what is not safe by its method writes, and takes more than it declares.
        (Kind::Member, _) if matches!(case.operation, Operation::Proxy { .. }) && !case.is_safe() => {
            Refused(Code::Forbidden)
        }
        // A session is its person's own, not the org's.
        (Kind::Member, Access::Session) if matches!(case.operation, Operation::RevokeSession { .. }) => {
            NeverWas
        }
        (Kind::StaleAdmin, _) if case.operation.is_sensitive() => Refused(Code::ReauthenticationRequired),
        (Kind::Stranger | Kind::StrangersKey, _) if foreign => NeverWas,
        _ => Allowed,
    }
}

/// B8, N1, N2, N7, N8, M5, C4, C5, F9.
#[test]
fn b8_n1_n2_n7_n8_m5_c4_every_route_refuses_every_attacker() {
    let mut gate = Gate::start("attacks");
    let victim = Furnished::new(&gate);
    let attackers = attackers(&mut gate, &victim);
    let before = victim.state();
    let (own, unknown) = (cases(|kind| victim.id(kind)), cases(absent));

    let mut table: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for Attacker { name, kind, client } in &attackers {
        let row = table.entry(name).or_default();
        for (case, unknown) in own.iter().zip(&unknown) {
            let outcome = expected(*kind, case, case.path != unknown.path);
            println!("{} {} as {name}: {outcome:?}", case.method, case.path);
            match outcome {
                Refused(code) => {
                    let response = case.send(&client(case));
                    case.assert_refused(&response, code);
                    assert_eq!(response.header("set-cookie"), None, "{response}");
                    row[0] += 1;
                }
                NeverWas => {
                    let response = case.send(&client(case));
                    case.assert_refused(&response, Code::NotFound);
                    assert_eq!(response.fingerprint(), unknown.send(&client(unknown)).fingerprint());
                    row[1] += 1;
                }
                Allowed => row[2] += 1,
            }
        }
    }
    println!(
        "{:48} {:>8} {:>10} {:>8}  of {} routes",
        "attacker",
        "refused",
        "never was",
        "allowed",
        own.len()
    );
    for (name, [refused, never_was, allowed]) in &table {
        println!("{name:48} {refused:>8} {never_was:>10} {allowed:>8}");
    }
    let attacks: usize = table.values().map(|[refused, never_was, _]| refused + never_was).sum();
    println!("{attacks} attacks by {} attackers", table.len());
    assert!(attacks >= 800, "only {attacks}");

    assert_eq!(victim.state(), before, "and none left a trace with the victim");
    assert_eq!(victim.upstream.connections(), 0);
    // The victim's own requests do what the attackers' did not.
    for kind in ["api-keys", "connections", "sources", "inbound-events"] {
        victim.org.get(&format!("/v1/{kind}/{}", victim.id(kind))).send().ok(200);
    }
}
