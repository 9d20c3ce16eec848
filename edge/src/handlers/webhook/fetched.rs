//! Keys that have to be fetched to verify a webhook: certificates, and public keys from a provider's API. Crate `webhooks`
//! has pinned where from; they are kept for an hour, so that hardly any request waits for one.
//!
//! Invariant: what a stranger writes into a request makes an isolate fetch [`MOST_A_MINUTE`] times for a source and a
//! minute. Only a key that was found takes a place in memory.

use crate::auth::table_key;
use crate::cache::Cache;
use crate::control_plane::{ControlPlane, Unreachable};
use crate::handlers::Context;
use crate::random::{NoRandomness, Random};
use crate::tree;
use protocol::call::ProviderKey;
use protocol::{Code, Operation, Principal, SourceId};
use std::rc::Rc;
use throttle::{Quota, Table};
use webhooks::{FetchedKey, KeySource, Refusal};

/// Keys in memory.
const KEYS: usize = 32;
const MAX_AGE_MS: u64 = 3_600_000;
/// What one source may make an isolate fetch.
const MOST_A_MINUTE: u32 = 30;
/// Sources whose fetches are counted.
const SOURCES: usize = 512;

/// The providers' own hosts.
pub trait Fetch {
    /// Gets an `https` URL within 5 s; a redirect is an answer.
    ///
    /// # Errors
    /// [`Unreachable`]: there was no answer, or one of over 16 KiB.
    #[allow(async_fn_in_trait, reason = "one thread: futures of JavaScript promises are not Send")]
    async fn get(&self, url: &str) -> Result<Got, Unreachable>;
}

/// What came back.
pub struct Got {
    /// HTTP status.
    pub status: u16,
    /// At most 16 KiB.
    pub body: Vec<u8>,
}

/// Keys that were fetched, and how often.
pub struct KnownKeys {
    keys: Cache<String, (u64, Rc<FetchedKey>)>,
    fetches: Table<u128>,
    quota: Option<Quota>,
}

impl KnownKeys {
    /// No key.
    ///
    /// # Errors
    /// [`NoRandomness`], since the table is keyed.
    pub fn new(random: &mut Random) -> Result<Self, NoRandomness> {
        Ok(Self {
            keys: Cache::new(KEYS),
            fetches: Table::new(SOURCES, random.take()?),
            quota: Quota::new(MOST_A_MINUTE, 60).ok(),
        })
    }
}

/// The key that a request names, or why there is none.
///
/// # Errors
/// `Unavailable`: it could not be asked for now.
pub(super) async fn key<P: ControlPlane, F: Fetch>(
    context: &Context<'_, P>,
    fetch: &F,
    source: &SourceId,
    wanted: &KeySource,
) -> Result<Result<Rc<FetchedKey>, Refusal>, Code> {
    let now_ms = context.admitted.now_ms;
    // An id says nothing outside of the account at the provider that the source's credential is of.
    let name = match wanted {
        KeySource::Certificate(url) => url.clone(),
        KeySource::Id(id) => [source.as_str(), "/", id].concat(),
    };
    let known = context.state.borrow_mut().fetched.keys.get(&name);
    if let Some((at_ms, key)) = known
        && now_ms.checked_sub(at_ms).is_some_and(|age| age < MAX_AGE_MS)
    {
        return Ok(Ok(key));
    }

    spend(context, source)?;
    let key = match wanted {
        KeySource::Certificate(url) => match fetch.get(url).await.map_err(unavailable)? {
            Got { status: 200, body } => FetchedKey::from_pem(&body),
            Got { status: 429 | 500.., .. } => return Err(Code::Unavailable),
            _ => Err(Refusal::KeyUnusable),
        },
        KeySource::Id(id) => {
            let operation = Operation::GetProviderKey { source: source.clone(), key_id: id.clone() };
            let reply = context.call(None, Principal::Anonymous, operation, Vec::new()).await?;
            match reply.status {
                200 => {
                    let key: ProviderKey = tree::read(&reply.body).map_err(|_| Code::Unavailable)?;
                    FetchedKey::from_jwk(&key.jwk, id)
                }
                404 => Err(Refusal::KeyUnusable),
                _ => return Err(Code::Unavailable),
            }
        }
    };
    Ok(key.map(|key| {
        let key = Rc::new(key);
        context.state.borrow_mut().fetched.keys.insert(name, (now_ms, key.clone()));
        key
    }))
}

/// Fetches the signed URL by which the provider learns that its events are wanted.
///
/// # Errors
/// `Unavailable`: the provider asks again.
pub(super) async fn confirm<P, F: Fetch>(
    context: &Context<'_, P>,
    fetch: &F,
    source: &SourceId,
    url: &str,
) -> Result<(), Code> {
    spend(context, source)?;
    match fetch.get(url).await.map_err(unavailable)? {
        Got { status: 200, .. } => Ok(()),
        _ => Err(Code::Unavailable),
    }
}

fn spend<P>(context: &Context<'_, P>, source: &SourceId) -> Result<(), Code> {
    let KnownKeys { fetches, quota, .. } = &mut context.state.borrow_mut().fetched;
    let quota = quota.ok_or(Code::Unavailable)?;
    let decision = fetches.check(table_key(source.as_str()), quota, context.admitted.now_ms);
    if decision.allowed { Ok(()) } else { Err(Code::Unavailable) }
}

fn unavailable(Unreachable: Unreachable) -> Code {
    Code::Unavailable
}
