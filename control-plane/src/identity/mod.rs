//! What a sign-in identity's object does: it says which account an email (or a person at an OIDC provider) points to, and
//! counts the attempts to prove it, exactly and wherever they come from.
//!
//! It is asked before any account is, and does the same for an identity that somebody has claimed as for one that nobody
//! knows: same answers, same statements, same alarm. So nothing here tells whether there is an account. Attempts are
//! counted before they are checked: guesses made at once cannot slip past the limit.
//!
//! The pointer decides nothing: the account that it points to says whether the identity is its own, and records every
//! change of that in its audit trail. Attempts stand in a table that is there only while they count, again for both kinds
//! alike, and an identity that nobody has claimed leaves nothing behind once they no longer do ([`sweep`]).

#[cfg(test)]
mod tests;

use crate::asks::AskIdentity;
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::{Sql, SqlError, migrations};
use config::Config;
use protocol::UserId;
use throttle::{Quota, Tat};

/// The surroundings of one call in an identity's object.
#[derive(Clone, Copy)]
pub struct IdentityContext<'a> {
    /// The object's database. It may be empty.
    pub sql: &'a dyn Sql,
    /// The operator's decisions.
    pub config: &'a Config,
    /// Unix time, ms.
    pub now_ms: u64,
}

/// Answers an ask.
///
/// # Errors
/// [`AppError::Limited`] for an attempt above the limit; those of the database.
pub fn answer(ctx: IdentityContext<'_>, ask: &AskIdentity) -> Result<Reply, AppError> {
    match ask {
        AskIdentity::Attempt => Reply::json(200, &attempt(ctx)?),
        AskIdentity::Forgive => Reply::json(200, &forgive(ctx)?),
        AskIdentity::Find => Reply::json(200, &owner(ctx.sql)?),
        AskIdentity::Claim { user } => Reply::json(200, &claim(ctx.sql, user)?),
        AskIdentity::Reclaim { from, to } => Reply::json(200, &reclaim(ctx.sql, from, to)?),
        AskIdentity::Release { user } => Reply::json(200, &release(ctx.sql, user)?),
        AskIdentity::RequestReset => Reply::json(200, &request_reset(ctx)?),
    }
}

/// When the object's alarm is to ring next, Unix ms; in the past: now. `None`: nothing is left to do.
///
/// # Errors
/// Those of the database.
pub fn wakes_at(sql: &dyn Sql) -> Result<Option<u64>, AppError> {
    Ok(match attempts(sql)? {
        Some(Attempts { reset: true, .. }) => Some(0),
        Some(Attempts { tat, .. }) => Some(tat.whole_at_ms()),
        // Released by its account.
        None if !migrations::is_empty(sql)? && owner(sql)?.is_none() => Some(0),
        None => None,
    })
}

/// For the alarm: a reset was asked for, and this account is to be told (`AskAccount::QueueReset`), then
/// [`reset_done`]. An identity that points to nobody tells nobody, and is done.
///
/// # Errors
/// Those of the database.
pub fn pending_reset(ctx: IdentityContext<'_>) -> Result<Option<UserId>, AppError> {
    if !attempts(ctx.sql)?.is_some_and(|attempts| attempts.reset) {
        return Ok(None);
    }
    let owner = owner(ctx.sql)?;
    if owner.is_none() {
        reset_done(ctx)?;
    }
    Ok(owner)
}

/// The account has been told.
///
/// # Errors
/// Those of the database.
pub fn reset_done(ctx: IdentityContext<'_>) -> Result<(), AppError> {
    let tat = attempts(ctx.sql)?.map(|attempts| attempts.tat).unwrap_or_default();
    keep(ctx.sql, &Attempts { tat, reset: false })
}

