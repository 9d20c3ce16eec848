//! What a browser may bring back: the true answer, and everything that someone else could have sent it with.

use super::*;
use crate::fixtures::{ISSUER, attempt, client, metadata, metadata_with};
use crate::{Issuer, Transport};
use proptest::prelude::*;
use serde_json::json;

fn answer(attempt: &Attempt, metadata: &Metadata, parameters: &[(&str, &str)]) -> Result<Code, OidcError> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    attempt.check_callback(metadata, Callback::from_query(&query)?)
}

#[test]
fn a_true_answer_gives_its_code_with_the_attempt_s_verifier() {
    let attempt = attempt();
    let state = attempt.state.expose_secret();
    for more in [&[][..], &[("iss", ISSUER)], &[("session_state", "x"), ("session_state", "y")]] {
        let parameters = [&[("code", "4/0A b~"), ("state", state)], more].concat();
        let code = answer(&attempt, &metadata(), &parameters).unwrap();
        assert_eq!(code.code.expose_secret(), "4/0A b~");
        assert_eq!(code.verifier.expose_secret(), attempt.verifier.expose_secret());
    }
}

/// Login CSRF: a callback that the attacker began, in the victim's browser.
#[test]
fn any_other_state_is_refused_before_anything_else_is_looked_at() {
    let (attempt, other) = (attempt(), attempt());
    let state = attempt.state.expose_secret();
    let upper = state.to_ascii_uppercase() + "A";
    for wrong in
        ["", other.state.expose_secret(), &state[1..], &format!("{state}A"), &format!("{state} "), &upper]
    {
        for outcome in [("code", "c"), ("error", "access_denied")] {
            let refused =
                answer(&attempt, &metadata(), &[outcome, ("state", wrong), ("iss", "https://evil.example")]);
            assert_eq!(refused.unwrap_err(), OidcError::State);
        }
    }
    assert_eq!(answer(&attempt, &metadata(), &[("code", "c")]).unwrap_err(), OidcError::State);
}

/// RFC 9207, RFC 9700 section 4.4.
#[test]
fn an_answer_of_another_issuer_is_refused() {
    let attempt = attempt();
    let good = [("code", "c"), ("state", attempt.state.expose_secret())];
    let promised = metadata_with("authorization_response_iss_parameter_supported", json!(true));
    assert!(answer(&attempt, &promised, &[&good[..], &[("iss", ISSUER)]].concat()).is_ok());
    assert_eq!(answer(&attempt, &promised, &good).unwrap_err(), OidcError::CallbackIssuer);
    for metadata in [metadata(), promised] {
        for iss in ["", "https://evil.example", &format!("{ISSUER}/"), &ISSUER.to_uppercase()] {
            let mixed = answer(&attempt, &metadata, &[&good[..], &[("iss", iss)]].concat());
            assert_eq!(mixed.unwrap_err(), OidcError::CallbackIssuer);
        }
    }
}

#[test]
fn the_metadata_of_another_provider_is_refused() {
    let attempt = attempt();
    let issuer = Issuer::parse("https://other.example.com", Transport::Https).unwrap();
    let document = json!({
        "issuer": issuer.as_str(),
        "authorization_endpoint": "https://other.example.com/a",
        "token_endpoint": "https://other.example.com/t",
        "jwks_uri": "https://other.example.com/k",
    });
    let other = Metadata::parse(&issuer, document.to_string().as_bytes()).unwrap();
    let mixed = answer(&attempt, &other, &[("code", "c"), ("state", attempt.state.expose_secret())]);
    assert_eq!(mixed.unwrap_err(), OidcError::OtherProvider);
    assert_eq!(attempt.authorization_url(&other, &client()), Err(OidcError::OtherProvider));
}

#[test]
fn an_error_of_the_provider_becomes_one_of_two() {
    let attempt = attempt();
    let state = ("state", attempt.state.expose_secret());
    let outcome = |error| answer(&attempt, &metadata(), &[("error", error), state]).unwrap_err();
    assert_eq!(outcome("access_denied"), OidcError::Denied);
    for error in ["login_required", "server_error", "<script>", "", "ACCESS_DENIED"] {
        assert_eq!(outcome(error), OidcError::Provider);
    }
}

#[test]
fn repeated_contradicting_or_oversized_parameters_are_refused() {
    let attempt = attempt();
    let state = ("state", attempt.state.expose_secret());
    let long = "c".repeat(MAX_CODE_LEN + 1);
    let huge = "c".repeat(MAX_QUERY_LEN);
    let refused: [&[(&str, &str)]; 9] = [
        &[state],
        &[state, ("code", "")],
        &[state, ("code", "a"), ("code", "b")],
        &[state, state, ("code", "a")],
        &[state, ("code", "a"), ("error", "access_denied")],
        &[state, ("code", "a"), ("iss", ISSUER), ("iss", ISSUER)],
        &[state, ("code", "a\r\nb")],
        &[state, ("code", &long)],
        &[state, ("code", "a"), ("x", &huge)],
    ];
    for parameters in refused {
        assert_eq!(answer(&attempt, &metadata(), parameters).unwrap_err(), OidcError::Callback);
    }
}

proptest! {
    #[test]
    fn no_query_panics_or_passes(query in "((code|state|iss|error|x)=[ -~]{0,40}&?){0,5}") {
        if let Ok(callback) = Callback::from_query(&query) {
            prop_assert!(attempt().check_callback(&metadata(), callback).is_err());
        }
    }
}
