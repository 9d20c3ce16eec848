//! What isolate memory holds of webhook sources: their provider and the secrets that verify, for [`MAX_AGE_MS`] at most
//! (invariant 1).

use crate::control_plane::ControlPlane;
use crate::handlers::Context;
use crate::tree;
use protocol::call::SourceKeys;
use protocol::{Code, Operation, Principal, SourceId};
use std::rc::Rc;
use webhooks::{Provider, SecretKey, provider};
use zeroize::Zeroize as _;

/// Longest time that a source's secrets are kept without asking again.
const MAX_AGE_MS: u64 = 30_000;
/// How long a source that is not there stays so: its id was issued here, so it was deleted.
const ABSENT_MS: u64 = 5_000;
/// Secrets of no more than this age are good enough to refuse a signature by. It bounds what forgers can make an isolate
/// ask: once in that time for each source.
const RECENT_MS: u64 = 2_000;

/// A source in memory; absent ones are remembered too.
#[derive(Clone)]
pub struct KnownSource {
    asked_at_ms: u64,
    /// When it was last asked for, or is being.
    recent_at_ms: u64,
    keys: Option<Rc<Keys>>,
}

/// How a source's requests are verified.
pub(super) struct Keys {
    pub(super) provider: &'static Provider,
    pub(super) secrets: Vec<SecretKey>,
    pub(super) generation: u64,
    /// The provider has yet to send the secret.
    pub(super) awaiting_handshake: bool,
    /// As registered at the provider, where it is not the source's own.
    registered_url: Option<String>,
}

impl Keys {
    /// The URL that the provider called, for schemes that sign it. A registered one stands in the place of our own; what
    /// the provider adds to the query comes as received, and must: it is signed.
    pub(super) fn url(&self, own_origin: &str, path_and_query: &str) -> String {
        let Some(registered) = &self.registered_url else {
            return [own_origin, path_and_query].concat();
        };
        match path_and_query.split_once('?') {
            Some((_, query)) => {
                let base = registered.split_once('?').map_or(registered.as_str(), |(base, _)| base);
                [base, "?", query].concat()
            }
            None => registered.clone(),
        }
    }
}

/// Keys and how far they can be relied on.
pub(super) struct Known {
    pub(super) keys: Rc<Keys>,
    /// They are the org's object's of a moment ago.
    pub(super) recent: bool,
}

/// The keys in memory, or else the org's object's.
///
/// # Errors
/// `NotFound`, `Unavailable`, `Internal`.
pub(super) async fn known<P: ControlPlane>(
    context: &Context<'_, P>,
    source: &SourceId,
) -> Result<Known, Code> {
    let now_ms = context.admitted.now_ms;
    let known = context.state.borrow_mut().sources.get(source).filter(|known| is_fresh(known, now_ms));
    match known {
        Some(KnownSource { keys, recent_at_ms, .. }) => Ok(Known {
            keys: keys.ok_or(Code::NotFound)?,
            recent: now_ms.saturating_sub(recent_at_ms) < RECENT_MS,
        }),
        None => Ok(Known { keys: fetch(context, source).await?, recent: true }),
    }
}

/// The keys of the org's object, into memory.
///
/// # Errors
/// As [`known`].
pub(super) async fn fetch<P: ControlPlane>(
    context: &Context<'_, P>,
    source: &SourceId,
) -> Result<Rc<Keys>, Code> {
    let operation = Operation::SourceKeys { id: source.clone() };
    let reply = context.call(None, Principal::Anonymous, operation, Vec::new()).await?;
    let keys = match reply.status {
        200 => Some(Rc::new(read(&reply.body)?)),
        404 => None,
        _ => return Err(Code::Unavailable),
    };
    let now_ms = context.admitted.now_ms;
    let sources = &mut context.state.borrow_mut().sources;
    // No secret stays behind for want of traffic (invariant 1).
    sources.retain(|known| is_fresh(known, now_ms));
    let known = KnownSource { asked_at_ms: now_ms, recent_at_ms: now_ms, keys: keys.clone() };
    sources.insert(source.clone(), known);
    keys.ok_or(Code::NotFound)
}

/// Notes that the keys are about to be asked for, so that no other request does it at the same time.
pub(super) fn mark_recent<P>(context: &Context<'_, P>, source: &SourceId) {
    let sources = &mut context.state.borrow_mut().sources;
    if let Some(known) = sources.get(source) {
        sources.insert(source.clone(), KnownSource { recent_at_ms: context.admitted.now_ms, ..known });
    }
}

pub(super) fn forget<P>(context: &Context<'_, P>, source: &SourceId) {
    context.state.borrow_mut().sources.remove(source);
}

fn is_fresh(known: &KnownSource, now_ms: u64) -> bool {
    let most_ms = if known.keys.is_some() { MAX_AGE_MS } else { ABSENT_MS };
    now_ms.checked_sub(known.asked_at_ms).is_some_and(|age| age < most_ms)
}

fn read(body: &[u8]) -> Result<Keys, Code> {
    let mut keys: SourceKeys = tree::read(body).map_err(|_| Code::Unavailable)?;
    let parsed = provider(&keys.provider).and_then(|provider| {
        let secrets = keys.secrets.iter().map(|pasted| provider.parse_secret(pasted).ok());
        Some(Keys {
            provider,
            secrets: secrets.collect::<Option<_>>()?,
            generation: keys.generation,
            awaiting_handshake: keys.awaiting_handshake,
            registered_url: keys.url.take(),
        })
    });
    keys.secrets.iter_mut().for_each(|secret| secret.zeroize());
    parsed.ok_or(Code::Internal)
}
