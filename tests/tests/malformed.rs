//! A malformed request of any kind gets a 4xx, never a 5xx, never a panic: a few thousand generated ones over raw sockets.
//!
//! What workerd's own parser refuses it answers itself, before a Worker sees it ([`is_parsers`]); everything else is ours
//! and is held to what every answer must carry, refusals to RFC 9457.

mod bodies;
mod heads;
mod paths;

use e2e::random::Sequence;
use e2e::wire::{Body, Framing, Head};
use e2e::{Gate, Org, PATIENCE, Response, Upstream, random};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// Whether workerd may say this by itself. Of 5xx: 501 for a method that HTTP does not know (RFC 9110, section 9.1), and 500
/// for CONNECT, which is a proxy's and which no Worker takes.
fn is_parsers(status: u16, request: &[u8]) -> bool {
    (400..500).contains(&status) || status == 501 || (status == 500 && request.starts_with(b"CONNECT "))
}

/// A server, an org on it, and what of its answers has been seen.
struct Target {
    gate: Gate,
    org: Org,
    connection: String,
    source: String,
    /// How many heads were made: they take turns with credentials.
    turn: Cell<usize>,
    seen: BTreeMap<(u16, bool), usize>,
}

impl Target {
    fn new(name: &str) -> Self {
        let gate = Gate::start(name);
        let org = Org::sign_up(&gate);
        let upstream = Upstream::echo();
        let connection =
            org.connection(&upstream.url(), &json!({ "type": "bearer", "token": random::text("tok-") }));
        let source = org.source("stripe", &random::text("whsec_"));
        Self { gate, org, connection, source, turn: Cell::default(), seen: BTreeMap::new() }
    }

    /// Sends bytes and judges the answer; none is fine only where the bytes need not be a whole request.
    fn send(&mut self, bytes: &[u8], may_be_silent: bool) {
        let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
        let Some(response) = exchange(self.gate.address(), bytes) else {
            assert!(may_be_silent, "no answer to {}", shown());
            return;
        };
        let ours = response.head.all("x-request-id").next().is_some();
        *self.seen.entry((response.status, ours)).or_default() += 1;
        if !ours {
            assert!(is_parsers(response.status, bytes), "{response}\nto {}", shown());
            return;
        }
        let response = Response::new(shown(), response.head, response.body);
        assert!((200..500).contains(&response.status), "{response}");
        let is_page = response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        if response.status >= 400 && !is_page && !bytes.starts_with(b"HEAD ") {
            let problem: Value =
                serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{response}"));
            response.problem(problem["code"].as_str().unwrap_or_default());
        }
    }

    /// A well-formed head around whatever the test wants: every other one with a good credential, the rest with a bad one or
    /// none.
    fn head(&self, method: &str, target: &str, headers: &str) -> Vec<u8> {
        self.turn.set(self.turn.get() + 1);
        let credential = match self.turn.get() % 4 {
            0 => String::new(),
            2 => "authorization: Bearer e30.e30.e30\r\n".to_owned(),
            _ => format!("authorization: Bearer {}\r\n", self.org.token),
        };
        format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n{credential}{headers}\r\n", self.gate.address())
            .into_bytes()
    }

    fn send_head(&mut self, method: &str, target: &str, headers: &str) {
        let bytes = self.head(method, target, headers);
        self.send(&bytes, false);
    }

    fn post(&mut self, target: &str, body: &[u8]) {
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        let bytes = [self.head("POST", target, &headers), body.to_vec()].concat();
        self.send(&bytes, false);
    }

    /// Nothing has trapped, and it still serves.
    fn end(self) {
        println!("{} answers by (status, ours): {:?}", self.seen.values().sum::<usize>(), self.seen);
        let log = self.gate.log();
        for word in ["panicked", "RuntimeError", "unreachable", "instance replaced", "internal", "ncaught"] {
            // What workerd says of CONNECT.
            let mut lines = log.lines().filter(|line| !line.contains("does not export a connect() function"));
            let line = lines.find(|line| line.contains(word));
            assert_eq!(line, None);
        }
        self.org.get("/v1/me").send().ok(200);
        self.org.log_in().ok(200);
    }
}

/// The first answer to these bytes, after which nothing more is sent.
fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // A server that has refused reads no further.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut reader = BufReader::new(stream);
    let head = match Head::read(&mut reader) {
        Ok(head) => head?,
        Err(error) => {
            assert_ne!(
                error.kind(),
                std::io::ErrorKind::WouldBlock,
                "it hangs on {}",
                String::from_utf8_lossy(bytes)
            );
            return None;
        }
    };
    let bodiless = bytes.starts_with(b"HEAD ") || head.first.contains(" 204 ");
    let framing = if bodiless { Framing::Length(0) } else { head.framing(Framing::UntilClose) };
    let body = Body::new(reader, framing).rest().unwrap_or_default();
    Some(Response::unchecked(String::new(), head, body))
}

#[test]
fn bytes_that_are_no_request() {
    let mut target = Target::new("malformed-bytes");
    let mut random = Sequence::new();
    for _ in 0..300 {
        let bytes = random.bytes(600);
        target.send(&bytes, true);
    }
    // A good request with some bytes changed, left out or put in.
    let body = json!({ "name": "x", "scopes": ["audit:read"] }).to_string();
    let headers =
        format!("content-type: application/json\r\ncontent-length: {}\r\ncookie: a=b\r\n", body.len());
    let paths = ["/v1/api-keys", "/v1/me", "/in/src_0", "/", "/v1/connections?limit=2&cursor=3"];
    for _ in 0..900 {
        let path = random.pick(&paths);
        let mut bytes = [target.head("POST", path, &headers), body.clone().into_bytes()].concat();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.next_u64() as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, random.next_u64() as u8),
            }
        }
        target.send(&bytes, true);
    }
    for line in [
        "",
        "\r\n",
        "GET",
        "GET /",
        "GET / HTTP/1.1",
        "\0\0\0\0",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0",
    ] {
        target.send(line.as_bytes(), true);
    }
    target.end();
}
