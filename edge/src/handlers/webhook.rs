//! `POST /in/{source_id}`: verify the raw bytes, store, and only then answer 200 (invariant 9, claims N4 and B6).
//!
//! A source's secrets stay in isolate memory for [`MAX_AGE_MS`] at most. That age is no window for a revoked secret: the
//! org's object stores an event only if it was verified by the source's current generation, and answers 409 otherwise.

use super::Context;
use crate::control_plane::{ControlPlane, Reply};
use crate::security_headers::Kind;
use crate::tree;
use crate::verdict::Answer;
use protocol::call::{SourceKeys, VerifiedWebhook};
use protocol::{Code, Operation, Principal, SourceId};
use std::rc::Rc;
use webhooks::{Provider, Refusal, Request, SecretKey, is_sensitive_header, provider, verify};
use zeroize::Zeroize as _;

/// Longest time that a source's secrets are kept without asking again.
const MAX_AGE_MS: u64 = 30_000;
/// How long a source that is not there stays so: its id was issued here, so it was deleted.
const ABSENT_MS: u64 = 5_000;
/// Headers stored with an event: at most this many, and this many bytes.
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 8192;

/// A source in memory; absent ones are remembered too.
#[derive(Clone)]
pub struct KnownSource {
    asked_at_ms: u64,
    keys: Option<Rc<Keys>>,
}

struct Keys {
    provider: &'static Provider,
    secrets: Vec<SecretKey>,
    generation: u64,
}

/// A webhook's request as the platform read it.
pub struct Incoming {
    /// Path and query as received.
    pub path_and_query: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
}

/// Verifies and stores.
///
/// # Errors
/// The refusal for the sender, without a reason that would help a forger.
pub async fn handle<P: ControlPlane>(
    context: &Context<'_, P>,
    source: &SourceId,
    incoming: &Incoming,
) -> Result<Answer, Code> {
    let mut keys = known_keys(context, source).await?;
    // Twice: where the keys in memory are of an older generation, the current ones decide.
    for _ in 0..2 {
        let verified = check(context, &keys, incoming).map_err(refused)?;
        if let Some(challenge) = verified.challenge {
            let answer = Answer::new(200, Kind::Json, challenge.body);
            return Ok(answer.with("content-type", challenge.content_type.to_owned()));
        }
        let webhook = VerifiedWebhook {
            source: source.clone(),
            generation: keys.generation,
            event_id: verified.event_id,
            event_id_signed: verified.event_id_signed,
            event_type: verified.event_type,
            headers: storable(&incoming.headers),
        };
        let operation = Operation::StoreInbound(Box::new(webhook));
        let reply = context.call(None, Principal::Anonymous, operation, incoming.body.clone()).await?;
        match reply.status {
            200..300 => return received(reply),
            404 => {
                forget(context, source);
                return Err(Code::NotFound);
            }
            409 => {
                forget(context, source);
                keys = known_keys(context, source).await?;
            }
            // The org's plan does not include it, or no more of it.
            403 => return Err(reply.problem().0),
            _ => return Err(Code::Unavailable),
        }
    }
    Err(Code::Unavailable)
}

fn check<P>(
    context: &Context<'_, P>,
    keys: &Keys,
    incoming: &Incoming,
) -> Result<webhooks::Verified, Refusal> {
    let request = Request {
        method: "POST",
        url: &[context.admitted.client.origin.as_str(), &incoming.path_and_query].concat(),
        headers: &incoming.headers,
        body: &incoming.body,
    };
    verify(keys.provider, &keys.secrets, &request, context.admitted.now_ms, None)
}

fn refused(refusal: Refusal) -> Code {
    match refusal {
        Refusal::TimestampTooOld | Refusal::TimestampInFuture => Code::TimestampOutOfTolerance,
        _ => Code::SignatureInvalid,
    }
}

fn received(reply: Reply) -> Result<Answer, Code> {
    let body = String::from_utf8(reply.body.to_vec()).map_err(|_| Code::Unavailable)?;
    Ok(Answer::new(200, Kind::Json, body))
}

async fn known_keys<P: ControlPlane>(context: &Context<'_, P>, source: &SourceId) -> Result<Rc<Keys>, Code> {
    let now_ms = context.admitted.now_ms;
    let known = context.state.borrow_mut().sources.get(source).filter(|known| is_fresh(known, now_ms));
    if let Some(known) = known {
        return known.keys.ok_or(Code::NotFound);
    }
    let operation = Operation::SourceKeys { id: source.clone() };
    let reply = context.call(None, Principal::Anonymous, operation, Vec::new()).await?;
    let keys = match reply.status {
        200 => Some(Rc::new(read(&reply.body)?)),
        404 => None,
        _ => return Err(Code::Unavailable),
    };
    let sources = &mut context.state.borrow_mut().sources;
    // No secret stays behind for want of traffic (invariant 1).
    sources.retain(|known| is_fresh(known, now_ms));
    sources.insert(source.clone(), KnownSource { asked_at_ms: now_ms, keys: keys.clone() });
    keys.ok_or(Code::NotFound)
}

fn is_fresh(known: &KnownSource, now_ms: u64) -> bool {
    let most_ms = if known.keys.is_some() { MAX_AGE_MS } else { ABSENT_MS };
    now_ms.checked_sub(known.asked_at_ms).is_some_and(|age| age < most_ms)
}

fn forget<P>(context: &Context<'_, P>, source: &SourceId) {
    context.state.borrow_mut().sources.remove(source);
}

fn read(body: &[u8]) -> Result<Keys, Code> {
    let mut keys: SourceKeys = tree::read(body).map_err(|_| Code::Unavailable)?;
    let parsed = provider(&keys.provider).and_then(|provider| {
        let secrets = keys.secrets.iter().map(|pasted| provider.parse_secret(pasted).ok());
        Some(Keys { provider, secrets: secrets.collect::<Option<_>>()?, generation: keys.generation })
    });
    keys.secrets.iter_mut().for_each(|secret| secret.zeroize());
    parsed.ok_or(Code::Internal)
}

/// The headers to store: whatever may be a credential redacted, in bounds.
fn storable(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut left = MAX_HEADER_BYTES;
    let redacted =
        headers.iter().filter(|(name, _)| !name.starts_with("sluicegate-")).map(|(name, value)| {
            let value = if is_sensitive_header(name) { "[redacted]" } else { value };
            (name.clone(), value.to_owned())
        });
    redacted
        .take_while(|(name, value)| {
            let size = name.len() + value.len();
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        })
        .take(MAX_HEADERS)
        .collect()
}

#[cfg(test)]
mod tests;
