//! The tests' HTTP client: one connection a request, the request target sent byte for byte as the test wrote it, every
//! answer held to [`crate::protection`].

use crate::PATIENCE;
use crate::documented::assert_documented;
use crate::protection::{assert_origin_protected, assert_protected};
use crate::wire::{Body, Framing, Head, write_chunk};
use serde_json::Value;
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};

/// The session cookie's name.
const COOKIE: &str = "__Host-sluicegate_session";

/// Where requests go, and the headers that they all carry.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

impl Client {
    /// A client without a credential.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, headers: Vec::new() }
    }

    /// The same client with a header of this value, in the place of any of that name.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.without(name);
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client without a header.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
        client
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// The same client with a session cookie and no bearer token.
    #[must_use]
    pub fn cookie(&self, token: &str) -> Self {
        self.without("authorization").with("cookie", &format!("{COOKIE}={token}"))
    }

    /// Where it connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme and authority as a browser would say it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Any request.
    pub fn request(&self, method: &str, target: &str) -> Request {
        Request {
            address: self.address,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: self.headers.clone(),
            body: Sent::Nothing,
        }
    }

    /// A GET.
    pub fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    /// A DELETE.
    pub fn delete(&self, target: &str) -> Request {
        self.request("DELETE", target)
    }

    /// A PUT of JSON.
    pub fn put(&self, target: &str, body: &Value) -> Request {
        self.request("PUT", target).json(body)
    }

    /// A PATCH of JSON.
    pub fn patch(&self, target: &str, body: &Value) -> Request {
        self.request("PATCH", target).json(body)
    }

    /// A POST of JSON.
    pub fn post(&self, target: &str, body: &Value) -> Request {
        self.request("POST", target).json(body)
    }
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Sent,
}

#[derive(Debug, Clone)]
enum Sent {
    Nothing,
    Whole(Vec<u8>),
    Chunks(Vec<Vec<u8>>),
}

impl Request {
    /// Adds a header, also beside one of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds headers.
    #[must_use]
    pub fn headers<N: AsRef<str>, V: AsRef<str>>(self, headers: impl IntoIterator<Item = (N, V)>) -> Self {
        headers.into_iter().fold(self, |request, (name, value)| request.header(name.as_ref(), value.as_ref()))
    }

    /// Sets the body, sent with its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Sent::Whole(body.into());
        self
    }

    /// Sets the body, sent in chunks.
    #[must_use]
    pub fn chunks(mut self, chunks: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.body = Sent::Chunks(chunks.into_iter().collect());
        self
    }

    /// Sets a body of JSON and its type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Panics
    /// Where there is no answer, or one that is not protected as every answer must be.
    pub fn send(self) -> Response {
        let (address, method, target) = (self.address, self.method.clone(), self.target.clone());
        let response = self.answered();
        assert_protected(&response);
        assert_documented(address, &method, &target, &response);
        response
    }

    /// As [`Request::send`], on a gateway route: the operator's own upstream has a say in its pages' policy.
    ///
    /// # Panics
    /// As [`Request::send`].
    pub fn send_to_app(self) -> Response {
        let response = self.answered();
        assert_origin_protected(&response);
        response
    }

    fn answered(self) -> Response {
        let context = format!("{} {}", self.method, self.target);
        let mut exchange = self.open();
        let head = exchange.head();
        let body = exchange.rest().unwrap_or_else(|error| panic!("{context}: the answer broke off: {error}"));
        Response::unchecked(context, head, body)
    }

    /// Sends it to a server that may be killed meanwhile: `None` where no whole answer comes back.
    pub fn attempt(self) -> Option<Response> {
        let context = format!("{} {}", self.method, self.target);
        let mut exchange = self.start().ok()?;
        let head = exchange.read_head().ok()??;
        let body = exchange.rest().ok()?;
        Some(Response::unchecked(context, head, body))
    }

    /// Sends it and leaves the answer to be read piece by piece; after `chunks([])`, the body to be written so too.
    ///
    /// # Panics
    /// Where there is no connection.
    pub fn open(self) -> Exchange {
        self.start().unwrap()
    }

    fn start(self) -> io::Result<Exchange> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", self.method, self.target, self.address);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match &self.body {
            Sent::Nothing => {}
            Sent::Whole(body) => head.push_str(&format!("content-length: {}\r\n", body.len())),
            Sent::Chunks(_) => head.push_str("transfer-encoding: chunked\r\n"),
        }
        let upgrades = self.headers.iter().any(|(name, _)| name == "upgrade");
        head.push_str(if upgrades { "connection: Upgrade\r\n\r\n" } else { "connection: close\r\n\r\n" });
        let mut exchange = Exchange { method: self.method, stream, answer: None };
        // A server that has already refused stops reading; its answer says why.
        let _ = exchange.stream.write_all(head.as_bytes());
        match self.body {
            Sent::Nothing => {}
            Sent::Whole(body) => drop(exchange.stream.write_all(&body)),
            Sent::Chunks(chunks) if chunks.is_empty() => {}
            Sent::Chunks(chunks) => {
                for chunk in &chunks {
                    exchange.write(chunk);
                }
                exchange.write(&[]);
            }
        }
        Ok(exchange)
    }
}

