//! Keys and strings (RFC 8259, section 7), decoded as they stream: from the byte behind the opening quotation mark to the
//! closing one.

use super::FilterError;

/// The longest key that is compared, decoded, in bytes. A longer one is in no allowlist, and `*` leaves it out too.
const MAX_KEY: usize = 1024;

/// Where decoded text goes.
pub(super) enum Sink<'a> {
    Key(&'a mut Key),
    /// Escaped again, as little as JSON demands.
    Out(&'a mut Vec<u8>),
    /// Checked against the grammar alone: what nobody reads may hold half a surrogate pair, as titles cut by UTF-16
    /// units do.
    Nowhere,
}

/// The state inside a text.
#[derive(Debug, Default)]
pub(super) struct Text {
    escape: Escape,
    /// The first half of a surrogate pair, whose second has to follow.
    high: Option<u16>,
    utf8: Utf8,
}

#[derive(Clone, Copy, Debug, Default)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// Behind `\u`: so many digits, of this value.
    Hex(u8, u16),
}

impl Text {
    /// Takes what of `bytes` belongs to the text. Some: it has ended, and this is what follows.
    pub(super) fn advance<'a>(
        &mut self,
        mut bytes: &'a [u8],
        sink: &mut Sink<'_>,
    ) -> Result<Option<&'a [u8]>, FilterError> {
        while let Some((&byte, tail)) = bytes.split_first() {
            match self.escape {
                Escape::None => match byte {
                    b'"' => {
                        self.check_whole()?;
                        return Ok(Some(tail));
                    }
                    b'\\' => {
                        self.utf8.check_whole()?;
                        self.escape = Escape::Backslash;
                    }
                    ..=0x1f => return Err(FilterError::Syntax),
                    0x80.. => {
                        self.check_pair()?;
                        let len = bytes.iter().position(u8::is_ascii).unwrap_or(bytes.len());
                        let (run, tail) = bytes.split_at_checked(len).unwrap_or_default();
                        for byte in run {
                            self.utf8.step(*byte)?;
                        }
                        sink.put(run);
                        bytes = tail;
                        continue;
                    }
                    _ => {
                        self.check_whole()?;
                        let (run, tail) = bytes.split_at_checked(plain_prefix(bytes)).unwrap_or_default();
                        sink.put(run);
                        bytes = tail;
                        continue;
                    }
                },
                Escape::Backslash if byte == b'u' => self.escape = Escape::Hex(0, 0),
                Escape::Backslash => {
                    self.check_pair()?;
                    sink.put_char(simple_escape(byte).ok_or(FilterError::Syntax)?);
                    self.escape = Escape::None;
                }
                Escape::Hex(digits, value) => {
                    let digit = char::from(byte).to_digit(16).ok_or(FilterError::Syntax)?;
                    let value = value << 4 | digit as u16;
                    self.escape = Escape::Hex(digits + 1, value);
                    if digits == 3 {
                        self.escape = Escape::None;
                        self.unit(value, sink)?;
                    }
                }
            }
            bytes = tail;
        }
        Ok(None)
    }

    /// A code unit of UTF-16.
    fn unit(&mut self, unit: u16, sink: &mut Sink<'_>) -> Result<(), FilterError> {
        if let Sink::Nowhere = sink {
            return Ok(());
        }
        if let (None, 0xd800..=0xdbff) = (self.high, unit) {
            self.high = Some(unit);
            return Ok(());
        }
        // A unit where the second half is due, or a second half alone, makes an error of the pair.
        let mut decoded = char::decode_utf16(self.high.take().into_iter().chain([unit]));
        match (decoded.next(), decoded.next()) {
            (Some(Ok(c)), None) => sink.put_char(c),
            _ => return Err(FilterError::Encoding),
        }
        Ok(())
    }

    fn check_pair(&self) -> Result<(), FilterError> {
        if self.high.is_none() { Ok(()) } else { Err(FilterError::Encoding) }
    }

    fn check_whole(&self) -> Result<(), FilterError> {
        self.check_pair()?;
        self.utf8.check_whole()
    }
}

/// UTF-8 cut anywhere (RFC 3629, section 4): how many bytes have to follow, and the range of the next.
#[derive(Debug, Default)]
struct Utf8 {
    left: u8,
    low: u8,
    high: u8,
}

impl Utf8 {
    fn step(&mut self, byte: u8) -> Result<(), FilterError> {
        if self.left > 0 {
            if !(self.low..=self.high).contains(&byte) {
                return Err(FilterError::Encoding);
            }
            *self = Self { left: self.left - 1, low: 0x80, high: 0xbf };
            return Ok(());
        }
        let (left, low, high) = match byte {
            ..=0x7f => (0, 0, 0),
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            // Surrogates.
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return Err(FilterError::Encoding),
        };
        *self = Self { left, low, high };
        Ok(())
    }

    fn check_whole(&self) -> Result<(), FilterError> {
        if self.left == 0 { Ok(()) } else { Err(FilterError::Encoding) }
    }
}

/// A decoded key, as far as it is worth keeping.
#[derive(Debug, Default)]
pub(super) struct Key {
    text: Vec<u8>,
    is_too_long: bool,
}

impl Key {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.is_too_long = false;
    }

    /// None: longer than any that passes.
    pub(super) fn text(&self) -> Option<&[u8]> {
        (!self.is_too_long).then_some(&self.text)
    }

    /// Writes it as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        let mut rest = self.text.as_slice();
        while let Some((&byte, tail)) = rest.split_first() {
            let len = rest.iter().position(|byte| must_escape(*byte)).unwrap_or(rest.len());
            if len == 0 {
                put_escape(byte, out);
                rest = tail;
            } else {
                let (run, tail) = rest.split_at_checked(len).unwrap_or_default();
                out.extend_from_slice(run);
                rest = tail;
            }
        }
        out.push(b'"');
    }

    fn put(&mut self, text: &[u8]) {
        if self.text.len() + text.len() > MAX_KEY {
            self.is_too_long = true;
        }
        if !self.is_too_long {
            self.text.extend_from_slice(text);
        }
    }
}

impl Sink<'_> {
    /// Text that needs no escape.
    fn put(&mut self, text: &[u8]) {
        match self {
            Self::Key(key) => key.put(text),
            Self::Out(out) => out.extend_from_slice(text),
            Self::Nowhere => {}
        }
    }

    /// A character that stood escaped.
    fn put_char(&mut self, c: char) {
        match (self, u8::try_from(c)) {
            (Self::Out(out), Ok(byte)) if must_escape(byte) => put_escape(byte, out),
            (sink, _) => sink.put(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

const fn must_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..=0x1f)
}

const fn simple_escape(byte: u8) -> Option<char> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte as char,
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

fn put_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// How many bytes at the front are ASCII that stands for itself, eight at a time.
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x80 * ONES;
    // The top bit of each byte below `n`, and perhaps of some behind the first such.
    let below = |word: u64, n: u64| word.wrapping_sub(n * ONES) & !word & TOPS;
    let equal = |word: u64, byte: u8| below(word ^ (u64::from(byte) * ONES), 1);

    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = (word & TOPS) | below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| !byte.is_ascii() || must_escape(*byte);
    words.len() * 8 + tail.iter().position(special).unwrap_or(tail.len())
}
