//! What the tests share: an isolate with fixed keys, credentials for it, and a control plane in memory.

use crate::control_plane::{ControlPlane, Reply, Unreachable};
use crate::head::Head;
use crate::state::{Environment, State};
use crate::verdict::{Admitted, Answer, Verdict};
use crate::{CONFIG, auth, decide};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::{Config, Quota, RateLimits};
use protocol::{Call, Code, Operation, Problem, RequestId};
use secrecy::ExposeSecret as _;
use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};
use tokens::{MacKey, SessionClaims, SessionSigner, mint_source_id};

/// 2026-11-22.
pub(crate) const NOW_MS: u64 = 1_795_320_000_000;
pub(crate) const NOW: u64 = NOW_MS / 1000;
pub(crate) const ORG: &str = "org_a0000000000000000000000000";
pub(crate) const USER: &str = "usr_00000000000000000000000000";
pub(crate) const SESSION: &str = "ses_00000000000000000000000000";
pub(crate) const ORIGIN: &str = "https://gate.test";

fn key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

pub(crate) fn mac() -> MacKey {
    MacKey::from_base64(&key(4)).unwrap()
}

fn signer() -> SessionSigner {
    SessionSigner::from_json(&format!(r#"{{"current":"k1","keys":{{"k1":"{}"}}}}"#, key(2))).unwrap()
}

/// A fresh isolate with the shipped configuration, what tests count on set to fixed values, and changed by `change`.
pub(crate) fn state_with(change: impl FnOnce(&mut Config)) -> State {
    let mut config = Config::from_embedded(CONFIG).unwrap();
    let quota = |limit| Quota { limit, period_seconds: 60 };
    config.rate_limits = RateLimits {
        ip: quota(600),
        auth: quota(10),
        account: quota(10),
        passwords: quota(60),
        principal: quota(1200),
        source: quota(6000),
        connection: quota(1200),
    };
    config.limits.url_bytes = 8192;
    config.limits.header_bytes = 32_768;
    config.limits.json_body_bytes = 65_536;
    config.limits.webhook_body_bytes = 1_048_576;
    config.revocation.max_staleness_seconds = 5;
    config.sessions.idle_days = 14;
    config.brand.api_key_prefix = "sgk".to_owned();
    config.brand.security_contact = "mailto:security@example.com".to_owned();
    config.routes.clear();
    change(&mut config);
    let (mac, csrf, jwks) = (key(4), key(5), signer().jwks());
    let environment = Environment {
        session_jwks: &jwks,
        api_key_mac_key: &mac,
        csrf_key: &csrf,
        public_origin: ORIGIN,
        client_ip_header: "cf-connecting-ip",
        client_country_header: "cf-ipcountry",
        ..Environment::default()
    };
    State::new(config, &environment).unwrap()
}

pub(crate) fn state() -> State {
    state_with(|_| ())
}

/// A session token that ends at `exp`, Unix seconds.
pub(crate) fn session_token(exp: u64) -> String {
    session_token_in(ORG, exp)
}

/// The same person's in another org.
pub(crate) fn session_token_in(org: &str, exp: u64) -> String {
    signer().sign(&claims_in(org, exp), protocol::ISSUER).unwrap()
}

/// The token that the browser keeps of the same session.
pub(crate) fn cookie_token(exp: u64) -> String {
    signer().sign_cookie(&claims_in(ORG, exp), protocol::ISSUER).unwrap()
}

fn claims_in(org: &str, exp: u64) -> SessionClaims {
    SessionClaims {
        sub: USER.into(),
        org: org.into(),
        role: "org_admin".into(),
        sid: SESSION.into(),
        iat: exp - 600,
        exp,
    }
}

pub(crate) fn csrf_token() -> String {
    tokens::csrf_token(&MacKey::from_base64(&key(5)).unwrap(), SESSION)
}

pub(crate) fn api_key() -> String {
    let minted = tokens::ApiKeyFormat::new("sgk").unwrap().mint(&mac(), ORG).unwrap();
    minted.key.expose_secret().to_owned()
}

pub(crate) fn source_id() -> String {
    mint_source_id(&mac(), ORG).unwrap()
}

/// A request's head, as `entry.js` writes it.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{method}\n{ORIGIN}{path}");
    for (name, value) in headers {
        text.push_str(&format!("\n{name}:{value}"));
    }
    text
}

pub(crate) fn decide_at(state: &mut State, head: &str, now_ms: u64) -> Verdict {
    decide(&Head::parse(head), now_ms, state).unwrap()
}

/// The answer of a decision that must not go on.
pub(crate) fn answered(state: &mut State, head: &str) -> Answer {
    match decide_at(state, head, NOW_MS) {
        Verdict::Answer(answer) => answer,
        Verdict::GoOn(admitted) => panic!("admitted: {:?}", admitted.task),
    }
}

/// The leave of a decision that must go on.
pub(crate) fn admitted(state: &mut State, head: &str) -> Admitted {
    match decide_at(state, head, NOW_MS) {
        Verdict::GoOn(admitted) => *admitted,
        Verdict::Answer(answer) => panic!("answered: {} {}", answer.status, answer.body),
    }
}

/// The code of a problem.
pub(crate) fn code_of(answer: &Answer) -> Code {
    serde_json::from_str::<Problem>(&answer.body).unwrap().code
}

pub(crate) fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub(crate) fn cookie(token: &str) -> (&'static str, String) {
    ("cookie", format!("{}={token}", auth::COOKIE))
}

type Answers = Box<dyn Fn(&Call, &[u8]) -> Option<Reply>>;

/// A control plane that notes each call and answers by a function; `None`: unreachable.
pub(crate) struct FakePlane {
    pub(crate) calls: RefCell<Vec<(Call, Vec<u8>)>>,
    answers: Answers,
}

impl FakePlane {
    pub(crate) fn new(answers: impl Fn(&Call, &[u8]) -> Option<Reply> + 'static) -> Self {
        Self { calls: RefCell::default(), answers: Box::new(answers) }
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.calls.borrow().iter().map(|(call, _)| call.operation.clone()).collect()
    }
}

impl ControlPlane for FakePlane {
    async fn call(&self, call: &Call, body: Vec<u8>) -> Result<Reply, Unreachable> {
        let reply = (self.answers)(call, &body);
        self.calls.borrow_mut().push((call.clone(), body));
        reply.ok_or(Unreachable)
    }

    async fn is_ready(&self) -> bool {
        true
    }
}

pub(crate) fn reply(status: u16, body: impl serde::Serialize) -> Option<Reply> {
    Some(Reply { status, body: serde_json::to_vec(&body).unwrap().into(), ..Reply::default() })
}

pub(crate) fn refusal(code: Code) -> Option<Reply> {
    reply(code.status(), Problem::new(code, RequestId::new(0, [0; 10])))
}

/// Runs a future that never waits: the fake control plane answers at once.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the fake control plane never waits"),
    }
}
