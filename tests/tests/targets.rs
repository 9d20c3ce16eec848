//! A credential goes to its own host and no other (claim B2, invariant 4): redirects, paths, addresses.

use e2e::{Gate, Org, Upstream, random};
use serde_json::json;
use std::net::TcpListener;

fn token() -> serde_json::Value {
    json!({ "type": "bearer", "token": random::text("tok-") })
}

/// B2: a redirect to another host is refused, and that host hears nothing; nor is the caller sent there.
#[test]
fn b2_a_redirect_to_another_host_is_refused() {
    let org = Org::sign_up(Gate::shared());
    let elsewhere = Upstream::echo();
    let (authority, port) =
        (elsewhere.authority(), elsewhere.authority().rsplit(':').next().unwrap().to_owned());
    let locations = [
        format!("http://{authority}/x"),
        format!("//{authority}/x"),
        format!("https://{authority}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://user@{authority}/"),
        format!("http:\\\\{authority}\\"),
        "ftp://127.0.0.1/".to_owned(),
        "javascript:alert(1)".to_owned(),
        "http://[".to_owned(),
    ];
    let (count, told) = (locations.len(), locations.clone());
    let upstream = Upstream::start(move |call| {
        let (status, index) = call.target()[1..].split_once('/').unwrap();
        let location = &told[index.parse::<usize>().unwrap()];
        call.answer(&format!("{status} Moved"), &[("location", location)], b"go there")
    });
    let id = org.connection(&upstream.url(), &token());
    for status in [301, 302, 303, 307, 308] {
        for index in 0..count {
            let target = format!("/v1/connections/{id}/proxy/{status}/{index}");
            for response in [org.get(&target).send(), org.request("POST", &target).body("x").send()] {
                response.problem("redirect_refused");
                assert!(!response.text().contains(&port), "{response}");
                assert_eq!(response.header("location"), None);
            }
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_redirect_on_the_same_host_is_followed_with_the_credential() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| match call.target() {
        "/v1/start?a=1" => call.answer("302 Found", &[("location", "/v2/next")], b""),
        "/v2/next" => call.answer("301 Moved", &[("location", "last?b=2#fragment")], b""),
        "/v2/last?b=2" => call.answer("200 OK", &[], b"arrived"),
        "/v1/loop" => call.answer("302 Found", &[("location", "/v1/loop")], b""),
        _ => call.answer("404 Not Found", &[], b""),
    });
    let auth = token();
    let id = org.connection(&format!("{}/v1", upstream.url()), &auth);
    let response = org.get(&format!("/v1/connections/{id}/proxy/start?a=1")).send();
    assert_eq!((response.status, response.text().as_str()), (200, "arrived"));
    let expected = format!("Bearer {}", auth["token"].as_str().unwrap());
    let heads = upstream.heads();
    assert_eq!(heads.len(), 3);
    assert!(heads.iter().all(|head| head.all("authorization").eq([expected.as_str()])), "{heads:?}");

    org.get(&format!("/v1/connections/{id}/proxy/loop")).send().problem("redirect_refused");
    assert!(upstream.heads().len() < 20);
}

/// What was sent is not sent twice: a redirected change is the caller's to repeat.
#[test]
fn a_redirected_change_is_not_repeated() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| {
        let status = call.target().trim_start_matches('/').to_owned();
        call.answer(&format!("{status} Moved"), &[("location", "/other")], b"there")
    });
    let id = org.connection(&upstream.url(), &token());
    for (sent, status) in [301, 302, 303, 307, 308].into_iter().enumerate() {
        for (again, request) in [("POST", "once"), ("DELETE", "")].into_iter().enumerate() {
            let target = format!("/v1/connections/{id}/proxy/{status}");
            let response = org.request(request.0, &target).body(request.1).send();
            assert_eq!(
                (response.status, response.header("location")),
                (status, Some(&*format!("{}/other", upstream.url()))),
                "{response}"
            );
            let heads = upstream.heads();
            assert_eq!(heads.len(), sent * 2 + again + 1, "{heads:?}");
            assert_eq!(heads.last().unwrap().first, format!("{} /{status} HTTP/1.1", request.0));
        }
    }
}

/// Whatever a path is written like, it stays below the connection's base URL.
#[test]
fn a_path_cannot_leave_the_base_url() {
    let org = Org::sign_up(Gate::shared());
    let (upstream, evil) = (Upstream::echo(), Upstream::echo());
    let evil = (evil.authority(), evil);
    let id = org.connection(&format!("{}/base/v1", upstream.url()), &token());
    let escapes = [
        "..",
        "../",
        "../admin",
        "a/../../admin",
        "a/b/../../../admin",
        "./../admin",
        "%2e%2e/admin",
        "%2E%2e/admin",
        ".%2e/admin",
        "%2e./admin",
        "a/%2e%2e/%2e%2e/admin",
        "%252e%252e/admin",
        "..%2fadmin",
        "..%252fadmin",
        "%2e%2e%2fadmin",
        "..;/admin",
        "..;x=1/admin",
        "..\\admin",
        "a\\..\\..\\admin",
        "%5c..%5cadmin",
        "..%5cadmin",
        "a/..%5c..%5cadmin",
        "/evil",
        "//evil",
        "/%2e%2e/admin",
        "\\evil",
        "\\\\evil",
        "http:",
        "http://evil",
        "%00",
        "a%0d%0aHost:%20evil",
        "a%0ab",
        "%2e%2e",
        "a/..",
        "a/%2e%2e/../..",
    ];
    for escape in escapes {
        let escape = escape.replace("evil", &evil.0);
        for method in ["GET", "POST"] {
            let response = org.request(method, &format!("/v1/connections/{id}/proxy/{escape}")).send();
            assert!([400, 404, 405].contains(&response.status), "{escape}: {response}");
            assert_eq!(
                response.header("content-type"),
                Some("application/problem+json"),
                "{escape}: {response}"
            );
        }
    }
    assert_eq!(upstream.connections(), 0, "{:?}", upstream.heads());
    // These are names like any other.
    org.get(&format!("/v1/connections/{id}/proxy@{}/", evil.0)).send().problem("not_found");
    for name in [format!("@{}/", evil.0), format!("https:%2f%2f{}/", evil.0), "a/...".to_owned()] {
        org.get(&format!("/v1/connections/{id}/proxy/{name}")).send().ok(200);
    }
    assert!(
        upstream.heads().iter().all(|head| head.first.starts_with("GET /base/v1/")),
        "{:?}",
        upstream.heads()
    );
    assert_eq!(evil.1.connections(), 0);
}

