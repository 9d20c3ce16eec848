//! Endpoints: where messages and forwarded events are delivered, signed by Standard Webhooks (claim M8). What an endpoint's
//! deliveries carry that is secret is sealed to its id and host (invariants 3 and 4).
//!
//! An endpoint is a customer's or the workspace's own. To a customer's portal there are no others: whatever is asked about
//! one goes through [`get`], [`listed`] or [`find`].
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

mod create;
mod filter;
mod headers;
mod secrets;
mod signing;
mod state;
mod target;
mod update;
mod url;

pub(super) use create::create;
pub(super) use secrets::rotate;
pub(super) use signing::{custom_headers, shared_secrets, sign};
pub(super) use state::disable;
pub(super) use target::Target;
pub(super) use update::update;
pub(super) use url::open as open_url;

use super::actor::Actor;
use super::change;
use crate::context::Context;
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use protocol::access::{Level, Resource};
use protocol::api::{DisabledReason, Endpoint, List, SignatureVersion};
use protocol::reach::Made;
use protocol::time::rfc3339;
use protocol::{Code, EndpointId, Page, Permission};

const SELECT: &str = "SELECT rowid, id, url, event_types, description, created_at, customer_id, \
     (SELECT json_group_array(source_id) FROM \
      (SELECT source_id FROM endpoint_sources WHERE endpoint_id = endpoints.id ORDER BY rowid)), \
     ordered, header_names, rate_limit, signature, failing_since, disabled_at, disabled_reason, \
     (SELECT ends_at FROM endpoint_secrets WHERE endpoint_id = endpoints.id), allowed_hosts FROM endpoints";

/// `GET /v1/endpoints`, of one customer or all.
pub(super) fn list(
    ctx: Context<'_>,
    actor: &Actor,
    customer: Option<&str>,
    page: &Page,
) -> Result<List<Endpoint>, AppError> {
    let narrowed = [actor.customer(), customer].into_iter().flatten();
    let filters = narrowed.map(|customer| ("customer_id = ?", customer.into()));
    store::list(ctx.store, SELECT, filters, page, |row| read(ctx, row))
}

/// `GET /v1/endpoints/{id}`: with its whole URL for those who could change it.
pub(super) fn get(ctx: Context<'_>, actor: &Actor, id: &EndpointId) -> Result<Endpoint, AppError> {
    let row = find(ctx, actor, id, SELECT)?;
    let endpoint = read(ctx, &row)?;
    if !actor.may(Permission { resource: Resource::Endpoints, level: Level::Write }) {
        return Ok(endpoint);
    }
    Ok(Endpoint { url: url::url(ctx, id, &row.json::<Vec<String>>(16)?)?, ..endpoint })
}

/// An endpoint that the caller may see, as lists show it.
///
/// # Errors
/// `NotFound`.
pub(super) fn listed(ctx: Context<'_>, actor: &Actor, id: &EndpointId) -> Result<Endpoint, AppError> {
    Ok(read(ctx, &find(ctx, actor, id, SELECT)?)?)
}

/// The row of an endpoint that the caller may see; `select` up to its `WHERE`.
///
/// # Errors
/// `NotFound`, alike for one that is not there and one that is not the caller's.
fn find(ctx: Context<'_>, actor: &Actor, id: &EndpointId, select: &str) -> Result<Row, AppError> {
    let row = ctx.store.first(
        &format!("{select} WHERE id = ?1 AND (?2 IS NULL OR customer_id = ?2)"),
        &[id.as_str().into(), actor.customer().into()],
    )?;
    Ok(row.ok_or(Code::NotFound)?)
}

fn read(ctx: Context<'_>, row: &Row) -> Result<Endpoint, SqlError> {
    let previous_secret_until = row.optional_number(15)?.filter(|ends_at| *ends_at > ctx.now_ms);
    let disabled_reason = row.optional_text(14)?;
    Ok(Endpoint {
        id: row.parse(1)?,
        url: row.text(2)?.to_owned(),
        event_types: row.json(3)?,
        description: row.text(4)?.to_owned(),
        created_at: rfc3339(row.number(5)?),
        customer_id: row.optional_text(6)?.map(str::to_owned),
        sources: row.json(7)?,
        ordered: row.number(8)? != 0,
        header_names: row.json(9)?,
        rate_limit: row.optional_text(10)?.map(|_| row.json(10)).transpose()?,
        signature: SignatureVersion::parse(row.text(11)?).ok_or(SqlError::Row)?,
        failing_since: row.optional_number(12)?.map(rfc3339),
        disabled_at: row.optional_number(13)?.map(rfc3339),
        disabled_reason: disabled_reason
            .map(|reason| DisabledReason::parse(reason).ok_or(SqlError::Row))
            .transpose()?,
        previous_secret_until: previous_secret_until.map(rfc3339),
    })
}

/// `DELETE /v1/endpoints/{id}`, with all that there is of it.
pub(super) fn delete(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &EndpointId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        let endpoint = listed(ctx, actor, id)?;
        tx.delete_sealed("endpoints", "id", id.as_str())?;
        secrets::forget_former(tx, id)?;
        headers::forget(tx, id)?;
        url::forget(tx, id)?;
        for table in ["endpoint_sources", "deliveries", "attempts"] {
            tx.write(&format!("DELETE FROM {table} WHERE endpoint_id = ?"), &[id.as_str().into()])?;
        }
        tx.commit(
            &ctx.subject(actor.name()),
            about("endpoint.deleted", id, endpoint.customer_id.as_deref()),
            (),
        )
    })
}

/// The rights that an endpoint opens to its receiver: somebody who says where it is and what it gets has them.
const fn opens(gets_events: bool) -> &'static [Permission] {
    if gets_events { Made::EventEndpoint.opens() } else { Made::MessageEndpoint.opens() }
}

/// An audit event about an endpoint.
fn about(action: &'static str, id: &EndpointId, customer: Option<&str>) -> Event {
    let event = Event::new(action, id);
    match customer {
        Some(customer) => event.with("customer_id", customer),
        None => event,
    }
}
