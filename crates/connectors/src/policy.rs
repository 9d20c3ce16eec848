//! Which requests pass: a request is held against a connector's rules, and what passes is written anew.
//!
//! Invariant: nothing is sent that was not checked. The path, the query and the body of an [`Allowed`] are made of what
//! was parsed, in one spelling, and never of the caller's own bytes; so a server that reads some odd spelling in its own
//! way never sees one. Whatever a rule does not name is refused.
//!
//! # What the broker owes
//! - It sends [`Allowed::path_and_query`] and [`Allowed::body`] and nothing else of the request's target and body;
//!   a body is sent as `Content-Type: application/json`.
//! - It forwards no header by which a server takes a request for one of another method
//!   ([`forward_request`](crate::forward_request) drops them).
//! - It asks for a person's own session where [`Rule::writes`].

use core::fmt;

use crate::catalogue::{BodyShape, Connector, Rule};

mod body;
pub(crate) mod graphql;
mod json;
mod query;
mod refusal;
mod request;
mod soql;
mod sql;

#[cfg(test)]
mod tests;

pub use refusal::Refusal;
use request::Request;
pub(crate) use request::percent_encoded;
pub use soql::SoqlProblem;

/// What becomes of a request.
#[derive(Debug)]
pub enum Decision<'a> {
    /// It goes out.
    Allowed(Allowed<'a>),
    /// A rule fits as far as method, path and query go, and its body decides.
    NeedsBody {
        /// How much of the body to read before the request is refused, in bytes.
        max: usize,
    },
    /// It doesn't go out.
    Refused(Refusal),
}

/// A request as it goes out. Its `Debug` shows the rule alone: the rest may be a person's data.
pub struct Allowed<'a> {
    /// The rule that allowed it.
    pub rule: &'a Rule,
    /// For [`BaseUrl::join`](crate::BaseUrl::join), with the parameters that the rule sets.
    pub path_and_query: String,
    /// The JSON body. `None`: no body is sent.
    pub body: Option<Vec<u8>>,
}

impl fmt::Debug for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed").field("rule", &self.rule.id).finish_non_exhaustive()
    }
}

/// A decision and how it came about, for a dry run.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The decision.
    pub decision: Decision<'a>,
    /// The rules whose path is the request's, in order, up to the one that allowed it.
    pub considered: Vec<Considered<'a>>,
}

/// A rule that was looked at.
#[derive(Debug)]
pub struct Considered<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Why it doesn't allow the request. `None`: it does, or waits for the body.
    pub refusal: Option<Refusal>,
}

impl Connector {
    /// Decides on a request: `path_and_query` as it follows the base URL, percent-encoded, and its body; `None` where
    /// that has not been read yet, and empty where there is none.
    ///
    /// The first rule that fits wholly allows it. Otherwise the refusal is that of the rule that came nearest.
    #[must_use]
    pub fn decide(&self, method: &str, path_and_query: &str, body: Option<&[u8]>) -> Decision<'_> {
        self.explain(method, path_and_query, body).decision
    }

    /// [`decide`](Self::decide), with every rule that was looked at.
    #[must_use]
    pub fn explain(&self, method: &str, path_and_query: &str, body: Option<&[u8]>) -> Explanation<'_> {
        let request = match Request::parse(path_and_query) {
            Ok(request) => request,
            Err(what) => {
                return Explanation {
                    decision: Decision::Refused(Refusal::Malformed(what)),
                    considered: vec![],
                };
            }
        };
        let mut considered = Vec::new();
        let mut waiting = None;
        for rule in &self.requests {
            let Some(path) = rule.path.matched(request.segments()) else { continue };
            let refusal = match judge(rule, method, path, &request, body) {
                Ok(Some(allowed)) if waiting.is_none() => {
                    considered.push(Considered { rule, refusal: None });
                    return Explanation { decision: Decision::Allowed(allowed), considered };
                }
                Ok(_) => {
                    waiting = waiting.max(Some(rule.body.max));
                    None
                }
                Err(refusal) => Some(refusal),
            };
            considered.push(Considered { rule, refusal });
        }
        let decision = match waiting {
            Some(max) => Decision::NeedsBody { max },
            None => Decision::Refused(self.nearest(&considered)),
        };
        Explanation { decision, considered }
    }

    /// The refusal to tell of: of the rule that the request got furthest with.
    fn nearest(&self, considered: &[Considered<'_>]) -> Refusal {
        let refusals = || considered.iter().filter_map(|considered| considered.refusal.as_ref());
        // `max_by_key` takes the last of equals; the first is the one that would decide.
        match refusals().rev().max_by_key(|refusal| refusal.stage()) {
            None => Refusal::path(&self.requests),
            Some(Refusal::Method { .. }) => Refusal::method(considered.iter().map(|c| c.rule)),
            Some(nearest) => nearest.clone(),
        }
    }
}

/// Holds a request against a rule whose path it has. `None`: it fits, save for the body, which has not been read.
fn judge<'a>(
    rule: &'a Rule,
    method: &str,
    path: String,
    request: &Request,
    body: Option<&[u8]>,
) -> Result<Option<Allowed<'a>>, Refusal> {
    if method != rule.method.as_str() {
        return Err(Refusal::method([rule]));
    }
    let query = query::checked(rule, request)?;
    let path_and_query = if query.is_empty() { path } else { format!("{path}?{query}") };
    let body = match (&rule.body.shape, body) {
        (BodyShape::None, None | Some([])) => None,
        (BodyShape::None, Some(_)) => return Err(Refusal::BodyUnexpected { rule: rule.id.clone() }),
        (_, None) => return Ok(None),
        (_, Some(body)) => Some(body::checked(rule, body)?),
    };
    Ok(Some(Allowed { rule, path_and_query, body }))
}
