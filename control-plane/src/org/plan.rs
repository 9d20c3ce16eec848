//! What the org's plan allows, decided in the transaction that uses it.

use crate::context::Context;
use crate::error::AppError;
use crate::store::{SqlError, Tx};
use protocol::Code;

/// What a plan counts.
#[derive(Clone, Copy)]
pub(super) enum Resource {
    ApiKeys,
    Connections,
    /// With how many invitations besides may be accepted.
    Members {
        /// Invitations.
        invited: u64,
    },
    Sources,
}

/// Whether the org may have one more.
///
/// # Errors
/// `PlanRequired` where it has all that its plan includes; an org whose plan is no longer in sluicegate.toml gets no more.
pub(super) fn check(ctx: Context<'_>, tx: &Tx<'_>, resource: Resource) -> Result<(), AppError> {
    let row = tx.store().first("SELECT plan FROM org", &[])?.ok_or(SqlError::Row)?;
    let Some(plan) = ctx.config.plans.plans.get(row.text(0)?) else {
        return Err(Code::PlanRequired.into());
    };
    let (most, count, name) = match resource {
        Resource::ApiKeys => {
            (plan.api_keys, "SELECT COUNT(*) FROM api_keys WHERE revoked_at IS NULL", "API keys")
        }
        Resource::Connections => (plan.connections, "SELECT COUNT(*) FROM connections", "connections"),
        Resource::Members { .. } => (plan.members, "SELECT COUNT(*) FROM members", "members"),
        Resource::Sources => (plan.sources, "SELECT COUNT(*) FROM sources", "sources"),
    };
    let used = tx.store().first(count, &[])?.ok_or(SqlError::Row)?.number(0)?;
    let promised = if let Resource::Members { invited } = resource { invited } else { 0 };
    if used + promised < u64::from(most) {
        return Ok(());
    }
    Err(AppError::refused(Code::PlanRequired, format!("the plan includes {most} {name}")))
}
