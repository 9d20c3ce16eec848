//! Whether an object can be a JSON Schema: of a draft that there is, with the keywords that everybody uses in their form.
//! It is shown to people and their tools; nothing here evaluates it, and no reference in it is followed.

use crate::error::AppError;
use crate::json::field;
use serde_json::{Map, Value as Json};

/// What `$schema` may say, without an empty fragment.
const DRAFTS: [&str; 5] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-04/schema",
];
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Checks one that a client sends.
///
/// # Errors
/// `ValidationFailed`, saying what is wrong.
pub(super) fn check(schema: &Map<String, Json>) -> Result<(), AppError> {
    if let Some(draft) = schema.get("$schema") {
        let draft = draft.as_str().map(|uri| uri.strip_suffix('#').unwrap_or(uri));
        if !draft.is_some_and(|uri| DRAFTS.contains(&uri)) {
            return Err(field(
                "schema",
                "$schema must name a draft of JSON Schema: 2020-12, 2019-09, 07, 06 or 04",
            ));
        }
    }
    check_keywords(schema)
}

/// Recursion ends: JSON of a client is at most 128 deep.
fn check_keywords(schema: &Map<String, Json>) -> Result<(), AppError> {
    for (keyword, value) in schema {
        match keyword.as_str() {
            "type" if !is_type(value) => {
                return Err(field("schema", "type must be a type of JSON, or a list of them"));
            }
            "required" if !value.as_array().is_some_and(|names| names.iter().all(Json::is_string)) => {
                return Err(field("schema", "required must be a list of names"));
            }
            "properties" | "patternProperties" | "$defs" | "definitions" => {
                let Json::Object(schemas) = value else {
                    return Err(field("schema", "properties must be an object of schemas"));
                };
                schemas.values().try_for_each(check_value)?;
            }
            "items" if value.is_array() => {
                value.as_array().into_iter().flatten().try_for_each(check_value)?
            }
            "items" | "additionalProperties" | "not" => check_value(value)?,
            "allOf" | "anyOf" | "oneOf" => {
                let Json::Array(schemas) = value else {
                    return Err(field("schema", "allOf, anyOf and oneOf must be lists of schemas"));
                };
                schemas.iter().try_for_each(check_value)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_value(schema: &Json) -> Result<(), AppError> {
    match schema {
        Json::Object(schema) => check_keywords(schema),
        Json::Bool(_) => Ok(()),
        _ => Err(field("schema", "each schema in it must be an object, true or false")),
    }
}

fn is_type(value: &Json) -> bool {
    let is_name = |value: &Json| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Json::Array(names) => !names.is_empty() && names.iter().all(is_name),
        name => is_name(name),
    }
}
