//! The client's JSON, strictly: what is wrong is named, and nothing of the body stands in the answer.

mod place;

use crate::error::AppError;
use connectors::IN_AUTH;
use place::{Place, offset};
use protocol::near::nearest;
use protocol::time::{MUST_BE_A_TIME, parse_rfc3339};
use protocol::{Code, Detail};
use secrecy::SecretString;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use std::borrow::Cow;
use tokens::TokenError;

/// Parses a request's body.
///
/// # Errors
/// 400 `invalid_json`, or 422 `validation_failed` naming the field that is missing, unknown or of another type.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    // A list of fields in their order is a struct to serde, and nobody's intention.
    if body.trim_ascii_start().starts_with(b"[") && is_json(body) {
        return Err(AppError::refused(Code::ValidationFailed, "an object is expected"));
    }
    serde_json::from_slice(body).map_err(|error| refused(body, &error))
}

fn refused(body: &[u8], error: &serde_json::Error) -> AppError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => {
            AppError::refused(Code::ValidationFailed, fault(body, offset(body, line, column), error))
        }
        // A list where one of some names is expected is a fault of syntax to serde_json, told behind its bracket.
        Category::Syntax if is_json(body) => {
            let place = Place::of(body, offset(body, line, column).saturating_sub(1));
            AppError::refused(Code::ValidationFailed, at(place.of_value(), "is of another type"))
        }
        _ => AppError::refused(Code::InvalidJson, format!("not JSON at line {line}, column {column}")),
    }
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// A refused field: `field("name", "must be 1 to 100 characters")`.
pub fn field(name: &'static str, must: &'static str) -> AppError {
    wrong(name, must)
}

/// The same, for what is put together.
pub fn wrong(name: impl Into<Cow<'static, str>>, must: impl Into<Cow<'static, str>>) -> AppError {
    AppError::refused(Code::ValidationFailed, Detail::field(name, must))
}

/// A name that is none of `names`, with the one that was meant where that can be guessed.
pub fn unknown<'a>(
    field: &'static str,
    must: &str,
    given: &str,
    names: impl Iterator<Item = &'a str>,
) -> AppError {
    match nearest(given, names) {
        Some(near) => wrong(field, format!("{must}; did you mean {near}?")),
        None => wrong(field, must.to_owned()),
    }
}

/// A time of a body's field, Unix milliseconds.
///
/// # Errors
/// 422 naming the field.
pub fn time(name: &'static str, text: &str) -> Result<u64, AppError> {
    parse_rfc3339(text).ok_or_else(|| field(name, MUST_BE_A_TIME))
}

/// What is wrong with a body, by serde's message. That quotes the value which it did not expect, maybe a secret in the wrong
/// place: only what our own types say is taken from it, and the name of a field that is missing or unknown.
fn fault(body: &[u8], offset: usize, error: &serde_json::Error) -> Detail {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(before, _)| before);
    let place = Place::of(body, offset);
    // A type that serde reads twice knows its own place better.
    let (place, message) = match message.split_once(IN_AUTH) {
        Some(("", inner)) if inner.starts_with("unknown variant") => {
            (Place::inside(&["auth", "type"]), inner)
        }
        Some(("", inner)) => (Place::inside(&["auth"]), inner),
        _ => (place, message),
    };
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| words(expected));
    let quoted = |opening: &str| message.strip_prefix(opening)?.split('`').next();
    if let Some(name) = quoted("missing field `") {
        at(place.of_field(name), "is missing")
    } else if let Some(name) = quoted("duplicate field `") {
        at(place.of_field(name), "must stand once")
    } else if let Some(name) = quoted("unknown field `") {
        let expected = expected.unwrap_or_else(|| "no field".into());
        match place.of_field(name) {
            Some(path) => Detail::field(path, format!("is not a field here: expected {expected}")),
            None => format!("an unknown field: expected {expected}").into(),
        }
    } else {
        let must = expected.map_or("has a wrong value".into(), |expected| format!("must be {expected}"));
        at(place.of_value(), must)
    }
}

fn at(path: Option<String>, message: impl Into<Cow<'static, str>>) -> Detail {
    match path {
        Some(path) => Detail::field(path, message),
        None => Detail::from(message.into()),
    }
}

