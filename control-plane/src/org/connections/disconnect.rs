//! Disconnecting: from the call on nothing is sent with the credential, and a receipt says what became of it (claims C8, B3).

use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::change;
use crate::org::endpoints::{self, OwnEvent};
use crate::reply::Reply;
use crate::store::Event;
use protocol::api::{Disconnected, Receipt, Revocation};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId};

pub(in crate::org) fn delete(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &ConnectionId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 200, |tx| {
        // SQLite leaves a deleted row's bytes in its page; overwritten first, no sealed credential is left in the file.
        tx.write(
            "UPDATE connections SET sealed = zeroblob(length(sealed)) WHERE id = ?",
            &[id.as_str().into()],
        )?;
        let deleted = tx
            .write("DELETE FROM connections WHERE id = ? RETURNING connector, name", &[id.as_str().into()])?;
        let deleted = deleted.first().ok_or(Code::NotFound)?;
        let connector = deleted.text(0)?.to_owned();
        let receipt = Receipt {
            connection_id: id.clone(),
            connector: connector.clone(),
            name: deleted.text(1)?.to_owned(),
            // The generic connector knows no way to revoke a key at its provider.
            revocation: Revocation::Unsupported,
            disconnected_at: rfc3339(ctx.now_ms),
            deleted_at: Some(rfc3339(ctx.now_ms)),
            evidence: None,
            detail: None,
        };
        let disconnected = OwnEvent::ConnectionDisconnected {
            connection_id: id,
            connector: &receipt.connector,
            name: &receipt.name,
            revocation: receipt.revocation,
        };
        endpoints::publish(ctx, tx, &disconnected)?;
        let event = Event::new("connection.deleted", id)
            .with("connector", connector)
            .with("revocation", serde_json::to_value(receipt.revocation)?);
        tx.commit(&ctx.subject(actor.name()), event, Disconnected { receipt })
    })
}
