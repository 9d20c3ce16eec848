//! The forms of endpoints, messages, event types and links to the portal → operations.

use super::convert::{number, put, texts};
use super::endpoint::{self, put_text};
use super::webhooks::put_range;
use super::{Change, Done, Fields};
use crate::handlers::pages::once::Once;
use protocol::routes::is_name;
use protocol::{EndpointId, MessageId, Operation, PortalLinkId};
use serde_json::{Value, json};

/// `None` for a form that no page of ours holds.
pub(super) fn endpoints(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    if action == "create" {
        let mut body = endpoint::new(fields);
        put_text(&mut body, fields, "customer_id");
        put_sources(&mut body, fields);
        return Some((Operation::CreateEndpoint, body, Done::Shown(Once::Endpoint)));
    }
    let id = EndpointId::parse(fields.text("id")).ok()?;
    let path = format!("/endpoints/{id}");
    let done = |said: &str| Done::at(format!("{path}{said}"));
    let disabled = |disabled: bool| json!({ "disabled": disabled });
    Some(match action {
        "update" => {
            let mut body = endpoint::changed(fields);
            put_sources(&mut body, fields);
            (Operation::UpdateEndpoint { id }, body, done("?done=changed"))
        }
        "enable" => (Operation::UpdateEndpoint { id }, disabled(false), done("?done=enabled")),
        "disable" => (Operation::UpdateEndpoint { id }, disabled(true), done("?done=disabled")),
        "rotate" => (
            Operation::RotateEndpointSecret { id },
            json!({ "overlap_seconds": number(fields.text("overlap_seconds")) }),
            Done::Shown(Once::EndpointSecret { path }),
        ),
        "test" => (Operation::TestEndpoint { id }, Value::Null, done("?done=test-sent")),
        "recover" => {
            let mut body = json!({});
            put_range(&mut body, fields);
            (
                Operation::RecoverEndpoint { id },
                body,
                Done::Shown(Once::Replayed { form: "/endpoints", path }),
            )
        }
        "delete" => (Operation::DeleteEndpoint { id }, Value::Null, Done::at("/endpoints?done=deleted")),
        _ => return None,
    })
}

fn put_sources(body: &mut Value, fields: &Fields) {
    let sources: Vec<&str> = fields.all("sources").collect();
    // To take all away is refused: that is said, and not passed over.
    if !sources.is_empty() || fields.get("with_sources").is_some() {
        put(body, "sources", sources);
    }
    if let order @ ("true" | "false") = fields.text("ordered") {
        put(body, "ordered", order == "true");
    }
}

/// The payload goes along as it was typed; browsers write the ends of lines as CR LF.
pub(super) fn publish(fields: &Fields) -> Change {
    let mut body = texts(&[("event_type", fields.text("event_type"))]);
    put_text(&mut body, fields, "customer_id");
    let body = body.to_string();
    let payload = fields.text("payload").replace("\r\n", "\n");
    let body = format!("{},\"payload\":{payload}}}", body.strip_suffix('}').unwrap_or_default());
    Change {
        operation: Operation::PublishMessage,
        body: body.into_bytes(),
        done: Done::Made("/messages", "published"),
    }
}

/// `None` for a form that no page of ours holds.
pub(super) fn deliveries(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    let id = MessageId::parse(fields.text("id")).ok()?;
    let endpoint = EndpointId::parse(fields.text("endpoint_id")).ok()?;
    let path = format!("/messages/{id}");
    Some(match action {
        "resend" => {
            (Operation::ResendMessage { id, endpoint }, Value::Null, Done::at(format!("{path}?done=resent")))
        }
        "skip" => {
            (Operation::SkipDelivery { id, endpoint }, Value::Null, Done::at(format!("{path}?done=skipped")))
        }
        _ => return None,
    })
}

/// `None` for a form that no page of ours holds.
pub(super) fn event_types(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    let name = Some(fields.text("name")).filter(|name| is_name(name))?.to_owned();
    Some(match action {
        "set" => {
            let mut body = texts(&[("description", fields.text("description"))]);
            for part in ["schema", "example"] {
                if let Ok(value) = serde_json::from_str::<Value>(fields.text(part)) {
                    put(&mut body, part, value);
                }
            }
            (Operation::SetEventType { name }, body, Done::at("/event-types?done=described"))
        }
        "delete" => (Operation::DeleteEventType { name }, Value::Null, Done::at("/event-types?done=deleted")),
        _ => return None,
    })
}

/// `None` for a form that no page of ours holds.
pub(super) fn portal_links(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    Some(match action {
        "create" => {
            let mut body = texts(&[("customer_id", fields.text("customer_id"))]);
            put(&mut body, "expires_in_seconds", number(fields.text("expires_in_seconds")));
            (Operation::CreatePortalLink, body, Done::Shown(Once::PortalLink))
        }
        "close" => (
            Operation::DeletePortalLink { id: PortalLinkId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::at("/portal-links?done=link-closed"),
        ),
        _ => return None,
    })
}
