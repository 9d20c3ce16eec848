//! The spellings in which an upstream may give a secret back.
//!
//! Plain; in UTF-16; in hex; in base64 and base64url, padded, unpadded, and inside a longer text at each of the three alignments; and
//! escaped as the common encoders do it, which differ in the characters they leave alone: percent-encoding, JSON and JavaScript
//! strings, HTML; and such an escape escaped once more, as in JSON within JSON. For most secrets almost all of these coincide.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use crate::Credential;
use crate::auth::{Kind, MIN_SECRET, Placement};

/// The shortest piece of base64 that counts as a secret's. Shorter ones turn up by chance in a few megabytes.
const MIN_BASE64: usize = 6;
/// The length from which a basic user name that isn't an email address is taken for a key.
const LONG_USERNAME: usize = 16;

/// The longest escape of a character, `\ud83d\udd11`, in bytes.
const MAX_ESCAPE: usize = 12;

/// A predicate on a character of a secret.
type Class = fn(char) -> bool;
/// Writes the escape of a character.
type Escape = fn(char, &mut Vec<u8>);

/// Every needle for `credential`, without doubles.
pub(super) fn of(credential: &Credential) -> Vec<Zeroizing<Vec<u8>>> {
    spellings(secrets(credential).iter().map(|secret| secret.as_str()))
}

/// Every needle for secrets that are long enough to be told from chance.
pub(super) fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Vec<Zeroizing<Vec<u8>>> {
    spellings(secrets.into_iter().filter(|secret| secret.len() >= MIN_SECRET))
}

fn spellings<'a>(secrets: impl Iterator<Item = &'a str>) -> Vec<Zeroizing<Vec<u8>>> {
    let mut needles = Vec::new();
    for secret in secrets {
        let plain = secret.as_bytes();
        for once in ESCAPES.iter().filter_map(|escape| escaped(secret, escape)) {
            needles.extend(
                text(&once)
                    .into_iter()
                    .flat_map(|once| SECOND_ESCAPES.iter().filter_map(move |escape| escaped(once, escape))),
            );
            needles.push(once);
        }
        needles.extend(WHOLE_ESCAPES.iter().filter_map(|escape| escaped(secret, &(|_| true, *escape))));
        needles.push(Zeroizing::new(plain.to_vec()));
        for form in base64_forms(plain) {
            let escaped = |escape| escaped(text(&form)?, escape);
            needles.extend(BASE64_ESCAPES.iter().filter_map(escaped));
            needles.push(form);
        }
        needles.extend([LOWER, UPPER].map(|digits| hex(plain, digits)));
        needles.extend([u16::to_le_bytes, u16::to_be_bytes].map(|order| utf_16(secret, order)));
    }
    needles.sort_unstable_by(|a, b| a.as_slice().cmp(b));
    needles.dedup_by(|a, b| a.as_slice() == b.as_slice());
    needles
}

/// The texts that must not come back.
fn secrets(credential: &Credential) -> Vec<Zeroizing<String>> {
    let mut secrets = Vec::new();
    let mut add = |text: &str| {
        if text.len() >= MIN_SECRET {
            secrets.push(Zeroizing::new(text.to_owned()));
        }
    };
    match &credential.0 {
        Kind::Bearer { token } => add(token.expose_secret()),
        Kind::ApiKey { placement, value } => {
            let value = value.expose_secret();
            add(value);
            // `authorization: Token <key>`: an echo may leave the scheme out.
            if let (Placement::Header(_), Some((_, key))) = (placement, value.rsplit_once(' ')) {
                add(key);
            }
        }
        Kind::Basic { username, password } => {
            let (username, password) = (username.expose_secret(), password.expose_secret());
            add(&Zeroizing::new(format!("{username}:{password}")));
            add(password);
            // Some providers take the key as the user name, beside an empty or a fixed password.
            let is_key = username.len() >= LONG_USERNAME && !username.contains('@');
            if is_key || password.len() < MIN_SECRET {
                add(username);
            }
        }
        Kind::OAuth { refresh, access } => {
            [refresh, access].into_iter().flatten().for_each(|token| add(token.expose_secret()));
        }
        Kind::None => {}
    }
    secrets
}

/// `secret` in base64: alone, with and without padding, and inside a longer text.
fn base64_forms(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = Vec::new();
    for engine in [STANDARD, URL_SAFE] {
        let padded = Zeroizing::new(engine.encode(secret).into_bytes());
        let unpadded = padded.split(|b| *b == b'=').next().unwrap_or_default();
        forms.push(Zeroizing::new(unpadded.to_vec()));
        forms.push(padded.clone());
        for before in 0..3 {
            // The characters that the secret's bits fill, whatever stands before and behind it.
            let mut shifted = Zeroizing::new(vec![0; before + secret.len()]);
            if let Some(tail) = shifted.get_mut(before..) {
                tail.copy_from_slice(secret);
            }
            let encoded = Zeroizing::new(engine.encode(&shifted).into_bytes());
            let inside = encoded.get((before * 8).div_ceil(6)..shifted.len() * 8 / 6).unwrap_or_default();
            if inside.len() >= MIN_BASE64 {
                forms.push(Zeroizing::new(inside.to_vec()));
            }
        }
    }
    forms
}

