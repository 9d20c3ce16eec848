//! Exchanging the code at the token endpoint (OpenID Connect Core, section 3.1.3). The access token serves the
//! userinfo endpoint in the same sign-in and is thrown away: it could do more than say who someone is (M9).

use crate::metadata::ClientAuthentication;
use crate::{Code, Metadata, OidcError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Longest answer of the token endpoint, in bytes.
pub const MAX_RESPONSE_LEN: usize = 64 * 1024;

/// How this system is registered at a provider.
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: SecretString,
    /// The callback's full URL, to the letter as registered.
    pub redirect_uri: String,
}

/// A POST to the token endpoint.
#[derive(Debug)]
pub struct TokenRequest {
    /// Where to.
    pub url: String,
    /// `Authorization`, unless the provider wants the secret in the body.
    pub authorization: Option<SecretString>,
    /// `application/x-www-form-urlencoded`.
    pub body: SecretString,
}

impl TokenRequest {
    /// `Content-Type` of the body.
    pub const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded";
    /// `Accept` of the request.
    pub const ACCEPT: &'static str = "application/json";

    /// Consumes the code: it is redeemed once.
    #[must_use]
    pub fn new(metadata: &Metadata, client: &Client, code: Code) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code.code.expose_secret())
            .append_pair("redirect_uri", &client.redirect_uri)
            .append_pair("code_verifier", code.verifier.expose_secret());
        let authorization = match metadata.client_authentication {
            ClientAuthentication::Basic => Some(basic(client)),
            ClientAuthentication::Post => {
                form.append_pair("client_id", &client.id)
                    .append_pair("client_secret", client.secret.expose_secret());
                None
            }
        };
        let url = metadata.token_endpoint().to_owned();
        Self { url, authorization, body: form.finish().into() }
    }
}

/// RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
fn basic(client: &Client) -> SecretString {
    let encode =
        |text: &str| Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Zeroizing::new(format!("{}:{}", *encode(&client.id), *encode(client.secret.expose_secret())));
    format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))).into()
}

/// What a [`TokenRequest`] was answered with.
#[derive(Debug)]
pub struct Tokens {
    /// Says who it is, once it is verified.
    pub id_token: SecretString,
    /// Good for the userinfo endpoint, in this sign-in. Never kept.
    pub access_token: SecretString,
}

/// The tokens in the answer to a [`TokenRequest`] of status 200.
///
/// # Errors
/// [`OidcError::TokenResponse`].
pub fn tokens(response: &[u8]) -> Result<Tokens, OidcError> {
    #[derive(Deserialize)]
    struct Response {
        id_token: SecretString,
        access_token: SecretString,
    }
    if response.len() > MAX_RESPONSE_LEN {
        return Err(OidcError::TokenResponse);
    }
    let response: Response = serde_json::from_slice(response).map_err(|_| OidcError::TokenResponse)?;
    // It stands in a header: RFC 6750, section 2.1.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !response.access_token.expose_secret().bytes().all(plain) {
        return Err(OidcError::TokenResponse);
    }
    Ok(Tokens { id_token: response.id_token, access_token: response.access_token })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::metadata_with;
    use serde_json::json;

    fn metadata(method: &str) -> Metadata {
        metadata_with("token_endpoint_auth_methods_supported", json!([method]))
    }

    fn client() -> Client {
        Client {
            id: "cli:ent+1".to_owned(),
            secret: "fake secret/:&=é".to_owned().into(),
            redirect_uri: "https://app.example.com/auth/callback?a=b".to_owned(),
        }
    }

    fn code() -> Code {
        Code { code: "c&client_id=evil".to_owned().into(), verifier: "v".repeat(43).into() }
    }

    fn form(request: &TokenRequest) -> Vec<(String, String)> {
        form_urlencoded::parse(request.body.expose_secret().as_bytes()).into_owned().collect()
    }

    fn common() -> Vec<(String, String)> {
        [
            ("grant_type", "authorization_code"),
            ("code", "c&client_id=evil"),
            ("redirect_uri", "https://app.example.com/auth/callback?a=b"),
            ("code_verifier", &"v".repeat(43)),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn basic_authentication_encodes_both_parts_and_leaves_the_body_without_secret() {
        let request = TokenRequest::new(&metadata("client_secret_basic"), &client(), code());
        assert_eq!(request.url, "https://token.example.com/?x=1");
        assert_eq!(form(&request), common());
        let header = request.authorization.unwrap();
        let pair = STANDARD.decode(header.expose_secret().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"cli%3Aent%2B1:fake+secret%2F%3A%26%3D%C3%A9");
    }

    #[test]
    fn post_authentication_puts_both_into_the_body() {
        let request = TokenRequest::new(&metadata("client_secret_post"), &client(), code());
        assert!(request.authorization.is_none());
        let mut expected = common();
        expected.push(("client_id".to_owned(), "cli:ent+1".to_owned()));
        expected.push(("client_secret".to_owned(), "fake secret/:&=é".to_owned()));
        assert_eq!(form(&request), expected);
    }

    #[test]
    fn debug_shows_no_secret() {
        let request = TokenRequest::new(&metadata("client_secret_post"), &client(), code());
        let text = format!("{:?} {:?} {request:?}", client(), code());
        assert!(!text.contains("fake secret") && !text.contains("evil") && !text.contains("vvv"), "{text}");
    }

    #[test]
    fn both_tokens_are_taken_and_a_header_cannot_be_ended_by_one() {
        let answer =
            br#"{"access_token":"fake","token_type":"Bearer","id_token":"a.b.c","expires_in":"odd"}"#;
        let tokens_of = tokens(answer).unwrap();
        assert_eq!(tokens_of.id_token.expose_secret(), "a.b.c");
        let long = format!(r#"{{"id_token":"{}"}}"#, "a".repeat(MAX_RESPONSE_LEN));
        for wrong in [
            "",
            "{}",
            r#"{"id_token":"a.b.c"}"#,
            r#"{"id_token":"a.b.c","access_token":"a\r\nb"}"#,
            r#"{"id_token":null}"#,
            r#"{"id_token":"a","id_token":"b"}"#,
            "<html>",
            &long,
        ] {
            assert_eq!(tokens(wrong.as_bytes()).map(|_| ()).unwrap_err(), OidcError::TokenResponse);
        }
    }
}
