//! What is wrong with a credential, by its form alone, for the one who wrote the request.
//!
//! Invariants: no value of the request is repeated, and nothing is said that depends on a key of ours: a key of the right form
//! whose MAC is forged gets the words of one that its org does not know.

use super::COOKIE;
use crate::head::{Head, WHITE_SPACE};
use protocol::problem::UNKNOWN_KEY;
use std::borrow::Cow;
use tokens::ApiKeyFormat;

/// Schemes of `Authorization` that are no `Bearer`, by the names that may be repeated.
const OTHER_SCHEMES: [&str; 6] = ["Basic", "Digest", "Token", "ApiKey", "Api-Key", "Key"];

/// Headers of other products' keys.
const OTHER_HEADERS: [(&str, &str); 4] = [
    ("x-api-key", "X-API-Key"),
    ("api-key", "Api-Key"),
    ("x-auth-token", "X-Auth-Token"),
    ("x-access-token", "X-Access-Token"),
];

/// Parameters by which other products take a key.
const PARAMETERS: [&str; 4] = ["api_key", "apikey", "access_token", "token"];

/// Whether a bearer token was sent, rightly or not: only then does `WWW-Authenticate` name an error (RFC 6750, section 3.1).
pub fn sends_bearer(head: &Head<'_>) -> bool {
    let Some(value) = head.header("authorization").map(unquoted) else { return false };
    match value.split_once(WHITE_SPACE) {
        Some((scheme, _)) => is_bearer(scheme),
        None => !value.is_empty() && !is_bearer(value) && other_scheme(value).is_none(),
    }
}

/// Whether an API key is in the URL and nowhere else.
pub fn is_in_query(head: &Head<'_>, keys: &ApiKeyFormat) -> bool {
    // Neither these names nor a key need percent-encoding.
    let mut pairs = head.query.split('&').filter_map(|pair| pair.split_once('='));
    head.header("authorization").is_none()
        && pairs.any(|(name, value)| PARAMETERS.contains(&name) || keys.matches_prefix(value))
}

/// What to change, for a request that has no credential or a bad one.
pub fn wrong(head: &Head<'_>, keys: &ApiKeyFormat) -> Cow<'static, str> {
    let what = match head.header("authorization") {
        Some(value) => of_header(value.trim_matches(WHITE_SPACE), keys),
        None => without_header(head, keys),
    };
    if what == UNKNOWN_KEY {
        return what;
    }
    format!("{what}: send Authorization: Bearer {}_...", keys.prefix()).into()
}

fn without_header(head: &Head<'_>, keys: &ApiKeyFormat) -> Cow<'static, str> {
    if let Some((_, name)) = OTHER_HEADERS.iter().find(|(name, _)| head.header(name).is_some()) {
        return format!("the header {name} is not read").into();
    }
    if is_in_query(head, keys) {
        return "a key in the URL is not read, and URLs are logged".into();
    }
    if head.header("cookie").is_some_and(|cookies| cookies.contains(COOKIE)) {
        return "the session cookie is not valid; sign in again, or use an API key".into();
    }
    "the Authorization header is missing".into()
}

fn of_header(value: &str, keys: &ApiKeyFormat) -> Cow<'static, str> {
    if value.is_empty() {
        return "the Authorization header is empty".into();
    }
    if !value.is_ascii() {
        return "the Authorization header holds characters that no key has, such as typographic quotes"
            .into();
    }
    if value.contains(QUOTES) {
        return "the Authorization header holds quotes, which are not part of a key".into();
    }
    if value.contains(',') {
        return "the Authorization header came twice, or holds a comma".into();
    }
    if keys.matches_prefix(value) {
        return "the Authorization header has no Bearer before the key".into();
    }
    let Some((scheme, token)) = value.split_once(WHITE_SPACE) else {
        return match (is_bearer(value), other_scheme(value)) {
            (true, _) => "there is no key after Bearer".into(),
            (_, Some(name)) => format!("the scheme {name} is not taken").into(),
            _ => "the Authorization header does not begin with Bearer and a space".into(),
        };
    };
    if is_bearer(scheme) {
        return of_token(token, keys);
    }
    match other_scheme(scheme) {
        Some(name) => format!("the scheme {name} is not taken").into(),
        None => "the Authorization header does not begin with Bearer and a space".into(),
    }
}

fn of_token(token: &str, keys: &ApiKeyFormat) -> Cow<'static, str> {
    let (length, of) = (token.len(), keys.length());
    if token.split(WHITE_SPACE).next().is_some_and(is_bearer) {
        return "Bearer stands twice in the Authorization header".into();
    }
    if token.contains(WHITE_SPACE) {
        return "there is white space before the key or within it".into();
    }
    if token.starts_with(['$', '{', '<', '%']) {
        return "the Authorization header holds a placeholder where the key belongs".into();
    }
    if token.starts_with("key_") {
        return "this is the id of a key and not the key".into();
    }
    if !keys.matches_prefix(token) {
        return match token.bytes().filter(|byte| *byte == b'.').count() {
            2 => "this session token is not valid, or no longer; sign in again, or use an API key".into(),
            _ => "this is neither an API key nor a session token".into(),
        };
    }
    match length.cmp(&of) {
        _ if keys.is_well_formed(token) => UNKNOWN_KEY.into(),
        std::cmp::Ordering::Less => format!("the API key is incomplete ({length} of {of} characters)").into(),
        std::cmp::Ordering::Greater => {
            format!("the API key is too long ({length} of {of} characters)").into()
        }
        std::cmp::Ordering::Equal => {
            "the API key is malformed; it has lower-case letters, digits and _ alone".into()
        }
    }
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

fn unquoted(value: &str) -> &str {
    value.trim_matches(|c| QUOTES.contains(&c) || WHITE_SPACE.contains(&c))
}

fn is_bearer(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("bearer")
}

fn other_scheme(scheme: &str) -> Option<&'static str> {
    OTHER_SCHEMES.into_iter().find(|name| name.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests;
