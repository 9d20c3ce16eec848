//! What is to be done elsewhere: written in the transaction of the change that asks for it, deleted when it is done, tried
//! again by the object's alarm in between. So a crash, a mail server that is down or an org that cannot be reached costs
//! time, and nothing is forgotten.
//!
//! No token is at rest: a link is made when its mail goes out.

use super::{Account, AccountContext, links, load};
use crate::asks::{About, AskIdentity, AskOrg, Identity, Mail, Pending, Secret, Work};
use crate::error::AppError;
use crate::store::{Event, Row, Sql, SqlError, Tx, migrations};
use protocol::{OrgId, SessionId};
use serde::{Deserialize, Serialize};
use tokens::LinkKind;

/// The flow that queues work for other objects does it at once; the alarm takes over what is left after this, ms.
const HEAD_START_MS: u64 = 30_000;
/// Between attempts, ms; the last one from then on.
const BACKOFF_MS: [u64; 5] = [10_000, 60_000, 300_000, 1_800_000, 7_200_000];
/// A mail that nobody took for so long would only confuse.
const MAIL_MS: u64 = 86_400_000;

/// A row's `task`, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub(super) enum Task {
    MailVerification,
    MailReset { to: String },
    MailChange { to: String },
    MailPasswordChanged { to: String, at_ms: u64 },
    MailEmailChanged { to: String, at_ms: u64 },
    EndSessions { org: OrgId, but: Option<SessionId>, reason: String },
    UpdateUser { org: OrgId },
    Release { email: String },
}

impl Task {
    const fn is_mail(&self) -> bool {
        match self {
            Self::MailVerification
            | Self::MailReset { .. }
            | Self::MailChange { .. }
            | Self::MailPasswordChanged { .. }
            | Self::MailEmailChanged { .. } => true,
            Self::EndSessions { .. } | Self::UpdateUser { .. } | Self::Release { .. } => false,
        }
    }
}

/// The next work that is due. Work that has no point any more is dropped.
///
/// # Errors
/// Those of the database; where there is no randomness for a link.
pub fn next_work(ctx: AccountContext<'_>) -> Result<Option<Pending>, AppError> {
    if migrations::is_empty(ctx.sql)? {
        return Ok(None);
    }
    loop {
        let row = ctx.store().first(
            "SELECT id, task FROM outbox WHERE due_at <= ? ORDER BY due_at, id LIMIT 1",
            &[ctx.now_ms.into()],
        )?;
        let (Some(row), Some(account)) = (row, load(ctx)?) else { return Ok(None) };
        let id = row.number(0)?;
        if let Some(work) = work(ctx, &account, row.json(1)?)? {
            return Ok(Some(Pending { id, work }));
        }
        done(ctx, id)?;
    }
}

/// Work is done.
///
/// # Errors
/// Those of the database.
pub fn done(ctx: AccountContext<'_>, id: u64) -> Result<(), AppError> {
    Ok(ctx.store().bookkeeping("DELETE FROM outbox WHERE id = ?", &[id.into()])?)
}

/// Work has failed and is tried again later; a mail is given up after a day.
///
/// # Errors
/// Those of the database.
pub fn failed(ctx: AccountContext<'_>, id: u64) -> Result<(), AppError> {
    let row =
        ctx.store().first("SELECT task, created_at, attempts FROM outbox WHERE id = ?", &[id.into()])?;
    let Some(row) = row else { return Ok(()) };
    let (task, created_at, attempts) = (row.json::<Task>(0)?, row.number(1)?, row.number(2)?);
    let wait = BACKOFF_MS.get(attempts as usize).or(BACKOFF_MS.last()).copied().unwrap_or(MAIL_MS);
    let due_at = ctx.now_ms + wait;
    if task.is_mail() && due_at >= created_at + MAIL_MS {
        return ctx.store().transaction(|tx| {
            tx.write("DELETE FROM outbox WHERE id = ?", &[id.into()])?;
            tx.commit(&ctx.subject_of("system"), Event::new("mail.given_up", ctx.user), ())
        });
    }
    Ok(ctx.store().bookkeeping(
        "UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE id = ?",
        &[due_at.into(), id.into()],
    )?)
}

/// When the next work is due, Unix ms.
pub(super) fn next_due(sql: &dyn Sql) -> Result<Option<u64>, SqlError> {
    let rows = sql.exec("SELECT due_at FROM outbox ORDER BY due_at LIMIT 1", &[])?;
    rows.first().map(|row| row.number(0)).transpose()
}

