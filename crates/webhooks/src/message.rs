//! Puts the signed string together, and sees to it that it can be cut into its parts in one way only.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::encoding::encode_hex;
use crate::headers::Headers;
use crate::inside::Inside;
use crate::provider::{Field, JsonValue, Part, Parts};
use crate::signatures::MAX_HEADER;
use crate::url;
use crate::verify::{Refusal, Request, is_id};

/// The signed string, in parts.
pub(crate) type Message<'m> = Vec<Cow<'m, [u8]>>;

/// The strings of which one is signed: several where the provider may have written the URL in several ways.
pub(crate) fn messages<'m, H: Headers + ?Sized>(
    parts: &Parts<'_>,
    request: &'m Request<'_, H>,
    inside: &'m Inside<'_>,
    time: Option<&'m str>,
) -> Result<Vec<Message<'m>>, Refusal> {
    if !begins_apart(parts, request.body) {
        return Err(Refusal::BodyMalformed);
    }
    let any_port = parts.signed.iter().any(|part| matches!(part, Part::UrlAnyPort));
    let urls =
        if any_port { url::with_and_without_port(request.url) } else { vec![Cow::Borrowed(request.url)] };
    urls.into_iter()
        .map(|url| {
            let part = |part: &Part<'_>| render(part, parts, request, &url, inside, time);
            parts.signed.iter().map(part).collect()
        })
        .collect()
}

/// Whether a body that is signed directly behind the URL is told from it. The end of the query could else be sent as the
/// beginning of the body, or the other way round. What begins like a JSON object or array inside another has a bracket or
/// a quote too many to be JSON itself.
fn begins_apart(parts: &Parts<'_>, body: &[u8]) -> bool {
    let beside = parts.signed.windows(2).any(|pair| matches!(pair, [Part::Url, Part::Body]));
    !beside || matches!(body.first(), Some(b'{' | b'['))
}

fn render<'m, H: Headers + ?Sized>(
    part: &Part<'_>,
    parts: &Parts<'_>,
    request: &'m Request<'_, H>,
    url: &Cow<'m, str>,
    inside: &'m Inside<'_>,
    time: Option<&'m str>,
) -> Result<Cow<'m, [u8]>, Refusal> {
    Ok(match part {
        Part::Text(text) => Cow::Owned(text.as_bytes().to_vec()),
        Part::Body => Cow::Borrowed(request.body),
        Part::Timestamp => Cow::Borrowed(time.unwrap_or_default().as_bytes()),
        Part::Header(name) => bytes(header(request.headers, name)?),
        Part::ListedHeaders(name) => Cow::Owned(listed(parts, request.headers, name)?.into_bytes()),
        Part::Method => Cow::Borrowed(request.method.as_bytes()),
        Part::Url | Part::UrlAnyPort => bytes(url.clone()),
        Part::Path => Cow::Borrowed(url::path_and_query(request.url).as_bytes()),
        Part::Json { path, value } => Cow::Borrowed(json(inside.json(path), *value)?.as_bytes()),
        Part::Form(name) => Cow::Borrowed(inside.form(name).ok_or(Refusal::SignedFieldMissing)?.as_bytes()),
        Part::SortedForm { body_hash } => {
            match body_hash.and_then(|name| url::parameter(request.url, name)) {
                None => Cow::Owned(inside.sorted_form().into_bytes()),
                Some(hash) if hash == Some(&encode_hex(&Sha256::digest(request.body))) => Cow::Borrowed(&[]),
                Some(_) => return Err(Refusal::SignatureInvalid),
            }
        }
    })
}

/// A signed header's value.
///
/// In `{id}.{timestamp}.{body}` the same string can be cut in other places: an id that takes in the timestamp, and a
/// newer time out of the body. So an id holds neither what a JSON object, array or string begins with ([`is_id`]) nor,
/// after a dot, what could be a Unix time.
fn header<'h, H: Headers + ?Sized>(headers: &'h H, name: &str) -> Result<Cow<'h, str>, Refusal> {
    let value = headers.get(name).ok_or(Refusal::SignedHeaderMissing)?;
    let holds_time = value.split('.').skip(1).any(is_time);
    if is_id(&value) && !holds_time { Ok(value) } else { Err(Refusal::SignedHeaderMalformed) }
}

/// The headers that a header lists. The list and the time must be in it: what it leaves out is not signed. A value holds
/// no line break, so that it ends where the body begins; and the list itself, being signed, says where one ends and the
/// next begins.
fn listed<H: Headers + ?Sized>(parts: &Parts<'_>, headers: &H, list: &str) -> Result<String, Refusal> {
    let listed = headers.get(list).ok_or(Refusal::SignedHeaderMissing)?;
    if listed.len() > MAX_HEADER {
        return Err(Refusal::SignedHeaderMalformed);
    }
    let names: Vec<&str> = listed.split(',').collect();
    let plain = |name: &&str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != names.len() || !names.iter().all(plain) || !names.contains(&list) {
        return Err(Refusal::SignedHeaderMalformed);
    }
    if let Some(Field::Header(time)) = parts.timestamp.map(|rule| rule.source)
        && !names.contains(&time)
    {
        return Err(Refusal::SignedHeaderMalformed);
    }
    let mut lines = Vec::with_capacity(names.len());
    for name in names {
        let value = headers.get(name).ok_or(Refusal::SignedHeaderMissing)?;
        if value.contains(char::is_control) {
            return Err(Refusal::SignedHeaderMalformed);
        }
        lines.push(format!("{name}:{value}"));
    }
    Ok(lines.join(";"))
}

fn json(found: Option<&str>, value: JsonValue) -> Result<&str, Refusal> {
    let is_plain = |text: &str| is_id(text) && !text.contains(':');
    match (found, value) {
        (Some(text), JsonValue::Free) => Ok(text),
        (Some(""), JsonValue::OptionalId) | (None, JsonValue::OptionalId | JsonValue::Free) => Ok(""),
        (Some(text), JsonValue::Id | JsonValue::OptionalId) if is_plain(text) => Ok(text),
        (Some(_), _) => Err(Refusal::BodyMalformed),
        (None, JsonValue::Id) => Err(Refusal::SignedFieldMissing),
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Digits enough for the seconds since 1970 of any day after 2001.
fn is_time(text: &str) -> bool {
    text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}
