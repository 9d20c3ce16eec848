//! The JSON allowlist: of an upstream's answer, the listed fields pass and nothing else does (claim T2).
//!
//! A field is a path from the root, see [`Allowlist`]. A scalar passes if a field names it; an object or array passes,
//! possibly empty, if a field leads through it. Everything else is left out whole, so a field that turns out to hold an
//! object where a scalar was meant brings none of it along. A root that is left out becomes `null`.
//!
//! The parser is written against the upstream: RFC 8259 to the letter, one document, at most [`MAX_DEPTH`] levels, Unicode
//! wherever text is compared or kept. What is not JSON is an error, in the parts left out too: a parser that went on after
//! a fault could be led to take content for structure. Keys are compared decoded (`"\u0062ody"` is `body`). Of several
//! members of one name each is held to the same rule, so it makes no difference which of them a reader takes.
//!
//! The answer is written anew: no whitespace, the least escapes. One secret thus has one spelling in it, and a
//! [`Scrubber`](crate::Scrubber) behind this filter finds it however the upstream escaped it. Numbers keep their digits.
//!
//! One pass in chunks cut anywhere. Memory is one key and one small frame a level, whatever the upstream sends.

use core::fmt;

pub(crate) mod fields;
mod number;
#[cfg(test)]
mod tests;
mod text;

use self::fields::{Allowlist, Kind, Node};
use self::number::Number;
use self::text::{Key, Sink, Text};

/// The deepest nesting of objects and arrays.
const MAX_DEPTH: usize = 64;

/// Why an answer is not passed on. What was written before the error must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Not one JSON document of RFC 8259.
    #[error("the upstream's answer is not JSON")]
    Syntax,
    /// Not UTF-8; or, in a key or a kept string, an escaped surrogate without its other half.
    #[error("the upstream's answer is JSON with text that is not Unicode")]
    Encoding,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the upstream's answer is JSON nested too deeply")]
    Depth,
    /// The document ends before its end.
    #[error("the upstream's answer is JSON cut short")]
    Truncated,
}

/// Filters one answer: its body by [`push`](Self::push) and [`finish`](Self::finish).
pub struct FieldFilter {
    allowlist: Allowlist,
    state: State,
    /// The open objects and arrays, outermost first.
    frames: Vec<Frame>,
    /// The last key of an object that passes.
    key: Key,
    /// What the allowlist says of that key's value.
    member: Option<Node>,
    text: Text,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// A value has to follow.
    Value,
    /// Behind `[`: a value or `]`.
    FirstElement,
    /// Behind `{`: a key or `}`.
    FirstKey,
    /// Behind `,` in an object.
    NextKey,
    Colon,
    /// Behind a member or an element: `,` or the closing bracket.
    Next,
    // Of these, the flag says whether it passes; a key passes to be compared.
    Key(bool),
    String(bool),
    Number(Number, bool),
    /// In `true`, `false` or `null`: what of it has to follow.
    Literal(&'static [u8], bool),
    /// Behind the document.
    End,
    Failed(FilterError),
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    is_object: bool,
    /// None: left out, with all that is in it.
    node: Option<Node>,
    /// Something was written into it.
    is_filled: bool,
}

impl FieldFilter {
    /// A filter that lets `fields` pass. What isn't a field's path lets nothing pass.
    #[must_use]
    pub fn new(fields: &[String]) -> Self {
        Self {
            allowlist: Allowlist::new(fields),
            state: State::Value,
            frames: Vec::new(),
            key: Key::default(),
            member: None,
            text: Text::default(),
        }
    }

    /// Takes the next chunk of the body, and appends to `out` what passes.
    ///
    /// # Errors
    /// [`FilterError`]; the same one again for every later call.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), FilterError> {
        self.advance(chunk, out).inspect_err(|error| self.state = State::Failed(*error))
    }

