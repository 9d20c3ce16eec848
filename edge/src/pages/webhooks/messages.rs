//! `/messages` and `/messages/{id}`: what was published, the form that publishes, and how far each has come.

use super::endpoints::{PATH as ENDPOINTS, customer_filter, customer_name};
use super::parts::{attempts, deliveries};
use crate::handlers::forms::Form;
use crate::pages::parts::{area, field, input, may, more_of, notice, refusal, table, time};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::api::{Attempt, Delivery, DeliveryStatus, Endpoint, List, Me, MessageSummary};
use protocol::{EndpointId, Operation};

pub(super) const PATH: &str = "/messages";

/// The newest messages, of one customer or all.
pub fn list(
    shell: &Shell<'_>,
    me: &Me,
    messages: &List<MessageSummary>,
    customer: Option<&str>,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let query = customer.map(|customer| format!("customer_id={customer}&")).unwrap_or_default();
    shell.page("Messages", PATH, &html! {
        h1 { "Messages" }
        (notice(done, "Message"))
        (refusal(retry, Form::Messages))
        @if customer.is_some() || !messages.data.is_empty() { (customer_filter(PATH, customer)) }
        @if messages.data.is_empty() && customer.is_some() {
            p.empty { "No message for this customer." }
        } @else if messages.data.is_empty() {
            p.empty { "No message yet. Publish one below or with " code { "POST /v1/messages" } ": it goes to every endpoint that wants its type." }
        } @else {
            (table("Messages", &["Published", "Type", "Customer", "Endpoints", "Bytes"], &html! { @for message in &messages.data { tr {
                td { a href=(format!("{PATH}/{}", message.id)) { (time(&message.created_at)) } }
                td { code.wrap { (message.event_type) } }
                td {
                    @match &message.inbound_event_id {
                        Some(id) => a href=(format!("/events/{id}")) { "forwards an event" },
                        None => (customer_name(message.customer_id.as_deref())),
                    }
                }
                td { (message.deliveries) }
                td { (message.size) }
            } } }))
        }
        (more_of(PATH, &query, messages.next_cursor.as_deref()))
        @if may(me, &Operation::PublishMessage) { (publish(shell, retry)) }
    })
}

fn publish(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Messages, "publish", name);
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "Publish a message" }
            form.card method="post" action=(PATH) {
                (shell.hidden("publish", &[]))
                (input("Event type", "event_type", "text", typed("event_type"), "Such as invoice.paid."))
                (field("Customer", "customer_id", "text", typed("customer_id"), "To this customer's endpoints; empty: to the workspace's own."))
                (area("Payload", "payload", typed("payload"), &html! { "JSON, delivered as it stands here." }))
                button { "Publish" }
            }
        }
    }
}

/// What the page of one shows.
pub struct Data {
    /// The message.
    pub message: MessageSummary,
    /// As delivered; none where it forwards an event.
    pub payload: Option<String>,
    /// One an endpoint.
    pub deliveries: Vec<Delivery>,
    /// Newest first.
    pub attempts: List<Attempt>,
    /// Of the workspace.
    pub endpoints: Vec<Endpoint>,
}

/// One message.
pub fn one(shell: &Shell<'_>, me: &Me, data: &Data, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    let message = &data.message;
    shell.page("Message", PATH, &html! {
        p { a href=(PATH) { "← Messages" } }
        h1 { (message.event_type) }
        (notice(done, "Message"))
        (refusal(retry, Form::Messages))
        dl {
            dt { "Id" } dd { code.wrap { (message.id) } span.faint { " sent as webhook-id" } }
            dt { "Published" } dd { (time(&message.created_at)) }
            @match &message.inbound_event_id {
                Some(id) => { dt { "Forwards" } dd { a href=(format!("/events/{id}")) { code.wrap { (id) } } } }
                None => { dt { "Customer" } dd { (customer_name(message.customer_id.as_deref())) } }
            }
            dt { "Attempts" } dd { a href="#attempts" { (data.attempts.data.len()) @if data.attempts.next_cursor.is_some() { "+" } } }
        }
        (progress(shell, me, &data.deliveries, &data.attempts, &data.endpoints))
        @if let Some(payload) = &data.payload {
            h2 { "Payload, " (message.size) " bytes" }
            pre tabindex="0" aria-label="Payload" { (payload) }
        }
    })
}

/// How far a message has come, endpoint by endpoint, and the attempts.
pub(super) fn progress(
    shell: &Shell<'_>,
    me: &Me,
    made: &[Delivery],
    tried: &List<Attempt>,
    endpoints: &[Endpoint],
) -> Markup {
    let endpoint = |id: &EndpointId| {
        let known = endpoints.iter().find(|endpoint| endpoint.id == *id);
        html! { a href=(format!("{ENDPOINTS}/{id}")) { code.wrap { @match known { Some(known) => (known.url), None => (id) } } } }
    };
    html! {
        section aria-labelledby="deliveries" {
            h2 id="deliveries" { "Deliveries" }
            @if made.is_empty() { p.empty { "No endpoint wants it." } } @else {
                (deliveries(made, ("Endpoint", &|row| endpoint(&row.endpoint_id)), &|row| actions(shell, me, row)))
            }
        }
        section aria-labelledby="attempts" {
            h2 id="attempts" { "Attempts" }
            @if tried.data.is_empty() { p.empty { "None yet." } } @else {
                (attempts(&tried.data, ("Endpoint", &|row| endpoint(&row.endpoint_id))))
            }
            @if tried.next_cursor.is_some() { p.faint { "Older ones are in the API." } }
        }
    }
}

/// What can be done with a delivery.
pub(super) fn actions(shell: &Shell<'_>, me: &Me, delivery: &Delivery) -> Markup {
    let what = [("id", delivery.message_id.as_str()), ("endpoint_id", delivery.endpoint_id.as_str())];
    html! {
        @if may(me, &Operation::PublishMessage) {
            (shell.button(PATH, "resend", &what, "quiet", "Resend"))
            @if delivery.status == DeliveryStatus::Pending { (shell.button(PATH, "skip", &what, "quiet", "Skip")) }
        }
    }
}
