//! Why a request is refused. The texts say what is allowed, in the catalogue's words, and repeat nothing of the request.

use crate::catalogue::{Constraint, Rule, Scalar};

use super::soql::SoqlProblem;

/// How many requests or values a text lists.
const MAX_LISTED: usize = 24;

/// A refusal by a connector's rules. [`code`](Self::code) is stable: the API's `detail` and `reason` begin with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The target can't be read in one way only.
    #[error("the request's target is refused: {0}")]
    Malformed(&'static str),
    /// No rule has this path.
    #[error("no allowed request of this connector has this path; allowed are: {allowed}")]
    Path {
        /// Methods and paths.
        allowed: String,
    },
    /// Rules have this path, by other methods.
    #[error("this path allows other methods only: {allowed}")]
    Method {
        /// Methods and rules.
        allowed: String,
    },
    /// A query parameter that the rule doesn't list.
    #[error("`{rule}` allows these query parameters and no others, in this spelling: {allowed}")]
    ParameterUnlisted {
        /// The rule.
        rule: String,
        /// Their names.
        allowed: String,
    },
    /// A query parameter that the rule needs.
    #[error("`{rule}` needs the query parameter `{parameter}`: {allowed}")]
    ParameterMissing {
        /// The rule.
        rule: String,
        /// Its name.
        parameter: String,
        /// What it may say.
        allowed: String,
    },
    /// A query parameter stands more than once.
    #[error("`{rule}` allows the query parameter `{parameter}` once")]
    ParameterRepeated {
        /// The rule.
        rule: String,
        /// Its name.
        parameter: String,
    },
    /// A query parameter says what it may not.
    #[error("`{rule}` allows the query parameter `{parameter}` to be {allowed}")]
    ParameterValue {
        /// The rule.
        rule: String,
        /// Its name.
        parameter: String,
        /// What it may say.
        allowed: String,
    },
    /// A SOQL query that isn't a plain read of listed fields.
    #[error("`{rule}` refuses the query in `{parameter}`: {problem}")]
    Soql {
        /// The rule.
        rule: String,
        /// The parameter's name.
        parameter: String,
        /// What is wrong with it.
        problem: SoqlProblem,
    },
    /// There is a body.
    #[error("`{rule}` takes no body")]
    BodyUnexpected {
        /// The rule.
        rule: String,
    },
    /// The body is too large.
    #[error("`{rule}` takes a body of at most {max} bytes")]
    BodyTooLarge {
        /// The rule.
        rule: String,
        /// In bytes.
        max: usize,
    },
    /// The body isn't a JSON object that every reader reads alike.
    #[error(
        "`{rule}` takes a JSON object in UTF-8: no key twice, and no number beyond what a double holds exactly"
    )]
    BodyMalformed {
        /// The rule.
        rule: String,
    },
    /// The body has a field that the rule doesn't list.
    #[error("`{rule}` allows these body fields and no others: {allowed}")]
    FieldUnlisted {
        /// The rule.
        rule: String,
        /// Their paths.
        allowed: String,
    },
    /// The body lacks a field that the rule needs.
    #[error("`{rule}` needs the body field `{field}`: {allowed}")]
    FieldMissing {
        /// The rule.
        rule: String,
        /// Its path.
        field: String,
        /// What it may say.
        allowed: String,
    },
    /// A body field says what it may not.
    #[error("`{rule}` allows the body field `{field}` to be {allowed}")]
    FieldValue {
        /// The rule.
        rule: String,
        /// Its path.
        field: String,
        /// What it may say.
        allowed: String,
    },
    /// The GraphQL document isn't one of the rule's.
    #[error(
        "`{rule}` takes its listed GraphQL documents alone, without comments; their values go into variables"
    )]
    Document {
        /// The rule.
        rule: String,
    },
    /// The SQL isn't one statement that reads.
    #[error("`{rule}` refuses the statement in `{field}`: {problem}")]
    Statement {
        /// The rule.
        rule: String,
        /// The body field.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Refusal {
    /// The stable name of what is refused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "request_malformed",
            Self::Path { .. } => "path_not_listed",
            Self::Method { .. } => "method_not_listed",
            Self::ParameterUnlisted { .. } => "parameter_not_listed",
            Self::ParameterMissing { .. } => "parameter_missing",
            Self::ParameterRepeated { .. } => "parameter_repeated",
            Self::ParameterValue { .. } => "parameter_not_allowed",
            Self::Soql { .. } => "soql_not_allowed",
            Self::BodyUnexpected { .. } => "body_not_allowed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyMalformed { .. } => "body_malformed",
            Self::FieldUnlisted { .. } => "field_not_listed",
            Self::FieldMissing { .. } => "field_missing",
            Self::FieldValue { .. } => "field_not_allowed",
            Self::Document { .. } => "document_not_listed",
            Self::Statement { .. } => "statement_not_allowed",
        }
    }

    /// How far the request got with the rule.
    pub(super) const fn stage(&self) -> u8 {
        match self {
            Self::Malformed(_) | Self::Path { .. } => 0,
            Self::Method { .. } => 1,
            Self::ParameterUnlisted { .. }
            | Self::ParameterMissing { .. }
            | Self::ParameterRepeated { .. }
            | Self::ParameterValue { .. }
            | Self::Soql { .. } => 2,
            Self::BodyUnexpected { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyMalformed { .. }
            | Self::FieldUnlisted { .. }
            | Self::FieldMissing { .. }
            | Self::FieldValue { .. }
            | Self::Document { .. }
            | Self::Statement { .. } => 3,
        }
    }

    pub(super) fn path(rules: &[Rule]) -> Self {
        Self::Path {
            allowed: listed(
                rules.iter().map(|rule| format!("{} {}", rule.method.as_str(), rule.path.as_str())),
            ),
        }
    }

    pub(super) fn method<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        let mut methods: Vec<String> =
            rules.into_iter().map(|rule| format!("{} (`{}`)", rule.method.as_str(), rule.id)).collect();
        methods.dedup();
        Self::Method { allowed: listed(methods) }
    }
}

impl Constraint {
    /// What it allows, for a person.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Without(texts) => format!("any text without {}", listed(texts.iter().cloned())),
            Self::Words(words) => format!(
                "words of these kinds, the value behind a colon of letters, digits and @._/+-: {}",
                listed(words.iter().cloned())
            ),
            Self::OneOf(values) => format!("one of {}", listed(values.iter().map(Scalar::to_string))),
            Self::ListOf(values) => {
                format!("a list, separated by commas, of {}", listed(values.iter().cloned()))
            }
            Self::Int(range) => format!("an integer from {} to {}", range.min, range.max),
            Self::Text(limit) => format!("text of at most {} characters", limit.max),
            Self::Bool => "true or false".to_owned(),
            Self::Soql(objects) => {
                format!("one SOQL SELECT of listed fields of {}", listed(objects.keys().cloned()))
            }
        }
    }
}

/// Names in a row, the first of them where there are many.
pub(super) fn listed(names: impl IntoIterator<Item = String>) -> String {
    let mut names = names.into_iter();
    let mut first: Vec<String> = names.by_ref().take(MAX_LISTED).collect();
    if first.is_empty() {
        return "none".to_owned();
    }
    let more = names.count();
    if more > 0 {
        first.push(format!("and {more} more"));
    }
    first.join(", ")
}
