//! The pages of webhooks: what each asks for besides who is looking, and shows.

use super::{Page, Replies, status, write};
use crate::auth::Caller;
use crate::control_plane::Reply;
use crate::handlers::Context;
use crate::handlers::pages::{read, webhooks::View};
use crate::pages::webhooks::{
    endpoint, endpoints, event, event_types, events, links, messages, providers, source, sources,
};
use crate::pages::{Retry, Shell};
use crate::verdict::Answer;
use maud::Markup;
use protocol::api::{
    Attempt, Delivery, Endpoint, EventType, InboundEvent, InboundEventSummary, List, Me, MessageSummary,
    PortalLink, Provider, Rejection, Source,
};
use protocol::{Code, MessageId, Operation, call};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a page asks for, in the order in which [`render`] reads it.
pub(super) fn operations(view: &View) -> Vec<Operation> {
    use Operation as O;
    let list = |cursor: &Option<String>| call::Page { limit: None, cursor: cursor.clone() };
    let all = || call::Page { limit: Some(call::Page::MAX), cursor: None };
    let endpoints = || O::ListEndpoints { customer_id: None, page: all() };
    let mut operations = vec![O::Me];
    operations.extend(match view {
        View::Sources { cursor, .. } => vec![O::ListSources(list(cursor))],
        View::Source { id, .. } => vec![
            O::GetSource { id: id.clone() },
            O::ListProviders,
            O::ListRejections { id: id.clone(), page: all() },
            endpoints(),
        ],
        View::DeleteSource(id) => vec![O::GetSource { id: id.clone() }],
        View::Providers => vec![O::ListProviders],
        View::Events { filter, cursor } => {
            vec![O::ListInboundEvents { filter: filter.clone(), page: list(cursor) }, O::ListSources(all())]
        }
        View::Event(id) => vec![O::GetInboundEvent { id: id.clone() }, endpoints()],
        View::Endpoints { customer, cursor, .. } => vec![
            O::ListEndpoints { customer_id: customer.clone(), page: list(cursor) },
            O::ListSources(all()),
        ],
        View::Endpoint { id, status, cursor, attempts, .. } => vec![
            O::GetEndpoint { id: id.clone() },
            O::ListDeliveries { id: id.clone(), status: *status, page: list(cursor) },
            O::ListAttempts { id: id.clone(), page: list(attempts) },
            O::ListSources(all()),
        ],
        View::DeleteEndpoint(id) => vec![O::GetEndpoint { id: id.clone() }],
        View::Messages { customer, cursor, .. } => {
            vec![O::ListMessages { customer_id: customer.clone(), page: list(cursor) }]
        }
        View::Message { id, .. } => {
            let [deliveries, attempts] = progress(id);
            vec![O::GetMessage { id: id.clone() }, endpoints(), deliveries, attempts]
        }
        View::EventTypes { cursor, .. } => vec![O::ListEventTypes(list(cursor))],
        View::EventType(name) => vec![O::GetEventType { name: name.clone() }],
        View::PortalLinks { cursor, .. } => vec![O::ListPortalLinks(list(cursor))],
    });
    operations
}

/// What only the answers to [`operations`] name: the message that forwards an event.
///
/// # Errors
/// `Unavailable`.
pub(super) fn further(page: &Page, replies: &[Reply]) -> Result<Vec<Operation>, Code> {
    let (Page::Webhooks(view), [_, event, _]) = (page, replies) else { return Ok(Vec::new()) };
    let View::Event(_) = **view else { return Ok(Vec::new()) };
    let Forwarded { message_id } = read(event)?;
    Ok(message_id.as_ref().map(progress).into_iter().flatten().collect())
}

/// How far a message has come.
fn progress(id: &MessageId) -> [Operation; 2] {
    let page = call::Page { limit: Some(call::Page::MAX), cursor: None };
    [
        Operation::ListMessageDeliveries { id: id.clone() },
        Operation::ListMessageAttempts { id: id.clone(), page },
    ]
}

#[derive(Deserialize)]
struct Forwarded {
    #[serde(default)]
    message_id: Option<MessageId>,
}

/// What an event has besides its summary. Read apart: a flattened struct takes far more Wasm than two.
#[derive(Deserialize)]
struct Received {
    headers: Vec<(String, String)>,
    body_base64: String,
}

/// What a message has besides its summary, as it stands in the answer: to the byte.
#[derive(Deserialize)]
struct Published<'a> {
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

