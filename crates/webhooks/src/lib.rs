//! Webhook signatures: who signs how, as one table, and the one verifier that reads it.
//!
//! A [`Provider`] is data: algorithm, key form, header grammar, the string that is signed, where the time and the
//! event id stand. Adding a provider is a few lines in `table/` and a test vector, never a new branch here.
//!
//! Invariant 9 (raw bytes first): [`verify`] takes the body as the bytes that arrived and looks inside it only after
//! the signature over those bytes was found valid. Where a provider keeps its signature inside the body there is nothing
//! else to do than look first; those rows have a caveat, and their reader is strict.
#![forbid(unsafe_code)]

mod certificate;
mod challenge;
mod encoding;
mod fetched;
mod form;
pub mod generic;
mod handshake;
mod headers;
mod inside;
mod json;
mod jwt;
mod mac;
mod message;
mod paypal;
pub mod plaid;
mod provider;
mod public_key;
mod redact;
mod secret;
pub mod sign;
mod signatures;
mod signing_key;
mod sns;
mod summary;
mod table;
mod time;
mod url;
mod verify;

pub use challenge::{Challenge, url_check};
pub use fetched::{FetchedKey, KeySource, Pending, read};
pub use handshake::{SentSecret, sent_secret};
pub use headers::Headers;
pub use provider::{Handshake, Provider, Row, Tested};
pub use redact::is_sensitive_header;
pub use secret::{Credential, SecretError, SecretKey};
pub use signing_key::{Signer, SigningKey};
pub use table::{provider, providers};
pub use verify::{Refusal, Request, Verified, verify};

#[cfg(test)]
mod tests;
