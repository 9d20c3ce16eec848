//! `/endpoints` and `/endpoints/{id}`: where this workspace's own events are delivered, and how that goes.

use crate::handlers::forms::Form;
use crate::pages::parts::{codes, input, may, more, notice, refusal, table, time, time_or};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{CreatedEndpoint, Delivery, Endpoint, List, Me};

const PATH: &str = "/endpoints";

/// The list, and the form for a new one.
pub fn list(
    shell: &Shell<'_>,
    me: &Me,
    endpoints: &List<Endpoint>,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let may_change = may(me, &Operation::CreateEndpoint);
    shell.page("Endpoints", PATH, &html! {
        h1 { "Endpoints" }
        (notice(done, "Endpoint"))
        (refusal(retry, Form::Endpoints))
        @if endpoints.data.is_empty() {
            p.empty { "No endpoint yet. Give a URL, and this workspace's own events, such as a connection that must be reconnected, are delivered to it, signed." }
        } @else {
            (table("Your endpoints", &["URL", "Events", "Created", ""], &html! { @for endpoint in &endpoints.data { tr {
                td {
                    a href=(format!("{PATH}/{}", endpoint.id)) { code.wrap { (endpoint.url) } }
                    @if !endpoint.description.is_empty() { br; (endpoint.description) }
                }
                td { (event_types(endpoint)) }
                td { (time(&endpoint.created_at)) }
                td { @if may_change { (shell.row_button(PATH, "delete", endpoint.id.as_str(), "Delete", &endpoint.url)) } }
            } } }))
        }
        (more(PATH, endpoints.next_cursor.as_deref()))
        @if may_change { (create(shell, retry)) }
    })
}

fn event_types(endpoint: &Endpoint) -> Markup {
    html! { @if endpoint.event_types.is_empty() { "all" } @else { (codes(&endpoint.event_types)) } }
}

fn create(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::Endpoints, name);
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New endpoint" }
            form.card method="post" action=(PATH) {
                (shell.hidden("create", &[]))
                (input("URL", "url", "url", typed("url"), "HTTPS, of a public host."))
                label {
                    span { "Event types" }
                    input type="text" name="event_types" value=(typed("event_types")) autocomplete="off" spellcheck="false"
                        placeholder="connection.reauthorization_required connection.disconnected";
                    small { "Leave empty for all." }
                }
                label {
                    span { "Description" }
                    input type="text" name="description" value=(typed("description")) maxlength="200" autocomplete="off";
                }
                button { "Create endpoint" }
            }
        }
    }
}

/// The one page that shows an endpoint's secret.
pub fn created(shell: &Shell<'_>, created: &CreatedEndpoint) -> Markup {
    shell.page(
        "New endpoint",
        PATH,
        &html! {
            h1 { "Your endpoint's secret" }
            p { "It verifies deliveries (Standard Webhooks). Copy it now: this is the only time it is shown. It is kept sealed." }
            pre.secret tabindex="0" aria-label="Signing secret" { (created.secret.0) }
            p { "For " code.wrap { (created.endpoint.url) } }
            p { a href=(PATH) { "Done" } }
        },
    )
}

/// One endpoint, and its deliveries.
pub fn one(shell: &Shell<'_>, endpoint: &Endpoint, deliveries: &List<Delivery>) -> Markup {
    shell.page("Endpoint", PATH, &html! {
        p { a href=(PATH) { "← Endpoints" } }
        h1 { "Endpoint" }
        dl {
            dt { "URL" } dd { code.wrap { (endpoint.url) } }
            @if !endpoint.description.is_empty() { dt { "Description" } dd { (endpoint.description) } }
            dt { "Events" } dd { (event_types(endpoint)) }
            dt { "Id" } dd { code.wrap { (endpoint.id) } }
            dt { "Created" } dd { (time(&endpoint.created_at)) }
        }
        h2 { "Deliveries" }
        @if deliveries.data.is_empty() {
            p.empty { "Nothing was delivered yet." }
        } @else {
            (table("Deliveries", &["Message", "Event", "Status", "Attempts", "Created", "Next attempt"], &html! {
                @for delivery in &deliveries.data { tr {
                    td { code { (delivery.message_id) } }
                    td { code { (delivery.event_type) } }
                    td { (super::parts::delivery_status(delivery.status)) @if let Some(status) = delivery.http_status { br; span.faint { "HTTP " (status) } } }
                    td { (delivery.attempts) }
                    td { (time(&delivery.created_at)) }
                    td { (time_or(delivery.next_attempt_at.as_deref(), "none")) }
                } }
            }))
        }
        (more(&format!("{PATH}/{}", endpoint.id), deliveries.next_cursor.as_deref()))
    })
}
