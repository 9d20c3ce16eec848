//! Disconnecting: from the call on nothing is sent with the credential, and a receipt says what became of it (claims C8, B3,
//! N5).
//!
//! One transaction takes the connection out of use and leaves its receipt. What can be revoked is, at once: the answer waits
//! for the provider a few seconds, and a task of the outbox goes on where that was not enough, or where this object stopped.

use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::outbox::{self, Task};
use crate::org::{change, oauth, receipts};
use crate::remote::{Remote, within};
use crate::reply::Reply;
use crate::store::{Committed, Event, Tx};
use connectors::catalogue::{self, Connector};
use protocol::api::{ConnectionStatus, Disconnected, Receipt, Revocation, StatusReason};
use protocol::{Code, ConnectionId};

/// How long a call waits for the provider, ms.
const INLINE_MS: u64 = 8_000;
/// From when on the outbox goes on with it, ms: the call that waits is over by then.
const TASK_DELAY_MS: u64 = 30_000;

/// `DELETE /v1/connections/{id}`.
pub(in crate::org) async fn delete(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    body: &[u8],
    id: &ConnectionId,
) -> Result<Reply, AppError> {
    let pending = change::answer(ctx, actor, body, 200, |tx| {
        Ok(withdraw(ctx, tx, actor, id)?.map(|receipt| Disconnected { receipt }))
    })?;
    if pending.replayed {
        return Ok(pending);
    }
    let receipt = revoke(ctx, remote, id).await?;
    let reply = Reply::json(200, &Disconnected { receipt })?;
    change::amend(ctx, actor, body, &reply)?;
    Ok(reply)
}

/// Disconnects for the sake of something greater, with one attempt at the provider and none after it unless the outbox
/// stays.
///
/// # Errors
/// `NotFound`; those of the database and the vault.
pub(in crate::org) async fn revoke_now(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    id: &ConnectionId,
) -> Result<Receipt, AppError> {
    ctx.store.transaction(|tx| withdraw(ctx, tx, actor, id))?;
    revoke(ctx, remote, id).await
}

/// The inline attempt. Whatever goes wrong with it, the connection is disconnected: the receipt says how far it got.
async fn revoke(ctx: Context<'_>, remote: &impl Remote, id: &ConnectionId) -> Result<Receipt, AppError> {
    let access = ctx.tokens.take(id, ctx.now_ms);
    if receipts::get(ctx, id)?.revocation == Revocation::Pending {
        let _ = within(remote, INLINE_MS, oauth::revoke(ctx, remote, id, access)).await;
    } else {
        ctx.tokens.forget(id);
    }
    receipts::get(ctx, id)
}

/// Takes a connection out of use: its row becomes a receipt's, with the credential as long as it is needed to end it.
fn withdraw(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    actor: &Actor,
    id: &ConnectionId,
) -> Result<Committed<Receipt>, AppError> {
    let row = ctx
        .store
        .first("SELECT connector, auth_type, status FROM connections WHERE id = ?", &[id.as_str().into()])?;
    let row = row.ok_or(Code::NotFound)?;
    let connector = row.text(0)?.to_owned();
    let by_hand = by_hand(catalogue::get(&connector), row.text(1)?, row.text(2)?);
    let is_pending = by_hand.is_none();
    let revocation = if is_pending { Revocation::Pending } else { Revocation::Unsupported };
    tx.write(
        "INSERT INTO receipts (connection_id, connector, name, parameters, allowed_hosts, client_id, sealed, revocation, \
         disconnected_at, deleted_at, refresh_begun_at, detail) \
         SELECT id, connector, name, parameters, allowed_hosts, client_id, CASE WHEN ? THEN sealed ELSE x'' END, ?, ?, ?, \
         COALESCE(refresh_begun_at, CASE WHEN status_reason = ? THEN refreshed_at END), ? FROM connections WHERE id = ?",
        &[
            u32::from(is_pending).into(),
            revocation.as_str().into(),
            ctx.now_ms.into(),
            (!is_pending).then_some(ctx.now_ms).into(),
            StatusReason::RotationLost.as_str().into(),
            by_hand.into(),
            id.as_str().into(),
        ],
    )?;
    tx.delete_sealed("connections", "id", id.as_str())?;
    tx.write("DELETE FROM authorizations WHERE connection_id = ?", &[id.as_str().into()])?;
    if is_pending {
        let task = Task::Revoke { connection: id.clone() };
        outbox::put_at(ctx, tx, ctx.now_ms + TASK_DELAY_MS, &task)?;
    }
    let receipt = receipts::get(ctx, id)?;
    // What is pending is told of when it is settled.
    if !is_pending {
        receipts::publish(ctx, tx, &receipt)?;
    }
    let event = Event::new("connection.deleted", id)
        .with("connector", connector)
        .with("revocation", revocation.as_str());
    tx.commit(&ctx.subject(actor.name()), event, receipt)
}

/// What is left to do by hand where nothing can be done for the person; `None` where the provider can be asked.
fn by_hand(connector: Option<&Connector>, auth_type: &str, status: &str) -> Option<String> {
    if auth_type == "none" {
        return Some("there was no credential".to_owned());
    }
    let Some(connector) = connector.filter(|connector| !connector.is_generic()) else {
        return Some("end the credential at its provider by hand".to_owned());
    };
    let Connector { name, docs, .. } = connector;
    match auth_type {
        super::OAUTH2 if status == ConnectionStatus::Pending.as_str() => {
            Some("access had not been granted yet".to_owned())
        }
        super::OAUTH2 if connector.oauth.as_ref().is_some_and(|oauth| oauth.revocation.is_some()) => None,
        super::OAUTH2 => {
            Some(format!("{name} has no call that ends access: remove it there by hand ({docs})"))
        }
        _ => Some(format!("{name} has no call that ends this credential: end it there by hand ({docs})")),
    }
}
