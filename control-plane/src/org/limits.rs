//! Requests over time, counted exactly, because this object is the one place that all of an org's calls go through (claim
//! M6): a principal by the key's own limit or the org's, and all of them together by the org's total.
//!
//! What the edge lets through by a lease was counted when it was leased; what that costs in exactness is proven in crate
//! `throttle`.

mod counter;

use counter::{Counter, Subject, WHOLE_ORG, subject};

use super::actor::{Actor, Kind};
use super::deliveries::Known;
use super::plan::{self, Terms};
use super::signal::Signal;
use crate::context::Context;
use crate::error::AppError;
use protocol::api::RateLimit;
use protocol::call::Lease;
use protocol::{ApiKeyId, ConnectionId, Operation};
use std::fmt;
use std::rc::Rc;
use throttle::{Decision, Quota, Tat};

/// Logins by which new credentials are tried, of a whole org: enough for somebody who sets up a dozen mailboxes and mistypes
/// every other password, and of no use to who guesses passwords at other people's servers from our addresses.
const LOGINS: RateLimit = RateLimit { limit: 30, period_seconds: 300 };

/// Changes that the holders of one customer's links make together: people at forms, and no flood of audit rows and events.
const PORTAL_CHANGES: RateLimit = RateLimit { limit: 60, period_seconds: 60 };

/// Events of the workspace's own about one customer's endpoints: as many as these may be.
const CUSTOMER_EVENTS: RateLimit = RateLimit { limit: 20, period_seconds: 3600 };

/// What an org's object keeps in memory from call to call.
#[derive(Default)]
pub struct OrgLimiter {
    pub(super) terms: Option<Rc<Terms>>,
    counter: Option<Counter>,
    /// There are deliveries that the object's alarm may not know of ([`super::leaves_work`]).
    pub(super) has_published: bool,
    /// So are tasks ([`super::outbox::put`]).
    pub(super) has_tasks: bool,
    /// What was out of the ordinary, for the operator's log ([`super::take_detected`]).
    pub(super) detected: Vec<serde_json::Value>,
    /// How often providers were asked for public keys ([`super::provider_key`]).
    pub(super) provider_keys: Tat,
    /// Calls that wait for events of a source.
    pub(super) listeners: usize,
    /// There is something new to deliver.
    pub(super) deliveries: Signal,
    /// What is known of the endpoints that they go to.
    pub(super) known: Known,
    /// A call has left a task to do.
    pub(super) tasks: Signal,
    /// There are new inbound events.
    pub(super) events: Signal,
}

/// The limit that takes the place of the configured one for this principal: the key's own, else the org's.
///
/// # Errors
/// Those of the database.
pub(super) fn own(ctx: Context<'_>, actor: &Actor) -> Result<Option<RateLimit>, AppError> {
    match actor.kind {
        Kind::Edge | Kind::Portal { .. } => Ok(None),
        Kind::Member { .. } | Kind::ApiKey { .. } => {
            Ok(actor.rate_limit().or(plan::terms(ctx)?.limits.principal))
        }
    }
}

/// Counts the call, before it does anything. [`Operation::VerifyPrincipal`] is counted by [`lease`].
///
/// # Errors
/// [`AppError::Limited`].
pub(super) fn check(ctx: Context<'_>, actor: &Actor) -> Result<(), AppError> {
    match (&actor.kind, &ctx.call.operation) {
        (_, Operation::VerifyPrincipal { .. }) => Ok(()),
        (Kind::Portal { customer, .. }, operation) if operation.changes_for_portal() => one(
            ctx,
            subject(&format!("portal {customer}")),
            Limit { whose: "changes in the portal of this customer", limit: PORTAL_CHANGES },
        ),
        _ => lease(ctx, actor, 0).map(|_| ()),
    }
}

