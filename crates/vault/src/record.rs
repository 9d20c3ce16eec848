//! Sealing one record under an org's data key, bound to its place (invariant 4; claims M1, C2).
//!
//! Stored form, frozen: `0x01 | DEK version, u32 BE | nonce, 12 | ciphertext | tag, 16`: 33 bytes more than the plaintext.
//! The AAD is [`Context`] after a domain label and the first five stored bytes, every field length-prefixed, so moving a
//! row to another org, record, connector, host list or purpose makes it refuse to open.

use crate::VaultError;
use crate::cipher::{self, Key, NONCE_LEN, TAG_LEN};
use crate::keyring::version;
use std::fmt;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// Version of an org's data key, from 1. Sealed records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DekVersion(NonZeroU32);

impl DekVersion {
    pub(crate) const FIRST: Self = Self(NonZeroU32::MIN);

    pub(crate) const fn new(version: NonZeroU32) -> Self {
        Self(version)
    }

    /// The one after it; `None` after the last.
    pub(crate) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    /// The number as stored.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// What a ciphertext is bound to: the same values must be given to open it.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The org's whole id.
    pub org: &'a str,
    /// The record's whole id: a connection's, a source's, an event's.
    pub record: &'a str,
    /// The connector or webhook provider; empty where the purpose has none.
    pub connector: &'a str,
    /// The hosts a credential may be sent to, in the order stored; empty where the purpose has none.
    pub allowed_hosts: &'a [String],
    /// What the plaintext is.
    pub purpose: Purpose,
}

/// What a sealed plaintext is. Each has a frozen byte in the AAD: a new purpose takes a new number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// A connection's credential.
    Credential,
    /// The secret that verifies a webhook source.
    SourceSecret,
    /// A stored inbound event's headers and body.
    InboundEvent,
    /// The answer kept for an `Idempotency-Key`.
    IdempotencyRecord,
    /// The secret that signs an endpoint's deliveries.
    EndpointSecret,
    /// The secret of an account's authenticator app; the account's id stands for the org's.
    TotpSecret,
    /// The secret of a workspace's own OAuth client; the record is the connector's id.
    ClientSecret,
    /// The PKCE verifier of an authorization under way; the record is the digest of its state.
    AuthorizationVerifier,
    /// A message's payload.
    MessagePayload,
    /// The headers that go with an endpoint's deliveries; the record is the endpoint.
    EndpointHeaders,
    /// An endpoint's whole URL; the record is the endpoint.
    EndpointUrl,
}

impl Purpose {
    const fn wire(self) -> u8 {
        match self {
            Self::Credential => 1,
            Self::SourceSecret => 2,
            Self::InboundEvent => 3,
            Self::IdempotencyRecord => 4,
            Self::EndpointSecret => 5,
            Self::TotpSecret => 6,
            Self::ClientSecret => 7,
            Self::AuthorizationVerifier => 8,
            Self::MessagePayload => 9,
            Self::EndpointHeaders => 10,
            Self::EndpointUrl => 11,
        }
    }
}

/// An org's data key, opened. Wiped on drop; made by [`Keyring::unwrap`](crate::Keyring::unwrap) alone.
pub struct Dek {
    version: DekVersion,
    key: Key,
}

impl Dek {
    pub(crate) const fn new(version: DekVersion, key: Key) -> Self {
        Self { version, key }
    }

    /// The version that what it seals will name.
    pub const fn version(&self) -> DekVersion {
        self.version
    }

    /// Seals `plaintext` to its place under a fresh random nonce.
    ///
    /// # Errors
    /// [`VaultError::Random`]; [`VaultError::Length`] above 64 GiB.
    pub fn seal(&self, context: &Context<'_>, plaintext: &[u8]) -> Result<Sealed, VaultError> {
        self.seal_with_nonce(context, plaintext, cipher::fresh_nonce()?)
    }

    /// Opens what was sealed in the same place.
    ///
    /// # Errors
    /// [`VaultError::OtherDek`] when another version of the org's key sealed it; [`VaultError::Refused`] when it was
    /// changed or moved.
    pub fn open(&self, context: &Context<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let parts = Parts::read(&sealed.bytes)?;
        if parts.dek != self.version {
            return Err(VaultError::OtherDek);
        }
        self.key.decrypt(&parts.nonce, &aad(parts.dek, context), parts.ciphertext)
    }

    fn seal_with_nonce(
        &self,
        context: &Context<'_>,
        plaintext: &[u8],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Sealed, VaultError> {
        let ciphertext = self.key.encrypt(&nonce, &aad(self.version, context), plaintext)?;
        let bytes = [head(self.version).as_slice(), &nonce, &ciphertext].concat();
        Ok(Sealed { bytes, dek: self.version })
    }
}

impl fmt::Debug for Dek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dek").field("version", &self.version.get()).finish_non_exhaustive()
    }
}

/// A sealed record as it is stored. Its form is checked, its authenticity only by [`Dek::open`].
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    bytes: Vec<u8>,
    dek: DekVersion,
}

impl Sealed {
    /// Takes the stored form.
    ///
    /// # Errors
    /// [`VaultError::UnknownFormat`], [`VaultError::Length`] or [`VaultError::ZeroVersion`].
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, VaultError> {
        let bytes = bytes.into();
        let dek = Parts::read(&bytes)?.dek;
        Ok(Self { bytes, dek })
    }

    /// The version of the data key that has sealed it.
    pub const fn dek_version(&self) -> DekVersion {
        self.dek
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stored form, owned.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

const FORMAT: u8 = 1;
const HEAD_LEN: usize = 5;
const AAD_LABEL: &[u8] = b"sluicegate vault: record";

fn head(dek: DekVersion) -> [u8; HEAD_LEN] {
    let [a, b, c, d] = dek.get().to_be_bytes();
    [FORMAT, a, b, c, d]
}

fn aad(dek: DekVersion, context: &Context<'_>) -> Vec<u8> {
    let mut aad = Vec::new();
    for field in [
        AAD_LABEL,
        &head(dek),
        context.org.as_bytes(),
        context.record.as_bytes(),
        context.connector.as_bytes(),
    ] {
        cipher::push_field(&mut aad, field);
    }
    aad.extend_from_slice(&(context.allowed_hosts.len() as u64).to_be_bytes());
    for host in context.allowed_hosts {
        cipher::push_field(&mut aad, host.as_bytes());
    }
    aad.push(context.purpose.wire());
    aad
}

struct Parts<'a> {
    dek: DekVersion,
    nonce: [u8; NONCE_LEN],
    ciphertext: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, VaultError> {
        match bytes.split_first() {
            None => return Err(VaultError::Length),
            Some((&FORMAT, _)) => {}
            Some(_) => return Err(VaultError::UnknownFormat),
        }
        let ([_, a, b, c, d], rest) = bytes.split_first_chunk::<HEAD_LEN>().ok_or(VaultError::Length)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Length)?;
        if ciphertext.len() < TAG_LEN {
            return Err(VaultError::Length);
        }
        Ok(Self { dek: DekVersion(version([*a, *b, *c, *d])?), nonce: *nonce, ciphertext })
    }
}

#[cfg(test)]
mod tests;
