//! A server whose configuration names an operator, signed in as such: for what operators set.

use config::{Config, Plan, Quota};
use e2e::subject::CONFIRM;
use e2e::{Authenticator, Gate, Org, Response, fresh_email};
use protocol::Meter;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};
use std::thread;

/// A server with its operator signed in.
pub(crate) struct Operated {
    pub gate: Gate,
    pub operator: Org,
}

impl Operated {
    /// The one that the tests here share. Nothing multiplies its limits.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Operated> = LazyLock::new(Operated::start);
        &SHARED
    }

    fn start() -> Self {
        let email = fresh_email();
        let config = configuration(&email);
        let gate = Gate::start_with("operated", |options| {
            options.config = Some(config);
            options.variables.insert("RATE_LIMIT_SCALE".into(), "1".into());
        });
        let person = Org::sign_up_as(&gate.client(), &email);
        let (operator, _) = become_operator(&gate, &person);
        Self { gate, operator }
    }

    /// Puts an org on a plan.
    pub(crate) fn set_plan(&self, org: &Org, plan: &str, at_once: bool) -> Response {
        let body = json!({ "plan": plan, "at_once": at_once });
        self.operator.put(&format!("/v1/admin/orgs/{}/plan", org.id), &body).send()
    }
}

/// Proves the email, sets up a second factor, signs in with both.
pub(crate) fn become_operator(gate: &Gate, person: &Org) -> (Org, Authenticator) {
    let token = gate.mailed_token(&person.email, CONFIRM, 1);
    person.post("/v1/email/verify", &json!({ "token": token })).send().ok(204);
    let (mut app, _) = person.second_factor();
    (person.session_with(&mut app), app)
}

/// With plans that are soon used up, and no limit in the way.
fn configuration(operator: &str) -> Config {
    let mut config = e2e::config();
    config.operators.super_admins = vec![operator.to_owned(), "unproven@example.com".to_owned()];
    let plenty = Quota { limit: 10_000, period_seconds: 1 };
    config.rate_limits.ip = plenty;
    config.rate_limits.auth = plenty;
    config.rate_limits.passwords = plenty;
    config.rate_limits.principal = plenty;
    let full = config.plans.plans["scale"].clone();
    let monthly =
        BTreeMap::from([(Meter::InboundEvents, 3), (Meter::ProxyCalls, 5), (Meter::KeyVerifications, 4)]);
    config.plans.plans.insert("metered".to_owned(), Plan { level: 3, monthly, ..full.clone() });
    let small = Plan { level: 4, api_keys: 2, connections: 1, members: 3, sources: 1, ..full };
    config.plans.plans.insert("small".to_owned(), small);
    config
}

/// The statuses of so many requests, sent by four at once.
pub(crate) fn tally(requests: usize, send: impl Fn() -> Response + Sync) -> BTreeMap<u16, usize> {
    let left = Mutex::new(requests);
    let statuses = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while take(&left) {
                    let status = send().status;
                    *statuses.lock().unwrap().entry(status).or_default() += 1;
                }
            });
        }
    });
    statuses.into_inner().unwrap()
}

fn take(left: &Mutex<usize>) -> bool {
    let mut left = left.lock().unwrap();
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}
