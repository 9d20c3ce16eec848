//! What a caller asks, checked before anything is connected to.

use super::Failure;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

const MAX_SQL: usize = 64 * 1024;
const MAX_PARAMETERS: usize = 100;
const MAX_PARAMETER_BYTES: usize = 256 * 1024;
const MAX_LOGIN: usize = 1024;

/// Who signs in where.
#[derive(Clone)]
pub struct Login {
    pub(super) user: String,
    pub(super) password: SecretString,
    pub(super) database: String,
}

impl Login {
    /// # Errors
    /// [`Failure::Login`].
    pub fn new(user: &str, password: &SecretString, database: &str) -> Result<Self, Failure> {
        let fits =
            |part: &str| !part.is_empty() && part.len() <= MAX_LOGIN && !part.chars().any(char::is_control);
        if ![user, password.expose_secret(), database].into_iter().all(fits) {
            return Err(Failure::Login);
        }
        Ok(Self { user: user.to_owned(), password: password.clone(), database: database.to_owned() })
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// One statement with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(super) sql: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) max_rows: u32,
}

impl Query {
    /// `max_rows` is at most `most_rows`, and that many where none is given. Semicolons behind the statement are dropped.
    ///
    /// # Errors
    /// [`Failure::Sql`], [`Failure::Parameters`] or [`Failure::MaxRows`].
    pub fn new(
        sql: &str,
        parameters: Vec<Parameter>,
        max_rows: Option<u32>,
        most_rows: u32,
    ) -> Result<Self, Failure> {
        let sql = sql.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == ';');
        if sql.trim_start().is_empty() || sql.len() > MAX_SQL || sql.contains('\0') {
            return Err(Failure::Sql);
        }
        let bytes: usize = parameters.iter().map(|p| p.0.as_ref().map_or(0, String::len)).sum();
        let has_nul = parameters.iter().any(|p| p.0.as_ref().is_some_and(|text| text.contains('\0')));
        if parameters.len() > MAX_PARAMETERS || bytes > MAX_PARAMETER_BYTES || has_nul {
            return Err(Failure::Parameters);
        }
        let max_rows = max_rows.unwrap_or(most_rows);
        if !(1..=most_rows).contains(&max_rows) {
            return Err(Failure::MaxRows(most_rows));
        }
        Ok(Self { sql: sql.to_owned(), parameters, max_rows })
    }
}

/// A value for `$1` and so on, in PostgreSQL's text form, of whatever type the statement makes it. A number keeps every
/// digit that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        Ok(Self(match text.bytes().next() {
            Some(b'n') => None,
            Some(b'"') => Some(serde_json::from_str(text).map_err(serde::de::Error::custom)?),
            Some(b'{' | b'[') | None => {
                return Err(serde::de::Error::custom(
                    "a parameter must be a string, number, boolean or null",
                ));
            }
            Some(_) => Some(text.to_owned()),
        }))
    }
}
