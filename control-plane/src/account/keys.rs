//! What wraps the account's data key (claim C7). As an org does, an account has it wrapped by a higher version when the
//! registry asks for it, and checks in with the registry while it is used.

use super::{AccountContext, load};
use crate::asks::Wrapped;
use crate::error::AppError;
use crate::flows::Objects;
use crate::registry;
use crate::store::{Event, Sql, SqlError};
use protocol::Code;
use vault::WrappedDek;

/// Wraps the data key by a version, if a lower one wraps it. What wraps it then.
///
/// # Errors
/// `NotFound` where there is no account; `KeyVersionRefused` for a version that this isolate does not have (yet).
pub(super) fn rewrap(ctx: AccountContext<'_>, to: Option<u32>) -> Result<Wrapped, AppError> {
    let key = wrapped(ctx)?;
    let from = key.key_version().get();
    let Some(to) = to.filter(|to| *to > from) else { return Ok(Wrapped { version: from }) };
    let version = ctx.secrets.kek(to).ok_or(Code::KeyVersionRefused)?;
    let Some(anew) = ctx.secrets.keyring.rewrap(ctx.user.as_str(), &key, version)? else {
        return Ok(Wrapped { version: from });
    };
    ctx.store().transaction(|tx| {
        tx.write("UPDATE account SET wrapped_dek = ?", &[anew.as_bytes().to_vec().into()])?;
        let event = Event::new("account_key.rewrapped", ctx.user).with("from", from).with("to", to);
        tx.commit(&ctx.subject_of("system"), event, Wrapped { version: to })
    })
}

fn wrapped(ctx: AccountContext<'_>) -> Result<WrappedDek, AppError> {
    // Whose object it is, is checked along.
    load(ctx)?.ok_or(Code::NotFound)?;
    let row = ctx.store().first("SELECT wrapped_dek FROM account", &[])?.ok_or(Code::NotFound)?;
    Ok(WrappedDek::from_bytes(row.blob(0)?)?)
}

/// Says to the registry what wraps the data key, if that is due, and has it wrapped by what the registry says.
///
/// # Errors
/// Where the registry cannot be reached; those of the database and the vault.
pub async fn check_in(ctx: AccountContext<'_>, objects: &impl Objects) -> Result<(), AppError> {
    if next_check_in(ctx.sql, true)?.is_none_or(|due| ctx.now_ms < due) {
        return Ok(());
    }
    let kek = wrapped(ctx)?.key_version().get();
    registry::check_in(objects, ctx.user.as_str(), kek, |version| rewrap(ctx, Some(version))).await?;
    Ok(ctx.store().bookkeeping("UPDATE account SET checked_in_at = ?", &[ctx.now_ms.into()])?)
}

/// When [`check_in`] is due, Unix ms; `None`: there is no account, or nobody uses it.
pub(super) fn next_check_in(sql: &dyn Sql, used: bool) -> Result<Option<u64>, SqlError> {
    let rows = sql.exec("SELECT checked_in_at FROM account", &[])?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(registry::next_check_in(row.optional_number(0)?, used))
}
