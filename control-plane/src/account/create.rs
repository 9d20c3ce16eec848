//! An account begins, or never will: who has claimed an identity and then did not go on must not keep it from others.

use super::{Account, AccountContext, Hashing, identities, load, outbox, owns};
use crate::asks::{Creation, Identity, NewAccount, NewIdentity};
use crate::error::AppError;
use crate::store::{Event, migrations};
use outbox::Task;
use protocol::{Code, Role};

/// Makes the account whose identities point here.
///
/// # Errors
/// `EmailTaken` where it is there and owns one of them.
pub(super) async fn create(
    ctx: AccountContext<'_>,
    hashing: &impl Hashing,
    new: &NewAccount,
) -> Result<Creation, AppError> {
    if let Some(before) = before(ctx, new)? {
        return Ok(before);
    }
    let hash = match &new.password {
        Some(password) => Some(hashing.hash(&password.to_secret_string()).await?),
        None => None,
    };
    if let Some(before) = before(ctx, new)? {
        return Ok(before);
    }
    insert(ctx, new, hash)?;
    let account = load(ctx)?.ok_or(AppError::Encoding)?;
    Ok(Creation::Made(account.entrant))
}

/// Gives up an identity that points here, unless the account owns it.
pub(super) fn renounce(ctx: AccountContext<'_>, identity: &Identity) -> Result<bool, AppError> {
    match load(ctx)? {
        Some(account) if owns(ctx, &account, identity)? => Ok(false),
        Some(account) => {
            forget_plans(ctx, &account, identity)?;
            Ok(true)
        }
        None => {
            never_become(ctx)?;
            Ok(true)
        }
    }
}

/// What stands in the way: another person's account, one that can no longer be, or this one, made already.
fn before(ctx: AccountContext<'_>, new: &NewAccount) -> Result<Option<Creation>, AppError> {
    let Some(account) = load(ctx)? else {
        return Ok(is_renounced(ctx)?.then_some(Creation::Elsewhere));
    };
    let linked = new.identity.as_ref().map(NewIdentity::identity);
    // Whose identity a provider has just vouched for goes on with the sign-up that was cut off, unless by now that would
    // go past a second factor.
    if let Some(identity) = &linked
        && !account.has_totp
        && never_entered(ctx)?
        && owns(ctx, &account, identity)?
    {
        return Ok(Some(Creation::Made(account.entrant)));
    }
    let email = Identity::Email { email: new.email.clone() };
    for identity in std::iter::once(email).chain(linked) {
        if owns(ctx, &account, &identity)? {
            return Err(Code::EmailTaken.into());
        }
        forget_plans(ctx, &account, &identity)?;
    }
    Ok(Some(Creation::Elsewhere))
}

/// Whether nobody has ever signed in: only then is a sign-up still to be finished. Else what vouches for it would be a
/// way in that no ending of sessions ends.
fn never_entered(ctx: AccountContext<'_>) -> Result<bool, AppError> {
    let entered = "SELECT 1 FROM memberships WHERE used_at IS NOT NULL";
    Ok(ctx.store().first(entered, &[])?.is_none())
}

fn is_renounced(ctx: AccountContext<'_>) -> Result<bool, AppError> {
    Ok(!migrations::is_empty(ctx.sql)? && ctx.store().first("SELECT 1 FROM renounced", &[])?.is_some())
}

/// Links to move to an address that somebody else gets now no longer work, nor does a mail go out that has one.
fn forget_plans(ctx: AccountContext<'_>, account: &Account, identity: &Identity) -> Result<(), AppError> {
    let Identity::Email { email } = identity else { return Ok(()) };
    let planned =
        ctx.store().first("SELECT 1 FROM account WHERE pending_email = ?", &[email.as_str().into()])?;
    if planned.is_none() {
        return Ok(());
    }
    ctx.store().transaction(|tx| {
        tx.write("UPDATE account SET pending_email = NULL, pending_email_until = NULL", &[])?;
        tx.write("DELETE FROM links WHERE kind = 'change_email' AND email = ?", &[email.as_str().into()])?;
        let event = Event::new("email_change.dropped", &account.user().id);
        tx.commit(&ctx.subject_of("system"), event, ())
    })
}

fn never_become(ctx: AccountContext<'_>) -> Result<(), AppError> {
    if is_renounced(ctx)? {
        return Ok(());
    }
    migrations::run(ctx.sql, migrations::ACCOUNT)?;
    ctx.store().transaction(|tx| {
        tx.write("INSERT INTO renounced (at) VALUES (?)", &[ctx.now_ms.into()])?;
        tx.commit(&ctx.subject_of("system"), Event::new("account.renounced", ctx.user), ())
    })
}

fn insert(ctx: AccountContext<'_>, new: &NewAccount, hash: Option<String>) -> Result<(), AppError> {
    migrations::run(ctx.sql, migrations::ACCOUNT)?;
    let kek = new.kek.map(|kek| ctx.secrets.kek(kek).ok_or(Code::Unavailable)).transpose()?;
    let dek = ctx.secrets.keyring.new_dek(ctx.user.as_str(), kek)?;
    ctx.store().transaction(|tx| {
        tx.write(
            "INSERT INTO account (user_id, email, email_verified_at, name, password_hash, terms_accepted_at, created_at, \
             wrapped_dek) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                ctx.user.as_str().into(),
                new.email.as_str().into(),
                new.email_verified.then_some(ctx.now_ms).into(),
                new.name.as_str().into(),
                hash.into(),
                ctx.now_ms.into(),
                ctx.now_ms.into(),
                dek.as_bytes().to_vec().into(),
            ],
        )?;
        tx.write(
            "INSERT INTO memberships (org_id, org_name, role, unmade, created_at) VALUES (?, ?, ?, ?, ?)",
            &[
                new.org.as_str().into(),
                new.org_name.as_str().into(),
                new.joins_as.unwrap_or(Role::OrgAdmin).as_str().into(),
                u64::from(new.joins_as.is_none()).into(),
                ctx.now_ms.into(),
            ],
        )?;
        if let Some(identity) = &new.identity {
            identities::insert(ctx, tx, identity)?;
        }
        if !new.email_verified {
            outbox::queue(tx, ctx.now_ms, &Task::MailVerification)?;
        }
        let event = Event::new("account.created", ctx.user).with("email_verified", new.email_verified);
        tx.commit(&ctx.subject(), event, ())
    })
}
