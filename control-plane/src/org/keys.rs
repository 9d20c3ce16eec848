//! The org's data key: what wraps it (claim C7), and the key itself.
//!
//! A rotation of the key-encryption keys wraps it anew, when the registry asks or when the org itself checks in with the
//! registry; only ever by a higher version, so that asks which overtake each other do no harm. A rotation of the data key
//! puts a new one in its place; `reseal` then goes through the records.

use super::actor::Actor;
use super::dek::Keys;
use super::messages::{self, OwnEvent};
use super::{change, reseal};
use crate::asks::{AskRegistry, Wrapped};
use crate::context::Context;
use crate::error::AppError;
use crate::flows::Objects;
use crate::registry::{self, shard_of};
use crate::reply::Reply;
use crate::store::{Event, SqlError, Store};
use protocol::api::OrgKey;
use protocol::time::rfc3339;
use protocol::{Code, UserId};
use std::collections::BTreeMap;
use vault::WrappedDek;

/// Members that are registered with an org's first check-in: what one alarm may ask is bounded.
const MEMBERS: u32 = 500;

/// Wraps the data keys by a version, if a lower one wraps them. What wraps them then: the lowest.
///
/// # Errors
/// `NotFound` where there is no org; `KeyVersionRefused` for a version that this isolate does not have (yet).
pub(super) fn rewrap(ctx: Context<'_>, to: Option<u32>) -> Result<Wrapped, AppError> {
    let keys = load(ctx)?;
    let from = lowest(&keys);
    let Some(to) = to.filter(|to| *to > from) else { return Ok(Wrapped { version: from }) };
    let version = ctx.secrets.kek(to).ok_or(Code::KeyVersionRefused)?;
    let anew = |key: &WrappedDek| -> Result<Vec<u8>, AppError> {
        if key.key_version() > version {
            return Ok(key.as_bytes().to_vec());
        }
        let anew = ctx.secrets.keyring.rewrap(ctx.org.as_str(), key, version)?;
        Ok(anew.as_ref().unwrap_or(key).as_bytes().to_vec())
    };
    let (current, old) = (anew(&keys.current)?, keys.old.as_ref().map(anew).transpose()?);
    ctx.store.transaction(|tx| {
        tx.write("UPDATE org SET wrapped_dek = ?, old_wrapped_dek = ?", &[current.into(), old.into()])?;
        let event = Event::new("org_key.rewrapped", ctx.org).with("from", from).with("to", to);
        tx.commit(&ctx.subject("system"), event, Wrapped { version: to })
    })
}

/// The data key of an org that is about to be made.
///
/// # Errors
/// `Unavailable` for a version that this isolate does not have yet: nothing is wrapped by another one than the registry
/// counts with.
pub(super) fn first(ctx: Context<'_>, kek: Option<u32>) -> Result<WrappedDek, AppError> {
    let kek = kek.map(|kek| ctx.secrets.kek(kek).ok_or(Code::Unavailable)).transpose()?;
    Ok(ctx.secrets.keyring.new_dek(ctx.org.as_str(), kek)?)
}

fn load(ctx: Context<'_>) -> Result<Keys, AppError> {
    match Keys::load(ctx) {
        Err(AppError::Refused(Code::Unauthenticated, _)) => Err(Code::NotFound.into()),
        other => other,
    }
}

fn lowest(keys: &Keys) -> u32 {
    let current = keys.current.key_version();
    keys.old.as_ref().map_or(current, |old| old.key_version().min(current)).get()
}

/// The operator has begun a rotation.
pub(super) fn rotated(
    ctx: Context<'_>,
    operator: &UserId,
    from: u32,
    to: u32,
    before: &BTreeMap<String, u64>,
) -> Result<Reply, AppError> {
    let before = serde_json::to_value(before)?;
    ctx.store.transaction(|tx| {
        let event =
            Event::new("keys.rotated", "keyring").with("from", from).with("to", to).with("before", before);
        tx.commit(&ctx.subject(operator.as_str()), event, ())
    })?;
    Ok(Reply::no_content())
}

