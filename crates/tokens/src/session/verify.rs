//! Verifying session tokens. Only this system's own signer is trusted, so the headers it can write are a short, known
//! list: a token's header is looked up byte for byte and nothing of it is parsed. `alg: none`, a MAC under the public
//! key, `jku`, `jwk`, `crit` and key-id tricks all fail as "not in the list".

use super::keys::is_kid;
use super::{AUDIENCE, COOKIE_AUDIENCE, MAX_TOKEN_LEN, OwnClaims, SessionClaims};
use crate::TokenError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::algorithms::{Ed25519PublicKey, EdDSAPublicKeyLike as _};
use jwt_simple::common::VerificationOptions;
use jwt_simple::prelude::{Duration, UnixTimeStamp};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

/// How far ahead a signer's clock may be, in seconds.
const LEEWAY: u64 = 5;

/// Verifies session tokens with public keys. What the edge holds.
#[derive(Debug)]
pub struct SessionVerifier {
    /// By the encoded header of the tokens that each key signs.
    keys: BTreeMap<String, Ed25519PublicKey>,
}

/// A genuine token's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What the token says.
    pub claims: SessionClaims,
    /// Whether it has ended. The caller decides: the org's object may renew the session.
    pub expired: bool,
}

impl SessionVerifier {
    /// Takes a JWK set of Ed25519 keys (RFC 7517, RFC 8037), each with its own `kid`.
    ///
    /// # Errors
    /// [`TokenError::Key`] for an empty set or any key of another kind.
    pub fn from_jwks(json: &str) -> Result<Self, TokenError> {
        let set: JwkSet = serde_json::from_str(json).map_err(|_| TokenError::Key)?;
        let mut keys = BTreeMap::new();
        for jwk in set.keys {
            let kid = jwk
                .get("kid")
                .and_then(|kid| kid.as_str())
                .filter(|kid| is_kid(kid))
                .ok_or(TokenError::Key)?;
            let key = Ed25519PublicKey::from_jwk(&jwk.to_string()).map_err(|_| TokenError::Key)?;
            if keys.insert(header(kid), key).is_some() {
                return Err(TokenError::Key);
            }
        }
        if keys.is_empty() {
            return Err(TokenError::Key);
        }
        Ok(Self { keys })
    }

    /// Checks length, header, signature, issuer, audience and times of a compact JWT that came as a bearer token, in this
    /// order. `now` in Unix seconds. About 0.6 ms in Wasm: the caller keeps the verdict.
    ///
    /// # Errors
    /// [`TokenError::SessionTooLong`], [`TokenError::SessionHeader`], [`TokenError::SessionInvalid`] or
    /// [`TokenError::SessionNotYet`]. Expiry is no error: see [`Verified::expired`].
    pub fn verify(&self, token: &str, issuer: &str, now: u64) -> Result<Verified, TokenError> {
        self.verify_for(token, issuer, AUDIENCE, now)
    }

    /// The same for one that came in the cookie.
    ///
    /// # Errors
    /// As [`SessionVerifier::verify`].
    pub fn verify_cookie(&self, token: &str, issuer: &str, now: u64) -> Result<Verified, TokenError> {
        self.verify_for(token, issuer, COOKIE_AUDIENCE, now)
    }

    fn verify_for(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: u64,
    ) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(TokenError::SessionTooLong);
        }
        let (header, _) = token.split_once('.').ok_or(TokenError::SessionHeader)?;
        let key = self.keys.get(header).ok_or(TokenError::SessionHeader)?;
        let claims = key
            .verify_token::<OwnClaims>(token, Some(options(issuer, audience)))
            .map_err(|_| TokenError::SessionInvalid)?;

        let (Some(sub), Some(iat), Some(exp)) = (claims.subject, claims.issued_at, claims.expires_at) else {
            return Err(TokenError::SessionInvalid);
        };
        let (iat, exp) = (iat.as_secs(), exp.as_secs());
        let begins = claims.invalid_before.map_or(iat, |nbf| nbf.as_secs().max(iat));
        if begins > now.saturating_add(LEEWAY) {
            return Err(TokenError::SessionNotYet);
        }
        // A session has a role and no scopes.
        let OwnClaims { org, role, sid, scope: None } = claims.custom else {
            return Err(TokenError::SessionInvalid);
        };
        Ok(Verified { claims: SessionClaims { sub, org, role, sid, iat, exp }, expired: exp <= now })
    }
}

/// The one encoded header of tokens signed by the key `kid`.
fn header(kid: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"JWT"}}"#))
}

fn options(issuer: &str, audience: &str) -> VerificationOptions {
    VerificationOptions {
        // Times are checked above: jwt-simple would not tell an expired token from a forged one. At time zero nothing
        // has expired, and no clock is read.
        artificial_time: Some(UnixTimeStamp::from_secs(0)),
        accept_future: true,
        time_tolerance: Some(Duration::from_secs(0)),
        allowed_issuers: Some(HashSet::from([issuer.to_owned()])),
        allowed_audiences: Some(HashSet::from([audience.to_owned()])),
        max_token_length: Some(MAX_TOKEN_LEN),
        ..VerificationOptions::default()
    }
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}
