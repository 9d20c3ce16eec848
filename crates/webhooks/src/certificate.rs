//! RSA signatures (PKCS #1 v1.5, RFC 8017) by the key of an X.509 certificate (RFC 5280).
//!
//! Of a certificate only the key and its period are read. Who issued it is not checked: it comes over TLS from the
//! provider's own host, which is the same trust by a shorter way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::asn1::{AnyRef, ContextSpecific, GeneralizedTime, UtcTime};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Longest PEM file read, in bytes: a chain of four is no longer.
const MAX_PEM: usize = 16 * 1024;
/// Lengths of a modulus, in bytes: 2048 to 4096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// The `DigestInfo` before each hash, RFC 8017 section 9.2.
const SHA1_PREFIX: &[u8] =
    &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
const SHA256_PREFIX: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// What is hashed before RSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    /// Where the provider still offers it. It does not resist collisions: see the row's caveat.
    Sha1,
    Sha256,
}

/// The key of a certificate, and when it may be used.
#[derive(Debug)]
pub(crate) struct Certificate {
    key: RsaPublicKey,
    /// Unix seconds, both inclusive.
    not_before: u64,
    not_after: u64,
}

impl Certificate {
    /// The first certificate of a PEM file (RFC 7468).
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(pem).ok().filter(|text| text.len() <= MAX_PEM)?;
        let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
        let (encoded, _) = rest.split_once("-----END CERTIFICATE-----")?;
        let encoded: String = encoded.split_ascii_whitespace().collect();
        Self::from_der(&STANDARD.decode(encoded).ok()?)
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let (not_before, not_after, key) = reader
            .sequence(|certificate| {
                let read = certificate.sequence(|body| {
                    let _version: Option<ContextSpecific<AnyRef<'_>>> = body.decode()?;
                    for _ in ["serial number", "signature algorithm", "issuer"] {
                        let _: AnyRef<'_> = body.decode()?;
                    }
                    let period = body.sequence(|period| Ok((time(period)?, time(period)?)))?;
                    let _subject: AnyRef<'_> = body.decode()?;
                    let key = body.tlv_bytes()?;
                    skip(body)?;
                    Ok((period.0, period.1, key))
                })?;
                skip(certificate)?;
                Ok(read)
            })
            .ok()?;
        reader.finish(()).ok()?;
        let key = RsaPublicKey::from_public_key_der(key).ok()?;
        MODULUS.contains(&key.size()).then_some(Self { key, not_before, not_after })
    }

    /// Whether it is within its period. `now` is in Unix seconds.
    pub(crate) fn is_current(&self, now: u64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Whether a signature is this key's.
    pub(crate) fn verify(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let (prefix, digest) = match hash {
            Hash::Sha1 => (SHA1_PREFIX, Sha1::digest(message).to_vec()),
            Hash::Sha256 => (SHA256_PREFIX, Sha256::digest(message).to_vec()),
        };
        let scheme = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: prefix.into() };
        self.key.verify(scheme, &digest, signature).is_ok()
    }
}

/// `UTCTime` until 2049, `GeneralizedTime` from then on; Unix seconds.
fn time<'a>(reader: &mut impl Reader<'a>) -> der::Result<u64> {
    let value: AnyRef<'_> = reader.decode()?;
    let since_epoch = match value.tag() {
        Tag::UtcTime => value.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => value.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(since_epoch.as_secs())
}

fn skip<'a>(reader: &mut impl Reader<'a>) -> der::Result<()> {
    while !reader.is_finished() {
        AnyRef::decode(reader)?;
    }
    Ok(())
}
