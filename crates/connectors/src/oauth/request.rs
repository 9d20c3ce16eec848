//! Requests to the token endpoint: a code or a refresh token for an access token (RFC 6749, sections 4.1.3 and 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{Client, ClientAuthentication, FORM, Provider, Verifier};
use crate::catalogue::TokenBody;

/// A POST to the token endpoint.
#[derive(Debug)]
pub struct TokenRequest {
    /// Where to.
    pub url: String,
    /// `Authorization`, unless the provider wants the secret in the body.
    pub authorization: Option<SecretString>,
    /// `Content-Type` of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: SecretString,
}

impl TokenRequest {
    /// `Accept` of the request; without it GitHub answers with a form.
    pub const ACCEPT: &'static str = "application/json";

    /// Redeems a code, once. `redirect_uri` is the one of the authorization request.
    #[must_use]
    pub fn exchange(
        provider: &Provider<'_>,
        client: &Client,
        code: &SecretString,
        verifier: &Verifier,
        redirect_uri: &str,
    ) -> Self {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose_secret()),
        ];
        let (form, _) = form.split_at(if provider.pkce { form.len() } else { form.len() - 1 });
        Self::new(provider, client, form)
    }

    /// Redeems a refresh token, for the scopes it has.
    #[must_use]
    pub fn refresh(provider: &Provider<'_>, client: &Client, refresh_token: &SecretString) -> Self {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        Self::new(provider, client, &form)
    }

    fn new(provider: &Provider<'_>, client: &Client, own: &[(&str, &str)]) -> Self {
        let in_body = [("client_id", client.id.as_str()), ("client_secret", client.secret.expose_secret())];
        let (authorization, in_body) = match provider.client_authentication {
            ClientAuthentication::Basic => (Some(basic(client)), [].as_slice()),
            ClientAuthentication::Post => (None, in_body.as_slice()),
        };
        let params = provider.token_params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let members = own.iter().chain(in_body).copied().chain(params);
        let (content_type, body) = match provider.token_body {
            TokenBody::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                (FORM, form.extend_pairs(members).finish())
            }
            TokenBody::Json => ("application/json", json(members)),
        };
        Self { url: provider.token_url.to_owned(), authorization, content_type, body: body.into() }
    }
}

/// An object of strings, in this order.
fn json<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let quoted = |text: &str| Zeroizing::new(Value::from(text).to_string());
    let mut out = String::new();
    for (name, value) in members {
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(&quoted(name));
        out.push(':');
        out.push_str(&quoted(value));
    }
    out.push('}');
    out
}

/// RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
pub(super) fn basic(client: &Client) -> SecretString {
    let encode =
        |text: &str| Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Zeroizing::new(format!("{}:{}", *encode(&client.id), *encode(client.secret.expose_secret())));
    format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIRECT: &str = "https://app.example.com/connections/callback";

    fn provider(client_authentication: ClientAuthentication) -> Provider<'static> {
        Provider {
            authorize_url: "https://auth.example.com/authorize",
            token_url: "https://auth.example.com/token?x=1",
            pkce: true,
            client_authentication,
            authorize_params: &[],
            token_params: &[],
            token_body: TokenBody::Form,
            scope_separator: " ",
        }
    }

    fn client() -> Client {
        Client { id: "cli:ent+1".to_owned(), secret: "fake secret/:&=é".into() }
    }

    fn exchange(provider: &Provider<'_>) -> TokenRequest {
        let verifier = Verifier::from_stored(&"v".repeat(43)).unwrap();
        TokenRequest::exchange(provider, &client(), &"c&client_id=evil".into(), &verifier, REDIRECT)
    }

    fn form(request: &TokenRequest) -> Vec<(String, String)> {
        form_urlencoded::parse(request.body.expose_secret().as_bytes()).into_owned().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_code_is_redeemed_with_its_verifier_and_redirect_uri() {
        let request = exchange(&provider(ClientAuthentication::Post));
        let verifier = "v".repeat(43);
        let code =
            [("grant_type", "authorization_code"), ("code", "c&client_id=evil"), ("redirect_uri", REDIRECT)];
        let secret = [("client_id", "cli:ent+1"), ("client_secret", "fake secret/:&=é")];
        assert_eq!(request.url, "https://auth.example.com/token?x=1");
        assert!(request.authorization.is_none());
        assert_eq!(form(&request), pairs(&[&code[..], &[("code_verifier", &verifier)], &secret].concat()));
        let without = exchange(&Provider { pkce: false, ..provider(ClientAuthentication::Post) });
        assert_eq!(form(&without), pairs(&[code.as_slice(), &secret].concat()));
    }

    #[test]
    fn basic_authentication_encodes_both_parts_and_leaves_the_body_without_secret() {
        let request =
            TokenRequest::refresh(&provider(ClientAuthentication::Basic), &client(), &"fake+token".into());
        assert_eq!(
            form(&request),
            pairs(&[("grant_type", "refresh_token"), ("refresh_token", "fake+token")])
        );
        let header = request.authorization.unwrap();
        let pair = STANDARD.decode(header.expose_secret().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"cli%3Aent%2B1:fake+secret%2F%3A%26%3D%C3%A9");
    }

    #[test]
    fn a_provider_may_want_more_members_or_json() {
        let params = pairs(&[("expiring", "1")]);
        let with = Provider { token_params: &params, ..provider(ClientAuthentication::Basic) };
        let request = TokenRequest::refresh(&with, &client(), &"fake".into());
        assert_eq!(request.content_type, "application/x-www-form-urlencoded");
        let common = [("grant_type", "refresh_token"), ("refresh_token", "fake"), ("expiring", "1")];
        assert_eq!(form(&request), pairs(&common));
        let with = Provider { token_body: TokenBody::Json, ..provider(ClientAuthentication::Post) };
        let request = TokenRequest::refresh(&with, &client(), &"fa\"ke\\".into());
        assert_eq!(request.content_type, "application/json");
        assert_eq!(
            request.body.expose_secret(),
            r#"{"grant_type":"refresh_token","refresh_token":"fa\"ke\\","client_id":"cli:ent+1","client_secret":"fake secret/:&=é"}"#
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        for authentication in [ClientAuthentication::Post, ClientAuthentication::Basic] {
            let text = format!("{:?} {:?}", client(), exchange(&provider(authentication)));
            assert!(!text.contains("fake") && !text.contains("evil") && !text.contains("vvv"), "{text}");
        }
    }
}
