//! The signing half: Standard Webhooks for what we send, and any provider's scheme for tests.

use crate::provider::{Field, Grammar, Part, Provider};
use crate::secret::SecretKey;
use crate::signing_key::Signer;

/// What is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The receiver's URL.
    pub url: &'a str,
    /// The message's id, sent where the scheme has a header for it.
    pub id: &'a str,
    /// The time of sending, in milliseconds since the Unix epoch; written in the scheme's unit.
    pub timestamp_ms: u64,
    /// The body.
    pub body: &'a [u8],
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

/// The headers of a request signed as the provider signs it: lower-case names, one signature.
///
/// A time or id that the provider keeps in the body is the caller's to put there.
#[must_use]
pub fn sign_as(provider: &Provider, key: &SecretKey, message: &Unsigned<'_>) -> Vec<(&'static str, String)> {
    let timestamp = provider.timestamp.map(|rule| rule.unit.format(message.timestamp_ms)).unwrap_or_default();
    let part = |part: &Part| -> Vec<u8> {
        match part {
            Part::Text(text) => text.as_bytes().to_vec(),
            Part::Body => message.body.to_vec(),
            Part::Timestamp => timestamp.as_bytes().to_vec(),
            Part::Header(_) => message.id.as_bytes().to_vec(),
            Part::Method => message.method.as_bytes().to_vec(),
            Part::Url => message.url.as_bytes().to_vec(),
        }
    };
    let signed: Vec<u8> = provider.signed.iter().flat_map(part).collect();
    let text = provider.signature.encoding.encode(&provider.algorithm.tag(key, &[&signed]));
    let value = match provider.signature.grammar {
        Grammar::One { prefix } => format!("{prefix}{text}"),
        Grammar::Versioned { version } => format!("{version},{text}"),
        Grammar::Pairs { separator, timestamp: time, signature } => {
            format!("{time}={timestamp}{separator}{signature}={text}")
        }
    };

    let mut headers: Vec<_> =
        provider.signature.headers.iter().take(1).map(|name| (*name, value.clone())).collect();
    if let Some(Field::Header(name)) = provider.timestamp.map(|rule| rule.source) {
        headers.push((name, timestamp.clone()));
    }
    if let Some(Field::Header(name)) = provider.event_id.first() {
        headers.push((name, message.id.to_owned()));
    }
    headers
}
