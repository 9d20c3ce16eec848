//! What stands for an API key's secret between edge and control plane: its SHA-256.
//!
//! Whoever holds a digest can speak for the key inside the private hop, so it is treated as a secret: opaque `Debug`,
//! constant-time equality, text only on request.

use crate::slow_hash::{SlowHash, Work};
use crate::{TokenError, base32, mac};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// bcrypt's cost for API keys, its lowest (1.6 ms in Wasm). A slow hash buys time against guessing a human's password;
/// nobody guesses 256 random bits at any speed.
pub const API_KEY_BCRYPT_COST: u32 = 4;

/// SHA-256 of an API key's secret part.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub(super) fn of_secret(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The text form for transport, 52 characters of base32; read back by [`FromStr`].
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(base32::encode(&self.0))
    }

    /// The bcrypt hash to store; see [`API_KEY_BCRYPT_COST`].
    ///
    /// # Errors
    /// [`TokenError::HashCost`] for a cost outside 4 to 14; [`TokenError::Random`].
    pub fn hash_at_rest(&self, cost: u32) -> Result<String, TokenError> {
        // The text form: bcrypt stops at a NUL, which the raw digest may hold, and 52 characters are within its 72.
        Ok(Work::new(&self.to_text(), cost)?.finish().to_string())
    }

    /// Whether `bcrypt_hash` was made from this digest; false for anything that is no bcrypt hash.
    pub fn matches(&self, bcrypt_hash: &str) -> bool {
        SlowHash::parse(bcrypt_hash)
            .is_some_and(|stored| Work::repeat(&self.to_text(), &stored).finish().matches(&stored))
    }
}

impl FromStr for KeyDigest {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes = Zeroizing::new(base32::decode(text).ok_or(TokenError::Digest)?);
        bytes.as_slice().try_into().map(Self).map_err(|_| TokenError::Digest)
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        mac::equal(&self.0, &other.0)
    }
}

impl Eq for KeyDigest {}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}
