//! API keys.

use super::ShownOnce;
use crate::{ApiKeyId, Scope};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `POST /v1/api-keys`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// 1 to 64; fixed for the key's life.
    pub scopes: Vec<Scope>,
    /// RFC 3339, in the future. Absent: the key lives until it is revoked.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Absent: the configured limit.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// Networks that the key may be used from, `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`; 1 to 32. Absent: any.
    #[serde(default)]
    pub allowed_ips: Option<Vec<String>>,
    /// Your own name for whom the key is for; 255 characters at most.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Yours, given back by `verify`; 2 KiB of JSON at most.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

/// `POST /v1/api-keys/{id}/rotate`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateApiKey {
    /// How long the old key works on, 0 to 2,592,000 (30 days). Absent: 0, it ends at once.
    #[serde(default)]
    pub grace_seconds: u32,
}

/// `POST /v1/api-keys/verify`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyApiKey {
    /// What your backend was shown.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub key: SecretString,
    /// Scopes that the key must all have, 64 at most.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// The address it was shown from; needed for a key with `allowed_ips`.
    #[serde(default)]
    pub ip: Option<String>,
    /// Whether this counts against the key's own `rate_limit`. Absent: yes.
    #[serde(default = "yes")]
    pub count: bool,
}

fn yes() -> bool {
    true
}

/// The answer to `POST /v1/api-keys/verify`, always 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyVerdict {
    /// `code` is `valid`.
    pub valid: bool,
    /// The first thing that is wrong, in the order of [`VerdictCode`].
    pub code: VerdictCode,
    /// The key's record, unless there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKey>,
    /// For a key with a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitState>,
}

/// What is wrong with a key, in the order in which it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VerdictCode {
    /// No key of this workspace: mistyped, made up, or another workspace's.
    NotFound,
    /// Revoked, or rotated and past its grace.
    Revoked,
    /// Past its `expires_at`.
    Expired,
    /// Not from this address.
    IpNotAllowed,
    /// It lacks a scope that you asked for.
    InsufficientScope,
    /// Its own limit is used up; see `rate_limit`.
    RateLimited,
    /// Nothing.
    Valid,
}

/// How much of a limit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateLimitState {
    /// Requests a period.
    pub limit: u32,
    /// Requests that are left now.
    pub remaining: u32,
    /// Seconds until all of it is back.
    pub reset_seconds: u32,
    /// For a refused one: seconds until one is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
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
    /// The address it was last used from; as far behind.
    pub last_used_ip: Option<String>,
    /// Networks that it may be used from; null: any.
    pub allowed_ips: Option<Vec<String>>,
    /// As given.
    pub external_id: Option<String>,
    /// As given.
    pub metadata: Option<Map<String, Value>>,
    /// `usr_…` or `key_…`, who made it.
    pub created_by: String,
    /// RFC 3339: until then the key that a rotation replaced works on.
    pub previous_works_until: Option<String>,
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
