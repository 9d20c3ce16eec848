//! `/events` and `/events/{id}`.

use super::sources::provider_name;
use crate::pages::Shell;
use crate::pages::parts::{not_allowed, time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use protocol::api::{InboundEvent, InboundEventSummary, Overview};

const PATH: &str = "/events";

/// The newest events.
pub fn list(shell: &Shell<'_>, data: &Overview) -> Markup {
    shell.page("Events", PATH, &html! {
        h1 { "Events" }
        @match data.events.as_deref() {
            None => (not_allowed("events")),
            Some([]) => p.empty {
                "No event yet. " a href="/sources" { "Create a source" } ", paste its URL at the provider and send a test event."
            },
            Some(events) => (table(events)),
        }
    })
}

fn table(events: &[InboundEventSummary]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Stored events" { table {
            thead { tr {
                th scope="col" { "Received" } th scope="col" { "Provider" } th scope="col" { "Type" }
                th scope="col" { "Provider's id" } th scope="col" { "Repeats" } th scope="col" { "Bytes" }
            } }
            tbody { @for event in events { tr {
                td { a href=(format!("{PATH}/{}", event.id)) { (time(&event.received_at)) } }
                td { (provider_name(&event.provider)) }
                td { @if let Some(kind) = &event.event_type { code { (kind) } } }
                td { @if let Some(id) = &event.provider_event_id { code.wrap { (id) } } }
                td { (event.duplicate_count) }
                td { (event.size) }
            } } }
        } }
    }
}

/// One event, its body as text.
pub fn one(shell: &Shell<'_>, event: &InboundEvent) -> Markup {
    let summary = &event.summary;
    let body = STANDARD.decode(&event.body_base64).unwrap_or_default();
    shell.page("Event", PATH, &html! {
        p { a href=(PATH) { "← Events" } }
        h1 { (summary.event_type.as_deref().unwrap_or("Event")) }
        dl {
            dt { "Id" } dd { code.wrap { (summary.id) } }
            dt { "Received" } dd { (time(&summary.received_at)) }
            dt { "Provider" } dd { (provider_name(&summary.provider)) }
            @if let Some(id) = &summary.provider_event_id { dt { "Provider's id" } dd { code.wrap { (id) } } }
            dt { "Source" } dd { code.wrap { (summary.source_id) } }
            dt { "Repeats" } dd { (summary.duplicate_count) }
        }
        h2 { "Body, " (summary.size) " bytes" }
        pre tabindex="0" aria-label="Body" { (String::from_utf8_lossy(&body)) }
        h2 { "Headers" }
        div.scroll tabindex="0" role="region" aria-label="Headers" { table {
            thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
            tbody { @for (name, value) in &event.headers { tr { td { code { (name) } } td { code.wrap { (value) } } } } }
        } }
    })
}
