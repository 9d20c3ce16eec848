//! The catalogue: every provider that a connection can name, as data.
//!
//! `catalogue/<id>.toml` is checked by the build script and embedded as JSON. A connector is read when it is first
//! asked for; the table of them all ([`all`]) needs no reading.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::policy::{self, Allowed, Decision};

mod argument;
#[cfg(test)]
pub(crate) mod check;
#[cfg(test)]
mod check_rules;
mod grant;
mod model;
mod parameter;
mod path;
mod rule;

#[cfg(test)]
mod tests;

pub use argument::*;
pub use grant::*;
pub use model::*;
pub use parameter::{ParameterError, Pattern};
pub use path::PathPattern;
pub use rule::*;

// `check` expects them beside itself, as in the build script.
#[cfg(test)]
use crate::{filter::fields, policy::graphql};

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// What a list of connectors shows of one.
#[derive(Debug)]
pub struct Summary {
    /// The connector's id.
    pub id: &'static str,
    /// The provider's name for it.
    pub name: &'static str,
    /// The shelf it stands on.
    pub category: Category,
    /// What speaks to the upstream.
    pub kind: Kind,
    /// One sentence on what is read and what is not.
    pub summary: &'static str,
    /// The page that the facts are from.
    pub docs: &'static str,
    /// The kinds of credential: `oauth2`, `bearer`, `api_key`, `basic`, `none`.
    pub auth: &'static [&'static str],
    /// Every OAuth scope that is asked.
    pub scopes: &'static [ScopeSummary],
    /// Whether it has a request that writes.
    pub writes: bool,
}

/// A scope that is asked, and why.
#[derive(Debug)]
pub struct ScopeSummary {
    /// As it is sent.
    pub scope: &'static str,
    /// For the person who consents.
    pub why: &'static str,
}

/// Every connector, in order of id.
#[must_use]
pub fn all() -> &'static [Summary] {
    &SUMMARIES
}

/// The connector `id`.
#[must_use]
pub fn get(id: &str) -> Option<&'static Connector> {
    static READ: [OnceLock<Option<Connector>>; SOURCES.len()] = [const { OnceLock::new() }; SOURCES.len()];

    let at = SUMMARIES.iter().position(|summary| summary.id == id)?;
    // The build script has read this very text; were it unreadable, there would be no such connector.
    READ.get(at)?.get_or_init(|| serde_json::from_str(SOURCES.get(at)?).ok()).as_ref()
}

impl Connector {
    /// Whether this is `http`: a connection names its own base URL, below which every request passes unfiltered.
    #[must_use]
    pub fn is_generic(&self) -> bool {
        self.kind == Kind::Http && self.base_url.is_none()
    }

    /// The rule `id`.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.requests.iter().find(|rule| rule.id == id)
    }

    /// Checks a connection's parameters: none that the connector lacks, every value as its parameter's pattern says.
    /// One that is missing shows when a URL needs it, since the token response may tell it.
    ///
    /// # Errors
    /// [`ParameterError::Unknown`] or [`ParameterError::Invalid`].
    pub fn check_parameters(&self, parameters: &BTreeMap<String, String>) -> Result<(), ParameterError> {
        parameters.iter().try_for_each(|(name, value)| {
            let parameter = self.parameters.get(name).ok_or(ParameterError::Unknown)?;
            if parameter.accepts(value) {
                return Ok(());
            }
            Err(ParameterError::Invalid { name: name.clone(), allowed: parameter.allowed() })
        })
    }

    /// The base URL with the connection's parameters in it.
    ///
    /// # Errors
    /// A [`ParameterError`].
    pub fn base_url(&self, parameters: &BTreeMap<String, String>) -> Result<String, ParameterError> {
        self.fill(self.base_url.as_deref().ok_or(ParameterError::NoUrl)?, parameters)
    }

    /// One of the connector's OAuth URLs with the connection's parameters in it.
    ///
    /// # Errors
    /// A [`ParameterError`].
    pub fn fill(
        &self,
        template: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<String, ParameterError> {
        parameter::fill(template, &self.parameters, parameters, &[])
    }

    /// The URL of a revocation with the connection's parameters, the client's id and the token in it.
    ///
    /// # Errors
    /// A [`ParameterError`].
    pub fn revocation_url(
        &self,
        revocation: &Revocation,
        parameters: &BTreeMap<String, String>,
        client_id: &str,
        token: &SecretString,
    ) -> Result<Zeroizing<String>, ParameterError> {
        let client_id = policy::percent_encoded(client_id);
        let token = policy::percent_encoded(token.expose_secret());
        let own = [("client_id", client_id.as_str()), ("token", token.as_str())];
        parameter::fill(&revocation.url, &self.parameters, parameters, &own).map(Zeroizing::new)
    }

    /// The request of a connection test, as it goes out. `None`: the connector has none.
    #[must_use]
    pub fn test_request(&self) -> Option<Allowed<'_>> {
        let rule = self.rule(self.test.as_deref()?)?;
        let body = match &rule.body.shape {
            BodyShape::Graphql(documents) => {
                serde_json::to_vec(&BTreeMap::from([("query", documents.first()?)])).ok()?
            }
            _ => vec![],
        };
        match self.decide(rule.method.as_str(), rule.path.as_str(), Some(&body)) {
            Decision::Allowed(allowed) => Some(allowed),
            _ => None,
        }
    }

    /// The value of a connection parameter as a token response tells it: for a host name also `https://host` and
    /// `https://host/`, as Salesforce's `instance_url`.
    ///
    /// # Errors
    /// [`ParameterError::Unknown`] or [`ParameterError::Invalid`].
    pub fn parameter_of_token(&self, name: &str, told: &str) -> Result<String, ParameterError> {
        let parameter = self.parameters.get(name).ok_or(ParameterError::Unknown)?;
        let value = match (parameter.pattern, told.strip_prefix("https://")) {
            (Pattern::Host, Some(host)) => host.strip_suffix('/').unwrap_or(host),
            _ => told,
        };
        if !parameter.accepts(value) {
            return Err(ParameterError::Invalid { name: name.to_owned(), allowed: parameter.allowed() });
        }
        Ok(value.to_owned())
    }
}

/// `url` at another origin: its scheme and authority replaced by `origin`, such as `http://127.0.0.1:4001`. For tests
/// and development, where a local provider stands in for the real one.
#[must_use]
pub fn stand_in(url: &str, origin: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or_default();
    format!("{}{path}", origin.trim_end_matches('/'))
}