/// Queues a task in the transaction of the change that asks for it.
pub(super) fn queue(tx: &Tx<'_>, now_ms: u64, task: &Task) -> Result<u64, AppError> {
    let due_at = if task.is_mail() { now_ms } else { now_ms + HEAD_START_MS };
    let rows = tx.write(
        "INSERT INTO outbox (task, created_at, due_at) VALUES (?, ?, ?) RETURNING id",
        &[serde_json::to_string(task)?.into(), now_ms.into(), due_at.into()],
    )?;
    Ok(rows.first().map(|row| row.number(0)).transpose()?.ok_or(SqlError::Row)?)
}

/// The tasks with these ids that are for other objects.
pub(super) fn pending(
    ctx: AccountContext<'_>,
    account: &Account,
    ids: &[u64],
) -> Result<Vec<Pending>, AppError> {
    let mut pending = Vec::new();
    for id in ids {
        let row = ctx.store().first("SELECT task FROM outbox WHERE id = ?", &[(*id).into()])?;
        let task = row.as_ref().map(|row: &Row| row.json::<Task>(0)).transpose()?;
        if let Some(task) = task.filter(|task| !task.is_mail())
            && let Some(work) = work(ctx, account, task)?
        {
            pending.push(Pending { id: *id, work });
        }
    }
    Ok(pending)
}

/// What a task is, as the account stands now; `None`: nothing any more.
fn work(ctx: AccountContext<'_>, account: &Account, task: Task) -> Result<Option<Work>, AppError> {
    let user = account.user();
    Ok(match task {
        Task::MailVerification if account.entrant.email_verified => None,
        Task::MailVerification => Some(mail_link(ctx, LinkKind::VerifyEmail, &user.email)?),
        Task::MailReset { to } if to != user.email => None,
        Task::MailReset { to } => Some(mail_link(ctx, LinkKind::ResetPassword, &to)?),
        Task::MailChange { to } if !is_planned(ctx, &to)? => None,
        Task::MailChange { to } => Some(mail_link(ctx, LinkKind::ChangeEmail, &to)?),
        Task::MailPasswordChanged { to, at_ms } => {
            Some(Work::Mail(Mail { to, about: About::PasswordChanged { at: at_ms / 1000 } }))
        }
        Task::MailEmailChanged { to, at_ms } => {
            Some(Work::Mail(Mail { to, about: About::EmailChanged { at: at_ms / 1000 } }))
        }
        Task::EndSessions { org, but, reason } => Some(Work::Org {
            org,
            ask: AskOrg::EndSessions { user: user.id.clone(), but, epoch: account.entrant.epoch, reason },
        }),
        Task::UpdateUser { org } => Some(Work::Org { org, ask: AskOrg::UpdateUser(user.clone()) }),
        // The account may have come back to the address.
        Task::Release { email } if email == user.email => None,
        Task::Release { email } => Some(Work::Identity {
            identity: Identity::Email { email },
            ask: AskIdentity::Release { user: user.id.clone() },
        }),
    })
}

fn is_planned(ctx: AccountContext<'_>, email: &str) -> Result<bool, SqlError> {
    let row = ctx.store().first(
        "SELECT 1 FROM account WHERE pending_email = ? AND pending_email_until > ?",
        &[email.into(), ctx.now_ms.into()],
    )?;
    Ok(row.is_some())
}

fn mail_link(ctx: AccountContext<'_>, kind: LinkKind, to: &str) -> Result<Work, AppError> {
    let link = ctx.store().transaction(|tx| {
        let link = links::open(ctx, tx, kind, to, None)?;
        let action = match kind {
            LinkKind::ResetPassword => "password_reset.mailed",
            LinkKind::ChangeEmail => "email_change.mailed",
            _ => "email_verification.mailed",
        };
        tx.commit(&ctx.subject_of("system"), Event::new(action, ctx.user), link)
    })?;
    let (token, valid_for_seconds) = (Secret::from(&link.token), links::life_ms(kind) / 1000);
    let about = match kind {
        LinkKind::ResetPassword => About::ResetPassword { token, valid_for_seconds },
        _ => About::VerifyEmail { token, valid_for_seconds },
    };
    Ok(Work::Mail(Mail { to: to.to_owned(), about }))
}
