//! Codes as people type and paste them: in groups, with dashes, in the digits of their keyboard, with what a page or a chat
//! has put in between and nobody sees.

use zeroize::Zeroizing;

/// Longest text looked at, in bytes: a recovery code in full-width characters, and some to spare.
pub(crate) const MAX_BYTES: usize = 128;

/// A code without white space, dashes and invisible characters, its full-width and Arabic digits in ASCII. `None` for what
/// is longer than any code.
pub(crate) fn code(presented: &str) -> Option<Zeroizing<String>> {
    if presented.len() > MAX_BYTES {
        return None;
    }
    // As large as it can get: growing would leave the code behind in freed memory.
    let mut code = Zeroizing::new(String::with_capacity(MAX_BYTES));
    code.extend(presented.chars().map(to_ascii).filter(|c| !is_between(*c)));
    Some(code)
}

/// Full-width forms (U+FF01 to U+FF5E) and the digits of Arabic and Persian keyboards.
fn to_ascii(c: char) -> char {
    let ascii = match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c) - 0xfee0,
        '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => u32::from(c) % 16 + u32::from('0'),
        _ => return c,
    };
    char::from_u32(ascii).unwrap_or(c)
}

/// White space, dashes (the one of a Japanese keyboard too), zero-width characters and direction marks.
fn is_between(c: char) -> bool {
    let dash = matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' | '\u{ff70}'
    );
    let invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    dash || invisible || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_around_and_between_is_left_out() {
        for typed in [
            "123456",
            "123 456",
            " 123-456\r\n",
            "123\u{a0}456",
            "123\u{3000}456",
            "123\u{2013}456",
            "123\u{2212}456",
            "\u{202d}123456\u{202c}",
            "\u{feff}123\u{200b}456\u{2060}",
            "\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}",
            "\u{ff11}\u{ff12}\u{ff13}\u{ff0d}\u{ff14}\u{ff15}\u{ff16}",
            "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}",
            "\u{6f1}\u{6f2}\u{6f3}\u{6f4}\u{6f5}\u{6f6}",
        ] {
            assert_eq!(code(typed).unwrap().as_str(), "123456", "{typed:?}");
        }
        assert_eq!(code("\u{ff21}b").unwrap().as_str(), "Ab");
    }

    #[test]
    fn nothing_else_becomes_a_digit() {
        for typed in ["12345\u{b2}", "12345\u{2466}", "12345\u{96c}", "123.456", "123,456", "12345o"] {
            assert_ne!(code(typed).unwrap().as_str(), "123456", "{typed:?}");
            assert!(!code(typed).unwrap().bytes().all(|b| b.is_ascii_digit()), "{typed:?}");
        }
        assert!(code(&"1".repeat(129)).is_none());
    }
}
