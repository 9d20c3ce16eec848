//! A provider's public keys (RFC 7517, RFC 7518 section 6, RFC 8037). A key is of one algorithm by its type, never by what
//! a token says, so a public key cannot be made to serve as a MAC key. Keys for other uses are left out: a provider may
//! publish them beside these.

use crate::{Metadata, OidcError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::algorithms::{
    ECDSAP256PublicKeyLike as _, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike as _, RS256PublicKey,
    RSAPublicKeyLike as _,
};
use jwt_simple::claims::NoCustomClaims;
use jwt_simple::common::VerificationOptions;
use jwt_simple::prelude::{Duration, UnixTimeStamp};
use serde::Deserialize;

/// Longest key set, in bytes.
pub const MAX_JWKS_LEN: usize = 256 * 1024;
const MAX_KEYS: usize = 64;

/// The keys with which one issuer signs ID tokens.
#[derive(Debug, Clone)]
pub struct Jwks {
    pub(crate) issuer: String,
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    kid: Option<String>,
    public: PublicKey,
}

#[derive(Debug, Clone)]
pub(crate) enum PublicKey {
    Rs256(Box<RS256PublicKey>),
    Es256(ES256PublicKey),
    Ed25519(Ed25519PublicKey),
}

/// The algorithms of which signatures are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
    Ed25519,
}

impl Algorithm {
    /// By the name in a header or key, to the letter. `Ed25519` is the name that RFC 9864 gives to `EdDSA` with that curve.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }
}

impl Jwks {
    /// Reads the document fetched from [`Metadata::jwks_uri`]. Takes RSA keys of 2048 to 4096 bits with exponent 65537,
    /// P-256 and Ed25519 keys for signatures, and leaves out all others.
    ///
    /// # Errors
    /// [`OidcError::Jwks`].
    pub fn parse(metadata: &Metadata, document: &[u8]) -> Result<Self, OidcError> {
        if document.len() > MAX_JWKS_LEN {
            return Err(OidcError::Jwks);
        }
        let set: JwkSet = serde_json::from_slice(document).map_err(|_| OidcError::Jwks)?;
        if set.keys.len() > MAX_KEYS {
            return Err(OidcError::Jwks);
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Jwk::into_key).collect();
        if keys.is_empty() {
            return Err(OidcError::Jwks);
        }
        Ok(Self { issuer: metadata.issuer().as_str().to_owned(), keys })
    }

    /// The one key of this algorithm that the token names, or the only one if it names none.
    pub(crate) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&PublicKey, OidcError> {
        let fits =
            |key: &&Key| key.public.algorithm() == algorithm && (kid.is_none() || key.kid.as_deref() == kid);
        let mut fitting = self.keys.iter().filter(fits);
        let key = fitting.next().ok_or(OidcError::UnknownKey)?;
        if fitting.next().is_some() { Err(OidcError::AmbiguousKey) } else { Ok(&key.public) }
    }
}

impl PublicKey {
    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Es256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Whether this key signed the compact JWT. Of its claims nothing is judged here.
    pub(crate) fn signed(&self, token: &str) -> bool {
        // At time zero nothing has expired, and no clock is read.
        let options = Some(VerificationOptions {
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            accept_future: true,
            time_tolerance: Some(Duration::from_secs(0)),
            max_token_length: Some(token.len()),
            ..VerificationOptions::default()
        });
        match self {
            Self::Rs256(key) => key.verify_token::<NoCustomClaims>(token, options).is_ok(),
            Self::Es256(key) => key.verify_token::<NoCustomClaims>(token, options).is_ok(),
            Self::Ed25519(key) => key.verify_token::<NoCustomClaims>(token, options).is_ok(),
        }
    }
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// The key, if it is one that verifies signatures by an algorithm of ours.
    fn into_key(self) -> Option<Key> {
        let verifies = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        let public = self.public_key().filter(|_| verifies)?;
        let named = self.alg.as_deref().map(Algorithm::from_name);
        let consistent = named.is_none_or(|algorithm| algorithm == Some(public.algorithm()));
        consistent.then_some(Key { kid: self.kid, public })
    }

    fn public_key(&self) -> Option<PublicKey> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => {
                let (n, e) = (decode(&self.n)?, decode(&self.e)?);
                RS256PublicKey::from_components(&n, &e).ok().map(|key| PublicKey::Rs256(Box::new(key)))
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (decode(&self.x)?, decode(&self.y)?);
                // SEC 1, section 2.3.3: the uncompressed point.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let whole = x.len() == 32 && y.len() == 32;
                ES256PublicKey::from_bytes(&point).ok().filter(|_| whole).map(PublicKey::Es256)
            }
            ("OKP", Some("Ed25519")) => {
                Ed25519PublicKey::from_bytes(&decode(&self.x)?).ok().map(PublicKey::Ed25519)
            }
            _ => None,
        }
    }
}

fn decode(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()
}
