//! The holder of a link to the portal. A link is no more than what was given with it: it ends by its time, by being closed,
//! and with the rights of who made it (claim N8).

use super::{Actor, Kind};
use crate::context::Context;
use crate::error::AppError;
use crate::store::{Row, SqlError};
use protocol::reach::Made;
use protocol::{Code, Role, Scope};

/// Who holds the link of this digest.
///
/// # Errors
/// `Unauthenticated` for a link that is closed, past its end, or of somebody who could not make it any more.
pub(super) fn holder(ctx: Context<'_>, digest: &str) -> Result<Actor, AppError> {
    let row = ctx
        .store
        .first(
            "SELECT p.id, p.customer_id, m.role, k.scopes, k.revoked_at, k.expires_at FROM portal_links p \
             LEFT JOIN members m ON m.user_id = p.created_by LEFT JOIN api_keys k ON k.id = p.created_by \
             WHERE p.digest = ? AND p.expires_at > ?",
            &[digest.into(), ctx.now_ms.into()],
        )?
        .ok_or(Code::Unauthenticated)?;
    if !maker_stands(ctx, &row)? {
        return Err(Code::Unauthenticated.into());
    }
    let kind = Kind::Portal { link: row.parse(0)?, customer: row.text(1)?.to_owned() };
    Ok(Actor { kind, renewed: None })
}

/// Whether the maker could still make it.
fn maker_stands(ctx: Context<'_>, row: &Row) -> Result<bool, AppError> {
    let opens = Made::PortalLink.opens();
    if let Some(role) = row.optional_text(2)? {
        let role: Role = role.parse().map_err(|_| SqlError::Row)?;
        return Ok(opens.iter().all(|permission| role.grants(*permission)));
    }
    if row.optional_text(3)?.is_none() {
        return Ok(false);
    }
    let scopes: Vec<Scope> = row.json(3)?;
    let live = row.optional_number(4)?.is_none()
        && row.optional_number(5)?.is_none_or(|expires_at| ctx.now_ms < expires_at);
    Ok(live && opens.iter().all(|permission| scopes.contains(&Scope::Own(*permission))))
}
