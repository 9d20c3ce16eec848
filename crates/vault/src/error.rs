//! Why the vault refused. No variant carries a value, so none can carry a secret into a log.

/// A refusal of the vault. Each variant is one cause; its text is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The keyring is not JSON of the form `{"current": 2, "keys": {"1": "…", "2": "…"}}`.
    #[error("keyring: not the expected JSON")]
    KeyringSyntax,
    /// A version is zero, above 2^32 - 1, or not written as a plain decimal number.
    #[error("keyring: a key version is not a number from 1 to 4294967295")]
    KeyringVersion,
    /// A version, or the same key under two versions, is listed twice.
    #[error("keyring: a key or its version is listed twice")]
    KeyringDuplicate,
    /// A key is not standard padded base64.
    #[error("keyring: a key is not base64")]
    KeyringEncoding,
    /// A key is not 256 bits long.
    #[error("keyring: a key is not 32 bytes")]
    KeyringLength,
    /// `current` names a key that is not listed.
    #[error("keyring: the current key is not listed")]
    KeyringCurrent,
    /// The stored bytes begin with a format this code does not know.
    #[error("unknown stored format")]
    UnknownFormat,
    /// The stored bytes are shorter, or for a wrapped key longer, than their format allows.
    #[error("stored bytes have the wrong length")]
    Length,
    /// The stored bytes name version zero of a key, which does not exist.
    #[error("stored bytes name an impossible key version")]
    ZeroVersion,
    /// The key was wrapped by a KEK that the keyring does not hold.
    #[error("wrapped by a key-encryption key that is not in the keyring")]
    UnknownKek,
    /// The record was sealed by another version of the org's DEK.
    #[error("sealed by another data key")]
    OtherDek,
    /// Authentication failed: another key, another place, or changed bytes. Which of them cannot be told.
    #[error("does not open here")]
    Refused,
    /// The platform gave no randomness.
    #[error("no randomness available")]
    Random,
}
