//! The spellings in which an upstream may give a secret back.
//!
//! Plain; in hex; in base64 and base64url, padded, unpadded, and inside a longer text at each of the three alignments; and
//! escaped as the common encoders do it, which differ in the characters they leave alone: percent-encoding, JSON strings,
//! HTML. For most secrets almost all of these coincide.

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

/// The longest escape of a byte, `\u00xx` or `&quot;`, in bytes.
const MAX_ESCAPE: usize = 6;

/// A predicate on a byte of a secret.
type Class = fn(u8) -> bool;
/// Writes the escape of a byte.
type Escape = fn(u8, &mut Vec<u8>);

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
        needles.extend(ESCAPES.iter().filter_map(|escape| escaped(plain, escape)));
        needles.push(Zeroizing::new(plain.to_vec()));
        for form in base64_forms(plain) {
            needles.extend(BASE64_ESCAPES.iter().filter_map(|escape| escaped(&form, escape)));
            needles.push(form);
        }
        needles.extend([b"0123456789abcdef", b"0123456789ABCDEF"].map(|digits| hex(plain, digits)));
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

/// `text` with the bytes of the class escaped, if it has any.
fn escaped(text: &[u8], &(class, escape): &(Class, Escape)) -> Option<Zeroizing<Vec<u8>>> {
    let count = text.iter().filter(|byte| class(**byte)).count();
    if count == 0 {
        return None;
    }
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + count * (MAX_ESCAPE - 1)));
    for &byte in text {
        if class(byte) { escape(byte, &mut out) } else { out.push(byte) }
    }
    Some(out)
}

/// The classes of bytes that encoders escape, and how.
const ESCAPES: &[(Class, Escape)] = &[
    // RFC 3986: all but unreserved; with `/` (Python's quote, path encoders); ECMAScript's two; URL standard, query.
    (|b| !is_unreserved(b), percent_upper),
    (|b| !is_unreserved(b), percent_lower),
    (|b| !is_unreserved(b) && b != b'/', percent_upper),
    (|b| !is_unreserved(b) && b != b'/', percent_lower),
    (|b| !is_unreserved(b) && !b"!*'()".contains(&b), percent_upper),
    (|b| !is_unreserved(b) && !b"!*'()".contains(&b), percent_lower),
    (|b| !is_unreserved(b) && !b"!*'();,/?:@&=+$#".contains(&b), percent_upper),
    (|b| !is_unreserved(b) && !b"!*'();,/?:@&=+$#".contains(&b), percent_lower),
    (|b| b" \"#<>'".contains(&b), percent_upper),
    (|b| b" \"#<>'".contains(&b), percent_lower),
    (|b| !b.is_ascii_alphanumeric(), percent_upper),
    (|b| !b.is_ascii_alphanumeric(), percent_lower),
    // application/x-www-form-urlencoded: URL standard and Java, Go, PHP, .NET.
    (|b| !b.is_ascii_alphanumeric() && !b"-._*".contains(&b), form_upper),
    (|b| !b.is_ascii_alphanumeric() && !b"-._*".contains(&b), form_lower),
    (|b| !is_unreserved(b), form_upper),
    (|b| !is_unreserved(b), form_lower),
    (|b| !b.is_ascii_alphanumeric() && !b"-._".contains(&b), form_upper),
    (|b| !b.is_ascii_alphanumeric() && !b"-._".contains(&b), form_lower),
    (|b| !b.is_ascii_alphanumeric() && !b"-._!*()".contains(&b), form_upper),
    (|b| !b.is_ascii_alphanumeric() && !b"-._!*()".contains(&b), form_lower),
    // JSON: RFC 8259's least; `\/`; safe in HTML, small and large.
    (|b| b"\"\\".contains(&b), json_lower),
    (|b| b"\"\\/".contains(&b), json_lower),
    (|b| b"\"\\<>&".contains(&b), json_lower),
    (|b| b"\"\\<>&".contains(&b), json_upper),
    (|b| b"\"\\<>&'".contains(&b), json_lower),
    (|b| b"\"\\<>&'".contains(&b), json_upper),
    (|b| b"\"\\<>&'=".contains(&b), json_lower),
    (|b| b"\"\\/<>&'".contains(&b), json_upper),
    (|b| b"\"\\<>&'+`".contains(&b), json_upper),
    (|b| b"\"\\/<>&'".contains(&b), unicode_lower),
    (|b| b"\"\\/<>&'".contains(&b), unicode_upper),
    (|b| !b.is_ascii_alphanumeric(), unicode_lower),
    (|b| !b.is_ascii_alphanumeric(), unicode_upper),
    // Everything.
    (|_| true, percent_upper),
    (|_| true, percent_lower),
    (|_| true, unicode_lower),
    (|_| true, unicode_upper),
    // HTML text and attributes.
    (|b| b"&<>".contains(&b), html_decimal),
    (|b| b"&<>\"".contains(&b), html_decimal),
    (|b| b"&<>\"'".contains(&b), html_decimal),
    (|b| b"&<>\"'".contains(&b), html_hex),
    (|b| b"&<>\"'/".contains(&b), html_hex),
    (|b| b"&<>\"'/`=".contains(&b), html_hex),
    (|b| b"&<>\"'".contains(&b), html_numbers),
    (|b| b"&<>\"'+".contains(&b), html_numbers),
];

