//! The operator's rotation of key-encryption keys, across all orgs and accounts (claims C7, B4): the shards of the registry
//! are told which version is current, and sum up how far they have come.
//!
//! The rotation begins with a row in the audit trail of the operator's own org. Should a shard not be reached then, saying
//! it again does no harm where it was heard, and a sum is never made of fewer than all shards.

use super::operator::operator;
use super::{Caller, Flow, Objects};
use crate::asks::{AskOrg, AskRegistry, ShardKeys};
use crate::error::AppError;
use crate::json;
use crate::registry::shards;
use crate::reply::Reply;
use futures_util::future::join_all;
use protocol::Code;
use protocol::api::{KekVersion, KeyRotation, Keys, RotateKeys};
use protocol::time::rfc3339;
use std::collections::{BTreeMap, BTreeSet};
use vault::{KeyVersion, Keyring};

/// Backups reach back so far (point-in-time recovery of Durable Objects): an object that is taken back comes with its data
/// key as it was wrapped then.
const BACKUP_DAYS: u64 = 30;
const DAY_MS: u64 = 86_400_000;

/// `GET /v1/admin/keys`.
pub(super) async fn get<O: Objects>(flow: Flow<'_, O>, caller: &Caller) -> Result<Reply, AppError> {
    operator(caller)?;
    let shards = ask_all(flow, &AskRegistry::Progress).await?;
    Reply::json(200, &sum(&flow.secrets.keyring, &shards, flow.now_ms))
}

/// `POST /v1/admin/keys/rotate`.
pub(super) async fn rotate<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let operator = operator(caller)?;
    let RotateKeys { version } = if body.is_empty() { RotateKeys::default() } else { json::parse(body)? };
    let keyring = &flow.secrets.keyring;
    let to = version.unwrap_or_else(|| keyring.highest().get());
    if flow.secrets.kek(to).is_none() {
        return Err(AppError::refused(
            Code::KeyVersionRefused,
            "version: it is not in the deployed keyring; add it and deploy first",
        ));
    }
    let keys = sum(keyring, &ask_all(flow, &AskRegistry::Progress).await?, flow.now_ms);
    if to < keys.current {
        return Err(AppError::refused(
            Code::KeyVersionRefused,
            format!("version: it is lower than the current one, {}", keys.current),
        ));
    }
    let before = keys.versions.iter().map(|key| (key.version.to_string(), key.orgs + key.accounts)).collect();
    let rotated = AskOrg::KeysRotated { operator, from: keys.current, to, before };
    flow.objects.org(&caller.org, &rotated).await?;
    let shards = ask_all(flow, &AskRegistry::Rotate { version: to }).await?;
    Reply::json(202, &sum(keyring, &shards, flow.now_ms))
}

/// Asks every shard the same; a failure says of how many.
async fn ask_all<O: Objects>(flow: Flow<'_, O>, ask: &AskRegistry) -> Result<Vec<ShardKeys>, AppError> {
    let names: Vec<String> = shards().collect();
    let asks = names.iter().map(|name| flow.objects.registry::<ShardKeys>(name, ask));
    let answers = join_all(asks).await;
    let (all, mut told, mut refused) = (answers.len(), Vec::new(), None);
    for answer in answers {
        match answer {
            Ok(keys) => told.push(keys),
            Err(error @ AppError::Refused(Code::KeyVersionRefused, _)) => refused = Some(error),
            Err(_) => {}
        }
    }
    if let Some(error) = refused {
        return Err(error);
    }
    if told.len() == all {
        return Ok(told);
    }
    let left = all - told.len();
    Err(AppError::refused(
        Code::Unavailable,
        format!(
            "{left} of {all} shards of the registry cannot be reached; the others have been asked: repeat this call"
        ),
    ))
}

