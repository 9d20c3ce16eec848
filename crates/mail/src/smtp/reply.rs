//! A server's reply (RFC 5321 §4.2), put together from whatever pieces the connection gives: strict in its line ends and
//! codes, bounded in everything, since a server is no more trusted than any other peer.

use crate::Error;
use std::mem;

/// With CRLF. RFC 5321 §4.5.3.1.5 says 512; real servers are known to be wordier.
const MAX_LINE_BYTES: usize = 1000;
const MAX_LINES: usize = 100;

/// One reply, complete.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    /// Each line behind its code.
    lines: Vec<String>,
}

impl Reply {
    /// 200 to 599.
    pub(crate) fn code(&self) -> u16 {
        self.code
    }

    /// Whether a reply to EHLO names this extension, with this parameter if one is given. Its first line is a greeting.
    pub(crate) fn offers(&self, extension: &str, parameter: Option<&str>) -> bool {
        self.lines.iter().skip(1).any(|line| {
            let mut words = line.split(' ');
            words.next().is_some_and(|word| word.eq_ignore_ascii_case(extension))
                && parameter.is_none_or(|wanted| words.any(|word| word.eq_ignore_ascii_case(wanted)))
        })
    }
}

/// Collects one reply after the other.
#[derive(Default)]
pub(crate) struct ReplyReader {
    line: Vec<u8>,
    reply: Reply,
}

impl ReplyReader {
    /// Takes bytes until a reply is complete; what is left of `bytes` came behind it.
    ///
    /// # Errors
    /// [`Error::Protocol`] for what is no reply, or too long.
    pub(crate) fn push(&mut self, bytes: &mut &[u8]) -> Result<Option<Reply>, Error> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if (self.line.last() == Some(&b'\r')) != (byte == b'\n') {
                return Err(Error::Protocol("ends a line otherwise than by CRLF"));
            }
            self.line.push(byte);
            if self.line.len() > MAX_LINE_BYTES {
                return Err(Error::Protocol("sends too long a line"));
            }
            if byte == b'\n' && self.end_line()? {
                return Ok(Some(mem::take(&mut self.reply)));
            }
        }
        Ok(None)
    }

    /// Adds the line to the reply, and says whether it is the last.
    fn end_line(&mut self) -> Result<bool, Error> {
        const WRONG: Error = Error::Protocol("does not speak SMTP");
        let line = mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r\n").ok_or(WRONG)?;
        let (code, text) = line.split_first_chunk::<3>().ok_or(WRONG)?;
        let [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] = code else { return Err(WRONG) };
        let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        if !self.reply.lines.is_empty() && code != self.reply.code {
            return Err(Error::Protocol("changes its mind within a reply"));
        }
        if self.reply.lines.len() == MAX_LINES {
            return Err(Error::Protocol("sends too many lines"));
        }
        let (last, text) = match text.split_first() {
            None => (true, text),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(WRONG),
        };
        self.reply.code = code;
        self.reply.lines.push(String::from_utf8_lossy(text).into_owned());
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Option<Reply>, Error> {
        ReplyReader::default().push(&mut &*bytes)
    }

    #[test]
    fn replies_of_one_and_more_lines() {
        assert_eq!(read(b"220 mx ready\r\n").unwrap().unwrap().code(), 220);
        assert_eq!(read(b"250\r\n").unwrap().unwrap().lines, [""]);
        let reply = read(b"250-mx STARTTLS\r\n250-auth PLAIN login\r\n250 SIZE 1000\r\n").unwrap().unwrap();
        assert!(reply.offers("AUTH", Some("LOGIN")) && reply.offers("AUTH", None));
        assert!(!reply.offers("AUTH", Some("LOG")) && !reply.offers("SIZ", None));
        // The greeting names no extension.
        assert!(!reply.offers("STARTTLS", None) && !reply.offers("mx", None));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [
            &b"220 ready\n"[..],
            b"220 re\rady\r\n",
            b"220 ready\r\r\n",
            b"\r\n",
            b"22\r\n",
            b"22o ready\r\n",
            b"199 ready\r\n",
            b"600 ready\r\n",
            b"220_ready\r\n",
            b"2200 ready\r\n",
            b" 220 ready\r\n",
            b"HTTP/1.1 400 Bad Request\r\n",
            b"250-one\r\n220 two\r\n",
            b"250-one\r\n550 two\r\n",
        ] {
            assert!(matches!(read(bytes), Err(Error::Protocol(_))), "{bytes:?}");
        }
    }

    #[test]
    fn an_endless_line_or_reply_is_refused() {
        let line = format!("250 {}\r\n", "x".repeat(994));
        assert!(read(line.as_bytes()).unwrap().is_some());
        assert!(read(format!("250 {}", "x".repeat(997)).as_bytes()).is_err());
        let lines = "250-x\r\n".repeat(99);
        assert!(read(format!("{lines}250 x\r\n").as_bytes()).unwrap().is_some());
        assert!(read(format!("{lines}250-x\r\n250 x\r\n").as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes in "(2[0-9]{2}[- ]?[a-z]{0,5}\r?\n){0,4}", cut in 0_usize..60) {
            let bytes = bytes.as_bytes();
            let (one, two) = bytes.split_at(cut.min(bytes.len()));
            let mut reader = ReplyReader::default();
            let mut pieces = reader.push(&mut &*one);
            if matches!(pieces, Ok(None)) {
                pieces = reader.push(&mut &*two);
            }
            prop_assert_eq!(read(bytes), pieces);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
