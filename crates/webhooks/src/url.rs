//! Parts of a signed URL, cut out of its text: a parser that normalises would change what was signed.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Every byte but RFC 3986's unreserved ones.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `scheme://`, authority and the rest of a URL.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let after = url.find("://")? + 3;
    let (scheme, rest) = url.split_at_checked(after)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    Some((scheme, authority, rest))
}

/// The URL without a port, and with one: its own, or its scheme's.
pub(crate) fn with_and_without_port(url: &str) -> Vec<Cow<'_, str>> {
    let Some((scheme, authority, rest)) = split(url) else { return vec![Cow::Borrowed(url)] };
    // A colon inside the brackets of an IPv6 address begins no port.
    match authority.rfind(':').filter(|&at| authority.rfind(']').is_none_or(|bracket| bracket < at)) {
        Some(at) => {
            let host = authority.get(..at).unwrap_or_default();
            vec![Cow::Borrowed(url), Cow::Owned([scheme, host, rest].concat())]
        }
        None => {
            let port = if scheme == "https://" { ":443" } else { ":80" };
            vec![Cow::Borrowed(url), Cow::Owned([scheme, authority, port, rest].concat())]
        }
    }
}

/// Path and query; `/` where there is none.
pub(crate) fn path_and_query(url: &str) -> &str {
    match split(url) {
        Some((_, _, rest)) if !rest.is_empty() => rest,
        _ => "/",
    }
}

/// The query, without `?`.
pub(crate) fn query(url: &str) -> &str {
    url.split_once('?').map_or("", |(_, query)| query)
}

/// The value of a query parameter, as written: `None` if it is not there, `Some(None)` if it is there twice.
pub(crate) fn parameter<'u>(url: &'u str, name: &str) -> Option<Option<&'u str>> {
    let mut values = query(url)
        .split('&')
        .filter_map(|pair| pair.split_once('=').filter(|(its_name, _)| *its_name == name));
    let (_, value) = values.next()?;
    Some(values.next().is_none().then_some(value))
}

/// A query's name or value, decoded and encoded anew, in one way.
pub(crate) fn recode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let decoded: Vec<u8> = percent_decode_str(&spaced).collect();
    percent_encode(&decoded, RESERVED).to_string()
}
