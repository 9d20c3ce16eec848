//! Takes a credential's secrets out of what an upstream answers (claim B2, invariant 3).
//!
//! Every occurrence of a secret, in each encoding of [`needles`], becomes [`REDACTED`], however the answer is cut into
//! chunks. Occurrences that overlap become one mark, so that no rest of the second one is left over. One pass and constant
//! amortised work a byte whatever the upstream sends; memory is one chunk and the longest encoding.
//!
//! Not found, which takes an upstream that hides a secret on purpose or an encoder that is not of the common ones:
//! - compressed, encrypted, reversed, hashed, cut up, or in another alphabet (base32, base58, base85, quoted-printable);
//! - in hex or an escape whose digits are of both cases, or in hex with something between the bytes;
//! - in base64 that is broken into lines, and, when it is under six bytes, inside a longer base64 text;
//! - encoded twice, where one of the two is base64, hex or UTF-16 and the other is not the escape of base64's own `+/=`; with every
//!   character escaped and escaped once more; three times over;
//! - in escapes that few write: `\u{41}`, octal, HTML's numbers with zeros before or a large X, HTML's names beyond `&<>"`;
//! - plain, with some letters of the other case.
//!
//! Names of headers hold none: those that pass are made of known words ([`crate::forward_response`]). Where a secret stands inside a longer base64
//! text, the characters that hold only a part of its first or last byte stay: at most four bits at each end.

mod automaton;
mod needles;
#[cfg(test)]
mod tests;

use core::{fmt, mem};

use zeroize::Zeroize;

use self::automaton::Automaton;
use crate::Credential;

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// Scrubs one answer: its headers by [`scrub_str`](Self::scrub_str), its body by [`push`](Self::push) and
/// [`finish`](Self::finish).
pub struct Scrubber {
    automaton: Automaton,
    body: Stream,
}

impl Scrubber {
    /// A scrubber for the secrets of `credential`.
    #[must_use]
    pub fn new(credential: &Credential) -> Self {
        Self { automaton: Automaton::new(&needles::of(credential)), body: Stream::default() }
    }

    /// A scrubber for secrets that are no connection's. One of under four bytes would be found by chance: it is not looked for.
    pub fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self { automaton: Automaton::new(&needles::of_secrets(secrets)), body: Stream::default() }
    }

    /// Takes the next chunk of the body, and appends to `out` what can be said so far.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        self.body.push(&self.automaton, chunk, out);
    }

    /// Ends the body: appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        mem::take(&mut self.body).finish(out);
    }

    /// Scrubs a whole text, such as a header's value.
    #[must_use]
    pub fn scrub_str(&self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        let mut stream = Stream::default();
        stream.push(&self.automaton, text.as_bytes(), &mut out);
        stream.finish(&mut out);
        // Needles begin and end with whole characters but for UTF-16, which nothing shows in a text of UTF-8 except on purpose: then
        // nothing of it is passed on.
        String::from_utf8(out).unwrap_or_default()
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber(…)")
    }
}

/// The state between chunks. Offsets count from the start of `held`.
#[derive(Default)]
struct Stream {
    state: u32,
    /// Bytes that may yet turn out to be the beginning of a needle.
    held: Vec<u8>,
    /// Where needles were found: in order, apart or touching.
    found: Vec<(usize, usize)>,
    /// The first range was too long to hold: its mark is already out.
    marked: bool,
}

impl Stream {
    fn push(&mut self, automaton: &Automaton, chunk: &[u8], out: &mut Vec<u8>) {
        let mut at = self.held.len();
        self.held.extend_from_slice(chunk);
        let mut rest = chunk;
        loop {
            if self.state == Automaton::ROOT {
                let skip = automaton.irrelevant_prefix(rest);
                at += skip;
                rest = rest.get(skip..).unwrap_or_default();
            }
            let Some((&byte, tail)) = rest.split_first() else { break };
            rest = tail;
            at += 1;
            self.state = automaton.step(self.state, byte);
            let found = automaton.longest_match(self.state);
            if found > 0 {
                self.cover(at.saturating_sub(found), at);
            }
        }
        self.flush(self.held.len().saturating_sub(automaton.depth(self.state)), out);
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        self.flush(self.held.len(), out);
    }

    /// Notes a needle at `start..end`; none noted before ends later.
    fn cover(&mut self, mut start: usize, end: usize) {
        while let Some((earlier, _)) = self.found.pop_if(|(_, earlier_end)| *earlier_end > start) {
            start = start.min(earlier);
        }
        self.found.push((start, end));
    }

    /// Lets go of the bytes before `safe`, where no needle can begin any more.
    fn flush(&mut self, safe: usize, out: &mut Vec<u8>) {
        let mut copied = 0;
        let mut settled = 0;
        for (start, end) in &mut self.found {
            if *start >= safe {
                break;
            }
            if !mem::take(&mut self.marked) {
                out.extend_from_slice(self.held.get(copied..*start).unwrap_or_default());
                out.extend_from_slice(REDACTED.as_bytes());
            }
            copied = safe.min(*end);
            if *end > safe {
                *start = safe;
                self.marked = true;
                break;
            }
            settled += 1;
        }
        out.extend_from_slice(self.held.get(copied..safe).unwrap_or_default());
        self.found.drain(..settled);
        for (start, end) in &mut self.found {
            *start -= safe;
            *end -= safe;
        }
        self.held.drain(..safe);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}