    /// Ends the body.
    ///
    /// # Errors
    /// [`FilterError`]: [`Truncated`](FilterError::Truncated), or what [`push`](Self::push) found.
    // `out` is in the signature because a caller must not have to know that the last byte is never held back.
    pub fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), FilterError> {
        match self.state {
            State::End => Ok(()),
            State::Number(number, _) if self.frames.is_empty() && number.is_complete() => Ok(()),
            State::Failed(error) => Err(error),
            _ => Err(FilterError::Truncated),
        }
    }

    fn advance(&mut self, mut rest: &[u8], out: &mut Vec<u8>) -> Result<(), FilterError> {
        while let Some((&byte, tail)) = rest.split_first() {
            rest = match self.state {
                State::Key(passes) => self.key(passes, rest)?,
                State::String(passes) => self.string(passes, rest, out)?,
                State::Number(number, passes) => self.number(number, passes, rest, out)?,
                State::Literal(expected, passes) => self.literal(expected, passes, rest, out)?,
                State::Failed(error) => return Err(error),
                _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => tail,
                State::Value => self.value(byte, rest, out)?,
                State::FirstElement if byte == b']' => self.close(b']', tail, out)?,
                State::FirstElement => self.value(byte, rest, out)?,
                State::FirstKey if byte == b'}' => self.close(b'}', tail, out)?,
                State::FirstKey | State::NextKey => self.begin_key(byte, tail)?,
                State::Colon => {
                    require(byte == b':')?;
                    self.state = State::Value;
                    tail
                }
                State::Next if byte == b',' => {
                    let in_object = self.frames.last().is_some_and(|frame| frame.is_object);
                    self.state = if in_object { State::NextKey } else { State::Value };
                    tail
                }
                State::Next => self.close(byte, tail, out)?,
                State::End => return Err(FilterError::Syntax),
            };
        }
        Ok(())
    }

    /// The first byte of a value, at the front of `rest`.
    fn value<'a>(&mut self, byte: u8, rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], FilterError> {
        let tail = rest.get(1..).unwrap_or_default();
        let kind = match byte {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            _ => Kind::Scalar,
        };
        let node = self.place(kind, out);
        let passes = node.is_some();
        // What begins with a byte of its own; a literal is written as it is read.
        if passes && !matches!(byte, b't' | b'f' | b'n') {
            out.push(byte);
        }
        self.state = match byte {
            b'{' | b'[' => {
                if self.frames.len() == MAX_DEPTH {
                    return Err(FilterError::Depth);
                }
                self.frames.push(Frame { is_object: byte == b'{', node, is_filled: false });
                if byte == b'{' { State::FirstKey } else { State::FirstElement }
            }
            b'"' => State::String(passes),
            b't' => return self.literal(b"true", passes, rest, out),
            b'f' => return self.literal(b"false", passes, rest, out),
            b'n' => return self.literal(b"null", passes, rest, out),
            _ => State::Number(Number::begin(byte).ok_or(FilterError::Syntax)?, passes),
        };
        Ok(tail)
    }

    /// Decides about the value that begins here; for one that passes writes what stands before it.
    fn place(&mut self, kind: Kind, out: &mut Vec<u8>) -> Option<Node> {
        let Some(frame) = self.frames.last_mut() else {
            let node = Some(Allowlist::ROOT).filter(|node| self.allowlist.passes(*node, kind));
            if node.is_none() {
                out.extend_from_slice(b"null");
            }
            return node;
        };
        let node = if frame.is_object { self.member } else { self.allowlist.element(frame.node?) };
        let node = node.filter(|node| self.allowlist.passes(*node, kind))?;
        if frame.is_filled {
            out.push(b',');
        }
        frame.is_filled = true;
        if frame.is_object {
            self.key.write(out);
            out.push(b':');
        }
        Some(node)
    }

    fn begin_key<'a>(&mut self, byte: u8, tail: &'a [u8]) -> Result<&'a [u8], FilterError> {
        require(byte == b'"')?;
        self.member = None;
        let passes = self.frames.last().is_some_and(|frame| frame.node.is_some());
        if passes {
            self.key.clear();
        }
        self.state = State::Key(passes);
        Ok(tail)
    }

    fn key<'a>(&mut self, passes: bool, rest: &'a [u8]) -> Result<&'a [u8], FilterError> {
        let mut sink = if passes { Sink::Key(&mut self.key) } else { Sink::Nowhere };
        let Some(tail) = self.text.advance(rest, &mut sink)? else { return Ok(&[]) };
        if passes {
            let node = self.frames.last().and_then(|frame| frame.node);
            self.member = node.zip(self.key.text()).and_then(|(node, key)| self.allowlist.member(node, key));
        }
        self.state = State::Colon;
        Ok(tail)
    }

    fn string<'a>(
        &mut self,
        passes: bool,
        rest: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'a [u8], FilterError> {
        let mut sink = if passes { Sink::Out(out) } else { Sink::Nowhere };
        let Some(tail) = self.text.advance(rest, &mut sink)? else { return Ok(&[]) };
        if passes {
            out.push(b'"');
        }
        self.end_value();
        Ok(tail)
    }

    fn number<'a>(
        &mut self,
        mut number: Number,
        passes: bool,
        rest: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'a [u8], FilterError> {
        let mut len = 0;
        for byte in rest {
            let Some(next) = number.step(*byte) else { break };
            number = next;
            len += 1;
        }
        let (digits, tail) = rest.split_at_checked(len).unwrap_or_default();
        if passes {
            out.extend_from_slice(digits);
        }
        self.state = State::Number(number, passes);
        if !tail.is_empty() {
            require(number.is_complete())?;
            self.end_value();
        }
        Ok(tail)
    }

    fn literal<'a>(
        &mut self,
        expected: &'static [u8],
        passes: bool,
        rest: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'a [u8], FilterError> {
        let len = expected.len().min(rest.len());
        let (found, tail) = rest.split_at_checked(len).unwrap_or_default();
        let (matched, missing) = expected.split_at_checked(len).unwrap_or_default();
        require(found == matched)?;
        if passes {
            out.extend_from_slice(found);
        }
        self.state = State::Literal(missing, passes);
        if missing.is_empty() {
            self.end_value();
        }
        Ok(tail)
    }

    fn close<'a>(&mut self, byte: u8, tail: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], FilterError> {
        let frame = self.frames.pop().ok_or(FilterError::Syntax)?;
        require(byte == if frame.is_object { b'}' } else { b']' })?;
        if frame.node.is_some() {
            out.push(byte);
        }
        self.end_value();
        Ok(tail)
    }

    fn end_value(&mut self) {
        self.state = if self.frames.is_empty() { State::End } else { State::Next };
    }
}

/// Opaque: the key is the upstream's text.
impl fmt::Debug for FieldFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FieldFilter(…)")
    }
}

fn require(condition: bool) -> Result<(), FilterError> {
    condition.then_some(()).ok_or(FilterError::Syntax)
}
