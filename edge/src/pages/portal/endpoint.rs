//! `/portal/endpoints/{id}`: one endpoint, what becomes of deliveries to it, and the forms that change it; and the answers
//! to those of them that show something.

use super::{PATH, Portal, path_of, said, to_message};
use crate::handlers::forms::Form;
use crate::pages::Retry;
use crate::pages::parts::{refusal, select};
use crate::pages::webhooks::endpoint::name;
use crate::pages::webhooks::parts::{
    Values, attempts, customer_fields, endpoint_facts, endpoint_status, endpoint_trouble,
};
use maud::{Markup, html};
use protocol::EndpointId;
use protocol::api::{Attempt, Delivery, Endpoint, List, Replayed};

/// What the page shows.
pub struct Data {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The newest deliveries to it.
    pub deliveries: List<Delivery>,
    /// The newest attempts at it.
    pub attempts: List<Attempt>,
}

/// From when to when deliveries that have failed are sent again, RFC 3339.
pub struct Recovery {
    /// Of which endpoint.
    pub endpoint: EndpointId,
    /// From then on.
    pub since: String,
    /// Before then.
    pub until: String,
}

/// The page.
pub fn render(portal: &Portal<'_>, data: &Data, done: Option<&str>, retry: Option<&Retry>) -> Markup {
    let Data { endpoint, deliveries, attempts: tried } = data;
    let id = endpoint.id.as_str();
    let path = path_of(&endpoint.id);
    portal.page(
        &name(endpoint),
        "",
        &html! {
            p { a href=(PATH) { "← Endpoints" } }
            h1 { (name(endpoint)) }
            (said(done))
            (refusal(retry, Form::Endpoints))
            @if let Some(trouble) = endpoint_trouble(endpoint) { p.problem { (trouble) } }
            dl {
                dt { "Status" } dd { (endpoint_status(endpoint)) }
                (endpoint_facts(endpoint))
            }
            div.row {
                (portal.shell.button(PATH, "test", &[("id", id)], "", "Send an example"))
                @if endpoint.disabled_at.is_some() {
                    (portal.shell.button(PATH, "enable", &[("id", id)], "quiet", "Enable"))
                } @else {
                    (portal.shell.button(PATH, "disable", &[("id", id)], "quiet", "Disable"))
                }
            }
            h2 { "Deliveries" }
            @if deliveries.data.is_empty() {
                p.empty { "Nothing was sent yet." }
            } @else {
                (super::messages::delivery_rows(portal, &deliveries.data))
                p {
                    a href=(format!("{path}/deliveries")) { "All deliveries" } " "
                    a href=(format!("{path}/deliveries?status=failed")) { "Those that have failed" }
                }
            }
            h2 { "Attempts" }
            @if tried.data.is_empty() {
                p.empty { "Nothing was tried yet." }
            } @else {
                (attempts(&tried.data, ("Message", &|attempt| to_message(&attempt.message_id))))
                p { a href=(format!("{path}/attempts")) { "All attempts" } }
            }
            (recover(portal, id, retry))
            (edit(portal, endpoint, retry))
            (rotate(portal, id, retry))
            section aria-labelledby="end" {
                h2 id="end" { "Delete" }
                p { "What is on its way to it is not delivered." }
                (portal.shell.button(PATH, "delete", &[("id", id)], "danger", "Delete this endpoint"))
            }
        },
    )
}

fn recover(portal: &Portal<'_>, id: &str, retry: Option<&Retry>) -> Markup {
    let hours = Retry::typed_for(retry, Form::Endpoints, "recover", "hours").or(|| "24".into());
    html! {
        section aria-labelledby="recover" {
            h2 id="recover" { "Recover" }
            form.card method="post" action=(PATH) {
                (portal.shell.hidden("recover", &[("id", id)]))
                (select("Send again what has failed of the last", "hours", &hours, &[
                    ("1", "hour"), ("24", "24 hours"), ("72", "3 days"), ("168", "7 days"), ("720", "30 days"),
                ]))
                button { "Recover" }
            }
        }
    }
}

fn edit(portal: &Portal<'_>, endpoint: &Endpoint, retry: Option<&Retry>) -> Markup {
    html! {
        section aria-labelledby="edit" {
            h2 id="edit" { "Change" }
            form.card method="post" action=(PATH) {
                (portal.shell.hidden("update", &[("id", endpoint.id.as_str())]))
                (customer_fields(&Values::new(retry, Form::Endpoints, "update", Some(endpoint))))
                button { "Save" }
            }
        }
    }
}

fn rotate(portal: &Portal<'_>, id: &str, retry: Option<&Retry>) -> Markup {
    let overlap = Retry::typed_for(retry, Form::Endpoints, "rotate", "overlap_seconds");
    html! {
        section aria-labelledby="rotate" {
            h2 id="rotate" { "New secret" }
            form.card method="post" action=(PATH) {
                (portal.shell.hidden("rotate", &[("id", id)]))
                (select("The present one signs too for", "overlap_seconds", overlap, &[
                    ("86400", "24 hours"), ("3600", "an hour"), ("604800", "7 days"), ("0", "no longer: it is known to others"),
                ]))
                button { "Make a new secret" }
            }
        }
    }
}

/// The one page that shows an endpoint's secret.
pub fn secret(portal: &Portal<'_>, secret: &str, previous_until: Option<&str>) -> Markup {
    portal.page("Secret", "", &html! {
        h1 { "Your endpoint's secret" }
        p { "It verifies what is sent to you (Standard Webhooks). Copy it now: this is the only time it is shown." }
        pre.secret tabindex="0" aria-label="Signing secret" { (secret) }
        @if let Some(until) = previous_until {
            p { "The one before it signs too until " (crate::pages::parts::time(until)) "." }
        }
        p { a href=(PATH) { "Done" } }
    })
}

/// What is on its way again, and the way on where that is not all.
pub fn recovered(portal: &Portal<'_>, recovery: &Recovery, replayed: &Replayed) -> Markup {
    let Recovery { endpoint, since, until } = recovery;
    portal.page(
        "Recover",
        "",
        &html! {
            h1 { "Recover" }
            p.notice role="status" { (replayed.deliveries) " deliveries are on their way again." }
            @if let Some(cursor) = &replayed.next_cursor {
                p { "There is more." }
                (portal.shell.button(PATH, "recover", &[
                    ("id", endpoint.as_str()), ("since", since), ("until", until), ("cursor", cursor),
                ], "", "Go on"))
            }
            p { a href=(path_of(endpoint)) { "Back to the endpoint" } }
        },
    )
}
