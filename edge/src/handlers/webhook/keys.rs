//! What isolate memory holds of webhook sources: their provider and the secrets that verify, for [`MAX_AGE_MS`] at most
//! (invariant 1).

use crate::control_plane::ControlPlane;
use crate::handlers::Context;
use crate::tree;
use protocol::api::GenericScheme;
use protocol::call::SourceKeys;
use protocol::{Code, Operation, Principal, SourceId};
use std::rc::Rc;
use webhooks::{Provider, Row, SecretKey, generic, provider};
use zeroize::Zeroize as _;

/// Longest time that a source's secrets are kept without asking again.
const MAX_AGE_MS: u64 = 30_000;
/// How long a source that is not there stays so: its id was issued here, so it was deleted.
const ABSENT_MS: u64 = 5_000;
/// Secrets of no more than this age are good enough to refuse a signature by, and none that are older: what comes while
/// they are asked for asks too. So forgers can make an isolate ask once in that time for each source, and again by
/// whatever they send until that is answered.
const RECENT_MS: u64 = 2_000;

/// A source in memory; absent ones are remembered too.
#[derive(Clone)]
pub struct KnownSource {
    /// When the request came for which it was fetched.
    fetched_at_ms: u64,
    keys: Option<Rc<Keys>>,
}

/// A source's scheme.
pub(super) enum Rules {
    /// A row of the table.
    Listed(&'static Provider),
    /// The source's own.
    Declared(Box<generic::Scheme>),
}

impl Rules {
    /// Hands out the scheme as a row.
    pub(super) fn with_row<R>(&self, take: impl FnOnce(&Row<'_>) -> R) -> R {
        match self {
            Self::Listed(provider) => take(provider),
            Self::Declared(scheme) => scheme.with_row(take),
        }
    }

    fn read(keys: &SourceKeys) -> Option<Self> {
        match &keys.scheme {
            None => provider(&keys.provider).map(Self::Listed),
            Some(declared) => {
                generic::Scheme::new(&declaration(declared)).ok().map(|it| Self::Declared(it.into()))
            }
        }
    }
}

/// How a source's requests are verified.
pub(super) struct Keys {
    pub(super) rules: Rules,
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
        Some(KnownSource { keys, fetched_at_ms }) => Ok(Known {
            keys: keys.ok_or(Code::NotFound)?,
            recent: now_ms.saturating_sub(fetched_at_ms) < RECENT_MS,
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
    sources.insert(source.clone(), KnownSource { fetched_at_ms: now_ms, keys: keys.clone() });
    keys.ok_or(Code::NotFound)
}

pub(super) fn forget<P>(context: &Context<'_, P>, source: &SourceId) {
    context.state.borrow_mut().sources.remove(source);
}

fn is_fresh(known: &KnownSource, now_ms: u64) -> bool {
    let most_ms = if known.keys.is_some() { MAX_AGE_MS } else { ABSENT_MS };
    now_ms.checked_sub(known.fetched_at_ms).is_some_and(|age| age < most_ms)
}

fn read(body: &[u8]) -> Result<Keys, Code> {
    let mut keys: SourceKeys = tree::read(body).map_err(|_| Code::Unavailable)?;
    let parsed = Rules::read(&keys).and_then(|rules| {
        let secrets = rules.with_row(|row| {
            keys.secrets.iter().map(|pasted| row.parse_secret(pasted).ok()).collect::<Option<_>>()
        });
        Some(Keys {
            rules,
            secrets: secrets?,
            generation: keys.generation,
            awaiting_handshake: keys.awaiting_handshake,
            registered_url: keys.url.take(),
        })
    });
    keys.secrets.iter_mut().for_each(|secret| secret.zeroize());
    parsed.ok_or(Code::Internal)
}

fn declaration(scheme: &GenericScheme) -> generic::Declaration<'_> {
    generic::Declaration {
        algorithm: scheme.algorithm.as_deref(),
        header: &scheme.header,
        prefix: scheme.prefix.as_deref(),
        encoding: scheme.encoding.as_deref(),
        key_encoding: scheme.key_encoding.as_deref(),
        signed: scheme.signed.as_deref(),
        timestamp_header: scheme.timestamp_header.as_deref(),
        timestamp_unit: scheme.timestamp_unit.as_deref(),
        tolerance_seconds: scheme.tolerance_seconds,
        id_header: scheme.id_header.as_deref(),
        type_header: scheme.type_header.as_deref(),
    }
}
