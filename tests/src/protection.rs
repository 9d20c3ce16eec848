//! What every answer must carry, errors included (claims M2, M5, F7). Written out here and not taken from the edge's own
//! table, so that a change there is a change of mind here too.

use crate::Response;

/// Headers of one value everywhere.
const EXACT: [(&str, &str); 5] = [
    ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Holds an answer to it.
///
/// # Panics
/// Where anything is missing, doubled or weaker.
pub fn assert_protected(response: &Response) {
    assert_origin_protected(response);
    let policy = response.header("content-security-policy").unwrap_or_else(|| panic!("no CSP: {response}"));
    for directive in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(directive), "{directive} in {response}");
    }
    for weak in ["unsafe-inline", "unsafe-eval", "*", "data:", "http:"] {
        assert!(!policy.contains(weak), "{weak} in {response}");
    }
    assert_eq!(response.header("access-control-allow-origin"), None, "{response}");
}

/// What holds for an upstream's answer on a gateway route too, whose pages have a policy of their own.
///
/// # Panics
/// As [`assert_protected`].
pub fn assert_origin_protected(response: &Response) {
    for (name, value) in EXACT {
        assert_eq!(response.header(name), Some(value), "{name} of {response}");
    }
    for name in ["content-security-policy", "permissions-policy", "referrer-policy", "cache-control"] {
        assert!(response.header(name).is_some_and(|value| !value.is_empty()), "{name} of {response}");
    }
    let id = response.header("x-request-id").unwrap_or_default();
    assert!(protocol::RequestId::parse(id).is_ok(), "x-request-id of {response}");
    for name in ["server", "x-powered-by"] {
        assert_eq!(response.header(name), None, "{response}");
    }
    let internal =
        response.head.headers.iter().find(|(name, _)| name.to_ascii_lowercase().starts_with("sluicegate-"));
    assert_eq!(internal, None, "{response}");
}
