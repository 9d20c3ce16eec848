//! The signing half: Standard Webhooks for what we send, and any provider's scheme for tests and for `listen`, which hands
//! events to a developer's machine.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::encoding::encode_hex;
use crate::form;
use crate::inside::Inside;
use crate::json::ONLY;
use crate::jwt;
use crate::message::messages;
use crate::provider::{Field, Grammar, JsonValue, Part, Parts, Path, Place, Row, Scheme};
use crate::secret::SecretKey;
use crate::signing_key::Signer;
use crate::verify::Request;

/// What is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The receiver's URL.
    pub url: &'a str,
    /// The message's id, sent where the scheme has a place for it.
    pub id: &'a str,
    /// The time of sending, in milliseconds since the Unix epoch; written in the scheme's unit.
    pub timestamp_ms: u64,
    /// The body.
    pub body: &'a [u8],
}

/// A request signed as a provider signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<'a> {
    /// Lower-case names; the signature's header, if it has one, first.
    pub headers: Vec<(&'a str, String)>,
    /// The URL to call: the one given, but for a scheme that puts the body's hash into it.
    pub url: String,
    /// The body to send: the one given, but for a scheme that puts the signature into it.
    pub body: Vec<u8>,
}

/// The three headers of Standard Webhooks, signed with every key given, in their order (two while one is rotated out).
///
/// `timestamp` is in Unix seconds. <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
#[must_use]
pub fn standard_webhooks<K: Signer>(
    keys: &[&K],
    id: &str,
    timestamp: u64,
    body: &[u8],
) -> [(&'static str, String); 3] {
    let timestamp = timestamp.to_string();
    let message: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let signature = keys.iter().map(|key| key.entry(&message)).collect::<Vec<_>>().join(" ");
    [("webhook-id", id.to_owned()), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
}

/// A request as the provider would send it, with one signature: inside the body where the provider has a place for it and
/// this body too.
///
/// `None` where that cannot be: the provider signs with a private key, the scheme is the source's own (then ask
/// [`crate::generic::Scheme::with_row`] for its row), or a signature that belongs inside the body finds no place in this one.
/// A time that the provider keeps in a body which it signs whole is the caller's to put there.
#[must_use]
pub fn sign_as<'a>(row: &Row<'a>, key: &SecretKey, message: &Unsigned<'_>) -> Option<Signed<'a>> {
    match &row.scheme {
        Scheme::Parts(parts) => sign_parts(row, parts, message, &|signed| parts.algorithm.tag(key, signed)),
        Scheme::FirstOf(several) => {
            let inside = several.iter().filter(|parts| !matches!(parts.signature.place, Place::Headers(_)));
            inside
                .chain(several.iter())
                .find_map(|parts| sign_parts(row, parts, message, &|signed| parts.algorithm.tag(key, signed)))
        }
        Scheme::Jwt(jwt) => {
            let Unsigned { method, url, body, .. } = *message;
            let request = Request { method, url, headers: &[][..], body };
            let token = jwt::sign(jwt, key, &request, message.timestamp_ms)?;
            Some(Signed { headers: vec![(jwt.header, token)], url: url.to_owned(), body: body.to_vec() })
        }
        Scheme::Fetched(_) | Scheme::Declared => None,
    }
}

/// Makes the request that the provider would send, and has its signed string signed by `tag`.
pub(crate) fn sign_parts<'a>(
    row: &Row<'a>,
    parts: &Parts<'a>,
    message: &Unsigned<'_>,
    tag: &dyn Fn(&[&[u8]]) -> Option<Vec<u8>>,
) -> Option<Signed<'a>> {
    let time = parts.timestamp.map(|rule| rule.unit.format(message.timestamp_ms)).unwrap_or_default();
    let mut signed = Signed {
        headers: headers(row, parts, message.id, &time),
        url: message.url.to_owned(),
        body: message.body.to_vec(),
    };
    prepare_body(parts, &mut signed, message.id, &time)?;

    let request =
        Request { method: message.method, url: &signed.url, headers: &signed.headers, body: &signed.body };
    let inside = Inside::read(parts, &signed.url, &signed.body).ok()?;
    let strings = messages(parts, &request, &inside, Some(&time)).ok()?;
    let string: Vec<&[u8]> = strings.first()?.iter().map(AsRef::as_ref).collect();
    let text = parts.signature.encoding.encode(&tag(&string)?);

    let value = match parts.signature.grammar {
        Grammar::One { prefix } => format!("{prefix}{text}"),
        Grammar::Versioned { version } => format!("{version},{text}"),
        Grammar::Pairs { separator, timestamp, signature } => {
            format!("{timestamp}={time}{separator}{signature}={text}")
        }
        Grammar::Named => format!("{}|{text}", key_name(parts, &inside)),
    };
    match parts.signature.place {
        Place::Headers(names) => signed.headers.insert(0, (*names.first()?, value)),
        Place::Json(path) => edit(&mut signed.body, path, |place| *place = value.into())?,
        Place::Form(name) => {
            let fields = parts.signed.iter().filter_map(|part| match part {
                Part::Form(its_name) => Some(form::write(its_name, inside.form(its_name)?)),
                _ => None,
            });
            let fields: Vec<_> = std::iter::once(form::write(name, &value)).chain(fields).collect();
            signed.body = fields.join("&").into_bytes();
        }
    }
    Some(signed)
}