/// What all shards know together.
fn sum(keyring: &Keyring, shards: &[ShardKeys], now_ms: u64) -> Keys {
    let current = shards.iter().filter_map(|shard| shard.current).max();
    let current = current.unwrap_or_else(|| keyring.current().get());
    let (mut orgs, mut accounts) = (BTreeMap::new(), BTreeMap::new());
    for shard in shards {
        add(&mut orgs, &shard.orgs);
        add(&mut accounts, &shard.accounts);
    }
    let rotation = rotation(current, shards);
    let unmade = shards.iter().map(|shard| shard.unmade).sum();
    let finished_ms = finished_ms(current, shards);
    let deployed = keyring.versions().map(KeyVersion::get);
    let known: BTreeSet<u32> =
        deployed.chain([current]).chain(orgs.keys().copied()).chain(accounts.keys().copied()).collect();
    let versions = known
        .into_iter()
        .map(|version| {
            let count =
                |by_version: &BTreeMap<u32, u64>| by_version.get(&version).copied().unwrap_or_default();
            let (orgs, accounts) = (count(&orgs), count(&accounts));
            let wraps = orgs + accounts;
            let reason = reason(keyring, current, version, wraps, finished_ms, unmade, now_ms);
            KekVersion {
                version,
                deployed: KeyVersion::new(version).is_some_and(|version| keyring.has(version)),
                orgs,
                accounts,
                retirable: reason.is_none(),
                reason,
            }
        })
        .collect();
    Keys { current, versions, rotation }
}

/// Why a version has to stay in the keyring.
fn reason(
    keyring: &Keyring,
    current: u32,
    version: u32,
    wraps: u64,
    finished_ms: Option<u64>,
    unmade: u64,
    now_ms: u64,
) -> Option<String> {
    let backups_end = finished_ms.map(|at| at + BACKUP_DAYS * DAY_MS);
    if version == current {
        Some("it is the current one".to_owned())
    } else if wraps > 0 {
        Some(format!("it wraps {wraps} data keys"))
    } else if finished_ms.is_none() {
        Some("no rotation to another version has been finished".to_owned())
    } else if unmade > 0 {
        Some(format!("{unmade} workspaces or accounts are just being made"))
    } else if version == keyring.current().get() {
        Some(format!("the deployed keyring names it: set its `current` to {current} and deploy"))
    } else {
        backups_end.filter(|end| now_ms < *end).map(|end| {
            format!("backups of the last {BACKUP_DAYS} days may need it: keep it until {}", rfc3339(end))
        })
    }
}

/// The rotation to the current version, as long as one shard knows of it.
fn rotation(current: u32, shards: &[ShardKeys]) -> Option<KeyRotation> {
    let begun = shards.iter().filter(|shard| shard.current == Some(current));
    let started_at = begun.filter_map(|shard| shard.started_at).min()?;
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    for shard in shards {
        add(&mut after, &shard.orgs);
        add(&mut after, &shard.accounts);
        if shard.current == Some(current) {
            add(&mut before, &shard.before);
        } else {
            add(&mut before, &shard.orgs);
            add(&mut before, &shard.accounts);
        }
    }
    Some(KeyRotation {
        target: current,
        started_at: rfc3339(started_at),
        finished_at: finished_ms(current, shards).map(rfc3339),
        total: after.values().sum(),
        done: after.range(current..).map(|(_, count)| count).sum(),
        failing: shards.iter().map(|shard| shard.failing).sum(),
        before,
        after,
    })
}

/// When the last shard had finished it, Unix ms. One that was not told yet has not.
fn finished_ms(current: u32, shards: &[ShardKeys]) -> Option<u64> {
    let finished: Option<Vec<u64>> =
        shards.iter().map(|shard| shard.finished_at.filter(|_| shard.current == Some(current))).collect();
    finished?.into_iter().max()
}

fn add(sum: &mut BTreeMap<u32, u64>, counts: &BTreeMap<u32, u64>) {
    for (version, count) in counts {
        *sum.entry(*version).or_default() += count;
    }
}