/// serde's name of what it expected, for people.
fn words(expected: &str) -> Cow<'static, str> {
    match expected {
        "a map" => "an object".into(),
        "a sequence" => "a list".into(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on".into(),
        "i64" => "a whole number".into(),
        expected if expected.starts_with("struct ") || expected.contains("tagged enum ") => {
            "an object".into()
        }
        expected => expected.replace('`', "").into(),
    }
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
        | TokenError::PasswordGuessable => wrong(field_name, error.to_string()),
        other => other.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::api::{LogIn, NewApiKey};

    fn detail<T: DeserializeOwned>(body: &str) -> (Code, String) {
        match parse::<T>(body.as_bytes()).map(|_| ()).unwrap_err() {
            AppError::Refused(code, detail) => {
                (code, detail.map(|detail| detail.to_string()).unwrap_or_default())
            }
            other => panic!("{other}"),
        }
    }

    /// The field that is named, and what it must be.
    fn error<T: DeserializeOwned>(body: &str) -> (String, String) {
        let AppError::Refused(Code::ValidationFailed, Some(detail)) =
            parse::<T>(body.as_bytes()).map(|_| ()).unwrap_err()
        else {
            panic!("{body}")
        };
        let [error] = detail.errors() else { panic!("{body}: {detail:?}") };
        assert_eq!(detail.text(), &format!("{}: {}", error.field, error.message));
        (error.field.to_string(), error.message.to_string())
    }

    #[test]
    fn what_is_wrong_is_named() {
        type New = protocol::api::NewConnection<connectors::CredentialInput>;
        assert_eq!(detail::<LogIn>("{").0, Code::InvalidJson);
        let kinds = "must be one of bearer, api_key, basic, oauth2, none";
        let http = |auth: &str| format!(r#"{{"connector": "http", "name": "x", "auth": {auth}}}"#);
        let first = |auth: &str| format!(r#"{{"auth": {auth}, "connector": "http", "name": "x"}}"#);
        for form in [http, first] {
            for (auth, field, message) in [
                (r#"{"type":"token"}"#, "auth.type", kinds),
                (r#"{"type":"token","token":"x"}"#, "auth.type", kinds),
                (r#"{"token":"x"}"#, "auth.type", "is missing"),
                (r#"{"type":"bearer"}"#, "auth.token", "is missing"),
                (r#"{"type":"bearer","token":5}"#, "auth", "must be a string"),
                (
                    r#"{"type":"bearer","token":"x","user":1}"#,
                    "auth.user",
                    "is not a field here: expected token",
                ),
                (r#"{"type":"none","a":1}"#, "auth.a", "is not a field here: expected no field"),
                ("5", "auth", "must be an object"),
                ("null", "auth", "must be an object"),
                (r#""hunter2hunter2""#, "auth", "must be an object"),
            ] {
                let (named, told) = error::<New>(&form(auth));
                assert_eq!((&*named, &*told), (field, message), "{}", form(auth));
            }
        }
        assert_eq!(error::<New>(r#"{"connector":"http","name":"x"}"#).0, "auth");
        for (body, field, message) in [
            (r#"{"role":["member"]}"#, "role", "is of another type"),
            (r#"{"role":"boss"}"#, "role", "must be one of super_admin, org_admin, member"),
            (r#"{"role":null}"#, "role", "is of another type"),
            ("{}", "role", "is missing"),
        ] {
            let (named, told) = error::<protocol::api::UpdateMember>(body);
            assert_eq!((&*named, &*told), (field, message), "{body}");
        }
        for (body, field, begins) in [
            (r#"{"email": "a@b.c"}"#, "password", "is missing"),
            (r#"{"emial": "a@b.c"}"#, "emial", "is not a field here: expected one of email, password"),
            (r#"{"email":"a","email":"b"}"#, "email", "must stand once"),
            ("{\n  \"email\": \"a\",\n  \"password\": 7\n}", "password", "must be a string"),
        ] {
            let (named, told) = error::<LogIn>(body);
            assert_eq!(named, field, "{body}");
            assert!(told.starts_with(begins), "{body}: {told}");
        }
        for (body, field, begins) in [
            (r#"{"name":"a","scopes":["x:y"]}"#, "scopes", "must be one of connections:read"),
            (r#"{"scopes":["x:y","sources:read"],"name":"a"}"#, "scopes", "must be one of connections:read"),
            (r#"{"name":"a","scopes":"all"}"#, "scopes", "must be a list"),
            (
                r#"{"name":"a","scopes":[],"rate_limit":{"limit":-1,"period_seconds":1}}"#,
                "rate_limit.limit",
                "must be a whole number",
            ),
            (
                r#"{"name":"a","scopes":[],"rate_limit":{"limit":1}}"#,
                "rate_limit.period_seconds",
                "is missing",
            ),
            (r#"{"name":{},"scopes":[]}"#, "name", "must be a string"),
        ] {
            let (named, told) = error::<NewApiKey>(body);
            assert_eq!(named, field, "{body}");
            assert!(told.starts_with(begins), "{body}: {told}");
        }
        let (field, message) =
            error::<protocol::api::SwitchOrg>(r#"{"org_id":"con_00000000000000000000000000"}"#);
        assert_eq!((&*field, &*message), ("org_id", "must be one that begins with org_"));
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        for body in [
            r#"{"name":"a","scopes":"hunter2hunter2"}"#,
            r#"{"name":"a","scopes":["hunter2hunter2"]}"#,
            r#"{"name":"a","hunter2hunter2":1}"#,
            r#"{"name":"a","metadata":{"hunter2":5}, "scopes": {"hunter2": 1}}"#,
        ] {
            let (_, text) = detail::<NewApiKey>(body);
            assert!(!text.contains("hunter2"), "{text}");
        }
        let (_, text) = detail::<protocol::api::SignUp>(
            r#"{"email":"a","password":"b","name":"c","org_name":"d","region":"hunter2, expected hunter2","accept_terms":true}"#,
        );
        assert!(!text.contains("hunter2"), "{text}");
        for auth in [
            r#"{"type":"hunter2"}"#,
            r#"{"type":"bearer","token":{"hunter2":1}}"#,
            r#"{"type":"bearer","token":["hunter2"]}"#,
            r#"{"type":"none","hunter2":1}"#,
            r#""in auth: missing field `hunter2`""#,
            r#"{"type":"in auth: missing field `hunter2`"}"#,
        ] {
            let body = format!(r#"{{"connector":"http","name":"x","auth":{auth}}}"#);
            let (_, text) = detail::<protocol::api::NewConnection<connectors::CredentialInput>>(&body);
            assert!(!text.contains("hunter2"), "{body}: {text}");
        }
    }
}
