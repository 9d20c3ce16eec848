//! OAuth 2.0 as a client, for connections: RFC 6749 with PKCE (RFC 7636), revocation (RFC 7009), the issuer in the callback
//! (RFC 9207) and the practice of RFC 9700. Logic without I/O and clock; the control plane sends the requests, must not
//! follow their redirects, and reads at most [`MAX_ANSWER`] bytes of an answer.
//!
//! One connection, in order:
//!
//! 1. [`State::random`], [`Verifier::random`] → [`authorization_url`]. Stored: [`State::digest`] and the sealed verifier.
//! 2. [`Callback::parse`] → the attempt of that state, taken once → [`Callback::is_from`].
//! 3. [`TokenRequest::exchange`] → [`TokenAnswer::read`] → [`missing`] and [`excess`] scopes.
//! 4. [`TokenRequest::refresh`] → [`TokenAnswer::read`], as often as needed.
//! 5. [`RevocationRequest::new`] → [`revocation_verdict`].
//!
//! Invariant 3: tokens, codes, secrets and verifiers are opaque in `Debug`, and of a provider's text no more than an error
//! code of plain letters is kept.

mod answer;
mod callback;
mod error_code;
mod request;
mod revocation;
mod scopes;
mod start;

pub use answer::{Granted, MAX_ANSWER, Refusal, TokenAnswer, TokenOutcome};
pub use callback::{Callback, CallbackError};
pub use error_code::ErrorCode;
pub use request::TokenRequest;
pub use revocation::{
    Revocation, RevocationAuthentication, RevocationKind, RevocationRequest, RevocationToken, Verdict,
    revocation_verdict,
};
pub use scopes::{excess, missing};
pub use start::{NoRandomness, State, Verifier, authorization_url};

use crate::catalogue::TokenBody;
use secrecy::SecretString;

/// The media type of RFC 6749 and RFC 7009.
const FORM: &str = "application/x-www-form-urlencoded";

/// A provider, as the catalogue describes it.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// Where the browser is sent.
    pub authorize_url: &'a str,
    /// Where codes and refresh tokens are redeemed.
    pub token_url: &'a str,
    /// It takes a PKCE challenge of method S256.
    pub pkce: bool,
    /// How it wants the client's secret.
    pub client_authentication: ClientAuthentication,
    /// What it wants in the authorization request besides, such as Google's `access_type=offline`.
    pub authorize_params: &'a [(String, String)],
    /// What it wants in every request to its token endpoint besides.
    pub token_params: &'a [(String, String)],
    /// The form of those requests.
    pub token_body: TokenBody,
    /// What stands between two scopes: a space (RFC 6749, section 3.3), with some a comma.
    pub scope_separator: &'a str,
}

/// Where the client's secret goes in a token request (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Into the body.
    Post,
    /// Into an `Authorization: Basic` header.
    Basic,
}

/// How the operator, or a workspace, is registered at a provider.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: SecretString,
}
