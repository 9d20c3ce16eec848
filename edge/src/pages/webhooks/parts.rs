//! What the workspace's pages and the customers' portal have in common: the form of an endpoint, what became of it, and how
//! deliveries and attempts look.

use crate::handlers::forms::Form;
use crate::pages::parts::{area, codes, field, select, table, time, time_or};
use crate::pages::{Retry, Typed};
use maud::{Markup, html};
use protocol::api::{
    Attempt, AttemptStatus, Delivery, DeliveryStatus, DisabledReason, Endpoint, SignatureVersion,
};

/// What a form of an endpoint holds: what was typed into it and refused, or else what the endpoint has.
pub(in crate::pages) struct Values<'v> {
    retry: Option<&'v Retry>,
    endpoint: Option<&'v Endpoint>,
}

impl<'v> Values<'v> {
    /// Of the form that is `action` of `form`; without an endpoint it is for a new one.
    pub(in crate::pages) fn new(
        retry: Option<&'v Retry>,
        form: Form,
        action: &str,
        endpoint: Option<&'v Endpoint>,
    ) -> Self {
        let retry = retry.filter(|retry| retry.form == form && retry.fields.text("action") == action);
        Self { retry, endpoint }
    }

    /// Whether it is for a new one.
    pub(in crate::pages) fn is_new(&self) -> bool {
        self.endpoint.is_none()
    }

    /// A field's value: as it was typed, or else of the endpoint.
    pub(in crate::pages) fn or(&self, name: &str, of: impl FnOnce(&Endpoint) -> String) -> Typed<'v> {
        match (self.retry, self.endpoint) {
            (Some(retry), _) => retry.field(name),
            (None, endpoint) => endpoint.map(of).unwrap_or_default().into(),
        }
    }

    /// Whether one of several boxes is ticked.
    pub(in crate::pages) fn ticked(
        &self,
        name: &str,
        value: &str,
        of: impl FnOnce(&Endpoint) -> bool,
    ) -> bool {
        match (self.retry, self.endpoint) {
            (Some(retry), _) => retry.fields.all(name).any(|have| have == value),
            (None, endpoint) => endpoint.is_some_and(of),
        }
    }
}

/// The fields that the workspace's forms of an endpoint have. `handlers::forms::endpoint` reads them.
pub(in crate::pages) fn endpoint_fields(values: &Values<'_>) -> Markup {
    let rate = |part: fn(&protocol::api::RateLimit) -> u32| {
        move |endpoint: &Endpoint| {
            endpoint.rate_limit.as_ref().map(|rate| part(rate).to_string()).unwrap_or_default()
        }
    };
    html! {
        (customer_fields(values))
        fieldset {
            legend { "The most deliveries" }
            small { "Leave empty for no limit." }
            div.row {
                (field("At most", "limit", "number", values.or("limit", rate(|rate| rate.limit)), ""))
                (field("In so many seconds", "period_seconds", "number", values.or("period_seconds", rate(|rate| rate.period_seconds)), ""))
            }
        }
    }
}

/// Those of them that a customer's own user may set: the portal's.
pub(in crate::pages) fn customer_fields(values: &Values<'_>) -> Markup {
    let url = values.or("url", |_| String::new());
    let names = values.endpoint.map(|endpoint| endpoint.header_names.as_slice()).unwrap_or_default();
    html! {
        label {
            span { "URL" }
            input type="url" name="url" value=(url) autocomplete="off" spellcheck="false"
                required[values.endpoint.is_none()] aria-invalid=[url.invalid()] aria-describedby=[url.described_by()];
            small {
                @match values.endpoint {
                    None => "HTTPS, of a public host.",
                    Some(endpoint) => { "Now " code.wrap { (endpoint.url) } ". Leave empty to keep it; another host does not get the headers below." }
                }
            }
        }
        (url.fault())
        (field("Event types", "event_types", "text", values.or("event_types", |endpoint| endpoint.event_types.join(" ")),
            "Names, or beginnings such as invoice.*, with spaces between. Leave empty for all."))
        (field("Description", "description", "text", values.or("description", |endpoint| endpoint.description.clone()), ""))
        (area("Headers", "headers", values.or("headers", |_| String::new()), &html! {
            "One a line, as " code { "Name: value" } ". Sealed and never shown again."
            @if !names.is_empty() { " Now " (codes(names)) ": what is typed here takes the place of all; leave empty to keep them." }
        }))
        @if !names.is_empty() {
            label.check { input type="checkbox" name="no_headers" value="true"; span { "Remove the headers" } }
        }
        @if values.endpoint.is_none() {
            (select("Signature", "signature", values.or("signature", |_| String::new()), &[
                ("v1", "HMAC-SHA256 with a shared secret (v1)"), ("v1a", "Ed25519 with a public key (v1a)"),
            ]))
        }
    }
}

/// What an endpoint is and has, for the lines of a `dl`.
pub(in crate::pages) fn endpoint_facts(endpoint: &Endpoint) -> Markup {
    html! {
        dt { "URL" } dd { code.wrap { (endpoint.url) } }
        @if !endpoint.description.is_empty() { dt { "Description" } dd { (endpoint.description) } }
        dt { "Event types" } dd { (event_types(endpoint)) }
        @if !endpoint.header_names.is_empty() { dt { "Headers" } dd { (codes(&endpoint.header_names)) span.faint { "values sealed" } } }
        @if let Some(rate) = &endpoint.rate_limit { dt { "At most" } dd { (rate.limit) " deliveries in " (rate.period_seconds) " s" } }
        dt { "Signed" } dd { @match endpoint.signature {
            SignatureVersion::V1 => "HMAC-SHA256 (v1)",
            SignatureVersion::V1a => "Ed25519 (v1a)",
        } }
        @if let Some(until) = &endpoint.previous_secret_until { dt { "The secret before signs too" } dd { "until " (time(until)) } }
        dt { "Id" } dd { code.wrap { (endpoint.id) } }
        dt { "Created" } dd { (time(&endpoint.created_at)) }
    }
}

