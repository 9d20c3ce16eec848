//! A call through a connection: the credential goes in, the caller's own does not, nothing of either comes back
//! (claims B2, N5, M1, C2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::wire::Head;
use e2e::{Gate, Org, Upstream, random};
use serde_json::{Value, json};

/// B2, N5: each kind of credential arrives where it belongs, and its caller never sees it.
#[test]
fn b2_n5_the_upstream_gets_the_credential_and_the_caller_never_does() {
    let org = Org::sign_up(Gate::shared());
    let secret = random::text("s3cret-");
    let basic = format!("Basic {}", STANDARD.encode(format!("ada:{secret}")));
    let kinds = [
        (json!({ "type": "bearer", "token": secret }), "authorization", format!("Bearer {secret}")),
        (json!({ "type": "api_key", "header": "X-Api-Key", "value": secret }), "x-api-key", secret.clone()),
        (json!({ "type": "basic", "username": "ada", "password": secret }), "authorization", basic),
    ];
    for (auth, header, expected) in kinds {
        let upstream = Upstream::echo();
        let id = org.connection(&upstream.url(), &auth);
        let response = org.get(&format!("/v1/connections/{id}/proxy/items")).send();
        let echoed = response.ok(200);
        let head = upstream.only_head();
        assert_eq!(head.first, "GET /items HTTP/1.1");
        assert_eq!(only(&head, header), expected);
        assert_eq!(only(&head, "host"), upstream.authority());
        assert!(!response.text().contains(&secret), "{response}");
        assert!(echoed["headers"].to_string().contains("[redacted]"), "{response}");
    }

    let upstream = Upstream::echo();
    let id =
        org.connection(&upstream.url(), &json!({ "type": "api_key", "query": "api_key", "value": secret }));
    let target = format!("/v1/connections/{id}/proxy/items?page=2&api_key=mine&API_KEY=mine&q=a%20b");
    let response = org.get(&target).send();
    response.ok(200);
    let request = upstream.only_head().first;
    assert_eq!(request, format!("GET /items?page=2&q=a%20b&api_key={secret} HTTP/1.1"));
    assert!(!response.text().contains(&secret), "{response}");
}

/// N5: no call shows a stored credential, in whole or in part.
#[test]
fn n5_m1_c2_a_stored_credential_is_never_returned() {
    let org = Org::sign_up(Gate::shared());
    let secret = random::text("s3cret-");
    let auth = json!({ "type": "basic", "username": "ada", "password": secret });
    let body = json!({ "connector": "http", "name": "mail", "base_url": "https://api.example.com/v2/", "auth": auth });
    let created = org.post("/v1/connections", &body).send();
    let connection = created.ok(201);
    assert_eq!(connection["base_url"], "https://api.example.com/v2");
    assert_eq!(connection["allowed_hosts"], json!(["api.example.com"]));
    assert_eq!((&connection["auth_type"], &connection["status"]), (&json!("basic"), &json!("active")));
    let id = connection["id"].as_str().unwrap();
    let one = org.get(&format!("/v1/connections/{id}")).send();
    assert_eq!(one.ok(200), connection);
    let answers = [created, one, org.get("/v1/connections").send(), org.get("/v1/audit").send()];
    for answer in &answers {
        assert!(!answer.text().contains(&secret), "{answer}");
    }
    let receipt = org.delete(&format!("/v1/connections/{id}")).send().ok(200);
    assert_eq!(
        (&receipt["receipt"]["revocation"], &receipt["receipt"]["connection_id"]),
        (&json!("unsupported"), &connection["id"])
    );
    org.get(&format!("/v1/connections/{id}")).send().problem("not_found");
    org.get(&format!("/v1/connections/{id}/proxy/")).send().problem("not_found");
}

