//! Sign-up, login, who am I.

use super::{ApiKey, AuditEvent, Connection, InboundEventSummary, ShownOnce, Source};
use crate::{OrgId, Region, Role, Scope, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// `POST /v1/signup`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// Compared without regard to case.
    pub email: String,
    /// 10 characters at least, 72 bytes at most (bcrypt reads no further).
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub password: SecretString,
    /// The person's name.
    pub name: String,
    /// The new workspace's name.
    pub org_name: String,
    /// Where the workspace's data lives, for good. Absent: the configured default.
    #[serde(default)]
    pub region: Option<Region>,
    /// Must be `true`; the time is kept.
    pub accept_terms: bool,
}

/// `POST /v1/login`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// As at sign-up.
    pub email: String,
    /// As at sign-up.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub password: SecretString,
}

/// The answer to sign-up and login; the token is also set as the session cookie.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedIn {
    /// The person.
    pub user: User,
    /// The workspace that the session is for.
    pub org: Org,
    /// The session.
    pub session: NewSession,
}

/// A session, shown once.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewSession {
    /// For `Authorization: Bearer`.
    pub token: ShownOnce,
    /// RFC 3339: the token's end. The cookie is renewed silently while the session lives.
    pub expires_at: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// `usr_…`
    pub id: UserId,
    /// As given at sign-up.
    pub email: String,
    /// As given at sign-up.
    pub name: String,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Org {
    /// `org_…`
    pub id: OrgId,
    /// As given at sign-up.
    pub name: String,
    /// Where its data lives.
    pub region: Region,
    /// A plan of sluicegate.toml.
    pub plan: String,
    /// RFC 3339.
    pub created_at: String,
}

/// How a caller authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AuthKind {
    Session,
    ApiKey,
}

/// `GET /v1/me`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Me {
    /// The person; absent for an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// The workspace.
    pub org: Org,
    /// The person's role; absent for an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// How the caller authenticated.
    pub auth: AuthKind,
    /// The API key's scopes; absent for a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// For `X-CSRF-Token`; only where the session came in the cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
}

/// What the dashboard shows, in one hop: the newest rows of each kind. `None`: the role does not allow it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Overview {
    /// Who is looking.
    pub me: Me,
    /// Connections.
    pub connections: Option<Vec<Connection>>,
    /// API keys.
    pub api_keys: Option<Vec<ApiKey>>,
    /// Webhook sources.
    pub sources: Option<Vec<Source>>,
    /// Inbound events.
    pub events: Option<Vec<InboundEventSummary>>,
    /// Audit events.
    pub audit: Option<Vec<AuditEvent>>,
}

impl Overview {
    /// Rows of each kind.
    pub const ROWS: u32 = 50;
}
