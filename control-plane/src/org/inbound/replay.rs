//! Events forwarded once more: one, a range of them, or those that failed. It is the same message again, with the same
//! `webhook-id`; one that no endpoint had wanted before becomes a message now. What is replayed of a paused source waits as
//! its new events do.

use super::oldest;
use super::read::row_at;
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{self, field, parse};
use crate::org::actor::Actor;
use crate::org::change;
use crate::org::deliveries::{Audience, Content, Outgoing, enqueue, rearm};
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError, Tx};
use protocol::api::{ReplayEvent, ReplayEvents, Replayed};
use protocol::{Code, EndpointId, InboundEventId, MessageId, SourceId};

/// Deliveries of one call.
const MOST: u64 = 500;
/// Events, or failed deliveries, that one call looks through.
const LOOKED_THROUGH: u64 = 1000;
/// Types that a call may name.
const MOST_TYPES: usize = 100;

/// `POST /v1/inbound-events/{id}/replay`.
pub(in crate::org) fn replay(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &InboundEventId,
) -> Result<Reply, AppError> {
    let ReplayEvent { endpoint_id } = if body.is_empty() { ReplayEvent::default() } else { parse(body)? };
    change::answer(ctx, actor, body, 202, |tx| {
        let row = ctx
            .store
            .first(
                &format!("SELECT {STORED} FROM inbound_events WHERE id = ? AND received_at >= ?"),
                &[id.as_str().into(), oldest(ctx).into()],
            )?
            .ok_or(Code::NotFound)?;
        let stored = Stored::read(&row)?;
        let targets = Targets::find(ctx, &stored.source, endpoint_id)?;
        let mut deliveries = 0;
        stored.forward(ctx, tx, &targets, &mut deliveries, |_| true)?;
        let event = Event::new("inbound_event.replayed", id).with("count", deliveries);
        tx.commit(
            &ctx.subject(actor.name()),
            targets.named_in(event),
            Replayed { deliveries, next_cursor: None },
        )
    })
}

/// `POST /v1/inbound-events/replay`.
pub(in crate::org) fn replay_many(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: ReplayEvents = parse(body)?;
    let cursor = request.cursor.as_deref().map(parse_cursor).transpose()?;
    let range = Range {
        since: time("since", request.since.as_deref())?.unwrap_or_default().max(oldest(ctx)),
        until: time("until", request.until.as_deref())?.unwrap_or(store::NEWEST),
        after: cursor.map_or(0, |(after, _)| after),
        end: cursor.map(|(_, end)| end),
        types: request.event_types,
    };
    if range.types.len() > MOST_TYPES {
        return Err(field("event_types", "at most 100"));
    }
    change::answer(ctx, actor, body, 202, |tx| {
        let source = &request.source_id;
        let known = ctx.store.first(
            "SELECT 1 FROM sources WHERE id = ?1 UNION ALL SELECT 1 FROM inbound_events WHERE source_id = ?1 LIMIT 1",
            &[source.as_str().into()],
        )?;
        known.ok_or(Code::NotFound)?;
        let targets = Targets::find(ctx, source, request.endpoint_id)?;
        let replayed = if request.failed_only {
            failed(ctx, tx, source, &range, &targets)?
        } else {
            all(ctx, tx, source, &range, &targets)?
        };
        let event = Event::new("inbound_event.replayed", source)
            .with("count", replayed.deliveries)
            .with("failed_only", request.failed_only);
        tx.commit(&ctx.subject(actor.name()), targets.named_in(event), replayed)
    })
}

fn time(name: &'static str, text: Option<&str>) -> Result<Option<u64>, AppError> {
    text.map(|text| json::time(name, text)).transpose()
}

/// Which events.
struct Range {
    since: u64,
    until: u64,
    /// The row that the last call ended at.
    after: u64,
    /// The row that the first call ends before, and so all do: what comes meanwhile is not run after.
    end: Option<u64>,
    types: Vec<String>,
}

/// A cursor as where the last call ended and where all of them end.
fn parse_cursor(cursor: &str) -> Result<(u64, u64), AppError> {
    let (after, end) = cursor.split_once('.').unwrap_or((cursor, ""));
    Ok((store::row_number(after)?, store::row_number(end)?))
}

impl Range {
    /// Where all calls end: behind the last row that the table had at the first of them.
    fn end(&self, ctx: Context<'_>, table: &str) -> Result<u64, SqlError> {
        if let Some(end) = self.end {
            return Ok(end);
        }
        let last = ctx.store.first(&format!("SELECT COALESCE(MAX(rowid), 0) FROM {table}"), &[])?;
        Ok(last.ok_or(SqlError::Row)?.number(0)? + 1)
    }

