//! Request lines, methods and headers.

use super::Target;

#[test]
fn heads_that_are_odd() {
    let mut target = Target::new("malformed-heads");
    let address = target.gate.address();
    let many: String = (0..1000).map(|n| format!("x-h-{n}: {n}\r\n")).collect();
    let giant = |name: &str, size: usize| format!("{name}: {}\r\n", "a".repeat(size));
    let mut heads =
        vec![many, giant("x-giant", 40_000), giant("x-giant", 300_000), giant("x-giant", 2_000_000)];
    heads.extend(
        ["authorization", "cookie", "idempotency-key", "origin", "host", "content-type", "x-csrf-token"]
            .map(|name| giant(name, 20_000)),
    );
    heads.push("x: y\r\n".repeat(200));
    heads.push(format!("{}: x\r\n", "n".repeat(30_000)));
    heads.extend(
        [
            "content-length: 5\r\ncontent-length: 6\r\n",
            "content-length: 5\r\ncontent-length: 5\r\n",
            "content-length: -1\r\n",
            "content-length: x\r\n",
            "content-length: 18446744073709551616\r\n",
            "content-length: +0\r\n",
            "content-length: 0x0\r\n",
            "content-length: 0, 0\r\n",
            "content-length:\r\n",
            "host: evil.example\r\n",
            "host:\r\n",
            "host: a b\r\n",
            "transfer-encoding: chunked, chunked\r\n",
            "transfer-encoding: gzip\r\n",
            "transfer-encoding: xchunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
            "x : y\r\n",
            ": y\r\n",
            "x\r\n",
            " folded: y\r\n",
            "x: a\r\n b\r\n",
            "x: \0\r\n",
            "x: \u{e9}\u{1f600}\r\n",
            "x\u{e9}: y\r\n",
            "x: \x7f\x01\r\n",
            "x: a\rb\r\n",
            "x: a\nb: c\r\n",
            "expect: 100-continue\r\n",
            "expect: 200-ok\r\n",
            "connection: close, authorization\r\n",
            "upgrade: websocket\r\nconnection: upgrade\r\n",
            "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
            "range: bytes=0-\r\n",
            "idempotency-key: \u{e9}\r\n",
            "sec-fetch-site: \0\r\n",
            "origin: \u{1f600}\r\n",
            "content-encoding: gzip\r\n",
            "x-test-client-ip: not an address\r\n",
            "x-test-client-ip: ::ffff:1.2.3.4, 5.6.7.8\r\n",
            "sluicegate-call: {}\r\n",
            "cookie: __Host-sluicegate_session=\u{e9}\r\n",
            "cookie: ;;;=;=\r\n",
            "accept: \u{0}\r\n",
        ]
        .map(str::to_owned),
    );
    for headers in &heads {
        for (method, path) in [("GET", "/v1/me"), ("POST", "/v1/login"), ("GET", "/"), ("POST", "/sign-in")] {
            let bytes = target.head(method, path, headers);
            // Some frame a body that never comes.
            target.send(&bytes, true);
        }
    }
    for version in
        ["HTTP/1.0", "HTTP/0.9", "HTTP/2", "HTTP/9.9", "HTTP/1.", "HTTP", "http/1.1", "HTTP/1.1 x", "\u{e9}"]
    {
        target.send(format!("GET /healthz {version}\r\nhost: {address}\r\n\r\n").as_bytes(), true);
    }
    target.send(b"GET /healthz HTTP/1.1\r\n\r\n", false);
    let methods = [
        "get",
        "FOO",
        "PROPFIND",
        "TRACE",
        "CONNECT",
        "OPTIONS",
        "HEAD",
        "PATCH",
        "QUERY",
        "M-SEARCH",
        "G\u{c9}T",
        "GET\0",
        "\"GET\"",
        "-",
        &"A".repeat(5000),
    ];
    let paths = ["/v1/me", "/v1/connections", "/in/src_0", "/healthz", "/", "/nothing", "*"];
    for method in methods {
        for path in paths {
            let bytes = target.head(method, path, "");
            target.send(&bytes, true);
        }
    }
    let token = target.org.token.clone();
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer  x",
        "bearer\tx",
        "Basic",
        "Basic ====",
        "Bearer \u{e9}",
        "Bearer a b",
        "\0",
        "Digest x=y",
        "Bearer sgk_",
        "Bearer sgk_\u{e9}",
        "Bearer .",
        "Bearer ..",
        "Bearer ...",
        "Bearer e30.e30.e30",
        "Bearer =.=.=",
        &format!("Bearer {token}, Bearer {token}"),
        &format!("Bearer {}", "a.".repeat(3000)),
        &format!("Bearer {}", "sgk_".repeat(3000)),
    ] {
        for path in ["/v1/me", "/v1/auth/check", "/v1/connections"] {
            target.send(
                format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {value}\r\n\r\n")
                    .as_bytes(),
                false,
            );
        }
    }
    target.end();
}