/// Counts the call and up to `want` requests more, which the asking isolate may let through: how many those are, or `None`
/// where nothing is counted here and the edge goes by the configured limit.
///
/// # Errors
/// [`AppError::Limited`], and nothing is counted.
pub(super) fn lease(ctx: Context<'_>, actor: &Actor, want: u32) -> Result<Option<Lease>, AppError> {
    // The edge counts who holds a link to the portal: they are not the org's own people, and don't spend what is theirs.
    if matches!(actor.kind, Kind::Edge | Kind::Portal { .. }) {
        return Ok(None);
    }
    let whose = if matches!(actor.kind, Kind::ApiKey { .. }) { "this API key" } else { "this person" };
    let limits = [
        (whose, subject(actor.name()), own(ctx, actor)?),
        ("this workspace", WHOLE_ORG, plan::terms(ctx)?.limits.org),
    ];
    let mut counted = Vec::with_capacity(limits.len());
    for (whose, subject, limit) in limits {
        let Some(limit) = limit else { continue };
        counted.push((Limit { whose, limit }, subject, quota(limit)?));
    }
    if counted.is_empty() {
        return Ok(None);
    }
    with_counter(ctx, |counter| {
        let refused = counted.iter().filter_map(|(limit, subject, quota)| {
            Some((counter.peek(*subject, *quota, ctx.now_ms).retry_after_seconds?, limit))
        });
        if let Some((seconds, limit)) = refused.max_by_key(|(seconds, _)| *seconds) {
            return Err(AppError::limited(limit, seconds));
        }
        let mut leased: Option<Lease> = None;
        for (_, subject, quota) in counted {
            let ahead = leased.map_or(want, |lease| lease.ahead);
            let throttle::Lease { decision, ahead, ttl_ms } = counter.lease(ctx, subject, quota, ahead)?;
            leased = Some(match leased {
                None => Lease {
                    ahead,
                    ttl_ms,
                    limit: decision.limit,
                    remaining: decision.remaining,
                    reset_after_seconds: decision.reset_after_seconds,
                },
                // The principal's own limit is what it is told; the org's only makes the lease smaller.
                Some(own) => Lease { ahead, ttl_ms: own.ttl_ms.min(ttl_ms), ..own },
            });
        }
        Ok(leased)
    })
}

/// Counts a use of a key by its own limit, or looks how it stands.
///
/// # Errors
/// Those of the database.
pub(super) fn of_key(
    ctx: Context<'_>,
    id: &ApiKeyId,
    limit: RateLimit,
    count: bool,
) -> Result<Decision, AppError> {
    let (subject, quota) = (subject(id.as_str()), quota(limit)?);
    with_counter(ctx, |counter| {
        if count {
            return Ok(counter.lease(ctx, subject, quota, 0)?.decision);
        }
        Ok(counter.peek(subject, quota, ctx.now_ms))
    })
}

/// Counts a call through a connection, whoever makes it.
///
/// # Errors
/// [`AppError::Limited`].
pub(super) fn of_connection(ctx: Context<'_>, id: &ConnectionId) -> Result<(), AppError> {
    let config::Quota { limit, period_seconds } = ctx.config.rate_limits.connection;
    let limit = RateLimit { limit, period_seconds };
    one(ctx, subject(id.as_str()), Limit { whose: "this connection", limit })
}

/// Counts a login to a mail server or a warehouse by which a new credential is tried.
///
/// # Errors
/// [`AppError::Limited`].
pub(super) fn of_logins(ctx: Context<'_>) -> Result<(), AppError> {
    // No id has this form.
    one(ctx, subject("logins"), Limit { whose: "logins of this workspace", limit: LOGINS })
}

/// A limit and whose it is, as who is refused by it reads it.
struct Limit {
    whose: &'static str,
    limit: RateLimit,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RateLimit { limit, period_seconds } = self.limit;
        write!(f, "{}: at most {limit} in {period_seconds} seconds", self.whose)
    }
}

/// Whether the workspace's endpoints are told of one more thing about a customer's. The audit trail has them all.
///
/// # Errors
/// Those of the database.
pub(super) fn tells_of_customer(ctx: Context<'_>, customer: &str) -> Result<bool, AppError> {
    match one(
        ctx,
        subject(&format!("events of {customer}")),
        Limit { whose: "events of this customer", limit: CUSTOMER_EVENTS },
    ) {
        Ok(()) => Ok(true),
        Err(AppError::Limited { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn one(ctx: Context<'_>, subject: Subject, limit: Limit) -> Result<(), AppError> {
    let quota = quota(limit.limit)?;
    with_counter(ctx, |counter| {
        let decision = counter.lease(ctx, subject, quota, 0)?.decision;
        match decision.retry_after_seconds {
            Some(seconds) => Err(AppError::limited(limit, seconds)),
            None => Ok(()),
        }
    })
}

/// A limit that was checked when it was stored; one that is none lets nothing through.
fn quota(RateLimit { limit, period_seconds }: RateLimit) -> Result<Quota, AppError> {
    Quota::new(limit, period_seconds).map_err(|_| AppError::Encoding)
}

fn with_counter<T>(
    ctx: Context<'_>,
    count: impl FnOnce(&mut Counter) -> Result<T, AppError>,
) -> Result<T, AppError> {
    let limiter = &mut *ctx.limits.borrow_mut();
    match &mut limiter.counter {
        Some(counter) => count(counter),
        none => count(none.insert(Counter::load(ctx)?)),
    }
}
