//! Who belongs to the org, and as what (claims N2, N8, N9). A role and a membership are read from the row on every call,
//! so a change works in the next one; an org never is without an administrator.

use super::actor::{Actor, Kind};
use super::change;
use super::holders::{self, lost_with};
use super::outbox::{self, Task};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse};
use crate::reply::Reply;
use crate::store::{self, Committed, Event, Row, SqlError, Store, Tx};
use protocol::api::{List, Member, UpdateMember, User};
use protocol::time::rfc3339;
use protocol::{Code, Page, Role, UserId};
use zeroize::Zeroizing;

const SELECT: &str = concat!(
    "SELECT rowid, user_id, email, name, role, created_at, \
     (SELECT MAX(seen_at) FROM sessions s WHERE s.user_id = members.user_id), \
     (",
    lost_with!("members.user_id"),
    " SELECT COUNT(*) FROM api_keys WHERE id IN lost AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > "
);

/// Rows of members; `now_ms` is a number of ours.
fn select(now_ms: u64) -> String {
    format!("{SELECT}{now_ms})) FROM members")
}

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Member>, AppError> {
    store::list(ctx.store, &select(ctx.now_ms), [], page, read)
}

fn get(ctx: Context<'_>, id: &UserId) -> Result<Member, AppError> {
    let select = format!("{} WHERE user_id = ?", select(ctx.now_ms));
    let row = ctx.store.first(&select, &[id.as_str().into()])?.ok_or(Code::NotFound)?;
    Ok(read(&row)?)
}

fn read(row: &Row) -> Result<Member, SqlError> {
    Ok(Member {
        id: row.parse(1)?,
        email: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        role: row.text(4)?.parse().map_err(|_| SqlError::Row)?,
        joined_at: rfc3339(row.number(5)?),
        last_seen_at: row.optional_number(6)?.map(rfc3339),
        api_keys: u32::try_from(row.number(7)?).map_err(|_| SqlError::Row)?,
    })
}

/// What somebody is in this org; `None`: no member.
///
/// # Errors
/// Those of the database.
pub fn role_of(store: Store<'_>, user: &UserId) -> Result<Option<Role>, SqlError> {
    let row = store.first("SELECT role FROM members WHERE user_id = ?", &[user.as_str().into()])?;
    row.map(|row| row.text(0)?.parse().map_err(|_| SqlError::Row)).transpose()
}

/// A role that an org may give.
///
/// # Errors
/// 422: nobody is made SUPER_ADMIN (claim N9).
pub(super) fn assignable(role: Role) -> Result<Role, AppError> {
    if Role::ASSIGNABLE.contains(&role) {
        return Ok(role);
    }
    Err(field("role", "must be org_admin or member"))
}

/// Gives a member another role. Only an admin gets here, so the only way with one's own role is down.
pub(super) fn update(ctx: Context<'_>, actor: &Actor, body: &[u8], id: &UserId) -> Result<Reply, AppError> {
    let role = assignable(parse::<UpdateMember>(body)?.role)?;
    let member = get(ctx, id)?;
    if member.role == role {
        return Reply::json(200, &member);
    }
    change::answer(ctx, actor, body, 200, |tx| {
        check_an_admin_stays(tx, &member)?;
        tx.write(
            "UPDATE members SET role = ? WHERE user_id = ?",
            &[role.as_str().into(), id.as_str().into()],
        )?;
        tell_account(ctx, tx, &member)?;
        let mut event = Event::new("member.role_changed", id)
            .with("from", member.role.as_str())
            .with("to", role.as_str());
        if role == Role::Member {
            // Else an admin of yesterday still has what only an admin may make: keys, links, an invitation to themselves.
            event = end_secrets(ctx, tx, id, event)?
                .with("invitations_revoked", revoke_invitations(ctx, tx, &member)?);
        }
        tx.commit(&ctx.subject(actor.name()), event, get(ctx, id)?)
    })
}

/// Removes a member.
pub(super) fn remove(ctx: Context<'_>, actor: &Actor, body: &[u8], id: &UserId) -> Result<Reply, AppError> {
    let reply = change::answer(ctx, actor, body, 204, |tx| end(ctx, tx, actor, id, "member.removed"))?;
    Ok(Reply { session: (actor.name() == id.as_str()).then(Zeroizing::default), ..reply })
}