/// The headers beside the signature's: the time, the id, and the list of those that are signed.
fn headers<'a>(row: &Row<'a>, parts: &Parts<'a>, id: &str, time: &str) -> Vec<(&'a str, String)> {
    let mut headers = Vec::new();
    if let Some(Field::Header(name)) = parts.timestamp.map(|rule| rule.source) {
        headers.push((name, time.to_owned()));
    }
    for part in parts.signed {
        if let Part::Header(name) = part {
            headers.push((name, id.to_owned()));
        }
    }
    if let Some(Field::Header(name)) = row.event_id.first()
        && !headers.iter().any(|(its_name, _)| its_name == name)
    {
        headers.push((name, id.to_owned()));
    }
    for part in parts.signed {
        if let Part::ListedHeaders(list) = part {
            let mut names: Vec<&str> = headers.iter().map(|(name, _)| *name).chain([*list]).collect();
            names.sort_unstable();
            headers.push((list, names.join(",")));
        }
    }
    headers
}

/// Puts into the body what the provider signs there, or the body's hash into the URL.
fn prepare_body(parts: &Parts<'_>, signed: &mut Signed<'_>, id: &str, time: &str) -> Option<()> {
    for part in parts.signed {
        match part {
            Part::SortedForm { body_hash: Some(name) } if form::read(&signed.body).is_none() => {
                let mark = if signed.url.contains('?') { '&' } else { '?' };
                signed.url =
                    format!("{}{mark}{name}={}", signed.url, encode_hex(&Sha256::digest(&signed.body)));
            }
            Part::Json { path, value: JsonValue::Id } => edit(&mut signed.body, path, |value| {
                if value.is_null() {
                    *value = id.into();
                }
            })?,
            _ => {}
        }
    }
    match parts.timestamp.map(|rule| rule.source) {
        Some(Field::Json(path)) if parts.signs_time() => {
            edit(&mut signed.body, path, |value| *value = time.into())
        }
        _ => Some(()),
    }
}

/// Changes one value of a JSON body.
fn edit(body: &mut Vec<u8>, path: Path<'_>, change: impl FnOnce(&mut Value)) -> Option<()> {
    let mut json: Value = serde_json::from_slice(body).ok()?;
    change(place_in(&mut json, path)?);
    *body = json.to_string().into_bytes();
    Some(())
}

/// Where a path leads, objects made on the way; `None` where something else stands in it.
fn place_in<'v>(body: &'v mut Value, path: Path<'_>) -> Option<&'v mut Value> {
    path.iter().try_fold(body, |value, key| {
        if value.is_null() && *key != ONLY {
            *value = Value::Object(serde_json::Map::new());
        }
        match value {
            Value::Array(elements) if *key == ONLY && elements.len() == 1 => elements.first_mut(),
            Value::Object(object) if *key != ONLY => Some(object.entry(*key).or_insert(Value::Null)),
            _ => None,
        }
    })
}

/// The name under which the sender's key is known: the one that the form has, if it has one.
fn key_name<'i>(parts: &Parts<'_>, inside: &'i Inside<'_>) -> &'i str {
    let there = if let Place::Form(name) = parts.signature.place { inside.form(name) } else { None };
    there.and_then(|value| value.split_once('|')).map_or("key", |(name, _)| name)
}
