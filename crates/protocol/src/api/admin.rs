//! Plans, usage and limits: what an org sees of them, and what the operator sets.

use super::{Org, RateLimit};
use crate::{Feature, Meter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET /v1/usage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// The plan in force.
    pub plan: String,
    /// A smaller plan that takes its place.
    pub next_plan: Option<NextPlan>,
    /// What the plan includes.
    pub features: Vec<Feature>,
    /// RFC 3339: the cycle's first moment.
    pub cycle_started_at: String,
    /// RFC 3339: the next cycle's first moment.
    pub cycle_ends_at: String,
    /// How many there are and may be: `api_keys`, `connections`, `members`, `sources`.
    pub resources: BTreeMap<String, Amount>,
    /// What was counted in this cycle.
    pub meters: BTreeMap<Meter, Amount>,
}

/// A plan to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextPlan {
    /// Its name.
    pub plan: String,
    /// RFC 3339.
    pub at: String,
}

/// Used, and included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Amount {
    /// So far.
    pub used: u64,
    /// The most; null: the plan sets no limit.
    pub limit: Option<u64>,
}

/// `GET /v1/admin/orgs/{id}`: no content of the org's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdminOrg {
    /// The org.
    pub org: Org,
    /// What it uses.
    pub usage: Usage,
    /// Limits of its own.
    pub rate_limits: OrgLimits,
}

/// `PUT /v1/admin/orgs/{id}/plan`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPlan {
    /// A plan of sluicegate.toml. Of a higher level than the one in force: at once; of a lower one: with the next cycle.
    pub plan: String,
    /// `true`: a lower one at once, too.
    #[serde(default)]
    pub at_once: bool,
}

/// Limits of an org that take the place of sluicegate.toml's; absent: those.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrgLimits {
    /// Of one user or API key.
    #[serde(default)]
    pub principal: Option<RateLimit>,
    /// Of the whole org, over all of its users and keys, counted exactly.
    #[serde(default)]
    pub org: Option<RateLimit>,
}

/// `PUT /v1/admin/orgs/{id}/rate-limits`.
pub type SetOrgLimits = OrgLimits;
