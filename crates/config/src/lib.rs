//! `sluicegate.toml`: what an operator decides. One set of types, checked when a Worker is built and embedded in it as
//! JSON, so that a running Worker never meets a bad value and what a page claims is what is enforced.
#![forbid(unsafe_code)]

#[cfg(feature = "toml")]
mod parse;
#[cfg(feature = "toml")]
pub use parse::{ConfigError, OVERLAY, emit_for_build_script, parse};

use protocol::{Feature, Meter, Region};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Names and addresses.
    pub brand: Brand,
    /// Who operates this installation.
    #[serde(default)]
    pub operators: Operators,
    /// Ways to sign in.
    #[serde(default)]
    pub sign_in: SignIn,
    /// Mail that goes out.
    pub mail: Mail,
    /// Sign-in sessions.
    pub sessions: Sessions,
    /// How fast a revocation works.
    pub revocation: Revocation,
    /// Sizes and times.
    pub limits: Limits,
    /// Requests over time.
    pub rate_limits: RateLimits,
    /// What is out of the ordinary.
    pub detections: Detections,
    /// Additions to the pages' Content-Security-Policy.
    #[serde(default)]
    pub csp: Csp,
    /// What is kept how long.
    pub retention: Retention,
    /// Where data lives.
    pub residency: Residency,
    /// What an org may use.
    pub plans: Plans,
    /// The operator's OAuth clients at connectors' providers, by connector.
    #[serde(default)]
    pub connectors: BTreeMap<String, Connector>,
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
    /// The terms that whoever signs up accepts: an https: URL. Absent: the pages name them and link to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_url: Option<String>,
    /// What is done with personal data: an https: URL, beside the terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_url: Option<String>,
    /// 2 to 12 lower-case letters and digits.
    pub api_key_prefix: String,
    /// RFC 9116: a `mailto:` or `https:` URL.
    pub security_contact: String,
}

impl Brand {
    /// The name as a part of a header's, in lower case: `x-sluicegate-signature`. The keys' prefix where it has no letter or digit.
    #[must_use]
    pub fn header_name(&self) -> String {
        let words: Vec<_> =
            self.name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        if words.is_empty() { self.api_key_prefix.clone() } else { words.join("-").to_ascii_lowercase() }
    }
}

/// Who operates this installation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {
    /// Emails, lower case: whoever has proven one of them, and signs in with a second factor, is a SUPER_ADMIN.
    pub super_admins: Vec<String>,
}

/// Ways to sign in, besides email and password.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// OpenID Connect providers. Each is asked for `openid email profile` and nothing else (claim M9).
    #[serde(default)]
    pub oidc: Vec<OidcProvider>,
}

/// An OpenID Connect provider. Its client secret is in the control plane's `OIDC_CLIENT_SECRETS`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// In URLs: lower-case letters, digits and `-`. Its redirect URI is `/sign-in/<id>/callback`.
    pub id: String,
    /// On the button.
    pub name: String,
    /// As the provider's discovery document says it, to the letter.
    pub issuer: String,
    /// As registered with the provider.
    pub client_id: String,
    /// Whether a proven email of this provider signs in to the account that has proven the same email. Only for a provider
    /// that owns the addresses it vouches for.
    #[serde(default)]
    pub link_by_email: bool,
}

/// Mail that goes out, by the control plane's `MAIL_TRANSPORT`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The sender's address.
    pub from: String,
}

/// Sign-in sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Life of a token, seconds.
    pub access_seconds: u32,
    /// Life of an unused session, days.
    pub idle_days: u32,
    /// How long after a proof of who sits there sensitive changes are taken, minutes.
    pub reauthentication_minutes: u32,
    /// Life of an invitation, days.
    pub invitation_days: u32,
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
    pub message_bytes: u32,
    pub proxy_body_bytes: u32,
    pub upstream_timeout_seconds: u32,
    pub query_rows: u32,
    pub query_bytes: u32,
    pub query_timeout_seconds: u32,
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
    /// Of one account: wrong passwords and codes, counted exactly, wherever they come from.
    pub account: Quota,
    /// Of all clients together, for whatever hashes a password.
    pub passwords: Quota,
    /// Of one user or API key.
    pub principal: Quota,
    /// Of one webhook source.
    pub source: Quota,
    /// Of one connection, counted exactly, whoever calls through it.
    pub connection: Quota,
}

/// What is told to a workspace, and logged, as soon as it is seen (claim C6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detections {
    /// Requests to one webhook source that are refused for their signature or time: more than `limit` in the period.
    pub signature_failures: Quota,
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
    pub messages_days: u32,
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

/// What an org may have and use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Which of two plans is the larger one: to a higher level at once, to a lower one with the next cycle.
    pub level: u32,
    /// The most of each at a time.
    pub api_keys: u32,
    #[allow(missing_docs)]
    pub connections: u32,
    #[allow(missing_docs)]
    pub members: u32,
    #[allow(missing_docs)]
    pub sources: u32,
    #[allow(missing_docs)]
    pub endpoints: u32,
    /// What it includes.
    pub features: Vec<Feature>,
    /// The most of each in a cycle; a meter that is left out has no limit.
    #[serde(default)]
    pub monthly: BTreeMap<Meter, u64>,
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

/// What the operator has registered at a connector's provider. The client's secret is in the control plane's
/// `CONNECTOR_CLIENT_SECRETS`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connector {
    /// As registered with the provider; absent: each workspace brings a client of its own.
    pub client_id: Option<String>,
    /// Stands in for the provider, `http://127.0.0.1:4001`, for development and tests: takes the place of scheme, host and
    /// port in every URL of the connector.
    pub stand_in: Option<String>,
}
