//! Receipts: what became of the credentials of connections that were, here and at their providers (claims C8, B3).
//!
//! Until its revocation is settled a receipt holds the sealed credential, in the place that it is sealed to; nothing but the
//! revocation opens it there.

use super::connections::one_of;
use crate::context::Context;
use crate::error::AppError;
use crate::store::{self, Event, Row, SqlError};
use protocol::api::{Evidence, List, Receipt, Revocation};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId, Page};
use vault::Sealed;

const SELECT: &str = "SELECT rowid, connection_id, connector, name, revocation, disconnected_at, deleted_at, endpoint, \
                      http_status, attempted_at, attempts, detail FROM receipts";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Receipt>, AppError> {
    store::list(ctx.store, SELECT, [], page, read)
}

pub(super) fn get(ctx: Context<'_>, id: &ConnectionId) -> Result<Receipt, AppError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE connection_id = ?"), &[id.as_str().into()])?;
    Ok(read(&row.ok_or(Code::NotFound)?)?)
}

fn read(row: &Row) -> Result<Receipt, SqlError> {
    let evidence = match (row.optional_text(7)?, row.optional_number(9)?) {
        (Some(endpoint), Some(at)) => Some(Evidence {
            endpoint: endpoint.to_owned(),
            http_status: row.optional_number(8)?.and_then(|status| u16::try_from(status).ok()),
            at: rfc3339(at),
            attempts: u32::try_from(row.number(10)?).map_err(|_| SqlError::Row)?,
        }),
        _ => None,
    };
    Ok(Receipt {
        connection_id: row.parse(1)?,
        connector: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        revocation: one_of(
            [Revocation::Pending, Revocation::Revoked, Revocation::Unsupported, Revocation::Failed],
            Revocation::as_str,
            row.text(4)?,
        )?,
        disconnected_at: rfc3339(row.number(5)?),
        deleted_at: row.optional_number(6)?.map(rfc3339),
        evidence,
        detail: row.optional_text(11)?.map(str::to_owned),
    })
}

/// A refresh that was under way when its connection was disconnected has brought another refresh token: it is the one to
/// revoke.
pub(super) fn keep_rotated(ctx: Context<'_>, id: &ConnectionId, sealed: Sealed) -> Result<(), AppError> {
    let pending = ctx.store.first(
        "SELECT 1 FROM receipts WHERE connection_id = ? AND revocation = 'pending'",
        &[id.as_str().into()],
    )?;
    if pending.is_none() {
        return Ok(());
    }
    ctx.store.transaction(|tx| {
        tx.write(
            "UPDATE receipts SET sealed = ? WHERE connection_id = ?",
            &[sealed.into_bytes().into(), id.as_str().into()],
        )?;
        tx.commit(&ctx.subject("system"), Event::new("credential.refreshed", id).with("is_rotated", true), ())
    })
}
