//! One delivery, taken in hand: sent again, or given up so that what waits behind it goes on.

use super::{progress, scope};
use crate::context::Context;
use crate::error::AppError;
use crate::json::field;
use crate::org::actor::Actor;
use crate::org::{change, deliveries, endpoints, inbound};
use crate::reply::Reply;
use crate::store::Event;
use protocol::{Code, EndpointId, MessageId};

/// Whether a message is for an endpoint and there is something to send: it was before, or it names the endpoint's customer,
/// or it forwards an event of one of the endpoint's sources. `?1` is the message, `?2` the endpoint, `?3` the caller's
/// customer, `?4` and `?5` when the oldest message and event were made that are kept.
const IS_FOR: &str = "SELECT m.inbound_event_id IS NOT NULL FROM messages m, endpoints e \
    WHERE m.id = ?1 AND m.created_at >= ?4 AND e.id = ?2 AND (?3 IS NULL OR e.customer_id = ?3) \
    AND (m.inbound_event_id IS NULL \
      OR EXISTS (SELECT 1 FROM inbound_events i WHERE i.id = m.inbound_event_id AND i.received_at >= ?5)) \
    AND (EXISTS (SELECT 1 FROM deliveries WHERE message_id = ?1 AND endpoint_id = ?2) \
      OR iif(m.inbound_event_id IS NULL, \
        m.customer_id IS e.customer_id AND NOT EXISTS (SELECT 1 FROM endpoint_sources WHERE endpoint_id = ?2), \
        EXISTS (SELECT 1 FROM inbound_events i JOIN endpoint_sources s ON s.source_id = i.source_id \
          WHERE i.id = m.inbound_event_id AND s.endpoint_id = ?2)))";

/// `POST /v1/messages/{id}/endpoints/{endpoint_id}/resend`.
pub(in crate::org) fn resend(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    message: &MessageId,
    endpoint: &EndpointId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 202, |tx| {
        let parameters = [
            message.as_str().into(),
            endpoint.as_str().into(),
            actor.customer().into(),
            deliveries::oldest(ctx).into(),
            inbound::oldest(ctx).into(),
        ];
        let row = ctx.store.first(IS_FOR, &parameters)?.ok_or(Code::NotFound)?;
        scope::may_deliver(ctx, actor, row.number(0)? != 0)?;
        deliveries::rearm(ctx, tx, message, endpoint)?;
        let event = Event::new("message.resent", message).with("endpoint_id", endpoint.as_str());
        let delivery = progress::one(ctx, message, endpoint)?;
        tx.commit(&ctx.subject(actor.name()), event, delivery)
    })
}

/// `POST /v1/messages/{id}/endpoints/{endpoint_id}/skip`.
pub(in crate::org) fn skip(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    message: &MessageId,
    endpoint: &EndpointId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 200, |tx| {
        let gets_events = !endpoints::listed(ctx, actor, endpoint)?.sources.is_empty();
        scope::may_deliver(ctx, actor, gets_events)?;
        progress::one(ctx, message, endpoint)?;
        if !deliveries::skip(ctx, tx, message, endpoint)? {
            return Err(field("status", "must be pending: this delivery is made, or given up already"));
        }
        let event = Event::new("message.skipped", message).with("endpoint_id", endpoint.as_str());
        let delivery = progress::one(ctx, message, endpoint)?;
        tx.commit(&ctx.subject(actor.name()), event, delivery)
    })
}
