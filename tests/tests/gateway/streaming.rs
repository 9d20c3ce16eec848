//! Bodies pass while they are made, in both directions.

use super::{Behind, answering};
use e2e::{Org, PATIENCE, random};
use sha2::{Digest as _, Sha256};
use std::sync::Mutex;
use std::sync::mpsc::channel;

/// The client has the first chunk before the upstream sends the last: it waits until the test has seen the first.
#[test]
fn an_apps_answer_is_streamed() {
    let org = Org::sign_up(&Behind::shared().gate);
    let (seen, wait) = channel();
    let wait = Mutex::new(wait);
    let target = answering(move |call| {
        call.begin("200 OK", &[("content-type", "text/event-stream")])?;
        call.chunk(b"data: first\n\n")?;
        let was_seen: Result<(), _> = wait.lock().unwrap().recv_timeout(PATIENCE);
        if was_seen.is_ok() {
            call.chunk(b"data: last\n\n")?;
        }
        call.chunk(b"")
    });
    let mut exchange = org.get(&target).open();
    assert!(exchange.head().first.contains("200"));
    let mut body = Vec::new();
    while body.len() < b"data: first\n\n".len() {
        body.extend(exchange.piece().unwrap());
    }
    seen.send(()).unwrap();
    body.extend(exchange.rest().unwrap());
    assert_eq!(String::from_utf8(body).unwrap(), "data: first\n\ndata: last\n\n");
}

/// The same for an upload.
#[test]
fn a_request_to_an_app_is_streamed() {
    let org = Org::sign_up(&Behind::shared().gate);
    let (arrived, arrivals) = channel();
    let arrived = Mutex::new(arrived);
    let target = answering(move |call| {
        loop {
            let piece = call.body.piece()?;
            if piece.is_empty() {
                return call.answer("200 OK", &[], b"done");
            }
            arrived.lock().unwrap().send(piece).unwrap();
        }
    });
    let mut exchange = org.request("POST", &target).chunks([]).open();
    exchange.write(b"first");
    let mut received = Vec::new();
    while received.len() < b"first".len() {
        received.extend(arrivals.recv_timeout(PATIENCE).expect("the first chunk before the last"));
    }
    exchange.write(b"last");
    exchange.write(b"");
    assert!(exchange.head().first.contains("200"));
    assert_eq!(exchange.rest().unwrap(), b"done");
    received.extend(arrivals.try_iter().flatten());
    assert_eq!(String::from_utf8(received).unwrap(), "firstlast");
}

#[test]
fn a_large_body_passes_intact_and_one_over_the_limit_not_at_all() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let target = answering(|call| {
        let body = call.body.rest()?;
        call.begin("200 OK", &[("content-type", "application/octet-stream")])?;
        for chunk in body.chunks(100_000) {
            call.chunk(chunk)?;
        }
        call.chunk(b"")
    });
    let body = random::bytes(5_000_000);
    let digest = |bytes: &[u8]| (bytes.len(), Sha256::digest(bytes));
    let chunks = body.chunks(65_537).map(<[u8]>::to_vec);
    for request in
        [org.request("PUT", &target).body(body.clone()), org.request("PUT", &target).chunks(chunks)]
    {
        let answer = request.send_to_app();
        assert_eq!((answer.status, digest(&answer.body)), (200, digest(&body)));
    }
    let target = target + "/over";
    let over = (e2e::config().limits.proxy_body_bytes + 1).to_string();
    org.request("POST", &target).header("content-length", &over).send().problem("payload_too_large");
    assert!(behind.heads_with(&target).is_empty());
}
