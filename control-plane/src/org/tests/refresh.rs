//! Refreshing an access token against a provider that keeps, rotates or jealously rotates its refresh tokens, with answers
//! lost, callers gone and the object itself gone at every step (claims B1, T7, C9).

mod matrix;
mod provider;
mod runtime;
mod schedules;

use super::*;
use crate::org::dek;
use crate::org::oauth::{AccessToken, access_token};
pub(super) use provider::{Fault, Kind, Provider};
use runtime::Tasks;
use secrecy::ExposeSecret as _;
use std::pin::Pin;

const HOUR: u64 = 3_600_000;

type Outcome = Result<AccessToken, AppError>;

/// A tenant with a connection that has been granted access, and its provider.
pub(super) struct Granted {
    pub tenant: Tenant,
    pub provider: Provider,
    pub id: ConnectionId,
    call: Call,
}

impl Granted {
    pub(super) fn new(kind: Kind) -> Self {
        let tenant = Tenant::new(1);
        let id = connect(&tenant, "gmail", Some("fake-refresh-0"), None);
        let call = call(tenant.founder.clone(), Operation::Me);
        Self { provider: Provider::new(kind, NOW), tenant, id, call }
    }

    fn with_fault(kind: Kind, fault: Fault) -> Self {
        let granted = Self::new(kind);
        granted.provider.with(|state| state.faults.push_back(fault));
        granted
    }

