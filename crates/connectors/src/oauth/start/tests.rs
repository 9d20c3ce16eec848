use super::*;
use crate::catalogue::TokenBody;
use crate::oauth::ClientAuthentication;
use proptest::prelude::*;
use url::Url;

const REDIRECT: &str = "https://app.example.com/connections/callback";

fn url(provider: &Provider<'_>, scopes: &[&str], state: &State, verifier: &Verifier) -> Url {
    let scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Url::parse(&authorization_url(provider, "client&1", REDIRECT, &scopes, state, verifier)).unwrap()
}

fn query(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn provider(authorize_params: &[(String, String)]) -> Provider<'_> {
    Provider {
        authorize_url: "https://auth.example.com/authorize",
        token_url: "https://auth.example.com/token",
        pkce: true,
        client_authentication: ClientAuthentication::Post,
        authorize_params,
        token_params: &[],
        token_body: TokenBody::Form,
        scope_separator: " ",
    }
}

/// RFC 7636, Appendix B.
#[test]
fn the_challenge_is_that_of_rfc_7636() {
    let verifier = Verifier::from_stored("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn the_request_asks_for_a_code_with_exactly_the_scopes() {
    let (state, verifier) = (State::random().unwrap(), Verifier::random().unwrap());
    let params = pairs(&[("access_type", "offline"), ("prompt", "consent")]);
    let url = url(&provider(&params), &["read:a", "https://example.com/b.c"], &state, &verifier);
    assert_eq!(url.origin().ascii_serialization(), "https://auth.example.com");
    let expected = pairs(&[
        ("response_type", "code"),
        ("client_id", "client&1"),
        ("redirect_uri", REDIRECT),
        ("scope", "read:a https://example.com/b.c"),
        ("state", state.0.expose_secret()),
        ("code_challenge", &verifier.challenge()),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("prompt", "consent"),
    ]);
    assert_eq!(query(&url), expected);
    assert!(!url.as_str().contains(verifier.expose_secret()));
}

#[test]
fn a_provider_may_differ() {
    let (state, verifier) = (State::random().unwrap(), Verifier::random().unwrap());
    let provider = Provider {
        authorize_url: "https://auth.example.com/authorize?v=2",
        pkce: false,
        scope_separator: ",",
        ..provider(&[])
    };
    let state_text = state.0.expose_secret();
    let begin =
        [("v", "2"), ("response_type", "code"), ("client_id", "client&1"), ("redirect_uri", REDIRECT)];
    let with_scopes = url(&provider, &["a", "b"], &state, &verifier);
    assert_eq!(
        query(&with_scopes),
        pairs(&[&begin[..], &[("scope", "a,b"), ("state", state_text)]].concat())
    );
    let without = url(&provider, &[], &state, &verifier);
    assert_eq!(query(&without), pairs(&[&begin[..], &[("state", state_text)]].concat()));
}

proptest! {
    /// Whatever the operator and the catalogue say, it stays in its parameter.
    #[test]
    fn each_value_arrives_as_it_is(id: String, redirect: String, scope in "[!-~]{1,20}", name in "x\\PC*", value: String) {
        let (state, verifier) = (State::random().unwrap(), Verifier::random().unwrap());
        let params = pairs(&[(&name, &value)]);
        let url = authorization_url(&provider(&params), &id, &redirect, core::slice::from_ref(&scope), &state, &verifier);
        let url = Url::parse(&url).unwrap();
        prop_assert_eq!(url.path(), "/authorize");
        let challenge = verifier.challenge();
        let expected = pairs(&[
            ("response_type", "code"),
            ("client_id", &id),
            ("redirect_uri", &redirect),
            ("scope", &scope),
            ("state", state.0.expose_secret()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            (&name, &value),
        ]);
        prop_assert_eq!(query(&url), expected);
    }
}

#[test]
fn the_catalogue_cannot_set_what_ties_the_answer_to_us() {
    let (state, verifier) = (State::random().unwrap(), Verifier::random().unwrap());
    let params: Vec<_> = OURS.iter().map(|name| ((*name).to_owned(), "evil".to_owned())).collect();
    let url = url(&provider(&params), &["a"], &state, &verifier);
    assert!(!url.as_str().contains("evil"));
}

#[test]
fn states_and_verifiers_are_random_stored_by_digest_and_opaque() {
    let (one, other) = (State::random().unwrap(), State::random().unwrap());
    assert_ne!(one.0.expose_secret(), other.0.expose_secret());
    assert_eq!(one.0.expose_secret().len(), RANDOM_LEN);
    assert_eq!(State::parse(one.0.expose_secret()).unwrap().digest(), one.digest());
    assert_ne!(one.digest(), other.digest());
    // Frozen: authorizations under way are found by it.
    let frozen = State::parse(&"A".repeat(43)).unwrap().digest();
    assert_eq!(frozen, "DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo");
    let verifier = Verifier::random().unwrap();
    assert!(Verifier::from_stored(verifier.expose_secret()).is_some());
    assert_eq!(format!("{one:?} {verifier:?}"), "State(…) Verifier(…)");
    for text in ["", &"a".repeat(42), &"a".repeat(44), &format!("{}+", "a".repeat(42)), &"é".repeat(22)] {
        assert!(State::parse(text).is_none() && Verifier::from_stored(text).is_none(), "{text}");
    }
}
