//! The forms of connectors, connections and keys → operations, as [`super::convert`] does for the rest.

use super::convert::{put, secret, texts};
use super::{Done, Fields, Form};
use crate::handlers::pages::Page;
use crate::handlers::pages::once::Once;
use crate::route::slug;
use protocol::{ConnectionId, Operation};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The page that a form of `/connections` or `/connectors` stands on.
pub(super) fn page(form: Form, fields: &Fields) -> Page {
    let id = || ConnectionId::parse(fields.text("id")).ok();
    let connector = slug(fields.text("connector"));
    match (form, fields.text("action"), connector) {
        (Form::Connections, "create" | "replace", Some(connector))
        | (Form::Connectors, _, Some(connector)) => {
            Page::Connector { id: connector, notice: None, replace: id() }
        }
        (Form::Connections, _, _) => match id() {
            Some(id) => Page::Connection { id, notice: None },
            None => Page::Connections(None),
        },
        _ => Page::Connectors,
    }
}

/// The path of a form of one connector.
pub(super) fn connector_path(fields: &Fields) -> Cow<'static, str> {
    slug(fields.text("connector")).map_or("/connectors".into(), |id| format!("/connectors/{id}").into())
}

/// `None` for a form that no page of ours holds.
pub(super) fn connections(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    if action == "create" {
        let by_oauth = fields.text("auth_type") == "oauth2";
        let done = if by_oauth { Done::ToGrant } else { Done::at("/connections?done=created") };
        return Some((Operation::CreateConnection, connection(fields)?, done));
    }
    let id = ConnectionId::parse(fields.text("id")).ok()?;
    Some(match action {
        "authorize" => (Operation::AuthorizeConnection { id }, json!({}), Done::ToGrant),
        "test" => (Operation::TestConnection { id: id.clone() }, Value::Null, Done::Shown(Once::Test(id))),
        "replace" => {
            let done = Done::at(format!("/connections/{id}?done=replaced"));
            (Operation::ReplaceCredential { id }, json!({ "auth": auth(fields) }), done)
        }
        "dry_run" => (Operation::DryRun { id: id.clone() }, dry_run(fields), Done::Shown(Once::DryRun(id))),
        "disconnect" => (Operation::DeleteConnection { id }, Value::Null, Done::Shown(Once::Receipt)),
        _ => return None,
    })
}

/// Without a connector it is the generic one's.
fn connection(fields: &Fields) -> Option<Value> {
    let connector = match fields.text("connector") {
        "" => "http".to_owned(),
        id => slug(id)?,
    };
    let mut body = json!({ "connector": connector, "name": fields.text("name"), "auth": auth(fields) });
    if fields.get("base_url").is_some() {
        put(&mut body, "base_url", fields.text("base_url"));
    }
    let parameters = fields.below("parameters.").filter(|(_, value)| !value.is_empty());
    let parameters: Map<String, Value> =
        parameters.map(|(name, value)| (name.to_owned(), value.into())).collect();
    if !parameters.is_empty() {
        put(&mut body, "parameters", parameters);
    }
    if fields.get("allow_writable_role").is_some() {
        put(&mut body, "allow_writable_role", true);
    }
    Some(body)
}

fn auth(fields: &Fields) -> Value {
    match fields.text("auth_type") {
        kind @ ("oauth2" | "none") => texts(&[("type", kind)]),
        "api_key" => {
            let place = if fields.text("place") == "query" { "query" } else { "header" };
            // No header keeps white space around its value (RFC 9110, section 5.5): it is the paste's.
            let value = if place == "header" { fields.text("value") } else { secret(fields, "value") };
            texts(&[("type", "api_key"), (place, fields.text("parameter")), ("value", value)])
        }
        "basic" => texts(&[
            ("type", "basic"),
            ("username", fields.text("username")),
            ("password", secret(fields, "password")),
        ]),
        // Nor has a token any (RFC 6750, section 2.1).
        _ => texts(&[("type", "bearer"), ("token", fields.text("token"))]),
    }
}

fn dry_run(fields: &Fields) -> Value {
    let mut body = texts(&[("method", fields.text("method")), ("path", fields.text("path"))]);
    match fields.text("body") {
        "" => {}
        text => put(&mut body, "body", text),
    }
    body
}

/// `None` for a form that no page of ours holds.
pub(super) fn connectors(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    let connector = slug(fields.text("connector"))?;
    let path = format!("/connectors/{connector}");
    Some(match action {
        "set_client" => (
            Operation::SetConnectorClient { connector },
            texts(&[
                ("client_id", fields.text("client_id")),
                ("client_secret", fields.text("client_secret")),
            ]),
            Done::at(format!("{path}?done=client-set")),
        ),
        "forget_client" => (
            Operation::DeleteConnectorClient { connector },
            Value::Null,
            Done::at(format!("{path}?done=client-forgotten")),
        ),
        _ => return None,
    })
}

/// `None` for a form that no page of ours holds.
pub(super) fn workspace(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    Some(match action {
        "rotate" => (Operation::RotateOrgKey, Value::Null, Done::at("/workspace?done=key-rotated")),
        "delete" => {
            (Operation::DeleteOrg, texts(&[("name", fields.text("name"))]), Done::Shown(Once::Deleted))
        }
        _ => return None,
    })
}

/// `None` for a version that is no number.
pub(super) fn rotate_keys(fields: &Fields) -> Option<(Operation, Value, Done)> {
    let body = match fields.text("version") {
        "" => json!({}),
        version => json!({ "version": version.parse::<u32>().ok()? }),
    };
    Some((Operation::RotateKeys, body, Done::at("/admin/keys?done=keys-rotating")))
}
