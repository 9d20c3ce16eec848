//! How far messages have come: deliveries and the attempts at them, by message and by endpoint.

use super::{read, scope};
use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::endpoints;
use crate::store::{self, Row, SqlError, Value};
use protocol::api::{Attempt, AttemptStatus, Delivery, DeliveryStatus, List};
use protocol::time::rfc3339;
use protocol::{Code, EndpointId, MessageId, Page};

const DELIVERIES: &str = "SELECT rowid, message_id, endpoint_id, (SELECT event_type FROM messages WHERE id = message_id), \
                          status, reason, attempts, http_status, (SELECT created_at FROM messages WHERE id = message_id), \
                          due_at FROM deliveries";
const ATTEMPTS: &str = "SELECT rowid, id, message_id, endpoint_id, (SELECT event_type FROM messages WHERE id = message_id), \
                        at, number, status, http_status, duration_ms, error, response FROM attempts";

/// `GET /v1/endpoints/{id}/deliveries`.
pub(in crate::org) fn deliveries_to(
    ctx: Context<'_>,
    actor: &Actor,
    id: &EndpointId,
    status: Option<DeliveryStatus>,
    page: &Page,
) -> Result<List<Delivery>, AppError> {
    endpoints::listed(ctx, actor, id)?;
    let of = [("endpoint_id = ?", Value::from(id.as_str()))];
    let status = status.map(|status| ("status = ?", status.as_str().into()));
    let filters = of.into_iter().chain(status).chain(scope::progress(ctx, actor));
    store::list(ctx.store, DELIVERIES, filters, page, delivery)
}

/// `GET /v1/messages/{id}/deliveries`: whole, since there are as many as endpoints at most.
pub(in crate::org) fn deliveries_of(
    ctx: Context<'_>,
    actor: &Actor,
    id: &MessageId,
) -> Result<List<Delivery>, AppError> {
    read::summary(ctx, actor, id)?;
    let rows = ctx.store.query(
        &format!(
            "{DELIVERIES} WHERE message_id = ?1 AND (?2 IS NULL OR \
             EXISTS (SELECT 1 FROM endpoints e WHERE e.id = endpoint_id AND e.customer_id = ?2)) ORDER BY rowid DESC"
        ),
        &[id.as_str().into(), actor.customer().into()],
    )?;
    Ok(List { data: rows.iter().map(delivery).collect::<Result<_, _>>()?, next_cursor: None })
}

/// One of them.
///
/// # Errors
/// `NotFound`; those of the database.
pub(super) fn one(
    ctx: Context<'_>,
    message: &MessageId,
    endpoint: &EndpointId,
) -> Result<Delivery, AppError> {
    let row = ctx.store.first(
        &format!("{DELIVERIES} WHERE message_id = ? AND endpoint_id = ?"),
        &[message.as_str().into(), endpoint.as_str().into()],
    )?;
    Ok(delivery(&row.ok_or(Code::NotFound)?)?)
}

/// `GET /v1/endpoints/{id}/attempts`.
pub(in crate::org) fn attempts_at(
    ctx: Context<'_>,
    actor: &Actor,
    id: &EndpointId,
    page: &Page,
) -> Result<List<Attempt>, AppError> {
    endpoints::listed(ctx, actor, id)?;
    attempts(ctx, actor, ("endpoint_id = ?", id.as_str().into()), page)
}

/// `GET /v1/messages/{id}/attempts`.
pub(in crate::org) fn attempts_of(
    ctx: Context<'_>,
    actor: &Actor,
    id: &MessageId,
    page: &Page,
) -> Result<List<Attempt>, AppError> {
    read::summary(ctx, actor, id)?;
    attempts(ctx, actor, ("message_id = ?", id.as_str().into()), page)
}

fn attempts(
    ctx: Context<'_>,
    actor: &Actor,
    of: (&'static str, Value),
    page: &Page,
) -> Result<List<Attempt>, AppError> {
    let filters = [of].into_iter().chain(scope::progress(ctx, actor));
    store::list(ctx.store, ATTEMPTS, filters, page, attempt)
}

fn delivery(row: &Row) -> Result<Delivery, SqlError> {
    Ok(Delivery {
        message_id: row.parse(1)?,
        endpoint_id: row.parse(2)?,
        event_type: row.text(3)?.to_owned(),
        status: DeliveryStatus::parse(row.text(4)?).ok_or(SqlError::Row)?,
        reason: row.optional_text(5)?.map(str::to_owned),
        attempts: count(row, 6)?,
        http_status: http_status(row, 7)?,
        created_at: rfc3339(row.number(8)?),
        next_attempt_at: row.optional_number(9)?.map(rfc3339),
    })
}

fn attempt(row: &Row) -> Result<Attempt, SqlError> {
    Ok(Attempt {
        id: row.parse(1)?,
        message_id: row.parse(2)?,
        endpoint_id: row.parse(3)?,
        event_type: row.text(4)?.to_owned(),
        at: rfc3339(row.number(5)?),
        number: count(row, 6)?,
        status: AttemptStatus::parse(row.text(7)?).ok_or(SqlError::Row)?,
        http_status: http_status(row, 8)?,
        duration_ms: row.optional_number(9)?,
        error: row.optional_text(10)?.map(str::to_owned),
        response: row.optional_text(11)?.map(str::to_owned),
    })
}

fn count(row: &Row, column: usize) -> Result<u32, SqlError> {
    u32::try_from(row.number(column)?).map_err(|_| SqlError::Row)
}

fn http_status(row: &Row, column: usize) -> Result<Option<u16>, SqlError> {
    row.optional_number(column)?.map(u16::try_from).transpose().map_err(|_| SqlError::Row)
}