    fn has(&self, event_type: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|wanted| wanted == event_type)
    }
}

/// Every event of the range, oldest first. What is on its way already is left alone.
fn all(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    source: &SourceId,
    range: &Range,
    targets: &Targets,
) -> Result<Replayed, AppError> {
    let end = range.end(ctx, "inbound_events")?;
    let rows = ctx.store.query(
        &format!(
            "SELECT {STORED} FROM inbound_events WHERE source_id = ? AND rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?"
        ),
        &[
            source.as_str().into(),
            row_at(ctx, range.since)?.max(range.after + 1).into(),
            row_at(ctx, range.until)?.min(end).into(),
            LOOKED_THROUGH.into(),
        ],
    )?;
    let mut deliveries = 0;
    for (number, row) in rows.iter().enumerate() {
        let stored = Stored::read(row)?;
        if range.has(&stored.event_type) {
            stored.forward(ctx, tx, targets, &mut deliveries, |status| status != "pending")?;
        }
        let is_last = number as u64 + 1 == LOOKED_THROUGH;
        // Of an event all deliveries or none: the next may have as many as there are endpoints.
        let is_full = deliveries + targets.most() > MOST && number + 1 < rows.len();
        if is_last || is_full {
            return Ok(Replayed { deliveries, next_cursor: Some(format!("{}.{end}", row.number(0)?)) });
        }
    }
    Ok(Replayed { deliveries, next_cursor: None })
}

/// The range's deliveries that have failed and that nobody has given up, in the order in which they were first due.
fn failed(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    source: &SourceId,
    range: &Range,
    targets: &Targets,
) -> Result<Replayed, AppError> {
    let end = range.end(ctx, "deliveries")?;
    let rows = ctx.store.query(
        "SELECT found.row, found.message_id, found.endpoint_id, m.event_type, e.received_at FROM \
         (SELECT rowid AS row, message_id, endpoint_id, lane FROM deliveries WHERE status = 'failed' AND lane <> '' \
         AND reason IS NOT 'skipped' AND rowid > ? AND rowid < ? ORDER BY rowid LIMIT ?) found LEFT JOIN messages m ON m.id = found.message_id AND found.lane = ? \
         LEFT JOIN inbound_events e ON e.id = m.inbound_event_id ORDER BY found.row",
        &[range.after.into(), end.into(), LOOKED_THROUGH.into(), source.as_str().into()],
    )?;
    let mut deliveries = 0;
    for (number, row) in rows.iter().enumerate() {
        let endpoint: EndpointId = row.parse(2)?;
        let is_in_time = row.optional_number(4)?.is_some_and(|at| (range.since..range.until).contains(&at));
        if is_in_time
            && range.has(row.optional_text(3)?.unwrap_or_default())
            && targets.may_get(ctx, &endpoint)?
        {
            rearm(ctx, tx, &row.parse(1)?, &endpoint)?;
            deliveries += 1;
        }
        if number as u64 + 1 == LOOKED_THROUGH || (deliveries == MOST && number + 1 < rows.len()) {
            return Ok(Replayed { deliveries, next_cursor: Some(format!("{}.{end}", row.number(0)?)) });
        }
    }
    Ok(Replayed { deliveries, next_cursor: None })
}

/// The columns of [`Stored::read`], of `inbound_events`.
const STORED: &str = "inbound_events.rowid, inbound_events.id, source_id, inbound_events.event_type, \
    inbound_events.size, (SELECT id FROM messages WHERE inbound_event_id = inbound_events.id)";

/// A stored event, as far as forwarding it needs.
struct Stored {
    id: InboundEventId,
    source: SourceId,
    event_type: String,
    size: u64,
    message: Option<MessageId>,
}

impl Stored {
    fn read(row: &Row) -> Result<Self, SqlError> {
        Ok(Self {
            id: row.parse(1)?,
            source: row.parse(2)?,
            event_type: row.optional_text(3)?.unwrap_or_default().to_owned(),
            size: row.number(4)?,
            message: row.optional_text(5)?.map(|_| row.parse(5)).transpose()?,
        })
    }

    /// Makes its deliveries due, but those in a state that is not `wanted`; adds how many.
    fn forward(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        targets: &Targets,
        deliveries: &mut u64,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), AppError> {
        let Some(message) = &self.message else {
            return self.forward_first(ctx, tx, targets, deliveries);
        };
        let rows = ctx.store.query(
            "SELECT endpoint_id, status FROM deliveries WHERE message_id = ?",
            &[message.as_str().into()],
        )?;
        for endpoint in targets.of(&self.event_type) {
            let made = rows.iter().find(|row| row.text(0) == Ok(endpoint.as_str()));
            if made.map(|row| row.text(1)).transpose()?.is_none_or(&wanted) {
                rearm(ctx, tx, message, endpoint)?;
                *deliveries += 1;
            }
        }
        Ok(())
    }

