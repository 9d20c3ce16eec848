//! The public JSON: one module a resource. Requests deny unknown fields, so that a typing error is an answer and not a
//! setting silently left out; secrets come in as `SecretString` and have no way out.

mod account;
mod accounts;
mod admin;
mod api_keys;
mod audit;
mod connections;
mod connectors;
mod endpoints;
mod inbound;
mod keys;
mod members;
mod messages;
mod sessions;

pub use account::*;
pub use accounts::*;
pub use admin::*;
pub use api_keys::*;
pub use audit::*;
pub use connections::*;
pub use connectors::*;
pub use endpoints::*;
pub use inbound::*;
pub use keys::*;
pub use members::*;
pub use messages::*;
pub use sessions::*;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Give this as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A secret on its one way out, or on its way through from the edge: a new key, a session token. Opaque in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ShownOnce(pub String);

impl fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
