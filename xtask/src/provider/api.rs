//! The stand-in provider's answers: for a request that some connector's catalogue lists, the fixture of its rule.

use super::Answer;
use crate::root;
use connectors::Decision;
use connectors::catalogue;
use serde_json::{Value, json};
use std::fs;

pub(super) fn answer(method: &str, path_and_query: &str, body: &str) -> Answer {
    let mut is_listed = false;
    for summary in catalogue::all() {
        let Some(connector) = catalogue::get(summary.id).filter(|connector| !connector.is_generic()) else {
            continue;
        };
        // Of a base URL with a path, the connector's paths begin below it.
        let below =
            connector.base_url.as_deref().and_then(|url| url.splitn(4, '/').nth(3)).unwrap_or_default();
        let below = below.trim_end_matches('/');
        let Some(path) = path_and_query.strip_prefix('/').and_then(|path| path.strip_prefix(below)) else {
            continue;
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let Decision::Allowed(allowed) = connector.decide(method, &path, Some(body.as_bytes())) else {
            continue;
        };
        is_listed = true;
        if let Some(fixture) = fixture(summary.id, &allowed.rule.id) {
            return Answer::json(200, &fixture);
        }
    }
    if is_listed {
        return Answer::json(200, &json!({}));
    }
    Answer::json(404, &json!({ "error": "not_found", "message": "no connector lists this request" }))
}

/// What the provider answers, as its documentation shows it.
fn fixture(connector: &str, rule: &str) -> Option<Value> {
    let path = root().join(format!("crates/connectors/fixtures/{connector}.json"));
    let fixtures: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let filtered = fixtures.get("filtered")?.as_array()?;
    filtered.iter().find(|fixture| fixture["rule"] == rule)?.get("upstream").cloned()
}
