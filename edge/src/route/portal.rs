//! The paths of the customers' portal: `/portal` and what is below it. There is one for forms besides the one that leaves.

use super::{NoTarget, Target, cursor};
use crate::handlers::portal::{Ask, Page, done};
use crate::head::Head;
use protocol::api::DeliveryStatus;
use protocol::{Code, EndpointId, MessageId};
use secrecy::SecretString;

/// Finds the target of a request; `rest` follows `/portal`.
pub(super) fn find<'a>(head: &Head<'_>, rest: &str) -> Result<Target<'a>, NoTarget> {
    let change = match rest {
        "" => Some(Ask::Change),
        "/leave" => Some(Ask::Leave),
        _ => None,
    };
    let page = page(rest, head.query);
    let allow = match (&page, &change) {
        (Some(_), Some(_)) => "GET, HEAD, POST",
        (Some(_), None) => "GET, HEAD",
        (None, Some(_)) => "POST",
        (None, None) => return Err(Code::NotFound.into()),
    };
    match (head.method, page, change) {
        ("GET" | "HEAD", Some(_), Some(_)) if let Some(token) = token(head.query) => {
            Ok(Target::PortalLink { token })
        }
        ("GET" | "HEAD", Some(page), _) => Ok(Target::Portal(Ask::Page(page))),
        ("POST", _, Some(change)) => Ok(Target::Portal(change)),
        _ => Err(NoTarget { allow: Some(allow.to_owned()), ..Code::MethodNotAllowed.into() }),
    }
}

fn page(rest: &str, query: &str) -> Option<Page> {
    let cursor = cursor(query, "cursor");
    match rest {
        "" => return Some(Page::Endpoints { done: done(query), cursor }),
        "/event-types" => return Some(Page::EventTypes { cursor }),
        _ => {}
    }
    if let Some(id) = rest.strip_prefix("/messages/") {
        return Some(Page::Message { id: MessageId::parse(id).ok()?, cursor });
    }
    let rest = rest.strip_prefix("/endpoints/")?;
    let (id, list) = rest.split_once('/').map_or((rest, ""), |(id, list)| (id, list));
    let id = EndpointId::parse(id).ok()?;
    match list {
        "" if !rest.contains('/') => Some(Page::Endpoint { id, done: done(query) }),
        "attempts" => Some(Page::Attempts { id, cursor }),
        "deliveries" => Some(Page::Deliveries { id, status: status(query), cursor }),
        _ => None,
    }
}

fn token(query: &str) -> Option<SecretString> {
    query.split('&').find_map(|pair| pair.strip_prefix("token=")).map(SecretString::from)
}

fn status(query: &str) -> Option<DeliveryStatus> {
    query.split('&').find_map(|pair| pair.strip_prefix("status=")).and_then(DeliveryStatus::parse)
}
