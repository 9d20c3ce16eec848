//! HMAC over a string given in parts.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::provider::Algorithm;
use crate::secret::SecretKey;

impl Algorithm {
    /// Length of a tag in bytes.
    pub(crate) const fn tag_len(self) -> usize {
        match self {
            Algorithm::HmacSha1 => 20,
            Algorithm::HmacSha256 => 32,
            Algorithm::HmacSha512 => 64,
        }
    }

    /// The tag of the parts joined with nothing in between.
    pub(crate) fn tag(self, key: &SecretKey, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Algorithm::HmacSha1 => tag::<Hmac<Sha1>>(key, parts),
            Algorithm::HmacSha256 => tag::<Hmac<Sha256>>(key, parts),
            Algorithm::HmacSha512 => tag::<Hmac<Sha512>>(key, parts),
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
