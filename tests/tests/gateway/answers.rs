//! What comes back: the app's answers as they are, its mistakes as ours to name, and nothing that weakens this origin.

use super::{Behind, answering, fresh};
use e2e::Org;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read as _, Write as _};

#[test]
fn method_query_and_body_arrive_and_the_answer_is_the_apps() {
    let org = Org::sign_up(&Behind::shared().gate);
    let target = fresh() + "/a%20b;c?q=%C3%BC&q=2&r=../x";
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let request = org.request(method, &target).header("content-type", "text/plain").body("ünser body");
        let echo = request.send_to_app().ok(200);
        assert_eq!((&echo["method"], &echo["target"]), (&method.into(), &target.as_str().into()));
        assert_eq!(echo["body"], "ünser body");
    }
    let teapot = answering(|call| {
        call.answer("418 I'm a teapot", &[("content-type", "text/x-tea"), ("x-pot", "1")], b"short")
    });
    let answer = org.get(&teapot).send_to_app();
    assert_eq!((answer.status, answer.body.as_slice()), (418, b"short".as_slice()));
    assert_eq!((answer.header("content-type"), answer.header("x-pot")), (Some("text/x-tea"), Some("1")));
    let head = org.request("HEAD", &teapot).send_to_app();
    assert_eq!((head.status, head.body.len()), (418, 0));
}

#[test]
fn answers_without_a_body_and_compressed_ones_pass_intact() {
    let org = Org::sign_up(&Behind::shared().gate);
    for status in ["204 No Content", "304 Not Modified"] {
        let target = answering(move |call| call.answer(status, &[("etag", "\"1\"")], b""));
        let answer = org.get(&target).send_to_app();
        assert!(status.starts_with(&answer.status.to_string()), "{answer}");
        assert_eq!((answer.header("etag"), answer.body.len()), (Some("\"1\""), 0));
    }
    let text = "compressible ".repeat(1000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzipped = gzip.finish().unwrap();
    let target = answering(move |call| call.answer("200 OK", &[("content-encoding", "gzip")], &gzipped));
    let answer = org.get(&target).header("accept-encoding", "gzip").send_to_app();
    let mut received = String::new();
    match answer.header("content-encoding") {
        Some("gzip") => drop(GzDecoder::new(answer.body.as_slice()).read_to_string(&mut received).unwrap()),
        _ => received = answer.text(),
    }
    assert_eq!(received, text);
}

#[test]
fn a_redirect_is_the_clients_to_follow() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let next = fresh();
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = next.clone();
        let target = answering(move |call| call.answer(status, &[("location", &location)], b""));
        let answer = org.request("POST", &target).body("x").send_to_app();
        assert!(status.starts_with(&answer.status.to_string()), "{answer}");
        assert_eq!(answer.header("location"), Some(next.as_str()));
    }
    assert!(behind.heads_with(&next).is_empty());
}

/// `send_to_app` holds every answer to this origin's protection; here the app works against it.
#[test]
fn an_app_cannot_weaken_this_origin_or_set_our_session() {
    let org = Org::sign_up(&Behind::shared().gate);
    let target = answering(|call| {
        let headers = [
            ("set-cookie", "__Host-sluicegate_session=planted; Path=/; Secure"),
            ("set-cookie", "app=1; Path=/app/"),
            ("Set-Cookie", " __Host-sluicegate_session=; Max-Age=0"),
            ("set-cookie", "b=2"),
            ("content-security-policy", "default-src 'self' https://cdn.example"),
            ("strict-transport-security", "max-age=0"),
            ("x-frame-options", "ALLOWALL"),
            ("x-content-type-options", "sniff"),
            ("cross-origin-opener-policy", "unsafe-none"),
            ("permissions-policy", "camera=*"),
            ("referrer-policy", "unsafe-url"),
            ("sluicegate-session", "planted"),
            ("x-request-id", "planted"),
            ("server", "nginx"),
            ("x-powered-by", "PHP"),
            ("cache-control", "max-age=60"),
        ];
        call.answer("200 OK", &headers, b"ok")
    });
    let answer = org.get(&target).send_to_app();
    assert_eq!(answer.head.all("set-cookie").collect::<Vec<_>>(), ["app=1; Path=/app/", "b=2"]);
    assert!(!format!("{:?}", answer.head).contains("planted"), "{answer}");
    // These two are the app's own affair.
    assert_eq!(answer.header("content-security-policy"), Some("default-src 'self' https://cdn.example"));
    assert_eq!(answer.header("cache-control"), Some("max-age=60"));

    let bare = org.get(&fresh()).send_to_app();
    assert!(bare.header("content-security-policy").unwrap().starts_with("default-src 'self'"), "{bare}");
    assert_eq!(bare.header("cache-control"), Some("no-store"));
}

#[test]
fn an_app_that_is_down_or_talks_nonsense_is_a_502() {
    let org = Org::sign_up(&Behind::shared().gate);
    for method in ["GET", "POST"] {
        org.request(method, "/down/x").send().problem("upstream_unreachable");
    }
    for status in ["101 Switching Protocols", "999 Whatever", "600 No"] {
        let target = answering(move |call| call.answer(status, &[], b""));
        org.get(&target).send().problem("upstream_unreachable");
    }
    let target = answering(|_| Ok(()));
    org.get(&target).send().problem("upstream_unreachable");
    // A stranger learns nothing of it.
    org.anonymous().get("/down/x").send().problem("unauthenticated");
}
