//! Connections: a third party's credential and where it may be used.

use crate::ConnectionId;
use serde::{Deserialize, Serialize};

/// `POST /v1/connections`. `A` is the credential's type, which only the control plane has.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewConnection<A> {
    /// A connector of the catalogue; `http` is the generic one.
    pub connector: String,
    /// For people.
    pub name: String,
    /// HTTPS URL of a public host, without query: the credential goes nowhere else. Required for `http`.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The credential. Sealed at once; no call returns it.
    pub auth: A,
}

/// A connection, without its credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Connection {
    /// `con_…`
    pub id: ConnectionId,
    /// A connector of the catalogue.
    pub connector: String,
    /// For people.
    pub name: String,
    /// `active`.
    pub status: ConnectionStatus,
    /// Where proxied paths are appended.
    pub base_url: String,
    /// `bearer`, `api_key` or `basic`.
    pub auth_type: String,
    /// Hosts (`host[:port]`) that the credential is bound to.
    pub allowed_hosts: Vec<String>,
    /// OAuth scopes granted; empty for credentials without scopes.
    pub scopes: Vec<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; at most a minute behind.
    pub last_used_at: Option<String>,
}

/// Whether a connection can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// It can.
    Active,
}

/// The answer to `DELETE /v1/connections/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Disconnected {
    /// What became of the credential.
    pub receipt: Receipt,
}

/// What became of a credential at its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The connection that was.
    pub connection_id: ConnectionId,
    /// At the provider.
    pub revocation: Revocation,
    /// RFC 3339: from when on the sealed credential is gone from the database.
    pub deleted_at: String,
}

/// How far revocation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// The provider has no way to revoke this kind of credential; end it at the provider.
    Unsupported,
}

/// The credential of a [`NewConnection`], for the documentation alone: the type that parses it is the control plane's.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[allow(dead_code, missing_docs)]
pub enum Credential {
    /// `Authorization: Bearer …`
    Bearer { token: String },
    /// A header or a query parameter; exactly one of the two.
    ApiKey { header: Option<String>, query: Option<String>, value: String },
    /// RFC 7617.
    Basic { username: String, password: String },
}
