//! Each row is a sentence of RFC 9110, or of RFC 8288 for links.

use super::*;

fn asked() -> Url {
    Url::parse("https://api.example.com/v1/items?page=1").unwrap()
}

#[test]
fn what_has_no_content_is_not_read() {
    let url = asked();
    for (method, status, length, is_empty) in [
        ("GET", 200, None, false),
        ("GET", 200, Some("5"), false),
        ("GET", 200, Some("0"), true),
        ("GET", 200, Some(" 0 "), true),
        ("GET", 200, Some("00x"), false),
        ("POST", 201, Some("0"), true),
        ("POST", 201, None, false),
        // 6.4.1: responses to HEAD; 204 and 304; 15.3.6: 205.
        ("HEAD", 200, Some("5"), true),
        ("HEAD", 404, None, true),
        ("GET", 204, None, true),
        ("GET", 205, None, true),
        ("GET", 304, Some("5"), true),
        ("GET", 404, None, false),
    ] {
        let exchange = Exchange { method, url: &url, status };
        assert_eq!(exchange.is_empty(length), is_empty, "{method} {status} {length:?}");
    }
}

#[test]
fn five_statuses_redirect() {
    let url = asked();
    let redirects =
        (200..600).filter(|status| Exchange { method: "GET", url: &url, status: *status }.is_redirect());
    assert_eq!(redirects.collect::<Vec<_>>(), [301, 302, 303, 307, 308]);
}

#[test]
fn a_server_that_says_when_is_not_asked_before() {
    let url = asked();
    for (method, status, retry_after, may_repeat) in [
        ("GET", 503, None, true),
        ("HEAD", 502, None, true),
        ("GET", 504, None, true),
        ("GET", 503, Some("120"), false),
        ("GET", 503, Some("0"), false),
        ("GET", 503, Some("Fri, 15 Jan 2027 08:01:30 GMT"), false),
        ("GET", 429, None, false),
        ("GET", 429, Some("1"), false),
        ("GET", 500, None, false),
        ("GET", 200, None, false),
        ("POST", 503, None, false),
        ("PUT", 503, None, false),
        ("DELETE", 502, None, false),
    ] {
        let exchange = Exchange { method, url: &url, status };
        assert_eq!(exchange.may_repeat(retry_after), may_repeat, "{method} {status} {retry_after:?}");
    }
}

#[test]
fn the_length_of_a_head_is_that_of_the_get() {
    let url = asked();
    for (method, status, length, coding, expected) in [
        ("HEAD", 200, Some("1234"), None, Some(1234)),
        ("HEAD", 404, Some("7"), Some("identity"), Some(7)),
        ("HEAD", 200, Some("0"), None, Some(0)),
        ("HEAD", 200, None, None, None),
        ("HEAD", 200, Some("1234"), Some("gzip"), None),
        ("HEAD", 204, Some("1234"), None, None),
        ("HEAD", 304, Some("1234"), None, None),
        ("HEAD", 200, Some("-1"), None, None),
        ("HEAD", 200, Some("+1"), None, None),
        ("HEAD", 200, Some("1, 1"), None, None),
        ("HEAD", 200, Some("99999999999999999999999"), None, None),
        ("GET", 200, Some("1234"), None, None),
    ] {
        let exchange = Exchange { method, url: &url, status };
        assert_eq!(exchange.length(length, coding), expected, "{method} {status} {length:?} {coding:?}");
    }
}

/// Section 10.2.2: a reference is resolved against the URL that was asked.
#[test]
fn no_location_leads_to_the_gate() {
    let url = asked();
    for (status, location, expected) in [
        (201, "/v1/items/7", Some("https://api.example.com/v1/items/7")),
        (201, "7", Some("https://api.example.com/v1/7")),
        (201, "?page=2", Some("https://api.example.com/v1/items?page=2")),
        (201, "#a", Some("https://api.example.com/v1/items?page=1#a")),
        (201, "//files.example.com/7", Some("https://files.example.com/7")),
        (201, "https://files.example.com/7", Some("https://files.example.com/7")),
        (202, "../jobs/7", Some("https://api.example.com/jobs/7")),
        (303, "/v1/items/7", Some("https://api.example.com/v1/items/7")),
        (300, "/v1/items.json", Some("https://api.example.com/v1/items.json")),
        (304, "/v1/items", Some("https://api.example.com/v1/items")),
        (300, "https://evil.example/", None),
        (302, "//evil.example/", None),
        (305, "http://api.example.com/", None),
        (201, "https://", None),
    ] {
        let exchange = Exchange { method: "POST", url: &url, status };
        assert_eq!(exchange.location(location).as_deref(), expected, "{status} {location}");
    }
}

/// RFC 8288, section 3: targets in angle brackets, which may also stand in a parameter's quotes.
#[test]
fn no_link_leads_to_the_gate() {
    let url = asked();
    let exchange = Exchange { method: "GET", url: &url, status: 200 };
    for (links, expected) in [
        ("</v1/items?page=2>; rel=next", "<https://api.example.com/v1/items?page=2>; rel=next"),
        (
            "<?page=2>; rel=\"next\", <https://docs.example.com/a>; rel=help",
            "<https://api.example.com/v1/items?page=2>; rel=\"next\", <https://docs.example.com/a>; rel=help",
        ),
        (
            r#"</a>; title="a </b> \" </c>", </d>; rel=x"#,
            r#"<https://api.example.com/a>; title="a </b> \" </c>", <https://api.example.com/d>; rel=x"#,
        ),
        ("", ""),
        ("<", "<"),
        ("a\\", "a\\"),
        ("é\\é <é", "é\\é <é"),
        ("</a", "</a"),
        ("<https://>; rel=next", "<https://>; rel=next"),
    ] {
        assert_eq!(exchange.links(links), expected, "{links}");
    }
}
