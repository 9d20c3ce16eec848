//! The `RateLimit-Policy` and `RateLimit` response fields, draft-ietf-httpapi-ratelimit-headers-11 §3 and §4.
//!
//! Each function gives one list item; where two quotas hold for a request (its address and its API key), join their
//! items with `", "` (RFC 9651 §3.1).

use core::fmt::Write as _;

use crate::{Decision, Quota};

/// The `RateLimit-Policy` item of `quota`: `"default";q=100;w=60`. `name` is the policy's name.
#[must_use]
pub fn rate_limit_policy(name: &str, quota: &Quota) -> String {
    item(name, [('q', quota.limit()), ('w', quota.period_seconds())])
}

/// The `RateLimit` item of `decision`: `"default";r=50;t=30`.
///
/// `t` is the time in seconds until the whole quota is back. GCRA gives requests back one by one, so a client that
/// spreads its `r` requests over `t` seconds is never refused.
#[must_use]
pub fn rate_limit(name: &str, decision: &Decision) -> String {
    item(name, [('r', decision.remaining), ('t', decision.reset_after_seconds)])
}

fn item(name: &str, parameters: [(char, u32); 2]) -> String {
    let mut out = String::with_capacity(name.len() + 24);
    out.push('"');
    // An RFC 9651 string is printable ASCII; a name comes from configuration, so anything else is only left out.
    for c in name.chars().filter(|c| matches!(c, ' '..='~')) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    for (key, value) in parameters {
        // Writing to a `String` cannot fail.
        let _ = write!(out, ";{key}={value}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    #[test]
    fn the_fields_read_as_in_the_draft() {
        let quota = Quota::new(100, 60).unwrap();
        assert_eq!(rate_limit_policy("default", &quota), r#""default";q=100;w=60"#);
        let mut table = Table::new(16, [0; 16]);
        let mut decision = table.check(1_u64, quota, 0);
        for _ in 1..50 {
            decision = table.check(1_u64, quota, 0);
        }
        assert_eq!(rate_limit("default", &decision), r#""default";r=50;t=30"#);
    }

    #[test]
    fn a_name_cannot_break_out_of_its_string() {
        let quota = Quota::new(1, 1).unwrap();
        assert_eq!(rate_limit_policy("a\"b\\c\r\nd\u{e9}", &quota), r#""a\"b\\cd";q=1;w=1"#);
    }
}
