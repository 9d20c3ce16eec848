//! Messages as they are read: a list, and one with its payload, opened for this answer alone.

use super::scope;
use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::{dek, deliveries};
use crate::store::{self, Row, SqlError};
use protocol::api::{List, Message, MessageSummary};
use protocol::time::rfc3339;
use protocol::{Code, MessageId, Page};
use serde_json::value::RawValue;
use vault::Sealed;

const SELECT: &str = "SELECT rowid, id, event_type, customer_id, inbound_event_id, created_at, size, \
                      (SELECT COUNT(*) FROM deliveries WHERE message_id = messages.id) FROM messages";

/// `GET /v1/messages`.
pub(in crate::org) fn list(
    ctx: Context<'_>,
    actor: &Actor,
    customer: Option<&str>,
    page: &Page,
) -> Result<List<MessageSummary>, AppError> {
    let asked = customer.map(|customer| ("customer_id = ?", customer.into()));
    store::list(ctx.store, SELECT, scope::messages(ctx, actor).into_iter().chain(asked), page, read)
}

/// `GET /v1/messages/{id}`.
pub(in crate::org) fn get(ctx: Context<'_>, actor: &Actor, id: &MessageId) -> Result<Message, AppError> {
    let summary = summary(ctx, actor, id)?;
    if summary.inbound_event_id.is_some() {
        return Ok(Message { summary, payload: None });
    }
    let row = ctx
        .store
        .first("SELECT sealed FROM messages WHERE id = ?", &[id.as_str().into()])?
        .ok_or(Code::NotFound)?;
    let payload = dek::open(ctx, &deliveries::place(ctx.org, id), &Sealed::from_bytes(row.blob(0)?)?)?;
    let payload = String::from_utf8(payload.to_vec()).map_err(|_| AppError::Encoding)?;
    Ok(Message { summary, payload: Some(RawValue::from_string(payload)?) })
}

/// A message that the caller sees.
///
/// # Errors
/// `NotFound`; those of the database.
pub(super) fn summary(ctx: Context<'_>, actor: &Actor, id: &MessageId) -> Result<MessageSummary, AppError> {
    let (mut select, mut parameters) = (format!("{SELECT} WHERE id = ?"), vec![id.as_str().into()]);
    for (condition, parameter) in scope::messages(ctx, actor) {
        select.push_str(" AND ");
        select.push_str(condition);
        parameters.push(parameter);
    }
    Ok(read(&ctx.store.first(&select, &parameters)?.ok_or(Code::NotFound)?)?)
}

fn read(row: &Row) -> Result<MessageSummary, SqlError> {
    Ok(MessageSummary {
        id: row.parse(1)?,
        event_type: row.text(2)?.to_owned(),
        customer_id: row.optional_text(3)?.map(str::to_owned),
        inbound_event_id: row.optional_text(4)?.map(|_| row.parse(4)).transpose()?,
        created_at: rfc3339(row.number(5)?),
        size: row.number(6)?,
        deliveries: row.number(7)?,
    })
}
