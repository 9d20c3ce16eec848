//! Publishing: `POST /v1/messages`. The message, a delivery to each endpoint that wants it, what the plan counts and the audit
//! event are one transaction; what was answered 202 is delivered or shown as failed.
//!
//! The payload is the client's JSON to the byte, sealed; the audit trail has its type and never the payload.

use super::event::EventType;
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{field, parse};
use crate::org::actor::Actor;
use crate::org::deliveries::{Audience, Content, Outgoing, enqueue};
use crate::org::{change, usage};
use crate::reply::Reply;
use crate::store::Event;
use protocol::api::{MessageSummary, NewMessage};
use protocol::routes::is_name;
use protocol::time::rfc3339;
use protocol::{Code, MessageId, Meter};

/// `POST /v1/messages`.
pub(in crate::org) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewMessage = parse(body)?;
    let (event_type, customer) = (request.event_type.as_str(), request.customer_id.as_deref());
    if !is_name(event_type) {
        return Err(field("event_type", "must be 1 to 128 of a-z A-Z 0-9 . _ -"));
    }
    if EventType::parse(event_type).is_some() {
        // Whoever receives one shall be able to take it for what it says.
        return Err(field("event_type", "is one that Sluicegate itself publishes"));
    }
    if customer.is_some_and(|id| !is_name(id)) {
        return Err(field("customer_id", "must be 1 to 128 of a-z A-Z 0-9 . _ -"));
    }
    let payload = request.payload.get();
    let most = ctx.config.limits.message_bytes;
    if payload.len() > most as usize {
        return Err(AppError::refused(Code::PayloadTooLarge, format!("payload: at most {most} bytes")));
    }

    change::answer(ctx, actor, body, 202, |tx| {
        usage::count(ctx, Meter::Messages)?;
        let id = MessageId::new(ctx.now_ms, random()?);
        let message = Outgoing {
            id: &id,
            event_type,
            audience: Audience::Customer(customer),
            content: Content::Payload(payload),
            keep: true,
        };
        let deliveries = enqueue(ctx, tx, &message)?;
        let event = Event::new("message.published", &id)
            .with("event_type", event_type)
            .with("customer_id", customer)
            .with("deliveries", deliveries);
        let summary = MessageSummary {
            id,
            event_type: event_type.to_owned(),
            customer_id: customer.map(str::to_owned),
            inbound_event_id: None,
            created_at: rfc3339(ctx.now_ms),
            size: payload.len() as u64,
            deliveries,
        };
        tx.commit(&ctx.subject(actor.name()), event, summary)
    })
}