/// The caller's credential is for us alone; so is whatever he says of himself or of this hop.
#[test]
fn the_callers_own_headers_do_not_reach_the_upstream() {
    let org = Org::sign_up(Gate::shared());
    let key = org.api_key(&["connections:read"]);
    let upstream = Upstream::echo();
    let id = org
        .connection(&upstream.url(), &json!({ "type": "api_key", "header": "x-api-key", "value": "v4lue" }));
    let path = format!("/v1/connections/{id}/proxy/");
    let mark = random::text("mark-");
    let kept_back = [
        "cookie",
        "x-csrf-token",
        "sluicegate-call",
        "sluicegate-session",
        "sluicegate-anything",
        "x-forwarded-for",
        "x-forwarded-host",
        "forwarded",
        "x-real-ip",
        "cf-connecting-ip",
        "origin",
        "referer",
        "via",
        "range",
        "x-http-method-override",
        "x-original-url",
        "proxy-authorization",
        "te",
        "keep-alive",
        "x-api-key",
        "sec-fetch-site",
    ];
    let passed = [
        ("accept", "application/vnd.thing+json"),
        ("accept-language", "en"),
        ("user-agent", "thing/1"),
        ("x-custom", "custom"),
        ("if-none-match", "\"tag\""),
    ];
    let request = kept_back.iter().fold(key.get(&path), |request, name| match *name {
        // Ours would refuse the request with another value.
        "sec-fetch-site" => request.header(name, "same-origin"),
        name => request.header(name, &mark),
    });
    request.headers(passed).send().ok(200);

    let head = upstream.only_head();
    assert_eq!(only(&head, "x-api-key"), "v4lue");
    for (name, value) in passed {
        assert_eq!(only(&head, name), value);
    }
    for (name, value) in &head.headers {
        assert!(!value.contains(&mark), "{name}: {value}");
        assert!(!value.contains(&key.key), "{name}: {value}");
        let lower = name.to_lowercase();
        assert!(!lower.starts_with("sluicegate-") && !lower.starts_with("x-forwarded"), "{name}: {value}");
    }
    assert_eq!(head.all("authorization").next(), None, "{head:?}");
}

#[test]
fn methods_bodies_and_queries_arrive_as_they_were_sent() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::echo();
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
    let path = "/a%2Fb/c;v=1/~d?q=a+b%20c&empty=&x=%26&list[]=1#".trim_end_matches('#');
    let target = format!("/v1/connections/{id}/proxy{path}");
    for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
        assert_eq!(org.request(method, &target).send().status, 200, "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let body = "{\"a\":\t[1,2 ]}\r\n";
        let request = org.request(method, &target).header("content-type", "application/x-thing");
        let echo = request.body(body).send().ok(200);
        assert_eq!((&echo["method"], &echo["body"]), (&json!(method), &json!(body)));
        assert!(echo["headers"].to_string().contains("application/x-thing"));
    }
    let sent: Vec<String> = upstream.heads().into_iter().map(|head| head.first).collect();
    let methods = ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "DELETE"];
    assert_eq!(sent, methods.map(|method| format!("{method} {path} HTTP/1.1")));
}

