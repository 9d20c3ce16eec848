//! Bodies through a connection: streamed in both directions, whole, and bounded.

use e2e::{Gate, Org, PATIENCE, Upstream, random};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Instant;

const TEN_MB: usize = 10_000_000;

fn connection(org: &Org, upstream: &Upstream) -> String {
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
    format!("/v1/connections/{id}/proxy/")
}

/// The first bytes of an answer are there before the upstream has sent the last: it waits until the test has seen them.
#[test]
fn an_answer_is_streamed() {
    let org = Org::sign_up(Gate::shared());
    let (seen, wait) = channel();
    let wait = Mutex::new(wait);
    let upstream = Upstream::start(move |call| {
        call.begin("200 OK", &[("content-type", "text/event-stream")])?;
        call.chunk(b"data: first\n\n")?;
        let was_seen: Result<(), _> = wait.lock().unwrap().recv_timeout(PATIENCE);
        if was_seen.is_ok() {
            call.chunk(b"data: second\n\n")?;
        }
        call.chunk(b"")
    });
    let mut exchange = org.get(&connection(&org, &upstream)).open();
    let head = exchange.head();
    assert!(head.first.contains("200"), "{head:?}");
    let mut body = Vec::new();
    while body.len() < b"data: first\n\n".len() {
        body.extend(exchange.piece().unwrap());
    }
    seen.send(()).unwrap();
    body.extend(exchange.rest().unwrap());
    assert_eq!(String::from_utf8(body).unwrap(), "data: first\n\ndata: second\n\n");
}

/// The same for a request: the upstream has its beginning before the client has sent its end.
#[test]
fn a_request_body_is_streamed() {
    let org = Org::sign_up(Gate::shared());
    let (arrived, arrivals) = channel();
    let arrived = Mutex::new(arrived);
    let upstream = Upstream::start(move |call| {
        loop {
            let piece = call.body.piece()?;
            if piece.is_empty() {
                return call.answer("200 OK", &[], b"done");
            }
            arrived.lock().unwrap().send(piece).unwrap();
        }
    });
    let mut exchange = org.request("POST", &connection(&org, &upstream)).chunks([]).open();
    exchange.write(b"first");
    let mut received = Vec::new();
    while received.len() < 5 {
        received.extend(arrivals.recv_timeout(PATIENCE).expect("the first chunk before the last"));
    }
    exchange.write(b"second");
    exchange.write(b"");
    assert!(exchange.head().first.contains("200"));
    assert_eq!(exchange.rest().unwrap(), b"done");
    received.extend(arrivals.try_iter().flatten());
    assert_eq!(String::from_utf8(received).unwrap(), "firstsecond");
}

#[test]
fn ten_megabytes_pass_intact_in_both_directions() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| {
        let body = call.body.rest()?;
        call.begin("200 OK", &[("content-type", "application/octet-stream")])?;
        for chunk in body.chunks(100_000) {
            call.chunk(chunk)?;
        }
        call.chunk(b"")
    });
    let target = connection(&org, &upstream);
    let body = random::bytes(TEN_MB);
    let digest = |bytes: &[u8]| (bytes.len(), Sha256::digest(bytes));
    let whole = org.request("PUT", &target).body(body.clone()).send();
    assert_eq!((whole.status, digest(&whole.body)), (200, digest(&body)));
    let chunks = body.chunks(65_537).map(<[u8]>::to_vec);
    let chunked = org.request("PUT", &target).chunks(chunks).send();
    assert_eq!((chunked.status, digest(&chunked.body)), (200, digest(&body)));
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_sent_on() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::echo();
    let target = connection(&org, &upstream);
    let over = (e2e::config().limits.proxy_body_bytes + 1).to_string();
    org.request("POST", &target).header("content-length", &over).send().problem("payload_too_large");
    for odd in ["-1", "1e3", "99999999999999999999999"] {
        let mut exchange = org.request("POST", &target).header("content-length", odd).open();
        let head = exchange.head();
        assert!(head.first.contains(" 400 ") || head.first.contains(" 413 "), "{odd}: {head:?}");
    }
    assert_eq!(upstream.connections(), 0);

    let json = json!({ "email": "a@example.com", "password": "x".repeat(e2e::config().limits.json_body_bytes as usize) });
    org.anonymous().post("/v1/login", &json).send().problem("payload_too_large");
    let chunks = json.to_string().into_bytes().chunks(1000).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let request = org.anonymous().request("POST", "/v1/login").header("content-type", "application/json");
    request.chunks(chunks).send().problem("payload_too_large");
}

/// A caller that goes away takes its call with it and nothing else.
#[test]
fn a_caller_that_goes_away_harms_nobody() {
    let org = Org::sign_up(Gate::shared());
    let upstream = Upstream::start(|call| {
        call.begin("200 OK", &[])?;
        loop {
            call.chunk(&[b'x'; 10_000])?;
        }
    });
    let target = connection(&org, &upstream);
    for _ in 0..5 {
        let mut exchange = org.get(&target).open();
        exchange.head();
        exchange.piece().unwrap();
        let mut upload = org.request("POST", &target).chunks([]).open();
        upload.write(b"cut");
    }
    org.get("/v1/me").send().ok(200);
}

/// A body that is gathered is not waited for without end, whether its length is declared or not.
#[test]
fn a_body_that_does_not_come_is_refused() {
    let org = Org::sign_up(Gate::shared());
    let (anonymous, json) = (org.anonymous(), ("content-type", "application/json"));
    let login = || anonymous.request("POST", "/v1/login").header(json.0, json.1);
    let mut dripping = login().chunks([]).open();
    dripping.write(b"{");
    let mut declared = login().header("content-length", "100").open();
    let begun = Instant::now();
    for exchange in [&mut declared, &mut dripping] {
        let head = exchange.head();
        assert!(head.first.contains(" 408 "), "{head:?}");
    }
    assert!((9..20).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
