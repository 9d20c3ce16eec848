//! Every success of the API has the status that its OpenAPI document names, whatever a test was looking at.

use crate::{Client, Response};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::OnceLock;

/// Holds an answer to the document.
///
/// # Panics
/// For a success that the document does not know.
pub(crate) fn assert_documented(address: SocketAddr, method: &str, target: &str, response: &Response) {
    // The same build serves them all.
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Ok((route, _)) = protocol::routes::find(method, path, query) else { return };
    // What a connection's upstream answers is its own affair.
    if route.method == "*" || !(200..300).contains(&response.status) {
        return;
    }
    let document = DOCUMENT.get_or_init(|| Client::new(address).get("/openapi.json").send().ok(200));
    let responses = &document["paths"][route.path][method.to_ascii_lowercase()]["responses"];
    let documented = responses.get(response.status.to_string());
    assert!(documented.is_some_and(Value::is_object), "not documented: {response}");
}
