//! `/event-types` and `/event-types/{name}`: what there is to subscribe to, and what it means.

use super::parts::badge;
use crate::handlers::forms::Form;
use crate::pages::parts::{area, field, input, may, more, notice, refusal, table, time_or};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{EventType, List, Me};
use serde_json::Value;

const PATH: &str = "/event-types";

/// The catalogue, and the form that describes a type.
pub fn list(
    shell: &Shell<'_>,
    me: &Me,
    types: &List<EventType>,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    shell.page("Event types", PATH, &html! {
        h1 { "Event types" }
        (notice(done, "Event type"))
        (refusal(retry, Form::EventTypes))
        p { "Customers see in their portal what is described here. Messages of other types are delivered too." }
        (table("Event types", &["Name", "Description", "Changed"], &html! { @for kind in &types.data { tr {
            td { a href=(format!("{PATH}/{}", kind.name)) { code.wrap { (kind.name) } } @if kind.built_in { " " (badge("waits", "built in")) } }
            td { (kind.description) }
            td { (time_or(kind.updated_at.as_deref(), "")) }
        } } }))
        (more(PATH, types.next_cursor.as_deref()))
        @if may(me, &Operation::PublishMessage) { (form(shell, None, retry)) }
    })
}

/// One type.
pub fn one(shell: &Shell<'_>, me: &Me, kind: &EventType, retry: Option<&Retry>) -> Markup {
    shell.page(&kind.name, PATH, &html! {
        p { a href=(PATH) { "← Event types" } }
        h1 { (kind.name) }
        (refusal(retry, Form::EventTypes))
        p { (kind.description) @if kind.built_in { " " (badge("waits", "built in")) } }
        @if let Some(schema) = schema(kind) { h2 { "JSON Schema" } pre tabindex="0" aria-label="JSON Schema" { (schema) } }
        @if let Some(example) = example(kind) { h2 { "Example" } pre tabindex="0" aria-label="Example" { (example) } }
        @if !kind.built_in && may(me, &Operation::PublishMessage) {
            (form(shell, Some(kind), retry))
            section aria-labelledby="delete" {
                h2 id="delete" { "Forget it" }
                p { "Messages of this type go on being delivered." }
                (shell.button(PATH, "delete", &[("name", &kind.name)], "danger", "Delete the description"))
            }
        }
    })
}

fn schema(kind: &EventType) -> Option<String> {
    kind.schema.as_ref().map(|schema| format!("{:#}", Value::Object(schema.clone())))
}

fn example(kind: &EventType) -> Option<String> {
    kind.example.as_ref().map(|example| format!("{example:#}"))
}

fn form(shell: &Shell<'_>, kind: Option<&EventType>, retry: Option<&Retry>) -> Markup {
    let retry = retry.filter(|retry| retry.form == Form::EventTypes);
    let typed = |name: &str, of: &dyn Fn(&EventType) -> String| match retry {
        Some(retry) => retry.field(name),
        None => kind.map(of).unwrap_or_default().into(),
    };
    html! {
        section aria-labelledby="new" {
            h2 id="new" { @if kind.is_some() { "Describe it anew" } @else { "Describe an event type" } }
            form.card method="post" action=(PATH) {
                (shell.hidden("set", &[]))
                @match kind {
                    Some(kind) => input type="hidden" name="name" value=(kind.name);,
                    None => (input("Name", "name", "text", typed("name", &|kind| kind.name.clone()), "Such as invoice.paid.")),
                }
                (field("Description", "description", "text", typed("description", &|kind| kind.description.clone()), ""))
                (area("JSON Schema", "schema", typed("schema", &|kind| schema(kind).unwrap_or_default()),
                    &html! { "Shown to who receives it; payloads are not checked against it." }))
                (area("Example", "example", typed("example", &|kind| example(kind).unwrap_or_default()),
                    &html! { "A payload, as JSON, that tests of endpoints send too." }))
                button { "Save" }
            }
        }
    }
}