    fn ask(&self, refused: Option<u64>) -> Pin<Box<dyn Future<Output = Outcome> + '_>> {
        Box::pin(access_token(self.tenant.context(&self.call), &self.provider, &self.id, refused))
    }

    pub(super) fn callers(&self, count: usize) -> Tasks<'_, Outcome> {
        Tasks::new((0..count).map(|_| self.ask(None)))
    }

    /// One call, from beginning to end.
    fn one(&self, refused: Option<u64>) -> Outcome {
        let mut tasks = Tasks::new([self.ask(refused)]);
        tasks.finish(|| self.provider.tick());
        tasks.results().pop().unwrap()
    }

    pub(super) fn token(&self) -> AccessToken {
        self.one(None).unwrap()
    }

    /// A caller that comes back as it is told to, until there is a token or nothing more to wait for.
    fn patient(&self) -> Outcome {
        for _ in 0..12 {
            match self.one(None) {
                Err(AppError::Later { code: Code::RefreshFailed, retry_after_seconds, .. }) => {
                    self.provider.pass(u64::from(retry_after_seconds) * 1000);
                }
                outcome => return outcome,
            }
        }
        panic!("put off for ever");
    }

    /// The object is gone with all that it had in memory; its database stays.
    fn crash(&mut self) {
        self.tenant.sleep();
    }

    pub(super) fn column(&self, column: &str) -> Value {
        let select = format!("SELECT {column} FROM connections WHERE id = ?");
        self.tenant.sql.exec(&select, &[self.id.as_str().into()]).unwrap()[0].0[0].clone()
    }

    /// `active`, or `reauthorization_required/refused` and so on.
    fn status(&self) -> String {
        let text = |column| match self.column(column) {
            Value::Text(text) => format!("/{text}"),
            _ => String::new(),
        };
        format!("{}{}", text("status"), text("status_reason")).split_off(1)
    }

    fn is_settled(&self) -> bool {
        self.column("refresh_begun_at") == Value::Null
    }

    pub(super) fn actions(&self, prefix: &str) -> Vec<String> {
        let events =
            self.tenant.sql.exec("SELECT action FROM audit ORDER BY sequence", &[]).unwrap().into_iter();
        events
            .map(|row| row.text(0).unwrap().to_owned())
            .filter(|action| action.starts_with(prefix))
            .collect()
    }

    /// Each outcome is a token that the provider takes, or says plainly that there is none.
    fn check(&self, outcome: &Outcome) {
        match outcome {
            Ok(token) => assert!(self.provider.takes(token.token.expose_secret()), "{token:?}"),
            Err(AppError::Later { code: Code::RefreshFailed, retry_after_seconds, .. }) => {
                assert!((1..=900).contains(retry_after_seconds));
            }
            Err(AppError::Refused(Code::ConnectionNotReady, Some(_))) => {
                assert!(self.status().starts_with("reauthorization_required/"), "{}", self.status());
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// A connection of a connector with OAuth, as it is once access was granted.
pub(super) fn connect(
    tenant: &Tenant,
    connector: &str,
    refresh: Option<&str>,
    access: Option<&str>,
) -> ConnectionId {
    let id = ConnectionId::new(NOW, [tenant.count("audit") as u8; 10]);
    let credential = connectors::Credential::oauth(refresh.map(Into::into), access.map(Into::into)).unwrap();
    let hosts = ["gmail.googleapis.com".to_owned()];
    let call = call(tenant.founder.clone(), Operation::Me);
    let place = crate::org::connections::place(&tenant.org, &id, connector, &hosts);
    let sealed = dek::seal(tenant.context(&call), &place, &credential.to_sealed_plaintext()).unwrap();
    let client = Operation::SetConnectorClient { connector: connector.to_owned() };
    tenant.ok(client, &json!({ "client_id": "client", "client_secret": "fake-client-secret" }));
    let insert = "INSERT INTO connections (id, connector, name, base_url, auth_type, allowed_hosts, sealed, created_by, \
                  created_at, client_id) \
                  VALUES (?, ?, 'Mail', 'https://gmail.googleapis.com', 'oauth2', ?, ?, 'test', 0, 'client')";
    let hosts = serde_json::to_string(&hosts).unwrap();
    let values = [id.as_str().into(), connector.into(), hosts.into(), sealed.into_bytes().into()];
    tenant.sql.exec(insert, &values).unwrap();
    id
}

/// What a reconnect or another credential does to the row.
fn overtake(tenant: &Tenant, id: &ConnectionId) {
    let update = "UPDATE connections SET generation = generation + 1, refresh_begun_at = NULL WHERE id = ?";
    tenant.sql.exec(update, &[id.as_str().into()]).unwrap();
}

#[test]
fn b1_a_hundred_callers_one_refresh() {
    for kind in [Kind::Kept, Kind::Grace, Kind::Strict] {
        for callers in [1, 100, 1000] {
            let granted = Granted::new(kind);
            let mut tasks = granted.callers(callers);
            tasks.finish(|| granted.provider.tick());
            let tokens = tasks.results();
            assert_eq!((tokens.len(), granted.provider.sent()), (callers, 1));
            tokens.iter().for_each(|token| granted.check(token));
            assert!(tokens.iter().all(Result::is_ok) && granted.is_settled());
        }
    }
}

#[test]
fn t1_a_refresh_that_brings_more_than_was_asked_for_ends_the_connections_use() {
    const ASKED: &str = "https://www.googleapis.com/auth/gmail.readonly";
    const MISSING: &str = "https://www.googleapis.com/auth/gmail.metadata";
    let granted = Granted::new(Kind::Strict);
    let update = "UPDATE connections SET scopes = ?, missing_scopes = ?";
    let values = [json!([ASKED]).to_string().into(), json!([MISSING]).to_string().into()];
    granted.tenant.sql.exec(update, &values).unwrap();
    // As granted, or as asked.
    for scope in [
        ASKED,
        concat!(
            "https://www.googleapis.com/auth/gmail.metadata ",
            "https://www.googleapis.com/auth/gmail.readonly"
        ),
    ] {
        granted.provider.with(|state| state.scope = Some(scope));
        granted.token();
        granted.provider.pass(HOUR);
    }
    granted.provider.with(|state| state.scope = Some("https://mail.google.com/"));
    let refused = granted.one(None);
    assert_eq!(refused.unwrap_err().public().0, Code::ConnectionNotReady);
    assert_eq!(granted.status(), "reauthorization_required/refused");
    assert_eq!(
        granted.actions("connection."),
        ["connection.scopes_exceeded", "connection.reauthorization_required"]
    );
    assert_eq!(granted.one(None).unwrap_err().public().0, Code::ConnectionNotReady);
    assert_eq!(granted.provider.sent(), 3);
    assert!(granted.tenant.verify_audit().ok);
    // What there is to revoke is the newest.
    let delete = Operation::DeleteConnection { id: granted.id.clone() };
    granted.tenant.call_outside(&granted.tenant.founder, delete, &Json::Null, &granted.provider).unwrap();
    let revoked = granted.provider.with(|state| state.revoked.clone());
    assert!(revoked[0].contains("token=fake-refresh-3&"), "{revoked:?}");
}

#[test]
fn a_token_of_the_grant_before_is_not_used_for_the_one_after() {
    let granted = Granted::new(Kind::Kept);
    let operation = Operation::TestConnection { id: granted.id.clone() };
    let call = call(granted.tenant.founder.clone(), operation);
    let ask = || leave(granted.tenant.context(&call), &granted.provider, None, None);
    let mut tasks = Tasks::new((0..2).map(|_| -> Pin<Box<dyn Future<Output = _>>> { Box::pin(ask()) }));
    assert!(tasks.poll_one(0) && tasks.poll_one(0));
    // One of the two sees the answer. Before the other one does, the person has granted access anew.
    while tasks.running() == 2 {
        if !tasks.poll_one(0) {
            granted.provider.tick();
        }
    }
    overtake(&granted.tenant, &granted.id);
    tasks.finish(|| granted.provider.tick());
    let numbers = tasks.results().into_iter().map(|reply| super::granted(json_of(&reply.unwrap())).token);
    assert_eq!(numbers.collect::<Vec<_>>(), [Some(2), Some(4)]);
}

#[test]
fn t7_each_expiry_is_one_more_refresh_and_none_asks_for_the_person() {
    let granted = Granted::new(Kind::Strict);
    for round in 1..=5 {
        let mut tasks = granted.callers(100);
        tasks.finish(|| granted.provider.tick());
        assert!(tasks.results().iter().all(|token| token.as_ref().unwrap().number == u64::from(round) + 1));
        assert_eq!(granted.provider.sent(), round);
        // A minute before its end it is no longer used, and not any earlier.
        granted.provider.pass(HOUR - 60_001);
        granted.token();
        assert_eq!(granted.provider.sent(), round);
        granted.provider.pass(1);
    }
    assert_eq!(granted.status(), "active");
}

#[test]
fn b1_a_refresh_goes_on_when_its_first_caller_goes_away() {
    for dropped in [0, 1, 2] {
        let granted = Granted::new(Kind::Strict);
        let mut tasks = granted.callers(3);
        (0..3).for_each(|_| assert!(tasks.poll_one(0)));
        granted.provider.tick();
        tasks.drop_one(dropped);
        tasks.finish(|| granted.provider.tick());
        assert_eq!((tasks.results().len(), granted.provider.sent()), (2, 1));
    }
}

#[test]
fn b1_a_refresh_that_everybody_has_left_is_taken_up_by_who_comes_next() {
    for ticks in 0..4 {
        let granted = Granted::new(Kind::Strict);
        let mut tasks = granted.callers(2);
        (0..2).for_each(|_| assert!(tasks.poll_one(0)));
        (0..ticks).for_each(|_| {
            granted.provider.tick();
        });
        (0..2).for_each(|_| tasks.drop_one(0));
        drop(tasks);
        assert!(!granted.is_settled());
        granted.token();
        assert_eq!((granted.provider.sent(), granted.is_settled()), (1, true));
    }
}

#[test]
fn a_refusal_of_the_newest_token_brings_another_and_of_an_older_one_the_newest() {
    let granted = Granted::new(Kind::Strict);
    let first = granted.token();
    let mut tasks = Tasks::new((0..100).map(|_| granted.ask(Some(first.number))));
    tasks.finish(|| granted.provider.tick());
    assert!(tasks.results().iter().all(|token| token.as_ref().unwrap().number > first.number));
    assert_eq!(granted.provider.sent(), 2);
    // Who comes late with the first one gets what there is.
    let second = granted.one(Some(first.number)).unwrap();
    assert_eq!(granted.provider.sent(), 2);
    // A provider that refuses whatever it gives is not asked each time; the answer says that there is no other.
    assert_eq!(granted.one(Some(second.number)).unwrap().number, second.number);
    assert_eq!(granted.provider.sent(), 2);
    granted.provider.pass(60_000);
    assert!(granted.one(Some(second.number)).unwrap().number > second.number);
    assert_eq!(granted.provider.sent(), 3);
}

#[test]
fn c9_a_token_that_does_not_expire_is_used_as_it_is_and_its_refusal_ends_nothing() {
    let mut granted = Granted::new(Kind::Kept);
    granted.id = connect(&granted.tenant, "gmail", None, Some("fake-access-for-ever"));
    let token = granted.token();
    assert_eq!(token.token.expose_secret(), "fake-access-for-ever");
    assert_eq!(granted.one(Some(token.number)).unwrap().number, token.number);
    assert_eq!((granted.status().as_str(), granted.provider.sent()), ("active", 0));
}

#[test]
fn c9_no_access_token_is_ever_stored_and_no_refresh_token_in_the_clear() {
    for kind in [Kind::Kept, Kind::Strict] {
        let granted = Granted::new(kind);
        for _ in 0..3 {
            let token = granted.token();
            assert!(!format!("{token:?}").contains("fake"));
            granted.provider.pass(HOUR);
        }
        let file = granted.tenant.sql.bytes();
        let secrets = granted.provider.with(|state| state.secrets.clone());
        assert!(secrets.len() > 3);
        for secret in secrets {
            assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
}

#[test]
fn m7_every_use_of_a_refresh_token_is_in_the_audit_trail_before_it_is_sent() {
    let granted = Granted::with_fault(Kind::Strict, Fault::Error500);
    let mut tasks = granted.callers(1);
    assert!(tasks.poll_one(0));
    assert_eq!(granted.actions("credential."), ["credential.refresh_begun"]);
    tasks.finish(|| granted.provider.tick());
    granted.patient().unwrap();
    assert_eq!(
        granted.actions("credential."),
        [
            "credential.refresh_begun",
            "credential.refresh_failed",
            "credential.refresh_begun",
            "credential.refreshed"
        ]
    );
    assert!(granted.tenant.verify_audit().ok);
}

#[test]
fn who_is_put_off_is_told_for_how_long_and_the_provider_is_left_alone_meanwhile() {
    let granted = Granted::new(Kind::Kept);
    granted.provider.with(|state| state.faults.extend([Fault::Error500; 8]));
    let mut waits = Vec::new();
    for round in 1..=8 {
        let mut tasks = granted.callers(10);
        tasks.finish(|| granted.provider.tick());
        let refused = tasks.results().pop().unwrap().unwrap_err();
        let AppError::Later { retry_after_seconds, .. } = refused else { panic!("{refused:?}") };
        waits.push(retry_after_seconds);
        granted.provider.pass(u64::from(retry_after_seconds) * 1000 - 1);
        assert!(granted.one(None).is_err());
        assert_eq!(granted.provider.sent(), round);
        granted.provider.pass(1);
    }
    assert_eq!(waits, [1, 2, 5, 15, 60, 300, 300, 300]);
    granted.token();
    assert_eq!(granted.column("refresh_failures"), Value::Integer(0));

    let granted = Granted::with_fault(Kind::Kept, Fault::TooMany);
    let problem = Reply::problem(&granted.one(None).unwrap_err(), &RequestId::new(0, [0; 10]));
    assert_eq!((problem.status, problem.retry_after), (503, Some(20)));
    // Nothing was lost, so nothing is unsettled.
    assert!(granted.is_settled());
}

#[test]
fn t7_a_token_serves_to_its_end_while_its_provider_cannot_renew_it() {
    let granted = Granted::new(Kind::Strict);
    let first = granted.token();
    granted.provider.with(|state| state.faults.extend([Fault::Error500; 9]));
    granted.provider.pass(HOUR - 60_000);
    for now_s in 3540..3600 {
        granted.provider.set_clock(NOW + now_s * 1000);
        let mut tasks = granted.callers(10);
        tasks.finish(|| granted.provider.tick());
        assert!(tasks.results().iter().all(|token| token.as_ref().unwrap().number == first.number));
    }
    // Asked again at the pace of any other failure, and by nobody who was told that it is refused.
    assert_eq!(granted.provider.sent(), 1 + 5);
    assert!(granted.one(Some(first.number)).is_err());
    granted.provider.set_clock(NOW + HOUR);
    assert!(granted.one(None).is_err());
}

#[test]
fn the_operators_fault_is_said_and_is_no_reason_to_ask_the_person() {
    let granted = Granted::with_fault(Kind::Strict, Fault::InvalidClient);
    let refused = granted.one(None).unwrap_err();
    assert!(refused.public().1.unwrap().contains("client_id"));
    assert_eq!(granted.status(), "active/client_refused");
    let again = granted.one(None).unwrap_err();
    assert!(again.public().1.unwrap().contains("client_id"));
    granted.patient().unwrap();
    assert_eq!(granted.status(), "active");
}

#[test]
fn a_connection_that_got_another_credential_meanwhile_keeps_it() {
    for fault in [Fault::None, Fault::GrantEnded, Fault::Error500, Fault::AnswerLost] {
        let granted = Granted::with_fault(Kind::Grace, fault);
        let mut tasks = granted.callers(3);
        (0..3).for_each(|_| assert!(tasks.poll_one(0)));
        granted.provider.tick();
        assert!(tasks.poll_one(0));
        overtake(&granted.tenant, &granted.id);
        granted.provider.with(|state| state.grant_anew());
        tasks.finish(|| granted.provider.tick());
        // What the first request came to is of no account; everybody has the token of the one after it.
        let tokens = tasks.results();
        tokens.iter().for_each(|token| granted.check(token));
        assert!(tokens.iter().all(|token| token.as_ref().unwrap().number == 3), "{tokens:?}");
        assert_eq!((granted.provider.sent(), granted.status().as_str()), (2, "active"));
    }
}

#[test]
fn a_token_of_a_grant_that_is_over_is_not_used() {
    let granted = Granted::new(Kind::Kept);
    let first = granted.token();
    overtake(&granted.tenant, &granted.id);
    assert_ne!(granted.token().token.expose_secret(), first.token.expose_secret());
}

#[test]
fn a_connection_that_waits_for_a_person_sends_nothing() {
    for status in ["pending", "reauthorization_required"] {
        let granted = Granted::new(Kind::Kept);
        let update = format!("UPDATE connections SET status = '{status}'");
        granted.tenant.sql.exec(&update, &[]).unwrap();
        assert_eq!(granted.one(None).unwrap_err().public().0, Code::ConnectionNotReady);
        assert_eq!(granted.provider.sent(), 0);
    }
    let granted = Granted { id: ConnectionId::new(0, [9; 10]), ..Granted::new(Kind::Kept) };
    assert_eq!(granted.one(None).unwrap_err().public().0, Code::NotFound);
}

#[test]
fn b1_a_database_that_fails_at_the_end_loses_nothing() {
    let granted = Granted::new(Kind::Strict);
    let fail = "CREATE TEMP TRIGGER fail BEFORE UPDATE OF refreshed_at ON connections BEGIN SELECT RAISE(ABORT, 'full'); END";
    granted.tenant.sql.exec(fail, &[]).unwrap();
    let mut tasks = granted.callers(3);
    tasks.finish(|| granted.provider.tick());
    assert!(tasks.results().iter().all(|token| matches!(token, Err(AppError::Store(_)))));
    granted.tenant.sql.exec("DROP TRIGGER fail", &[]).unwrap();
    granted.check(&Ok(granted.token()));
    assert_eq!(granted.provider.sent(), 1);
}

#[test]
fn lifetimes_are_believed_within_reason() {
    for (expires_in, first_unused_s) in [
        (json!(3600), 3540),
        (json!("3600"), 3540),
        (json!(100), 90),
        (json!(1), 1),
        // What is none, or was never meant, is the connector's own: an hour.
        (json!(0), 3540),
        (json!(-5), 3540),
        (json!("soon"), 3540),
        (Json::Null, 3540),
        (json!(1_000_000_000_000_000u64), 86_340),
        (json!(1e300), 86_340),
    ] {
        let granted = Granted::new(Kind::Kept);
        granted.provider.with(|state| state.expires_in = expires_in.clone());
        let mut tasks = granted.callers(100);
        tasks.finish(|| granted.provider.tick());
        assert!(tasks.results().iter().all(Result::is_ok));
        granted.provider.set_clock(NOW + first_unused_s * 1000 - 101);
        granted.token();
        assert_eq!(granted.provider.sent(), 1, "{expires_in}");
        granted.provider.set_clock(NOW + first_unused_s * 1000);
        granted.token();
        assert_eq!(granted.provider.sent(), 2, "{expires_in}");
    }
}

#[test]
fn a_clock_that_jumps_costs_one_refresh_and_no_grant() {
    for jump in [HOUR as i64, -(HOUR as i64)] {
        let granted = Granted::new(Kind::Strict);
        granted.token();
        for (sent, now_ms) in [(2, NOW.checked_add_signed(jump).unwrap()), (3, NOW)] {
            granted.provider.set_clock(now_ms);
            let mut tasks = granted.callers(100);
            tasks.finish(|| granted.provider.tick());
            assert!(tasks.results().iter().all(Result::is_ok));
            assert_eq!(granted.provider.sent(), sent);
        }
        assert_eq!(granted.status(), "active");
    }
    // Put off before the clock went back: not for an hour.
    let granted = Granted::with_fault(Kind::Kept, Fault::Error500);
    granted.provider.set_clock(NOW + HOUR);
    assert!(granted.one(None).is_err());
    granted.provider.set_clock(NOW);
    granted.token();
}
