//! In use or out of it. An endpoint that is out of use is sent nothing: what it is to get fails as it is written, and can be
//! recovered when it is back.

use super::about;
use crate::context::Context;
use crate::error::AppError;
use crate::org::limits;
use crate::org::messages::{OwnEvent, publish};
use crate::org::notices::{self, Notice};
use crate::store::{Committed, Row, SqlError, Tx};
use protocol::api::DisabledReason;
use protocol::{Code, EndpointId};

/// Between two mails about one endpoint, ms: who puts it back and has it taken out again is no way to flood administrators.
const TOLD_MS: u64 = 86_400_000;

/// Takes an endpoint out of use for what it has answered, and tells the administrators; nothing where it is so already, or is no more.
///
/// # Errors
/// Those of the database and the vault.
pub(in crate::org) fn disable(
    ctx: Context<'_>,
    id: &EndpointId,
    reason: DisabledReason,
) -> Result<(), AppError> {
    let in_use = "SELECT 1 FROM endpoints WHERE id = ? AND disabled_at IS NULL";
    if ctx.store.first(in_use, &[id.as_str().into()])?.is_none() {
        return Ok(());
    }
    ctx.store.transaction(|tx| take_out(ctx, tx, "system", id, reason))
}

/// Takes an endpoint out of use, in the transaction that has read that it is in use. What is pending fails.
pub(super) fn take_out(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    actor: &str,
    id: &EndpointId,
    reason: DisabledReason,
) -> Result<Committed<()>, AppError> {
    let row = returned(tx.write(
        "UPDATE endpoints SET disabled_at = ?, disabled_reason = ? WHERE id = ? RETURNING allowed_hosts, customer_id",
        &[ctx.now_ms.into(), reason.as_str().into(), id.as_str().into()],
    )?)?;
    tx.write(
        "UPDATE deliveries SET status = 'failed', reason = 'endpoint_disabled', due_at = NULL \
         WHERE endpoint_id = ? AND status = 'pending'",
        &[id.as_str().into()],
    )?;
    let hosts: Vec<String> = row.json(0)?;
    let host = hosts.first().ok_or(SqlError::Row)?;
    // What a customer does to endpoints of theirs is no way to flood the workspace's.
    let is_told =
        row.optional_text(1)?.map_or(Ok(true), |customer| limits::tells_of_customer(ctx, customer))?;
    if is_told {
        publish(ctx, tx, &OwnEvent::EndpointDisabled { endpoint_id: id, host, reason })?;
    }
    if reason != DisabledReason::Manual && is_to_be_told(ctx, tx, id)? {
        notices::tell(ctx, tx, Notice::EndpointDisabled { endpoint: id.clone() })?;
    }
    let event = about("endpoint.disabled", id, row.optional_text(1)?)
        .with("host", hosts.as_slice())
        .with("reason", reason.as_str());
    tx.commit(&ctx.subject(actor), event, ())
}

/// Whether the last mail about it is long ago; this one counts as the last then.
fn is_to_be_told(ctx: Context<'_>, tx: &Tx<'_>, id: &EndpointId) -> Result<bool, SqlError> {
    let told = tx.write(
        "UPDATE endpoints SET told_at = ? WHERE id = ? AND (told_at IS NULL OR told_at <= ?) RETURNING id",
        &[ctx.now_ms.into(), id.as_str().into(), ctx.now_ms.saturating_sub(TOLD_MS).into()],
    )?;
    Ok(!told.is_empty())
}

/// Puts it back into use, with a new start.
pub(super) fn put_back(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    actor: &str,
    id: &EndpointId,
) -> Result<Committed<()>, AppError> {
    let row = returned(tx.write(
        "UPDATE endpoints SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE id = ? \
         RETURNING customer_id",
        &[id.as_str().into()],
    )?)?;
    tx.commit(&ctx.subject(actor), about("endpoint.enabled", id, row.optional_text(0)?), ())
}

fn returned(rows: Vec<Row>) -> Result<Row, AppError> {
    Ok(rows.into_iter().next().ok_or(Code::NotFound)?)
}
