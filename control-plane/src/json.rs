//! The client's JSON, strictly: what is wrong is named, and nothing of the body stands in the answer.

use crate::error::AppError;
use protocol::Code;
use secrecy::SecretString;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tokens::TokenError;

/// Parses a request's body.
///
/// # Errors
/// 400 `invalid_json`, or 422 `validation_failed` naming the field that is missing, unknown or of another type.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    // A list of fields in their order is a struct to serde, and nobody's intention.
    if body.trim_ascii_start().starts_with(b"[") && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        return Err(AppError::refused(Code::ValidationFailed, "an object is expected"));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => AppError::refused(Code::ValidationFailed, without_values(&error)),
        // A list where one of some names is expected is a fault of syntax to serde_json.
        Category::Syntax if serde_json::from_slice::<IgnoredAny>(body).is_ok() => AppError::refused(
            Code::ValidationFailed,
            format!("a value is of another type (line {}, column {})", error.line(), error.column()),
        ),
        _ => AppError::refused(
            Code::InvalidJson,
            format!("not JSON at line {}, column {}", error.line(), error.column()),
        ),
    })
}

/// A refused field: `field("name", "must be 1 to 100 characters")`.
pub fn field(name: &'static str, must: &'static str) -> AppError {
    AppError::refused(Code::ValidationFailed, format!("{name}: {must}"))
}

/// serde's message quotes the value that it did not expect, which may be a secret in the wrong place. Field names that it
/// quotes are the client's own, but bounded.
fn without_values(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let (line, column) = (error.line(), error.column());
    let what = if message.starts_with("missing field") || message.starts_with("unknown field") {
        let end = message.rfind(" at line").unwrap_or(message.len());
        message.get(..end.min(300)).unwrap_or("a field is missing or unknown").to_owned()
    } else {
        match message.rfind(", expected ").and_then(|at| message.get(at + 2..)) {
            Some(expected) => expected.split(" at line").next().unwrap_or("a value is wrong").to_owned(),
            None => "a value is wrong".to_owned(),
        }
    };
    format!("{what} (line {line}, column {column})")
}

/// Checks a name that people give to something: 1 to 100 characters, none of them a control character.
///
/// # Errors
/// 422 naming the field.
pub fn check_name(field_name: &'static str, name: &str) -> Result<(), AppError> {
    let fine = name.trim() == name && (1..=100).contains(&name.chars().count());
    if fine && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(field(
        field_name,
        "must be 1 to 100 characters, without control characters or white space at the ends",
    ))
}

/// Checks a new password by the policy. `about`: texts that a guesser knows of the person.
///
/// # Errors
/// 422 naming the field and the rule.
pub fn check_new_password(
    field_name: &'static str,
    password: &SecretString,
    about: &[&str],
) -> Result<(), AppError> {
    tokens::check_password(password, about).map_err(|error| match error {
        TokenError::PasswordTooShort
        | TokenError::PasswordTooLong
        | TokenError::PasswordControl
        | TokenError::PasswordGuessable => {
            AppError::refused(Code::ValidationFailed, format!("{field_name}: {error}"))
        }
        other => other.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::api::{LogIn, NewApiKey};

    fn detail<T: DeserializeOwned>(body: &str) -> (Code, String) {
        match parse::<T>(body.as_bytes()).map(|_| ()).unwrap_err() {
            AppError::Refused(code, detail) => (code, detail.unwrap_or_default().into_owned()),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(detail::<LogIn>("{").0, Code::InvalidJson);
        let (code, text) = detail::<protocol::api::UpdateMember>(r#"{"role":["member"]}"#);
        assert_eq!(
            (code, text.as_str()),
            (Code::ValidationFailed, "a value is of another type (line 1, column 9)")
        );
        let (code, text) = detail::<LogIn>(r#"{"email": "a@b.c"}"#);
        assert_eq!(code, Code::ValidationFailed);
        assert!(text.starts_with("missing field `password`"), "{text}");
        assert!(detail::<LogIn>(r#"{"emial": "a@b.c"}"#).1.starts_with("unknown field `emial`"));
        assert!(
            detail::<NewApiKey>(r#"{"name":"a","scopes":["x:y"]}"#)
                .1
                .starts_with("expected one of connections:read")
        );
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        let (_, text) = detail::<NewApiKey>(r#"{"name":"a","scopes":"hunter2hunter2"}"#);
        assert!(!text.contains("hunter2"), "{text}");
        let (_, text) = detail::<NewApiKey>(r#"{"name":"a","scopes":["hunter2hunter2"]}"#);
        assert!(!text.contains("hunter2"), "{text}");
        let (_, text) = detail::<protocol::api::SignUp>(
            r#"{"email":"a","password":"b","name":"c","org_name":"d","region":"hunter2, expected hunter2","accept_terms":true}"#,
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
}
