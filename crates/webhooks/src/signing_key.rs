//! Keys of our own, that sign what we send by Standard Webhooks: HMAC-SHA256 (`v1`) or Ed25519 (`v1a`).
//!
//! Invariant 3: a [`SigningKey`] is wiped when dropped, prints nothing of itself and cannot be serialized. What is given to
//! the receiver, once, is [`SigningKey::for_receiver`].
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme>

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::KeyPair;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::provider::Algorithm;
use crate::secret::SecretKey;

/// Bytes of a shared secret, and of an Ed25519 seed.
const SEED: usize = 32;

/// Makes an entry of `webhook-signature`.
pub trait Signer {
    /// `<version>,<base64 of the signature>` of a message given in parts.
    fn entry(&self, parts: &[&[u8]]) -> String;
}

/// A key that signs for one endpoint.
pub struct SigningKey(Kind);

enum Kind {
    V1(SecretKey),
    V1a(ed25519_compact::SecretKey),
}

impl SigningKey {
    /// A shared secret of 32 random bytes.
    #[must_use]
    pub fn hmac(secret: &[u8; SEED]) -> Self {
        Self(Kind::V1(SecretKey::from_bytes(secret.to_vec())))
    }

    /// A key pair from a seed of 32 random bytes; `None` for a seed of zeros, which is not random.
    #[must_use]
    pub fn ed25519(seed: &[u8; SEED]) -> Option<Self> {
        let pair = KeyPair::try_from_seed(ed25519_compact::Seed::new(*seed)).ok()?;
        Some(Self(Kind::V1a(pair.sk)))
    }

    /// A key as [`Self::to_bytes`] has written it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(secret) = <&[u8; SEED]>::try_from(bytes) {
            return Some(Self::hmac(secret));
        }
        ed25519_compact::SecretKey::from_slice(bytes).ok().map(|key| Self(Kind::V1a(key)))
    }

    /// The bytes to seal. Frozen: 32 of a shared secret; 64 of a key pair, the seed and the public key (what `whsk_` encodes).
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match &self.0 {
            Kind::V1(key) => key.0.expose_secret().to_vec(),
            Kind::V1a(key) => key.to_vec(),
        })
    }

    /// What verifies its signatures: `whsec_…`, which is the secret itself, or the public key, `whpk_…`.
    #[must_use]
    pub fn for_receiver(&self) -> SecretString {
        match &self.0 {
            Kind::V1(key) => format!("whsec_{}", STANDARD.encode(key.0.expose_secret())).into(),
            Kind::V1a(key) => format!("whpk_{}", STANDARD.encode(*key.public_key())).into(),
        }
    }
}

impl Signer for SecretKey {
    fn entry(&self, parts: &[&[u8]]) -> String {
        format!("v1,{}", STANDARD.encode(Algorithm::HmacSha256.tag(self, parts).unwrap_or_default()))
    }
}

impl Signer for SigningKey {
    fn entry(&self, parts: &[&[u8]]) -> String {
        match &self.0 {
            Kind::V1(key) => key.entry(parts),
            Kind::V1a(key) => format!("v1a,{}", STANDARD.encode(*key.sign(parts.concat(), None))),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::decode_hex;
    use crate::sign::standard_webhooks;
    use ed25519_compact::{PublicKey, Signature};

    fn hex(text: &str) -> Vec<u8> {
        decode_hex(text).unwrap()
    }

    /// RFC 8032 §7.1, TEST 3.
    #[test]
    fn m8_ed25519_signs_as_the_rfc_does() {
        let seed = hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
        let public = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        let signature = hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
        let key = SigningKey::ed25519(seed.as_slice().try_into().unwrap()).unwrap();
        assert_eq!(key.entry(&[&[0xaf], &[0x82]]), format!("v1a,{}", STANDARD.encode(signature)));
        assert_eq!(key.for_receiver().expose_secret(), format!("whpk_{}", STANDARD.encode(&public)));
        assert_eq!(key.to_bytes().as_slice(), [seed, public].concat());
    }

    #[test]
    fn m8_a_public_key_verifies_id_time_and_body_as_sent() {
        let key = SigningKey::ed25519(&[7; 32]).unwrap();
        let [.., (_, header)] = standard_webhooks(&[&key], "msg_1", 1_800_000_000, b"{\"a\": 1}");
        let signature = STANDARD.decode(header.strip_prefix("v1a,").unwrap()).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        let text = key.for_receiver();
        let public = STANDARD.decode(text.expose_secret().strip_prefix("whpk_").unwrap()).unwrap();
        let public = PublicKey::from_slice(&public).unwrap();
        assert!(public.verify(b"msg_1.1800000000.{\"a\": 1}", &signature).is_ok());
        for other in
            ["msg_2.1800000000.{\"a\": 1}", "msg_1.1800000001.{\"a\": 1}", "msg_1.1800000000.{\"a\":1}"]
        {
            assert!(public.verify(other, &signature).is_err(), "{other}");
        }
    }

    #[test]
    fn what_was_sealed_signs_the_same_and_what_has_another_length_is_no_key() {
        for key in [SigningKey::hmac(&[7; 32]), SigningKey::ed25519(&[7; 32]).unwrap()] {
            let again = SigningKey::from_bytes(&key.to_bytes()).unwrap();
            assert_eq!(again.entry(&[b"x"]), key.entry(&[b"x"]));
            assert_eq!(again.for_receiver().expose_secret(), key.for_receiver().expose_secret());
        }
        for length in [0, 31, 33, 63, 65, 96] {
            assert!(SigningKey::from_bytes(&vec![7; length]).is_none(), "{length}");
        }
        assert!(SigningKey::ed25519(&[0; 32]).is_none());
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        assert_eq!(format!("{:?}", SigningKey::hmac(&[7; 32])), "SigningKey(..)");
    }
}
