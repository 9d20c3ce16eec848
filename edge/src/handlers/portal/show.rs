//! The portal's pages: everything that one shows is asked for at once, the link itself first.

use super::{Page, refused, write};
use crate::auth::Holder;
use crate::control_plane::{ControlPlane, Reply};
use crate::handlers::Context;
use crate::handlers::pages::read;
use crate::pages::Retry;
use crate::pages::portal::{endpoint, endpoints, messages};
use crate::verdict::Answer;
use futures_util::future::join_all;
use protocol::api::{Attempt, Delivery, Endpoint, EventType, List, MessageSummary, PortalLink};
use protocol::{Code, Operation, call};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::vec::IntoIter;

/// Rows of the lists on an endpoint's page; each has a page of its own.
const SOME: u32 = 10;

impl Page {
    /// What the page shows, in the order in which [`write_from`] reads it.
    fn operations(&self) -> Vec<Operation> {
        let whole = |cursor: &Option<String>| call::Page { limit: None, cursor: cursor.clone() };
        let some = || call::Page { limit: Some(SOME), cursor: None };
        let mut operations = vec![Operation::GetPortal];
        operations.extend(match self {
            Self::Endpoints { cursor, .. } => {
                vec![Operation::ListEndpoints { customer_id: None, page: whole(cursor) }]
            }
            Self::Endpoint { id, .. } => vec![
                Operation::GetEndpoint { id: id.clone() },
                Operation::ListDeliveries { id: id.clone(), status: None, page: some() },
                Operation::ListAttempts { id: id.clone(), page: some() },
            ],
            Self::Deliveries { id, status, cursor } => vec![
                Operation::GetEndpoint { id: id.clone() },
                Operation::ListDeliveries { id: id.clone(), status: *status, page: whole(cursor) },
            ],
            Self::Attempts { id, cursor } => vec![
                Operation::GetEndpoint { id: id.clone() },
                Operation::ListAttempts { id: id.clone(), page: whole(cursor) },
            ],
            Self::Message { id, cursor } => vec![
                Operation::GetMessage { id: id.clone() },
                Operation::ListMessageAttempts { id: id.clone(), page: whole(cursor) },
            ],
            Self::EventTypes { cursor } => vec![Operation::ListEventTypes(whole(cursor))],
        });
        operations
    }
}

/// What came, in the order in which it was asked for.
struct Replies(IntoIter<Reply>);

impl Replies {
    fn next<T: DeserializeOwned>(&mut self) -> Result<T, Code> {
        read(&self.0.next().ok_or(Code::Internal)?)
    }
}

/// What a message has besides its summary, as it was published.
#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    payload: Option<Box<RawValue>>,
}

/// A page. `retry`: a form of it was refused.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub(super) async fn render<P: ControlPlane>(
    context: &Context<'_, P>,
    holder: &Holder,
    page: &Page,
    retry: Option<&Retry>,
) -> Result<Answer, Code> {
    let ask = |operation| context.call(None, holder.principal(), operation, Vec::new());
    let replies = join_all(page.operations().into_iter().map(ask)).await;
    let replies = replies.into_iter().collect::<Result<Vec<Reply>, Code>>()?;
    if let Some(refusal) = replies.iter().find(|reply| !reply.is_success()) {
        let (code, detail) = refusal.problem();
        return refused(context, code, detail.as_deref());
    }
    write_from(context, holder, page, retry, Replies(replies.into_iter()))
}

fn write_from<P>(
    context: &Context<'_, P>,
    holder: &Holder,
    page: &Page,
    retry: Option<&Retry>,
    mut replies: Replies,
) -> Result<Answer, Code> {
    let status = retry.map_or(200, |retry| retry.status);
    let link: PortalLink = replies.next()?;
    let link = Some(&link);
    match page {
        Page::Endpoints { done, .. } => {
            let all: List<Endpoint> = replies.next()?;
            write(context, holder, status, link, &|portal| endpoints::list(portal, &all, *done, retry))
        }
        Page::Endpoint { done, .. } => {
            let data = endpoint::Data {
                endpoint: replies.next()?,
                deliveries: replies.next()?,
                attempts: replies.next()?,
            };
            write(context, holder, status, link, &|portal| endpoint::render(portal, &data, *done, retry))
        }
        Page::Deliveries { status: so_far, .. } => {
            let endpoint: Endpoint = replies.next()?;
            let rows: List<Delivery> = replies.next()?;
            write(context, holder, status, link, &|portal| {
                messages::deliveries(portal, &endpoint, *so_far, &rows)
            })
        }
        Page::Attempts { .. } => {
            let endpoint: Endpoint = replies.next()?;
            let rows: List<Attempt> = replies.next()?;
            write(context, holder, status, link, &|portal| messages::attempts(portal, &endpoint, &rows))
        }
        Page::Message { .. } => {
            let reply = replies.0.next().ok_or(Code::Internal)?;
            let summary: MessageSummary = read(&reply)?;
            let content: Content = serde_json::from_slice(&reply.body).map_err(|_| Code::Unavailable)?;
            let payload = content.payload.as_deref().map(RawValue::get);
            let rows: List<Attempt> = replies.next()?;
            write(context, holder, status, link, &|portal| messages::one(portal, &summary, payload, &rows))
        }
        Page::EventTypes { .. } => {
            let types: List<EventType> = replies.next()?;
            write(context, holder, status, link, &|portal| messages::event_types(portal, &types))
        }
    }
}
