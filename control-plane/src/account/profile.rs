//! What a person sees of their own account.

use super::{AccountContext, identities, require, second_factor};
use crate::error::AppError;
use crate::store::{self, SqlError};
use protocol::Page;
use protocol::api::{Account, AuditEvent, List};
use protocol::time::rfc3339;

pub(super) fn describe(ctx: AccountContext<'_>) -> Result<Account, AppError> {
    let account = require(ctx)?;
    let row = ctx
        .store()
        .first(
            "SELECT CASE WHEN pending_email_until > ? THEN pending_email END, terms_accepted_at, created_at FROM account",
            &[ctx.now_ms.into()],
        )?
        .ok_or(SqlError::Row)?;
    Ok(Account {
        email_verified: account.entrant.email_verified,
        pending_email: row.optional_text(0)?.map(str::to_owned),
        has_password: account.password_hash.is_some(),
        second_factor: account.has_totp,
        recovery_codes_left: second_factor::codes_left(ctx)? as u32,
        identities: identities::list(ctx)?,
        terms_accepted_at: rfc3339(row.number(1)?),
        created_at: rfc3339(row.number(2)?),
        user: account.entrant.user,
    })
}

pub(super) fn events(ctx: AccountContext<'_>, page: &Page) -> Result<List<AuditEvent>, AppError> {
    require(ctx)?;
    store::list_events(ctx.store(), page)
}
