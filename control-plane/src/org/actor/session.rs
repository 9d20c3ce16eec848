//! A person's session: its record and the membership decide, not the token that names them (claims C4, N8).

use super::{Actor, BOOKKEEPING_MS, Kind, Proof};
use crate::context::Context;
use crate::error::AppError;
use crate::org::sessions;
use crate::store::SqlError;
use protocol::api::User;
use protocol::{Code, Role, SessionId, UserId};

pub(super) fn member(
    ctx: Context<'_>,
    user: &UserId,
    session: &SessionId,
    expired: bool,
    cookie: bool,
) -> Result<Actor, AppError> {
    if expired && !cookie {
        return Err(Code::Unauthenticated.into());
    }
    let row = ctx
        .store
        .first(
            "SELECT m.email, m.name, m.role, s.seen_at, s.authenticated_at, s.second_factor, s.operator, s.epoch \
             FROM sessions s JOIN members m ON m.user_id = s.user_id WHERE s.id = ? AND s.user_id = ?",
            &[session.as_str().into(), user.as_str().into()],
        )?
        .ok_or(Code::Unauthenticated)?;
    let seen_at = row.number(3)?;
    if seen_at < sessions::oldest_alive(ctx) {
        return Err(Code::Unauthenticated.into());
    }
    if ctx.now_ms > seen_at.saturating_add(BOOKKEEPING_MS) {
        ctx.store.bookkeeping(
            "UPDATE sessions SET seen_at = ? WHERE id = ?",
            &[ctx.now_ms.into(), session.as_str().into()],
        )?;
    }
    let email = row.text(0)?;
    // The list counts as it is now: who is taken off it is no operator in the next call.
    let listed = ctx.config.operators.super_admins.iter().any(|listed| listed == email);
    let second_factor = row.number(5)? == 1;
    let proof = Proof {
        authenticated_at: row.number(4)?,
        second_factor,
        listed,
        operator: listed && second_factor && row.number(6)? == 1,
        cookie,
        epoch: row.number(7)?,
    };
    let role: Role = row.text(2)?.parse().map_err(|_| SqlError::Row)?;
    let renewed = expired.then(|| sessions::cookie(ctx, user, role, session)).transpose()?;
    let user = User { id: user.clone(), email: email.to_owned(), name: row.text(1)?.to_owned() };
    Ok(Actor { kind: Kind::Member { user, role, session: session.clone(), proof }, renewed })
}