fn hex(secret: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut hex = Zeroizing::new(Vec::with_capacity(secret.len() * 2));
    for byte in secret {
        hex.extend(nibbles(*byte, digits));
    }
    hex
}

fn utf_16(secret: &str, order: fn(u16) -> [u8; 2]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() * 2));
    out.extend(secret.encode_utf16().flat_map(order));
    out
}

/// A needle as text: all that is an escape or base64.
fn text(needle: &[u8]) -> Option<&str> {
    core::str::from_utf8(needle).ok()
}

/// `text` with the characters of the class escaped, if it has any.
fn escaped(text: &str, &(class, escape): &(Class, Escape)) -> Option<Zeroizing<Vec<u8>>> {
    let count = text.chars().filter(|c| class(*c)).count();
    if count == 0 {
        return None;
    }
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + count * (MAX_ESCAPE - 1)));
    for c in text.chars() {
        if class(c) {
            escape(c, &mut out)
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes())
        }
    }
    Some(out)
}

/// The classes of characters that encoders escape, and how.
const ESCAPES: &[(Class, Escape)] = &[
    // RFC 3986: all but unreserved; with `/` (Python's quote, path encoders); ECMAScript's two; URL standard, query.
    (|c| !is_unreserved(c), percent_upper),
    (|c| !is_unreserved(c), percent_lower),
    (|c| !is_unreserved(c) && c != '/', percent_upper),
    (|c| !is_unreserved(c) && c != '/', percent_lower),
    (|c| !is_unreserved(c) && !"!*'()".contains(c), percent_upper),
    (|c| !is_unreserved(c) && !"!*'()".contains(c), percent_lower),
    (|c| !is_unreserved(c) && !"!*'();,/?:@&=+$#".contains(c), percent_upper),
    (|c| !is_unreserved(c) && !"!*'();,/?:@&=+$#".contains(c), percent_lower),
    (|c| " \"#<>'".contains(c) || !c.is_ascii(), percent_upper),
    (|c| " \"#<>'".contains(c) || !c.is_ascii(), percent_lower),
    (|c| !c.is_ascii_alphanumeric(), percent_upper),
    (|c| !c.is_ascii_alphanumeric(), percent_lower),
    // application/x-www-form-urlencoded: URL standard and Java, Go, PHP, .NET.
    (|c| !c.is_ascii_alphanumeric() && !"-._*".contains(c), form_upper),
    (|c| !c.is_ascii_alphanumeric() && !"-._*".contains(c), form_lower),
    (|c| !is_unreserved(c), form_upper),
    (|c| !is_unreserved(c), form_lower),
    (|c| !c.is_ascii_alphanumeric() && !"-._".contains(c), form_upper),
    (|c| !c.is_ascii_alphanumeric() && !"-._".contains(c), form_lower),
    (|c| !c.is_ascii_alphanumeric() && !"-._!*()".contains(c), form_upper),
    (|c| !c.is_ascii_alphanumeric() && !"-._!*()".contains(c), form_lower),
    // JSON: RFC 8259's least; `\/`; safe in HTML, small and large.
    (|c| "\"\\".contains(c), json_lower),
    (|c| "\"\\/".contains(c), json_lower),
    (|c| "\"\\<>&".contains(c), json_lower),
    (|c| "\"\\<>&".contains(c), json_upper),
    (|c| "\"\\<>&'".contains(c), json_lower),
    (|c| "\"\\<>&'".contains(c), json_upper),
    (|c| "\"\\<>&'=".contains(c), json_lower),
    (|c| "\"\\/<>&'".contains(c), json_upper),
    (|c| "\"\\<>&'+`".contains(c), json_upper),
    (|c| "\"\\/<>&'".contains(c), unicode_lower),
    (|c| "\"\\/<>&'".contains(c), unicode_upper),
    (|c| !c.is_ascii_alphanumeric(), unicode_lower),
    (|c| !c.is_ascii_alphanumeric(), unicode_upper),
    // In ASCII: Python, PHP, .NET.
    (|c| "\"\\".contains(c) || !c.is_ascii(), json_lower),
    (|c| "\"\\/".contains(c) || !c.is_ascii(), json_lower),
    (|c| "\"\\<>&'+`".contains(c) || !c.is_ascii(), json_upper),
    // JavaScript strings and the like, byte by byte.
    (|c| !c.is_ascii_alphanumeric(), x_lower),
    (|c| !c.is_ascii_alphanumeric(), x_upper),
    // HTML text and attributes.
    (|c| "&<>".contains(c), html_decimal),
    (|c| "&<>\"".contains(c), html_decimal),
    (|c| "&<>\"'".contains(c), html_decimal),
    (|c| "&<>\"'".contains(c), html_hex),
    (|c| "&<>\"'/".contains(c), html_hex),
    (|c| "&<>\"'/`=".contains(c), html_hex),
    (|c| "&<>\"'".contains(c), html_numbers),
    (|c| "&<>\"'+".contains(c), html_numbers),
    (|c| "&<>\"'".contains(c) || !c.is_ascii(), html_decimal),
    (|c| !c.is_ascii(), number_decimal),
    (|c| !c.is_ascii_alphanumeric(), number_decimal),
    (|c| !c.is_ascii_alphanumeric(), number_upper),
    (|c| !c.is_ascii_alphanumeric(), number_lower),
];

