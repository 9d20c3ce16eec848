//! Links and sign-in challenges that are open: of each the digest alone, what it is for and until when (crate `tokens`).

use super::AccountContext;
use crate::error::AppError;
use crate::store::{SqlError, Tx};
use protocol::{OrgId, UserId};
use tokens::{LinkKind, MintedLink, mint_link};

/// What a link was made for.
pub(super) struct Open {
    /// The address that it was mailed to; for a challenge, the account's.
    pub email: String,
    /// A challenge's: the org that was asked for.
    pub org: Option<OrgId>,
    /// Wrong codes so far.
    pub attempts: u64,
}

/// How long each works, ms.
pub(super) const fn life_ms(kind: LinkKind) -> u64 {
    const HOUR: u64 = 3_600_000;
    match kind {
        LinkKind::VerifyEmail => 72 * HOUR,
        LinkKind::ResetPassword => HOUR,
        LinkKind::ChangeEmail => 24 * HOUR,
        LinkKind::SecondFactor => HOUR / 6,
        // An org's, whose own rows say how long.
        LinkKind::Invitation | LinkKind::Portal => 0,
    }
}

/// A new link. Those that have run out are forgotten.
pub(super) fn open(
    ctx: AccountContext<'_>,
    tx: &Tx<'_>,
    kind: LinkKind,
    email: &str,
    org: Option<&OrgId>,
) -> Result<MintedLink, AppError> {
    let body = ctx.user.as_str().strip_prefix(UserId::PREFIX).unwrap_or_default();
    let link = mint_link(&ctx.secrets.mac, kind, body)?;
    tx.write("DELETE FROM links WHERE expires_at <= ?", &[ctx.now_ms.into()])?;
    tx.write(
        "INSERT INTO links (digest, kind, email, org_id, expires_at) VALUES (?, ?, ?, ?, ?)",
        &[
            link.digest.as_str().into(),
            name(kind).into(),
            email.into(),
            org.map(OrgId::as_str).into(),
            (ctx.now_ms + life_ms(kind)).into(),
        ],
    )?;
    Ok(link)
}

/// The link with this digest, if it is of this kind, open and in time.
pub(super) fn find(ctx: AccountContext<'_>, kind: LinkKind, digest: &str) -> Result<Option<Open>, SqlError> {
    let row = ctx.store().first(
        "SELECT email, org_id, attempts FROM links WHERE digest = ? AND kind = ? AND expires_at > ?",
        &[digest.into(), name(kind).into(), ctx.now_ms.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Open {
        email: row.text(0)?.to_owned(),
        org: row.optional_text(1)?.map(|_| row.parse(1)).transpose()?,
        attempts: row.number(2)?,
    }))
}

/// Whether a proven change to this address is under way: nobody else gets it meanwhile.
pub(super) fn is_moving_to(ctx: AccountContext<'_>, email: &str) -> Result<bool, SqlError> {
    let row = ctx.store().first(
        "SELECT 1 FROM links WHERE kind = 'change_email' AND begun = 1 AND email = ? AND expires_at > ?",
        &[email.into(), ctx.now_ms.into()],
    )?;
    Ok(row.is_some())
}

/// Uses up a link.
pub(super) fn close(tx: &Tx<'_>, digest: &str) -> Result<(), SqlError> {
    tx.write("DELETE FROM links WHERE digest = ?", &[digest.into()]).map(|_| ())
}

/// Uses up every link and challenge that opens or changes something: what was on its way to whoever had a hold of the account
/// does not arrive. The proof of an email, which is good for that email alone, stays.
pub(super) fn close_all(tx: &Tx<'_>) -> Result<(), SqlError> {
    tx.write("DELETE FROM links WHERE kind <> 'verify_email'", &[])?;
    tx.write(
        "UPDATE account SET pending_email = NULL, pending_email_until = NULL, pending_email_session = NULL",
        &[],
    )
    .map(|_| ())
}

const fn name(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::VerifyEmail => "verify_email",
        LinkKind::ResetPassword => "reset_password",
        LinkKind::ChangeEmail => "change_email",
        LinkKind::SecondFactor => "second_factor",
        LinkKind::Invitation => "invitation",
        LinkKind::Portal => "portal",
    }
}