/// The page.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub(super) fn render<P>(
    context: &Context<'_, P>,
    view: &View,
    caller: Option<&Caller>,
    me: &Me,
    retry: Option<&Retry>,
    mut replies: Replies,
) -> Result<Answer, Code> {
    let markup: Box<dyn Fn(&Shell<'_>) -> Markup + '_> = match view {
        View::Sources { notice, provider, .. } => {
            let list: List<Source> = replies.next()?;
            Box::new(move |shell| sources::render(shell, me, &list, provider.as_deref(), *notice, retry))
        }
        View::Source { notice, .. } => {
            let source: Source = replies.next()?;
            let providers: List<Provider> = replies.next()?;
            let provider = providers.data.into_iter().find(|provider| provider.id == source.provider);
            let rejections: List<Rejection> = replies.next()?;
            let endpoints: List<Endpoint> = replies.next()?;
            let data =
                source::Data { source, provider, rejections: rejections.data, endpoints: endpoints.data };
            Box::new(move |shell| source::render(shell, me, &data, *notice, retry))
        }
        View::DeleteSource(_) => {
            let source: Source = replies.next()?;
            Box::new(move |shell| source::delete(shell, &source))
        }
        View::Providers => {
            let list: List<Provider> = replies.next()?;
            Box::new(move |shell| providers::render(shell, me, &list))
        }
        View::Events { filter, .. } => {
            let list: List<InboundEventSummary> = replies.next()?;
            let sources: List<Source> = replies.next()?;
            Box::new(move |shell| events::render(shell, &list, &sources.data, filter))
        }
        View::Event(_) => {
            let data = event_data(&mut replies)?;
            Box::new(move |shell| event::render(shell, me, &data, retry))
        }
        View::Endpoints { notice, customer, .. } => {
            let endpoints: List<Endpoint> = replies.next()?;
            let sources: List<Source> = replies.next()?;
            let data = endpoints::Data { endpoints, sources: sources.data, customer: customer.as_deref() };
            Box::new(move |shell| endpoints::render(shell, me, &data, *notice, retry))
        }
        View::Endpoint { notice, status, .. } => {
            let endpoint: Endpoint = replies.next()?;
            let deliveries: List<Delivery> = replies.next()?;
            let attempts: List<Attempt> = replies.next()?;
            let sources: List<Source> = replies.next()?;
            let sources = sources.data;
            let data = endpoint::Data { endpoint, deliveries, status: *status, attempts, sources };
            Box::new(move |shell| endpoint::render(shell, me, &data, *notice, retry))
        }
        View::DeleteEndpoint(_) => {
            let endpoint: Endpoint = replies.next()?;
            Box::new(move |shell| endpoint::delete(shell, &endpoint))
        }
        View::Messages { notice, customer, .. } => {
            let list: List<MessageSummary> = replies.next()?;
            Box::new(move |shell| messages::list(shell, me, &list, customer.as_deref(), *notice, retry))
        }
        View::Message { notice, .. } => {
            let data = message_data(&mut replies)?;
            Box::new(move |shell| messages::one(shell, me, &data, *notice, retry))
        }
        View::EventTypes { notice, .. } => {
            let list: List<EventType> = replies.next()?;
            Box::new(move |shell| event_types::list(shell, me, &list, *notice, retry))
        }
        View::EventType(_) => {
            let kind: EventType = replies.next()?;
            Box::new(move |shell| event_types::one(shell, me, &kind, retry))
        }
        View::PortalLinks { notice, .. } => {
            let list: List<PortalLink> = replies.next()?;
            Box::new(move |shell| links::render(shell, &list, *notice, retry))
        }
    };
    write(context, status(retry), caller, Some(me), &|shell, _| markup(shell))
}

fn event_data(replies: &mut Replies) -> Result<event::Data, Code> {
    let reply = replies.take()?;
    let (Received { headers, body_base64 }, Forwarded { message_id }) = (read(&reply)?, read(&reply)?);
    let endpoints: List<Endpoint> = replies.next()?;
    let (mut deliveries, mut attempts) = (Vec::new(), List { data: Vec::new(), next_cursor: None });
    if message_id.is_some() {
        let made: List<Delivery> = replies.next()?;
        deliveries = made.data;
        attempts = replies.next()?;
    }
    let event = InboundEvent { summary: read(&reply)?, message_id, headers, body_base64 };
    Ok(event::Data { event, endpoints: endpoints.data, deliveries, attempts })
}

fn message_data(replies: &mut Replies) -> Result<messages::Data, Code> {
    let reply = replies.take()?;
    let Published { payload } = serde_json::from_slice(&reply.body).map_err(|_| Code::Unavailable)?;
    let payload = payload.map(|payload| payload.get().to_owned());
    let endpoints: List<Endpoint> = replies.next()?;
    let deliveries: List<Delivery> = replies.next()?;
    let attempts: List<Attempt> = replies.next()?;
    Ok(messages::Data {
        message: read(&reply)?,
        payload,
        deliveries: deliveries.data,
        attempts,
        endpoints: endpoints.data,
    })
}
