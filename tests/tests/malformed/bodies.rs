//! Bodies: no JSON, odd JSON, JSON of any other shape, too long, broken off.

use super::{Target, exchange};
use crate::routes::{absent, cases};
use e2e::random::Sequence;
use serde_json::Value;

#[test]
fn bodies_that_are_odd() {
    let mut target = Target::new("malformed-bodies");
    let mut random = Sequence::new();
    let deep = |open: &str, close: &str, depth: usize| {
        format!("{}{}", open.repeat(depth), close.repeat(depth)).into_bytes()
    };
    let mut bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"}".to_vec(),
        b"null".to_vec(),
        b"true".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"\"\"".to_vec(),
        b"0".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"{\"email\":\"\xc3\x28\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{}{}".to_vec(),
        b"{} x".to_vec(),
        b"{\"email\":\"\\ud800\"}".to_vec(),
        b"{\"email\":\"a\\u0000@b.c\"}".to_vec(),
        b"{\"a\":NaN}".to_vec(),
        b"{\"a\":1e999999}".to_vec(),
        b"{'a':1}".to_vec(),
        b"{\"email\":\"a@b.c\",\"email\":\"d@e.f\",\"password\":\"x\"}".to_vec(),
        b"\0".repeat(1000),
        b"a=b&c=d".to_vec(),
        deep("[", "]", 20_000),
        deep("[", "", 60_000),
        deep("{\"a\":", "}", 10_000),
        deep("{\"auth\":", "1}", 5000),
        format!("{{\"limit\":{}}}", "9".repeat(50_000)).into_bytes(),
        format!("{{\"name\":\"{}\"}}", "x".repeat(60_000)).into_bytes(),
        format!("{{\"{}\":1}}", "k".repeat(60_000)).into_bytes(),
        vec![b'x'; 70_000],
        vec![b' '; 60_000],
    ];
    bodies.extend((0..12).map(|_| random.bytes(300)));
    bodies.extend((0..60).map(|_| any_json(&mut random, 0).to_string().into_bytes()));
    let posts: Vec<String> = {
        let mut paths: Vec<String> =
            cases(absent).into_iter().filter(|case| case.method == "POST").map(|case| case.path).collect();
        paths.push(format!("/in/{}", target.source));
        paths.push(format!("/v1/connections/{}/proxy/x", target.connection));
        paths
    };
    for path in &posts {
        // As above; a new workspace takes the session along.
        for body in bodies.iter().filter(|_| !["/v1/logout", "/v1/orgs"].contains(&path.as_str())) {
            target.post(path, body);
        }
    }
    for path in ["/sign-in", "/sign-up", "/sign-out", "/keys", "/connections", "/sources"] {
        for body in &bodies {
            let form = format!(
                "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
                body.len()
            );
            let cookie = format!("cookie: __Host-sluicegate_session={}\r\n", target.org.cookie);
            let bytes = [target.head("POST", path, &(form + &cookie)), body.clone()].concat();
            target.send(&bytes, false);
        }
    }
    // Ten megabytes where none are taken, and chunks that are none.
    let ten = vec![b'{'; 10_000_000];
    for path in ["/v1/signup", "/v1/api-keys", "/in/src_0", "/sign-in", &format!("/in/{}", target.source)] {
        target.post(path, &ten);
    }
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n",
        "5\r\nab",
        "5;ext=\"\r\n12345\r\n0\r\n\r\n",
        "0\r\nx: y\r\n",
        "\r\n",
        "2\r\nabc\r\n0\r\n\r\n",
    ] {
        for path in ["/v1/login", "/v1/api-keys", "/in/src_0", &posts[posts.len() - 2]] {
            let headers = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
            let bytes = [target.head("POST", path, headers), chunks.as_bytes().to_vec()].concat();
            target.send(&bytes, true);
        }
    }
    // Bodies that break off. On its way to an upstream that is found out too late for anything but a 502.
    let proxied = posts[posts.len() - 1].clone();
    for (length, sent) in [(10, 5), (10, 0), (70_000, 100)] {
        let headers = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
        let body = vec![b'x'; sent];
        for path in ["/v1/login", "/v1/api-keys", &posts[posts.len() - 2]] {
            target.send(&[target.head("POST", path, &headers), body.clone()].concat(), true);
        }
        let bytes = [target.head("POST", &proxied, &headers), body].concat();
        if let Some(response) = exchange(target.gate.address(), &bytes) {
            match response.status {
                502 => drop(response.problem("upstream_unreachable")),
                status => assert!((400..500).contains(&status), "{response}"),
            }
        }
    }
    target.end();
}

/// Any JSON, out of the names and values that the API takes.
fn any_json(random: &mut Sequence, depth: usize) -> Value {
    const NAMES: [&str; 18] = [
        "email",
        "password",
        "name",
        "org_name",
        "region",
        "accept_terms",
        "scopes",
        "expires_at",
        "rate_limit",
        "limit",
        "period_seconds",
        "connector",
        "base_url",
        "auth",
        "type",
        "token",
        "provider",
        "secret",
    ];
    const TEXTS: [&str; 12] = [
        "",
        "x",
        "http",
        "https://api.example.com",
        "bearer",
        "audit:read",
        "stripe",
        "\u{0}",
        "\u{1f600}",
        "2999-01-01T00:00:00Z",
        "eu",
        "a\"b\\c",
    ];
    match random.below(if depth > 3 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => Value::from(random.below(2) == 0),
        2 => Value::from(random.next_u64()),
        3 => Value::from(random.next_u64() as i64 as f64 * 1e300),
        4 => Value::from(*random.pick(&TEXTS)),
        5 => (0..random.below(4)).map(|_| any_json(random, depth + 1)).collect(),
        _ => {
            let fields = (0..random.below(7))
                .map(|_| ((*random.pick(&NAMES)).to_owned(), any_json(random, depth + 1)));
            Value::Object(fields.collect())
        }
    }
}
