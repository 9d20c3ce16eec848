//! The account's email: proving it, and moving to another one.
//!
//! A move goes through three objects. The account first says that the proven new address is its own to claim (until then
//! nobody else can be kept from it, from then on nobody else gets it), then the address's identity points to the account,
//! then the account takes the address. A crash in between leaves a link that can be opened again.

use super::outbox::{self, Task};
use super::throttle::{Counter, count};
use super::{Account, AccountContext, links, load, orgs, require};
use crate::asks::{Ending, Moving};
use crate::error::AppError;
use crate::json::field;
use crate::store::Event;
use protocol::{Code, SessionId};
use tokens::LinkKind;

/// The mailed link of a new account was opened.
pub(super) fn verify(ctx: AccountContext<'_>, digest: &str) -> Result<(), AppError> {
    let account = load(ctx)?.ok_or(Code::InvalidLink)?;
    let link = links::find(ctx, LinkKind::VerifyEmail, digest)?.ok_or(Code::InvalidLink)?;
    if link.email != account.user().email {
        return Err(Code::InvalidLink.into());
    }
    ctx.store().transaction(|tx| {
        tx.write(
            "UPDATE account SET email_verified_at = COALESCE(email_verified_at, ?)",
            &[ctx.now_ms.into()],
        )?;
        tx.write("DELETE FROM links WHERE kind = 'verify_email'", &[])?;
        tx.commit(&ctx.subject(), Event::new("email.verified", ctx.user), ())
    })
}

/// Mails the link again, unless there is nothing left to prove.
pub(super) fn resend(ctx: AccountContext<'_>) -> Result<(), AppError> {
    if require(ctx)?.entrant.email_verified {
        return Ok(());
    }
    count(ctx, Counter::Mails)?;
    ctx.store().transaction(|tx| {
        outbox::queue(tx, ctx.now_ms, &Task::MailVerification)?;
        tx.commit(&ctx.subject(), Event::new("email_verification.requested", ctx.user), ())
    })
}

/// Mails a proof to a new address. Whether that is another account's is not looked at: the answer would tell.
pub(super) fn request_change(
    ctx: AccountContext<'_>,
    email: &str,
    session: &SessionId,
) -> Result<(), AppError> {
    if require(ctx)?.user().email == email {
        return Err(field("email", "must be another one than the account's"));
    }
    count(ctx, Counter::Mails)?;
    ctx.store().transaction(|tx| {
        tx.write("DELETE FROM links WHERE kind = 'change_email'", &[])?;
        tx.write(
            "UPDATE account SET pending_email = ?, pending_email_until = ?, pending_email_session = ?",
            &[
                email.into(),
                (ctx.now_ms + links::life_ms(LinkKind::ChangeEmail)).into(),
                session.as_str().into(),
            ],
        )?;
        outbox::queue(tx, ctx.now_ms, &Task::MailChange { to: email.to_owned() })?;
        tx.commit(&ctx.subject(), Event::new("email_change.requested", ctx.user), ())
    })
}

/// The new address is proven.
pub(super) fn begin_move(ctx: AccountContext<'_>, digest: &str) -> Result<Moving, AppError> {
    let (_, email) = check_move(ctx, digest)?;
    ctx.store().transaction(|tx| {
        tx.write("UPDATE links SET begun = 1 WHERE digest = ?", &[digest.into()])?;
        tx.commit(&ctx.subject(), Event::new("email_change.proven", ctx.user), Moving { email })
    })
}

/// The new address is somebody else's.
pub(super) fn abort_move(ctx: AccountContext<'_>, digest: &str) -> Result<(), AppError> {
    check_move(ctx, digest)?;
    ctx.store().transaction(|tx| {
        tx.write("DELETE FROM links WHERE kind = 'change_email'", &[])?;
        tx.write("UPDATE account SET pending_email = NULL, pending_email_until = NULL", &[])?;
        tx.commit(&ctx.subject(), Event::new("email_change.dropped", ctx.user), ())
    })
}

/// The new address points here. Every session but the one that has asked for the move ends.
pub(super) fn finish_move(ctx: AccountContext<'_>, digest: &str) -> Result<Ending, AppError> {
    let (account, email) = check_move(ctx, digest)?;
    let begun = ctx.store().first("SELECT 1 FROM links WHERE digest = ? AND begun = 1", &[digest.into()])?;
    begun.ok_or(Code::InvalidLink)?;
    let row = ctx.store().first("SELECT pending_email_session FROM account", &[])?;
    let session: Option<SessionId> = match &row {
        Some(row) if row.optional_text(0)?.is_some() => Some(row.parse(0)?),
        _ => None,
    };
    let old = account.user().email.clone();
    let ids = ctx.store().transaction(|tx| {
        tx.write(
            "UPDATE account SET email = ?, email_verified_at = ?",
            &[email.as_str().into(), ctx.now_ms.into()],
        )?;
        // Links that went to the old address end with it.
        links::close_all(tx)?;
        let mut ids = orgs::end_all(ctx, tx, session.as_ref(), "email_changed")?;
        ids.push(outbox::queue(tx, ctx.now_ms, &Task::Release { email: old.clone() })?);
        for place in orgs::places(ctx)?.into_iter().filter(|place| !place.unmade) {
            ids.push(outbox::queue(tx, ctx.now_ms, &Task::UpdateUser { org: place.org })?);
        }
        outbox::queue(tx, ctx.now_ms, &Task::MailEmailChanged { to: old, at_ms: ctx.now_ms })?;
        tx.commit(&ctx.subject(), Event::new("email.changed", ctx.user), ids)
    })?;
    orgs::ending(ctx, &ids)
}

/// The account and the address that an open link moves it to.
fn check_move(ctx: AccountContext<'_>, digest: &str) -> Result<(Account, String), AppError> {
    let account = load(ctx)?.ok_or(Code::InvalidLink)?;
    let link = links::find(ctx, LinkKind::ChangeEmail, digest)?.ok_or(Code::InvalidLink)?;
    Ok((account, link.email))
}
