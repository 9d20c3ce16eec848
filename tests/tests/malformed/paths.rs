//! Paths and queries.

use super::Target;
use crate::routes::{absent, cases};
use e2e::random::Sequence;

#[test]
fn paths_and_queries_that_are_odd() {
    let mut target = Target::new("malformed-paths");
    let mut random = Sequence::new();
    // Logging out would end the session that the rest needs.
    let routes = cases(absent).into_iter().map(|case| case.path).filter(|path| path != "/v1/logout");
    let odd = [
        "%",
        "%2",
        "%zz",
        "%00",
        "%0d%0a",
        "%c3%28",
        "%ff",
        "%e2%82",
        "\u{e9}",
        "\u{1f600}",
        "\\",
        "//",
        "/./",
        "/../",
        "%2f",
        "%2e%2e",
        ";",
        "?",
        "??",
        "#",
        "&&&",
        "=",
        "|",
        "{id}",
        "{path*}",
        "<script>",
        "'",
        "\"",
        "`",
        "^",
        "[",
        "]",
        "~",
        "*",
        "%u0041",
        "+",
        ":",
        "@",
        "\u{0}",
        "\u{7f}",
        "\t",
        "limit=",
        "limit=99999999999999999999",
        "limit=-1",
        "limit=1&limit=2",
        "limit=1e9",
        "limit=\u{e9}",
        "cursor=\u{e9}",
        "cursor=%00",
        "cursor=9007199254740993",
        "cursor=18446744073709551616",
        "cursor=-1",
        "cursor=' OR 1=1 --",
        "source_id=x",
        "source_id=src_",
        "source_id=src_0",
    ];
    for route in routes {
        for odd in odd {
            let path = match random.below(3) {
                0 => format!("{route}{odd}"),
                1 => format!("{route}?{odd}"),
                _ => route.replacen('/', &format!("/{odd}/"), 1 + random.below(2)),
            };
            let method = *random.pick(&["GET", "POST", "DELETE"]);
            let bytes = target.head(method, &path, "");
            target.send(&bytes, false);
        }
    }
    let connection = target.connection.clone();
    for odd in odd {
        target.send_head("GET", &format!("/v1/connections/{connection}/proxy/{odd}"), "");
        target.send_head("GET", &format!("/v1/connections/{odd}/proxy/"), "");
        target.send_head("POST", &format!("/in/{odd}"), "content-length: 0\r\n");
        target.send_head("GET", &format!("/events/{odd}"), "");
    }
    for length in [8_190, 8_193, 20_000, 60_000, 300_000] {
        target.send_head("GET", &format!("/v1/{}", "a".repeat(length)), "");
        target.send_head("GET", &format!("/v1/me?{}", "a".repeat(length)), "");
    }
    for absolute in [
        "http://evil.example/v1/me",
        "https://evil.example:99999/",
        "evil.example:443",
        "http://",
        "//evil.example/v1/me",
        "http://[::1/",
        "file:///etc/passwd",
    ] {
        let bytes = target.head("GET", absolute, "");
        target.send(&bytes, false);
    }
    target.end();
}
