//! Sign-up, login, password reset, who am I.

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
    /// The new workspace's name. Left out with an invitation, which names the workspace to join.
    #[serde(default)]
    pub org_name: Option<String>,
    /// Where the workspace's data lives, for good. Absent: the configured default.
    #[serde(default)]
    pub region: Option<Region>,
    /// Must be `true`; the time is kept.
    pub accept_terms: bool,
    /// Of an invitation to this email: joins its workspace instead of making one.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub invitation_token: Option<SecretString>,
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
    /// The workspace to sign in to. Absent: the one used last.
    #[serde(default)]
    pub org_id: Option<OrgId>,
}

/// The answer to a right password where the account has a second factor (202): no session yet.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecondFactorNeeded {
    /// For `POST /v1/login/second-factor`.
    pub challenge: ShownOnce,
    /// RFC 3339.
    pub expires_at: String,
}

/// `POST /v1/login/second-factor`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// From the login's answer.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub challenge: SecretString,
    /// Six digits of the authenticator app, or a recovery code.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub code: SecretString,
}

/// `POST /v1/password-reset`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestPasswordReset {
    /// Of the account.
    pub email: String,
}

/// `POST /v1/password-reset/confirm`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// From the mail.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub token: SecretString,
    /// As at sign-up.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub new_password: SecretString,
}

/// `POST /v1/email/verify`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyEmail {
    /// From the mail.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub token: SecretString,
}

/// What who came by an OIDC provider still has to say.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FinishSignUp {
    /// The person's name.
    pub name: String,
    /// As at sign-up.
    #[serde(default)]
    pub org_name: Option<String>,
    /// As at sign-up.
    #[serde(default)]
    pub region: Option<Region>,
    /// Must be `true`; the time is kept.
    pub accept_terms: bool,
    /// As at sign-up.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub invitation_token: Option<SecretString>,
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

/// A fresh session that takes the place of the caller's token.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Renewed {
    /// The session.
    pub session: NewSession,
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
    /// RFC 3339: until then sensitive changes need no new proof of who sits there; absent for an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_until: Option<String>,
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