    fn forward_first(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        targets: &Targets,
        deliveries: &mut u64,
    ) -> Result<(), AppError> {
        let id = MessageId::new(ctx.now_ms, random()?);
        let message = |audience, keep| Outgoing {
            id: &id,
            event_type: &self.event_type,
            audience,
            content: Content::Event { id: &self.id, size: self.size },
            keep,
        };
        *deliveries += match targets {
            Targets::One(endpoint) => {
                enqueue(ctx, tx, &message(Audience::Nobody, true))?;
                rearm(ctx, tx, &id, endpoint)?;
                1
            }
            Targets::Naming { paused, .. } => {
                enqueue(ctx, tx, &message(Audience::Source { id: &self.source, paused: *paused }, false))?
            }
        };
        Ok(())
    }
}

/// Where to.
enum Targets {
    /// This one alone, whatever its filter says.
    One(EndpointId),
    /// Those in use that name the source, each with the types that it asks for.
    Naming { endpoints: Vec<(EndpointId, Vec<String>)>, paused: bool },
}

impl Targets {
    /// # Errors
    /// For one that is named, `NotFound` and `EndpointDisabled`, and `ValidationFailed` for a customer's: what the workspace
    /// has received is not for them.
    fn find(ctx: Context<'_>, source: &SourceId, one: Option<EndpointId>) -> Result<Self, AppError> {
        if let Some(id) = one {
            let row = ctx
                .store
                .first("SELECT disabled_at, customer_id FROM endpoints WHERE id = ?", &[id.as_str().into()])?
                .ok_or(Code::NotFound)?;
            if row.optional_text(1)?.is_some() {
                return Err(field("endpoint_id", "must not be a customer's"));
            }
            return match row.optional_number(0)? {
                None => Ok(Self::One(id)),
                Some(_) => Err(Code::EndpointDisabled.into()),
            };
        }
        let rows = ctx.store.query(
            "SELECT e.id, e.event_types FROM endpoint_sources s JOIN endpoints e ON e.id = s.endpoint_id \
             WHERE s.source_id = ? AND e.disabled_at IS NULL",
            &[source.as_str().into()],
        )?;
        let endpoints =
            rows.iter().map(|row| Ok((row.parse(0)?, row.json(1)?))).collect::<Result<_, SqlError>>()?;
        let paused = "SELECT 1 FROM sources WHERE id = ? AND paused_at IS NOT NULL";
        let paused = ctx.store.first(paused, &[source.as_str().into()])?.is_some();
        Ok(Self::Naming { endpoints, paused })
    }

    /// Those that an event of this type goes to.
    fn of(&self, event_type: &str) -> Vec<&EndpointId> {
        match self {
            Self::One(id) => vec![id],
            Self::Naming { endpoints, .. } => {
                endpoints.iter().filter(|(_, types)| wants(types, event_type)).map(|(id, _)| id).collect()
            }
        }
    }

    /// Whether a delivery that has failed may be made again: to the one that was named, or to any that is in use.
    fn may_get(&self, ctx: Context<'_>, endpoint: &EndpointId) -> Result<bool, SqlError> {
        match self {
            Self::One(id) => Ok(id == endpoint),
            Self::Naming { endpoints, .. } if endpoints.iter().any(|(id, _)| id == endpoint) => Ok(true),
            // It was sent there once, so it may be again.
            Self::Naming { .. } => {
                let in_use = "SELECT 1 FROM endpoints WHERE id = ? AND disabled_at IS NULL";
                Ok(ctx.store.first(in_use, &[endpoint.as_str().into()])?.is_some())
            }
        }
    }

    /// The most deliveries of one event.
    fn most(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Naming { endpoints, .. } => endpoints.len() as u64,
        }
    }

    fn named_in(&self, event: Event) -> Event {
        match self {
            Self::One(id) => event.with("endpoint_id", id.as_str()),
            Self::Naming { .. } => event,
        }
    }
}

/// Whether an endpoint with this filter gets events of this type, as [`enqueue`] decides it.
fn wants(types: &[String], event_type: &str) -> bool {
    let matches = |wanted: &String| {
        wanted == event_type
            || wanted
                .strip_suffix('*')
                .is_some_and(|prefix| prefix.ends_with('.') && event_type.starts_with(prefix))
    };
    types.is_empty() || types.iter().any(matches)
}
