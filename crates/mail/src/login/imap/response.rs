//! A server's response (RFC 3501 §7), put together from whatever pieces the connection gives. Strict in its line ends and
//! bounded in everything; literals are read over, so that what stands in one is never taken for a line of its own.

use super::LoginFailure;
use std::mem;

/// One response with its literals. A CAPABILITY of today's servers takes about 500 bytes.
const MAX_BYTES: usize = 16 * 1024;
/// Between two commands.
const MAX_RESPONSES: usize = 64;

/// What kind of response it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first, which is untagged too.
    Greeting,
    /// `* …`
    Untagged,
    /// `+ …`: go on.
    Continuation,
    /// The end of the command that is under way.
    Tagged(Status),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    No,
    Bad,
}

/// One response, complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    kind: Kind,
    /// Behind the tag and, for a tagged one, its status.
    text: Vec<u8>,
}

impl Response {
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is an untagged response of this name.
    pub(super) fn is_untagged(&self, name: &str) -> bool {
        matches!(self.kind, Kind::Greeting | Kind::Untagged)
            && self.words().next().is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether a CAPABILITY response names this capability.
    pub(super) fn names(&self, capability: &str) -> bool {
        self.words().skip(1).any(|word| word.eq_ignore_ascii_case(capability.as_bytes()))
    }

    /// Whether its response code says that later may be different (RFC 5530).
    pub(super) fn is_temporary(&self) -> bool {
        ["UNAVAILABLE", "INUSE", "LIMIT"].into_iter().any(|code| self.has_code(code))
    }

    /// Whether this is its response code: `NO [CODE …] text`.
    pub(super) fn has_code(&self, code: &str) -> bool {
        let text = self.text.split(|byte| *byte == b'[').nth(1).filter(|_| self.begins_with_code());
        let name = text.and_then(|text| text.split(|byte| matches!(byte, b']' | b' ')).next());
        name.is_some_and(|name| name.eq_ignore_ascii_case(code.as_bytes()))
    }

    /// A bracket further back is text for people.
    fn begins_with_code(&self) -> bool {
        let place = usize::from(!matches!(self.kind, Kind::Tagged(_)));
        self.words().nth(place).is_some_and(|word| word.starts_with(b"["))
    }

    fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|byte| *byte == b' ')
    }
}

/// Collects one response after the other.
#[derive(Default)]
pub(super) struct ResponseReader {
    greeted: bool,
    tag: &'static [u8],
    bytes: Vec<u8>,
    /// Where in `bytes` the line begins that is being read: behind the last literal.
    line: usize,
    /// How much of a literal is still to come.
    literal: usize,
    responses: usize,
}

impl ResponseReader {
    /// The greeting was one: from now on responses are to commands.
    pub(super) fn greeted(&mut self, tag: &'static [u8]) {
        self.greeted = true;
        self.expect(tag);
    }

    /// The tag of the command that is being sent.
    pub(super) fn expect(&mut self, tag: &'static [u8]) {
        self.tag = tag;
        self.responses = 0;
    }

    /// Takes bytes until a response is complete; what is left of `bytes` came behind it.
    ///
    /// # Errors
    /// [`LoginFailure::Protocol`] for what is no response, or too long.
    pub(super) fn push(&mut self, bytes: &mut &[u8]) -> Result<Option<Response>, LoginFailure> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            self.bytes.push(byte);
            if self.bytes.len() > MAX_BYTES {
                return Err(LoginFailure::Protocol("sends too long a response"));
            }
            if self.literal > 0 {
                self.literal -= 1;
                self.line = self.bytes.len();
                continue;
            }
            let Some([before @ .., last]) = self.bytes.get(self.line..) else { continue };
            if (before.last() == Some(&b'\r')) != (*last == b'\n') || *last == 0 {
                return Err(LoginFailure::Protocol("ends a line otherwise than by CRLF"));
            }
            if *last != b'\n' {
                continue;
            }
            self.literal = literal(before.strip_suffix(b"\r").unwrap_or(before))?;
            if self.literal == 0 {
                self.responses += 1;
                if self.responses > MAX_RESPONSES {
                    return Err(LoginFailure::Protocol("sends too many responses"));
                }
                self.line = 0;
                let bytes = mem::take(&mut self.bytes);
                return self.parse(&bytes).map(Some);
            }
        }
        Ok(None)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Response, LoginFailure> {
        const WRONG: LoginFailure = LoginFailure::Protocol("does not speak IMAP");
        let line = bytes.strip_suffix(b"\r\n").ok_or(WRONG)?;
        let (tag, text) = match line.iter().position(|byte| *byte == b' ') {
            Some(space) => (line.get(..space).ok_or(WRONG)?, line.get(space + 1..).ok_or(WRONG)?),
            None => (line, &[][..]),
        };
        let (kind, text) = match tag {
            b"*" if text.is_empty() => return Err(WRONG),
            b"*" if self.greeted => (Kind::Untagged, text),
            b"*" => (Kind::Greeting, text),
            b"+" if self.greeted => (Kind::Continuation, text),
            tag if self.greeted && tag == self.tag => {
                let (status, text) = match text.iter().position(|byte| *byte == b' ') {
                    Some(space) => text.split_at(space),
                    None => (text, &[][..]),
                };
                let status = match status {
                    s if s.eq_ignore_ascii_case(b"OK") => Status::Ok,
                    s if s.eq_ignore_ascii_case(b"NO") => Status::No,
                    s if s.eq_ignore_ascii_case(b"BAD") => Status::Bad,
                    _ => return Err(WRONG),
                };
                (Kind::Tagged(status), text.strip_prefix(b" ").unwrap_or(text))
            }
            _ => return Err(WRONG),
        };
        Ok(Response { kind, text: text.to_vec() })
    }
}

/// The length of the literal that a line announces at its end, `{12}`; 0 for none.
fn literal(line: &[u8]) -> Result<usize, LoginFailure> {
    let Some(line) = line.strip_suffix(b"}") else { return Ok(0) };
    let digits = line.rsplit(|byte| *byte == b'{').next().unwrap_or_default();
    if digits.len() == line.len() || digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Ok(0);
    }
    let length = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    length.filter(|length| *length <= MAX_BYTES).ok_or(LoginFailure::Protocol("sends too long a response"))
}

#[cfg(test)]
mod tests;
