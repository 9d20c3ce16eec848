//! The body of a request, held against its rule and written anew.

use std::collections::BTreeMap;

use crate::catalogue::{Argument, BodyShape, Constraint, Rule, Scalar};

use super::json::Json;
use super::refusal::{Refusal, listed};
use super::{graphql, sql};

/// The longest GraphQL operation name.
const MAX_OPERATION_NAME: usize = 128;

/// The body to send.
pub(super) fn checked(rule: &Rule, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let malformed = || Refusal::BodyMalformed { rule: rule.id.clone() };
    if body.len() > rule.body.max {
        return Err(Refusal::BodyTooLarge { rule: rule.id.clone(), max: rule.body.max });
    }
    let Ok(Json::Object(mut object)) = serde_json::from_slice(body) else { return Err(malformed()) };
    match &rule.body.shape {
        BodyShape::None => return Err(Refusal::BodyUnexpected { rule: rule.id.clone() }),
        BodyShape::Json(fields) => Fields { rule, fields }.check_object("", &object)?,
        BodyShape::Graphql(documents) => request(rule, documents, &mut object)?,
        BodyShape::Sql { field, fields } => {
            let statement = object.remove(field);
            Fields { rule, fields }.check_object("", &object)?;
            let refused =
                |problem| Refusal::Statement { rule: rule.id.clone(), field: field.clone(), problem };
            let Some(Json::Text(statement)) = statement else {
                return Err(refused("it must be a string"));
            };
            sql::check(&statement).map_err(refused)?;
            object.insert(field.clone(), Json::Text(statement));
        }
    }
    serde_json::to_vec(&Json::Object(object)).map_err(|_| malformed())
}

/// A GraphQL request (GraphQL over HTTP, "Request parameters"): a listed document, which is sent as the catalogue spells
/// it, and its values.
fn request(rule: &Rule, documents: &[String], object: &mut BTreeMap<String, Json>) -> Result<(), Refusal> {
    for (key, value) in &*object {
        let is_fine = match (key.as_str(), value) {
            ("query", Json::Text(_)) | ("variables", Json::Object(_) | Json::Null) => true,
            ("operationName", Json::Text(name)) => {
                name.len() <= MAX_OPERATION_NAME
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }
            ("operationName", Json::Null) => true,
            _ => false,
        };
        if !is_fine {
            return Err(Refusal::FieldUnlisted {
                rule: rule.id.clone(),
                allowed: "query (a string), variables (an object), operationName (a name)".to_owned(),
            });
        }
    }
    let refused = || Refusal::Document { rule: rule.id.clone() };
    let Some(Json::Text(document)) = object.get("query") else { return Err(refused()) };
    let tokens = graphql::tokens(document).ok_or_else(refused)?;
    let listed = documents
        .iter()
        .find(|listed| graphql::tokens(listed).is_some_and(|expected| expected == tokens))
        .ok_or_else(refused)?;
    object.insert("query".to_owned(), Json::Text(listed.clone()));
    Ok(())
}

/// The fields that a JSON body may have, by path.
struct Fields<'a> {
    rule: &'a Rule,
    fields: &'a BTreeMap<String, Argument>,
}

impl Fields<'_> {
    fn check_object(&self, path: &str, object: &BTreeMap<String, Json>) -> Result<(), Refusal> {
        for (key, value) in object {
            // Such a key would look like a path.
            if key.is_empty() || key.contains(['.', '[', ']']) {
                return Err(self.unlisted());
            }
            self.check(&join(path, key), value)?;
        }
        let below = if path.is_empty() { String::new() } else { format!("{path}.") };
        for (field, argument) in self.fields.iter().filter(|(_, argument)| argument.required) {
            let Some(rest) = field.strip_prefix(&below).filter(|rest| !rest.contains("[]")) else { continue };
            let key = rest.split('.').next().unwrap_or_default();
            if !object.contains_key(key) {
                return Err(Refusal::FieldMissing {
                    rule: self.rule.id.clone(),
                    field: field.clone(),
                    allowed: argument.constraint.allowed(),
                });
            }
        }
        Ok(())
    }

    fn check(&self, path: &str, value: &Json) -> Result<(), Refusal> {
        if let Some((path, argument)) = self.fields.get_key_value(path) {
            return if accepts(&argument.constraint, value) {
                Ok(())
            } else {
                Err(Refusal::FieldValue {
                    rule: self.rule.id.clone(),
                    field: path.clone(),
                    allowed: argument.constraint.allowed(),
                })
            };
        }
        match value {
            Json::Object(object) if self.has_below(path, '.') => self.check_object(path, object),
            Json::Array(items) if self.has_below(path, '[') => {
                let path = format!("{path}[]");
                items.iter().try_for_each(|item| self.check(&path, item))
            }
            _ => Err(self.unlisted()),
        }
    }

    fn has_below(&self, path: &str, separator: char) -> bool {
        self.fields
            .keys()
            .any(|field| field.strip_prefix(path).is_some_and(|rest| rest.starts_with(separator)))
    }

    fn unlisted(&self) -> Refusal {
        Refusal::FieldUnlisted { rule: self.rule.id.clone(), allowed: listed(self.fields.keys().cloned()) }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn accepts(constraint: &Constraint, value: &Json) -> bool {
    match (constraint, value) {
        (Constraint::Any, _) | (Constraint::Bool, Json::Bool(_)) => true,
        (Constraint::OneOf(allowed), value) => allowed.iter().any(|allowed| match (allowed, value) {
            (Scalar::Bool(allowed), Json::Bool(value)) => allowed == value,
            (Scalar::Int(allowed), Json::Int(value)) => allowed == value,
            (Scalar::Text(allowed), Json::Text(value)) => allowed == value,
            _ => false,
        }),
        (Constraint::Int(range), Json::Int(value)) => (range.min..=range.max).contains(value),
        (
            Constraint::Text(_) | Constraint::Without(_) | Constraint::ListOf(_) | Constraint::Words(_),
            Json::Text(value),
        ) => constraint.accepts_text(value),
        _ => false,
    }
}
