//! Receipts: what became of the credentials of connections that were, here and at their providers (claims C8, B3).
//!
//! Until its revocation is settled a receipt holds the sealed credential, in the place that it is sealed to; nothing but the
//! revocation opens it there.

use super::connections::one_of;
use super::messages::{self, OwnEvent};
use super::oauth;
use crate::context::Context;
use crate::error::AppError;
use crate::remote::Remote;
use crate::store::{self, Event, Row, SqlError, Tx};
use protocol::api::{Evidence, List, Receipt, Revocation};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId, Page};
use vault::Sealed;

const SELECT: &str = "SELECT rowid, connection_id, connector, name, revocation, disconnected_at, deleted_at, endpoint, \
                      http_status, attempted_at, attempts, detail FROM receipts";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Receipt>, AppError> {
    store::list(ctx.store, SELECT, [], page, read)
}

/// The next ones after a row, the oldest first, each with its row.
pub(super) fn after(ctx: Context<'_>, row: u64, most: u32) -> Result<Vec<(u64, Receipt)>, SqlError> {
    let select = format!("{SELECT} WHERE rowid > ? ORDER BY rowid LIMIT ?");
    let rows = ctx.store.query(&select, &[row.into(), most.into()])?;
    rows.iter().map(|row| Ok((row.number(0)?, read(row)?))).collect()
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

/// A refresh for the sake of a revocation begins.
pub(super) fn begin_refresh(ctx: Context<'_>, id: &ConnectionId) -> Result<(), AppError> {
    ctx.store.transaction(|tx| {
        tx.write(
            "UPDATE receipts SET refresh_begun_at = ? WHERE connection_id = ?",
            &[ctx.now_ms.into(), id.as_str().into()],
        )?;
        tx.commit(&ctx.subject("system"), Event::new("credential.refresh_begun", id), ())
    })
}

/// It ends well, or one ends that was under way when its connection was disconnected: what it brings is what there is to
/// revoke.
pub(super) fn keep_refreshed(
    ctx: Context<'_>,
    id: &ConnectionId,
    sealed: Option<Sealed>,
) -> Result<(), AppError> {
    if !is_pending(ctx, id)? {
        return Ok(());
    }
    let event = Event::new("credential.refreshed", id).with("is_rotated", sealed.is_some());
    ctx.store.transaction(|tx| {
        if let Some(sealed) = sealed {
            tx.wipe_sealed("receipts", "connection_id", id.as_str())?;
            tx.write(
                "UPDATE receipts SET sealed = ? WHERE connection_id = ?",
                &[sealed.into_bytes().into(), id.as_str().into()],
            )?;
        }
        tx.write(
            "UPDATE receipts SET refresh_begun_at = NULL WHERE connection_id = ?",
            &[id.as_str().into()],
        )?;
        tx.commit(&ctx.subject("system"), event, ())
    })
}

/// What became of it, for good. The credential goes.
pub(super) fn settle(
    ctx: Context<'_>,
    id: &ConnectionId,
    revocation: Revocation,
    http_status: Option<u16>,
    detail: Option<String>,
) -> Result<(), AppError> {
    if !is_pending(ctx, id)? {
        return Ok(());
    }
    ctx.tokens.forget(id);
    ctx.store.transaction(|tx| {
        tx.wipe_sealed("receipts", "connection_id", id.as_str())?;
        tx.write(
            "UPDATE receipts SET sealed = x'', revocation = ?, deleted_at = ?, http_status = ?, refresh_begun_at = NULL, \
             detail = ? WHERE connection_id = ?",
            &[
                revocation.as_str().into(),
                ctx.now_ms.into(),
                http_status.map(u32::from).into(),
                detail.into(),
                id.as_str().into(),
            ],
        )?;
        publish(ctx, tx, &get(ctx, id)?)?;
        let event = Event::new("connection.revocation_settled", id)
            .with("revocation", revocation.as_str())
            .with("http_status", http_status);
        tx.commit(&ctx.subject("system"), event, ())
    })
}

/// Tells the workspace's endpoints how a disconnecting has ended.
pub(super) fn publish(ctx: Context<'_>, tx: &Tx<'_>, receipt: &Receipt) -> Result<(), AppError> {
    messages::publish(
        ctx,
        tx,
        &OwnEvent::ConnectionDisconnected {
            connection_id: &receipt.connection_id,
            connector: &receipt.connector,
            name: &receipt.name,
            revocation: receipt.revocation,
        },
    )
}

fn is_pending(ctx: Context<'_>, id: &ConnectionId) -> Result<bool, SqlError> {
    let select = "SELECT 1 FROM receipts WHERE connection_id = ? AND revocation = 'pending'";
    Ok(ctx.store.first(select, &[id.as_str().into()])?.is_some())
}

/// The outbox's attempt at ending a grant; whether the receipt is settled.
///
/// # Errors
/// Those of the database and the vault.
pub async fn revoke(ctx: Context<'_>, remote: &impl Remote, id: &ConnectionId) -> Result<bool, AppError> {
    oauth::revoke(ctx, remote, id, None).await?;
    Ok(!is_pending(ctx, id)?)
}
