//! The server at the other end of a connection: records what reaches it and answers as a test says.

use crate::PATIENCE;
use crate::websocket;
use crate::wire::{Body, Framing, Head, write_chunk};
use serde_json::json;
use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server on a port of its own, until the test process ends.
#[derive(Debug)]
pub struct Upstream {
    port: u16,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<Head>>>,
}

impl Upstream {
    /// Answers with the request it got, as JSON: `{method, target, headers, body}`.
    pub fn echo() -> Self {
        Self::start(Call::echo)
    }

    /// Answers each request by `answer`, on a thread of its own.
    ///
    /// # Panics
    /// Where there is no port left.
    pub fn start(answer: impl Fn(&mut Call) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let upstream = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            heads: Arc::default(),
        };
        let (connections, heads) = (upstream.connections.clone(), upstream.heads.clone());
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (heads, answer) = (heads.clone(), answer.clone());
                thread::spawn(move || {
                    // A caller that goes away is not this server's trouble: the test looks at the caller's side.
                    let Ok(Some(mut call)) = Call::read(stream) else { return };
                    heads.lock().unwrap().push(call.head.clone());
                    let _ = answer(&mut call);
                });
            }
        });
        upstream
    }

    /// For `base_url`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The heads of all requests so far.
    ///
    /// # Panics
    /// Never.
    pub fn heads(&self) -> Vec<Head> {
        self.heads.lock().unwrap().clone()
    }

    /// The head of the only request.
    ///
    /// # Panics
    /// Where there were more, or none.
    pub fn only_head(&self) -> Head {
        let heads = self.heads();
        assert_eq!(heads.len(), 1, "{heads:?}");
        heads.into_iter().next().unwrap()
    }

    /// How often anybody has connected.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A request at the upstream.
#[derive(Debug)]
pub struct Call {
    /// Request line and headers.
    pub head: Head,
    /// The body, as it comes.
    pub body: Body<BufReader<TcpStream>>,
}

impl Call {
    fn read(stream: TcpStream) -> io::Result<Option<Self>> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let Some(head) = Head::read(&mut reader)? else { return Ok(None) };
        let framing = head.framing(Framing::Length(0));
        Ok(Some(Self { head, body: Body::new(reader, framing) }))
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.head.first.split(' ').next().unwrap_or_default()
    }

    /// Path and query as received.
    pub fn target(&self) -> &str {
        self.head.first.split(' ').nth(1).unwrap_or_default()
    }

    /// Answers as [`Upstream::echo`].
    ///
    /// # Errors
    /// Those of the socket.
    pub fn echo(&mut self) -> io::Result<()> {
        let body = self.body.rest()?;
        let echo = json!({
            "method": self.method(),
            "target": self.target(),
            "headers": self.head.headers,
            "body": String::from_utf8_lossy(&body),
        });
        self.answer("200 OK", &[("content-type", "application/json")], echo.to_string().as_bytes())
    }

    /// Accepts a WebSocket, which is then spoken over the connection (RFC 6455, section 4.2.2).
    ///
    /// # Errors
    /// Those of the socket.
    pub fn accept_websocket(&mut self) -> io::Result<&mut BufReader<TcpStream>> {
        let accept = websocket::accept_of(self.head.all("sec-websocket-key").next().unwrap_or_default());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {accept}\r\n\r\n"
        );
        self.stream().write_all(head.as_bytes())?;
        Ok(self.body.get_mut())
    }

    /// Answers with a whole body.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn answer(&mut self, status: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let length = body.len().to_string();
        let head = head(status, headers, ("content-length", &length));
        self.stream().write_all(&[head.as_bytes(), body].concat())
    }

    /// Begins an answer in chunks.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn begin(&mut self, status: &str, headers: &[(&str, &str)]) -> io::Result<()> {
        self.stream().write_all(head(status, headers, ("transfer-encoding", "chunked")).as_bytes())
    }

    /// Sends a chunk; an empty one ends the answer.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_chunk(self.stream(), bytes)
    }

    fn stream(&self) -> &TcpStream {
        self.body.get_ref().get_ref()
    }
}

fn head(status: &str, headers: &[(&str, &str)], framing: (&str, &str)) -> String {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers.iter().chain([&framing, &("connection", "close")]) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}
