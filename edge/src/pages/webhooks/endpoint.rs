//! `/endpoints/{id}`: what it gets, how that goes, and what can be done with it.

use super::endpoints::{PATH, customer_name, order_select, source_boxes};
use super::messages;
use super::parts::{
    Values, attempts, deliveries, endpoint_facts, endpoint_fields, endpoint_status, endpoint_trouble,
};
use super::source::OVERLAPS;
use crate::handlers::forms::Form;
use crate::pages::parts::{input, may, more_of, notice, refusal, select};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::api::{Attempt, Delivery, DeliveryStatus, Endpoint, List, Me, Source};
use protocol::{MessageId, Operation, SourceId};

/// What the page shows.
pub struct Data {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Those of `status`.
    pub deliveries: List<Delivery>,
    /// The filter.
    pub status: Option<DeliveryStatus>,
    /// At it, newest first.
    pub attempts: List<Attempt>,
    /// Of the workspace.
    pub sources: Vec<Source>,
}

/// The page.
pub fn render(
    shell: &Shell<'_>,
    me: &Me,
    data: &Data,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let endpoint = &data.endpoint;
    let path = format!("{PATH}/{}", endpoint.id);
    let message = |id: &MessageId| html! { a href=(format!("{}/{id}", messages::PATH)) { code { (id) } } };
    shell.page(&name(endpoint), PATH, &html! {
        p { a href=(PATH) { "← Endpoints" } }
        h1 { (name(endpoint)) }
        (notice(done, "Endpoint"))
        (refusal(retry, Form::Endpoints))
        (trouble(shell, me, endpoint))
        dl {
            dt { "Status" } dd { (endpoint_status(endpoint)) }
            dt { "Customer" } dd { (customer_name(endpoint.customer_id.as_deref())) }
            @if !endpoint.sources.is_empty() { dt { "Sources" } dd { (source_names(endpoint, &data.sources)) } }
            dt { "Order" } dd { @if endpoint.ordered { "kept" } @else { "not kept" } }
            (endpoint_facts(endpoint))
        }
        (actions(shell, me, endpoint, retry))
        section aria-labelledby="deliveries" {
            h2 id="deliveries" { "Deliveries" }
            (status_links(&path, data.status))
            @if data.deliveries.data.is_empty() { p.empty { "None." } } @else {
                (deliveries(&data.deliveries.data, ("Message", &|row| message(&row.message_id)), &|row| messages::actions(shell, me, row)))
            }
            @let query = data.status.map(|status| format!("status={}&", status.as_str())).unwrap_or_default();
            (more_of(&path, &query, data.deliveries.next_cursor.as_deref()))
        }
        section aria-labelledby="attempts" {
            h2 id="attempts" { "Attempts" }
            @if data.attempts.data.is_empty() { p.empty { "None." } } @else {
                (attempts(&data.attempts.data, ("Message", &|row| message(&row.message_id))))
            }
            (more_of(&path, "attempts_", data.attempts.next_cursor.as_deref()))
        }
        @if may(me, &Operation::CreateEndpoint) { (settings(shell, data, retry)) }
    })
}

/// The longest URL in a title, in characters.
const TITLE: usize = 60;

/// Tells two endpoints apart, as a title: their owner's word for it, or else where it is, as far as a title holds it. A query is
/// left out: windows and histories show titles.
pub(in crate::pages) fn name(endpoint: &Endpoint) -> String {
    if !endpoint.description.is_empty() {
        return format!("Endpoint {}", endpoint.description);
    }
    let url = endpoint.url.split('?').next().unwrap_or_default();
    let cut: String = url.chars().take(TITLE).collect();
    let rest = if cut.len() < url.len() { "…" } else { "" };
    format!("Endpoint {cut}{rest}")
}

fn trouble(shell: &Shell<'_>, me: &Me, endpoint: &Endpoint) -> Markup {
    let id = [("id", endpoint.id.as_str())];
    html! {
        @if let Some(trouble) = endpoint_trouble(endpoint) {
            div.problem role="status" { (trouble) }
            @if endpoint.disabled_at.is_some() && may(me, &Operation::CreateEndpoint) {
                (shell.button(PATH, "enable", &id, "", "Put it back into use"))
            }
        }
    }
}

