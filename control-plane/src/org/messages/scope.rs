//! What a caller sees of messages and endpoints: all of the workspace's, or one customer's. What is another's, and what is
//! past its retention, is not there: 404, the same bytes.

use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::{deliveries, endpoints};
use crate::store::Value;
use protocol::api::Endpoint;
use protocol::reach::Made;
use protocol::{Code, EndpointId};

/// An endpoint that the caller sees and that takes deliveries.
///
/// # Errors
/// `NotFound`, `EndpointDisabled`; those of the database.
pub(super) fn target(ctx: Context<'_>, actor: &Actor, id: &EndpointId) -> Result<Endpoint, AppError> {
    let endpoint = endpoints::listed(ctx, actor, id)?;
    if endpoint.disabled_at.is_some() {
        return Err(Code::EndpointDisabled.into());
    }
    Ok(endpoint)
}

/// Whether the caller may have something delivered once more, or not at all: of sources' events by the right to replay them.
///
/// # Errors
/// `InsufficientScope`
pub(super) fn may_deliver(ctx: Context<'_>, actor: &Actor, is_event: bool) -> Result<(), AppError> {
    if is_event { actor.require(ctx, Made::EventDelivery.opens()) } else { Ok(()) }
}

/// Conditions on `messages`: those that the caller sees. A customer's are those that name it and went to its endpoints.
pub(super) fn messages(ctx: Context<'_>, actor: &Actor) -> Vec<(&'static str, Value)> {
    // The plus keeps a list by rowid off the index by age, whose order is another one.
    let mut seen = vec![("+created_at >= ?", deliveries::oldest(ctx).into())];
    if let Some(customer) = actor.customer() {
        seen.push(("customer_id = ?", customer.into()));
        seen.push((
            "EXISTS (SELECT 1 FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id \
             WHERE d.message_id = messages.id AND e.customer_id = ?)",
            customer.into(),
        ));
    }
    seen
}

/// Conditions on `deliveries` or `attempts`: those that the caller sees.
pub(super) fn progress(ctx: Context<'_>, actor: &Actor) -> Vec<(&'static str, Value)> {
    let mut seen = vec![(
        "EXISTS (SELECT 1 FROM messages m WHERE m.id = message_id AND m.created_at >= ?)",
        deliveries::oldest(ctx).into(),
    )];
    if let Some(customer) = actor.customer() {
        seen.push((
            "EXISTS (SELECT 1 FROM endpoints e WHERE e.id = endpoint_id AND e.customer_id = ?)",
            customer.into(),
        ));
    }
    seen
}
