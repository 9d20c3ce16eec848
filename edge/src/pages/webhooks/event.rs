//! `/events/{id}`: what came, to the byte, and what became of it.

use super::events::PATH;
use super::messages;
use super::source::endpoint_select;
use super::sources::provider_name;
use crate::handlers::forms::Form;
use crate::pages::parts::{may, refusal, table, time};
use crate::pages::{Retry, Shell};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{Attempt, Delivery, Endpoint, InboundEvent, List, Me};

/// What the page shows.
pub struct Data {
    /// The event.
    pub event: InboundEvent,
    /// Of the workspace.
    pub endpoints: Vec<Endpoint>,
    /// Of the message that forwards it, where there is one.
    pub deliveries: Vec<Delivery>,
    /// The newest of that message.
    pub attempts: List<Attempt>,
}

/// The page, the event's body as text.
pub fn render(shell: &Shell<'_>, me: &Me, data: &Data, retry: Option<&Retry>) -> Markup {
    let event = &data.event;
    let summary = &event.summary;
    let body = STANDARD.decode(&event.body_base64).unwrap_or_default();
    shell.page("Event", PATH, &html! {
        p { a href=(PATH) { "← Events" } }
        h1 { (summary.event_type.as_deref().unwrap_or("Event")) }
        (refusal(retry, Form::Events))
        dl {
            dt { "Id" } dd { code.wrap { (summary.id) } }
            dt { "Received" } dd { (time(&summary.received_at)) }
            dt { "Provider" } dd { (provider_name(&summary.provider)) }
            @if let Some(id) = &summary.provider_event_id { dt { "Provider's id" } dd { code.wrap { (id) } } }
            dt { "Source" } dd { a href=(format!("/sources/{}", summary.source_id)) { code.wrap { (summary.source_id) } } }
            dt { "Repeats" } dd { (summary.duplicate_count) }
            @if let Some(id) = &event.message_id {
                dt { "Forwarded as" } dd { a href=(format!("{}/{id}", messages::PATH)) { code.wrap { (id) } } }
            }
        }
        @if event.message_id.is_some() {
            (messages::progress(shell, me, &data.deliveries, &data.attempts, &data.endpoints))
        } @else {
            p.empty { (why_none(data)) }
        }
        @if may(me, &Operation::ReplayEvents) { (replay(shell, data, retry)) }
        h2 { "Body, " (summary.size) " bytes" }
        pre tabindex="0" aria-label="Body" { (String::from_utf8_lossy(&body)) }
        h2 { "Headers" }
        (table("Headers", &["Name", "Value"], &html! {
            @for (name, value) in &event.headers { tr { td { code { (name) } } td { code.wrap { (value) } } } }
        }))
    })
}

/// Why no endpoint got the event when it came. Times are of one form, so they compare as texts.
fn why_none(data: &Data) -> &'static str {
    let summary = &data.event.summary;
    let mut targets =
        data.endpoints.iter().filter(|endpoint| endpoint.sources.contains(&summary.source_id)).peekable();
    if targets.peek().is_none() {
        return "No endpoint gets the events of this source.";
    }
    if targets.all(|endpoint| endpoint.created_at > summary.received_at) {
        return "No endpoint got this event: the endpoints of this source are newer. Forward it again to deliver it.";
    }
    "No endpoint got this event when it came: none was enabled for this source and this type of event. \
     Forward it again to deliver it."
}

fn replay(shell: &Shell<'_>, data: &Data, retry: Option<&Retry>) -> Markup {
    html! {
        section aria-labelledby="replay" {
            h2 id="replay" { "Forward it again" }
            form.card method="post" action=(PATH) {
                (shell.hidden("replay", &[("id", data.event.summary.id.as_str())]))
                (endpoint_select(&data.endpoints, &Retry::typed(retry, Form::Events, "endpoint_id"), "Every one that gets its source's events"))
                button { "Forward again" }
            }
        }
    }
}
