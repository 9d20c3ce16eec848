//! OIDC identities by which an account can be signed in to: one of each provider.

use super::{AccountContext, load, require, second_factor};
use crate::asks::{Identity, NewIdentity, SignIn};
use crate::error::AppError;
use crate::store::{Event, SqlError, Tx};
use protocol::Code;
use protocol::api::LinkedIdentity;
use protocol::time::rfc3339;

impl NewIdentity {
    /// What it is found by.
    pub fn identity(&self) -> Identity {
        Identity::Oidc { issuer: self.issuer.clone(), subject: self.subject.clone() }
    }
}

/// A provider has vouched for an identity: a sign-in, if it is linked here.
pub(super) fn prove(
    ctx: AccountContext<'_>,
    identity: &Identity,
    email: Option<&str>,
) -> Result<Option<SignIn>, AppError> {
    let Some(account) = load(ctx)? else { return Ok(None) };
    let Identity::Oidc { issuer, subject } = identity else { return Ok(None) };
    if !super::owns(ctx, &account, identity)? {
        return Ok(None);
    }
    ctx.store().bookkeeping(
        "UPDATE identities SET email = ? WHERE issuer = ? AND subject = ?",
        &[email.map(str::to_owned).into(), issuer.as_str().into(), subject.as_str().into()],
    )?;
    second_factor::sign_in(ctx, account, None, false).map(Some)
}

/// Links an identity that points here. Linking the same once more changes nothing.
pub(super) fn link(ctx: AccountContext<'_>, new: &NewIdentity) -> Result<(), AppError> {
    let account = require(ctx)?;
    if super::owns(ctx, &account, &new.identity())? {
        return Ok(());
    }
    let provider = new.provider.as_str();
    if ctx.store().first("SELECT 1 FROM identities WHERE provider = ?", &[provider.into()])?.is_some() {
        return Err(AppError::refused(
            Code::ValidationFailed,
            "another identity of this provider is linked: unlink it first",
        ));
    }
    ctx.store().transaction(|tx| {
        insert(ctx, tx, new)?;
        tx.commit(&ctx.subject(), Event::new("identity.linked", provider), ())
    })
}

/// Takes an identity off the account.
pub(super) fn unlink(ctx: AccountContext<'_>, provider: &str) -> Result<Identity, AppError> {
    let account = require(ctx)?;
    let row = ctx
        .store()
        .first("SELECT issuer, subject FROM identities WHERE provider = ?", &[provider.into()])?
        .ok_or(Code::NotFound)?;
    let others = ctx.store().first("SELECT 1 FROM identities WHERE provider <> ?", &[provider.into()])?;
    if account.password_hash.is_none() && others.is_none() {
        return Err(AppError::refused(
            Code::ValidationFailed,
            "this is the account's only way in: set a password first",
        ));
    }
    let identity = Identity::Oidc { issuer: row.text(0)?.to_owned(), subject: row.text(1)?.to_owned() };
    ctx.store().transaction(|tx| {
        tx.write("DELETE FROM identities WHERE provider = ?", &[provider.into()])?;
        tx.commit(&ctx.subject(), Event::new("identity.unlinked", provider), identity)
    })
}

pub(super) fn list(ctx: AccountContext<'_>) -> Result<Vec<LinkedIdentity>, AppError> {
    let rows = ctx
        .store()
        .query("SELECT provider, email, linked_at FROM identities ORDER BY linked_at, provider", &[])?;
    let read = |row: &crate::store::Row| {
        Ok(LinkedIdentity {
            provider: row.text(0)?.to_owned(),
            email: row.optional_text(1)?.map(str::to_owned),
            linked_at: rfc3339(row.number(2)?),
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, SqlError>>()?)
}

pub(super) fn insert(ctx: AccountContext<'_>, tx: &Tx<'_>, new: &NewIdentity) -> Result<(), SqlError> {
    tx.write(
        "INSERT INTO identities (provider, issuer, subject, email, linked_at) VALUES (?, ?, ?, ?, ?)",
        &[
            new.provider.as_str().into(),
            new.issuer.as_str().into(),
            new.subject.as_str().into(),
            new.email.clone().into(),
            ctx.now_ms.into(),
        ],
    )
    .map(|_| ())
}
