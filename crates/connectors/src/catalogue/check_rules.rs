//! `check`, of a file's rules: that what reads cannot write, and that each can be decided as it stands.

use std::collections::BTreeSet;

use super::argument::{Argument, Constraint, Scalar};
use super::check::Findings;
use super::fields::{self, Step};
use super::graphql;
use super::model::Connector;
use super::rule::{BodyShape, Method, Rule};

/// Query parameters that some servers take for a method or a credential.
const FORBIDDEN_QUERY: [&str; 6] =
    ["_method", "x-http-method-override", "x-http-method", "access_token", "oauth_token", "authorization"];

pub(super) fn rules(connector: &Connector, found: &mut Findings) {
    let mut ids = BTreeSet::new();
    for rule in &connector.requests {
        let key = format!("requests[{}]", rule.id);
        found.unless(ids.insert(&rule.id), &key, "stands twice");
        found.unless(
            !rule.id.is_empty() && rule.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
            &format!("{key}.id"),
            "must be letters, digits and ._-",
        );
        found.unless(!rule.summary.trim().is_empty(), &format!("{key}.summary"), "must not be empty");
        found.unless(!rule.fields.is_empty(), &format!("{key}.fields"), "must not be empty");
        for field in &rule.fields {
            found.unless(is_field(field), &format!("{key}.fields[{field}]"), "is not a dotted path");
        }
        let has_body = !matches!(rule.body.shape, BodyShape::None);
        match rule.method {
            Method::Get => {
                found.unless(!rule.writes, &format!("{key}.writes"), "a GET does not write");
                found.unless(!has_body, &format!("{key}.body"), "a GET has none");
            }
            Method::Put | Method::Patch | Method::Delete => {
                found.unless(rule.writes, &format!("{key}.writes"), "this method writes");
            }
            Method::Post => {}
        }
        // Whether a body is to be read is known before it is.
        let is_twin =
            |other: &&Rule| other.method == rule.method && other.path.as_str() == rule.path.as_str();
        found.unless(
            connector
                .requests
                .iter()
                .filter(is_twin)
                .all(|other| matches!(other.body.shape, BodyShape::None) != has_body),
            &format!("{key}.body"),
            "another rule of this method and path disagrees on whether there is one",
        );
        for (name, argument) in &rule.query {
            let key = format!("{key}.query.{name}");
            found.unless(
                !name.is_empty()
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~[]$:".contains(&b))
                    && !FORBIDDEN_QUERY.contains(&name.to_ascii_lowercase().as_str()),
                &key,
                "is no parameter to allow",
            );
            found.unless(
                argument.set.as_ref().is_none_or(|value| argument.constraint.accepts_text(value)),
                &format!("{key}.set"),
                "must fit the constraint",
            );
            objects(&key, argument, found);
        }
        body(&key, rule, found);
    }
    if let Some(id) = &connector.test {
        let is_plain = |rule: &Rule| {
            let has_query_alone =
                |documents: &Vec<String>| documents.iter().take(1).all(|d| !d.contains('$'));
            let is_read = match &rule.body.shape {
                BodyShape::None => rule.method == Method::Get,
                BodyShape::Graphql(documents) => !rule.writes && has_query_alone(documents),
                _ => false,
            };
            is_read
                && !rule.path.has_variables()
                && rule.query.values().all(|argument| !argument.required || argument.set.is_some())
        };
        found.unless(
            connector.requests.iter().any(|rule| rule.id == *id && is_plain(rule)),
            "test",
            "must name a GET, or a GraphQL query without variables, without path placeholders, its required parameters `set`",
        );
    }
}

fn body(key: &str, rule: &Rule, found: &mut Findings) {
    let key = format!("{key}.body");
    if matches!(rule.body.shape, BodyShape::None) {
        return;
    }
    found.unless((1..=1024 * 1024).contains(&rule.body.max), &format!("{key}.max_body"), "is 1 to 1048576");
    let fields = match &rule.body.shape {
        BodyShape::None => return,
        BodyShape::Json(fields) => fields,
        BodyShape::Graphql(documents) => {
            for document in documents {
                let tokens = graphql::tokens(document);
                found.unless(
                    tokens.is_some(),
                    &format!("{key}.documents"),
                    "is not GraphQL, or has a comment",
                );
                let tokens = tokens.unwrap_or_default();
                let writes = tokens.iter().any(|token| matches!(*token, "mutation" | "subscription"));
                let reads = matches!(tokens.first(), Some(&("query" | "{")));
                found.unless(
                    if rule.writes { writes } else { reads && !writes },
                    &format!("{key}.documents"),
                    "must be a query where the rule reads, and a mutation where it writes",
                );
            }
            return;
        }
        BodyShape::Sql { field, fields } => {
            found.unless(
                is_body_field(field) && !field.contains(['.', '[']) && !fields.contains_key(field),
                &format!("{key}.field"),
                "is one name, and not one of fields",
            );
            found.unless(!rule.writes, &key, "a statement only reads");
            fields
        }
    };
    for (name, argument) in fields {
        let key = format!("{key}.fields.{name}");
        found.unless(is_body_field(name), &key, "is not a dotted path");
        found.unless(
            !argument.repeat && argument.set.is_none(),
            &key,
            "repeat and set are for query parameters",
        );
        found.unless(
            !matches!(argument.constraint, Constraint::Soql(_)),
            &format!("{key}.soql"),
            "is for query parameters",
        );
        objects(&key, argument, found);
        // A value cannot be both a leaf and an object.
        let is_parent = |other: &String| {
            other.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        found.unless(!fields.keys().any(is_parent), &key, "another field is below it");
    }
}

fn objects(key: &str, argument: &Argument, found: &mut Findings) {
    let is_word = |word: &str| {
        word.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    match &argument.constraint {
        Constraint::Soql(objects) => found.unless(
            objects.iter().all(|(name, object)| {
                let is_bound = |(field, values): (&String, &Vec<String>)| {
                    object.fields.contains(field)
                        && !values.is_empty()
                        && values.iter().all(|value| is_word(value))
                };
                is_word(name)
                    && !object.fields.is_empty()
                    && object.fields.iter().all(|field| is_word(field))
                    && object.only.iter().all(is_bound)
            }),
            &format!("{key}.soql"),
            "must be objects with a list of fields, and `only` with some of them and values",
        ),
        Constraint::Words(words) => found.unless(
            words.iter().all(|word| {
                word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b":_-".contains(&b))
            }),
            &format!("{key}.words"),
            "must be words, or names with a colon",
        ),
        Constraint::ListOf(values) => found.unless(
            values.iter().all(|value| !value.is_empty() && !value.contains(',')),
            &format!("{key}.list_of"),
            "must be values without commas",
        ),
        Constraint::OneOf(values) => found.unless(
            values
                .iter()
                .all(|value| !matches!(value, Scalar::Text(text) if text.contains(char::is_control))),
            &format!("{key}.one_of"),
            "must be plain values",
        ),
        _ => {}
    }
}

/// Whether `path` is the path of a field of an answer, as the filter reads it.
pub(super) fn is_field(path: &str) -> bool {
    fields::parse(path).is_some()
}

/// Whether `path` is the path of a field of a body: `fields.project.key`, `labels[]`. The root is an object, and there is
/// no `*` and no escape.
fn is_body_field(path: &str) -> bool {
    let steps = fields::parse(path).unwrap_or_default();
    matches!(steps.first(), Some(Step::Key(_)))
        && steps.iter().all(|step| *step != Step::AnyKey)
        && !path.contains(['\\', ' '])
}
