use super::*;
use crate::Credential;
use url::Url;

fn scrubber() -> Scrubber {
    let input = serde_json::from_str(r#"{"type":"bearer","token":"not-a-real-token"}"#).unwrap();
    Scrubber::new(&Credential::new(input).unwrap())
}

/// As an answer to a GET.
fn answered<'a>(sent: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> Headers {
    let url = Url::parse("https://api.example.com/v1/items?page=1").unwrap();
    forward_response(&Exchange { method: "GET", url: &url, status: 200 }, sent, &scrubber())
}

fn names(headers: &Headers) -> Vec<&str> {
    headers.iter().map(|(name, _)| name).collect()
}

#[test]
fn what_the_upstream_needs_goes_on() {
    let sent = [
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "0001"),
        ("If-None-Match", "\"a\""),
        ("User-Agent", "test"),
        ("X-GitHub-Api-Version", "2022-11-28"),
        ("Accept", "text/plain"),
    ];
    let got = forward_request(sent);
    let mut expected: Vec<_> = sent.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)).collect();
    expected.push(("accept-encoding".into(), "identity"));
    assert_eq!(got.iter().map(|(n, v)| (n.to_owned(), v)).collect::<Vec<_>>(), expected);
}

/// Claim B2: the caller's own credential is never forwarded.
#[test]
fn what_is_the_callers_or_one_hops_stays_here() {
    for name in [
        "Authorization",
        "Cookie",
        "X-CSRF-Token",
        "Host",
        "Content-Length",
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Expect",
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Real-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "CF-Ray",
        "CF-Access-Jwt-Assertion",
        "Sluicegate-Call",
        "Origin",
        "Referer",
        "Sec-Fetch-Site",
        "Sec-Fetch-Mode",
        "Sec-WebSocket-Key",
        "Sec-CH-UA",
        "Range",
        "If-Range",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Access-Control-Request-Method",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Method",
        "HTTP-Method-Override",
        "Method-Override",
        // One name with their dashed forms to CGI, WSGI, PHP and Rack.
        "X_Real_IP",
        "X_HTTP_Method_Override",
        "Content_Length",
        "X-Forwarded_For",
    ] {
        for name in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
            assert_eq!(names(&forward_request([(name.as_str(), "x")])), ["accept-encoding"], "{name}");
        }
    }
}

#[test]
fn accept_encoding_is_identity_whatever_was_asked() {
    let got = forward_request([("Accept-Encoding", "gzip, br"), ("accept-encoding", "zstd")]);
    assert_eq!(got.iter().collect::<Vec<_>>(), [("accept-encoding", "identity")]);
}

#[test]
fn headers_named_by_connection_are_dropped_in_both_directions() {
    let sent = [
        ("X-Total", "1"),
        ("X-Page", "1"),
        ("Connection", "close, X-Total"),
        ("CONNECTION", " x-Other "),
        ("x-other", "1"),
    ];
    assert_eq!(names(&forward_request(sent)), ["x-page", "accept-encoding"]);
    assert_eq!(names(&answered(sent)), ["x-page"]);
}

#[test]
fn headers_that_could_split_a_message_are_dropped() {
    let sent = [
        ("x-a", "1\r\nhost: evil.example"),
        ("x-b\r\n", "1"),
        ("x c", "1"),
        ("", "1"),
        ("x-d", "\0"),
        ("x-e", "1"),
    ];
    assert_eq!(names(&forward_request(sent)), ["x-e", "accept-encoding"]);
}

