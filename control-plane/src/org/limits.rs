//! Requests over time, counted exactly, because this object is the one place that all of an org's calls go through (claim
//! M6): a principal by the key's own limit or the org's, and all of them together by the org's total.
//!
//! Counted in memory: a call costs no statement. An object that sleeps forgets its counts; the platform lets it sleep after
//! a minute or more without a call, so over a long period a limit may be spent again after such a pause.

use super::actor::{Actor, Kind};
use super::plan::{self, Terms};
use crate::context::{Context, random};
use crate::error::AppError;
use protocol::Operation;
use protocol::api::RateLimit;
use std::rc::Rc;
use throttle::{Decision, Home, Lease, Quota, Strictness};

/// Principals that are counted at once: more keys and members than most orgs have, in about 100 KiB.
const CAPACITY: usize = 2048;

/// What an org's object keeps in memory from call to call.
#[derive(Default)]
pub struct OrgLimiter {
    pub(super) terms: Option<Rc<Terms>>,
    home: Option<Home<Subject>>,
}

/// Who is counted: an id's bytes, filled up with zeros, or only zeros for the whole org.
type Subject = [u8; 32];
const WHOLE_ORG: Subject = [0; 32];

fn subject(id: &str) -> Subject {
    let mut subject = WHOLE_ORG;
    for (to, from) in subject.iter_mut().zip(id.bytes()) {
        *to = from;
    }
    subject
}

/// The limit that takes the place of the configured one for this principal: the key's own, else the org's.
///
/// # Errors
/// Those of the database.
pub(super) fn own(ctx: Context<'_>, actor: &Actor) -> Result<Option<RateLimit>, AppError> {
    match actor.kind {
        Kind::Edge => Ok(None),
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
    match ctx.call.operation {
        Operation::VerifyPrincipal { .. } => Ok(()),
        _ => lease(ctx, actor, 0).map(|_| ()),
    }
}

/// Counts the call and up to `want` requests more, which the edge may let through by the answer: how many those are, or
/// `None` where nothing is counted here and the edge goes by the configured limit.
///
/// # Errors
/// [`AppError::Limited`], and nothing is counted.
pub(super) fn lease(ctx: Context<'_>, actor: &Actor, want: u32) -> Result<Option<u32>, AppError> {
    if matches!(actor.kind, Kind::Edge) {
        return Ok(None);
    }
    let limits = [(subject(actor.name()), own(ctx, actor)?), (WHOLE_ORG, plan::terms(ctx)?.limits.org)];
    let mut counted = Vec::with_capacity(limits.len());
    for (subject, limit) in limits {
        counted.extend(limit.map(quota).transpose()?.map(|quota| (subject, quota)));
    }
    if counted.is_empty() {
        return Ok(None);
    }
    with_home(ctx, |home| {
        let refused = counted
            .iter()
            .filter_map(|(subject, quota)| home.peek(*subject, *quota, ctx.now_ms).retry_after_seconds);
        if let Some(retry_after_seconds) = refused.max() {
            return Err(AppError::Limited { retry_after_seconds });
        }
        Ok(Some(counted.iter().fold(want, |ahead, (subject, quota)| {
            // The edge keeps an answer for as long as it may be stale. A lease that would have to end before is none.
            let ahead = if ends_early(ctx, *quota) { 0 } else { ahead };
            home.lease(*subject, *quota, ahead, ctx.now_ms).ahead
        })))
    })
}

/// Counts a use of a key by its own limit, or looks how it stands.
///
/// # Errors
/// [`AppError::Platform`] where there is no randomness.
pub(super) fn of_key(
    ctx: Context<'_>,
    id: &str,
    limit: RateLimit,
    count: bool,
) -> Result<Decision, AppError> {
    let quota = quota(limit)?;
    with_home(ctx, |home| {
        if !count {
            return Ok(home.peek(subject(id), quota, ctx.now_ms));
        }
        let Lease { decision, .. } = home.lease(subject(id), quota, 0, ctx.now_ms);
        Ok(decision)
    })
}

/// A limit that was checked when it was stored; one that is none lets nothing through.
fn quota(RateLimit { limit, period_seconds }: RateLimit) -> Result<Quota, AppError> {
    Quota::new(limit, period_seconds).map_err(|_| AppError::Encoding)
}

fn stale_ms(ctx: Context<'_>) -> u32 {
    ctx.config.revocation.max_staleness_seconds.saturating_mul(1000)
}

/// Whether a lease from this quota would live for less than the edge's answer does (crate `throttle`: an eighth of the
/// period).
fn ends_early(ctx: Context<'_>, quota: Quota) -> bool {
    u64::from(quota.period_seconds()) * 1000 / 8 < u64::from(stale_ms(ctx))
}

fn with_home<T>(
    ctx: Context<'_>,
    count: impl FnOnce(&mut Home<Subject>) -> Result<T, AppError>,
) -> Result<T, AppError> {
    let limiter = &mut *ctx.limits.borrow_mut();
    let home = match &mut limiter.home {
        Some(home) => home,
        none => none.insert(Home::new(CAPACITY, random()?, Strictness::Bounded, stale_ms(ctx))),
    };
    count(home)
}
