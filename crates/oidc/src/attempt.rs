//! One attempt at a provider, from the redirect to the callback. It carries the three values that tie the answer to this
//! browser and this attempt: `state` (RFC 6749, section 10.12), `nonce` (OpenID Connect Core, section 15.5.2) and the
//! PKCE verifier (RFC 7636), and it is the only source of them.
//!
//! It lives in the browser's cookie. That it serves once is the provider's doing, who redeems a code once.

use crate::cookie::{self, Label, StateKey};
use crate::id_token::Expected;
use crate::{Metadata, OidcError, ReturnPath};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// How long a person may take at the provider, in seconds.
pub const ATTEMPT_TTL_S: u64 = 600;

/// How far the provider's clock may be off, in seconds, when it says when the person authenticated.
const LEEWAY_S: u64 = 60;

/// What the person wants of the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To sign in, or to sign up.
    SignIn,
    /// To add this identity to the account they are signed in to.
    Link(SignedIn),
    /// To prove again, now, that they are who they are signed in as.
    Reauthenticate(SignedIn),
}

/// Who is signed in at the start of the attempt. The callback must find the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedIn {
    /// The user's id.
    pub user: String,
    /// The id of the org they are in.
    pub org: String,
    /// The session's id.
    pub session: String,
}

/// A sign-in under way.
#[derive(Debug)]
pub struct Attempt {
    provider: String,
    issuer: String,
    purpose: Purpose,
    return_to: ReturnPath,
    issued_s: u64,
    pub(crate) state: SecretString,
    pub(crate) nonce: SecretString,
    pub(crate) verifier: SecretString,
}

impl Attempt {
    /// Begins at a provider with fresh random values of 256 bits each. `provider` is the operator's id of it, `now_s` in
    /// Unix seconds.
    ///
    /// # Errors
    /// [`OidcError::Random`].
    pub fn new(
        provider: &str,
        metadata: &Metadata,
        purpose: Purpose,
        return_to: ReturnPath,
        now_s: u64,
    ) -> Result<Self, OidcError> {
        Ok(Self {
            provider: provider.to_owned(),
            issuer: metadata.issuer().as_str().to_owned(),
            purpose,
            return_to,
            issued_s: now_s,
            state: random()?,
            nonce: random()?,
            verifier: random()?,
        })
    }

    /// The cookie's value.
    ///
    /// # Errors
    /// [`OidcError::CookieTooLong`], if the ids are far longer than ours.
    pub fn to_cookie(&self, key: &StateKey) -> Result<String, OidcError> {
        let content = Content {
            provider: Cow::Borrowed(&self.provider),
            issuer: Cow::Borrowed(&self.issuer),
            purpose: Cow::Borrowed(&self.purpose),
            return_to: Cow::Borrowed(self.return_to.as_str()),
            iat: self.issued_s,
            state: Cow::Borrowed(self.state.expose_secret()),
            nonce: Cow::Borrowed(self.nonce.expose_secret()),
            verifier: Cow::Borrowed(self.verifier.expose_secret()),
        };
        cookie::write(key, Label::Attempt, &content)
    }

    /// Takes up the attempt that [`to_cookie`](Self::to_cookie) put into the browser.
    ///
    /// # Errors
    /// [`OidcError::Cookie`] or [`OidcError::CookieExpired`].
    pub fn from_cookie(key: &StateKey, text: &str, now_s: u64) -> Result<Self, OidcError> {
        let content: Content<'static> = cookie::read(key, Label::Attempt, text)?;
        cookie::check_age(content.iat, ATTEMPT_TTL_S, now_s)?;
        Ok(Self {
            provider: content.provider.into_owned(),
            issuer: content.issuer.into_owned(),
            purpose: content.purpose.into_owned(),
            return_to: ReturnPath::parse(&content.return_to).map_err(|_| OidcError::Cookie)?,
            issued_s: content.iat,
            state: content.state.into_owned().into(),
            nonce: content.nonce.into_owned().into(),
            verifier: content.verifier.into_owned().into(),
        })
    }

    /// The operator's id of the provider.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// What it is for.
    pub const fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// Where the person goes on afterwards.
    pub const fn return_to(&self) -> &ReturnPath {
        &self.return_to
    }

    /// What the ID token of this attempt has to say. `now_s` in Unix seconds.
    pub fn expects<'a>(&'a self, client_id: &'a str, now_s: u64) -> Expected<'a> {
        let fresh = matches!(self.purpose, Purpose::Reauthenticate(_));
        Expected {
            issuer: &self.issuer,
            client_id,
            nonce: self.nonce.expose_secret(),
            now_s,
            authenticated_since_s: fresh.then(|| self.issued_s.saturating_sub(LEEWAY_S)),
        }
    }

    /// Refuses the metadata of another provider than the one the attempt began at.
    pub(crate) fn check_provider(&self, metadata: &Metadata) -> Result<(), OidcError> {
        if metadata.issuer().as_str() == self.issuer { Ok(()) } else { Err(OidcError::OtherProvider) }
    }
}

/// 256 random bits in 43 characters, all of which RFC 7636 allows in a verifier.
fn random() -> Result<SecretString, OidcError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| OidcError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()).into())
}

/// The attempt as the cookie holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<'a> {
    provider: Cow<'a, str>,
    issuer: Cow<'a, str>,
    purpose: Cow<'a, Purpose>,
    return_to: Cow<'a, str>,
    /// Unix seconds.
    iat: u64,
    state: Cow<'a, str>,
    nonce: Cow<'a, str>,
    verifier: Cow<'a, str>,
}

#[cfg(test)]
mod tests;
