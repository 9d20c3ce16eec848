//! The shard's rows: who is registered, and who is to be asked when.
//!
//! `kek` is what a member has last said that its data key is wrapped by; null: it is not known to be there yet, and what
//! wraps it then is at least `told`. `due_at` is null for whom there is nothing to ask.

use super::RegistryContext;
use super::rotation;
use crate::asks::Wrapped;
use crate::error::AppError;
use crate::store::{Sql, SqlError, Value};
use sha2::{Digest as _, Sha256};

/// Objects that share the ids.
const SHARDS: u8 = 16;
/// Who is about to be made says so itself, in seconds; only then is it asked, ms.
const MAKING_MS: u64 = 300_000;
/// Who is not there so long after its last registration is not made any more: no request takes that long, ms.
const UNMADE_MS: u64 = 3_600_000;
/// Until a member that was asked in vain is asked again, by how often it was, ms; the last one from then on.
const BACKOFF_MS: [u64; 6] = [10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000];

/// The name of the shard that an id belongs to. Frozen: an id is looked for where it was put.
pub fn shard_of(id: &str) -> String {
    let hash = Sha256::digest(id.as_bytes());
    name(hash.first().map_or(0, |byte| byte % SHARDS))
}

/// Every shard's name.
pub fn shards() -> impl Iterator<Item = String> {
    (0..SHARDS).map(name)
}

fn name(shard: u8) -> String {
    format!("registry-{shard:02}")
}

/// Registers a member, before it is made (`kek` absent) or with what wraps its data key. The version to wrap it by.
pub(super) fn register(ctx: RegistryContext<'_>, id: &str, kek: Option<u32>) -> Result<Wrapped, AppError> {
    let current = rotation::current(ctx)?;
    let version = current.unwrap_or(ctx.deployed);
    let now = Value::from(ctx.now_ms);
    match kek {
        // Registered once more, an unmade one is waited for once more; the version that it was told first still counts.
        None => {
            ctx.sql.exec(
                "INSERT INTO members (id, kek, told, registered_at, due_at) VALUES (?, NULL, ?, ?, ?) \
                 ON CONFLICT (id) DO UPDATE SET registered_at = excluded.registered_at, due_at = excluded.due_at \
                 WHERE kek IS NULL",
                &[id.into(), version.into(), now, (ctx.now_ms + MAKING_MS).into()],
            )?;
        }
        Some(kek) => {
            let behind = current.is_some_and(|current| kek < current);
            ctx.sql.exec(
                "INSERT INTO members (id, kek, told, registered_at, due_at) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT (id) DO UPDATE SET kek = excluded.kek, due_at = excluded.due_at, \
                 failures = CASE WHEN excluded.due_at IS NULL THEN 0 ELSE failures END",
                &[id.into(), kek.into(), version.into(), now, behind.then_some(ctx.now_ms).into()],
            )?;
            if behind {
                rotation::go_on(ctx)?;
            }
            rotation::finish(ctx)?;
        }
    }
    Ok(Wrapped { version })
}

pub(super) fn forget(ctx: RegistryContext<'_>, id: &str) -> Result<(), AppError> {
    ctx.sql.exec("DELETE FROM members WHERE id = ?", &[id.into()])?;
    rotation::finish(ctx)
}

/// Members that are due, at most `most` of them. They count as asked from here on: one that takes the shard down with it is
/// not asked again at once.
pub(super) fn take(ctx: RegistryContext<'_>, most: u32) -> Result<Vec<String>, SqlError> {
    let mut taken = Vec::new();
    let mut outcome = Ok(());
    ctx.sql.atomically(&mut || {
        outcome = take_due(ctx, most).map(|ids| taken = ids);
        outcome.is_ok()
    })?;
    outcome.map(|()| taken)
}

fn take_due(ctx: RegistryContext<'_>, most: u32) -> Result<Vec<String>, SqlError> {
    let rows = ctx.sql.exec(
        "SELECT id, failures FROM members WHERE due_at <= ? ORDER BY due_at LIMIT ?",
        &[ctx.now_ms.into(), most.into()],
    )?;
    rows.iter()
        .map(|row| {
            let id = row.text(0)?.to_owned();
            ctx.sql.exec(
                "UPDATE members SET due_at = ? WHERE id = ?",
                &[(ctx.now_ms + backoff(row.number(1)?)).into(), id.as_str().into()],
            )?;
            Ok(id)
        })
        .collect()
}

fn backoff(failures: u64) -> u64 {
    let step = usize::try_from(failures).unwrap_or(usize::MAX).min(BACKOFF_MS.len() - 1);
    BACKOFF_MS.get(step).copied().unwrap_or_default()
}

/// A member has said what wraps its data key, after it was asked to take `asked`.
pub(super) fn said(
    ctx: RegistryContext<'_>,
    id: &str,
    asked: Option<u32>,
    version: u32,
) -> Result<(), SqlError> {
    if asked.is_some_and(|asked| version < asked) {
        ctx.sql.exec("UPDATE members SET kek = ? WHERE id = ?", &[version.into(), id.into()])?;
        return in_vain(ctx, id);
    }
    // There may have been another rotation since it was asked.
    let behind = rotation::current(ctx)?.is_some_and(|current| version < current);
    ctx.sql.exec(
        "UPDATE members SET kek = ?, failures = 0, due_at = ? WHERE id = ?",
        &[version.into(), behind.then_some(ctx.now_ms).into(), id.into()],
    )?;
    Ok(())
}

/// Nobody is there by this name. One that was to be made is waited for, then given up; one that was there once is missing,
/// which is a fault: it goes on counting.
pub(super) fn nobody(ctx: RegistryContext<'_>, id: &str) -> Result<(), SqlError> {
    ctx.sql.exec(
        "DELETE FROM members WHERE id = ? AND kek IS NULL AND registered_at <= ?",
        &[id.into(), ctx.now_ms.saturating_sub(UNMADE_MS).into()],
    )?;
    ctx.sql.exec(
        "UPDATE members SET due_at = ? WHERE id = ? AND kek IS NULL",
        &[(ctx.now_ms + MAKING_MS).into(), id.into()],
    )?;
    ctx.sql
        .exec("UPDATE members SET failures = failures + 1 WHERE id = ? AND kek IS NOT NULL", &[id.into()])?;
    Ok(())
}

/// A member could not be asked, or cannot take the version yet.
pub(super) fn in_vain(ctx: RegistryContext<'_>, id: &str) -> Result<(), SqlError> {
    let rows = ctx.sql.exec("SELECT failures FROM members WHERE id = ?", &[id.into()])?;
    let Some(row) = rows.first() else { return Ok(()) };
    ctx.sql.exec(
        "UPDATE members SET failures = failures + 1, due_at = ? WHERE id = ?",
        &[(ctx.now_ms + backoff(row.number(0)?)).into(), id.into()],
    )?;
    Ok(())
}

/// When the shard's alarm is to ring next, Unix ms; `None`: there is nobody to ask.
///
/// # Errors
/// Those of the database.
pub fn wakes_at(sql: &dyn Sql) -> Result<Option<u64>, SqlError> {
    let rows = sql.exec("SELECT MIN(due_at) FROM members", &[])?;
    rows.first().map_or(Ok(None), |row| row.optional_number(0))
}
