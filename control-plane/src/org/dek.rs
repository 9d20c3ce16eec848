//! The org's data key: stored wrapped, opened for the length of one call.

use crate::context::Context;
use crate::error::AppError;
use protocol::Code;
use vault::{Dek, WrappedDek};

/// The org's data key.
///
/// # Errors
/// `Unauthenticated` where the org does not exist; those of the vault.
pub(super) fn load(ctx: Context<'_>) -> Result<Dek, AppError> {
    Ok(ctx.secrets.keyring.unwrap(ctx.org.as_str(), &wrapped(ctx)?)?)
}

/// The org's data key as stored.
///
/// # Errors
/// As [`load`].
pub(super) fn wrapped(ctx: Context<'_>) -> Result<WrappedDek, AppError> {
    let row = ctx.store.first("SELECT wrapped_dek FROM org", &[])?.ok_or(Code::Unauthenticated)?;
    Ok(WrappedDek::from_bytes(row.blob(0)?)?)
}
