//! Invitations: who may become a member, as what, for how long (claim C5). The link in one is good once, until it expires,
//! and for one email alone. Of its token only the digest is kept, so a mail gets a token of its own when it is sent.

use super::actor::Actor;
use super::members::{self, assignable};
use super::outbox::{self, Task};
use super::{change, plan, sessions};
use crate::asks::Invited;
use crate::context::{Context, random};
use crate::email;
use crate::error::AppError;
use crate::json::parse;
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError, Tx, Value};
use protocol::api::{CreatedInvitation, Invitation, InvitationStatus, List, NewInvitation, ShownOnce, User};
use protocol::time::rfc3339;
use protocol::{Code, InvitationId, Page, Role};
use secrecy::{ExposeSecret as _, SecretString};
use tokens::{LinkKind, mint_link};

/// Invitations of an org that are open at a time.
const MOST_OPEN: u64 = 100;
/// Invitations that an org makes in a day, and those of them to one email: each may be a mail to somebody who did not ask
/// for it, and taking one back makes room for the next.
const MOST_A_DAY: u64 = 300;
const MOST_A_DAY_TO_ONE: u64 = 5;

const SELECT: &str = "SELECT rowid, id, email, role, invited_by, created_at, expires_at, accepted_at, revoked_at, mail FROM invitations";

/// An invitation can be accepted while it is this; the parameter is now.
const OPEN: &str = "accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Invitation>, AppError> {
    store::list(ctx.store, SELECT, [], page, |row| read(ctx, row))
}

fn read(ctx: Context<'_>, row: &Row) -> Result<Invitation, SqlError> {
    let expires_at = row.number(6)?;
    let status = if row.optional_number(7)?.is_some() {
        InvitationStatus::Accepted
    } else if row.optional_number(8)?.is_some() {
        InvitationStatus::Revoked
    } else if expires_at <= ctx.now_ms {
        InvitationStatus::Expired
    } else {
        InvitationStatus::Pending
    };
    Ok(Invitation {
        id: row.parse(1)?,
        email: row.text(2)?.to_owned(),
        role: row.text(3)?.parse().map_err(|_| SqlError::Row)?,
        status,
        invited_by: row.parse(4)?,
        created_at: rfc3339(row.number(5)?),
        expires_at: rfc3339(expires_at),
        mail: serde_json::from_value(row.text(9)?.into()).map_err(|_| SqlError::Row)?,
    })
}

/// Invites somebody. An open invitation to the same email is replaced.
pub(super) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewInvitation = parse(body)?;
    let email = email::normalize(&request.email)?;
    let role = assignable(request.role)?;
    let expires_at = ctx.now_ms + u64::from(ctx.config.sessions.invitation_days) * 86_400_000;

    change::answer(ctx, actor, body, 201, |tx| {
        if tx.store().first("SELECT 1 FROM members WHERE email = ?", &[email.as_str().into()])?.is_some() {
            return Err(Code::AlreadyMember.into());
        }
        let replaced = tx.write(
            &format!("UPDATE invitations SET revoked_at = ? WHERE email = ? AND {OPEN} RETURNING id"),
            &[ctx.now_ms.into(), email.as_str().into(), ctx.now_ms.into()],
        )?;
        check_pace(ctx, tx, &email)?;
        check_room(ctx, tx)?;
        let id = InvitationId::new(ctx.now_ms, random()?);
        tx.write(
            "INSERT INTO invitations (id, email, role, invited_by, created_at, expires_at, mail) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                email.as_str().into(),
                role.as_str().into(),
                actor.name().into(),
                ctx.now_ms.into(),
                expires_at.into(),
                if ctx.mail_enabled { "queued" } else { "off" }.into(),
            ],
        )?;
        let token = add_token(ctx, tx, &id)?;
        if ctx.mail_enabled {
            let origin = ctx.call.client.origin.clone();
            outbox::put(ctx, tx, &Task::MailInvitation { invitation: id.clone(), origin })?;
        }
        let created = CreatedInvitation {
            url: ShownOnce(link(&ctx.call.client.origin, &token)),
            token: ShownOnce(token.expose_secret().to_owned()),
            record: get(ctx, &id)?,
        };
        let event = Event::new("invitation.created", &id)
            .with("email", email.as_str())
            .with("role", role.as_str())
            .with("replaced", replaced.len());
        tx.commit(&ctx.subject(actor.name()), event, created)
    })
}

