//! What is put on its way: a message and a delivery to each endpoint that wants it, in the caller's transaction.

use super::lanes::advance;
use crate::context::Context;
use crate::error::AppError;
use crate::org::dek;
use crate::store::Tx;
use protocol::{Code, EndpointId, InboundEventId, MessageId, OrgId, SourceId};
use vault::Purpose;

/// A message to be.
pub(in crate::org) struct Outgoing<'a> {
    pub id: &'a MessageId,
    pub event_type: &'a str,
    pub audience: Audience<'a>,
    pub content: Content<'a>,
    /// Whether it is kept where no endpoint wants it.
    pub keep: bool,
}

/// Whose endpoints a message is for.
#[derive(Clone, Copy)]
pub(in crate::org) enum Audience<'a> {
    /// A customer's, or where there is none the workspace's own: those that get messages of this type.
    Customer(Option<&'a str>),
    /// Those that get this source's events of this type.
    Source { id: &'a SourceId, paused: bool },
    /// One, whatever it asks for, which is this customer's.
    Endpoint { id: &'a EndpointId, customer: Option<&'a str> },
    /// Nobody yet: deliveries are added one by one ([`rearm`]).
    Nobody,
}

/// What is delivered.
#[derive(Clone, Copy)]
pub(in crate::org) enum Content<'a> {
    /// JSON, to the byte.
    Payload(&'a str),
    /// A stored event's body: it stays where it is.
    Event { id: &'a InboundEventId, size: u64 },
}

/// Writes a message and its deliveries, due now; how many those are. A delivery to an endpoint that is out of use has
/// failed already, so that it can be recovered.
///
/// # Errors
/// Those of the database and the vault.
pub(in crate::org) fn enqueue(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    message: &Outgoing<'_>,
) -> Result<u64, AppError> {
    /// `?3` is the type, `?4` whether the source is paused, `?5` the lane.
    const DELIVER: &str = "INSERT INTO deliveries (message_id, endpoint_id, lane, status, reason, due_at) \
         SELECT ?1, e.id, ?5, iif(e.disabled_at IS NULL, 'pending', 'failed'), \
         iif(e.disabled_at IS NULL, NULL, 'endpoint_disabled'), \
         iif(e.disabled_at IS NOT NULL OR ?4 OR (e.ordered AND EXISTS (SELECT 1 FROM deliveries d \
         WHERE d.endpoint_id = e.id AND d.lane = ?5 AND d.status = 'pending')), NULL, ?2) ";
    const WANTS: &str = "(e.event_types = '[]' OR EXISTS (SELECT 1 FROM json_each(e.event_types) \
         WHERE value = ?3 OR (value LIKE '%.*' AND substr(?3, 1, length(value) - 1) = substr(value, 1, length(value) - 1))))";
    let (paused, lane) = match message.audience {
        Audience::Source { id, paused } => (paused, id.as_str()),
        Audience::Customer(_) | Audience::Endpoint { .. } | Audience::Nobody => (false, ""),
    };
    let mut parameters = vec![
        message.id.as_str().into(),
        ctx.now_ms.into(),
        message.event_type.into(),
        u64::from(paused).into(),
        lane.into(),
    ];
    let (from, customer) = match message.audience {
        Audience::Customer(customer) => {
            parameters.push(customer.into());
            let of = "e.customer_id IS ?6 AND NOT EXISTS (SELECT 1 FROM endpoint_sources WHERE endpoint_id = e.id)";
            (format!("FROM endpoints e WHERE {of} AND {WANTS}"), customer)
        }
        Audience::Source { .. } => (
            format!(
                "FROM endpoint_sources s JOIN endpoints e ON e.id = s.endpoint_id WHERE s.source_id = ?5 AND {WANTS}"
            ),
            None,
        ),
        Audience::Endpoint { id, customer } => {
            parameters.push(id.as_str().into());
            ("FROM endpoints e WHERE e.id = ?6".to_owned(), customer)
        }
        Audience::Nobody => ("FROM endpoints e WHERE 0".to_owned(), None),
    };
    let made = tx.write(&format!("{DELIVER}{from} RETURNING endpoint_id"), &parameters)?.len() as u64;
    if made == 0 && !message.keep {
        return Ok(0);
    }
    let (event, size, sealed) = match message.content {
        Content::Payload(payload) => {
            let sealed = dek::seal(ctx, &place(ctx.org, message.id), payload.as_bytes())?;
            (None, payload.len() as u64, sealed.into_bytes())
        }
        Content::Event { id, size } => (Some(id.as_str()), size, Vec::new()),
    };
    tx.write(
        "INSERT INTO messages (id, event_type, customer_id, inbound_event_id, size, created_at, sealed) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        &[
            message.id.as_str().into(),
            message.event_type.into(),
            customer.into(),
            event.into(),
            size.into(),
            ctx.now_ms.into(),
            sealed.into(),
        ],
    )?;
    wake(ctx);
    Ok(made)
}

/// Makes a delivery due now, from the beginning of its schedule, whatever has become of it; in the lane of an endpoint that
/// keeps order, in its old place: after what is under way and before what came later.
///
/// # Errors
/// `NotFound`; `EndpointDisabled` where it could not be sent; those of the database.
pub(in crate::org) fn rearm(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    message: &MessageId,
    endpoint: &EndpointId,
) -> Result<(), AppError> {
    let row = tx
        .store()
        .first("SELECT disabled_at, ordered FROM endpoints WHERE id = ?", &[endpoint.as_str().into()])?
        .ok_or(Code::NotFound)?;
    if row.optional_number(0)?.is_some() {
        return Err(Code::EndpointDisabled.into());
    }
    // Where order is kept it waits until its turn comes, and of a paused source in any case.
    let rearmed = tx.write(
        "INSERT INTO deliveries (message_id, endpoint_id, lane, status, due_at) \
         SELECT m.id, ?2, COALESCE(s.source_id, ''), 'pending', iif(?4 OR p.paused_at IS NOT NULL, NULL, ?3) \
         FROM messages m LEFT JOIN inbound_events s ON s.id = m.inbound_event_id \
         LEFT JOIN sources p ON p.id = s.source_id WHERE m.id = ?1 \
         ON CONFLICT (message_id, endpoint_id) DO UPDATE SET status = 'pending', reason = NULL, step = 0, \
         due_at = iif(?4 OR EXISTS (SELECT 1 FROM sources WHERE id = lane AND paused_at IS NOT NULL), NULL, ?3) \
         RETURNING lane",
        &[message.as_str().into(), endpoint.as_str().into(), ctx.now_ms.into(), row.number(1)?.into()],
    )?;
    let lane = rearmed.first().ok_or(Code::NotFound)?.text(0)?;
    if row.number(1)? != 0 {
        advance(tx.store(), endpoint, lane, ctx.now_ms)?;
    }
    wake(ctx);
    Ok(())
}

/// Gives up a delivery that is still to be made; whether it was. An attempt that is under way goes on, and if it succeeds the
/// message has been delivered.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn skip(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    message: &MessageId,
    endpoint: &EndpointId,
) -> Result<bool, AppError> {
    let skipped = tx.write(
        "UPDATE deliveries SET status = 'failed', reason = 'skipped', due_at = NULL \
         WHERE message_id = ? AND endpoint_id = ? AND status = 'pending' \
         RETURNING lane, (SELECT ordered FROM endpoints WHERE id = endpoint_id)",
        &[message.as_str().into(), endpoint.as_str().into()],
    )?;
    let Some(row) = skipped.first() else { return Ok(false) };
    if row.number(1)? != 0 {
        advance(tx.store(), endpoint, row.text(0)?, ctx.now_ms)?;
        wake(ctx);
    }
    Ok(true)
}

/// There is something to do: an alarm is set, and an engine that is at work looks again.
pub(super) fn wake(ctx: Context<'_>) {
    let memory = &mut *ctx.limits.borrow_mut();
    memory.has_published = true;
    memory.deliveries.wake();
}

/// Where a message's payload is sealed to.
pub(in crate::org) fn place<'a>(org: &'a OrgId, id: &'a MessageId) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector: "",
        allowed_hosts: &[],
        purpose: Purpose::MessagePayload,
    }
}
