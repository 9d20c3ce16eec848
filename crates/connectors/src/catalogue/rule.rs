//! A rule of a catalogue file: a request that is allowed, and what of its answer passes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::argument::Argument;
use super::path::PathPattern;

/// The largest request body that a rule takes where it names no other size, in bytes.
pub const DEFAULT_MAX_BODY: usize = 64 * 1024;

/// An allowed request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique in its file.
    pub id: String,
    /// The method, exactly.
    pub method: Method,
    /// The paths, below the base URL.
    pub path: PathPattern,
    /// What it reads or writes, in a few words.
    pub summary: String,
    /// Whether it changes something at the provider: it then needs a person's own session.
    #[serde(default)]
    pub writes: bool,
    /// The query parameters that may be sent. Others are refused.
    #[serde(default)]
    pub query: BTreeMap<String, Argument>,
    /// The body that may be sent.
    #[serde(default)]
    pub body: Body,
    /// The fields of the answer that pass.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// A request method. `HEAD` is no method of the catalogue.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the methods of RFC 9110 and RFC 5789")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The body that a request may have.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "BodyKeys")]
pub struct Body {
    /// What it is.
    pub shape: BodyShape,
    /// Its greatest size, in bytes.
    pub max: usize,
}

/// What a body is.
#[derive(Debug, Default)]
pub enum BodyShape {
    /// There is none.
    #[default]
    None,
    /// A JSON object of these fields alone, by dotted path; `[]` stands for any element.
    Json(BTreeMap<String, Argument>),
    /// A GraphQL request with one of these documents.
    Graphql(Vec<String>),
    /// A JSON object with one SQL statement that reads, and further fields.
    Sql {
        /// The field of the statement, at the top of the object.
        field: String,
        /// The other fields.
        fields: BTreeMap<String, Argument>,
    },
}

/// The keys of a body as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyKeys {
    kind: BodyKind,
    #[serde(default)]
    fields: BTreeMap<String, Argument>,
    #[serde(default)]
    documents: Vec<String>,
    field: Option<String>,
    max_body: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BodyKind {
    None,
    Json,
    Graphql,
    Sql,
}

impl TryFrom<BodyKeys> for Body {
    type Error = &'static str;

    fn try_from(keys: BodyKeys) -> Result<Self, Self::Error> {
        let BodyKeys { kind, fields, documents, field, max_body } = keys;
        let shape = match (kind, field) {
            (BodyKind::None, None) if fields.is_empty() && documents.is_empty() => BodyShape::None,
            (BodyKind::Json, None) if !fields.is_empty() && documents.is_empty() => BodyShape::Json(fields),
            (BodyKind::Graphql, None) if fields.is_empty() && !documents.is_empty() => {
                BodyShape::Graphql(documents)
            }
            (BodyKind::Sql, Some(field)) if documents.is_empty() => BodyShape::Sql { field, fields },
            _ => {
                return Err(
                    "a json body has fields, a graphql body documents, a sql body a field, and none of the others'",
                );
            }
        };
        Ok(Self { shape, max: max_body.unwrap_or(DEFAULT_MAX_BODY) })
    }
}