#[test]
fn nothing_that_acts_on_our_origin_comes_back() {
    for name in [
        "Set-Cookie",
        "WWW-Authenticate",
        "Proxy-Authenticate",
        "Clear-Site-Data",
        "Service-Worker-Allowed",
        "Alt-Svc",
        "Refresh",
        "Strict-Transport-Security",
        "Content-Security-Policy",
        "Content-Security-Policy-Report-Only",
        "X-Frame-Options",
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Permissions-Policy",
        "NEL",
        "Report-To",
        "Reporting-Endpoints",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "Timing-Allow-Origin",
        "SourceMap",
        "Content-Length",
        "Content-Encoding",
        "Transfer-Encoding",
        "Connection",
        "Sluicegate-Assertion",
        "CF-Ray",
        "X-Request-Id",
        "RateLimit",
        "RateLimit-Policy",
        // Proxies and servers in front of the gate.
        "X-Accel-Redirect",
        "X-Accel-Buffering",
        "X-Accel-Expires",
        "X-Sendfile",
        "X-Sendfile2",
        "X-Lighttpd-Send-File",
        "X-Reproxy-URL",
        "X-Envoy-Upstream-Service-Time",
        "X-Envoy-Immediate-Health-Check-Fail",
        "Via",
        // Caches and their tags.
        "Cache-Control",
        "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control",
        "Surrogate-Control",
        "Surrogate-Key",
        "Edge-Control",
        "Cache-Tag",
        "Cache-Status",
        "X-Cache-Tags",
        "X-Varnish-TTL",
        "X-LiteSpeed-Cache-Control",
        // Browsers.
        "Sec-Session-Registration",
        "Sec-Session-Challenge",
        "Secure-Session-Registration",
        "Activate-Storage-Access",
        "No-Vary-Search",
        // Ranges, which are not asked for.
        "Accept-Ranges",
        "Content-Range",
        // A digest of a body that scrubbing may change.
        "Content-Digest",
        "Content-MD5",
        // A name that nobody knows steers nobody knows what.
        "X-Unheard-Of",
    ] {
        assert_eq!(names(&answered([(name, "x")])), [""; 0], "{name}");
    }
}

/// Claim B2.
#[test]
fn answers_headers_come_back_scrubbed() {
    let got = answered([
        ("Content-Type", "application/json"),
        ("ETag", "\"1\""),
        ("Location", "/next?token=not-a-real-token&page=2"),
        ("Link", "</a?page=2>; rel=next"),
        ("Retry-After", "3"),
        ("X-RateLimit-Resource", "Bearer not-a-real-token"),
    ]);
    assert_eq!(
        got.iter().collect::<Vec<_>>(),
        [
            ("content-type", "application/json"),
            ("etag", "\"1\""),
            ("location", "https://api.example.com/next?token=[redacted]&page=2"),
            ("link", "<https://api.example.com/a?page=2>; rel=next"),
            ("retry-after", "3"),
            ("x-ratelimit-resource", "Bearer [redacted]"),
        ]
    );
}

/// Claim B2: a name is no place for a secret either.
#[test]
fn names_of_limits_are_made_of_known_words() {
    for name in [
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining-Tokens",
        "RateLimit-Reset",
        "X-Rate-Limit-Limit",
        "Anthropic-RateLimit-Input-Tokens-Remaining",
        "X-RateLimit-Resource",
        "X-RateLimit-Used",
    ] {
        assert_eq!(names(&answered([(name, "1")])), [name.to_ascii_lowercase()]);
    }
    for name in [
        "X-RateLimit-Not-A-Real-Token",
        "X-RateLimit-",
        "RateLimit-S3cret",
        "X-RateLimit-12345678",
        "X-RateLimit-6e6f74",
    ] {
        assert_eq!(names(&answered([(name, "1")])), [""; 0], "{name}");
    }
}

/// The URL standard takes tabs out of a reference: what they cut up must not come back whole.
#[test]
fn a_secret_that_the_parser_puts_together_is_found() {
    for value in ["/next?not-a-\treal-token", "/not-a-real-\ttoken"] {
        let got = answered([("location", value), ("link", &format!("<{value}>; rel=next"))]);
        for (name, value) in got.iter() {
            assert!(!value.contains("not-a-real-token") && value.contains("[redacted]"), "{name}: {value}");
        }
    }
}

#[test]
fn only_what_the_runtime_decodes_is_scrubbable() {
    for plain in [None, Some(""), Some(" identity "), Some("Identity"), Some("gzip"), Some("br")] {
        assert!(is_scrubbable(plain), "{plain:?}");
    }
    for encoded in ["identity, gzip", "gzip, gzip", "GZIP", "deflate", "zstd", "x-unknown"] {
        assert!(!is_scrubbable(Some(encoded)), "{encoded}");
    }
}

#[test]
fn debug_shows_names_alone() {
    let mut headers = Headers::default();
    headers.set("Authorization", "Bearer not-a-real-token");
    assert_eq!(format!("{headers:?}"), r#"{"authorization"}"#);
}
