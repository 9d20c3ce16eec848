//! The forms of webhooks → operations, as [`super::convert`] does for the rest.

use super::convert::put;
use super::endpoint::{self, put_text};
use super::{Change, Fields, Form, inbound, outbound};
use crate::handlers::pages::Page;
use crate::handlers::pages::webhooks::{View, moment};
use protocol::routes::is_name;
use protocol::{Detail, EndpointId, InboundEventId, MessageId, SourceId};
use serde_json::Value;
use serde_json::value::RawValue;

/// The page that a form stands on.
pub(super) fn page(form: Form, fields: &Fields) -> Page {
    let id = fields.text("id");
    let (notice, cursor) = (None, None);
    Page::Webhooks(Box::new(match form {
        Form::Sources => match SourceId::parse(id) {
            Ok(id) => View::Source { id, notice },
            Err(_) => View::Sources { notice, provider: None, cursor },
        },
        Form::Endpoints => match EndpointId::parse(id) {
            Ok(id) => View::Endpoint { id, notice, status: None, cursor, attempts: None },
            Err(_) => View::Endpoints { notice, customer: None, cursor },
        },
        Form::Messages => match MessageId::parse(id) {
            Ok(id) => View::Message { id, notice },
            Err(_) => View::Messages { notice, customer: None, cursor },
        },
        Form::PortalLinks => View::PortalLinks { notice, cursor },
        Form::Events => match InboundEventId::parse(id) {
            Ok(id) => View::Event(id),
            Err(_) => View::Events { filter: protocol::call::EventFilter::default(), cursor },
        },
        _ => View::EventTypes { notice, cursor },
    }))
}

/// What no JSON can be made of, where a form of webhooks has such a thing.
pub(super) fn malformed(form: Form, fields: &Fields) -> Option<Detail> {
    let is_json = |name| serde_json::from_str::<&RawValue>(fields.text(name)).is_ok();
    let not_json = |name| Some(Detail::field(name, "must be JSON"));
    let is_empty = |name| fields.text(name).is_empty();
    match (form, fields.text("action")) {
        (Form::Endpoints, _) => endpoint::malformed(fields),
        (Form::Messages, "publish") if !is_json("payload") => not_json("payload"),
        (Form::EventTypes, "set") if !is_name(fields.text("name")) => {
            Some(Detail::field("name", "must be 1 to 128 of a-z A-Z 0-9 . _ -"))
        }
        (Form::EventTypes, "set") if !is_empty("schema") && !is_json("schema") => not_json("schema"),
        (Form::EventTypes, "set") if !is_empty("example") && !is_json("example") => not_json("example"),
        _ => None,
    }
}

/// `None` for a form that no page of ours holds.
pub(super) fn change(form: Form, action: &str, fields: &Fields) -> Option<Change> {
    let (operation, body, done) = match form {
        Form::Sources => inbound::sources(action, fields)?,
        Form::Events if action == "replay" => inbound::replay_event(fields)?,
        Form::Endpoints => outbound::endpoints(action, fields)?,
        Form::Messages if action == "publish" => return Some(outbound::publish(fields)),
        Form::Messages => outbound::deliveries(action, fields)?,
        Form::EventTypes => outbound::event_types(action, fields)?,
        Form::PortalLinks => outbound::portal_links(action, fields)?,
        _ => return None,
    };
    Some(Change::new(operation, &body, done))
}

/// From when until when, and where the last step ended.
pub(super) fn put_range(body: &mut Value, fields: &Fields) {
    for name in ["since", "until"] {
        match fields.text(name) {
            "" => {}
            text => put(body, name, moment(text)),
        }
    }
    put_text(body, fields, "cursor");
}