/// Escapes of every character. Once alone: twice they would make the automaton several times as large.
const WHOLE_ESCAPES: &[Escape] = &[
    percent_upper,
    percent_lower,
    unicode_lower,
    unicode_upper,
    x_lower,
    x_upper,
    number_decimal,
    number_upper,
    number_lower,
];

/// What is done to an escape that stands in a text which is escaped in its turn.
const SECOND_ESCAPES: &[(Class, Escape)] = &[
    (|c| c == '%', percent_upper),
    (|c| !is_unreserved(c), percent_upper),
    (|c| "\"\\".contains(c), json_lower),
    (|c| "\"\\/".contains(c), json_lower),
    (|c| "&<>\"'".contains(c), html_decimal),
    (|c| "&<>\"'".contains(c), html_numbers),
];

/// The same for base64, whose `+`, `/` and `=` are all there is to escape.
const BASE64_ESCAPES: &[(Class, Escape)] = &[
    (|c| "+/=".contains(c), percent_upper),
    (|c| "+/=".contains(c), percent_lower),
    (|c| c == '/', json_lower),
];

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn nibbles(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|nibble| digits.get(usize::from(nibble)).copied().unwrap_or_default())
}

/// Each byte of UTF-8 behind a prefix.
fn bytes(c: char, prefix: &[u8], digits: &[u8; 16], out: &mut Vec<u8>) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        out.extend_from_slice(prefix);
        out.extend(nibbles(byte, digits));
    }
}

fn percent_upper(c: char, out: &mut Vec<u8>) {
    bytes(c, b"%", UPPER, out);
}

fn percent_lower(c: char, out: &mut Vec<u8>) {
    bytes(c, b"%", LOWER, out);
}

fn x_upper(c: char, out: &mut Vec<u8>) {
    bytes(c, b"\\x", UPPER, out);
}

fn x_lower(c: char, out: &mut Vec<u8>) {
    bytes(c, b"\\x", LOWER, out);
}

fn form_upper(c: char, out: &mut Vec<u8>) {
    if c == ' ' { out.push(b'+') } else { percent_upper(c, out) }
}

fn form_lower(c: char, out: &mut Vec<u8>) {
    if c == ' ' { out.push(b'+') } else { percent_lower(c, out) }
}

/// Each unit of UTF-16.
fn unicode(c: char, digits: &[u8; 16], out: &mut Vec<u8>) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        out.extend(unit.to_be_bytes().into_iter().flat_map(|byte| nibbles(byte, digits)));
    }
}

fn unicode_upper(c: char, out: &mut Vec<u8>) {
    unicode(c, UPPER, out);
}

fn unicode_lower(c: char, out: &mut Vec<u8>) {
    unicode(c, LOWER, out);
}

fn json(c: char, digits: &[u8; 16], out: &mut Vec<u8>) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '/' => out.extend_from_slice(b"\\/"),
        _ => unicode(c, digits, out),
    }
}

fn json_upper(c: char, out: &mut Vec<u8>) {
    json(c, UPPER, out);
}

fn json_lower(c: char, out: &mut Vec<u8>) {
    json(c, LOWER, out);
}

fn number_decimal(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("&#{};", u32::from(c)).as_bytes());
}

fn number_upper(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("&#x{:X};", u32::from(c)).as_bytes());
}

fn number_lower(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("&#x{:x};", u32::from(c)).as_bytes());
}

/// Names where HTML has always had one, decimal for the rest.
fn html_decimal(c: char, out: &mut Vec<u8>) {
    match html_name(c) {
        Some(name) => out.extend_from_slice(name),
        None => number_decimal(c, out),
    }
}

fn html_hex(c: char, out: &mut Vec<u8>) {
    match html_name(c) {
        Some(name) => out.extend_from_slice(name),
        None => number_upper(c, out),
    }
}

/// Go and MarkupSafe: names for `&<>`, numbers for quotes and, in html/template, `+`.
fn html_numbers(c: char, out: &mut Vec<u8>) {
    match html_name(c).filter(|_| c != '"') {
        Some(name) => out.extend_from_slice(name),
        None => number_decimal(c, out),
    }
}

fn html_name(c: char) -> Option<&'static [u8]> {
    Some(match c {
        '&' => b"&amp;",
        '<' => b"&lt;",
        '>' => b"&gt;",
        '"' => b"&quot;",
        _ => return None,
    })
}
