//! Webhook signatures: who signs how, as one table, and the one verifier that reads it.
//!
//! A [`Provider`] is data: algorithm, key form, header grammar, the string that is signed, where the time and the
//! event id stand. Adding a provider is a few lines in `table/` and a test vector, never a new branch here.
//!
//! Invariant 9 (raw bytes first): [`verify`] takes the body as the bytes that arrived and looks inside it only after
//! the signature over those bytes was found valid.
#![forbid(unsafe_code)]

mod challenge;
mod encoding;
mod handshake;
mod headers;
mod json;
mod mac;
mod provider;
mod redact;
mod secret;
pub mod sign;
mod signatures;
mod signing_key;
mod table;
mod time;
mod verify;

pub use challenge::{Challenge, url_check};
pub use handshake::{Handshake, handshake};
pub use headers::Headers;
pub use provider::Provider;
pub use redact::is_sensitive_header;
pub use secret::{SecretError, SecretKey};
pub use signing_key::{Signer, SigningKey};
pub use table::{provider, providers};
pub use verify::{Refusal, Request, Verified, verify};

#[cfg(test)]
mod tests;
