//! API keys: recognisable to secret scanners, refused at the edge when forged, kept only as a bcrypt hash (claims M3, N7).
//!
//! Form, frozen: `<prefix>_<org body, 26>_<lookup, 8>_<secret, 52><tail, 16>`, all lower-case base32. The secret is 256
//! random bits. The tail is 80 bits of HMAC-SHA256 over all that stands before it: with it the edge refuses a mistyped or
//! invented key with no network read, so nobody burns the control plane's CPU with random keys. What passes is handed on
//! as a [`KeyDigest`], never as the key, and only the org's object can say whether that digest is a key of its own.

mod digest;

pub use digest::{API_KEY_BCRYPT_COST, KeyDigest};

use crate::TokenError;
use crate::base32::{self, random_base32};
use crate::mac::{self, Domain, MacKey};
use crate::org;
use secrecy::SecretString;
use std::fmt;
use zeroize::Zeroizing;

const LOOKUP_LEN: usize = 8;
const SECRET_BYTES: usize = 32;
const SECRET_LEN: usize = 52;
const TAIL_LEN: usize = 16;
const MAX_PREFIX: usize = 16;

/// The brand's key format. The prefix is what secret scanners look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyFormat {
    prefix: String,
}

/// A key just made. `key` is shown once; `lookup` and the digest's hash are what is stored.
pub struct MintedKey {
    /// The whole key, for its owner.
    pub key: SecretString,
    /// Eight characters that name the key in plaintext.
    pub lookup: String,
    /// The digest to hash at rest.
    pub digest: KeyDigest,
}

/// A genuine key's parts. Whether it is still valid is for the org's object to say.
#[derive(Debug, Clone)]
pub struct PresentedKey {
    /// The whole id of the org that the key names.
    pub org: String,
    /// Eight characters by which the org finds the key.
    pub lookup: String,
    /// Proof of the secret, to compare with the hash at rest.
    pub digest: KeyDigest,
}

impl ApiKeyFormat {
    /// Keys that begin with `prefix` and an underscore.
    ///
    /// # Errors
    /// [`TokenError::Key`] unless the prefix is 2 to 16 lower-case letters or digits.
    pub fn new(prefix: impl Into<String>) -> Result<Self, TokenError> {
        let prefix = prefix.into();
        let plain = prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !(2..=MAX_PREFIX).contains(&prefix.len()) || !plain {
            return Err(TokenError::Key);
        }
        Ok(Self { prefix })
    }

    /// The brand's prefix, without the underscore.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether `text` sets out to be one of these keys, as against a session token.
    pub fn matches_prefix(&self, text: &str) -> bool {
        text.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('_'))
    }

    /// How many characters a key has.
    pub fn length(&self) -> usize {
        self.prefix.len() + org::BODY_LEN + LOOKUP_LEN + SECRET_LEN + TAIL_LEN + "___".len()
    }

    /// Whether `text` has the form of a key. By this alone it may be anybody's invention.
    pub fn is_well_formed(&self, text: &str) -> bool {
        self.split(text).is_some()
    }

    /// A new key of `org` (its whole id).
    ///
    /// # Errors
    /// [`TokenError::Org`], [`TokenError::Random`].
    pub fn mint(&self, mac: &MacKey, org: &str) -> Result<MintedKey, TokenError> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| TokenError::Random)?;
        self.assemble(
            mac,
            org,
            random_base32(LOOKUP_LEN)?,
            &Zeroizing::new(base32::encode(secret.as_slice())),
        )
    }

    /// Checks a presented key's form, then its tail.
    ///
    /// # Errors
    /// [`TokenError::ApiKeyMalformed`] or, where only the tail is wrong, [`TokenError::ApiKeyForged`].
    pub fn parse(&self, mac: &MacKey, presented: &str) -> Result<PresentedKey, TokenError> {
        let parts = self.split(presented).ok_or(TokenError::ApiKeyMalformed)?;
        if !mac::equal(mac.tail(Domain::ApiKey, parts.signed, TAIL_LEN).as_bytes(), parts.tail.as_bytes()) {
            return Err(TokenError::ApiKeyForged);
        }
        Ok(PresentedKey {
            org: org::id(parts.org),
            lookup: parts.lookup.to_owned(),
            digest: KeyDigest::of_secret(parts.secret),
        })
    }

    fn assemble(
        &self,
        mac: &MacKey,
        org: &str,
        lookup: String,
        secret: &str,
    ) -> Result<MintedKey, TokenError> {
        // A second buffer, both wiped: growing one would leave the secret behind in freed memory.
        let signed = Zeroizing::new([&self.prefix, "_", org::body(org)?, "_", &lookup, "_", secret].concat());
        let key = [signed.as_str(), &mac.tail(Domain::ApiKey, &signed, TAIL_LEN)].concat();
        Ok(MintedKey { key: key.into(), lookup, digest: KeyDigest::of_secret(secret) })
    }

    /// None unless every part has exactly its length and alphabet.
    fn split<'a>(&self, presented: &'a str) -> Option<Parts<'a>> {
        let rest = presented.strip_prefix(&self.prefix)?.strip_prefix('_')?;
        let (org, rest) = base32::split_at(rest, org::BODY_LEN)?;
        let (lookup, rest) = base32::split_at(rest.strip_prefix('_')?, LOOKUP_LEN)?;
        let (secret, rest) = base32::split_at(rest.strip_prefix('_')?, SECRET_LEN)?;
        let (tail, rest) = base32::split_at(rest, TAIL_LEN)?;
        let (signed, _) = presented.split_at_checked(presented.len() - TAIL_LEN)?;
        rest.is_empty().then_some(Parts { signed, org, lookup, secret, tail })
    }
}

impl Default for ApiKeyFormat {
    fn default() -> Self {
        Self { prefix: "sgk".to_owned() }
    }
}

impl fmt::Debug for MintedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedKey").field("lookup", &self.lookup).finish_non_exhaustive()
    }
}

struct Parts<'a> {
    signed: &'a str,
    org: &'a str,
    lookup: &'a str,
    secret: &'a str,
    tail: &'a str,
}

#[cfg(test)]
mod tests;