fn get(ctx: Context<'_>, id: &InvitationId) -> Result<Invitation, AppError> {
    let row =
        ctx.store.first(&format!("{SELECT} WHERE id = ?"), &[id.as_str().into()])?.ok_or(Code::NotFound)?;
    Ok(read(ctx, &row)?)
}

fn check_pace(ctx: Context<'_>, tx: &Tx<'_>, email: &str) -> Result<(), AppError> {
    let row = tx
        .store()
        .first(
            "SELECT COUNT(*), COUNT(*) FILTER (WHERE email = ?) FROM invitations WHERE created_at > ?",
            &[email.into(), ctx.now_ms.saturating_sub(86_400_000).into()],
        )?
        .ok_or(SqlError::Row)?;
    if row.number(0)? < MOST_A_DAY && row.number(1)? < MOST_A_DAY_TO_ONE {
        return Ok(());
    }
    Err(AppError::refused(
        Code::RateLimited,
        format!("at most {MOST_A_DAY} invitations a day, {MOST_A_DAY_TO_ONE} of them to one email"),
    ))
}

/// Who is invited takes a place of the plan's members, so that a plan of ten is not eleven by the time all have come.
fn check_room(ctx: Context<'_>, tx: &Tx<'_>) -> Result<(), AppError> {
    let open = tx
        .store()
        .first(&format!("SELECT COUNT(*) FROM invitations WHERE {OPEN}"), &[ctx.now_ms.into()])?
        .ok_or(SqlError::Row)?
        .number(0)?;
    if open >= MOST_OPEN {
        return Err(AppError::refused(
            Code::PlanRequired,
            format!("at most {MOST_OPEN} invitations can be open at a time"),
        ));
    }
    plan::check(ctx, tx, plan::Resource::Members { invited: open })
}

/// A fresh token for an invitation, besides those that it has.
fn add_token(ctx: Context<'_>, tx: &Tx<'_>, id: &InvitationId) -> Result<SecretString, AppError> {
    let minted = mint_link(&ctx.secrets.mac, LinkKind::Invitation, ctx.org.body())?;
    tx.write(
        "INSERT INTO invitation_tokens (digest, invitation_id) VALUES (?, ?)",
        &[minted.digest.into(), id.as_str().into()],
    )?;
    Ok(minted.token)
}

fn link(origin: &str, token: &SecretString) -> String {
    format!("{origin}/join?token={}", token.expose_secret())
}

/// Takes an invitation back.
pub(super) fn revoke(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &InvitationId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        let revoked = tx.write(
            "UPDATE invitations SET revoked_at = ? WHERE id = ? AND accepted_at IS NULL AND revoked_at IS NULL \
             RETURNING id",
            &[ctx.now_ms.into(), id.as_str().into()],
        )?;
        if revoked.is_empty() {
            return Err(Code::NotFound.into());
        }
        tx.commit(&ctx.subject(actor.name()), Event::new("invitation.revoked", id), ())
    })
}

/// An invitation that can be accepted.
struct Open {
    id: InvitationId,
    email: String,
    role: Role,
    inviter: Option<String>,
}

/// The open invitation of a token.
///
/// # Errors
/// `InvalidLink`, whatever it is that is wrong with it.
fn open(ctx: Context<'_>, digest: &str) -> Result<Open, AppError> {
    let row = ctx
        .store
        .first(
            &format!(
                "SELECT id, email, role, (SELECT name FROM members WHERE user_id = invited_by) FROM invitations \
                 WHERE id = (SELECT invitation_id FROM invitation_tokens WHERE digest = ?) AND {OPEN}"
            ),
            &[digest.into(), ctx.now_ms.into()],
        )?
        .ok_or(Code::InvalidLink)?;
    let role = row.text(2)?.parse().map_err(|_| SqlError::Row)?;
    let inviter = row.optional_text(3)?.map(str::to_owned);
    Ok(Open { id: row.parse(0)?, email: row.text(1)?.to_owned(), role, inviter })
}

