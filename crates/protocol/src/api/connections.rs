//! Connections: a third party's credential and where it may be used.

use crate::ConnectionId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `POST /v1/connections`. `A` is the credential's type, which only the control plane has.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewConnection<A> {
    /// A connector of the catalogue (`GET /v1/connectors`); `http` is the generic one.
    pub connector: String,
    /// For people.
    pub name: String,
    /// HTTPS URL of a public host, without query: the credential goes nowhere else. For `http` alone.
    #[serde(default)]
    pub base_url: Option<String>,
    /// What the connector asks for besides a credential: a subdomain, a host, a database.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The credential, sealed at once; no call returns it. `oauth2`: the answer says where to send the person who grants
    /// access, and takes a session.
    pub auth: A,
    /// Path of this installation's pages where the browser goes on after OAuth.
    #[serde(default)]
    pub return_to: Option<String>,
    /// `postgres`: queries are answered although the role has rights to write in the database: on tables, sequences,
    /// schemas, the database. A role that is, or is a member of, a superuser, a role with CREATEROLE, CREATEDB or REPLICATION,
    /// or a predefined role that reaches files, programs or other sessions is refused all the same: a read-only transaction
    /// does not keep it from those.
    #[serde(default)]
    pub allow_writable_role: bool,
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
    /// Whether it can be used.
    pub status: ConnectionStatus,
    /// What is wrong, where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<StatusReason>,
    /// Where proxied paths are appended; empty for what is not HTTP.
    pub base_url: String,
    /// As given.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// `bearer`, `api_key`, `basic`, `oauth2` or `none`.
    pub auth_type: String,
    /// Hosts (`host[:port]`) that the credential is bound to.
    pub allowed_hosts: Vec<String>,
    /// OAuth scopes granted; empty for credentials without scopes.
    pub scopes: Vec<String>,
    /// OAuth scopes that were asked for and not granted: requests that need them will fail at the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    /// Where to send the person who grants access. Only in the answer that begins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; at most a minute behind.
    pub last_used_at: Option<String>,
    /// RFC 3339: the last time that the provider gave a fresh access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_at: Option<String>,
}

/// Whether a connection can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// It waits for a person to grant access at the provider.
    Pending,
    /// It can.
    Active,
    /// The provider no longer takes its refresh token: a person has to grant access again.
    ReauthorizationRequired,
}

impl ConnectionStatus {
    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::ReauthorizationRequired => "reauthorization_required",
        }
    }
}

/// Why access has to be granted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatusReason {
    /// The provider refuses the refresh token: it was revoked there, or has expired.
    Refused,
    /// The provider refuses the refresh token after an answer of its that never arrived: it has most likely given a new
    /// one that was lost on the way.
    RotationLost,
    /// The provider refuses this installation's client: the operator has to mend `client_id` or secret.
    ClientRefused,
}

impl StatusReason {
    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::RotationLost => "rotation_lost",
            Self::ClientRefused => "client_refused",
        }
    }
}

/// `POST /v1/connections/{id}/authorize`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Authorize {
    /// As in [`NewConnection`].
    #[serde(default)]
    pub return_to: Option<String>,
}

/// The way to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Authorization {
    /// Where to send the person's browser.
    pub authorize_url: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// What came of the way back from a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorized {
    /// As it is now.
    pub connection: Connection,
    /// Where the browser goes on, a path.
    pub return_to: Option<String>,
}

/// `PUT /v1/connections/{id}/auth`: another credential of the same kind; the id stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplaceCredential<A> {
    /// As in [`NewConnection`], but for `oauth2`.
    pub auth: A,
}

/// `POST /v1/connections/{id}/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionTest {
    /// Whether the provider took the credential.
    pub ok: bool,
    /// Its HTTP status, where it speaks HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What is wrong, as a machine reads it: `unauthorized`, `forbidden`, `bad_password`, `no_starttls`, `tls_failed`,
    /// `timeout`, `unreachable`, `upstream_error`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// From sending to the head of the answer, milliseconds.
    pub duration_ms: u64,
}

/// `POST /v1/connections/{id}/dry-run`: a request that is not sent.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// Upper case.
    pub method: String,
    /// What would follow `/proxy`, with the query.
    pub path: String,
    /// The body as text, for connectors that look at it.
    #[serde(default)]
    pub body: Option<String>,
}

/// What would become of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DryRunResult {
    /// Whether it would be sent for the caller.
    pub allowed: bool,
    /// The rule of the connector that decides; absent for `http` and where no rule is near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why.
    pub reason: String,
    /// It writes: it takes a person's own session.
    pub writes: bool,
    /// Where it would go, as it would be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What would be returned of the answer; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

/// `POST /v1/connections/{id}/query`: reads from a warehouse.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// One statement that reads, with `$1`, `$2` … for its parameters.
    pub sql: String,
    /// Text, numbers, booleans or null.
    #[serde(default)]
    pub parameters: Vec<serde_json::Value>,
    /// At most this many rows: from 1 to `limits.query_rows`, which it is where it is left out.
    #[serde(default)]
    pub max_rows: Option<u32>,
}

/// The answer to a [`Query`], streamed and not stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueryResult {
    /// Names, in the order of each row.
    pub columns: Vec<String>,
    /// Values as PostgreSQL's `row_to_json` writes them.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// How many.
    pub row_count: u64,
    /// There were more rows than the caps allow.
    pub truncated: bool,
}

/// The answer to `DELETE /v1/connections/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Disconnected {
    /// What became of the credential.
    pub receipt: Receipt,
}

/// What became of a credential, here and at its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The connection that was.
    pub connection_id: ConnectionId,
    /// Its connector.
    pub connector: String,
    /// Its name.
    pub name: String,
    /// At the provider.
    pub revocation: Revocation,
    /// RFC 3339: from when on nothing was sent with it.
    pub disconnected_at: String,
    /// RFC 3339: when the sealed credential was wiped from the database; absent while revocation is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    /// What was tried at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What is left to do by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a provider said to a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// The revocation endpoint, without query.
    pub endpoint: String,
    /// Its last status; absent where it could not be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// RFC 3339, of the last attempt.
    pub at: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// How far revocation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// Being tried again for up to a day.
    Pending,
    /// The provider has ended the credential, or says that it had ended before.
    Revoked,
    /// The provider has no way to revoke this kind of credential; end it at the provider.
    Unsupported,
    /// The provider did not do it; end it at the provider.
    Failed,
}

impl Revocation {
    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Revoked => "revoked",
            Self::Unsupported => "unsupported",
            Self::Failed => "failed",
        }
    }
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
    /// Granted by a person at the provider.
    Oauth2 {},
    /// Nothing is sent.
    None {},
}
