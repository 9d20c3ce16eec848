//! Verifying an ID token (OpenID Connect Core, section 3.1.3.7; RFC 8725). The header is read first, strictly, and may only
//! pick one of the provider's known keys. The claims are judged only after the signature.
//!
//! jwt-simple verifies the signature, and is asked for no more: it would read a clock, take times that are no integers, and
//! not tell the refusals apart.

use crate::jwks::Algorithm;
use crate::{Jwks, OidcError, equal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claims::Claims;
use serde::Deserialize;
use serde::de::IgnoredAny;

mod claims;

/// Longest ID token, in bytes.
pub const MAX_TOKEN_LEN: usize = 16 * 1024;
/// How far the provider's clock may be off, in seconds.
const LEEWAY_S: u64 = 60;
/// Oldest token taken, in seconds: it comes straight from the token endpoint.
const MAX_AGE_S: u64 = 600;
const MAX_SUBJECT_LEN: usize = 255;

/// What an ID token has to say. Made by [`Attempt::expects`](crate::Attempt::expects).
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    /// Unix seconds.
    pub(crate) now_s: u64,
    /// The person must have authenticated then or later; Unix seconds.
    pub(crate) authenticated_since_s: Option<u64>,
}

/// Who someone is, by the word of a provider. Only [`verify_id_token`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// The provider's id of the person: with the issuer, the only lasting name of them. 1 to 255 printable ASCII characters.
    pub subject: String,
    /// The email, if the provider told one; at most 254 bytes, not normalized. Says nothing unless verified.
    pub email: Option<String>,
    /// Whether the provider says that the email is theirs.
    pub email_verified: bool,
    /// What they are called, at most 200 bytes without control characters.
    pub name: Option<String>,
    /// When they authenticated, in Unix seconds.
    pub auth_time_s: Option<u64>,
}

/// Verifies a compact JWT as the ID token of an attempt. In Wasm, an ES256 signature takes about 1.3 ms.
///
/// # Errors
/// [`OidcError::UnknownKey`] if the key set may have been rotated; any other of the ID token's errors otherwise.
pub fn verify_id_token(token: &str, jwks: &Jwks, expected: &Expected<'_>) -> Result<Identity, OidcError> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(OidcError::TokenTooLong);
    }
    if jwks.issuer != expected.issuer {
        return Err(OidcError::OtherProvider);
    }
    let (header, claims) = split(token)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| OidcError::TokenHeader)?;
    if !header.is_plain() {
        return Err(OidcError::TokenHeader);
    }
    let algorithm = Algorithm::from_name(&header.alg).ok_or(OidcError::Algorithm)?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| OidcError::Claims)?;
    if !jwks.find(algorithm, header.kid.as_deref())?.signed(token) {
        return Err(OidcError::Signature);
    }
    expected.check(&claims)?;
    Ok(claims.into_identity())
}

/// The decoded header and claims of a token of three parts, each canonical base64url without padding.
fn split(token: &str) -> Result<(Vec<u8>, Vec<u8>), OidcError> {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part));
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(header)), Some(Ok(claims)), Some(Ok(_signature)), None) => Ok((header, claims)),
        _ => Err(OidcError::TokenMalformed),
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
}

impl Header {
    /// Another type is another kind of token under the same keys: `at+jwt`, `logout+jwt` (RFC 8725, section 3.11). A token
    /// that brings its own key, or an extension, is nothing that an identity provider sends.
    fn is_plain(&self) -> bool {
        let jwt = self.typ.as_ref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        jwt && !(self.crit || self.jwk || self.jku || self.x5u)
    }
}

/// True of a member that is there, `null` included.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Expected<'_> {
    fn check(&self, claims: &Claims) -> Result<(), OidcError> {
        if claims.iss != self.issuer {
            return Err(OidcError::TokenIssuer);
        }
        if !claims.aud.contains(self.client_id) {
            return Err(OidcError::Audience);
        }
        match &claims.azp {
            Some(azp) if azp != self.client_id => return Err(OidcError::AuthorizedParty),
            None if claims.aud.is_shared() => return Err(OidcError::AuthorizedParty),
            Some(_) | None => {}
        }
        self.check_times(claims)?;
        if !claims.nonce.as_deref().is_some_and(|nonce| equal(nonce, self.nonce)) {
            return Err(OidcError::Nonce);
        }
        let printable = claims.sub.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if !printable || !(1..=MAX_SUBJECT_LEN).contains(&claims.sub.len()) {
            return Err(OidcError::Subject);
        }
        Ok(())
    }

    fn check_times(&self, claims: &Claims) -> Result<(), OidcError> {
        let latest = self.now_s.saturating_add(LEEWAY_S);
        if claims.exp.saturating_add(LEEWAY_S) <= self.now_s {
            return Err(OidcError::Expired);
        }
        if claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(OidcError::NotYet);
        }
        if self.now_s.saturating_sub(claims.iat) > MAX_AGE_S {
            return Err(OidcError::TooOld);
        }
        if let Some(since) = self.authenticated_since_s {
            let fresh = claims.auth_time.is_some_and(|at| (since..=latest).contains(&at));
            if !fresh {
                return Err(OidcError::AuthenticationTime);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