/// The same for base64, whose `+`, `/` and `=` are all there is to escape.
const BASE64_ESCAPES: &[(Class, Escape)] = &[
    (|b| b"+/=".contains(&b), percent_upper),
    (|b| b"+/=".contains(&b), percent_lower),
    (|b| b == b'/', json_lower),
];

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn nibbles(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|nibble| digits.get(usize::from(nibble)).copied().unwrap_or_default())
}

fn percent_upper(byte: u8, out: &mut Vec<u8>) {
    out.push(b'%');
    out.extend(nibbles(byte, b"0123456789ABCDEF"));
}

fn percent_lower(byte: u8, out: &mut Vec<u8>) {
    out.push(b'%');
    out.extend(nibbles(byte, b"0123456789abcdef"));
}

fn form_upper(byte: u8, out: &mut Vec<u8>) {
    if byte == b' ' { out.push(b'+') } else { percent_upper(byte, out) }
}

fn form_lower(byte: u8, out: &mut Vec<u8>) {
    if byte == b' ' { out.push(b'+') } else { percent_lower(byte, out) }
}

fn unicode_upper(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u00");
    out.extend(nibbles(byte, b"0123456789ABCDEF"));
}

fn unicode_lower(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u00");
    out.extend(nibbles(byte, b"0123456789abcdef"));
}

fn json_upper(byte: u8, out: &mut Vec<u8>) {
    if b"\"\\/".contains(&byte) { out.extend([b'\\', byte]) } else { unicode_upper(byte, out) }
}

fn json_lower(byte: u8, out: &mut Vec<u8>) {
    if b"\"\\/".contains(&byte) { out.extend([b'\\', byte]) } else { unicode_lower(byte, out) }
}

/// Names where HTML has always had one, decimal for the rest.
fn html_decimal(byte: u8, out: &mut Vec<u8>) {
    match html_name(byte) {
        Some(name) => out.extend_from_slice(name),
        None => html_numbers(byte, out),
    }
}

fn html_hex(byte: u8, out: &mut Vec<u8>) {
    if let Some(name) = html_name(byte) {
        return out.extend_from_slice(name);
    }
    out.extend_from_slice(b"&#x");
    out.extend(nibbles(byte, b"0123456789ABCDEF"));
    out.push(b';');
}

fn html_numbers(byte: u8, out: &mut Vec<u8>) {
    // Go and MarkupSafe: names for `&<>`, numbers for quotes and, in html/template, `+`.
    match byte {
        b'&' | b'<' | b'>' => out.extend_from_slice(html_name(byte).unwrap_or_default()),
        _ => out.extend_from_slice(format!("&#{byte};").as_bytes()),
    }
}

fn html_name(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        _ => return None,
    })
}
