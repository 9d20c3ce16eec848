//! What a plan counts in a cycle, a calendar month in UTC: counted in the transaction of what is counted, by one statement
//! that also refuses what is too much, so that neither can be had without the other (claim N3).

use super::plan::{self, Resource};
use crate::context::Context;
use crate::error::AppError;
use protocol::api::{Amount, NextPlan, Usage};
use protocol::time::{month_of, rfc3339};
use protocol::{Code, Meter};
use std::collections::BTreeMap;

/// Where a plan sets no limit: 2^53 - 1, since integers cross into JavaScript as doubles.
const NO_LIMIT: u64 = (1 << 53) - 1;

/// Counts one more. Undone with the transaction that it stands in.
///
/// # Errors
/// `PlanRequired` where the plan's number for the cycle is reached.
pub(super) fn count(ctx: Context<'_>, meter: Meter) -> Result<(), AppError> {
    let terms = plan::terms(ctx)?;
    let most = terms.plan(ctx).map_or(0, |plan| plan.monthly.get(&meter).copied().unwrap_or(NO_LIMIT));
    if most > 0 {
        // Without a row of its own where the limit is reached: then nothing is returned.
        let counted = ctx.store.tally(
            "INSERT INTO meters (cycle, meter, used) VALUES (?, ?, 1) \
             ON CONFLICT (cycle, meter) DO UPDATE SET used = used + 1 WHERE used < ? RETURNING used",
            &[cycle(ctx.now_ms).into(), meter.as_str().into(), most.into()],
        )?;
        if !counted.is_empty() {
            return Ok(());
        }
    }
    let end = rfc3339(month_of(ctx.now_ms).end);
    Err(AppError::refused(
        Code::PlanRequired,
        format!("the plan includes {most} {} in this cycle; it ends {end}", meter.as_str()),
    ))
}

/// `GET /v1/usage`.
pub(super) fn usage(ctx: Context<'_>) -> Result<Usage, AppError> {
    let terms = plan::terms(ctx)?;
    let plan = terms.plan(ctx);
    let mut resources = BTreeMap::new();
    for resource in Resource::ALL {
        let most = plan.map_or(0, |plan| resource.most(plan));
        let amount = Amount { used: resource.used(ctx)?, limit: Some(most.into()) };
        resources.insert(resource.as_str().to_owned(), amount);
    }
    let rows =
        ctx.store.query("SELECT meter, used FROM meters WHERE cycle = ?", &[cycle(ctx.now_ms).into()])?;
    let mut meters = BTreeMap::new();
    for meter in Meter::ALL {
        let row = rows.iter().find(|row| row.text(0) == Ok(meter.as_str()));
        let used = row.map(|row| row.number(1)).transpose()?.unwrap_or_default();
        let limit = plan.map_or(Some(0), |plan| plan.monthly.get(&meter).copied());
        meters.insert(meter, Amount { used, limit });
    }
    let month = month_of(ctx.now_ms);
    Ok(Usage {
        plan: terms.plan_name(ctx.now_ms).to_owned(),
        next_plan: terms
            .next(ctx.now_ms)
            .map(|next| NextPlan { plan: next.plan.clone(), at: rfc3339(next.at) }),
        features: plan.map(|plan| plan.features.clone()).unwrap_or_default(),
        cycle_started_at: rfc3339(month.start),
        cycle_ends_at: rfc3339(month.end),
        resources,
        meters,
    })
}

/// `2026-11`.
fn cycle(now_ms: u64) -> String {
    rfc3339(now_ms).chars().take(7).collect()
}
