//! Whether a candidate signature is a key's over a string given in parts.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::provider::Algorithm;
use crate::public_key;
use crate::secret::SecretKey;

/// Longest DER encoding of a P-256 signature: two integers of 33 bytes.
const MAX_ECDSA: usize = 72;

impl Algorithm {
    /// Whether one secret both signs and verifies.
    pub(crate) const fn is_symmetric(self) -> bool {
        !matches!(self, Algorithm::Ed25519 | Algorithm::EcdsaP256)
    }

    /// Whether a signature may have this length in bytes.
    pub(crate) fn takes_len(self, len: usize) -> bool {
        match self {
            Algorithm::HmacSha1 => len == 20,
            Algorithm::HmacSha256 => len == 32,
            Algorithm::HmacSha512 | Algorithm::Ed25519 => len == 64,
            Algorithm::EcdsaP256 => (8..=MAX_ECDSA).contains(&len),
            Algorithm::Token => len != 0,
        }
    }

    /// Which of the candidates, if any, is the key's over the parts joined with nothing in between.
    pub(crate) fn matching(self, key: &SecretKey, parts: &[&[u8]], candidates: &[Vec<u8>]) -> Option<usize> {
        match self.tag(key, parts) {
            // Every candidate is compared, whichever matches first. A token's length shows; what it holds doesn't.
            Some(tag) => {
                let mut matching = None;
                for (index, candidate) in candidates.iter().enumerate() {
                    if bool::from(tag.ct_eq(candidate)) {
                        matching = matching.or(Some(index));
                    }
                }
                matching
            }
            None => candidates.iter().position(|candidate| {
                let key = key.0.expose_secret();
                match self {
                    Algorithm::EcdsaP256 => public_key::verify_p256(key, parts, candidate),
                    _ => public_key::verify_ed25519(key, parts, candidate),
                }
            }),
        }
    }

    /// The tag of the parts joined with nothing in between; `None` of an algorithm whose verifier cannot sign.
    pub(crate) fn tag(self, key: &SecretKey, parts: &[&[u8]]) -> Option<Vec<u8>> {
        match self {
            Algorithm::HmacSha1 => Some(tag::<Hmac<Sha1>>(key, parts)),
            Algorithm::HmacSha256 => Some(tag::<Hmac<Sha256>>(key, parts)),
            Algorithm::HmacSha512 => Some(tag::<Hmac<Sha512>>(key, parts)),
            Algorithm::Token => Some(key.0.expose_secret().to_vec()),
            Algorithm::Ed25519 | Algorithm::EcdsaP256 => None,
        }
    }
}

fn tag<M: Mac + KeyInit>(key: &SecretKey, parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes a key of any length; were that ever untrue, an empty tag equals no candidate, since each of those
    // has been checked to be of the tag's length.
    let Ok(mut mac) = M::new_from_slice(key.0.expose_secret()) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
