//! Key-encryption keys by version, and the per-org data keys they wrap (claims M1, C7).
//!
//! The keyring is a deploy-time secret bound to the control plane alone. Rotation is online: a new version is added, each
//! org's key is re-wrapped with [`Keyring::rewrap`], and a version is dropped once nothing names it.
//!
//! Stored form of a wrapped key, 70 bytes, frozen:
//! `0x01 | 'K' | KEK version, u32 BE | DEK version, u32 BE | nonce, 12 | ciphertext, 32 | tag, 16`.
//! Its AAD is a domain label, the first ten bytes, and the org: a key copied to another org does not unwrap.

mod parse;

use crate::VaultError;
use crate::cipher::{self, KEY_LEN, Key, NONCE_LEN, TAG_LEN};
use crate::record::{Dek, DekVersion};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;

/// Version of a key-encryption key, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersion(NonZeroU32);

impl KeyVersion {
    /// A version by its number; `None`: zero is none.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number as it stands in the keyring.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// The key-encryption keys by version: the current one wraps unless another is named, every one unwraps.
pub struct Keyring {
    current: KeyVersion,
    keys: BTreeMap<KeyVersion, Key>,
}

impl Keyring {
    /// Parses the deploy-time secret: `{"current": 2, "keys": {"1": "<32 bytes, base64>", "2": "…"}}`.
    ///
    /// # Errors
    /// One of the `Keyring…` variants, each naming what is wrong and none of the values.
    pub fn from_json(json: &str) -> Result<Self, VaultError> {
        let (current, keys) = parse::keyring(json)?;
        if !keys.contains_key(&current) {
            return Err(VaultError::KeyringCurrent);
        }
        Ok(Self { current, keys })
    }

    /// The version that wraps new keys.
    pub const fn current(&self) -> KeyVersion {
        self.current
    }

    /// Every version, the lowest first.
    pub fn versions(&self) -> impl Iterator<Item = KeyVersion> + '_ {
        self.keys.keys().copied()
    }

    /// Whether a version is listed.
    pub fn has(&self, version: KeyVersion) -> bool {
        self.keys.contains_key(&version)
    }

    /// The highest version.
    pub fn highest(&self) -> KeyVersion {
        self.keys.last_key_value().map_or(self.current, |(version, _)| *version)
    }

    /// A fresh random data key for `org`, at DEK version 1, bound to the org and wrapped by the KEK of that version, or by
    /// the current one.
    ///
    /// # Errors
    /// [`VaultError::UnknownKek`], [`VaultError::Random`].
    pub fn new_dek(&self, org: &str, kek: Option<KeyVersion>) -> Result<WrappedDek, VaultError> {
        self.wrap(org, kek.unwrap_or(self.current), DekVersion::FIRST, &Key::random()?)
    }

    /// A fresh random data key in place of `old`, at the next DEK version: new records are sealed by it, the ones before
    /// name the old one.
    ///
    /// # Errors
    /// [`VaultError::UnknownKek`], [`VaultError::Random`]; [`VaultError::Length`] after 2^32 - 1 of them.
    pub fn rotate_dek(&self, org: &str, old: &WrappedDek, kek: KeyVersion) -> Result<WrappedDek, VaultError> {
        let next = old.dek_version().next().ok_or(VaultError::Length)?;
        self.wrap(org, kek, next, &Key::random()?)
    }

    /// Opens an org's data key.
    ///
    /// # Errors
    /// [`VaultError::UnknownKek`] for a KEK not listed; [`VaultError::Refused`] for another org's key or changed bytes.
    pub fn unwrap(&self, org: &str, wrapped: &WrappedDek) -> Result<Dek, VaultError> {
        Ok(Dek::new(wrapped.dek_version(), self.open(org, wrapped)?))
    }

    /// The same data key wrapped by the KEK of another version; `None` if it already is.
    ///
    /// # Errors
    /// As [`Keyring::unwrap`], of either version.
    pub fn rewrap(
        &self,
        org: &str,
        wrapped: &WrappedDek,
        to: KeyVersion,
    ) -> Result<Option<WrappedDek>, VaultError> {
        if wrapped.key_version() == to {
            return Ok(None);
        }
        self.wrap(org, to, wrapped.dek_version(), &self.open(org, wrapped)?).map(Some)
    }

