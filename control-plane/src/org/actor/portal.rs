//! The holder of a link to the portal.

use super::{Actor, Kind};
use crate::context::Context;
use crate::error::AppError;
use protocol::Code;

/// Who holds the link of this digest.
///
/// # Errors
/// `Unauthenticated` for a link that is closed or past its end.
pub(super) fn holder(ctx: Context<'_>, digest: &str) -> Result<Actor, AppError> {
    let row = ctx
        .store
        .first(
            "SELECT id, customer_id FROM portal_links WHERE digest = ? AND expires_at > ?",
            &[digest.into(), ctx.now_ms.into()],
        )?
        .ok_or(Code::Unauthenticated)?;
    let kind = Kind::Portal { link: row.parse(0)?, customer: row.text(1)?.to_owned() };
    Ok(Actor { kind, renewed: None })
}
