//! Documents of the right issuer, and those that would lead elsewhere.

use super::*;
use crate::Transport;
use proptest::prelude::*;
use serde_json::{Value, json};

const ISSUER: &str = "https://id.example.com/t1";

fn issuer() -> Issuer {
    Issuer::parse(ISSUER, Transport::Https).unwrap()
}

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/authorize?p=1",
        "token_endpoint": "https://token.example.com/",
        "jwks_uri": "https://keys.example.com/jwks",
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", "client_secret_basic"],
        "scopes_supported": ["openid"],
    })
}

fn parse(document: &Value) -> Result<Metadata, OidcError> {
    Metadata::parse(&issuer(), document.to_string().as_bytes())
}

fn with(name: &str, value: Value) -> Result<Metadata, OidcError> {
    let mut document = document();
    document[name] = value;
    parse(&document)
}

#[test]
fn the_well_known_path_follows_the_issuer_without_its_last_slash() {
    for issuer in ["https://id.example.com/t1", "https://id.example.com/t1/"] {
        let issuer = Issuer::parse(issuer, Transport::Https).unwrap();
        assert_eq!(discovery_url(&issuer), "https://id.example.com/t1/.well-known/openid-configuration");
    }
}

#[test]
fn a_document_gives_its_endpoints_and_prefers_basic_authentication() {
    let metadata = parse(&document()).unwrap();
    assert_eq!(metadata.issuer().as_str(), ISSUER);
    assert_eq!(metadata.jwks_uri(), "https://keys.example.com/jwks");
    assert_eq!(metadata.token_endpoint(), "https://token.example.com/");
    assert_eq!(metadata.client_authentication, ClientAuthentication::Basic);
    assert!(!metadata.names_issuer_in_callback);
}

#[test]
fn another_issuer_s_document_is_refused() {
    for other in ["https://id.example.com/t2", "https://id.example.com/t1/", "https://ID.example.com/t1", ""]
    {
        assert_eq!(with("issuer", json!(other)).unwrap_err(), OidcError::MetadataIssuer);
    }
}

#[test]
fn an_endpoint_elsewhere_than_https_is_refused() {
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for url in
            ["http://id.example.com/", "https://10.0.0.1/", "https://localhost/", "javascript:x", "/x", ""]
        {
            assert_eq!(with(name, json!(url)).unwrap_err(), OidcError::Endpoint, "{name} {url}");
        }
        assert_eq!(with(name, json!(null)).unwrap_err(), OidcError::Metadata);
    }
}

/// M9: a provider's own document cannot make the request ask for more.
#[test]
fn m9_an_authorization_endpoint_with_a_parameter_of_ours_is_refused() {
    for name in PARAMETERS {
        let url = format!("https://id.example.com/authorize?x=1&{name}=y");
        assert_eq!(with("authorization_endpoint", json!(url)).unwrap_err(), OidcError::Endpoint, "{name}");
    }
    let escaped = "https://id.example.com/authorize?sc%6fpe=admin";
    assert_eq!(with("authorization_endpoint", json!(escaped)).unwrap_err(), OidcError::Endpoint);
}

#[test]
fn client_authentication_is_what_both_sides_know() {
    let methods = |methods: Value| with("token_endpoint_auth_methods_supported", methods);
    assert_eq!(methods(json!(null)).unwrap().client_authentication, ClientAuthentication::Basic);
    assert_eq!(
        methods(json!(["client_secret_post"])).unwrap().client_authentication,
        ClientAuthentication::Post
    );
    for none in [json!([]), json!(["none"]), json!(["private_key_jwt", "CLIENT_SECRET_BASIC"])] {
        assert_eq!(methods(none).unwrap_err(), OidcError::ClientAuthentication);
    }
}

#[test]
fn a_repeated_member_or_an_oversized_document_is_refused() {
    let twice = document().to_string().replacen('{', &format!(r#"{{"issuer":"{ISSUER}","#), 1);
    assert_eq!(Metadata::parse(&issuer(), twice.as_bytes()).unwrap_err(), OidcError::Metadata);
    let padded = document().to_string() + &" ".repeat(MAX_METADATA_LEN);
    assert_eq!(Metadata::parse(&issuer(), padded.as_bytes()).unwrap_err(), OidcError::Metadata);
}

proptest! {
    #[test]
    fn no_document_panics(text in ".{0,200}", url in "(https?://)?[ -~]{0,60}") {
        let _ = Metadata::parse(&issuer(), text.as_bytes());
        let _ = with("authorization_endpoint", json!(url));
    }
}
