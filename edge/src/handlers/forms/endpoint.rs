//! The fields of an endpoint's form, which the workspace's pages and the customers' portal share
//! (`pages::webhooks::parts`) → the JSON of the API.

use super::Fields;
use super::convert::{is_separator, number, put, texts};
use protocol::Detail;
use serde_json::{Map, Value, json};

/// Of a new endpoint: what is left empty is absent.
pub(in crate::handlers) fn new(fields: &Fields) -> Value {
    let mut body = texts(&[("url", fields.text("url"))]);
    put(&mut body, "event_types", items(fields, "event_types"));
    for name in ["description", "signature"] {
        put_text(&mut body, fields, name);
    }
    put_headers(&mut body, fields);
    if !fields.text("limit").is_empty() {
        put(&mut body, "rate_limit", rate_limit(fields));
    }
    body
}

/// Of one that is there: URL and headers are not shown again, so that an empty field leaves them as they are.
pub(in crate::handlers) fn changed(fields: &Fields) -> Value {
    let mut body = texts(&[("description", fields.text("description"))]);
    put(&mut body, "event_types", items(fields, "event_types"));
    put_text(&mut body, fields, "url");
    put_headers(&mut body, fields);
    // The portal's form has no limit to change.
    if let Some(limit) = fields.get("limit") {
        let unlimited = limit.trim().is_empty();
        put(&mut body, "rate_limit", if unlimited { Value::Null } else { rate_limit(fields) });
    }
    body
}

/// What no JSON can be made of.
pub(in crate::handlers) fn malformed(fields: &Fields) -> Option<Detail> {
    let mut names: Vec<&str> = Vec::new();
    for line in lines(fields) {
        match line.split_once(':') {
            Some((name, _)) if !names.contains(&name.trim()) => names.push(name.trim()),
            _ => return Some(Detail::field("headers", "must be one a line, Name: value, each name once")),
        }
    }
    None
}

/// A list as people type it.
pub(super) fn items<'f>(fields: &'f Fields, name: &str) -> Vec<&'f str> {
    fields.text(name).split(is_separator).filter(|item| !item.is_empty()).collect()
}

/// A text, unless it is empty.
pub(super) fn put_text(body: &mut Value, fields: &Fields, name: &str) {
    match fields.text(name) {
        "" => {}
        text => put(body, name, text),
    }
}

fn put_headers(body: &mut Value, fields: &Fields) {
    let header = |line: &str| {
        line.split_once(':').map(|(name, value)| (name.trim().to_owned(), Value::from(value.trim())))
    };
    let headers: Map<String, Value> = lines(fields).filter_map(header).collect();
    if !headers.is_empty() || fields.get("no_headers").is_some() {
        put(body, "headers", headers);
    }
}

fn lines(fields: &Fields) -> impl Iterator<Item = &str> {
    fields.text("headers").lines().filter(|line| !line.trim().is_empty())
}

fn rate_limit(fields: &Fields) -> Value {
    json!({ "limit": number(fields.text("limit")), "period_seconds": number(fields.text("period_seconds")) })
}
