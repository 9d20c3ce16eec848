//! The time for which a secret that has been rotated out is still good: a source's verifies, an endpoint's signs.

use crate::context::Context;
use crate::error::AppError;
use crate::json::field;
use crate::store::SqlError;

const DEFAULT_S: u32 = 86_400;
const LONGEST_S: u32 = 604_800;

/// What a request asks for, in seconds; 0: it ends at once.
///
/// # Errors
/// `ValidationFailed`
pub(super) fn seconds(asked: Option<u32>) -> Result<u32, AppError> {
    let seconds = asked.unwrap_or(DEFAULT_S);
    if seconds > LONGEST_S {
        return Err(field("overlap_seconds", "must be 0 to 604800"));
    }
    Ok(seconds)
}

/// Overwrites the secrets whose time is over; they have neither verified nor signed since.
///
/// # Errors
/// Those of the database.
pub(super) fn purge(ctx: Context<'_>) -> Result<(), SqlError> {
    for table in ["source_secrets", "endpoint_secrets"] {
        for end in
            [format!("UPDATE {table} SET sealed = zeroblob(length(sealed))"), format!("DELETE FROM {table}")]
        {
            ctx.store.bookkeeping(&format!("{end} WHERE ends_at <= ?"), &[ctx.now_ms.into()])?;
        }
    }
    Ok(())
}
