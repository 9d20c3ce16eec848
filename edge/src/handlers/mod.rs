//! What needs I/O: one module a kind of task. They know the control plane as a trait and isolate memory as [`State`], so
//! that they run natively in tests; streams and platform objects are `platform`'s.
//!
//! Invariant: isolate memory is never borrowed across an await.

pub mod asked;
pub mod check;
pub mod connect;
pub mod cookies;
pub mod forms;
pub mod forward;
pub mod gateway;
pub mod invited;
pub mod oidc;
pub mod pages;
pub mod portal;
pub mod webhook;

#[cfg(test)]
pub(crate) mod fixtures;

use crate::auth::{COOKIE, Caller};
use crate::control_plane::{ControlPlane, Reply, Unreachable};
use crate::security_headers::Kind;
use crate::state::State;
use crate::verdict::{Admitted, Answer};
use config::Config;
use cookies::{Cookie, Jar};
use protocol::{Call, Code, Operation, Principal};
use std::cell::RefCell;
use throttle::Quota;

/// The surroundings of one task.
pub struct Context<'a, P> {
    /// Isolate memory.
    pub state: &'a RefCell<State>,
    /// The control plane.
    pub plane: &'a P,
    /// The request as the decision let it through.
    pub admitted: &'a Admitted,
}

impl<P: ControlPlane> Context<'_, P> {
    /// Makes a call and learns from its reply.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn call(
        &self,
        caller: Option<&Caller>,
        principal: Principal,
        operation: Operation,
        body: Vec<u8>,
    ) -> Result<Reply, Code> {
        let call = self.prepare(principal, operation);
        let reply = self.plane.call(&call, body).await.map_err(|Unreachable| Code::Unavailable)?;
        learn_quota(caller, reply.rate_limit.as_deref(), self.admitted.now_ms);
        Ok(reply)
    }

    /// A call in this request's name.
    pub fn prepare(&self, principal: Principal, operation: Operation) -> Call {
        Call {
            request_id: self.admitted.request_id.clone(),
            client: self.admitted.client.clone(),
            principal,
            operation,
            idempotency_key: None,
        }
    }
}

/// `GET /readyz`.
///
/// # Errors
/// `Unavailable`.
pub async fn ready<P: ControlPlane>(context: &Context<'_, P>) -> Result<Answer, Code> {
    if context.plane.is_ready().await {
        Ok(Answer::new(200, Kind::Json, r#"{"status":"ready"}"#))
    } else {
        Err(Code::Unavailable)
    }
}

/// Where somebody goes who has just signed in: to the invitation that they were about to accept, the email address that they
/// were about to confirm, or the page that they had asked for, if any.
pub fn landing(jar: &Jar, config: &Config) -> String {
    let waits = |(cookie, _): &(Cookie, _)| jar.get(*cookie).is_some();
    let pages = [(Cookie::Invitation, "/join"), (Cookie::Verification, "/verify-email")];
    let link = pages.into_iter().find(waits).map(|(_, page)| page.to_owned());
    link.or_else(|| asked::page(jar, config)).unwrap_or_else(|| "/".to_owned())
}

/// Keeps a key's own rate limit for its next requests: `limit/period_seconds`.
pub fn learn_quota(caller: Option<&Caller>, told: Option<&str>, now_ms: u64) {
    let quota = told
        .and_then(|text| text.split_once('/'))
        .and_then(|(limit, period)| Quota::new(limit.parse().ok()?, period.parse().ok()?).ok());
    if let (Some(caller), Some(quota)) = (caller, quota) {
        caller.identity.learn_quota(Some(quota), now_ms);
    }
}

/// `Set-Cookie` for a session token, or for its removal where the token is empty. None for a token that could not stand
/// in a cookie.
pub fn session_cookie(token: &str, idle_days: u32) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let max_age = if token.is_empty() { 0 } else { u64::from(idle_days) * 86_400 };
    token
        .bytes()
        .all(plain)
        .then(|| format!("{COOKIE}={token}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax"))
}

impl Answer {
    /// Sets the cookie that a reply asks for.
    #[must_use]
    pub fn with_session(self, session: Option<&str>, idle_days: u32) -> Self {
        match session.and_then(|token| session_cookie(token, idle_days)) {
            Some(cookie) => self.with("set-cookie", cookie),
            None => self,
        }
    }
}
