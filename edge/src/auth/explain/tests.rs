use crate::testing::*;
use protocol::problem::UNKNOWN_KEY;
use protocol::{Code, Problem};

/// Detail and `WWW-Authenticate` of the refusal.
fn refused(path: &str, headers: &[(&str, &str)]) -> (String, String) {
    let answer = answered(&mut state(), &head("GET", path, headers));
    assert_eq!((answer.status, code_of(&answer)), (401, Code::Unauthenticated), "{path} {headers:?}");
    let problem: Problem = serde_json::from_str(&answer.body).unwrap();
    let challenge = answer.header("www-authenticate").unwrap().to_owned();
    (problem.detail.unwrap().into_owned(), challenge)
}

fn by_header(value: &str) -> (String, String) {
    refused("/v1/me", &[("authorization", value)])
}

const SEND: &str = ": send Authorization: Bearer sgk_...";

/// RFC 6750, section 3.1: no error for a request without authentication, or with a scheme that is not ours.
#[test]
fn without_a_bearer_token_the_challenge_names_no_error() {
    let key = api_key();
    let in_query = format!("/v1/me?api_key={key}");
    let by_prefix = format!("/v1/connections?whatever={key}");
    let basic = format!("Basic {key}");
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);
    let cases: [Case<'_>; 10] = [
        ("/v1/me", vec![], "the Authorization header is missing"),
        ("/v1/me", vec![("authorization", "")], "the Authorization header is empty"),
        ("/v1/me", vec![("x-api-key", &key)], "the header X-API-Key is not read"),
        ("/v1/me", vec![("x-auth-token", &key)], "the header X-Auth-Token is not read"),
        (&in_query, vec![], "a key in the URL is not read, and URLs are logged"),
        (&by_prefix, vec![], "a key in the URL is not read, and URLs are logged"),
        ("/v1/me", vec![("authorization", &basic)], "the scheme Basic is not taken"),
        ("/v1/me", vec![("authorization", "token x")], "the scheme Token is not taken"),
        ("/v1/me", vec![("authorization", "Bearer")], "there is no key after Bearer"),
        (
            "/v1/me",
            vec![("cookie", "__Host-sluicegate_session=x")],
            "the session cookie is not valid; sign in again, or use an API key",
        ),
    ];
    for (path, headers, what) in cases {
        assert_eq!(
            refused(path, &headers),
            ([what, SEND].concat(), "Bearer".to_owned()),
            "{path} {headers:?}"
        );
    }
}

#[test]
fn a_bearer_token_is_told_what_its_form_lacks() {
    let key = api_key();
    let cases = [
        (key.clone(), "the Authorization header has no Bearer before the key"),
        (format!("Bearer{key}"), "the Authorization header does not begin with Bearer and a space"),
        (format!("Bearer \"{key}\""), "the Authorization header holds quotes, which are not part of a key"),
        (format!("\"Bearer {key}\""), "the Authorization header holds quotes, which are not part of a key"),
        (format!("'Bearer {key}'"), "the Authorization header holds quotes, which are not part of a key"),
        (format!("Bearer Bearer {key}"), "Bearer stands twice in the Authorization header"),
        (format!("Bearer {key}, Bearer {key}"), "the Authorization header came twice, or holds a comma"),
        (format!("Bearer  {key}"), "there is white space before the key or within it"),
        (
            "Bearer $SLUICEGATE_KEY".into(),
            "the Authorization header holds a placeholder where the key belongs",
        ),
        ("Bearer <key>".into(), "the Authorization header holds a placeholder where the key belongs"),
        ("Bearer key_00000000000000000000000000".into(), "this is the id of a key and not the key"),
        (format!("Bearer {}", &key[..84]), "the API key is incomplete (84 of 108 characters)"),
        (format!("Bearer {}", &key[..4]), "the API key is incomplete (4 of 108 characters)"),
        (format!("Bearer {key}00"), "the API key is too long (110 of 108 characters)"),
        (
            format!("Bearer {}{}", &key[..4], key[4..].to_uppercase()),
            "the API key is malformed; it has lower-case letters, digits and _ alone",
        ),
        ("Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc".into(), "this is neither an API key nor a session token"),
        (
            format!("Bearer {}", session_token(NOW)),
            "this session token is not valid, or no longer; sign in again, or use an API key",
        ),
    ];
    for (value, what) in cases {
        let (detail, challenge) = by_header(&value);
        assert_eq!(detail, [what, SEND].concat(), "{value}");
        assert_eq!(
            challenge,
            format!(r#"Bearer error="invalid_token", error_description="{detail}""#),
            "{value}"
        );
    }
    let (detail, _) = by_header(&format!("Bearer \u{e2}\u{80}\u{9c}{key}\u{e2}\u{80}\u{9d}"));
    assert!(detail.starts_with("the Authorization header holds characters that no key has"), "{detail}");
}

/// Nobody learns how far a made-up key has come: the words are those of the org's object for a key that it does not know.
#[test]
fn a_forged_key_is_an_unknown_one() {
    let key = api_key();
    let other = if key.ends_with('0') { '1' } else { '0' };
    let forged = format!("Bearer {}{other}", &key[..key.len() - 1]);
    let (detail, challenge) = by_header(&forged);
    assert_eq!(detail, UNKNOWN_KEY);
    assert_eq!(challenge, protocol::problem::challenge(UNKNOWN_KEY));
}

/// Whatever was sent, none of it comes back.
#[test]
fn no_refusal_repeats_what_was_sent() {
    let secret = "z9y8x7w6v5";
    for value in [
        secret.to_owned(),
        format!("{secret} {secret}"),
        format!("Bearer {secret}"),
        format!("Bearer sgk_{secret}"),
        format!("Basic {secret}"),
        format!("Bearer {secret}.{secret}.{secret}"),
        format!("Bearer ${secret}"),
    ] {
        let (detail, challenge) = by_header(&value);
        assert!(!detail.contains(secret) && !challenge.contains(secret), "{value}: {detail}");
    }
}

/// On a public route, and with a credential that is good, a parameter is what it always was.
#[test]
fn a_key_in_the_url_matters_only_without_a_header() {
    let (name, value) = bearer(&api_key());
    let answer = answered(&mut state(), &head("GET", "/v1/me?api_key=x", &[(name, &value)]));
    assert_eq!(code_of(&answer), Code::InvalidRequest);
}
