//! The one form of a password (RFC 8265, section 4.2, profile OpaqueString): a keyboard that writes `é` as two code points, or
//! a space that does not break, opens the same account.
//!
//! Two departures: letters that Unicode has not assigned yet are taken, for their tables would grow with every Unicode; and
//! zero-width joiners, of which emoji are made.

use crate::TokenError;
use zeroize::Zeroizing;

/// bcrypt reads no further.
const MAX_BYTES: usize = 72;
/// Composing makes of four bytes no less than one.
const MAX_TYPED_BYTES: usize = 4 * MAX_BYTES;
/// Nor does it, in UTF-8, make more than three of one (UAX 15, section 12).
const MOST_GROWTH: usize = 3;

/// The form that is hashed: non-ASCII spaces are U+0020, what can be composed is (NFC); nothing else is mapped. 1 to 72
/// bytes, without control characters.
///
/// # Errors
/// [`TokenError::PasswordTooShort`], [`TokenError::PasswordTooLong`], [`TokenError::PasswordControl`].
pub(super) fn opaque(password: &str) -> Result<Zeroizing<String>, TokenError> {
    if password.len() > MAX_TYPED_BYTES {
        return Err(TokenError::PasswordTooLong);
    }
    if password.chars().any(char::is_control) {
        return Err(TokenError::PasswordControl);
    }
    // As large as it can get: growing would leave the password behind in freed memory.
    let mut form = Zeroizing::new(String::with_capacity(password.len() * MOST_GROWTH));
    // What composing makes of a space is one.
    form.extend(nfc(password).map(space));
    match form.len() {
        0 => Err(TokenError::PasswordTooShort),
        1..=MAX_BYTES => Ok(form),
        _ => Err(TokenError::PasswordTooLong),
    }
}

/// A text as it is read, not as it is encoded: one keyboard's accents are another's two code points (UAX 15, form C).
#[cfg(not(target_arch = "wasm32"))]
pub fn nfc(text: &str) -> impl Iterator<Item = char> {
    icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize_iter(text.chars())
}

/// Likewise, and with what only looks different made one: `²` is `2` (UAX 15, form KC).
#[cfg(not(target_arch = "wasm32"))]
pub fn nfkc(text: &str) -> impl Iterator<Item = char> {
    icu_normalizer::ComposingNormalizerBorrowed::new_nfkc().normalize_iter(text.chars())
}

/// The same by the platform's tables, which are 12 KiB less to load.
#[cfg(target_arch = "wasm32")]
pub fn nfc(text: &str) -> impl Iterator<Item = char> {
    normalized(text, "NFC")
}

/// Likewise.
#[cfg(target_arch = "wasm32")]
pub fn nfkc(text: &str) -> impl Iterator<Item = char> {
    normalized(text, "NFKC")
}

/// Text in ASCII has every form already, and stays here.
#[cfg(target_arch = "wasm32")]
fn normalized(text: &str, form: &str) -> impl Iterator<Item = char> + use<> {
    let composed = (!text.is_ascii()).then(|| String::from(js_sys::JsString::from(text).normalize(form)));
    let composed = Zeroizing::new(composed.unwrap_or_else(|| text.to_owned()));
    let mut at = 0;
    std::iter::from_fn(move || {
        let next = composed.get(at..)?.chars().next()?;
        at += next.len_utf8();
        Some(next)
    })
}

/// Unicode's other separators of words (category Zs).
fn space(c: char) -> char {
    match c {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(password: &str) -> String {
        opaque(password).unwrap().to_string()
    }

    /// RFC 8265, section 4.3, table 4.
    #[test]
    fn the_rfcs_examples_are_taken() {
        assert_eq!(form("correct horse battery staple"), "correct horse battery staple");
        assert_eq!(form("Correct Horse Battery Staple"), "Correct Horse Battery Staple");
        assert_eq!(form("\u{3c0}\u{df}\u{e5}"), "\u{3c0}\u{df}\u{e5}");
        assert_eq!(form("Jack of \u{2666}s"), "Jack of \u{2666}s");
        assert_eq!(form("foo\u{1680}bar"), "foo bar");
    }

    /// RFC 8265, section 4.3, table 5.
    #[test]
    fn the_rfcs_counterexamples_are_refused() {
        assert_eq!(opaque("").unwrap_err(), TokenError::PasswordTooShort);
        assert_eq!(opaque("my cat is a \u{9}by").unwrap_err(), TokenError::PasswordControl);
    }

    #[test]
    fn other_spellings_of_the_same_text_are_the_same_password() {
        for (typed, same) in [
            ("Zoe\u{308} sleeps", "Zo\u{eb} sleeps"),
            ("\u{212b}ngstro\u{308}m", "\u{c5}ngstr\u{f6}m"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("o\u{323}\u{302}", "\u{1ed9}"),
            ("o\u{302}\u{323}", "\u{1ed9}"),
            ("a\u{a0}b\u{2003}c\u{3000}d\u{202f}e", "a b c d e"),
        ] {
            assert_eq!(form(typed), same);
        }
    }

    /// "No other mapping": case, width and compatibility forms stay what they are.
    #[test]
    fn other_text_is_another_password() {
        for (one, other) in [
            ("\u{ff41}", "a"),
            ("\u{fb01}", "fi"),
            ("A", "a"),
            ("\u{2160}", "I"),
            (" a", "a"),
            ("a\u{200d}b", "ab"),
        ] {
            assert_ne!(form(one), form(other));
        }
    }

    #[test]
    fn lengths_are_of_the_form_and_bounded() {
        assert_eq!(form(&"e\u{301}".repeat(36)).len(), 72);
        assert_eq!(opaque(&"e\u{301}".repeat(37)).unwrap_err(), TokenError::PasswordTooLong);
        assert_eq!(opaque(&"a".repeat(1 << 20)).unwrap_err(), TokenError::PasswordTooLong);
        for control in ["a\0b", "a\u{7f}b", "a\u{85}b", "a\r\nb"] {
            assert_eq!(opaque(control).unwrap_err(), TokenError::PasswordControl);
        }
    }

    proptest! {
        /// RFC 8265, section 4.2.3: applying it again changes nothing. And no buffer grows.
        #[test]
        fn the_form_is_its_own_form(password in "\\PC{1,40}|[a\u{300}-\u{345}\u{1100}-\u{11c2}\u{2000}-\u{200b}\u{2126}\u{fb1d}-\u{fb4e}]{1,40}") {
            if let Ok(once) = opaque(&password) {
                prop_assert_eq!(once.as_str(), form(&once));
                prop_assert!(once.len() <= password.len() * MOST_GROWTH);
                prop_assert!(password.len() <= once.len() * 4);
            }
        }
    }
}
