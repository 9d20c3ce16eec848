//! What is asked of the provider, and what the browser brings back of it.

use super::*;
use crate::fixtures::{NOW, attempt, attempt_for, client, metadata, signed_in};
use crate::{MAX_COOKIE_LEN, SCOPES};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

fn key() -> StateKey {
    StateKey::new(&[7; 32])
}

/// The query of the authorization request; fails on a parameter that is sent twice.
fn asked(attempt: &Attempt) -> BTreeMap<String, String> {
    let url = Url::parse(&attempt.authorization_url(&metadata(), &client()).unwrap()).unwrap();
    assert_eq!(url.as_str().split('?').next(), Some("https://id.example.com/authorize"));
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(map.len(), pairs.len());
    map
}

fn purposes() -> [Purpose; 3] {
    [Purpose::SignIn, Purpose::Link(signed_in()), Purpose::Reauthenticate(signed_in())]
}

/// M9: openid, email, profile and nothing else, whatever the purpose.
#[test]
fn m9_exactly_three_scopes_are_asked_for() {
    assert_eq!(SCOPES, "openid email profile");
    for purpose in purposes() {
        let asked = asked(&attempt_for(purpose));
        assert_eq!(asked["scope"], "openid email profile");
        for further in
            ["access_type", "claims", "include_granted_scopes", "request", "request_uri", "resource"]
        {
            assert!(!asked.contains_key(further));
        }
    }
}

#[test]
fn the_request_is_the_code_flow_with_pkce_and_nonce() {
    let attempt = attempt();
    let asked = asked(&attempt);
    let challenge = sha2_of(attempt.verifier.expose_secret());
    let expected = [
        ("p", "1"),
        ("response_type", "code"),
        ("client_id", "fake-client"),
        ("redirect_uri", "https://app.example.com/auth/callback"),
        ("scope", SCOPES),
        ("state", attempt.state.expose_secret()),
        ("nonce", attempt.nonce.expose_secret()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(asked, expected);
}

fn sha2_of(text: &str) -> String {
    use sha2::Digest as _;
    URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(text))
}

#[test]
fn re_authentication_asks_for_a_new_login_and_expects_one() {
    for purpose in purposes() {
        let attempt = attempt_for(purpose);
        let again = matches!(attempt.purpose(), Purpose::Reauthenticate(_));
        let asked = asked(&attempt);
        assert_eq!(asked.get("prompt").map(String::as_str), again.then_some("login"));
        assert_eq!(asked.get("max_age").map(String::as_str), again.then_some("0"));
        assert_eq!(attempt.expects("c", NOW).authenticated_since_s, again.then_some(NOW - LEEWAY_S));
    }
}

#[test]
fn no_two_random_values_are_alike_and_each_has_256_bits() {
    let attempts: Vec<_> = (0..8).map(|_| attempt()).collect();
    let values: BTreeSet<&str> = attempts
        .iter()
        .flat_map(|attempt| [&attempt.state, &attempt.nonce, &attempt.verifier])
        .map(|value| value.expose_secret())
        .collect();
    assert_eq!(values.len(), 24);
    assert!(values.iter().all(|value| URL_SAFE_NO_PAD.decode(value).unwrap().len() == 32));
}

#[test]
fn the_cookie_brings_the_attempt_back_as_it_was() {
    for purpose in purposes() {
        let attempt = attempt_for(purpose);
        let cookie = attempt.to_cookie(&key()).unwrap();
        assert!(cookie.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        let back = Attempt::from_cookie(&key(), &cookie, NOW + 1).unwrap();
        assert_eq!((back.provider(), back.purpose()), ("example", attempt.purpose()));
        assert_eq!(back.return_to().as_str(), "/connections?page=2");
        // The same random values, so the same request.
        assert_eq!(asked(&back), asked(&attempt));
        assert_eq!(back.verifier.expose_secret(), attempt.verifier.expose_secret());
        let (before, after) = (attempt.expects("c", NOW), back.expects("c", NOW));
        assert_eq!((before.issuer, before.nonce), (after.issuer, after.nonce));
        assert_eq!(before.authenticated_since_s, after.authenticated_since_s);
    }
}

#[test]
fn an_attempt_ends_after_ten_minutes() {
    let cookie = attempt().to_cookie(&key()).unwrap();
    assert!(Attempt::from_cookie(&key(), &cookie, NOW + 599).is_ok());
    for now in [NOW + 600, NOW - 61, 0, u64::MAX] {
        assert_eq!(Attempt::from_cookie(&key(), &cookie, now).unwrap_err(), OidcError::CookieExpired);
    }
}

#[test]
fn a_cookie_under_another_key_or_changed_anywhere_is_refused() {
    let cookie = attempt_for(Purpose::Link(signed_in())).to_cookie(&key()).unwrap();
    let other = StateKey::new(&[8; 32]);
    assert_eq!(Attempt::from_cookie(&other, &cookie, NOW).unwrap_err(), OidcError::Cookie);
    for at in 0..cookie.len() {
        let mut changed = cookie.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(Attempt::from_cookie(&key(), &changed, NOW).unwrap_err(), OidcError::Cookie, "at {at}");
    }
}

#[test]
fn the_longest_attempt_fits_and_a_longer_one_is_not_written() {
    let issuer = format!("https://{}", "a".repeat(247));
    let path = "/".to_owned() + &"a".repeat(511);
    let mut attempt = attempt_for(Purpose::Reauthenticate(signed_in()));
    attempt.issuer = issuer;
    attempt.provider = "p".repeat(64);
    attempt.return_to = ReturnPath::parse(&path).unwrap();
    assert!(attempt.to_cookie(&key()).unwrap().len() <= MAX_COOKIE_LEN);
    attempt.provider = "p".repeat(1000);
    assert_eq!(attempt.to_cookie(&key()), Err(OidcError::CookieTooLong));
}

#[test]
fn debug_shows_no_secret() {
    let attempt = attempt();
    let text = format!("{attempt:?}");
    for secret in [&attempt.state, &attempt.nonce, &attempt.verifier] {
        assert!(!text.contains(secret.expose_secret()));
    }
}
