//! A request's target, decoded once and strictly (RFC 3986, and `application/x-www-form-urlencoded` in the query).
//!
//! What a second round of decoding would change stays as it is here, and the patterns and constraints see it: `%252e` is
//! the text `%2e`, which no path segment may be.

use zeroize::Zeroizing;

/// The longest target, in bytes.
const MAX_TARGET: usize = 8 * 1024;
/// The most query parameters.
const MAX_PARAMETERS: usize = 64;

/// A request's target, decoded.
pub(super) struct Request {
    segments: Vec<String>,
    parameters: Vec<(String, String)>,
}

impl Request {
    /// Reads what follows the base URL. A leading slash makes no difference.
    pub(super) fn parse(path_and_query: &str) -> Result<Self, &'static str> {
        if path_and_query.len() > MAX_TARGET {
            return Err("it is longer than 8 KiB");
        }
        if !path_and_query.bytes().all(|b| b.is_ascii_graphic() && b != b'#' && b != b'\\') {
            return Err("it must be printable ASCII without spaces, # and \\; percent-encode anything else");
        }
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, query),
            None => (path_and_query, ""),
        };
        let segments = path
            .strip_prefix('/')
            .unwrap_or(path)
            .split('/')
            .map(|segment| decode(segment, false))
            .collect::<Result<_, _>>()?;
        Ok(Self { segments, parameters: parameters(query)? })
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(String::as_str)
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, &'static str> {
    if query.is_empty() {
        return Ok(vec![]);
    }
    // To some servers it separates parameters, to others it is part of a value.
    if query.contains(';') {
        return Err("a `;` in the query must be written as %3B");
    }
    if query.split('&').count() > MAX_PARAMETERS {
        return Err("it has more than 64 query parameters");
    }
    query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name.is_empty() {
                return Err("a query parameter has no name");
            }
            Ok((decode(name, true)?, decode(value, true)?))
        })
        .collect()
}

/// One round of percent-decoding; in a query a `+` is a space.
fn decode(text: &str, in_query: bool) -> Result<String, &'static str> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                value.ok_or("a % must be followed by two hexadecimal digits")?
            }
            b'+' if in_query => b' ',
            byte => byte,
        });
    }
    let text = String::from_utf8(out).map_err(|_| "its percent-encoding must be UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("it must hold no control characters");
    }
    Ok(text)
}

/// Appends `name=value`, all but unreserved characters encoded (RFC 3986 §2.3). A `$`, which OData has at the start of
/// a name, stays.
pub(super) fn append(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    encode(query, name, b"$");
    query.push('=');
    encode(query, value, b"");
}

/// `text` with all but unreserved characters encoded.
pub(crate) fn percent_encoded(text: &str) -> Zeroizing<String> {
    // Never grown: it may be a secret.
    let mut out = Zeroizing::new(String::with_capacity(3 * text.len()));
    encode(&mut out, text, b"");
    out
}

fn encode(out: &mut String, text: &str, keep: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.extend(DIGITS.get(usize::from(nibble)).copied().map(char::from));
            }
        }
    }
}
