//! The authorization request (OpenID Connect Core, section 3.1.2.1): the code flow, with PKCE S256 and a nonce, always.
//!
//! Claim M9: the scope is a constant. There is no parameter by which a caller, an operator or a provider's document could
//! ask for more.

use crate::{Attempt, Client, Metadata, OidcError, Purpose};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

/// All that is ever asked for: who the person is.
pub const SCOPES: &str = "openid email profile";

/// The parameters of the request, none of which an endpoint may bring along.
pub(crate) const PARAMETERS: [&str; 10] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
];

impl Attempt {
    /// Where to send the browser. An attempt to [re-authenticate](Purpose::Reauthenticate) asks the provider not to answer
    /// from its own session.
    ///
    /// # Errors
    /// [`OidcError::OtherProvider`].
    pub fn authorization_url(&self, metadata: &Metadata, client: &Client) -> Result<String, OidcError> {
        self.check_provider(metadata)?;
        let mut url = metadata.authorization_endpoint().clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", &client.redirect_uri)
            .append_pair("scope", SCOPES)
            .append_pair("state", self.state.expose_secret())
            .append_pair("nonce", self.nonce.expose_secret())
            .append_pair("code_challenge", &challenge(self.verifier.expose_secret()))
            .append_pair("code_challenge_method", "S256");
        if matches!(self.purpose(), Purpose::Reauthenticate(_)) {
            query.append_pair("prompt", "login").append_pair("max_age", "0");
        }
        drop(query);
        Ok(url.into())
    }
}

/// RFC 7636, section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, Appendix B.
    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
