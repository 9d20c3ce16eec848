//! PostgreSQL's messages, version 3 of the protocol (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
//!
//! Every length that a server names is checked against a limit before anything of it is kept.

use super::Failure;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use zeroize::Zeroizing;

/// For all messages but rows. 1,600 columns, the most there can be, take up to 131 KB to describe.
const MAX_MESSAGE: usize = 256 * 1024;
/// Notices and the like, which may come at any time, in all.
const MAX_ASIDES: usize = 1000;

/// What a message from the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(pub(super) u8);

/// A message from the server.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) tag: Tag,
    pub(super) body: Vec<u8>,
}

/// What may come next where rows come.
#[derive(Debug)]
pub(super) enum Next {
    Message(Message),
    /// A row of more bytes than there is room for; it was not read.
    TooLong,
}

impl Tag {
    pub(super) const AUTHENTICATION: Self = Self(b'R');
    pub(super) const BACKEND_KEY: Self = Self(b'K');
    pub(super) const COLUMNS: Self = Self(b'T');
    pub(super) const COMPLETE: Self = Self(b'C');
    pub(super) const ERROR: Self = Self(b'E');
    pub(super) const PARSED: Self = Self(b'1');
    pub(super) const READY: Self = Self(b'Z');
    pub(super) const ROW: Self = Self(b'D');

    /// Notice, notification, parameter status: they may come at any time and change nothing here.
    fn is_aside(self) -> bool {
        matches!(self.0, b'N' | b'A' | b'S')
    }
}

/// A connection, past TLS.
pub(super) struct Wire<S> {
    stream: BufReader<S>,
    asides: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: BufReader::with_capacity(16 * 1024, stream), asides: 0 }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(bytes).await.map_err(closed)?;
        self.stream.flush().await.map_err(closed)
    }

    /// The next message that is no aside. An ErrorResponse is one like the others.
    pub(super) async fn receive(&mut self) -> Result<Message, Failure> {
        match self.receive_row(MAX_MESSAGE).await? {
            Next::Message(message) => Ok(message),
            Next::TooLong => Err(Failure::Protocol("sends too long a message")),
        }
    }

    /// The same where a row may come, of `room` bytes at most.
    pub(super) async fn receive_row(&mut self, room: usize) -> Result<Next, Failure> {
        loop {
            let tag = Tag(self.stream.read_u8().await.map_err(closed)?);
            let length = self.stream.read_u32().await.map_err(closed)?;
            let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
            let length = length.ok_or(Failure::Protocol("sends a message of no length"))?;
            if tag == Tag::ROW && length > room {
                return Ok(Next::TooLong);
            }
            if tag != Tag::ROW && length > MAX_MESSAGE {
                return Err(Failure::Protocol("sends too long a message"));
            }
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.map_err(closed)?;
            if !tag.is_aside() {
                return Ok(Next::Message(Message { tag, body }));
            }
            self.asides += 1;
            if self.asides > MAX_ASIDES {
                return Err(Failure::Protocol("sends notices without end"));
            }
        }
    }
}

fn closed(_: io::Error) -> Failure {
    Failure::Closed
}

/// Reads a message's body from its front. `None` where it is shorter than it should be.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A string up to its NUL.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        let length = self.0.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(self.bytes(length)?).ok()?;
        self.bytes(1).map(|_| text)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }
}

/// Messages to the server, one behind the other. Wiped, since a password may be in it.
#[derive(Default)]
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// The first message of all, which has no tag.
    pub(super) fn startup(mut self, parameters: &[(&str, &str)]) -> Self {
        self.counted(|body| {
            body.extend_from_slice(&0x0003_0000_u32.to_be_bytes());
            for (name, value) in parameters {
                string(body, name);
                string(body, value);
            }
            body.push(0);
        });
        self
    }

    pub(super) fn message(mut self, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.0.push(tag);
        self.counted(fill);
        self
    }

    fn counted(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        fill(&mut self.0);
        // What is sent is bounded far below 2^32.
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// `text` and the NUL that ends it. Nothing with a NUL in it gets this far.
pub(super) fn string(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
    body.push(0);
}