/// Who an invitation is for.
pub(super) fn peek(ctx: Context<'_>, digest: &str) -> Result<Reply, AppError> {
    let Open { email, role, inviter, .. } = open(ctx, digest)?;
    Reply::json(200, &Invited { email, org_name: sessions::org(ctx)?.name, role, inviter })
}

/// Makes an invitation's person a member. The invitation is used up in the same transaction, so of two who accept it at
/// the same moment one does.
pub(super) fn join(ctx: Context<'_>, digest: &str, user: &User) -> Result<Reply, AppError> {
    let Open { id, email, role, inviter } = open(ctx, digest)?;
    if email::normalize(&user.email)? != email {
        return Err(Code::WrongEmail.into());
    }
    let now: Value = ctx.now_ms.into();
    ctx.store.transaction(|tx| {
        tx.write("UPDATE invitations SET accepted_at = ? WHERE id = ?", &[now.clone(), id.as_str().into()])?;
        let subject = ctx.subject(user.id.as_str());
        if members::role_of(tx.store(), &user.id)?.is_some() {
            return tx.commit(&subject, Event::new("invitation.accepted", &id), ());
        }
        plan::check(ctx, tx, plan::Resource::Members { invited: 0 })?;
        tx.write(
            "INSERT INTO members (user_id, email, name, role, created_at) VALUES (?, ?, ?, ?, ?)",
            &[
                user.id.as_str().into(),
                user.email.as_str().into(),
                user.name.as_str().into(),
                role.as_str().into(),
                now,
            ],
        )?;
        let event =
            Event::new("member.joined", &user.id).with("role", role.as_str()).with("invitation", id.as_str());
        tx.commit(&subject, event, ())
    })?;
    Reply::json(200, &Invited { email, org_name: sessions::org(ctx)?.name, role, inviter })
}

/// What an invitation's mail says.
#[derive(Debug)]
pub struct InvitationMail {
    /// Whom it goes to.
    pub to: String,
    /// The workspace's name.
    pub org_name: String,
    /// Who invites.
    pub inviter: User,
    /// As what.
    pub role: Role,
    /// Accepts it.
    pub link: SecretString,
    /// How long it can be accepted, seconds.
    pub valid_for_seconds: u64,
}

/// An invitation's mail, with a link of its own; `None` where there is nothing to accept any more.
///
/// # Errors
/// Those of the database and of minting.
pub fn prepare_invitation_mail(
    ctx: Context<'_>,
    id: &InvitationId,
    origin: &str,
) -> Result<Option<InvitationMail>, AppError> {
    let row = ctx.store.first(
        &format!(
            "SELECT i.email, i.role, i.expires_at, m.user_id, m.email, m.name FROM invitations i \
             JOIN members m ON m.user_id = i.invited_by WHERE i.id = ? AND {OPEN}"
        ),
        &[id.as_str().into(), ctx.now_ms.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let token = ctx.store.transaction(|tx| {
        let token = add_token(ctx, tx, id)?;
        tx.commit(&ctx.subject("system"), Event::new("invitation.mail_prepared", id), token)
    })?;
    Ok(Some(InvitationMail {
        to: row.text(0)?.to_owned(),
        org_name: sessions::org(ctx)?.name,
        inviter: User { id: row.parse(3)?, email: row.text(4)?.to_owned(), name: row.text(5)?.to_owned() },
        role: row.text(1)?.parse().map_err(|_| SqlError::Row)?,
        link: link(origin, &token).into(),
        valid_for_seconds: row.number(2)?.saturating_sub(ctx.now_ms) / 1000,
    }))
}
