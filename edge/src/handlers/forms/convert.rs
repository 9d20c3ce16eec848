//! A form's fields → an operation and the JSON it takes. What is wrong in it is the control plane's to say, as to any
//! client of the API.

use super::{Fields, Form};
use protocol::{ApiKeyId, ConnectionId, Operation, SourceId};
use serde_json::{Map, Value, json};

/// What a form asks for.
pub(super) struct Change {
    pub(super) operation: Operation,
    pub(super) body: Vec<u8>,
    pub(super) done: Done,
}

/// What follows a change that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    SeeOther(&'static str),
    SignedOut,
    NewKey,
}

/// `None` for a form that no page of ours holds.
pub(super) fn change(form: Form, fields: &Fields) -> Option<Change> {
    let (operation, body, done) = match (form, fields.text("action")) {
        (Form::SignIn, _) => (Operation::LogIn, sign_in(fields), Done::SeeOther("/")),
        (Form::SignUp, _) => (Operation::SignUp, sign_up(fields), Done::SeeOther("/")),
        (Form::SignOut, _) => (Operation::LogOut, Value::Null, Done::SignedOut),
        (Form::Connections, "create") => {
            (Operation::CreateConnection, connection(fields), Done::SeeOther("/connections?done=created"))
        }
        (Form::Connections, "delete") => (
            Operation::DeleteConnection { id: ConnectionId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::SeeOther("/connections?done=deleted"),
        ),
        (Form::Keys, "create") => (Operation::CreateApiKey, api_key(fields), Done::NewKey),
        (Form::Keys, "revoke") => (
            Operation::RevokeApiKey { id: ApiKeyId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::SeeOther("/keys?done=revoked"),
        ),
        (Form::Sources, "create") => {
            (Operation::CreateSource, source(fields), Done::SeeOther("/sources?done=created"))
        }
        (Form::Sources, "delete") => (
            Operation::DeleteSource { id: SourceId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::SeeOther("/sources?done=deleted"),
        ),
        _ => return None,
    };
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Some(Change { operation, body, done })
}

fn sign_in(fields: &Fields) -> Value {
    json!({ "email": fields.text("email"), "password": secret(fields, "password") })
}

fn sign_up(fields: &Fields) -> Value {
    let mut body = json!({
        "email": fields.text("email"),
        "password": secret(fields, "password"),
        "name": fields.text("name"),
        "org_name": fields.text("org_name"),
        "accept_terms": fields.get("accept_terms").is_some(),
    });
    if let (region @ ("eu" | "us" | "auto"), Some(object)) = (fields.text("region"), body.as_object_mut()) {
        object.insert("region".to_owned(), region.into());
    }
    body
}

fn connection(fields: &Fields) -> Value {
    let mut auth = Map::new();
    let mut put = |name: &str, value: &str| auth.insert(name.to_owned(), value.into());
    match fields.text("auth_type") {
        "api_key" => {
            put("type", "api_key");
            let place = if fields.text("place") == "query" { "query" } else { "header" };
            put(place, fields.text("parameter"));
            put("value", secret(fields, "value"));
        }
        "basic" => {
            put("type", "basic");
            put("username", fields.text("username"));
            put("password", secret(fields, "password"));
        }
        _ => {
            put("type", "bearer");
            put("token", secret(fields, "token"));
        }
    }
    json!({
        "connector": "http",
        "name": fields.text("name"),
        "base_url": fields.text("base_url"),
        "auth": auth,
    })
}

fn api_key(fields: &Fields) -> Value {
    let mut body = json!({ "name": fields.text("name"), "scopes": fields.all("scopes").collect::<Vec<_>>() });
    let day = fields.text("expires_on");
    if let (false, Some(object)) = (day.is_empty(), body.as_object_mut()) {
        // The key's last moment is the day's first: a date alone names no later one without a time zone.
        let time = format!("{day}T00:00:00Z");
        object.insert("expires_at".to_owned(), time.into());
    }
    body
}

fn source(fields: &Fields) -> Value {
    json!({
        "provider": fields.text("provider"),
        "name": fields.text("name"),
        "secret": secret(fields, "secret"),
    })
}

/// As typed: a space may be part of it.
fn secret<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).unwrap_or_default()
}
