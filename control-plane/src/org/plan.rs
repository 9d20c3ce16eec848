//! What the org's plan includes, decided in the call that uses it (claim N3). Fails closed: a plan that is not in
//! sluicegate.toml includes nothing (invariant 6).

use crate::context::Context;
use crate::error::AppError;
use crate::store::{SqlError, Tx};
use config::Plan;
use protocol::api::OrgLimits;
use protocol::{Code, Feature};
use std::rc::Rc;

/// What the operator has set for this org, as stored. Kept in the object's memory: only [`super::operator`] changes it, and
/// forgets it there ([`forget`]).
pub(super) struct Terms {
    plan: String,
    next: Option<Next>,
    pub limits: OrgLimits,
}

/// A plan to come.
pub(super) struct Next {
    pub plan: String,
    /// Unix ms.
    pub at: u64,
}

impl Terms {
    /// The plan in force.
    pub(super) fn plan_name(&self, now_ms: u64) -> &str {
        match &self.next {
            Some(next) if now_ms >= next.at => &next.plan,
            _ => &self.plan,
        }
    }

    /// The plan to come, until it has come.
    pub(super) fn next(&self, now_ms: u64) -> Option<&Next> {
        self.next.as_ref().filter(|next| now_ms < next.at)
    }

    /// What the plan in force includes; `None` where sluicegate.toml no longer has it.
    pub(super) fn plan<'a>(&self, ctx: Context<'a>) -> Option<&'a Plan> {
        ctx.config.plans.plans.get(self.plan_name(ctx.now_ms))
    }
}

/// The org's terms: a statement in the object's first call, memory from then on.
///
/// # Errors
/// `NotFound` where there is no org; those of the database.
pub(super) fn terms(ctx: Context<'_>) -> Result<Rc<Terms>, AppError> {
    if let Some(terms) = &ctx.limits.borrow().terms {
        return Ok(Rc::clone(terms));
    }
    let row = ctx
        .store
        .first("SELECT plan, next_plan, next_plan_at, limits FROM org", &[])?
        .ok_or(Code::NotFound)?;
    let next = row.optional_text(1)?.map(|plan| row.number(2).map(|at| Next { plan: plan.to_owned(), at }));
    let terms = Rc::new(Terms {
        plan: row.text(0)?.to_owned(),
        next: next.transpose()?,
        limits: row.optional_text(3)?.map(|_| row.json(3)).transpose()?.unwrap_or_default(),
    });
    ctx.limits.borrow_mut().terms = Some(Rc::clone(&terms));
    Ok(terms)
}

/// To be called in every transaction that changes them.
pub(super) fn forget(ctx: Context<'_>) {
    ctx.limits.borrow_mut().terms = None;
}

/// Whether the plan includes the feature that the call's operation needs.
///
/// # Errors
/// `PlanRequired`, before anything of the org's is read.
pub(super) fn require(ctx: Context<'_>) -> Result<(), AppError> {
    let Some(feature) = ctx.call.operation.feature() else { return Ok(()) };
    if terms(ctx)?.plan(ctx).is_some_and(|plan| plan.features.contains(&feature)) {
        return Ok(());
    }
    Err(AppError::refused(
        Code::PlanRequired,
        match feature {
            Feature::Connections => "the plan does not include connections",
            Feature::Webhooks => "the plan does not include webhooks",
            Feature::KeyVerification => "the plan does not include key_verification",
            Feature::Gateway => "the plan does not include gateway",
            Feature::Audit => "the plan does not include audit",
        },
    ))
}

/// What a plan has a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// Those that are not revoked.
    ApiKeys,
    Connections,
    Endpoints,
    /// With how many invitations besides may be accepted.
    Members {
        /// Invitations.
        invited: u64,
    },
    Sources,
}

impl Resource {
    pub(super) const ALL: [Self; 5] =
        [Self::ApiKeys, Self::Connections, Self::Endpoints, Self::Members { invited: 0 }, Self::Sources];

    /// The name in `GET /v1/usage`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeys => "api_keys",
            Self::Connections => "connections",
            Self::Endpoints => "endpoints",
            Self::Members { .. } => "members",
            Self::Sources => "sources",
        }
    }

    /// How many a plan includes.
    pub(super) const fn most(self, plan: &Plan) -> u32 {
        match self {
            Self::ApiKeys => plan.api_keys,
            Self::Connections => plan.connections,
            Self::Endpoints => plan.endpoints,
            Self::Members { .. } => plan.members,
            Self::Sources => plan.sources,
        }
    }

    /// How many there are.
    pub(super) fn used(self, ctx: Context<'_>) -> Result<u64, SqlError> {
        let (count, promised) = match self {
            Self::ApiKeys => ("SELECT COUNT(*) FROM api_keys WHERE revoked_at IS NULL", 0),
            Self::Connections => ("SELECT COUNT(*) FROM connections", 0),
            Self::Endpoints => ("SELECT COUNT(*) FROM endpoints", 0),
            Self::Members { invited } => ("SELECT COUNT(*) FROM members", invited),
            Self::Sources => ("SELECT COUNT(*) FROM sources", 0),
        };
        Ok(ctx.store.first(count, &[])?.ok_or(SqlError::Row)?.number(0)? + promised)
    }
}

/// Whether the org may have one more, in the transaction that makes it.
///
/// # Errors
/// `PlanRequired` where it has all that its plan includes.
pub(super) fn check(ctx: Context<'_>, _: &Tx<'_>, resource: Resource) -> Result<(), AppError> {
    let most = terms(ctx)?.plan(ctx).map_or(0, |plan| resource.most(plan));
    if resource.used(ctx)? < u64::from(most) {
        return Ok(());
    }
    Err(AppError::refused(Code::PlanRequired, format!("the plan includes {most} {}", resource.as_str())))
}

/// Whether customers, by the portal, may have one more endpoint: the last tenth of what the plan includes is the
/// workspace's own to use.
///
/// # Errors
/// `PlanRequired` where they may not.
pub(super) fn check_room_for_customers(ctx: Context<'_>) -> Result<(), AppError> {
    let most = terms(ctx)?.plan(ctx).map_or(0, |plan| Resource::Endpoints.most(plan));
    if Resource::Endpoints.used(ctx)? < u64::from(most - most.div_ceil(10)) {
        return Ok(());
    }
    Err(AppError::refused(Code::PlanRequired, "the workspace has no more room for endpoints of customers"))
}
