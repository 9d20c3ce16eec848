//! Session tokens: short JWTs (RFC 7519) signed with Ed25519 (RFC 8037), claims M4 and F9.
//!
//! The control plane signs, the edge verifies with public keys alone (invariant 1). The server-side session record stays
//! the authority: a token only says who claims to be calling, so one that has merely expired is told apart from a forged
//! one and the org's object may renew it.

mod keys;
mod verify;

pub use keys::SessionSigner;
pub use verify::{SessionVerifier, Verified};

use serde::{Deserialize, Serialize};

/// The `aud` of every session token that goes in `Authorization`.
pub const AUDIENCE: &str = "sluicegate";

/// The `aud` of every session token that goes in the cookie. Only such a one is renewed when it has run out, so a bearer token
/// that ended, and may lie in some log, is nothing in a cookie either.
pub const COOKIE_AUDIENCE: &str = "sluicegate-cookie";

/// The `typ` of a deletion certificate (RFC 8725, section 3.11: each kind of token has its own).
pub const DELETION_CERTIFICATE: &str = "deletion-certificate+jwt";

/// Longest token taken, in bytes. Ours are under 500.
pub const MAX_TOKEN_LEN: usize = 2048;

/// What a session token says. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClaims {
    /// The user's id.
    pub sub: String,
    /// The org the session acts in.
    pub org: String,
    /// The user's role in it when the token was signed.
    pub role: String,
    /// The server-side session record.
    pub sid: String,
    /// When it was signed.
    pub iat: u64,
    /// When it ends.
    pub exp: u64,
}

/// The claims that RFC 7519 does not register.
#[derive(Serialize, Deserialize)]
struct OwnClaims {
    org: String,
    role: String,
    sid: String,
    /// Of an API key's assertion: its scopes, apart by spaces (RFC 8693, section 4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

#[cfg(test)]
mod tests;
