//! Passwords: proving one, changing it, setting a new one by mail. Each reads the account again after bcrypt, during which
//! another ask may have replaced the hash that was just compared.

use super::outbox::{self, Task};
use super::throttle::{Counter, count, forgive};
use super::{Account, AccountContext, Hashing, links, load, orgs, require, second_factor};
use crate::asks::{Again, Ending, Identity, Secret, SignIn};
use crate::error::AppError;
use crate::json;
use crate::store::{Event, Tx};
use protocol::{Code, OrgId};
use tokens::LinkKind;

/// A password at sign-in. The identity has counted the attempt.
pub(super) async fn prove(
    ctx: AccountContext<'_>,
    hashing: &impl Hashing,
    email: &str,
    password: &Secret,
    org: Option<OrgId>,
) -> Result<SignIn, AppError> {
    let found_by_it = |account: &Account| account.user().email == email;
    let stored = load(ctx)?.filter(found_by_it).and_then(|account| account.password_hash);
    let right = hashing.verify(&password.to_secret_string(), stored.as_deref()).await?;
    let account = load(ctx)?.filter(found_by_it);
    match account {
        Some(account) if right && account.password_hash == stored => {
            second_factor::sign_in(ctx, account, org, false)
        }
        _ => Err(Code::InvalidCredentials.into()),
    }
}

/// Who is signed in proves once more who they are.
pub(super) async fn prove_again(
    ctx: AccountContext<'_>,
    hashing: &impl Hashing,
    password: Option<&Secret>,
    code: Option<&Secret>,
) -> Result<Again, AppError> {
    match (password, code) {
        (Some(password), None) => {
            prove_current(ctx, hashing, password).await?;
            Ok(if require(ctx)?.has_totp { Again::FirstOfTwo } else { Again::First })
        }
        (None, Some(code)) => {
            second_factor::prove_by_app(ctx, code)?;
            Ok(Again::Second)
        }
        _ => Err(AppError::refused(Code::ValidationFailed, "give either a password or a code")),
    }
}

/// Changes the password of who knows it.
pub(super) async fn change(
    ctx: AccountContext<'_>,
    hashing: &impl Hashing,
    current: &Secret,
    new: &Secret,
) -> Result<Ending, AppError> {
    let stored = prove_current(ctx, hashing, current).await?;
    let hash = hashing.hash(&new.to_secret_string()).await?;
    let account = require(ctx)?;
    if account.password_hash.as_deref() != Some(&stored) {
        return Err(Code::InvalidCredentials.into());
    }
    let ids = ctx.store().transaction(|tx| {
        let ids = replace(ctx, tx, &account, &hash, "password_changed")?;
        tx.commit(&ctx.subject(), Event::new("password.changed", ctx.user), ids)
    })?;
    orgs::ending(ctx, &ids)
}

/// Queues a mail with a link to set a new password, if the email whose identity was asked is the account's.
pub(super) fn queue_reset(ctx: AccountContext<'_>, identity: &str) -> Result<(), AppError> {
    let Some(account) = load(ctx)? else { return Ok(()) };
    let to = account.user().email.clone();
    if ctx.secrets.identity_name(&Identity::Email { email: to.clone() }) != identity {
        return Ok(());
    }
    match count(ctx, Counter::Resets) {
        // Enough of them are on their way.
        Err(AppError::Limited { .. }) => return Ok(()),
        other => other?,
    }
    ctx.store().transaction(|tx| {
        outbox::queue(tx, ctx.now_ms, &Task::MailReset { to })?;
        tx.commit(&ctx.subject_of("system"), Event::new("password_reset.requested", ctx.user), ())
    })
}

/// Sets a new password for who has opened the mailed link.
///
/// An account whose email was not proven until now may have been made by somebody else, for this person to walk into: then
/// nothing by which that other one could come back is left (account pre-hijacking, Sudhodanan and Paverd, USENIX 2022).
pub(super) async fn reset(
    ctx: AccountContext<'_>,
    hashing: &impl Hashing,
    digest: &str,
    new: &Secret,
) -> Result<Ending, AppError> {
    let new = new.to_secret_string();
    let account = check_reset(ctx, digest)?;
    let about = [account.user().email.as_str(), &account.user().name, &ctx.config.brand.name];
    json::check_new_password("new_password", &new, &about)?;
    let hash = hashing.hash(&new).await?;
    let account = check_reset(ctx, digest)?;
    let taken_over = !account.entrant.email_verified;
    let ids = ctx.store().transaction(|tx| {
        let ids = replace(ctx, tx, &account, &hash, "password_reset")?;
        if taken_over {
            tx.write("DELETE FROM recovery_codes", &[])?;
            tx.write("DELETE FROM identities", &[])?;
            // Nor is the workspace theirs that the other one has made: keys and people of that one's may be in it.
            tx.write("DELETE FROM memberships", &[])?;
            tx.write(
                "UPDATE account SET email_verified_at = ?, totp = NULL, totp_step = NULL, totp_pending = NULL",
                &[ctx.now_ms.into()],
            )?;
        }
        let event = Event::new("password.reset", ctx.user).with("other_ways_in_removed", taken_over);
        tx.commit(&ctx.subject(), event, ids)
    })?;
    orgs::ending(ctx, &ids)
}

fn check_reset(ctx: AccountContext<'_>, digest: &str) -> Result<Account, AppError> {
    let account = load(ctx)?.ok_or(Code::InvalidLink)?;
    let link = links::find(ctx, LinkKind::ResetPassword, digest)?.ok_or(Code::InvalidLink)?;
    // Mailed to an address that was the account's then.
    if link.email != account.user().email {
        return Err(Code::InvalidLink.into());
    }
    Ok(account)
}

/// The hash that the right password was compared with.
async fn prove_current(
    ctx: AccountContext<'_>,
    hashing: &impl Hashing,
    password: &Secret,
) -> Result<String, AppError> {
    let stored = require(ctx)?.password_hash;
    count(ctx, Counter::Proofs)?;
    let verified = hashing.verify(&password.to_secret_string(), stored.as_deref()).await;
    if let Err(AppError::Limited { .. }) = verified {
        forgive(ctx, Counter::Proofs)?;
    }
    let right = verified?;
    let account = require(ctx)?;
    match stored {
        Some(stored) if right && account.password_hash.as_deref() == Some(&stored) => {
            forgive(ctx, Counter::Proofs)?;
            Ok(stored)
        }
        _ => ctx
            .store()
            .transaction(|tx| tx.commit(&ctx.subject(), Event::new("password.refused", ctx.user), ()))
            .and(Err(Code::InvalidCredentials.into())),
    }
}

/// A new password: what was opened by the old one, or is on its way to open the account, ends.
fn replace(
    ctx: AccountContext<'_>,
    tx: &Tx<'_>,
    account: &Account,
    hash: &str,
    reason: &str,
) -> Result<Vec<u64>, AppError> {
    tx.write("UPDATE account SET password_hash = ?", &[hash.into()])?;
    links::close_all(tx)?;
    let to = account.user().email.clone();
    outbox::queue(tx, ctx.now_ms, &Task::MailPasswordChanged { to, at_ms: ctx.now_ms })?;
    orgs::end_all(ctx, tx, None, reason)
}
