//! Sign-in with an identity provider: the relying party of OpenID Connect Core 1.0, as logic without I/O. The control
//! plane makes the requests and keeps the clock; everything that decides is here and runs natively.
//!
//! One sign-in, in order:
//!
//! 1. [`Issuer`] and [`discovery_url`] → fetch → [`Metadata::parse`], kept in a [`Cached`].
//! 2. [`Attempt::new`], [`Attempt::authorization_url`], and [`Attempt::to_cookie`] into an HttpOnly, Secure,
//!    `SameSite=Lax` cookie (the callback is a navigation from the provider's site; `Strict` would not send it).
//! 3. On the callback: [`Attempt::from_cookie`], [`Callback::from_query`], [`Attempt::check_callback`] → [`Code`].
//! 4. [`TokenRequest::new`] → fetch → [`tokens`]; [`Jwks::parse`], kept in a [`Cached`].
//! 5. [`verify_id_token`] with [`Attempt::expects`] → [`Identity`]. On [`OidcError::UnknownKey`] the key set is fetched
//!    again, if [`Cached::claim_refetch`] allows, and the token verified once more.
//!    Where that names no email: the userinfo endpoint → [`Identity::with_user_info`].
//! 6. An identity without an account waits in a [`PendingIdentity`] cookie until its person has accepted the terms.
//!
//! The types keep providers apart (RFC 9700, section 4.4, mix-up): an attempt, a key set and the metadata each know their
//! issuer, and what belongs to another is refused. The PKCE verifier, the nonce and the expected issuer come from the attempt
//! alone. The caller's requests must not follow redirects and must bound what they read, see the `MAX_…_LEN`s.
//!
//! Not provided: `response_mode=form_post`, encrypted ID tokens, issuers with a placeholder (`{tenantid}`), refresh tokens
//! (none are asked for, and access tokens are thrown away).
#![forbid(unsafe_code)]

mod attempt;
mod authorize;
mod cache;
mod callback;
mod cookie;
mod error;
mod exchange;
#[cfg(test)]
mod fixtures;
mod id_token;
mod issuer;
mod jwks;
mod metadata;
mod pending;
mod return_path;

pub use attempt::{ATTEMPT_TTL_S, Attempt, Purpose, SignedIn};
pub use authorize::SCOPES;
pub use cache::{Cached, REFETCH_INTERVAL_S, TTL_S};
pub use callback::{Callback, Code};
pub use cookie::{MAX_COOKIE_LEN, StateKey};
pub use error::OidcError;
pub use exchange::{Client, MAX_RESPONSE_LEN, TokenRequest, Tokens, tokens};
pub use id_token::{Expected, Identity, MAX_TOKEN_LEN, verify_id_token};
pub use issuer::{Issuer, Transport};
pub use jwks::{Jwks, MAX_JWKS_LEN};
pub use metadata::{MAX_METADATA_LEN, Metadata, discovery_url};
pub use pending::{PENDING_TTL_S, PendingIdentity};
pub use return_path::ReturnPath;

use subtle::ConstantTimeEq as _;

/// Compares without telling by its time where the two differ; a different length does show.
fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}
