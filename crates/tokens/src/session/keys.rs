//! The signing keys, held by the control plane alone, and their public halves as a JWK set (RFC 7517).

use super::{AUDIENCE, COOKIE_AUDIENCE, OwnClaims, SessionClaims};
use crate::TokenError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jwt_simple::algorithms::{Ed25519KeyPair, EdDSAKeyPairLike as _};
use jwt_simple::claims::{Audiences, JWTClaims};
use jwt_simple::common::HeaderOptions;
use jwt_simple::prelude::UnixTimeStamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

const SEED_LEN: usize = 32;
const MAX_KID: usize = 64;

/// PKCS #8 of an Ed25519 private key up to its seed (RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];

/// Signs session tokens with the current key; publishes all of them.
pub struct SessionSigner {
    current: String,
    keys: BTreeMap<String, Ed25519KeyPair>,
}

impl SessionSigner {
    /// Parses the deploy-time secret: `{"current": "k2", "keys": {"k1": "<32-byte seed, base64>", "k2": "…"}}`.
    ///
    /// # Errors
    /// [`TokenError::Key`] for any other form, a key id that is not 1 to 64 of `A-Z a-z 0-9 - _`, or a current key that
    /// is not listed.
    pub fn from_json(json: &str) -> Result<Self, TokenError> {
        // The parser's own error may quote the secret: it is dropped here.
        let Document { current, keys } = serde_json::from_str(json).map_err(|_| TokenError::Key)?;
        let keys = keys
            .into_iter()
            .map(|(kid, seed)| key_pair(&kid, &Zeroizing::new(seed)).map(|pair| (kid, pair)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        if !keys.contains_key(&current) {
            return Err(TokenError::Key);
        }
        Ok(Self { current, keys })
    }

    /// A session token: a compact JWT for `claims`, issued by `issuer` for [`AUDIENCE`].
    ///
    /// # Errors
    /// [`TokenError::Claims`] when it ends before it begins or past the year 2106.
    pub fn sign(&self, claims: &SessionClaims, issuer: &str) -> Result<String, TokenError> {
        self.sign_for(claims, issuer, AUDIENCE)
    }

    /// The same for the cookie, of [`COOKIE_AUDIENCE`].
    ///
    /// # Errors
    /// As [`SessionSigner::sign`].
    pub fn sign_cookie(&self, claims: &SessionClaims, issuer: &str) -> Result<String, TokenError> {
        self.sign_for(claims, issuer, COOKIE_AUDIENCE)
    }

    /// An identity assertion: the same claims for another audience, which [`super::SessionVerifier`] therefore refuses
    /// as a session.
    ///
    /// # Errors
    /// As [`SessionSigner::sign`].
    pub fn sign_for(
        &self,
        claims: &SessionClaims,
        issuer: &str,
        audience: &str,
    ) -> Result<String, TokenError> {
        self.sign_with(claims, None, issuer, audience)
    }

    /// An API key's identity assertion, with the key's scopes in the claim `scope` (RFC 8693, section 4.2), apart by spaces.
    ///
    /// # Errors
    /// As [`SessionSigner::sign`].
    pub fn sign_scoped(
        &self,
        claims: &SessionClaims,
        scope: String,
        issuer: &str,
        audience: &str,
    ) -> Result<String, TokenError> {
        self.sign_with(claims, Some(scope), issuer, audience)
    }

    fn sign_with(
        &self,
        claims: &SessionClaims,
        scope: Option<String>,
        issuer: &str,
        audience: &str,
    ) -> Result<String, TokenError> {
        // jwt-simple's time type holds 32 bits of seconds and saturates.
        if claims.exp < claims.iat || claims.exp > u64::from(u32::MAX) {
            return Err(TokenError::Claims);
        }
        // Written out whole: jwt-simple's constructors read a clock, which panics in a Worker.
        let claims = JWTClaims {
            issued_at: Some(UnixTimeStamp::from_secs(claims.iat)),
            expires_at: Some(UnixTimeStamp::from_secs(claims.exp)),
            invalid_before: None,
            issuer: Some(issuer.to_owned()),
            subject: Some(claims.sub.clone()),
            audiences: Some(Audiences::AsString(audience.to_owned())),
            jwt_id: None,
            nonce: None,
            custom: OwnClaims {
                org: claims.org.clone(),
                role: claims.role.clone(),
                sid: claims.sid.clone(),
                scope,
            },
        };
        self.keys.get(&self.current).ok_or(TokenError::Key)?.sign(claims).map_err(|_| TokenError::Claims)
    }

    /// A deletion certificate: a compact JWT of the type [`super::DELETION_CERTIFICATE`], with `claims` as they are written.
    /// Its header is none that a session token has, so no [`super::SessionVerifier`] takes it.
    ///
    /// # Errors
    /// [`TokenError::Claims`] for claims that are no JSON object.
    pub fn sign_deletion_certificate(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        let header = HeaderOptions {
            signature_type: Some(super::DELETION_CERTIFICATE.to_owned()),
            ..HeaderOptions::default()
        };
        // The registered claims stand among the others.
        let claims = JWTClaims {
            issued_at: None,
            expires_at: None,
            invalid_before: None,
            issuer: None,
            subject: None,
            audiences: None,
            jwt_id: None,
            nonce: None,
            custom: claims,
        };
        let key = self.keys.get(&self.current).ok_or(TokenError::Key)?;
        key.sign_with_options(claims, &header).map_err(|_| TokenError::Claims)
    }

    /// The public keys as a JWK set: what `/.well-known/jwks.json` answers and [`super::SessionVerifier`] takes.
    pub fn jwks(&self) -> String {
        let keys: Vec<String> = self.keys.values().map(|pair| pair.public_key().to_jwk()).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }
}

impl fmt::Debug for SessionSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSigner").field("current", &self.current).finish_non_exhaustive()
    }
}

/// Whether a key id may stand in a header as it is, with nothing to escape.
pub(super) fn is_kid(kid: &str) -> bool {
    (1..=MAX_KID).contains(&kid.len())
        && kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    current: String,
    keys: BTreeMap<String, String>,
}

fn key_pair(kid: &str, seed: &str) -> Result<Ed25519KeyPair, TokenError> {
    let seed = Zeroizing::new(STANDARD.decode(seed).map_err(|_| TokenError::Key)?);
    if !is_kid(kid) || seed.len() != SEED_LEN {
        return Err(TokenError::Key);
    }
    let der = Zeroizing::new([PKCS8_HEAD.as_slice(), &seed].concat());
    let pair = Ed25519KeyPair::from_der(&der).map_err(|_| TokenError::Key)?;
    Ok(pair.with_key_id(kid))
}
