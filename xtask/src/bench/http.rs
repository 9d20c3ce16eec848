//! As much of HTTP/1.1 as a load generator needs: whole requests as bytes, answers with a declared length, keep-alive.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);
const CONTENT_LENGTH: &str = "content-length";

/// A keep-alive connection.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    answer: Answer,
}

/// The last answer on a connection.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Status line and header lines, as received.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| address.to_string())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self { stream: BufReader::with_capacity(16 * 1024, stream), answer: Answer::default() })
    }

    /// Sends a request and reads the whole answer.
    pub(super) fn exchange(&mut self, request: &[u8]) -> Result<&Answer> {
        self.stream.get_mut().write_all(request)?;
        let Answer { head, body } = &mut self.answer;
        head.clear();
        let mut length = None;
        loop {
            let start = head.len();
            if self.stream.read_line(head)? == 0 {
                bail!("the server closed the connection");
            }
            let line = head.get(start..).unwrap_or_default();
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case(CONTENT_LENGTH)
            {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        // RFC 9110, section 8.6: a 204 has none.
        let length = length.or(head.starts_with("HTTP/1.1 204").then_some(0));
        let Some(length) = length else { bail!("an answer without {CONTENT_LENGTH}:\n{head}") };
        body.resize(length, 0);
        self.stream.read_exact(body)?;
        Ok(&self.answer)
    }
}

impl Answer {
    /// From the status line.
    pub(super) fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }

    /// All headers: names in lower case, sorted.
    pub(super) fn header_names(&self) -> Vec<String> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut names: Vec<_> = lines.map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        names
    }

    /// The body as text.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}