/// What the object's alarm does for the org's keys: it checks in with the registry, and seals a batch of records anew.
///
/// # Errors
/// Where the registry cannot be reached; those of the database and the vault.
pub async fn background(ctx: Context<'_>, objects: &impl Objects) -> Result<(), AppError> {
    let checked_in = check_in(ctx, objects).await;
    // Neither waits for the other to be whole again.
    reseal::batch(ctx).and(checked_in)
}

async fn check_in(ctx: Context<'_>, objects: &impl Objects) -> Result<(), AppError> {
    let before = checked_in_at(ctx.store)?;
    if registry::next_check_in(before, true).is_some_and(|due| ctx.now_ms < due) {
        return Ok(());
    }
    if before.is_none() {
        register_members(ctx, objects).await?;
    }
    let kek = lowest(&load(ctx)?);
    registry::check_in(objects, ctx.org.as_str(), kek, |version| rewrap(ctx, Some(version))).await?;
    Ok(ctx.store.bookkeeping("UPDATE org SET checked_in_at = ?", &[ctx.now_ms.into()])?)
}

/// Registers the org's people, once: accounts from before there was a registry, whom nobody may call for years, are found by
/// a rotation too. Whoever is registered already stays so.
async fn register_members(ctx: Context<'_>, objects: &impl Objects) -> Result<(), AppError> {
    for row in ctx.store.query("SELECT user_id FROM members LIMIT ?", &[MEMBERS.into()])? {
        let id = row.text(0)?;
        let register = AskRegistry::Register { id: id.to_owned(), kek: None };
        objects.registry::<Wrapped>(&shard_of(id), &register).await?;
    }
    Ok(())
}

/// When [`background`] has something to do, Unix ms. `used`: the org has just been called; one that nobody calls need not
/// check in again.
///
/// # Errors
/// Those of the database.
pub fn wakes_at(store: Store<'_>, used: bool) -> Result<Option<u64>, SqlError> {
    let check_in = registry::next_check_in(checked_in_at(store)?, used);
    Ok(reseal::wakes_at(store)?.into_iter().chain(check_in).min())
}

/// `None`: never.
fn checked_in_at(store: Store<'_>) -> Result<Option<u64>, SqlError> {
    let row = store.first("SELECT checked_in_at FROM org", &[])?;
    row.map_or(Ok(None), |row| row.optional_number(0))
}

/// `GET /v1/org/key`.
pub(super) fn get(ctx: Context<'_>) -> Result<OrgKey, AppError> {
    let keys = Keys::load(ctx)?;
    let row = ctx.store.first("SELECT MAX(dek_rotated_at, created_at) FROM org", &[])?;
    Ok(OrgKey {
        dek_version: keys.current.dek_version().get(),
        kek_version: keys.current.key_version().get(),
        rotated_at: rfc3339(row.ok_or(Code::Unauthenticated)?.number(0)?),
        records_left: reseal::left(ctx, keys.old.as_ref())?,
    })
}

/// `POST /v1/org/key/rotate`: new records are sealed by a new key from here on, the others one by one.
pub(super) fn rotate(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 202, |tx| {
        let Keys { current, old } = Keys::load(ctx)?;
        if old.is_some() {
            return Err(AppError::refused(
                Code::RotationRunning,
                "the last rotation still seals records anew: see records_left at GET /v1/org/key",
            ));
        }
        let new = ctx.secrets.keyring.rotate_dek(ctx.org.as_str(), &current, current.key_version())?;
        tx.write(
            "UPDATE org SET wrapped_dek = ?, old_wrapped_dek = wrapped_dek, dek_rotated_at = ?, resealing = NULL",
            &[new.as_bytes().to_vec().into(), ctx.now_ms.into()],
        )?;
        let event = Event::new("org_key.rotated", ctx.org)
            .with("from", current.dek_version().get())
            .with("to", new.dek_version().get());
        messages::publish(
            ctx,
            tx,
            &OwnEvent::OrgKeyRotated { org_id: ctx.org, version: new.dek_version().get() },
        )?;
        let key = get(ctx)?;
        tx.commit(&ctx.subject(actor.name()), event, key)
    })
}
