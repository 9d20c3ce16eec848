//! Sessions, and the workspaces that a person can have one in.

use crate::{OrgId, Region, Role, SessionId};
use serde::{Deserialize, Serialize};

/// A session as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// `ses_…`
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Browser and system, by the `User-Agent` at sign-in: `Firefox on Linux`. What a client claims, no proof.
    pub device: String,
    /// The address at sign-in.
    pub ip: String,
    /// ISO 3166-1 alpha-2 of that address, where the platform tells it.
    pub country: Option<String>,
    /// Whether a second factor was proven.
    pub second_factor: bool,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; at most a minute behind.
    pub last_used_at: String,
}

/// A workspace that the person belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Membership {
    /// `org_…`
    pub org_id: OrgId,
    /// The workspace's name.
    pub org_name: String,
    /// The person's role there, as of the last sign-in.
    pub role: Role,
    /// Whether this session is there.
    pub current: bool,
}

/// `POST /v1/orgs`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOrg {
    /// For people.
    pub name: String,
    /// Where its data lives, for good. Absent: the configured default.
    #[serde(default)]
    pub region: Option<Region>,
}

/// `POST /v1/orgs/switch`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SwitchOrg {
    /// Where to go.
    pub org_id: OrgId,
}
