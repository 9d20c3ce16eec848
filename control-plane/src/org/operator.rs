//! What the operator of this installation sets for an org: its plan, its limits. That the caller is the operator, their own
//! org has decided; what they did stands in this org's audit trail, under their name.

use super::{plan, sessions, usage};
use crate::context::Context;
use crate::error::AppError;
use crate::json::wrong;
use crate::reply::Reply;
use crate::store::Event;
use protocol::UserId;
use protocol::api::{AdminOrg, OrgLimits, RateLimit};
use protocol::time::{month_of, rfc3339};
use throttle::MAX_LIMIT;

const MAX_PERIOD_SECONDS: u32 = 86_400;

/// Puts the org on a plan: at once, or with the next cycle if it is of a lower level and not `at_once`. The plan in force
/// takes back a change to come.
///
/// # Errors
/// `ValidationFailed` for a plan that sluicegate.toml does not have; `NotFound` where there is no org.
pub(super) fn set_plan(
    ctx: Context<'_>,
    operator: &UserId,
    name: &str,
    at_once: bool,
) -> Result<Reply, AppError> {
    let terms = plan::terms(ctx)?;
    let plans = &ctx.config.plans.plans;
    let Some(wanted) = plans.get(name) else {
        let names: Vec<&str> = plans.keys().map(String::as_str).collect();
        return Err(wrong("plan", format!("must be one of {}", names.join(", "))));
    };
    let current = terms.plan_name(ctx.now_ms);
    let pending = terms.next(ctx.now_ms).map(|next| next.plan.as_str());
    let is_lower = terms.plan(ctx).is_some_and(|plan| wanted.level < plan.level);
    let at = (is_lower && !at_once).then(|| month_of(ctx.now_ms).end);

    let is_as_before = match at {
        Some(_) => pending == Some(name),
        None => pending.is_none() && current == name,
    };
    if is_as_before {
        return describe(ctx);
    }
    let event = match at {
        Some(at) => Event::new("org.plan_change_scheduled", ctx.org).with("at", rfc3339(at)),
        None => Event::new("org.plan_changed", ctx.org),
    };
    let event = event.with("from", current).with("to", name).with("was_to_come", pending);
    ctx.store.transaction(|tx| {
        plan::forget(ctx);
        tx.write(
            "UPDATE org SET plan = ?, next_plan = ?, next_plan_at = ?",
            &[at.map_or(name, |_| current).into(), at.map(|_| name).into(), at.into()],
        )?;
        tx.commit(&ctx.subject(operator.as_str()), event, ())
    })?;
    describe(ctx)
}

/// Gives the org limits of its own, in place of all that it had. They may be looser than the configured ones.
///
/// # Errors
/// `ValidationFailed` for a limit out of bounds; `NotFound` where there is no org.
pub(super) fn set_limits(ctx: Context<'_>, operator: &UserId, limits: &OrgLimits) -> Result<Reply, AppError> {
    for (name, limit) in [("principal", limits.principal), ("org", limits.org)] {
        if limit.is_some_and(|limit| !is_possible(limit)) {
            return Err(wrong(
                name,
                format!("limit 1 to {MAX_LIMIT}, period_seconds 1 to {MAX_PERIOD_SECONDS}"),
            ));
        }
    }
    if plan::terms(ctx)?.limits == *limits {
        return describe(ctx);
    }
    let event = Event::new("org.limits_changed", ctx.org)
        .with("principal", serde_json::to_value(limits.principal)?)
        .with("org", serde_json::to_value(limits.org)?);
    ctx.store.transaction(|tx| {
        plan::forget(ctx);
        tx.write("UPDATE org SET limits = ?", &[serde_json::to_string(limits)?.into()])?;
        tx.commit(&ctx.subject(operator.as_str()), event, ())
    })?;
    describe(ctx)
}

fn is_possible(limit: RateLimit) -> bool {
    (1..=MAX_LIMIT).contains(&limit.limit) && (1..=MAX_PERIOD_SECONDS).contains(&limit.period_seconds)
}

/// Plan, usage and limits; nothing of what the org holds.
///
/// # Errors
/// `NotFound` where there is no org.
pub(super) fn describe(ctx: Context<'_>) -> Result<Reply, AppError> {
    let terms = plan::terms(ctx)?;
    let described =
        AdminOrg { org: sessions::org(ctx)?, usage: usage::usage(ctx)?, rate_limits: terms.limits };
    Reply::json(200, &described)
}
