//! Signatures by key pairs: a provider keeps the private key, the source holds the public one.

use ed25519_compact::{PublicKey, Signature};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use sha2::{Digest, Sha256};

/// What stands before the point in the DER of every P-256 `SubjectPublicKeyInfo` (RFC 5480): the lengths and the
/// algorithm's two identifiers. There is one encoding, so a parser has nothing to decide.
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Whether an Ed25519 signature (RFC 8032) is the key's over the parts joined. Points of small order and an `s` that is not
/// reduced are refused.
pub(crate) fn verify_ed25519(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (PublicKey::from_slice(key), Signature::from_slice(signature)) else {
        return false;
    };
    let Ok(mut state) = key.verify_incremental(&signature) else { return false };
    for part in parts {
        state.absorb(part);
    }
    state.verify().is_ok()
}

/// Whether an ECDSA signature in DER is the key's over the SHA-256 of the parts joined. The key is an uncompressed point.
pub(crate) fn verify_p256(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_sec1_bytes(key), DerSignature::from_bytes(signature))
    else {
        return false;
    };
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    key.verify_prehash(&hash.finalize(), &signature).is_ok()
}

/// The point of a P-256 `SubjectPublicKeyInfo`, if it lies on the curve.
pub(crate) fn p256_point(spki: &[u8]) -> Option<Vec<u8>> {
    let point = spki.strip_prefix(P256_SPKI)?;
    VerifyingKey::from_sec1_bytes(point).ok()?;
    Some(point.to_vec())
}

/// Whether these bytes are an Ed25519 public key that can verify anything.
pub(crate) fn is_ed25519(key: &[u8]) -> bool {
    // The base point as R with s = 0: a sound key gets as far as the comparison.
    let mut probe = [0x66; 64];
    if let Some(first) = probe.first_mut() {
        *first = 0x58;
    }
    probe.iter_mut().skip(32).for_each(|byte| *byte = 0);
    let (Ok(key), Ok(probe)) = (PublicKey::from_slice(key), Signature::from_slice(&probe)) else {
        return false;
    };
    key.verify_incremental(&probe).is_ok()
}
