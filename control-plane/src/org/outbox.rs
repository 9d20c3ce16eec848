//! What is still to be done outside of this object: mail to send, accounts to tell, credentials to
//! revoke. A task is written in the transaction
//! of the change that asks for it, so it is neither lost nor done for a change that was undone, and the object's alarm
//! works it off. At least once: whoever is told or mailed may be so twice.

use super::deliveries;
use super::notices::Notice;
use crate::context::Context;
use crate::error::AppError;
use crate::store::{SqlError, Store, Tx};
use protocol::{ConnectionId, InvitationId, UserId};
use serde::{Deserialize, Serialize};

/// Seconds until a task is tried again, by how often it has been; the last one from then on.
const BACKOFF: [u64; 6] = [10, 60, 300, 1_800, 7_200, 21_600];
/// A mail that could not be sent for so long is given up, ms.
const MAIL_LIFE_MS: u64 = 86_400_000;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Tell an account what its person is here. What they are by then is what counts ([`super::role_of`]), so tasks that
    /// overtake each other do no harm.
    TellAccount {
        /// Whose.
        user: UserId,
        /// By which the account is found.
        email: String,
    },
    /// Send an invitation ([`super::prepare_invitation_mail`]).
    MailInvitation {
        /// Which.
        invitation: InvitationId,
        /// Scheme and authority of its link: those that its sender used.
        origin: String,
    },
    /// End a credential at its provider ([`super::revoke`]).
    Revoke {
        /// Of the connection that was.
        connection: ConnectionId,
    },
    /// Tell the administrators by mail ([`super::address`]).
    MailNotice {
        /// What.
        notice: Notice,
    },
    /// Tell one of them ([`super::prepare_notice_mail`]).
    MailNoticeTo {
        /// What.
        notice: Notice,
        /// Whom.
        user: UserId,
    },
    /// The org is no more: the registry need not count it ([`crate::registry`]).
    LeaveRegistry,
}

/// Adds a task to a change. The alarm is told of it, whichever call or ask this is ([`super::leaves_work`]).
pub(super) fn put(ctx: Context<'_>, tx: &Tx<'_>, task: &Task) -> Result<(), AppError> {
    put_at(ctx, tx, ctx.now_ms, task)
}

/// Adds a task that is not due at once, because the change itself goes on to do it.
pub(super) fn put_at(ctx: Context<'_>, tx: &Tx<'_>, due_ms: u64, task: &Task) -> Result<(), AppError> {
    ctx.limits.borrow_mut().has_tasks = true;
    tx.write(
        "INSERT INTO outbox (task, created_at, due_at) VALUES (?, ?, ?)",
        &[serde_json::to_string(task)?.into(), ctx.now_ms.into(), due_ms.into()],
    )?;
    Ok(())
}

/// Adds a part of a task that is being done. Should the rest of it never be, it is done again as a whole.
pub(super) fn split(store: Store<'_>, now_ms: u64, part: &Task) -> Result<(), AppError> {
    Ok(store.bookkeeping(
        "INSERT INTO outbox (task, created_at, due_at) VALUES (?, ?, ?)",
        &[serde_json::to_string(part)?.into(), now_ms.into(), now_ms.into()],
    )?)
}

/// Puts an org's last tasks in the place of all others. Their numbers are new ones: a task that is being done meanwhile
/// takes none of them with it.
pub(super) fn replace(ctx: Context<'_>, tx: &Tx<'_>, tasks: &[Task]) -> Result<(), AppError> {
    let row = tx.store().first("SELECT COALESCE(MAX(id), 0) FROM outbox", &[])?;
    let last = row.ok_or(SqlError::Row)?.number(0)?;
    for task in tasks {
        put(ctx, tx, task)?;
    }
    tx.write("DELETE FROM outbox WHERE id <= ?", &[last.into()])?;
    Ok(())
}

/// When the next task, or delivery to an endpoint, is due, Unix ms; `None`: there is none.
///
/// # Errors
/// Those of the database.
pub fn next_due(store: Store<'_>) -> Result<Option<u64>, SqlError> {
    let row = store.first("SELECT MIN(due_at) FROM outbox", &[])?;
    let task = row.map_or(Ok(None), |row| row.optional_number(0))?;
    Ok(task.into_iter().chain(deliveries::next_due(store)?).min())
}

/// A task that is due, with its number. It counts as tried from here on: one that takes the whole object down waits like
/// any other that failed.
///
/// # Errors
/// Those of the database.
pub fn next(store: Store<'_>, now_ms: u64) -> Result<Option<(u64, Task)>, SqlError> {
    loop {
        let due = store.first(
            "SELECT id, task, attempts FROM outbox WHERE due_at <= ? ORDER BY due_at, id LIMIT 1",
            &[now_ms.into()],
        )?;
        let Some(row) = due else { return Ok(None) };
        let id = row.number(0)?;
        store.bookkeeping(
            "UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE id = ?",
            &[(now_ms + backoff(row.number(2)?) * 1000).into(), id.into()],
        )?;
        // A task that only a later version of this code knows waits for it.
        if let Ok(task) = row.json(1) {
            return Ok(Some((id, task)));
        }
    }
}

fn backoff(attempts: u64) -> u64 {
    let step = usize::try_from(attempts).unwrap_or(usize::MAX).min(BACKOFF.len() - 1);
    BACKOFF.get(step).copied().unwrap_or_default()
}

/// A task was done.
///
/// # Errors
/// Those of the database.
pub fn done(store: Store<'_>, id: u64) -> Result<(), SqlError> {
    if let Some((Task::MailInvitation { invitation, .. }, _)) = load(store, id)? {
        set_mail(store, &invitation, "sent")?;
    }
    forget(store, id)
}

/// A task could not be done: `permanent`ly, or it is tried again later, a mail for a day.
///
/// # Errors
/// Those of the database.
pub fn failed(store: Store<'_>, id: u64, now_ms: u64, permanent: bool) -> Result<(), SqlError> {
    match load(store, id)? {
        Some((Task::MailInvitation { invitation, .. }, created_at))
            if permanent || now_ms >= created_at + MAIL_LIFE_MS =>
        {
            set_mail(store, &invitation, "failed")?;
            forget(store, id)
        }
        Some((Task::MailNoticeTo { .. }, created_at)) if now_ms >= created_at + MAIL_LIFE_MS => {
            forget(store, id)
        }
        Some(_) if permanent => forget(store, id),
        _ => Ok(()),
    }
}

/// There is nothing left to do: the invitation was taken back before it was sent.
///
/// # Errors
/// Those of the database.
pub fn forget(store: Store<'_>, id: u64) -> Result<(), SqlError> {
    store.bookkeeping("DELETE FROM outbox WHERE id = ?", &[id.into()])
}

fn load(store: Store<'_>, id: u64) -> Result<Option<(Task, u64)>, SqlError> {
    let row = store.first("SELECT task, created_at FROM outbox WHERE id = ?", &[id.into()])?;
    row.map(|row| Ok((row.json(0)?, row.number(1)?))).transpose()
}

fn set_mail(store: Store<'_>, invitation: &InvitationId, status: &str) -> Result<(), SqlError> {
    store.bookkeeping(
        "UPDATE invitations SET mail = ? WHERE id = ?",
        &[status.into(), invitation.as_str().into()],
    )
}
