//! WebSockets through a gateway route (RFC 6455): checked when they open, then spoken in both directions.

use super::assertion::{assertion_of, verify};
use super::{Behind, answering, callers};
use e2e::websocket::{BINARY, CLOSE, End, TEXT, accept_of, read, write};
use e2e::{Client, Exchange, Org, Request};
use serde_json::json;

/// The nonce of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn handshake(client: &Client, target: &str) -> Request {
    client.get(target).headers([
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
    ])
}

/// An app that first says who it thinks is there, then answers every message with its bytes in reverse.
fn app() -> String {
    answering(|call| {
        let hello = json!({ "headers": call.head.headers }).to_string();
        let assertion = assertion_of(&serde_json::from_str(&hello).unwrap());
        let socket = call.accept_websocket()?;
        for part in assertion.as_bytes().chunks(100) {
            write(socket.get_ref(), End::Server, TEXT, part)?;
        }
        write(socket.get_ref(), End::Server, TEXT, b"")?;
        loop {
            let (opcode, mut payload) = read(&mut *socket)?;
            if opcode != CLOSE {
                payload.reverse();
            }
            write(socket.get_ref(), End::Server, opcode, &payload)?;
            if opcode == CLOSE {
                return Ok(());
            }
        }
    })
}

#[test]
fn a_websocket_opens_for_every_caller_and_speaks_both_ways() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    for (kind, client, subject) in callers(&org) {
        println!("{kind}");
        // Browsers say where the page is from, always.
        let mut exchange = handshake(&client.with("origin", &org.origin()), &app()).open();
        let head = exchange.head();
        assert!(head.first.contains(" 101 "), "{head:?}");
        assert_eq!(head.all("sec-websocket-accept").collect::<Vec<_>>(), [accept_of(KEY)]);
        let mut socket = exchange.into_connection();

        let mut assertion = Vec::new();
        loop {
            let (_, part) = read(&mut socket).unwrap();
            if part.is_empty() {
                break;
            }
            assertion.extend(part);
        }
        let claims = verify(&behind.gate, &String::from_utf8(assertion).unwrap(), "app").unwrap();
        assert_eq!((&claims["sub"], &claims["org"]), (&json!(subject), &json!(org.id)));

        for (opcode, sent, answered) in
            [(TEXT, b"abc".as_slice(), b"cba".as_slice()), (BINARY, &[0, 255, 7], &[7, 255, 0])]
        {
            write(socket.get_ref(), End::Client, opcode, sent).unwrap();
            assert_eq!(read(&mut socket).unwrap(), (opcode, answered.to_vec()));
        }
        write(socket.get_ref(), End::Client, CLOSE, &1000_u16.to_be_bytes()).unwrap();
        assert_eq!(read(&mut socket).unwrap(), (CLOSE, 1000_u16.to_be_bytes().to_vec()));
    }
}

/// Browsers let any site open a WebSocket to here and send the cookie along: only `Origin` tells.
#[test]
fn another_site_cannot_open_a_websocket_by_cookie() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let target = app();
    let by_cookie = org.anonymous().cookie(&org.cookie);
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        handshake(&by_cookie.with(name, value), &target).send().problem("cross_origin");
    }
    handshake(&org.anonymous(), &target).send().problem("unauthenticated");
    assert!(behind.heads_with(&target).is_empty());
}

/// An app that does not speak it answers as it likes; the API does not speak it at all.
#[test]
fn a_refused_upgrade_is_an_answer() {
    let org = Org::sign_up(&Behind::shared().gate);
    let target = answering(|call| call.answer("426 Upgrade Required", &[], b"no"));
    let mut refused: Exchange = handshake(&org, &target).open();
    assert!(refused.head().first.contains(" 426 "));
    handshake(&org, "/down/x").send().problem("upstream_unreachable");
    handshake(&org, "/v1/me").send().ok(200);
}