/// What an upstream says of its own origin is not said of ours; the rest of its answer is.
#[test]
fn the_upstreams_answer_comes_back_without_what_speaks_for_our_origin() {
    let org = Org::sign_up(Gate::shared());
    const THEIRS: [(&str, &str); 22] = [
        ("set-cookie", "__Host-sluicegate_session=evil; Path=/; Secure"),
        ("set-cookie", "b=2"),
        ("content-security-policy", "default-src * 'unsafe-inline'"),
        ("strict-transport-security", "max-age=0"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("x-frame-options", "ALLOWALL"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("clear-site-data", "\"*\""),
        ("service-worker-allowed", "/"),
        ("refresh", "0; url=https://evil.example"),
        ("www-authenticate", "Basic realm=evil"),
        ("sluicegate-session", "evil"),
        ("x-request-id", "theirs"),
        ("alt-svc", "h2=\"evil.example:443\""),
        ("server", "evil/1"),
        ("x-powered-by", "evil"),
        ("x-accel-redirect", "/internal/passwd"),
        ("x-sendfile", "/etc/passwd"),
        ("cache-tag", "evil"),
        ("accept-ranges", "bytes"),
        ("sec-session-registration", "(ES256);path=\"evil\""),
    ];
    let upstream = Upstream::start(|call| {
        let mine = [
            ("content-type", "text/html"),
            ("etag", "\"v1\""),
            ("x-total-count", "kept"),
            ("link", "</2>; rel=next"),
        ];
        call.answer("418 I'm a teapot", &[&THEIRS[..], &mine].concat(), b"<script>evil()</script>")
    });
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
    let response = org.browser().get(&format!("/v1/connections/{id}/proxy/page")).send();
    assert_eq!((response.status, response.text().as_str()), (418, "<script>evil()</script>"));
    for (name, value) in [
        ("content-type", "text/html"),
        ("etag", "\"v1\""),
        ("x-total-count", "kept"),
        ("link", &format!("<{}/2>; rel=next", upstream.url())),
    ] {
        assert_eq!(response.header(name), Some(value), "{response}");
    }
    for (name, value) in THEIRS {
        assert!(response.head.all(name).all(|have| have != value), "{name} of {response}");
    }
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.contains("sandbox"), "an answer opened as a page has no origin: {policy}");
}

/// Header values outside of ASCII, many headers, long ones: passed on or refused, never a fault of ours.
#[test]
fn odd_headers_cross_the_broker_in_both_directions() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| {
        let many: Vec<(String, String)> =
            (0..200).map(|n| (format!("x-ratelimit-{n}"), n.to_string())).collect();
        let long = "l".repeat(50_000);
        let headers: Vec<(&str, &str)> = match call.target() {
            "/utf8" => vec![
                ("x-total", "caf\u{e9} \u{1f600}"),
                ("content-disposition", "attachment; filename=\"\u{e9}.txt\""),
            ],
            "/many" => many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            "/long" => vec![("x-total", &long)],
            "/controls" => vec![("x-total", "a\u{1}\u{7f}b"), ("x-page", "a\tb"), ("x-per-page", "")],
            "/type" => vec![("content-type", "\u{e9}; charset=\"")],
            "/location" => vec![("location", "/\u{e9}")],
            _ => vec![],
        };
        call.answer("200 OK", &headers, b"body")
    });
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
    let get = |path: &str| org.get(&format!("/v1/connections/{id}/proxy{path}"));
    for path in ["/utf8", "/many", "/type", "/location"] {
        let response = get(path).send();
        assert_eq!((response.status, response.text().as_str()), (200, "body"), "{path}: {response}");
    }
    for path in ["/long", "/controls"] {
        let response = get(path).send();
        if response.status != 200 {
            response.problem("upstream_unreachable");
        }
    }
    assert_eq!(get("/utf8").send().header("x-total"), Some("caf\u{e9} \u{1f600}"));
    let odd = get("/").header("x-odd", "caf\u{e9} \u{1f600}").header("user-agent", "\u{e9}").send();
    assert_eq!(odd.status, 200, "{odd}");
    assert_eq!(only(upstream.heads().last().unwrap(), "x-odd"), "caf\u{e9} \u{1f600}");
}

/// RFC 9110, row by row: what an upstream answers means the same on this side of the broker.
#[test]
fn an_answer_means_the_same_on_both_sides() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| {
        let gzip = ("content-encoding", "gzip");
        match call.target() {
            "/v1/head" => call.answer("200 OK", &[("etag", "\"1\"")], &[b'x'; 1234]),
            "/v1/coded" | "/v1/empty" => call.answer("200 OK", &[gzip], b""),
            "/v1/none" => call.answer("204 No Content", &[("content-encoding", "zstd")], b""),
            "/v1/same" => call.answer("304 Not Modified", &[("location", "/v1/x"), gzip], b""),
            "/v1/choices" => call.answer("300 Multiple Choices", &[("location", "/v1/x")], b"choose"),
            "/v1/made" => call.answer("201 Created", &[("location", "made/7")], b"made"),
            "/v1/later" => call.answer("503 Later", &[("retry-after", "120")], b""),
            "/v1/gone" => call.answer("503 Gone", &[], b""),
            _ => call.echo(),
        }
    });
    let base = format!("{}/v1", upstream.url());
    let id = org.connection(&base, &json!({ "type": "bearer", "token": random::text("tok-") }));
    for (method, path, status, location, asked) in [
        ("HEAD", "/head", 200, None, 1),
        ("HEAD", "/coded", 200, None, 1),
        ("GET", "/empty", 200, None, 1),
        ("GET", "/none", 204, None, 1),
        ("GET", "/same", 304, Some("/v1/x"), 1),
        ("GET", "/choices", 300, Some("/v1/x"), 1),
        ("POST", "/made", 201, Some("/v1/made/7"), 1),
        ("GET", "/later", 503, None, 1),
        ("GET", "/gone", 503, None, 2),
        // The endpoint itself.
        ("GET", "", 200, None, 1),
        ("GET", "?a=1", 200, None, 1),
        ("GET", "/", 200, None, 1),
    ] {
        let before = upstream.heads().len();
        let response = org.request(method, &format!("/v1/connections/{id}/proxy{path}")).send();
        assert_eq!(response.status, status, "{method} {path}: {response}");
        let location = location.map(|path| upstream.url() + path);
        assert_eq!(response.header("location"), location.as_deref(), "{method} {path}");
        assert_eq!(upstream.heads().len() - before, asked, "{method} {path}");
        let last = upstream.heads().last().unwrap().first.clone();
        assert_eq!(last, format!("{method} /v1{path} HTTP/1.1"));
        let length = (path == "/head").then_some("1234");
        assert!(length.is_none() || response.header("content-length") == length, "{response}");
    }
}

