//! Signing secrets and public keys: from the text an operator pastes to the key bytes, with a clear word about a bad one.
//!
//! Invariant 3: a [`SecretKey`] is wiped when dropped, prints nothing of itself and cannot be serialized.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretSlice;
use sha1::{Digest, Sha1};

use crate::encoding::decode_hex;
use crate::provider::{KeyFormat, Row, Scheme};
use crate::public_key;

/// Longest secret taken, in bytes of its pasted form.
const MAX_SECRET: usize = 512;
/// Shortest chosen or decoded key taken: 128 bits. (Standard Webhooks asks its senders for 192.)
const MIN_KEY: usize = 16;
/// How credentials begin that are pasted here by mistake: API keys, public keys, addresses.
const NOT_SIGNING_SECRETS: &[&str] = &[
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "pk_live_",
    "pk_test_",
    "whpk_",
    "xoxb-",
    "xoxp-",
    "ghp_",
    "github_pat_",
    "shpat_",
    "-----BEGIN",
    "http://",
    "https://",
];

/// Padding may be there or not: people lose a trailing `=` when they copy.
const PASTED_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key of an HMAC, or a provider's public key. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Debug)]
pub struct SecretKey(pub(crate) SecretSlice<u8>);

impl SecretKey {
    /// A key from raw bytes, such as one made for an outbound endpoint.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        SecretKey(bytes.into())
    }
}

/// Why a pasted secret is refused. The text is for the operator and holds nothing of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Nothing was pasted, or nothing but the prefix.
    #[error("the signing secret is empty")]
    Empty,
    /// White space at an end, or a control character anywhere.
    #[error(
        "the signing secret begins or ends with white space or holds a line break: paste it again without"
    )]
    Whitespace,
    /// Longer than any provider's secret.
    #[error("the signing secret is longer than 512 bytes")]
    TooLong,
    /// A chosen or encoded key of under 128 bits.
    #[error("the signing secret is too short: at least 16 bytes are needed, counted after any decoding")]
    TooShort,
    /// The provider's secret is base64 and this isn't.
    #[error("the signing secret is not valid base64: copy it whole, as the provider shows it")]
    NotBase64,
    /// The provider's secret is hexadecimal and this isn't.
    #[error("the signing secret is not valid hexadecimal: copy it whole, as the provider shows it")]
    NotHex,
    /// The provider signs with a key pair and this is no public key of its kind.
    #[error(
        "this is not a public key as the provider shows it: copy it whole, without any header or footer line"
    )]
    NotPublicKey,
    /// The source takes another thing than a signing secret, and this isn't that.
    #[error("this is not what the provider's hint says: copy it whole, as the provider shows it")]
    NotAsHinted,
    /// An API key, a public key or an address.
    #[error("this looks like an API key, a public key or an address, not like a webhook signing secret")]
    AnotherKind,
}

/// What a source of a row is created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The secret that the provider signs with.
    Secret,
    /// The provider's public key.
    PublicKey,
    /// Nothing: the provider sends its secret to the URL ([`Row::handshake`]).
    Handshake,
}

impl Row<'_> {
    /// What a source is created with.
    #[must_use]
    pub fn credential(&self) -> Credential {
        if self.handshake.is_some() {
            Credential::Handshake
        } else if self.parts().iter().all(|parts| parts.algorithm.is_symmetric()) {
            Credential::Secret
        } else {
            Credential::PublicKey
        }
    }

    /// Reads a secret or public key as an operator pastes it.
    ///
    /// # Errors
    /// [`SecretError`], with a text for the operator.
    pub fn parse_secret(&self, pasted: &str) -> Result<SecretKey, SecretError> {
        if pasted.trim().is_empty() {
            return Err(SecretError::Empty);
        }
        if pasted.len() > MAX_SECRET {
            return Err(SecretError::TooLong);
        }
        if pasted.trim() != pasted || pasted.contains(char::is_control) {
            return Err(SecretError::Whitespace);
        }
        let format = match self.scheme {
            Scheme::Parts(parts) => parts.key,
            Scheme::FirstOf(several) => several.first().map_or(KeyFormat::Utf8, |parts| parts.key),
            Scheme::Fetched(fetched) if !fetched.takes(pasted) => return Err(SecretError::NotAsHinted),
            Scheme::Jwt(_) | Scheme::Fetched(_) | Scheme::Declared => KeyFormat::Utf8,
        };
        let public = matches!(format, KeyFormat::Ed25519Hex | KeyFormat::Ed25519Base64 | KeyFormat::P256Spki);
        if !public && NOT_SIGNING_SECRETS.iter().any(|prefix| pasted.starts_with(prefix)) {
            return Err(SecretError::AnotherKind);
        }
        let key = match format {
            KeyFormat::Utf8 => pasted.as_bytes().to_vec(),
            KeyFormat::ChosenUtf8 => long_enough(pasted.as_bytes().to_vec())?,
            KeyFormat::Base64 { prefix } => decode_base64(pasted.strip_prefix(prefix).unwrap_or(pasted))?,
            KeyFormat::Base64IfPrefixed { prefix } => match pasted.strip_prefix(prefix) {
                Some(encoded) => decode_base64(encoded)?,
                None => pasted.as_bytes().to_vec(),
            },
            KeyFormat::Hex => long_enough(decode_hex(pasted).ok_or(SecretError::NotHex)?)?,
            KeyFormat::Sha1 => Sha1::digest(pasted).to_vec(),
            KeyFormat::Ed25519Hex => ed25519(decode_hex(pasted))?,
            KeyFormat::Ed25519Base64 => ed25519(PASTED_BASE64.decode(pasted).ok())?,
            KeyFormat::P256Spki => {
                let spki = PASTED_BASE64.decode(pasted).map_err(|_| SecretError::NotPublicKey)?;
                public_key::p256_point(&spki).ok_or(SecretError::NotPublicKey)?
            }
        };
        Ok(SecretKey::from_bytes(key))
    }
}

fn ed25519(key: Option<Vec<u8>>) -> Result<Vec<u8>, SecretError> {
    key.filter(|key| public_key::is_ed25519(key)).ok_or(SecretError::NotPublicKey)
}

fn decode_base64(encoded: &str) -> Result<Vec<u8>, SecretError> {
    if encoded.is_empty() {
        return Err(SecretError::Empty);
    }
    long_enough(PASTED_BASE64.decode(encoded).map_err(|_| SecretError::NotBase64)?)
}

fn long_enough(key: Vec<u8>) -> Result<Vec<u8>, SecretError> {
    if key.len() < MIN_KEY { Err(SecretError::TooShort) } else { Ok(key) }
}