fn source_names(endpoint: &Endpoint, sources: &[Source]) -> Markup {
    let name =
        |id: &SourceId| sources.iter().find(|source| source.id == *id).map(|source| source.name.as_str());
    html! { @for id in &endpoint.sources {
        a href=(format!("/sources/{id}")) { @match name(id) { Some(name) => (name), None => code.wrap { (id) } } } " "
    } }
}

fn actions(shell: &Shell<'_>, me: &Me, endpoint: &Endpoint, retry: Option<&Retry>) -> Markup {
    let id = [("id", endpoint.id.as_str())];
    html! {
        div.row {
            @if may(me, &Operation::PublishMessage) && endpoint.disabled_at.is_none() { (shell.button(PATH, "test", &id, "quiet", "Send a test")) }
            @if may(me, &Operation::CreateEndpoint) {
                @if endpoint.disabled_at.is_none() { (shell.button(PATH, "disable", &id, "quiet", "Take it out of use")) }
                a.danger href=(format!("{PATH}/{}/delete", endpoint.id)) { "Delete" }
            }
        }
        @if may(me, &Operation::PublishMessage) { (recover(shell, endpoint, retry)) }
    }
}

fn recover(shell: &Shell<'_>, endpoint: &Endpoint, retry: Option<&Retry>) -> Markup {
    let since = Retry::typed_for(retry, Form::Endpoints, "recover", "since");
    html! {
        details open[since.invalid().is_some()] {
            summary { "Recover what has failed" }
            form.card method="post" action=(PATH) {
                (shell.hidden("recover", &[("id", endpoint.id.as_str())]))
                (input("Since", "since", "datetime-local", since, "UTC. Every message of this time or later that has failed is sent again."))
                button { "Recover" }
            }
        }
    }
}

fn status_links(path: &str, status: Option<DeliveryStatus>) -> Markup {
    let links = [
        ("All", "", None),
        ("Waiting", "?status=pending", Some(DeliveryStatus::Pending)),
        ("Delivered", "?status=delivered", Some(DeliveryStatus::Delivered)),
        ("Dead letters", "?status=failed", Some(DeliveryStatus::Failed)),
    ];
    html! {
        p.row { @for (label, query, of) in links {
            a href=(format!("{path}{query}#deliveries")) aria-current=[(of == status).then_some("true")] { (label) }
        } }
    }
}

fn settings(shell: &Shell<'_>, data: &Data, retry: Option<&Retry>) -> Markup {
    let endpoint = &data.endpoint;
    let id = [("id", endpoint.id.as_str())];
    let values = Values::new(retry, Form::Endpoints, "update", Some(endpoint));
    html! {
        section aria-labelledby="settings" {
            h2 id="settings" { "Settings" }
            div.columns {
                form.card method="post" action=(PATH) {
                    h3 { "Change it" }
                    (shell.hidden("update", &id))
                    (endpoint_fields(&values))
                    @if !endpoint.sources.is_empty() {
                        input type="hidden" name="with_sources" value="true";
                        (source_boxes(&data.sources, &values))
                    }
                    (order_select(&values))
                    button { "Save" }
                }
                form.card method="post" action=(PATH) {
                    h3 { "Another secret" }
                    (shell.hidden("rotate", &id))
                    p { "The new one is shown once." }
                    (select("The one before signs too", "overlap_seconds", Retry::typed_for(retry, Form::Endpoints, "rotate", "overlap_seconds"), &OVERLAPS))
                    button { "Rotate" }
                }
            }
        }
    }
}

/// Asks before it is deleted.
pub fn delete(shell: &Shell<'_>, endpoint: &Endpoint) -> Markup {
    shell.page("Delete this endpoint?", PATH, &html! {
        h1 { "Delete this endpoint?" }
        p { code.wrap { (endpoint.url) } " " (endpoint.description) }
        p { "What is on its way to it is not delivered. To stop deliveries for a while, take it out of use instead: what it misses can be recovered." }
        form.card method="post" action=(PATH) {
            (shell.hidden("delete", &[("id", endpoint.id.as_str())]))
            button.danger { "Delete it" }
            a href=(format!("{PATH}/{}", endpoint.id)) { "Keep it" }
        }
    })
}
