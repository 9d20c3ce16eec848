//! Connectors: what a stored credential may be used for, and how it gets into a request and never out of an answer.
//!
//! The pure half of the credential broker. A proxied call goes [`Connector::decide`](catalogue::Connector::decide) →
//! [`BaseUrl::join`] → [`forward_request`] → [`Credential::apply`] → the network → [`FieldFilter`] → [`Scrubber`] and
//! [`forward_response`]; the generic `http` connector has neither rules nor a filter. What a provider is, and which
//! requests of it pass, is data: `catalogue/<id>.toml`.
//!
//! Invariants 3 (a secret goes in and never comes out) and 4 (it goes to its own host and no other) of ARCHITECTURE.md
//! are kept by these modules; what happens after name resolution is the runtime's part.

#![forbid(unsafe_code)]

mod address;
mod auth;
pub mod catalogue;
mod error;
mod exchange;
mod filter;
mod headers;
mod inject;
pub mod oauth;
mod policy;
mod scrub;
mod target;
mod targets;

pub use address::is_public;
pub use auth::{Credential, CredentialInput, IN_AUTH, Placement};
pub use error::Error;
pub use exchange::{Exchange, is_safe};
pub use filter::{FieldFilter, FilterError};
pub use headers::{Headers, forward_request, forward_response, is_proxy_claim, is_scrubbable, settable};
pub use inject::Outbound;
pub use policy::{Allowed, Considered, Decision, Explanation, Refusal, SoqlProblem};
pub use scrub::{REDACTED, Scrubber};
pub use target::{BaseUrl, TargetPolicy, check_host, is_plain_path};
pub use targets::Targets;
