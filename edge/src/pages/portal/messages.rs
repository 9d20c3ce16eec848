//! What was sent: an endpoint's deliveries and attempts, a message, and the types of events there are.

use super::{EVENT_TYPES, PATH, Portal, path_of, to_message};
use crate::pages::parts::{more, more_of, time};
use crate::pages::webhooks::parts;
use maud::{Markup, html};
use protocol::EndpointId;
use protocol::api::{Attempt, Delivery, DeliveryStatus, Endpoint, EventType, List, MessageSummary};

/// Deliveries to an endpoint, `status` of them that have come so far.
pub fn deliveries(
    portal: &Portal<'_>,
    endpoint: &Endpoint,
    status: Option<DeliveryStatus>,
    rows: &List<Delivery>,
) -> Markup {
    let path = format!("{}/deliveries", path_of(&endpoint.id));
    let query = status.map(|status| format!("status={}&", status.as_str())).unwrap_or_default();
    let shown = |wanted: Option<DeliveryStatus>| (status == wanted).then_some("page");
    portal.page("Deliveries", "", &html! {
        (back(endpoint))
        h1 { "Deliveries" }
        p {
            a href=(path) aria-current=[shown(None)] { "All" }
            @for one in [DeliveryStatus::Pending, DeliveryStatus::Delivered, DeliveryStatus::Failed] {
                " " a href=(format!("{path}?status={}", one.as_str())) aria-current=[shown(Some(one))] { (one.as_str()) }
            }
        }
        @if rows.data.is_empty() { p.empty { "There are none." } } @else { (delivery_rows(portal, &rows.data)) }
        (more_of(&path, &query, rows.next_cursor.as_deref()))
    })
}

/// Deliveries to one endpoint, with a button that sends each again.
pub(super) fn delivery_rows(portal: &Portal<'_>, rows: &[Delivery]) -> Markup {
    parts::deliveries(rows, ("Message", &|delivery| to_message(&delivery.message_id)), &|delivery| {
        let fields = [("id", delivery.endpoint_id.as_str()), ("message", delivery.message_id.as_str())];
        portal.shell.button(PATH, "resend", &fields, "quiet", "Resend")
    })
}

/// Attempts at an endpoint.
pub fn attempts(portal: &Portal<'_>, endpoint: &Endpoint, rows: &List<Attempt>) -> Markup {
    let path = format!("{}/attempts", path_of(&endpoint.id));
    portal.page(
        "Attempts",
        "",
        &html! {
            (back(endpoint))
            h1 { "Attempts" }
            @if rows.data.is_empty() {
                p.empty { "There are none." }
            } @else {
                (parts::attempts(&rows.data, ("Message", &|attempt| to_message(&attempt.message_id))))
            }
            (more(&path, rows.next_cursor.as_deref()))
        },
    )
}

fn back(endpoint: &Endpoint) -> Markup {
    html! { p { a href=(path_of(&endpoint.id)) { "← " code.wrap { (endpoint.url) } } } }
}

/// A message: what it says, where it was tried, and the way to send it there again. `payload`: as it was published; of one
/// that forwards an event there is none.
pub fn one(
    portal: &Portal<'_>,
    message: &MessageSummary,
    payload: Option<&str>,
    attempts: &List<Attempt>,
) -> Markup {
    let mut tried: Vec<&EndpointId> = attempts.data.iter().map(|attempt| &attempt.endpoint_id).collect();
    tried.sort_unstable_by_key(|id| id.as_str());
    tried.dedup();
    portal.page("Message", "", &html! {
        p { a href=(PATH) { "← Endpoints" } }
        h1 { "Message" }
        dl {
            dt { "Id, the webhook-id" } dd { code.wrap { (message.id) } }
            dt { "Event type" } dd { code.wrap { (message.event_type) } }
            dt { "Created" } dd { (time(&message.created_at)) }
            dt { "Size" } dd { (message.size) " bytes" }
        }
        h2 { "Payload" }
        @match payload {
            Some(payload) => pre tabindex="0" aria-label="Payload" { (payload) },
            None => p.empty { "It forwards an event as it was received." },
        }
        h2 { "Attempts" }
        @if attempts.data.is_empty() {
            p.empty { "Nothing was tried yet." }
        } @else {
            (parts::attempts(&attempts.data, ("Endpoint", &|attempt| html! {
                a href=(path_of(&attempt.endpoint_id)) { code { (attempt.endpoint_id) } }
            })))
        }
        (more(&format!("{PATH}/messages/{}", message.id), attempts.next_cursor.as_deref()))
        @for id in tried {
            (portal.shell.button(PATH, "resend", &[("id", id.as_str()), ("message", message.id.as_str())], "",
                &format!("Send it to {id} again")))
        }
    })
}

/// The types of events that an endpoint can get. What the workspace itself is told of is no customer's.
pub fn event_types(portal: &Portal<'_>, types: &List<EventType>) -> Markup {
    portal.page("Event types", EVENT_TYPES, &html! {
        h1 { "Event types" }
        @if types.data.iter().all(|kind| kind.built_in) { p.empty { "None is described." } }
        @for kind in types.data.iter().filter(|kind| !kind.built_in) {
            section {
                h2 { code.wrap { (kind.name) } }
                @if !kind.description.is_empty() { p { (kind.description) } }
                @if let Some(schema) = &kind.schema { (json("JSON Schema", &serde_json::to_string_pretty(schema))) }
                @if let Some(example) = &kind.example { (json("Example", &serde_json::to_string_pretty(example))) }
            }
        }
        (more(EVENT_TYPES, types.next_cursor.as_deref()))
    })
}

fn json(label: &str, text: &serde_json::Result<String>) -> Markup {
    let text = text.as_deref().unwrap_or_default();
    html! { details { summary { (label) } pre tabindex="0" aria-label=(label) { (text) } } }
}
