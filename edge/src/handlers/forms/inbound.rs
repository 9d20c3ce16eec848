//! The forms of sources and their events → operations.

use super::convert::{number, put, secret, texts};
use super::endpoint::{items, put_text};
use super::webhooks::put_range;
use super::{Done, Fields};
use crate::handlers::pages::once::Once;
use protocol::{InboundEventId, Operation, SourceId};
use serde_json::{Map, Value, json};

/// `None` for a form that no page of ours holds.
pub(super) fn sources(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    if action == "create" {
        return Some((Operation::CreateSource, new_source(fields), Done::Made("/sources", "created")));
    }
    let id = SourceId::parse(fields.text("id")).ok()?;
    let path = format!("/sources/{id}");
    let done = |said: &str| Done::at(format!("{path}{said}"));
    Some(match action {
        "rename" => {
            (Operation::UpdateSource { id }, texts(&[("name", fields.text("name"))]), done("?done=renamed"))
        }
        "pause" => (Operation::UpdateSource { id }, json!({ "paused": true }), done("?done=paused")),
        "resume" => (Operation::UpdateSource { id }, json!({ "paused": false }), done("?done=resumed")),
        "rotate" => {
            let mut body = json!({ "overlap_seconds": number(fields.text("overlap_seconds")) });
            put_credential(&mut body, fields);
            (Operation::RotateSourceSecret { id }, body, done("?done=secret-rotated"))
        }
        "token" => (Operation::TakeVerificationToken { id }, Value::Null, Done::Shown(Once::Token { path })),
        "replay" => {
            (Operation::ReplayEvents, replay(fields), Done::Shown(Once::Replayed { form: "/sources", path }))
        }
        "delete" => (Operation::DeleteSource { id }, Value::Null, Done::at("/sources?done=deleted")),
        _ => return None,
    })
}

fn new_source(fields: &Fields) -> Value {
    let mut body = texts(&[("provider", fields.text("provider")), ("name", fields.text("name"))]);
    put_credential(&mut body, fields);
    put_text(&mut body, fields, "url");
    if fields.text("provider") == "generic" {
        let said = fields.below("scheme.").filter(|(_, value)| !value.is_empty());
        let scheme: Map<String, Value> = said
            .map(|(name, value)| {
                let value = if name == "tolerance_seconds" { number(value) } else { value.into() };
                (name.to_owned(), value)
            })
            .collect();
        put(&mut body, "scheme", scheme);
    }
    body
}

fn put_credential(body: &mut Value, fields: &Fields) {
    match secret(fields, "secret") {
        "" => {}
        text => put(body, "secret", text),
    }
    put_text(body, fields, "public_key");
}

fn replay(fields: &Fields) -> Value {
    let mut body = json!({
        "source_id": fields.text("id"), "event_types": items(fields, "event_types"),
        "failed_only": fields.get("failed_only").is_some(),
    });
    put_range(&mut body, fields);
    put_text(&mut body, fields, "endpoint_id");
    body
}

/// `None` for a form that no page of ours holds.
pub(super) fn replay_event(fields: &Fields) -> Option<(Operation, Value, Done)> {
    let id = InboundEventId::parse(fields.text("id")).ok()?;
    let path = format!("/events/{id}");
    let mut body = json!({});
    put_text(&mut body, fields, "endpoint_id");
    Some((Operation::ReplayEvent { id }, body, Done::Shown(Once::Replayed { form: "/events", path })))
}
