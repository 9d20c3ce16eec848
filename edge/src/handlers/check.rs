//! What the control plane says of a principal, kept for as long as the configuration allows (invariant 7): the answer to
//! `GET /v1/auth/check`, and what a gateway route goes by.
//!
//! An answer's age counts from the moment the request came that asked for it, so it is never older than it claims.

use super::Context;
use crate::auth::Caller;
use crate::control_plane::ControlPlane;
use crate::limits::Limited;
use crate::security_headers::Kind;
use crate::state::State;
use crate::tree;
use crate::verdict::Answer;
use protocol::call::{Lease, VerifiedPrincipal};
use protocol::{Code, Operation, Refused};
use std::net::IpAddr;
use std::rc::Rc;
use throttle::{Decision, Quota};

/// How long a refusal stands: long enough to stop a flood, short enough that a mistake put right shows at once.
const REFUSAL_MS: u64 = 1000;

/// What was said, and when it was asked.
#[derive(Clone)]
pub struct Checked {
    asked_at_ms: u64,
    outcome: Result<Good, Refused>,
}

/// A principal that stands.
#[derive(Clone)]
pub struct Good {
    /// `VerifiedPrincipal` as JSON, without the assertion.
    pub json: Rc<str>,
    /// The identity assertion for a gateway route.
    pub assertion: Option<Rc<str>>,
    /// Networks that the key may be used from; `None`: any.
    allowed_ips: Option<Rc<[String]>>,
}

/// What memory still vouches for: about a principal itself, or for a gateway route.
pub fn recall(
    caller: &Caller,
    route: Option<usize>,
    ip: Option<IpAddr>,
    now_ms: u64,
    state: &mut State,
) -> Option<Result<Good, Refused>> {
    let checked = state.checked.get(&(caller.proof, route))?;
    let most_ms = match checked.outcome {
        Ok(_) => u64::from(state.config.revocation.max_staleness_seconds) * 1000,
        Err(_) => REFUSAL_MS,
    };
    // A clock that stepped back vouches for nothing.
    let age_ms = now_ms.checked_sub(checked.asked_at_ms)?;
    (age_ms <= most_ms).then(|| checked.outcome.and_then(|good| good.from(ip)))
}

impl Good {
    /// What was said holds for the whole principal; where a key may be used from is looked at each time.
    fn from(self, ip: Option<IpAddr>) -> Result<Self, Refused> {
        let allowed = self
            .allowed_ips
            .as_ref()
            .is_none_or(|networks| ip.is_some_and(|ip| protocol::net::allows(networks, &ip.to_string())));
        if allowed { Ok(self) } else { Err(Code::IpNotAllowed.into()) }
    }
}

/// `GET /v1/auth/check`, asked of the control plane.
///
/// # Errors
/// The refusal.
pub async fn handle<P: ControlPlane>(
    context: &Context<'_, P>,
    caller: &Caller,
    ahead: Option<u32>,
) -> Result<Answer, Refused> {
    let (good, session) = ask(context, caller, None, ahead).await?;
    let idle_days = context.state.borrow().config.sessions.idle_days;
    Ok(answer(&good).with_session(session.as_deref(), idle_days))
}

/// The answer of `GET /v1/auth/check`.
pub fn answer(good: &Good) -> Answer {
    Answer::new(200, Kind::Json, good.json.to_string())
}

/// Asks the control plane and keeps what it says. The second value is a token for the session cookie.
///
/// # Errors
/// The refusal, or `Unavailable`, which is not kept.
pub async fn ask<P: ControlPlane>(
    context: &Context<'_, P>,
    caller: &Caller,
    route: Option<usize>,
    ahead: Option<u32>,
) -> Result<(Good, Option<String>), Refused> {
    let audience = route.and_then(|route| {
        context.state.borrow().config.routes.get(route).map(|route| route.audience.clone())
    });
    let operation = Operation::VerifyPrincipal { audience, want: ahead.unwrap_or(0) };
    let reply = context.call(Some(caller), caller.principal(), operation, Vec::new()).await?;
    let outcome = match reply.status {
        200 => read(&reply.body, caller, context.admitted.now_ms)
            .and_then(|(good, lease)| {
                if let Some(lease) = lease {
                    accept(context, caller, granted(lease))?;
                }
                Ok(good)
            })
            .map_err(Refused::from),
        429 => {
            accept(context, caller, refused(context, reply.retry_after))?;
            Err(Code::RateLimited.into())
        }
        _ => Err(reply.refused()),
    };
    let is_kept = |refused: &Refused| refused.code.is_about_credential() || refused.code == Code::Forbidden;
    if outcome.as_ref().map_or_else(is_kept, |_| true) {
        let checked = Checked { asked_at_ms: context.admitted.now_ms, outcome: outcome.clone() };
        context.state.borrow_mut().checked.insert((caller.proof, route), checked);
    }
    outcome.map(|good| (good, reply.session.map(|token| token.to_string())))
}

/// Keeps a lease, and counts the request that asked as the org's object has.
fn accept<P>(context: &Context<'_, P>, caller: &Caller, lease: throttle::Lease) -> Result<(), Code> {
    let Some(quota) = caller.identity.own_quota.get() else { return Ok(()) };
    let now_ms = context.admitted.now_ms;
    let key = caller.identity.limiter_key;
    let decision = context.state.borrow_mut().limits.leased.accept(key, lease, now_ms, now_ms);
    let counted = context.admitted.spent.borrow_mut().add_leased(quota, &decision);
    counted.map_err(|Limited| Code::RateLimited)
}

fn granted(lease: Lease) -> throttle::Lease {
    let Lease { ahead, ttl_ms, limit, remaining, reset_after_seconds } = lease;
    let decision =
        Decision { allowed: true, limit, remaining, reset_after_seconds, retry_after_seconds: None };
    throttle::Lease { decision, ahead, ttl_ms }
}

/// The object's refusal, remembered for no longer than any other answer of its.
fn refused<P>(context: &Context<'_, P>, retry_after_seconds: Option<u32>) -> throttle::Lease {
    let seconds = retry_after_seconds.unwrap_or(1).max(1);
    let most = context.state.borrow().config.revocation.max_staleness_seconds;
    let decision = Decision {
        allowed: false,
        limit: 0,
        remaining: 0,
        reset_after_seconds: seconds,
        retry_after_seconds: Some(seconds),
    };
    throttle::Lease { decision, ahead: 0, ttl_ms: seconds.min(most).saturating_mul(1000) }
}

fn read(body: &[u8], caller: &Caller, now_ms: u64) -> Result<(Good, Option<Lease>), Code> {
    let mut verified: VerifiedPrincipal = tree::read(body).map_err(|_| Code::Unavailable)?;
    let quota = verified.rate_limit.and_then(|limit| Quota::new(limit.limit, limit.period_seconds).ok());
    caller.identity.learn_quota(quota, now_ms);
    let lease = verified.lease.take();
    let allowed_ips = verified.allowed_ips.clone().map(Into::into);
    let assertion = verified.assertion.take().map(|assertion| assertion.0.into());
    let json = serde_json::to_string(&verified).map_err(|_| Code::Internal)?;
    Ok((Good { json: json.into(), assertion, allowed_ips }, lease))
}

#[cfg(test)]
mod tests;