#[test]
fn an_upstream_that_is_down_is_a_502_and_says_nothing_of_it() {
    let org = Org::sign_up(Gate::shared());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let id = org.connection(&format!("http://127.0.0.1:{port}"), &token());
    let response = org.get(&format!("/v1/connections/{id}/proxy/")).send();
    response.problem("upstream_unreachable");
    assert!(!response.text().contains(&port.to_string()), "{response}");
    // One that hangs up in the middle of its head, speaks no HTTP, or says what is no status.
    let odd = [
        "",
        "HTTP/1.1 200 OK\r\ncontent-",
        "SSH-2.0-thing\r\n\r\n",
        "HTTP/1.1 600 Odd\r\n\r\n",
        "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 0 Odd\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ];
    for answer in odd {
        let upstream = Upstream::start(move |call| {
            use std::io::Write as _;
            call.body.get_ref().get_ref().write_all(answer.as_bytes())
        });
        let id = org.connection(&upstream.url(), &token());
        org.get(&format!("/v1/connections/{id}/proxy/")).send().problem("upstream_unreachable");
    }
}

/// It takes `limits.upstream_timeout_seconds`: the slowest test there is, and it costs no CPU.
#[test]
fn an_upstream_that_does_not_answer_is_a_504() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| call.body.rest().map(|_| std::thread::park_timeout(e2e::PATIENCE)));
    let id = org.connection(&upstream.url(), &token());
    org.get(&format!("/v1/connections/{id}/proxy/")).send().problem("upstream_timeout");
    org.get("/v1/me").send().ok(200);
}

/// In production a connection is an HTTPS URL of a public host, whatever the spelling of another.
#[test]
fn a_private_or_plain_base_url_is_refused_in_production() {
    let gate = Gate::start_with("public-only", |options| options.allow_local_upstreams = false);
    let org = Org::sign_up(&gate);
    let refused = [
        "http://api.example.com",
        "https://127.0.0.1",
        "https://127.1",
        "https://0x7f000001",
        "https://2130706433",
        "https://017700000001",
        "https://0.0.0.0",
        "https://10.0.0.1",
        "https://172.16.0.1",
        "https://192.168.1.1",
        "https://169.254.169.254",
        "https://100.100.100.200",
        "https://168.63.129.16",
        "https://[::1]",
        "https://[::]",
        "https://[fd00:ec2::254]",
        "https://[fe80::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[64:ff9b::7f00:1]",
        "https://[2002:7f00:1::]",
        "https://localhost",
        "https://localhost.",
        "https://api.localhost",
        "https://metadata.google.internal",
        "https://printer.local",
        "https://intranet",
        "https://service.corp",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "https://user:pw@api.example.com",
        "https://api.example.com@127.0.0.1",
        "https://api.example.com/?q=1",
        "https://api.example.com/#f",
        "https://api.example.com/../x",
        "https:/api.example.com",
        "https://",
        "",
        "api.example.com",
        "https://api.example.com\\@127.0.0.1",
        "https://１２７.0.0.1",
    ];
    for base_url in refused {
        let body = json!({ "connector": "http", "name": "x", "base_url": base_url, "auth": token() });
        let response = org.post("/v1/connections", &body).send();
        response.problem("base_url_refused");
    }
    assert_eq!(org.list("/v1/connections").len(), 0);
    org.connection("https://api.example.com:8443/v1", &token());
}

/// The socket is guarded too, after name resolution: even where the policy would let a private address pass. And a
/// connection that was made under another policy is not used.
#[test]
fn the_network_refuses_private_addresses_whatever_was_stored() {
    let upstream = Upstream::echo();
    let mut first = Gate::start("network-guard");
    let org = Org::sign_up(&first);
    let target = format!("/v1/connections/{}/proxy/", org.connection(&upstream.url(), &token()));
    org.get(&target).send().ok(200);
    first.stop();
    let again = |name: &str, change: fn(&mut xtask::serve::Options)| {
        let (data_dir, keys) = (first.data_dir().to_owned(), first.keys().clone());
        let gate = Gate::start_with(name, |options| {
            (options.data_dir, options.keys, options.allow_local_upstreams) = (data_dir, keys, false);
            change(options);
        });
        let response = gate.client().bearer(&org.token).get(&target).send();
        (gate, response)
    };

    let (gate, response) = again("guarded-by-policy", |_| {});
    response.problem("base_url_refused");
    drop(gate);
    let (gate, response) = again("guarded-by-socket", |options| {
        options.variables.insert("ALLOW_LOCAL_UPSTREAMS".to_owned(), "true".to_owned());
    });
    response.problem("upstream_unreachable");
    drop(gate);
    assert_eq!(upstream.heads().len(), 1, "only the first server's");
}
