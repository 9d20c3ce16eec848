//! A provider's token endpoint, its grant and the network to it, as one value that a test can look into.

use crate::remote::{Login, LoginRefused, NoAnswer, Remote, RemoteAnswer, RemoteRequest};
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use zeroize::Zeroizing;

/// How long a provider with a grace takes the token before the last again, ms.
const GRACE_MS: u64 = 30_000;

/// What a refresh does to the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Kept,
    /// A new one each time; the one before goes on for a while.
    Grace,
    /// A new one each time; the use of an old one ends the grant, as RFC 9700 (section 4.14.2) asks for.
    Strict,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It arrives, its answer takes long, and comes.
    Slow,
    /// It does not arrive.
    Unreachable,
    /// It arrives and is done; the answer is lost.
    AnswerLost,
    /// It is refused before it is looked at.
    Error500,
    /// It is done, and answered with a 500.
    Error500AfterWork,
    /// It is done, and answered with a page.
    Garbage,
    TooMany,
    InvalidClient,
    /// A 400 that says nothing of the grant.
    Odd400,
    /// The person has ended the grant.
    GrantEnded,
}

pub(crate) struct State {
    pub kind: Kind,
    pub faults: VecDeque<Fault>,
    /// The `expires_in` of the next answers; null: none.
    pub expires_in: Json,
    refresh: String,
    before: Option<(String, u64)>,
    access: Option<String>,
    is_over: bool,
    made: u32,
    /// Requests that were sent.
    pub sent: u32,
    in_flight: u32,
    pub most_in_flight: u32,
    ticks: u64,
    wakers: Vec<Waker>,
    /// Every secret that it gave out.
    pub secrets: Vec<String>,
    /// Requests to the revocation endpoint, as `url body`.
    pub revoked: Vec<String>,
    /// What it answers to them, the last one from then on; none: no answer.
    pub revocations: VecDeque<Option<u16>>,
    /// The headers of each of them that hold an access token.
    pub revoked_by: Vec<(&'static str, String)>,
    /// What it answers to them where the access token is not the newest that it gave out.
    pub to_an_expired_token: Option<(u16, &'static str)>,
    /// What it answers to them, whatever the token.
    pub refuses_all: Option<(u16, &'static str)>,
    /// The scopes that its answers name.
    pub scope: Option<&'static str>,
    /// It does not answer at all, and time passes.
    pub is_silent: bool,
    /// It answers at once, without a network.
    pub is_prompt: bool,
}

impl State {
    /// The access token that it gave out last ends before its time.
    pub(crate) fn end_access(&mut self) {
        self.access = None;
    }

    /// The person grants access again; the refresh token is the first one.
    pub(crate) fn grant_anew(&mut self) {
        (self.is_over, self.refresh) = (false, "fake-refresh-0".into());
    }
}

/// A handle to it.
#[derive(Clone)]
pub(crate) struct Provider {
    state: Rc<RefCell<State>>,
    clock: Rc<Cell<u64>>,
}

impl Provider {
    pub(crate) fn new(kind: Kind, now_ms: u64) -> Self {
        let state = State {
            kind,
            faults: VecDeque::new(),
            expires_in: json!(3600),
            refresh: "fake-refresh-0".into(),
            before: None,
            access: None,
            is_over: false,
            made: 0,
            sent: 0,
            in_flight: 0,
            most_in_flight: 0,
            ticks: 0,
            wakers: Vec::new(),
            secrets: vec!["fake-refresh-0".into()],
            revoked: Vec::new(),
            revocations: VecDeque::new(),
            revoked_by: Vec::new(),
            to_an_expired_token: None,
            refuses_all: None,
            scope: None,
            is_silent: false,
            is_prompt: false,
        };
        Self { state: Rc::new(RefCell::new(state)), clock: Rc::new(Cell::new(now_ms)) }
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.borrow_mut())
    }

    pub(crate) fn sent(&self) -> u32 {
        self.with(|state| state.sent)
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.clock.set(self.clock.get() + ms);
    }

    pub(crate) fn set_clock(&self, now_ms: u64) {
        self.clock.set(now_ms);
    }

    /// Whether a call with this access token would go through.
    pub(crate) fn takes(&self, token: &str) -> bool {
        self.with(|state| !state.is_over && state.access.as_deref() == Some(token))
    }

    /// The network moves on by a step. Whether anything waits for it.
    pub(crate) fn tick(&self) -> bool {
        let wakers = self.with(|state| {
            state.ticks += 1;
            std::mem::take(&mut state.wakers)
        });
        let waits = !wakers.is_empty();
        wakers.into_iter().for_each(Waker::wake);
        waits
    }

    async fn travel(&self, ticks: u64) {
        let arrival = self.with(|state| state.ticks + ticks);
        poll_fn(|context| {
            self.with(|state| {
                if state.ticks >= arrival || state.is_prompt {
                    return Poll::Ready(());
                }
                state.wakers.push(context.waker().clone());
                Poll::Pending
            })
        })
        .await;
    }

    async fn refresh(&self, token: &str) -> Result<RemoteAnswer, NoAnswer> {
        let fault = self.with(|state| {
            state.sent += 1;
            state.in_flight += 1;
            state.most_in_flight = state.most_in_flight.max(state.in_flight);
            state.faults.pop_front().unwrap_or(Fault::None)
        });
        let _landed = Landed(self);
        self.travel(1).await;
        let answer = match fault {
            Fault::Unreachable => Err(NoAnswer),
            Fault::Error500 => Ok(answer(500, None, "")),
            Fault::TooMany => Ok(answer(429, Some(20), "")),
            Fault::InvalidClient => Ok(answer(401, None, r#"{"error":"invalid_client"}"#)),
            Fault::Odd400 => Ok(answer(400, None, r#"{"error":"invalid_request"}"#)),
            Fault::GrantEnded => {
                self.with(|state| state.is_over = true);
                self.grant(token)
            }
            Fault::None | Fault::Slow => self.grant(token),
            Fault::AnswerLost => self.grant(token).and(Err(NoAnswer)),
            Fault::Error500AfterWork => self.grant(token).map(|_| answer(500, None, "")),
            Fault::Garbage => self.grant(token).map(|_| answer(200, None, "<html>")),
        };
        self.travel(if fault == Fault::Slow { 20 } else { 1 }).await;
        if matches!(fault, Fault::Unreachable | Fault::AnswerLost) {
            self.pass(10_000);
        }
        answer
    }

    fn grant(&self, token: &str) -> Result<RemoteAnswer, NoAnswer> {
        let now_ms = self.clock.get();
        self.with(|state| {
            let is_before =
                state.before.as_ref().is_some_and(|(before, until)| before == token && now_ms < *until);
            if state.is_over || !(token == state.refresh || is_before) {
                state.is_over |= state.kind == Kind::Strict;
                return Ok(answer(400, None, r#"{"error":"invalid_grant"}"#));
            }
            state.made += 1;
            let access = format!("fake-access-{}", state.made);
            let mut body = json!({ "access_token": access, "token_type": "bearer" });
            if !state.expires_in.is_null() {
                body["expires_in"] = state.expires_in.clone();
            }
            if let Some(scope) = state.scope {
                body["scope"] = scope.into();
            }
            state.secrets.push(access.clone());
            state.access = Some(access);
            if state.kind != Kind::Kept {
                let next = format!("fake-refresh-{}", state.made);
                let grace_ms = if state.kind == Kind::Grace { GRACE_MS } else { 0 };
                state.before = Some((token.to_owned(), now_ms + grace_ms));
                state.secrets.push(next.clone());
                body["refresh_token"] = next.clone().into();
                state.refresh = next;
            }
            Ok(answer(200, None, &body.to_string()))
        })
    }

    fn revoke(&self, request: &RemoteRequest, body: &str) -> Result<RemoteAnswer, NoAnswer> {
        self.with(|state| {
            state.revoked.push(format!("{} {body}", request.url));
            let held = request.headers.iter().map(|(name, value)| (*name, value.expose_secret().to_owned()));
            let held = held.filter(|(_, value)| value.contains("fake-access")).collect::<Vec<_>>();
            let is_newest = |text: &str| state.access.as_ref().is_some_and(|newest| text.ends_with(newest));
            let is_expired = held.iter().any(|(_, value)| !is_newest(value));
            state.revoked_by.extend(held);
            let refusal = state.refuses_all.or(state.to_an_expired_token.filter(|_| is_expired));
            if let Some((status, body)) = refusal {
                return Ok(answer(status, None, body));
            }
            let said = match state.revocations.len() {
                0 => Some(200),
                1 => state.revocations[0],
                _ => state.revocations.pop_front().flatten(),
            };
            said.map(|status| answer(status, None, "")).ok_or(NoAnswer)
        })
    }
}

/// A request that is no longer under way, however it ended.
struct Landed<'a>(&'a Provider);

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.in_flight -= 1);
    }
}

fn answer(status: u16, retry_after: Option<u32>, body: &str) -> RemoteAnswer {
    RemoteAnswer { status, retry_after, body: Zeroizing::new(body.as_bytes().to_vec()) }
}

impl Remote for Provider {
    async fn send(&self, request: RemoteRequest) -> Result<RemoteAnswer, NoAnswer> {
        let body = request.body.as_ref().map_or("", |body| body.expose_secret());
        let json: Json = serde_json::from_str(body).unwrap_or_default();
        let field = |name: &str| match json[name].as_str() {
            Some(text) => Some(text),
            None => body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')),
        };
        match field("grant_type") {
            Some("refresh_token") => self.refresh(field("refresh_token").unwrap()).await,
            _ if self.with(|state| state.is_silent) => std::future::pending().await,
            _ => self.revoke(&request, body),
        }
    }

    async fn log_in(&self, _: Login<'_>) -> Result<(), LoginRefused> {
        unreachable!("nobody logs in here")
    }

    fn now_ms(&self) -> u64 {
        self.clock.get()
    }

    async fn sleep(&self, ms: u64) {
        if !self.with(|state| state.is_silent) {
            std::future::pending().await
        }
        self.pass(ms);
    }
}
