//! The demo's upstream: a local HTTP server that answers with the request it got, so that the banner's `curl` shows
//! what a provider sees.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const MAX_BODY: u64 = 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until the process ends.
pub(crate) struct Server {
    port: u16,
}

impl Server {
    /// Port 0 takes any.
    pub(super) fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
            format!("the demo's upstream needs port {port}; give another --port (it takes the next one)")
        })?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that went away is its own affair.
                thread::spawn(move || drop(answer(&stream)));
            }
        });
        Ok(Self { port })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn answer(mut stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut reader = BufReader::new(stream);
    let mut request_line = String::new();
    reader.read_line(&mut request_line)?;
    let mut words = request_line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());

    let mut headers = Map::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), Value::from(value.trim()));
    }
    let length = headers.get("content-length").and_then(Value::as_str).and_then(|length| length.parse().ok());
    let mut body = Vec::new();
    reader.take(length.unwrap_or(0).min(MAX_BODY)).read_to_end(&mut body)?;

    let echo = json!({
        "method": method, "path": path, "headers": headers, "body": String::from_utf8_lossy(&body),
    });
    let echo = format!("{echo:#}\n");
    let length = echo.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{echo}"
    )?;
    Ok(())
}