/// For the alarm: forgets attempts that no longer count. Whether the object is empty then and its storage is to be deleted.
///
/// # Errors
/// Those of the database.
pub fn sweep(ctx: IdentityContext<'_>) -> Result<bool, AppError> {
    match attempts(ctx.sql)? {
        Some(attempts) if attempts.reset || attempts.tat.whole_at_ms() > ctx.now_ms => return Ok(false),
        Some(_) => {
            ctx.sql.exec("DROP TABLE attempts", &[])?;
        }
        None => {}
    }
    Ok(owner(ctx.sql)?.is_none())
}

fn attempt(ctx: IdentityContext<'_>) -> Result<Option<UserId>, AppError> {
    let mut attempts = attempts(ctx.sql)?.unwrap_or_default();
    let decision = attempts.tat.check(quota(ctx.config)?, ctx.now_ms);
    keep(ctx.sql, &attempts)?;
    let owner = owner(ctx.sql)?;
    match decision.retry_after_seconds {
        Some(seconds) => Err(AppError::limited("too many attempts with this email", seconds)),
        None => Ok(owner),
    }
}

fn forgive(ctx: IdentityContext<'_>) -> Result<(), AppError> {
    if let Some(mut attempts) = attempts(ctx.sql)? {
        attempts.tat.forgive(quota(ctx.config)?, ctx.now_ms);
        keep(ctx.sql, &attempts)?;
    }
    Ok(())
}

fn request_reset(ctx: IdentityContext<'_>) -> Result<(), AppError> {
    let tat = attempts(ctx.sql)?.map(|attempts| attempts.tat).unwrap_or_default();
    keep(ctx.sql, &Attempts { tat, reset: true })
}

fn owner(sql: &dyn Sql) -> Result<Option<UserId>, SqlError> {
    if migrations::is_empty(sql)? {
        return Ok(None);
    }
    sql.exec("SELECT user_id FROM identity", &[])?.first().map(|row| row.parse(0)).transpose()
}

fn claim(sql: &dyn Sql, user: &UserId) -> Result<UserId, SqlError> {
    migrations::run(sql, migrations::IDENTITY)?;
    sql.exec("INSERT OR IGNORE INTO identity (id, user_id) VALUES (1, ?)", &[user.as_str().into()])?;
    owner(sql)?.ok_or(SqlError::Row)
}

fn reclaim(sql: &dyn Sql, from: &UserId, to: &UserId) -> Result<UserId, SqlError> {
    migrations::run(sql, migrations::IDENTITY)?;
    sql.exec(
        "UPDATE identity SET user_id = ? WHERE user_id = ?",
        &[to.as_str().into(), from.as_str().into()],
    )?;
    claim(sql, to)
}

fn release(sql: &dyn Sql, user: &UserId) -> Result<(), SqlError> {
    if !migrations::is_empty(sql)? {
        sql.exec("DELETE FROM identity WHERE user_id = ?", &[user.as_str().into()])?;
    }
    Ok(())
}

#[derive(Default)]
struct Attempts {
    tat: Tat,
    reset: bool,
}

fn attempts(sql: &dyn Sql) -> Result<Option<Attempts>, SqlError> {
    let there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'attempts'";
    if sql.exec(there, &[])?.is_empty() {
        return Ok(None);
    }
    let rows = sql.exec("SELECT tat, reset FROM attempts", &[])?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Attempts { tat: Tat::from_micros(row.number(0)?), reset: row.number(1)? != 0 }))
}

fn keep(sql: &dyn Sql, attempts: &Attempts) -> Result<(), AppError> {
    sql.exec(
        "CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY CHECK (id = 1), tat INTEGER NOT NULL, \
         reset INTEGER NOT NULL) STRICT",
        &[],
    )?;
    sql.exec(
        "INSERT OR REPLACE INTO attempts (id, tat, reset) VALUES (1, ?, ?)",
        &[attempts.tat.as_micros().into(), u64::from(attempts.reset).into()],
    )?;
    Ok(())
}

fn quota(config: &Config) -> Result<Quota, AppError> {
    let quota = config.rate_limits.account;
    Quota::new(quota.limit, quota.period_seconds).map_err(|_| AppError::Platform("a quota is out of range"))
}
