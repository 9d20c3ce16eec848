//! The orgs that a person belongs to, as the account knows them: a list of where to ask. The org's own rows decide who is a
//! member; what is stale here is corrected when the org says so.

use super::outbox::{self, Task};
use super::{Account, AccountContext, load, require};
use crate::asks::{Ending, Entrant, Joining, Place};
use crate::error::AppError;
use crate::store::{Event, Row, SqlError, Tx};
use protocol::api::Membership;
use protocol::{Code, OrgId, Role, SessionId};

/// Ending a person's sessions asks each of their orgs: a bound on the work of one call.
const MOST: u64 = 100;

/// The account's orgs, the one used last first.
pub(super) fn places(ctx: AccountContext<'_>) -> Result<Vec<Place>, AppError> {
    let rows = ctx.store().query(
        "SELECT org_id, org_name, unmade FROM memberships ORDER BY used_at IS NULL, used_at DESC, rowid",
        &[],
    )?;
    Ok(rows.iter().map(read_place).collect::<Result<_, _>>()?)
}

/// The org, if the account belongs to it.
pub(super) fn place(ctx: AccountContext<'_>, org: &OrgId) -> Result<Option<(Entrant, Place)>, AppError> {
    let account = require(ctx)?;
    let select = "SELECT org_id, org_name, unmade FROM memberships WHERE org_id = ?";
    let row = ctx.store().first(select, &[org.as_str().into()])?;
    let place = row.as_ref().map(read_place).transpose()?;
    Ok(place.map(|place| (account.entrant, place)))
}

/// An org that this person is to make.
pub(super) fn found(ctx: AccountContext<'_>, org: &OrgId, name: &str) -> Result<(Entrant, Place), AppError> {
    add(ctx, org, name, Role::OrgAdmin, true)
}

/// An org that this person is about to join. Should they not get there, signing in finds that out.
pub(super) fn joining(
    ctx: AccountContext<'_>,
    org: &OrgId,
    name: &str,
    role: Role,
) -> Result<Joining, AppError> {
    let noted = place(ctx, org)?.is_none();
    let (entrant, place) = add(ctx, org, name, role, false)?;
    Ok(Joining { entrant, place, noted })
}

fn add(
    ctx: AccountContext<'_>,
    org: &OrgId,
    name: &str,
    role: Role,
    unmade: bool,
) -> Result<(Entrant, Place), AppError> {
    if let Some(known) = place(ctx, org)? {
        return Ok(known);
    }
    let account = require(ctx)?;
    let count = ctx.store().first("SELECT COUNT(*) FROM memberships", &[])?;
    if count.map(|row| row.number(0)).transpose()?.unwrap_or_default() >= MOST {
        return Err(AppError::refused(Code::PlanRequired, "an account can belong to at most 100 workspaces"));
    }
    ctx.store().transaction(|tx| {
        tx.write(
            "INSERT INTO memberships (org_id, org_name, role, unmade, created_at) VALUES (?, ?, ?, ?, ?)",
            &[
                org.as_str().into(),
                name.into(),
                role.as_str().into(),
                u64::from(unmade).into(),
                ctx.now_ms.into(),
            ],
        )?;
        let action = if unmade { "workspace.planned" } else { "workspace.joining" };
        tx.commit(&ctx.subject(), Event::new(action, org), ())
    })?;
    Ok((account.entrant, Place { org: org.clone(), name: name.to_owned(), unmade }))
}

/// A session was opened there. False: all sessions were ended after the proof that opened it.
pub(super) fn entered(
    ctx: AccountContext<'_>,
    org: &OrgId,
    org_name: &str,
    role: Option<Role>,
    epoch: u64,
    reason: &str,
) -> Result<bool, AppError> {
    if load(ctx)?.is_none_or(|account| account.entrant.epoch != epoch) {
        return Ok(false);
    }
    ctx.store().transaction(|tx| {
        tx.write(
            "INSERT INTO memberships (org_id, org_name, role, unmade, created_at, used_at) VALUES (?, ?, ?, 0, ?, ?) \
             ON CONFLICT (org_id) DO UPDATE SET org_name = excluded.org_name, role = COALESCE(?, role), unmade = 0, \
             used_at = excluded.used_at",
            &[
                org.as_str().into(),
                org_name.into(),
                role.unwrap_or(Role::Member).as_str().into(),
                ctx.now_ms.into(),
                ctx.now_ms.into(),
                role.map(Role::as_str).into(),
            ],
        )?;
        tx.commit(&ctx.subject(), Event::new("session.opened", org).with("reason", reason), true)
    })
}

/// The org does not know the person.
pub(super) fn left(ctx: AccountContext<'_>, org: &OrgId) -> Result<(), AppError> {
    if place(ctx, org)?.is_none() {
        return Ok(());
    }
    ctx.store().transaction(|tx| {
        tx.write("DELETE FROM memberships WHERE org_id = ?", &[org.as_str().into()])?;
        tx.commit(&ctx.subject(), Event::new("workspace.left", org), ())
    })
}

pub(super) fn list(ctx: AccountContext<'_>) -> Result<Vec<Membership>, AppError> {
    require(ctx)?;
    let rows = ctx.store().query(
        "SELECT org_id, org_name, role FROM memberships ORDER BY used_at IS NULL, used_at DESC, rowid",
        &[],
    )?;
    let read = |row: &Row| {
        Ok(Membership {
            org_id: row.parse(0)?,
            org_name: row.text(1)?.to_owned(),
            role: row.text(2)?.parse().map_err(|_| SqlError::Row)?,
            current: false,
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, SqlError>>()?)
}

/// Ends every session but one.
pub(super) fn end_sessions(ctx: AccountContext<'_>, but: &SessionId) -> Result<Ending, AppError> {
    require(ctx)?;
    let ids = ctx.store().transaction(|tx| {
        let ids = end_all(ctx, tx, Some(but), "revoked_by_user")?;
        tx.commit(&ctx.subject(), Event::new("sessions.revoked", ctx.user), ids)
    })?;
    ending(ctx, &ids)
}

/// Queues the end of every session but one, in every org, and voids proofs that have not opened theirs yet. A session's id
/// is of one org: in the others it spares none.
pub(super) fn end_all(
    ctx: AccountContext<'_>,
    tx: &Tx<'_>,
    but: Option<&SessionId>,
    reason: &str,
) -> Result<Vec<u64>, AppError> {
    tx.write("UPDATE account SET epoch = epoch + 1", &[])?;
    let places = places(ctx)?;
    let entered = places.into_iter().filter(|place| !place.unmade);
    entered
        .map(|Place { org, .. }| {
            let task = Task::EndSessions { org, but: but.cloned(), reason: reason.to_owned() };
            outbox::queue(tx, ctx.now_ms, &task)
        })
        .collect()
}

/// The account after a change, and the work that it leaves.
pub(super) fn ending(ctx: AccountContext<'_>, ids: &[u64]) -> Result<Ending, AppError> {
    let account: Account = require(ctx)?;
    let work = outbox::pending(ctx, &account, ids)?;
    Ok(Ending { entrant: account.entrant, work })
}

fn read_place(row: &Row) -> Result<Place, SqlError> {
    Ok(Place { org: row.parse(0)?, name: row.text(1)?.to_owned(), unmade: row.number(2)? != 0 })
}