/// Types of events that it gets.
pub(in crate::pages) fn event_types(endpoint: &Endpoint) -> Markup {
    html! { @if endpoint.event_types.is_empty() { "all" } @else { (codes(&endpoint.event_types)) } }
}

/// Whether it is in use, in a word or two.
pub(in crate::pages) fn endpoint_status(endpoint: &Endpoint) -> Markup {
    match (endpoint.disabled_at.is_some(), endpoint.failing_since.is_some()) {
        (true, _) => badge("bad", "disabled"),
        (false, true) => badge("bad", "failing"),
        (false, false) => badge("good", "in use"),
    }
}

/// What is the matter with an endpoint, and since when.
pub(in crate::pages) fn endpoint_trouble(endpoint: &Endpoint) -> Option<Markup> {
    if let Some(at) = &endpoint.disabled_at {
        let why = match endpoint.disabled_reason {
            Some(DisabledReason::Gone) => "it has answered 410 Gone",
            Some(DisabledReason::Failing) => "it has taken nothing for five days",
            Some(DisabledReason::Manual) | None => "somebody has done it",
        };
        return Some(html! {
            strong { "Disabled since " (time(at)) "." } " Why: " (why)
            ". Nothing is sent; what it misses can be recovered once it is in use again."
        });
    }
    let since = endpoint.failing_since.as_ref()?;
    Some(
        html! { strong { "Failing since " (time(since)) "." } " Every attempt has failed since; after five days it is disabled." },
    )
}

/// A word in the colour of what it means: `good`, `bad`, or neither.
pub(in crate::pages) fn badge(class: &str, word: &str) -> Markup {
    html! { span.badge.(class) { (word) } }
}

/// How far a delivery has come.
pub(in crate::pages) fn delivery_status(status: DeliveryStatus) -> Markup {
    let class = match status {
        DeliveryStatus::Pending => "waits",
        DeliveryStatus::Delivered => "good",
        DeliveryStatus::Failed => "bad",
    };
    badge(class, status.as_str())
}

/// Deliveries. `of`: a column's head and its cell, such as the message; `actions`: what can be done with one.
pub(in crate::pages) fn deliveries(
    rows: &[Delivery],
    of: (&str, &dyn Fn(&Delivery) -> Markup),
    actions: &dyn Fn(&Delivery) -> Markup,
) -> Markup {
    let heads = [of.0, "Event type", "Status", "Attempts", "Created", "Next attempt", ""];
    table(
        "How far each has come",
        &heads,
        &html! { @for delivery in rows { tr {
            td { (of.1(delivery)) }
            td { code.wrap { (delivery.event_type) } }
            td {
                (delivery_status(delivery.status))
                @if let Some(reason) = &delivery.reason { br; span.faint { (reason_name(reason)) } }
                @if let Some(status) = delivery.http_status { br; span.faint { "HTTP " (status) } }
            }
            td { (delivery.attempts) }
            td { (time(&delivery.created_at)) }
            td { (time_or(delivery.next_attempt_at.as_deref(), if delivery.status == DeliveryStatus::Pending { "waits" } else { "none" })) }
            td { div.actions { (actions(delivery)) } }
        } } },
    )
}

/// Attempts, `of` as in [`deliveries`].
pub(in crate::pages) fn attempts(rows: &[Attempt], of: (&str, &dyn Fn(&Attempt) -> Markup)) -> Markup {
    let heads = ["At", of.0, "Attempt", "Result", "Latency", "Response"];
    table(
        "Each attempt",
        &heads,
        &html! { @for attempt in rows { tr {
            td { (time(&attempt.at)) }
            td { (of.1(attempt)) }
            td { (attempt.number) }
            td {
                (badge(attempt_class(attempt.status), attempt.status.as_str()))
                @if let Some(status) = attempt.http_status { br; span.faint { "HTTP " (status) } }
                @if let Some(error) = &attempt.error { br; span.faint { (error_name(error)) } }
            }
            td { @if let Some(ms) = attempt.duration_ms { (ms) " ms" } }
            td { @if let Some(response) = attempt.response.as_deref().filter(|text| !text.is_empty()) {
                details { summary { "Show" } pre tabindex="0" aria-label="Response" { (response) } }
            } }
        } } },
    )
}

fn attempt_class(status: AttemptStatus) -> &'static str {
    match status {
        AttemptStatus::Sending => "waits",
        AttemptStatus::Succeeded => "good",
        AttemptStatus::Failed | AttemptStatus::Interrupted => "bad",
    }
}

fn reason_name(reason: &str) -> &str {
    match reason {
        "gave_up" => "every attempt has failed",
        "endpoint_gone" => "answered 410 Gone",
        "endpoint_disabled" => "the endpoint was disabled",
        "skipped" => "skipped by hand",
        other => other,
    }
}

fn error_name(error: &str) -> &str {
    match error {
        "timeout" => "no answer in time",
        "unreachable" => "not reachable",
        "no_such_host" => "no such host: check the name in the URL",
        "connection_refused" => "connection refused: nothing listens on this port",
        "connection_closed" => "the connection was closed without an answer",
        "bad_certificate" => "the certificate is not trusted",
        "tls_failed" => "TLS failed",
        "redirect" => "a redirect: it is not followed",
        "url_not_allowed" => "the URL is not allowed",
        other => other,
    }
}
