//! What a query parameter or a field of a JSON body may say.

use core::fmt;
use std::collections::BTreeMap;

use serde::Deserialize;

/// A query parameter or a field of a JSON body that may be sent.
#[derive(Debug, Deserialize)]
#[serde(try_from = "ArgumentKeys")]
pub struct Argument {
    /// What it may say.
    pub constraint: Constraint,
    /// Whether it must be there.
    pub required: bool,
    /// Whether a query parameter may be there more than once.
    pub repeat: bool,
    /// The value that the broker sends where the caller sends none.
    pub set: Option<String>,
}

/// What an argument may say.
#[derive(Debug, PartialEq)]
pub enum Constraint {
    /// Anything. In a body: any JSON value.
    Any,
    /// One of these.
    OneOf(Vec<Scalar>),
    /// Any text that holds none of these.
    Without(Vec<String>),
    /// A comma-separated list of these.
    ListOf(Vec<String>),
    /// Words with a space between them. One that ends with a colon is followed by a value of letters, digits and
    /// `@._/+-`; another stands as it is. Nothing else is searched for, so the answer tells nothing of texts.
    Words(Vec<String>),
    /// An integer, both ends included.
    Int(IntRange),
    /// A string of at most so many characters.
    Text(TextLimit),
    /// `true` or `false`.
    Bool,
    /// A SOQL query of these objects.
    Soql(BTreeMap<String, SoqlObject>),
}

/// What a SOQL query may name of an object.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "SoqlObjectKeys")]
pub struct SoqlObject {
    /// The fields, wherever in the query.
    pub fields: Vec<String>,
    /// Fields that the WHERE must bind to some of these values.
    pub only: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SoqlObjectKeys {
    Fields(Vec<String>),
    Bound(SoqlObjectBound),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SoqlObjectBound {
    fields: Vec<String>,
    only: BTreeMap<String, Vec<String>>,
}

impl From<SoqlObjectKeys> for SoqlObject {
    fn from(keys: SoqlObjectKeys) -> Self {
        match keys {
            SoqlObjectKeys::Fields(fields) => Self { fields, only: BTreeMap::new() },
            SoqlObjectKeys::Bound(SoqlObjectBound { fields, only }) => Self { fields, only },
        }
    }
}

impl Constraint {
    /// Whether a query parameter may say `value`. False for SOQL, which is read as a whole.
    #[must_use]
    pub fn accepts_text(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Without(forbidden) => {
                let value = value.to_lowercase();
                !forbidden.iter().any(|text| value.contains(&text.to_lowercase()))
            }
            Self::Words(allowed) => value.split(' ').all(|word| allowed.iter().any(|a| is_word(word, a))),
            Self::OneOf(allowed) => allowed.iter().any(|scalar| scalar.to_string() == value),
            Self::ListOf(allowed) => value.split(',').all(|item| allowed.iter().any(|a| a == item)),
            // Digits alone, and no leading zero or plus: one spelling a number.
            Self::Int(range) => value
                .parse::<i64>()
                .is_ok_and(|n| n.to_string() == value && (range.min..=range.max).contains(&n)),
            Self::Text(limit) => value.chars().count() <= limit.max,
            Self::Bool => matches!(value, "true" | "false"),
            Self::Soql(_) => false,
        }
    }
}

fn is_word(word: &str, allowed: &str) -> bool {
    if !allowed.ends_with(':') {
        return word == allowed;
    }
    word.strip_prefix(allowed).is_some_and(|value| {
        (1..=128).contains(&value.len())
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._/+-".contains(&b))
    })
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(flag) => flag.fmt(f),
            Self::Int(n) => n.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The ends of an integer's range, both included.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct IntRange {
    /// The least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
}

/// The length of a string, in characters.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TextLimit {
    /// The greatest.
    pub max: usize,
}

/// A plain value of TOML and JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
#[allow(missing_docs, reason = "JSON's own words")]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    Text(String),
}

/// The keys of an argument as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArgumentKeys {
    any: Option<bool>,
    forbid: Option<Vec<String>>,
    one_of: Option<Vec<Scalar>>,
    list_of: Option<Vec<String>>,
    words: Option<Vec<String>>,
    int: Option<IntRange>,
    string: Option<TextLimit>,
    bool: Option<bool>,
    soql: Option<BTreeMap<String, SoqlObject>>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    repeat: bool,
    set: Option<String>,
}

impl TryFrom<ArgumentKeys> for Argument {
    type Error = &'static str;

    fn try_from(keys: ArgumentKeys) -> Result<Self, Self::Error> {
        let ArgumentKeys {
            any,
            forbid,
            one_of,
            list_of,
            words,
            int,
            string,
            bool,
            soql,
            required,
            repeat,
            set,
        } = keys;
        if forbid.as_ref().is_some_and(|texts| any.is_none() || texts.iter().all(String::is_empty)) {
            return Err("forbid lists texts, and goes with any");
        }
        let mut named = [
            any.map(|yes| yes.then(|| forbid.clone().map_or(Constraint::Any, Constraint::Without))),
            one_of.map(|values| (!values.is_empty()).then_some(Constraint::OneOf(values))),
            list_of.map(|values| (!values.is_empty()).then_some(Constraint::ListOf(values))),
            words.map(|words| (!words.is_empty()).then_some(Constraint::Words(words))),
            int.map(|range| (range.min <= range.max).then_some(Constraint::Int(range))),
            string.map(|limit| (limit.max > 0).then_some(Constraint::Text(limit))),
            bool.map(|yes| yes.then_some(Constraint::Bool)),
            soql.map(|objects| (!objects.is_empty()).then_some(Constraint::Soql(objects))),
        ]
        .into_iter()
        .flatten();
        let constraint = match (named.next(), named.next(), &set) {
            (Some(Some(constraint)), None, _) => constraint,
            (None, None, Some(fixed)) => Constraint::OneOf(vec![Scalar::Text(fixed.clone())]),
            (Some(None), None, _) => return Err("the constraint allows nothing"),
            _ => {
                return Err(
                    "needs exactly one of any, one_of, list_of, words, int, string, bool, soql, or a `set` alone",
                );
            }
        };
        Ok(Self { constraint, required, repeat, set })
    }
}
