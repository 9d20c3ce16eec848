//! The beginning of an authorization: the values that tie its callback to it, and where the browser is sent.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::Provider;

#[cfg(test)]
mod tests;

/// 256 bits in base64url.
const RANDOM_LEN: usize = 43;

/// The parameters of the authorization request that are not the catalogue's to set.
const OURS: [&str; 7] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// The platform gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness available")]
pub struct NoRandomness;

/// `state` (RFC 6749, section 10.12): 256 random bits, good for one callback. Who knows it can end the authorization, so only
/// its [digest](Self::digest) is stored.
#[derive(Clone)]
pub struct State(SecretString);

impl State {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        random().map(Self)
    }

    /// Reads what came back. None: not one of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        is_random(text).then(|| Self(text.into()))
    }

    /// What it is stored and found by: its SHA-256 in base64url, 43 characters.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(self.0.expose_secret())
    }
}

/// A PKCE verifier (RFC 7636, section 4.1) of 256 random bits. Stored sealed.
pub struct Verifier(SecretString);

impl Verifier {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        random().map(Self)
    }

    /// Takes up a stored one. None: nothing that [`random`](Self::random) made.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        is_random(text).then(|| Self(text.into()))
    }

    /// To seal, and to send in the exchange.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    fn challenge(&self) -> String {
        sha256(self.expose_secret())
    }
}

/// Where to send the browser (RFC 6749, section 4.1.1): the code flow, with PKCE S256 unless the provider refuses it.
#[must_use]
pub fn authorization_url(
    provider: &Provider<'_>,
    client_id: &str,
    redirect_uri: &str,
    scopes: &[String],
    state: &State,
    verifier: &Verifier,
) -> String {
    let mut url = provider.authorize_url.to_owned();
    url.push(if url.contains('?') { '&' } else { '?' });
    let begin = url.len();
    let mut query = form_urlencoded::Serializer::for_suffix(url, begin);
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect_uri);
    if !scopes.is_empty() {
        query.append_pair("scope", &scopes.join(provider.scope_separator));
    }
    query.append_pair("state", state.0.expose_secret());
    if provider.pkce {
        query
            .append_pair("code_challenge", &verifier.challenge())
            .append_pair("code_challenge_method", "S256");
    }
    query.extend_pairs(provider.authorize_params.iter().filter(|(name, _)| !OURS.contains(&name.as_str())));
    query.finish()
}

fn random() -> Result<SecretString, NoRandomness> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()).into())
}

fn is_random(text: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == RANDOM_LEN && text.bytes().all(is_base64url)
}

fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State(…)")
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}
