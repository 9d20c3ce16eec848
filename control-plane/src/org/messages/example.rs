//! `POST /v1/endpoints/{id}/test`: an example of what an endpoint asks for, sent to it alone, as anything else is sent.

use super::event::EventType;
use super::own::Payload;
use super::{built_in, scope, types};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::change;
use crate::org::deliveries::{Audience, Content, Outgoing, enqueue};
use crate::reply::Reply;
use crate::store::Event;
use protocol::api::MessageSummary;
use protocol::routes::is_name;
use protocol::time::rfc3339;
use protocol::{EndpointId, MessageId};
use serde_json::json;

/// The type of a test where the endpoint asks for all.
const ANY: &str = "webhook.test";

/// Sends it. The plan counts what is published, not tests.
pub(in crate::org) fn test(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &EndpointId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 202, |tx| {
        let target = scope::target(ctx, actor, id)?;
        let (event_type, payload) = example(ctx, target.event_types.first().map(String::as_str))?;
        let message_id = MessageId::new(ctx.now_ms, random()?);
        let message = Outgoing {
            id: &message_id,
            event_type: &event_type,
            audience: Audience::Endpoint { id, customer: target.customer_id.as_deref() },
            content: Content::Payload(&payload),
            keep: true,
        };
        let deliveries = enqueue(ctx, tx, &message)?;
        let event = Event::new("endpoint.tested", id)
            .with("message_id", message_id.as_str())
            .with("event_type", event_type.as_str());
        let summary = MessageSummary {
            id: message_id,
            event_type,
            customer_id: target.customer_id,
            inbound_event_id: None,
            created_at: rfc3339(ctx.now_ms),
            size: payload.len() as u64,
            deliveries,
        };
        tx.commit(&ctx.subject(actor.name()), event, summary)
    })
}

/// A type that is asked for, and what one of it looks like.
fn example(ctx: Context<'_>, asked: Option<&str>) -> Result<(String, String), AppError> {
    let event_type = match asked.map(|name| (name, name.strip_suffix('*'))) {
        None => ANY.to_owned(),
        Some((name, None)) => name.to_owned(),
        Some((_, Some(prefix))) => match types::first_with(ctx, prefix)? {
            Some(name) => name,
            None => Some(format!("{prefix}test")).filter(|name| is_name(name)).unwrap_or(ANY.to_owned()),
        },
    };
    let timestamp = rfc3339(ctx.now_ms);
    let payload = if let Some(kind) = EventType::parse(&event_type) {
        serde_json::to_string(&built_in::example(kind, timestamp)?)?
    } else if let Some(example) = types::example(ctx, &event_type)? {
        example
    } else {
        let data = json!({ "test": true });
        serde_json::to_string(&Payload { kind: &event_type, timestamp, data })?
    };
    Ok((event_type, payload))
}