/// An upstream that gives no answer: the caller is told where to look.
#[test]
fn an_upstream_that_is_not_there_is_told_from_one_that_speaks_no_tls() {
    let org = Org::sign_up(Gate::shared());
    let plain = speaks_no_tls();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, words) in [
        ("http://nobody.invalid".to_owned(), "no such host"),
        (format!("http://{closed}"), "connection refused"),
        (format!("https://{plain}"), "TLS"),
    ] {
        let id = org.connection(&url, &json!({ "type": "bearer", "token": random::text("tok-") }));
        let response = org.get(&format!("/v1/connections/{id}/proxy/x")).send();
        response.problem("upstream_unreachable");
        assert!(response.text().contains(words), "{url}: {response}");
    }
}

/// A server that answers whatever comes as servers of plain HTTP answer a ClientHello.
fn speaks_no_tls() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
            let _ = std::io::Write::write_all(
                &mut stream,
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            );
        }
    });
    address
}

/// RFC 9110, section 9.3.1: a body that a GET or HEAD has is refused, and not dropped in silence.
#[test]
fn a_get_with_a_body_is_refused() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::echo();
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
    let target = format!("/v1/connections/{id}/proxy/search");
    let detail = org.request("GET", &target).body("{\"query\":1}").send().problem("invalid_request");
    assert!(detail.contains("GET"), "{detail}");
    assert_eq!(org.request("HEAD", &target).body("x").send().status, 400);
    assert_eq!(upstream.heads().len(), 0);
    assert_eq!(org.request("GET", &target).header("content-length", "0").send().status, 200);
    assert_eq!(org.request("DELETE", &target).body("x").send().ok(200)["body"], "x");
}

/// An API key with `connections:read` reads through a connection, and only that.
#[test]
fn n7_reading_through_a_connection_is_not_writing_through_it() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::echo();
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
    let key = org.api_key(&["connections:read"]);
    let target = format!("/v1/connections/{id}/proxy/x");
    key.get(&target).send().ok(200);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        key.request(method, &target).send().problem("insufficient_scope");
    }
    assert_eq!(upstream.heads().len(), 1);
}

/// The upstream's own refusals come back as they are: they are no answers of ours.
#[test]
fn the_upstreams_refusals_are_passed_on() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| {
        let status = call.target().trim_start_matches('/').to_owned();
        call.answer(
            &format!("{status} Theirs"),
            &[("content-type", "application/json")],
            b"{\"theirs\":true}",
        )
    });
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
    for status in [400, 401, 403, 404, 409, 422, 429, 500, 503] {
        let response = org.get(&format!("/v1/connections/{id}/proxy/{status}")).send();
        assert_eq!(response.status, status, "{response}");
        assert_eq!(serde_json::from_slice::<Value>(&response.body).unwrap(), json!({ "theirs": true }));
    }
}

fn only(head: &Head, name: &str) -> String {
    let values: Vec<&str> = head.all(name).collect();
    assert_eq!(values.len(), 1, "{name} in {head:?}");
    values[0].to_owned()
}
