//! Signing secrets: from the text an operator pastes to the key bytes, with a clear word about a bad one.
//!
//! Invariant 3: a [`SecretKey`] is wiped when dropped, prints nothing of itself and cannot be serialized.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretSlice;

use crate::encoding::decode_hex;
use crate::provider::{KeyFormat, Provider};

/// Longest secret taken, in bytes of its pasted form.
const MAX_SECRET: usize = 512;
/// Shortest decoded key taken: 128 bits. (Standard Webhooks asks its senders for 192.)
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

/// An HMAC key. Wiped when dropped; `Debug` shows nothing of it.
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
    /// An encoded key of under 128 bits.
    #[error("the signing secret is too short: at least 16 bytes are needed after decoding")]
    TooShort,
    /// The provider's secret is base64 and this isn't.
    #[error("the signing secret is not valid base64: copy it whole, as the provider shows it")]
    NotBase64,
    /// The provider's secret is hexadecimal and this isn't.
    #[error("the signing secret is not valid hexadecimal: copy it whole, as the provider shows it")]
    NotHex,
    /// An API key, a public key or an address.
    #[error("this looks like an API key, a public key or an address, not like a webhook signing secret")]
    AnotherKind,
}

impl Provider {
    /// Reads a secret as an operator pastes it.
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
        if NOT_SIGNING_SECRETS.iter().any(|prefix| pasted.starts_with(prefix)) {
            return Err(SecretError::AnotherKind);
        }
        let key = match self.key {
            KeyFormat::Utf8 => pasted.as_bytes().to_vec(),
            KeyFormat::Base64 { prefix } => decode_base64(pasted.strip_prefix(prefix).unwrap_or(pasted))?,
            KeyFormat::Base64IfPrefixed { prefix } => match pasted.strip_prefix(prefix) {
                Some(encoded) => decode_base64(encoded)?,
                None => pasted.as_bytes().to_vec(),
            },
            KeyFormat::Hex => long_enough(decode_hex(pasted, |_| true).ok_or(SecretError::NotHex)?)?,
        };
        Ok(SecretKey::from_bytes(key))
    }
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
