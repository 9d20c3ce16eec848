//! Everything a caller presents: session tokens, API keys, CSRF tokens, source ids, mailed links, passwords, second factors.
//!
//! Invariant 1 shapes it: the edge holds a [`SessionVerifier`] (public keys) and a [`MacKey`], with which it refuses
//! forged and mistyped credentials without a network read. Only the control plane holds a [`SessionSigner`]. The MAC key
//! is a filter, never the authority: whoever steals it can make a key that passes the edge, but none that any org's
//! object knows.
//!
//! Time is a parameter in Unix seconds; no clock is read here. Comparisons of secrets are constant-time.
#![forbid(unsafe_code)]

pub mod base32;

mod api_key;
mod csrf;
mod digest;
mod error;
mod link;
mod mac;
mod org;
mod passage;
mod password;
mod recovery;
mod session;
mod slow_hash;
mod source_id;
mod totp;
mod typed;

pub use api_key::{API_KEY_BCRYPT_COST, ApiKeyFormat, KeyDigest, MintedKey, PresentedKey};
pub use base32::random_base32;
pub use csrf::{csrf_token, csrf_valid};
pub use error::TokenError;
pub use link::{LinkKind, MintedLink, PresentedLink, mint_link, parse_link};
pub use mac::MacKey;
pub use passage::Passage;
pub use password::{
    HashWork, PASSWORD_COST, VerifyWork, check_password, hash_password, nfc, nfkc, verify_password,
};
pub use recovery::{generate_recovery_codes, recovery_code_digest};
pub use session::{
    AUDIENCE, COOKIE_AUDIENCE, DELETION_CERTIFICATE, MAX_TOKEN_LEN, SessionClaims, SessionSigner,
    SessionVerifier, Verified,
};
pub use source_id::{mint_source_id, parse_source_id};
pub use totp::TotpSecret;
