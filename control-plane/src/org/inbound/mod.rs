//! Inbound webhooks: stored before they are acknowledged, once each (invariant 9, claim B6), and put on their way to the
//! endpoints that name their source in the same transaction.
//!
//! The edge has verified the raw bytes. Body and headers are sealed: they are the tenant's data, and go with its key.

mod forward;
mod listen;
mod read;
mod replay;

pub(super) use forward::forwarded;
pub(super) use listen::listen;
pub(super) use read::{get, list};
pub(super) use replay::{replay, replay_many};

use super::actor::Actor;
use super::deliveries::{Audience, Content, Outgoing, enqueue};
use super::sources::GENERATION;
use super::{dek, usage};
use crate::context::{Context, hex, random};
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::{self, Event, SqlError};
use protocol::api::Received;
use protocol::call::VerifiedWebhook;
use protocol::{Code, InboundEventId, MessageId, Meter, OrgId};
use sha2::{Digest as _, Sha256};
use vault::Purpose;
use zeroize::Zeroizing;

/// Every so many new events of a source take those along that are past their retention, up to [`PURGE_ROWS`] of them: the
/// table shrinks as fast as it grows, and no call is long.
const PURGE_EVERY: u64 = 16;
const PURGE_ROWS: u32 = 64;

pub(super) fn store(
    ctx: Context<'_>,
    actor: &Actor,
    webhook: &VerifiedWebhook,
    body: &[u8],
) -> Result<Reply, AppError> {
    debug_assert!(matches!(actor.kind, super::actor::Kind::Edge));
    let dedupe_key = match &webhook.event_id {
        Some(id) if webhook.event_id_signed => format!("id:{id}"),
        _ => format!("sha256:{}", hex(&Sha256::digest(body))),
    };
    // One statement for all that is to be known: a statement costs more than what it reads.
    let source = ctx
        .store
        .first(
            &format!(
                "SELECT s.provider, {GENERATION}, \
                 (SELECT e.id FROM inbound_events e WHERE e.source_id = s.id AND e.dedupe_key = ?2), \
                 s.paused_at IS NOT NULL, EXISTS (SELECT 1 FROM endpoint_sources WHERE source_id = s.id) \
                 FROM sources s WHERE s.id = ?3"
            ),
            &[ctx.now_ms.into(), dedupe_key.as_str().into(), webhook.source.as_str().into()],
        )?
        .ok_or(Code::NotFound)?;
    let provider = source.text(0)?;
    if source.number(1)? != webhook.generation {
        // Verified by secrets that are no longer the source's: the edge fetches them anew and verifies again.
        return Err(Code::SourceOutdated.into());
    }
    if source.optional_text(2)?.is_some() {
        let id: InboundEventId = source.parse(2)?;
        ctx.store.bookkeeping(
            "UPDATE inbound_events SET duplicate_count = duplicate_count + 1 WHERE id = ?",
            &[id.as_str().into()],
        )?;
        return Reply::json(200, &Received { id, duplicate: true });
    }

    let (is_paused, is_forwarded) = (source.number(3)? == 1, source.number(4)? == 1);
    let id = InboundEventId::new(ctx.now_ms, random()?);
    let headers = serde_json::to_vec(&webhook.headers)?;
    let sealed = dek::seal(ctx, &place(ctx.org, &id, provider), &join(&headers, body)?)?;
    ctx.store.transaction(|tx| {
        usage::count(ctx, Meter::InboundEvents)?;
        tx.write(
            "INSERT INTO inbound_events (id, source_id, provider, provider_event_id, event_type, dedupe_key, \
             received_at, size, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                webhook.source.as_str().into(),
                provider.into(),
                webhook.event_id.as_deref().into(),
                webhook.event_type.as_deref().into(),
                dedupe_key.into(),
                ctx.now_ms.into(),
                (body.len() as u64).into(),
                sealed.into_bytes().into(),
            ],
        )?;
        let count = tx.write(
            "UPDATE sources SET event_count = event_count + 1, last_event_at = ? WHERE id = ? RETURNING event_count",
            &[ctx.now_ms.into(), webhook.source.as_str().into()],
        )?;
        if count.first().ok_or(SqlError::Row)?.number(0)? % PURGE_EVERY == 0 {
            purge(ctx, tx)?;
        }
        if is_forwarded {
            let message = Outgoing {
                id: &MessageId::new(ctx.now_ms, random()?),
                event_type: webhook.event_type.as_deref().unwrap_or_default(),
                audience: Audience::Source { id: &webhook.source, paused: is_paused },
                content: Content::Event { id: &id, size: body.len() as u64 },
                keep: false,
            };
            enqueue(ctx, tx, &message)?;
        }
        tx.commit(&ctx.subject(webhook.source.as_str()), Event::new("inbound_event.stored", &id), ())
    })?;
    let events = ctx.limits.borrow().events.clone();
    events.wake();
    Reply::json(200, &Received { id, duplicate: false })
}

fn purge(ctx: Context<'_>, tx: &store::Tx<'_>) -> Result<(), SqlError> {
    tx.write(
        "DELETE FROM inbound_events WHERE id IN (SELECT id FROM inbound_events WHERE received_at < ? LIMIT ?)",
        &[oldest(ctx).into(), PURGE_ROWS.into()],
    )
    .map(|_| ())
}

/// When the oldest event that may still be read was received: past it an event is gone for everybody, and its row goes
/// with one of the next events.
pub(super) fn oldest(ctx: Context<'_>) -> u64 {
    ctx.now_ms.saturating_sub(u64::from(ctx.config.retention.inbound_events_days) * 86_400_000)
}

/// What is sealed: the headers' length (u32, big-endian), the headers as JSON, the body. Frozen.
fn join(headers: &[u8], body: &[u8]) -> Result<Zeroizing<Vec<u8>>, AppError> {
    let length = u32::try_from(headers.len()).map_err(|_| AppError::Encoding)?;
    Ok(Zeroizing::new([&length.to_be_bytes(), headers, body].concat()))
}

fn split(plaintext: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = plaintext.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

fn place<'a>(org: &'a OrgId, id: &'a InboundEventId, provider: &'a str) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector: provider,
        allowed_hosts: &[],
        purpose: Purpose::InboundEvent,
    }
}
