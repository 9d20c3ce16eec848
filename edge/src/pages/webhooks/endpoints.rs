//! `/endpoints`: where messages and forwarded events are delivered, and the form for a new one.

use super::parts::{Values, endpoint_fields, endpoint_status, event_types};
use crate::handlers::forms::Form;
use crate::pages::parts::{field, may, more_of, notice, refusal, select, table, time};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{Endpoint, List, Me, ShownOnce, Source};

pub(super) const PATH: &str = "/endpoints";

/// What the page shows.
pub struct Data<'d> {
    /// Of one customer, or all.
    pub endpoints: List<Endpoint>,
    /// Of the workspace.
    pub sources: Vec<Source>,
    /// The filter.
    pub customer: Option<&'d str>,
}

/// The page.
pub fn render(
    shell: &Shell<'_>,
    me: &Me,
    data: &Data<'_>,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let rows = &data.endpoints.data;
    let query = data.customer.map(|customer| format!("customer_id={customer}&")).unwrap_or_default();
    shell.page("Endpoints", PATH, &html! {
        h1 { "Endpoints" }
        (notice(done, "Endpoint"))
        (refusal(retry, Form::Endpoints))
        @if data.customer.is_some() || !rows.is_empty() { (customer_filter(PATH, data.customer)) }
        @if rows.is_empty() && data.customer.is_some() {
            p.empty { "No endpoint of this customer." }
        } @else if rows.is_empty() {
            p.empty { "No endpoint yet. Give a URL, and messages or the events of your sources are delivered to it, signed." }
        } @else {
            (list(rows))
        }
        (more_of(PATH, &query, data.endpoints.next_cursor.as_deref()))
        @if may(me, &Operation::CreateEndpoint) { (create(shell, &data.sources, retry)) }
    })
}

/// Narrows a list to what is one customer's.
pub(super) fn customer_filter(path: &str, customer: Option<&str>) -> Markup {
    html! {
        form.row method="get" action=(path) {
            (field("Customer", "customer_id", "text", customer.unwrap_or_default(), ""))
            button.quiet { "Filter" }
            @if customer.is_some() { a href=(path) { "Show all" } }
        }
    }
}

fn list(endpoints: &[Endpoint]) -> Markup {
    table(
        "Your endpoints",
        &["URL", "Gets", "Customer", "Status", "Created"],
        &html! { @for endpoint in endpoints { tr {
            td {
                a href=(format!("{PATH}/{}", endpoint.id)) { code.wrap { (endpoint.url) } }
                @if !endpoint.description.is_empty() { br; (endpoint.description) }
            }
            td {
                (event_types(endpoint))
                @if !endpoint.sources.is_empty() { br; span.faint { @match endpoint.sources.len() { 1 => "of a source", count => { "of " (count) " sources" } } } }
            }
            td { (customer_name(endpoint.customer_id.as_deref())) }
            td { (endpoint_status(endpoint)) }
            td { (time(&endpoint.created_at)) }
        } } },
    )
}

/// A customer's id, or whose else it is.
pub(super) fn customer_name(id: Option<&str>) -> Markup {
    html! { @match id { Some(id) => code.wrap { (id) }, None => span.faint { "the workspace's own" } } }
}

fn create(shell: &Shell<'_>, sources: &[Source], retry: Option<&Retry>) -> Markup {
    let values = Values::new(retry, Form::Endpoints, "create", None);
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New endpoint" }
            form.card method="post" action=(PATH) {
                (shell.hidden("create", &[]))
                (endpoint_fields(&values))
                (field("Customer", "customer_id", "text", values.or("customer_id", |_| String::new()),
                    "Your own id of one: it gets that customer's messages. Leave empty for an endpoint of this workspace's own."))
                (source_boxes(sources, &values))
                (order_select(&values))
                button { "Create endpoint" }
            }
        }
    }
}

/// The sources whose events it gets.
pub(super) fn source_boxes(sources: &[Source], values: &Values<'_>) -> Markup {
    html! {
        @if !sources.is_empty() {
            @let group = values.or("sources", |_| String::new());
            fieldset aria-describedby=[group.described_by()] {
                legend { "Events of sources" }
                small { "It gets the events of these, and nothing else. None: it gets messages." }
                @for source in sources {
                    @let id = source.id.as_str();
                    label.check {
                        input type="checkbox" name="sources" value=(id)
                            checked[values.ticked("sources", id, |endpoint| endpoint.sources.contains(&source.id))]
                            aria-invalid=[group.invalid()];
                        span { (source.name) }
                    }
                }
            }
            (group.fault())
        }
    }
}

/// Whether order is kept.
pub(super) fn order_select(values: &Values<'_>) -> Markup {
    const ORDERS: [(&str, &str); 3] = [
        ("", "Kept for events of sources alone"),
        ("true", "Kept: what comes later waits"),
        ("false", "Not kept: nothing waits"),
    ];
    let options = if values.is_new() { &ORDERS[..] } else { &ORDERS[1..] };
    select("Order", "ordered", values.or("ordered", |endpoint| endpoint.ordered.to_string()), options)
}

/// The one page that shows an endpoint's secret. `path`: of the endpoint.
pub fn secret(
    shell: &Shell<'_>,
    path: &str,
    url: Option<&str>,
    until: Option<&str>,
    secret: &ShownOnce,
) -> Markup {
    shell.page("The endpoint's secret", PATH, &html! {
        h1 { "Your endpoint's secret" }
        p { "It verifies deliveries (Standard Webhooks). Copy it now: this is the only time it is shown. It is kept sealed." }
        pre.secret tabindex="0" aria-label="Signing secret" { (secret.0) }
        @if let Some(url) = url { p { "For " code.wrap { (url) } } }
        @if let Some(until) = until { p { "The one before signs too until " (time(until)) "." } }
        p { a href=(path) { "Done" } }
    })
}
