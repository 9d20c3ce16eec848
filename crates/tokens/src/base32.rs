//! Base32 in Crockford's alphabet, lower case, unpadded: safe in URLs, selected whole by a double click, and without the
//! letters that are read as others (i, l, o, u). Strict: one text per value.
//!
//! <https://www.crockford.com/base32.html>

use crate::TokenError;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// RFC 4648's alphabet, which authenticator apps read.
const RFC4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Encodes `bytes`, five bits a character, the last filled up with zero bits.
pub fn encode(bytes: &[u8]) -> String {
    encode_with(ALPHABET, bytes)
}

/// Encodes `bytes` in the alphabet of RFC 4648, section 6, unpadded.
pub(crate) fn encode_rfc4648(bytes: &[u8]) -> String {
    encode_with(RFC4648, bytes)
}

fn encode_with(alphabet: &[u8; 32], bytes: &[u8]) -> String {
    let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
    let (mut bits, mut held) = (0_u16, 0);
    for byte in bytes {
        bits = (bits << 8) | u16::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(character(alphabet, bits >> held));
        }
    }
    if held > 0 {
        text.push(character(alphabet, bits << (5 - held)));
    }
    text
}

/// Decodes what [`encode`] wrote; `None` for any other text (upper case, a look-alike, a wrong length, stray bits).
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0_u16, 0);
    for character in text.bytes() {
        bits = (bits << 5) | u16::from(value(character)?);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    (held < 5 && bits & ((1 << held) - 1) == 0).then_some(bytes)
}

/// Whether `text` is of this alphabet alone.
pub fn is_base32(text: &str) -> bool {
    text.bytes().all(|character| value(character).is_some())
}

/// Cuts off the first `len` characters; `None` unless there are as many, all of this alphabet.
pub(crate) fn split_at(text: &str, len: usize) -> Option<(&str, &str)> {
    text.split_at_checked(len).filter(|(part, _)| is_base32(part))
}

/// `chars` random characters, five bits of entropy each.
///
/// # Errors
/// [`TokenError::Random`].
pub fn random_base32(chars: usize) -> Result<String, TokenError> {
    let mut bytes = vec![0; chars];
    getrandom::fill(&mut bytes).map_err(|_| TokenError::Random)?;
    // 256 is a multiple of 32: every character is equally likely.
    Ok(bytes.iter().map(|byte| character(ALPHABET, u16::from(*byte))).collect())
}

fn character(alphabet: &[u8; 32], bits: u16) -> char {
    // The mask keeps the index within the 32 characters.
    #[allow(clippy::indexing_slicing)]
    char::from(alphabet[usize::from(bits & 31)])
}

const fn value(character: u8) -> Option<u8> {
    Some(match character {
        b'0'..=b'9' => character - b'0',
        b'a'..=b'h' => character - b'a' + 10,
        b'j' | b'k' => character - b'j' + 18,
        b'm' | b'n' => character - b'm' + 20,
        b'p'..=b't' => character - b'p' + 22,
        b'v'..=b'z' => character - b'v' + 27,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodes_known_values() {
        // RFC 4648, section 10, in this alphabet.
        for (bytes, text) in [
            ("", ""),
            ("f", "cr"),
            ("fo", "csqg"),
            ("foo", "csqpy"),
            ("foob", "csqpyrg"),
            ("fooba", "csqpyrk1"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
    }

    /// RFC 4648, section 10, less the padding.
    #[test]
    fn encodes_rfc_4648s_values() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode_rfc4648(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn decodes_one_text_per_value() {
        for text in
            ["CR", "cs", "c", "csq", "c l", "cr=", "csqpyi", "csqpyo", "csqpyl", "csqpyu", "cr\n", "çr"]
        {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn random_text_is_base32_and_differs() {
        let (a, b) = (random_base32(26).unwrap(), random_base32(26).unwrap());
        assert!(a.len() == 26 && is_base32(&a));
        assert_ne!(a, b);
    }

    proptest! {
        #[test]
        fn round_trips(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn whatever_decodes_encodes_to_itself(text in "[0-9a-z]{0,20}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
