//! A rotation in one shard: which version is the current one, and how far everybody has come.

use super::RegistryContext;
use crate::asks::ShardKeys;
use crate::error::AppError;
use crate::store::SqlError;
use protocol::Code;
use std::collections::BTreeMap;

/// The version that this shard was last told; `None`: nobody has ever rotated.
pub(super) fn current(ctx: RegistryContext<'_>) -> Result<Option<u32>, SqlError> {
    let rows = ctx.sql.exec("SELECT current FROM rotation", &[])?;
    rows.first().map(|row| row.number(0).and_then(version)).transpose()
}

/// Makes a version the current one. Told again, it goes on with what it does; a higher one takes its place.
///
/// # Errors
/// `KeyVersionRefused` for a lower one.
pub(super) fn rotate(ctx: RegistryContext<'_>, to: u32) -> Result<(), AppError> {
    match current(ctx)? {
        Some(current) if current == to => return Ok(()),
        Some(current) if current > to => {
            return Err(AppError::refused(Code::KeyVersionRefused, "a higher version is the current one"));
        }
        _ => {}
    }
    let before = serde_json::to_string(&total(&progress(ctx)?))?;
    let mut outcome = Ok(());
    ctx.sql.atomically(&mut || {
        outcome = begin(ctx, to, &before);
        outcome.is_ok()
    })?;
    outcome?;
    finish(ctx)
}

fn begin(ctx: RegistryContext<'_>, to: u32, before: &str) -> Result<(), SqlError> {
    ctx.sql.exec(
        "INSERT OR REPLACE INTO rotation (id, current, started_at, finished_at, before) VALUES (1, ?, ?, NULL, ?)",
        &[to.into(), ctx.now_ms.into(), before.into()],
    )?;
    // Who is being made right now is asked when it should be there.
    ctx.sql
        .exec("UPDATE members SET due_at = ?, failures = 0 WHERE kek < ?", &[ctx.now_ms.into(), to.into()])?;
    Ok(())
}

/// Ends the rotation where nobody is left that an earlier version wraps, or may wrap.
pub(super) fn finish(ctx: RegistryContext<'_>) -> Result<(), AppError> {
    ctx.sql.exec(
        "UPDATE rotation SET finished_at = ? WHERE finished_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM members WHERE kek < current) \
         AND NOT EXISTS (SELECT 1 FROM members WHERE kek IS NULL AND told < current)",
        &[ctx.now_ms.into()],
    )?;
    Ok(())
}

/// Somebody has turned up whom the rotation had missed: it goes on, and ends when they are wrapped anew.
pub(super) fn go_on(ctx: RegistryContext<'_>) -> Result<(), SqlError> {
    ctx.sql.exec("UPDATE rotation SET finished_at = NULL", &[]).map(|_| ())
}

/// What the shard knows.
pub(super) fn progress(ctx: RegistryContext<'_>) -> Result<ShardKeys, AppError> {
    let mut keys = ShardKeys::default();
    let rotation = ctx.sql.exec("SELECT current, started_at, finished_at, before FROM rotation", &[])?;
    if let Some(row) = rotation.first() {
        keys.current = Some(version(row.number(0)?)?);
        keys.started_at = Some(row.number(1)?);
        keys.finished_at = row.optional_number(2)?;
        keys.before = row.json(3)?;
    }
    let counts = "SELECT substr(id, 1, 4), kek, COUNT(*) FROM members WHERE kek IS NOT NULL GROUP BY 1, 2";
    for row in ctx.sql.exec(counts, &[])? {
        let by_version = if row.text(0)? == "org_" { &mut keys.orgs } else { &mut keys.accounts };
        by_version.insert(version(row.number(1)?)?, row.number(2)?);
    }
    let left = ctx.sql.exec(
        "SELECT (SELECT COUNT(*) FROM members WHERE kek IS NULL AND told < COALESCE(?, told + 1)), \
         (SELECT COUNT(*) FROM members WHERE kek < ? AND failures > 0)",
        &[keys.current.into(), keys.current.into()],
    )?;
    let left = left.first().ok_or(SqlError::Row)?;
    (keys.unmade, keys.failing) = (left.number(0)?, left.number(1)?);
    Ok(keys)
}

fn total(keys: &ShardKeys) -> BTreeMap<u32, u64> {
    let mut total = keys.orgs.clone();
    for (version, count) in &keys.accounts {
        *total.entry(*version).or_default() += count;
    }
    total
}

fn version(number: u64) -> Result<u32, SqlError> {
    u32::try_from(number).map_err(|_| SqlError::Row)
}
