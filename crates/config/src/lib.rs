//! `sluicegate.toml`: what an operator decides. One set of types, checked when a Worker is built and embedded in it as
//! JSON, so that a running Worker never meets a bad value and what a page claims is what is enforced.
#![forbid(unsafe_code)]

#[cfg(feature = "toml")]
mod parse;
#[cfg(feature = "toml")]
pub use parse::{ConfigError, emit_for_build_script, parse};

use protocol::Region;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Names and addresses.
    pub brand: Brand,
    /// Sign-in sessions.
    pub sessions: Sessions,
    /// How fast a revocation works.
    pub revocation: Revocation,
    /// Sizes and times.
    pub limits: Limits,
    /// Requests over time.
    pub rate_limits: RateLimits,
    /// Additions to the pages' Content-Security-Policy.
    #[serde(default)]
    pub csp: Csp,
    /// What is kept how long.
    pub retention: Retention,
    /// Where data lives.
    pub residency: Residency,
    /// What an org may use.
    pub plans: Plans,
    /// Traffic to the operator's own upstreams.
    #[serde(default)]
    pub routes: Vec<GatewayRoute>,
}

impl Config {
    /// The configuration that a build script has embedded.
    ///
    /// # Errors
    /// Where the text is not what [`emit_for_build_script`] writes.
    pub fn from_embedded(json: &str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }
}

/// Names and addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// On pages, in mails, in header names.
    pub name: String,
    /// 2 to 12 lower-case letters and digits.
    pub api_key_prefix: String,
    /// RFC 9116: a `mailto:` or `https:` URL.
    pub security_contact: String,
}

/// Sign-in sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Life of a token, seconds.
    pub access_seconds: u32,
    /// Life of an unused session, days.
    pub idle_days: u32,
}

/// How fast a revocation works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Age of the oldest answer by which the edge decides alone.
    pub max_staleness_seconds: u32,
}

/// Sizes in bytes, times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Limits {
    pub url_bytes: u32,
    pub header_bytes: u32,
    pub json_body_bytes: u32,
    pub webhook_body_bytes: u32,
    pub proxy_body_bytes: u32,
    pub upstream_timeout_seconds: u32,
}

/// `limit` requests at once, then one every `period_seconds / limit`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Quota {
    pub limit: u32,
    pub period_seconds: u32,
}

/// Requests over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    /// Of one client address.
    pub ip: Quota,
    /// Of one client address, for sign-up and login.
    pub auth: Quota,
    /// Of all clients together, for sign-up and login.
    pub passwords: Quota,
    /// Of one user or API key.
    pub principal: Quota,
    /// Of one webhook source.
    pub source: Quota,
}

/// Origins added to the pages' policy; each an `https://host`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Csp {
    pub img_src: Vec<String>,
    pub connect_src: Vec<String>,
}

/// What is kept how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Retention {
    pub inbound_events_days: u32,
    pub idempotency_hours: u32,
}

/// Where data lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residency {
    /// Regions on offer.
    pub regions: Vec<Region>,
    /// For a sign-up that names none.
    pub default: Region,
}

/// What an org may use, by the plan's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plans {
    /// A new org's plan.
    pub default: String,
    /// The plans.
    #[serde(flatten)]
    pub plans: BTreeMap<String, Plan>,
}

/// How many of each an org may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Plan {
    pub api_keys: u32,
    pub connections: u32,
    pub sources: u32,
}

/// Traffic to the operator's own upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayRoute {
    /// Path prefix, `/app/`; not one of Sluicegate's own.
    pub path: String,
    /// HTTPS URL without path; the request's path is kept.
    pub upstream: String,
    /// `aud` of the identity assertion.
    pub audience: String,
}
