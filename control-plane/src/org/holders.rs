//! Who has been shown which secret, of API keys and of links to the portal. A person who loses their rights, or a key that is
//! revoked, loses every secret that they were shown, by themselves or through keys (claims N7, N8).
//!
//! - A secret is named by a key's lookup characters or a link's id. It has one row per holder.
//! - A person who makes or rotates a key, or makes a link, holds the new secret.
//! - A key that does so holds it too, with everybody who holds the secret that the key was used with. So a key that rotates
//!   itself, or makes others, leaves nobody out.
//! - A key ends with its maker, with a holder of its current secret, and with a key that does. A secret that was rotated out
//!   ends alone: the key goes on with the new one.

use super::actor::{Actor, Kind};
use crate::context::Context;
use crate::error::AppError;
use crate::store::{Event, SqlError, Tx};
use protocol::Code;

/// Endpoints that one audit event names.
const MOST_TOLD: u32 = 100;

/// `lost(id)`: somebody who loses their rights, and every key that ends with them. `$holder` is an SQL expression.
macro_rules! lost_with {
    ($holder:literal) => {
        concat!(
            "WITH RECURSIVE lost(id) AS (SELECT ",
            $holder,
            " UNION SELECT k.id FROM lost, api_keys k WHERE k.created_by = lost.id \
             OR k.lookup IN (SELECT secret FROM secret_holders WHERE holder = lost.id))"
        )
    };
}
pub(super) use lost_with;

/// What ended with somebody's rights.
pub(super) struct Ended {
    /// API keys revoked.
    pub keys: usize,
    /// Secrets in the grace of a rotation.
    pub retired_secrets: usize,
    /// Links to the portal.
    pub portal_links: usize,
    /// Endpoints whose signing secret they were shown: it goes on, since receivers check it, until somebody rotates it.
    pub endpoints: Vec<String>,
}

impl Ended {
    /// Tells of it in an audit event.
    pub(super) fn tell(self, event: Event) -> Event {
        event
            .with("old_secrets_ended", self.retired_secrets)
            .with("portal_links_closed", self.portal_links)
            .with("endpoint_secrets_known", self.endpoints)
    }
}

/// Notes that a new secret is shown to the caller.
///
/// # Errors
/// Those of the database.
pub(super) fn record(tx: &Tx<'_>, actor: &Actor, secret: &str) -> Result<(), SqlError> {
    if let Kind::ApiKey { secret: presented, .. } = &actor.kind {
        tx.write(
            "INSERT OR IGNORE INTO secret_holders (secret, holder) \
             SELECT ?, holder FROM secret_holders WHERE secret = ?",
            &[secret.into(), presented.as_str().into()],
        )?;
    }
    tx.write(
        "INSERT OR IGNORE INTO secret_holders (secret, holder) VALUES (?, ?)",
        &[secret.into(), actor.name().into()],
    )?;
    Ok(())
}

/// Nobody was shown it any more: there is another in its place.
///
/// # Errors
/// Those of the database.
pub(super) fn forget(tx: &Tx<'_>, secret: &str) -> Result<(), SqlError> {
    tx.write("DELETE FROM secret_holders WHERE secret = ?", &[secret.into()])?;
    Ok(())
}

/// Whether the caller may be shown a new secret that works like its own: not by one that was rotated out, whose end is set,
/// and what it makes would outlive it.
///
/// # Errors
/// `Forbidden`.
pub(super) fn check_current(actor: &Actor) -> Result<(), AppError> {
    match actor.kind {
        Kind::ApiKey { is_retired: true, .. } => Err(AppError::refused(
            Code::Forbidden,
            "this secret of the key was rotated out: it cannot make or rotate keys or make links, use the new one",
        )),
        _ => Ok(()),
    }
}

/// Whether what the caller makes would be bound as it is itself: what a key with networks or a limit of its own makes works
/// from anywhere and counts for itself.
///
/// # Errors
/// `Forbidden`.
pub(super) fn check_unbound(actor: &Actor) -> Result<(), AppError> {
    match &actor.kind {
        Kind::ApiKey { rate_limit, allowed_ips, .. } if rate_limit.is_some() || allowed_ips.is_some() => {
            Err(AppError::refused(
                Code::Forbidden,
                "a key with a limit or networks of its own cannot make keys or links: these would have neither, use a \
                 key without them",
            ))
        }
        _ => Ok(()),
    }
}

/// Ends everything that somebody, a person or a key, was shown.
///
/// # Errors
/// Those of the database.
pub(super) fn end(ctx: Context<'_>, tx: &Tx<'_>, holder: &str) -> Result<Ended, SqlError> {
    const SHOWN: &str = "IN (SELECT secret FROM secret_holders WHERE holder IN lost)";
    let lost = lost_with!("?1");
    let run = |update: &str| -> Result<usize, SqlError> {
        Ok(tx.write(&format!("{lost} {update}"), &[holder.into(), ctx.now_ms.into()])?.len())
    };
    Ok(Ended {
        retired_secrets: run(&format!(
            "UPDATE rotated_keys SET ends_at = ?2 WHERE ends_at > ?2 AND lookup {SHOWN} RETURNING lookup"
        ))?,
        portal_links: run(&format!(
            "UPDATE portal_links SET expires_at = ?2 WHERE expires_at > ?2 AND id {SHOWN} RETURNING id"
        ))?,
        endpoints: endpoints(tx, holder)?,
        keys: run(
            "UPDATE api_keys SET revoked_at = ?2 WHERE id IN lost AND revoked_at IS NULL RETURNING id",
        )?,
    })
}

/// Endpoints whose secret they were shown.
fn endpoints(tx: &Tx<'_>, holder: &str) -> Result<Vec<String>, SqlError> {
    const KNOWN: &str = concat!(
        "SELECT DISTINCT secret FROM secret_holders WHERE secret IN (SELECT id FROM endpoints) AND holder IN (",
        lost_with!("?"),
        " SELECT id FROM lost) LIMIT ?"
    );
    let rows = tx.store().query(KNOWN, &[holder.into(), MOST_TOLD.into()])?;
    rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
}
