//! API keys.

use super::ShownOnce;
use crate::{ApiKeyId, Scope};
use serde::{Deserialize, Serialize};

/// `POST /v1/api-keys`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// At least one; fixed for the key's life.
    pub scopes: Vec<Scope>,
    /// RFC 3339, in the future. Absent: the key lives until it is revoked.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Absent: the configured limit.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
}

/// A limit of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests a period.
    pub limit: u32,
    /// The period.
    pub period_seconds: u32,
}

/// An API key as it is listed: without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKey {
    /// `key_…`
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// The key's beginning, enough to recognise it.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Its own limit.
    pub rate_limit: Option<RateLimit>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub expires_at: Option<String>,
    /// RFC 3339.
    pub revoked_at: Option<String>,
    /// RFC 3339; at most a minute behind.
    pub last_used_at: Option<String>,
}

/// The answer to `POST /v1/api-keys`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedApiKey {
    /// The key, shown here and never again.
    pub key: ShownOnce,
    /// Its record.
    #[serde(flatten)]
    pub record: ApiKey,
}