/// Removes the caller.
pub(super) fn leave(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let Kind::Member { user, .. } = &actor.kind else { return Err(Code::Forbidden.into()) };
    let reply = change::answer(ctx, actor, body, 204, |tx| end(ctx, tx, actor, &user.id, "member.left"))?;
    Ok(Reply { session: Some(Zeroizing::default()), ..reply })
}

/// Ends a membership with all that hangs on it: sessions, keys, links to the portal, open invitations (claim N8).
fn end(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    actor: &Actor,
    id: &UserId,
    action: &'static str,
) -> Result<Committed<()>, AppError> {
    let member = get(ctx, id)?;
    check_an_admin_stays(tx, &member)?;
    tx.write("DELETE FROM members WHERE user_id = ?", &[id.as_str().into()])?;
    let sessions = tx.write("DELETE FROM sessions WHERE user_id = ? RETURNING id", &[id.as_str().into()])?;
    let invitations = revoke_invitations(ctx, tx, &member)?;
    tell_account(ctx, tx, &member)?;
    let event = Event::new(action, id)
        .with("role", member.role.as_str())
        .with("sessions_ended", sessions.len())
        .with("invitations_revoked", invitations);
    let event = end_secrets(ctx, tx, id, event)?;
    tx.commit(&ctx.subject(actor.name()), event, ())
}

/// Ends every secret that a person was shown ([`holders`]); the event says how many.
fn end_secrets(ctx: Context<'_>, tx: &Tx<'_>, id: &UserId, event: Event) -> Result<Event, AppError> {
    let ended = holders::end(ctx, tx, id.as_str())?;
    let event = event.with("api_keys_revoked", ended.keys);
    Ok(ended.tell(event))
}

/// Before a member stops being what they are.
fn check_an_admin_stays(tx: &Tx<'_>, member: &Member) -> Result<(), AppError> {
    let others = tx.store().first(
        "SELECT 1 FROM members WHERE role = ? AND user_id <> ?",
        &[Role::OrgAdmin.as_str().into(), member.id.as_str().into()],
    )?;
    if member.role != Role::OrgAdmin || others.is_some() {
        return Ok(());
    }
    Err(AppError::refused(Code::LastAdmin, "make somebody else an org_admin first"))
}

/// Takes back the open invitations that a person has sent, and those that they could still accept.
fn revoke_invitations(ctx: Context<'_>, tx: &Tx<'_>, member: &Member) -> Result<usize, AppError> {
    let revoked = tx.write(
        "UPDATE invitations SET revoked_at = ? WHERE (invited_by = ? OR email = ?) AND accepted_at IS NULL \
         AND revoked_at IS NULL RETURNING id",
        &[ctx.now_ms.into(), member.id.as_str().into(), member.email.as_str().into()],
    )?;
    Ok(revoked.len())
}

/// The account's list of orgs is a copy of what stands here.
fn tell_account(ctx: Context<'_>, tx: &Tx<'_>, member: &Member) -> Result<(), AppError> {
    let task = Task::TellAccount { user: member.id.clone(), email: member.email.clone() };
    outbox::put(ctx, tx, &task)
}

/// Takes over a member's name and email from their account. Of who is no member there is nothing to change.
pub(super) fn update_user(ctx: Context<'_>, user: &User) -> Result<Reply, AppError> {
    let row =
        ctx.store.first("SELECT email, name FROM members WHERE user_id = ?", &[user.id.as_str().into()])?;
    let Some(row) = row else { return Ok(Reply::no_content()) };
    let (email, name) = (row.text(0)? != user.email, row.text(1)? != user.name);
    if email || name {
        ctx.store.transaction(|tx| {
            tx.write(
                "UPDATE members SET email = ?, name = ? WHERE user_id = ?",
                &[user.email.as_str().into(), user.name.as_str().into(), user.id.as_str().into()],
            )?;
            let event = Event::new("member.updated", &user.id).with("email", email).with("name", name);
            tx.commit(&ctx.subject(user.id.as_str()), event, ())
        })?;
    }
    Ok(Reply::no_content())
}