    fn wrap(
        &self,
        org: &str,
        kek: KeyVersion,
        dek_version: DekVersion,
        dek: &Key,
    ) -> Result<WrappedDek, VaultError> {
        self.wrap_with_nonce(org, Head { kek, dek: dek_version }, dek, cipher::fresh_nonce()?)
    }

    fn wrap_with_nonce(
        &self,
        org: &str,
        head: Head,
        dek: &Key,
        nonce: [u8; NONCE_LEN],
    ) -> Result<WrappedDek, VaultError> {
        let sealed = self.kek(head.kek)?.encrypt(&nonce, &head.aad(org), dek.as_bytes())?;
        WrappedDek::from_bytes(&[head.bytes().as_slice(), &nonce, &sealed].concat())
    }

    fn open(&self, org: &str, wrapped: &WrappedDek) -> Result<Key, VaultError> {
        let (nonce, sealed) = wrapped.parts()?;
        let dek = self.kek(wrapped.head.kek)?.decrypt(nonce, &wrapped.head.aad(org), sealed)?;
        Key::from_slice(&dek).ok_or(VaultError::Length)
    }

    fn kek(&self, version: KeyVersion) -> Result<&Key, VaultError> {
        self.keys.get(&version).ok_or(VaultError::UnknownKek)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("current", &self.current.get())
            .field("versions", &self.keys.len())
            .finish_non_exhaustive()
    }
}

const FORMAT: u8 = 1;
const KIND: u8 = b'K';
const HEAD_LEN: usize = 10;
const WRAPPED_LEN: usize = HEAD_LEN + NONCE_LEN + KEY_LEN + TAG_LEN;
const AAD_LABEL: &[u8] = b"sluicegate vault: data key";

/// An org's data key as it is stored: useless without the KEK version that it names.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedDek {
    bytes: [u8; WRAPPED_LEN],
    head: Head,
}

impl WrappedDek {
    /// Reads the stored form. Nothing is decrypted yet.
    ///
    /// # Errors
    /// [`VaultError::UnknownFormat`], [`VaultError::Length`] or [`VaultError::ZeroVersion`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        match bytes {
            [FORMAT, KIND, ..] => {}
            [] | [FORMAT] => return Err(VaultError::Length),
            _ => return Err(VaultError::UnknownFormat),
        }
        let bytes: [u8; WRAPPED_LEN] = bytes.try_into().map_err(|_| VaultError::Length)?;
        let [_, _, k0, k1, k2, k3, d0, d1, d2, d3, ..] = bytes;
        let kek = KeyVersion(version([k0, k1, k2, k3])?);
        let dek = DekVersion::new(version([d0, d1, d2, d3])?);
        Ok(Self { bytes, head: Head { kek, dek } })
    }

    /// The stored form, 70 bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The KEK that wraps it: what a rotation counts and a retirement asks about.
    pub const fn key_version(&self) -> KeyVersion {
        self.head.kek
    }

    /// The version that records sealed by this key name.
    pub const fn dek_version(&self) -> DekVersion {
        self.head.dek
    }

    fn parts(&self) -> Result<(&[u8; NONCE_LEN], &[u8]), VaultError> {
        self.bytes.split_at(HEAD_LEN).1.split_first_chunk().ok_or(VaultError::Length)
    }
}

impl fmt::Debug for WrappedDek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedDek")
            .field("key_version", &self.head.kek.get())
            .field("dek_version", &self.head.dek.get())
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    kek: KeyVersion,
    dek: DekVersion,
}

impl Head {
    fn bytes(self) -> [u8; HEAD_LEN] {
        let ([k0, k1, k2, k3], [d0, d1, d2, d3]) =
            (self.kek.get().to_be_bytes(), self.dek.get().to_be_bytes());
        [FORMAT, KIND, k0, k1, k2, k3, d0, d1, d2, d3]
    }

    fn aad(self, org: &str) -> Vec<u8> {
        let mut aad = Vec::new();
        cipher::push_field(&mut aad, AAD_LABEL);
        cipher::push_field(&mut aad, &self.bytes());
        cipher::push_field(&mut aad, org.as_bytes());
        aad
    }
}

/// A stored key version: big-endian, never zero.
pub(crate) fn version(bytes: [u8; 4]) -> Result<NonZeroU32, VaultError> {
    NonZeroU32::new(u32::from_be_bytes(bytes)).ok_or(VaultError::ZeroVersion)
}

#[cfg(test)]
mod tests;
