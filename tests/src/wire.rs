//! HTTP/1.1 on the wire, as far as a test's client and upstream need it (RFC 9112). No checks: tests send what is wrong.

use std::io::{self, BufRead, Write};

/// First line and header fields.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Request line or status line.
    pub first: String,
    /// Names as received.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Reads up to the empty line; `None` where the connection ends before anything came.
    ///
    /// # Errors
    /// Those of the socket; a head that breaks off.
    pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let first = line(reader)?;
        if first.is_empty() {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let line = line(reader)?;
            if line.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                return Ok(Some(Self { first: first.trim_end().to_owned(), headers }));
            }
            let (name, value) = text.split_once(':').unwrap_or((text, ""));
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// Every value of a header.
    pub fn all<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h str> {
        let same = |(have, _): &&(String, String)| have.eq_ignore_ascii_case(name);
        let values: Vec<&str> = self.headers.iter().filter(same).map(|(_, value)| value.as_str()).collect();
        values.into_iter()
    }

    /// How the message's body is framed; `or` where the head does not say.
    pub fn framing(&self, or: Framing) -> Framing {
        if self.all("transfer-encoding").any(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Framing::Chunked;
        }
        match self.all("content-length").next().and_then(|length| length.parse().ok()) {
            Some(length) => Framing::Length(length),
            None => or,
        }
    }
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes more.
    Length(u64),
    /// At the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// A body as it arrives.
#[derive(Debug)]
pub struct Body<R> {
    reader: R,
    framing: Framing,
}

impl<R: BufRead> Body<R> {
    /// The body of a message whose head has been read.
    pub fn new(reader: R, framing: Framing) -> Self {
        Self { reader, framing }
    }

    /// The next bytes as soon as there are any; empty at the end.
    ///
    /// # Errors
    /// Those of the socket; a body that breaks off.
    pub fn piece(&mut self) -> io::Result<Vec<u8>> {
        match self.framing {
            Framing::Length(0) => Ok(Vec::new()),
            Framing::Length(left) => {
                let piece = self.some(left)?;
                if piece.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.framing = Framing::Length(left - piece.len() as u64);
                Ok(piece)
            }
            Framing::UntilClose => self.some(64 * 1024),
            Framing::Chunked => {
                let size = line(&mut self.reader)?;
                let size = usize::from_str_radix(size.trim(), 16)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no chunk size"))?;
                let mut chunk = vec![0; size + 2];
                self.reader.read_exact(&mut chunk)?;
                chunk.truncate(size);
                if size == 0 {
                    self.framing = Framing::Length(0);
                }
                Ok(chunk)
            }
        }
    }

    /// All that is left.
    ///
    /// # Errors
    /// As [`Body::piece`].
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let piece = self.piece()?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend(piece);
        }
    }

    /// The connection, for what follows the body.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// The connection, for what follows the body.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The connection.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    fn some(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; most.min(64 * 1024) as usize];
        let read = self.reader.read(&mut piece)?;
        piece.truncate(read);
        Ok(piece)
    }
}

/// Writes one chunk of a chunked body; an empty one ends it.
///
/// # Errors
/// Those of the socket.
pub fn write_chunk(mut writer: impl Write, bytes: &[u8]) -> io::Result<()> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    writer.write_all(&chunk)
}

/// A line with its end; empty at the end of the stream. Bytes that are not UTF-8 are replaced.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}
