//! Endpoints: where messages and forwarded events are delivered, signed by Standard Webhooks (claim M8). An endpoint's secret is shown once and sealed to the endpoint's
//! id and host (invariants 3 and 4).
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

mod headers;
mod secrets;
mod signing;
mod target;

pub(super) use secrets::place;
#[allow(unused_imports, reason = "written first")]
pub(super) use signing::{custom_headers, sign};
pub(super) use target::Target;

use super::actor::Actor;
use super::messages::EventType;
use super::{change, connections, dek};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{check_name, parse};
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::api::{
    CreatedEndpoint, Delivery, DeliveryStatus, Endpoint, List, NewEndpoint, ShownOnce, SignatureVersion,
};
use protocol::time::rfc3339;
use protocol::{Code, EndpointId, Page};
use zeroize::Zeroizing;

/// The most of an org. Each of them gets a copy of every event.
const MOST: u64 = 20;
/// Of the secret: what HMAC-SHA256 makes use of. The specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;
/// What is settled is kept for so long, ms.
const KEPT_MS: u64 = 30 * 86_400_000;

const SELECT: &str = "SELECT rowid, id, url, event_types, description, created_at FROM endpoints";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Endpoint>, AppError> {
    store::list(ctx.store, SELECT, [], page, read)
}

pub(super) fn get(ctx: Context<'_>, id: &EndpointId) -> Result<Endpoint, AppError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE id = ?"), &[id.as_str().into()])?;
    Ok(read(&row.ok_or(Code::NotFound)?)?)
}

fn read(row: &Row) -> Result<Endpoint, SqlError> {
    Ok(Endpoint {
        id: row.parse(1)?,
        url: target::shown(row.text(2)?),
        event_types: row.json(3)?,
        description: row.text(4)?.to_owned(),
        created_at: rfc3339(row.number(5)?),
        customer_id: None,
        sources: Vec::new(),
        ordered: false,
        header_names: Vec::new(),
        rate_limit: None,
        signature: SignatureVersion::V1,
        failing_since: None,
        disabled_at: None,
        disabled_reason: None,
        previous_secret_until: None,
    })
}

pub(super) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewEndpoint = parse(body)?;
    let target = Target::parse(&request.url, connections::policy(ctx.allow_local_upstreams))?;
    let event_types = event_types(&request.event_types)?;
    let description = request.description.unwrap_or_default();
    if !description.is_empty() {
        check_name("description", &description)?;
    }

    change::answer(ctx, actor, body, 201, |tx| {
        let count =
            ctx.store.first("SELECT COUNT(*) FROM endpoints", &[])?.ok_or(SqlError::Row)?.number(0)?;
        if count >= MOST {
            return Err(AppError::refused(
                Code::ValidationFailed,
                format!("a workspace has at most {MOST} endpoints: delete one first"),
            ));
        }
        let id = EndpointId::new(ctx.now_ms, random()?);
        let secret = Zeroizing::new(random::<SECRET_BYTES>()?);
        let sealed = dek::seal(ctx, &place(ctx.org, &id, &target.allowed_hosts), secret.as_slice())?;
        tx.write(
            "INSERT INTO endpoints (id, url, allowed_hosts, event_types, description, sealed, created_by, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                target.url.as_str().into(),
                serde_json::to_string(&target.allowed_hosts)?.into(),
                serde_json::to_string(&event_types)?.into(),
                description.as_str().into(),
                sealed.into_bytes().into(),
                actor.name().into(),
                ctx.now_ms.into(),
            ],
        )?;
        // The host, not the URL: receivers put secrets of their own into path and query.
        let event = Event::new("endpoint.created", &id)
            .with("host", target.allowed_hosts.as_slice())
            .with("event_types", event_types.as_slice());
        let endpoint = Endpoint { url: target.url.clone(), ..get(ctx, &id)? };
        let secret = ShownOnce(format!("whsec_{}", STANDARD.encode(secret.as_slice())));
        tx.commit(&ctx.subject(actor.name()), event, CreatedEndpoint { endpoint, secret })
    })
}

/// The names of a request, each once, in the catalogue's order.
fn event_types(names: &[String]) -> Result<Vec<&'static str>, AppError> {
    let mut kinds = names
        .iter()
        .map(|name| {
            EventType::parse(name).ok_or_else(|| {
                let all = EventType::ALL.map(EventType::as_str).join(", ");
                AppError::refused(Code::ValidationFailed, format!("event_types: each must be one of {all}"))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds.into_iter().map(EventType::as_str).collect())
}

pub(super) fn delete(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &EndpointId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        tx.wipe_sealed("endpoints", "id", id.as_str())?;
        let deleted = tx.write("DELETE FROM endpoints WHERE id = ? RETURNING id", &[id.as_str().into()])?;
        if deleted.is_empty() {
            return Err(Code::NotFound.into());
        }
        tx.write("DELETE FROM deliveries WHERE endpoint_id = ?", &[id.as_str().into()])?;
        tx.commit(&ctx.subject(actor.name()), Event::new("endpoint.deleted", id), ())
    })
}

/// What was, or is still to be, delivered to an endpoint.
pub(super) fn deliveries(ctx: Context<'_>, id: &EndpointId, page: &Page) -> Result<List<Delivery>, AppError> {
    const SELECT: &str = "SELECT rowid, message_id, (SELECT event_type FROM messages WHERE id = message_id), status, attempts, \
                          http_status, (SELECT created_at FROM messages WHERE id = message_id), due_at, reason FROM deliveries";
    get(ctx, id)?;
    store::list(ctx.store, SELECT, [("endpoint_id = ?", id.as_str().into())], page, |row| {
        Ok(Delivery {
            message_id: row.parse(1)?,
            endpoint_id: id.clone(),
            event_type: row.text(2)?.to_owned(),
            status: DeliveryStatus::parse(row.text(3)?).ok_or(SqlError::Row)?,
            reason: row.optional_text(8)?.map(str::to_owned),
            attempts: u32::try_from(row.number(4)?).map_err(|_| SqlError::Row)?,
            http_status: row.optional_number(5)?.map(u16::try_from).transpose().map_err(|_| SqlError::Row)?,
            created_at: rfc3339(row.number(6)?),
            next_attempt_at: row.optional_number(7)?.map(rfc3339),
        })
    })
}

/// When the oldest event was published whose deliveries are kept, Unix ms.
pub(super) fn oldest(ctx: Context<'_>) -> u64 {
    ctx.now_ms.saturating_sub(KEPT_MS)
}