/// A request on its way.
#[derive(Debug)]
pub struct Exchange {
    method: String,
    stream: TcpStream,
    answer: Option<Body<BufReader<TcpStream>>>,
}

impl Exchange {
    /// Writes a chunk of the request's body; an empty one ends it.
    pub fn write(&mut self, chunk: &[u8]) {
        // As in `open`.
        let _ = write_chunk(&self.stream, chunk);
    }

    /// Reads the answer's head.
    ///
    /// # Panics
    /// Where there is none.
    pub fn head(&mut self) -> Head {
        self.read_head().unwrap().expect("no answer")
    }

    fn read_head(&mut self) -> io::Result<Option<Head>> {
        let mut reader = BufReader::new(self.stream.try_clone()?);
        let Some(head) = Head::read(&mut reader)? else { return Ok(None) };
        let bodiless = self.method == "HEAD" || ["204", "304"].iter().any(|code| head.first.contains(code));
        let framing = if bodiless { Framing::Length(0) } else { head.framing(Framing::UntilClose) };
        self.answer = Some(Body::new(reader, framing));
        Ok(Some(head))
    }

    /// The next bytes of the answer's body; empty at its end.
    ///
    /// # Errors
    /// An answer that breaks off.
    pub fn piece(&mut self) -> std::io::Result<Vec<u8>> {
        self.answer.as_mut().expect("the head comes first").piece()
    }

    /// The connection, after an answer that switched protocols.
    ///
    /// # Panics
    /// Before [`Exchange::head`].
    pub fn into_connection(self) -> BufReader<TcpStream> {
        self.answer.expect("the head comes first").into_inner()
    }

    /// The rest of the answer's body.
    ///
    /// # Errors
    /// An answer that breaks off.
    pub fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        self.answer.as_mut().expect("the head comes first").rest()
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The request, for messages.
    context: String,
    /// The status code.
    pub status: u16,
    /// Header fields in order.
    pub head: Head,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer, checked for what every answer must carry.
    ///
    /// # Panics
    /// Where it lacks any of it.
    pub fn new(context: String, head: Head, body: Vec<u8>) -> Self {
        let response = Self::unchecked(context, head, body);
        assert_protected(&response);
        response
    }

    /// An answer that may be the server's own, given before the Worker saw the request.
    pub fn unchecked(context: String, head: Head, body: Vec<u8>) -> Self {
        let status = head.first.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        Self { context, status, head, body }
    }

    /// A header's value.
    ///
    /// # Panics
    /// Where it occurs twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.head.all(name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice: {self}");
        value
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, of an answer with this status.
    ///
    /// # Panics
    /// For any other status or body.
    ///
    /// Beside the session that an answer has opened stands what the browser keeps of it, as `/session/cookie`.
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if status == 204 || (status == 202 && self.body.is_empty()) {
            assert!(self.body.is_empty(), "{self}");
            return Value::Null;
        }
        assert_eq!(self.header("content-type"), Some("application/json"), "{self}");
        let mut body: Value =
            serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"));
        if let (Some(session), Some(cookie)) =
            (body.get_mut("session").and_then(Value::as_object_mut), self.cookie())
        {
            session.insert("cookie".to_owned(), cookie.into());
        }
        body
    }

    /// The session's token that a browser keeps of it: another than the body's, which is a bearer's.
    pub fn cookie(&self) -> Option<&str> {
        let set = self.header("set-cookie")?.strip_prefix(COOKIE)?.strip_prefix('=')?;
        set.split(';').next().filter(|token| !token.is_empty())
    }

    /// The detail of a problem document with this code, and with the status that belongs to it.
    ///
    /// # Panics
    /// For anything else, or a document that is not in order.
    pub fn problem(&self, code: &str) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "expected {code}: {self}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self}"));
        assert_eq!(problem["code"], code, "{self}");
        assert_eq!(problem["status"], self.status, "{self}");
        let known = protocol::Code::ALL.iter().find(|known| known.as_str() == code).expect("a known code");
        assert_eq!(self.status, known.status(), "{self}");
        assert_eq!(problem["type"], format!("urn:sluicegate:problem:{code}"), "{self}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{self}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{self}");
        // Before a connection's path the edge cannot tell the control plane's 401 from the upstream's.
        let is_proxied =
            self.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox"));
        let is_webhook = code == "signature_invalid" || code == "timestamp_out_of_tolerance";
        if self.status == 401 && !is_proxied && !is_webhook {
            let challenge = self.header("www-authenticate").unwrap_or_default();
            assert_eq!(challenge.split(' ').next(), Some("Bearer"), "{self}");
        }
        problem["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// All that a client can tell this answer from another one by: status, headers, body, without what belongs to the one
    /// request (its id, the time, how much of a limit is left).
    pub fn fingerprint(&self) -> String {
        let id = self.header("x-request-id").unwrap_or_default();
        let own = ["x-request-id", "date", "ratelimit"];
        let headers =
            self.head.headers.iter().filter(|(name, _)| !own.contains(&name.to_ascii_lowercase().as_str()));
        let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{}\n{}\n\n{}", self.status, headers.join("\n"), self.text().replace(id, "req_"))
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.chars().take(2000).collect();
        write!(f, "{} → {}\n{:?}\n{body}", self.context, self.head.first, self.head.headers)
    }
}
