//! `/events`: what came, narrowed by a filter.

use super::parts::delivery_status;
use super::sources::provider_name;
use crate::pages::Shell;
use crate::pages::parts::{field, more_of, select, table, time};
use maud::{Markup, html};
use protocol::api::{InboundEventSummary, List, Source};
use protocol::call::EventFilter;
use protocol::time::rfc3339;

pub(super) const PATH: &str = "/events";

/// The newest events that pass the filter.
pub fn render(
    shell: &Shell<'_>,
    events: &List<InboundEventSummary>,
    sources: &[Source],
    filter: &EventFilter,
) -> Markup {
    let everything = *filter == EventFilter::default();
    shell.page("Events", PATH, &html! {
        h1 { "Events" }
        @if !everything || !events.data.is_empty() { (filter_form(sources, filter)) }
        @if !events.data.is_empty() {
            (list(&events.data))
        } @else if everything {
            p.empty { "No event yet. " a href="/sources" { "Create a source" } ", paste its URL at the provider and send a test event." }
        } @else {
            p.empty { "No event passes this filter. " a href=(PATH) { "Show all" } }
        }
        (more_of(PATH, &query(filter), events.next_cursor.as_deref()))
    })
}

fn filter_form(sources: &[Source], filter: &EventFilter) -> Markup {
    let chosen = filter.source.as_ref();
    html! {
        details open[*filter != EventFilter::default()] {
            summary { "Filter" }
            form.card method="get" action=(PATH) {
                label {
                    span { "Source" }
                    select name="source_id" {
                        option value="" { "All" }
                        @for source in sources {
                            option value=(source.id) selected[Some(&source.id) == chosen] { (source.name) }
                        }
                        // One that was deleted, or stands further down the list.
                        @if let Some(id) = chosen.filter(|id| sources.iter().all(|source| source.id != **id)) {
                            option value=(id) selected { (id) }
                        }
                    }
                }
                (field("Type", "event_type", "text", filter.event_type.as_deref().unwrap_or_default(), ""))
                (field("Received since", "since", "datetime-local", local(filter.since), "UTC"))
                (field("Received before", "until", "datetime-local", local(filter.until), "UTC"))
                (select("Forwarding", "forwarding", filter.forwarding.map_or("", |status| status.as_str()), &[
                    ("", "Any"), ("pending", "pending"), ("delivered", "delivered"), ("failed", "failed"),
                ]))
                button { "Filter" }
            }
        }
    }
}

/// A moment, as `datetime-local` takes it.
fn local(ms: Option<u64>) -> String {
    ms.map(|ms| rfc3339(ms).chars().take(19).collect()).unwrap_or_default()
}

/// The filter as the query that the page reads.
fn query(filter: &EventFilter) -> String {
    let EventFilter { source, event_type, since, until, forwarding } = filter;
    let fields = [
        ("source_id", source.as_ref().map(ToString::to_string)),
        ("event_type", event_type.clone()),
        ("since", since.map(rfc3339)),
        ("until", until.map(rfc3339)),
        ("forwarding", forwarding.map(|status| status.as_str().to_owned())),
    ];
    fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}&", value?))).collect()
}

fn list(events: &[InboundEventSummary]) -> Markup {
    let heads = ["Received", "Provider", "Type", "Provider's id", "Repeats", "Bytes", "Forwarding"];
    table(
        "Stored events",
        &heads,
        &html! { @for event in events { tr {
            td { a href=(format!("{PATH}/{}", event.id)) { (time(&event.received_at)) } }
            td { (provider_name(&event.provider)) }
            td { @if let Some(kind) = &event.event_type { code { (kind) } } }
            td { @if let Some(id) = &event.provider_event_id { code.wrap { (id) } } }
            td { (event.duplicate_count) }
            td { (event.size) }
            td { @match event.forwarding { Some(status) => (delivery_status(status)), None => span.faint { "none" } } }
        } } },
    )
}
