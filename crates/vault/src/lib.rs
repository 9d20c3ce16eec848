//! The vault: how a third-party credential is kept so that a copy of the database opens nothing.
//!
//! ```text
//! Keyring   KEKs by version, a deploy-time secret of the control plane alone
//!   └ wraps → WrappedDek   one random data key per org, stored in the org's database
//!               └ unwrap → Dek
//!                            └ seals → Sealed   one record, bound to its Context
//! ```
//!
//! Keeps invariant 3 (a secret goes in and never comes out: every key and opened plaintext is wiped on drop, and no
//! `Debug` or error here shows a byte of one) and invariant 4 (a ciphertext is bound to its place). Each format, key
//! version and context is explicit in what is stored or authenticated; whatever is unknown is refused.
//!
//! Not provided: hiding a plaintext's length, and noticing that an older record was put back in its own place.
#![forbid(unsafe_code)]

mod cipher;
mod error;
mod keyring;
mod record;

pub use error::VaultError;
pub use keyring::{KeyVersion, Keyring, WrappedDek};
pub use record::{Context, Dek, DekVersion, Purpose, Sealed};
pub use zeroize::Zeroizing;
