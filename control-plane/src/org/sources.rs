//! Webhook sources: a provider of the table and the secret that verifies it.

use super::actor::Actor;
use super::{change, dek};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{check_name, field, parse};
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use protocol::api::{List, NewSource, Source, SourceStatus};
use protocol::call::SourceKeys;
use protocol::time::rfc3339;
use protocol::{Code, OrgId, Page, SourceId};
use secrecy::ExposeSecret as _;
use vault::{Purpose, Sealed};

const SELECT: &str = "SELECT rowid, id, provider, name, created_at, event_count, last_event_at FROM sources";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Source>, AppError> {
    store::list(ctx.store, SELECT, [], page, |row| read(ctx, row))
}

pub(super) fn get(ctx: Context<'_>, id: &SourceId) -> Result<Source, AppError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE id = ?"), &[id.as_str().into()])?;
    Ok(read(ctx, &row.ok_or(Code::NotFound)?)?)
}

fn read(ctx: Context<'_>, row: &Row) -> Result<Source, SqlError> {
    let id: SourceId = row.parse(1)?;
    Ok(Source {
        url: format!("{}/in/{id}", ctx.call.client.origin),
        id,
        provider: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        status: SourceStatus::Active,
        rejected_count: 0,
        last_rejected_at: None,
        alerting_since: None,
        previous_secret_until: None,
        has_verification_token: false,
        created_at: rfc3339(row.number(4)?),
        event_count: row.number(5)?,
        last_event_at: row.optional_number(6)?.map(rfc3339),
    })
}

pub(super) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewSource = parse(body)?;
    check_name("name", &request.name)?;
    let provider = webhooks::provider(&request.provider)
        .ok_or_else(|| field("provider", "must be a provider of the table, such as stripe or github"))?;
    let secret = request.secret.ok_or_else(|| field("secret", "is missing"))?;
    provider
        .parse_secret(secret.expose_secret())
        .map_err(|error| AppError::refused(Code::ValidationFailed, format!("secret: {error}")))?;

    change::answer(ctx, actor, body, 201, |tx| {
        super::plan::check(ctx, tx, super::plan::Resource::Sources)?;
        let id = SourceId::parse(&tokens::mint_source_id(&ctx.secrets.mac, ctx.org.as_str())?)
            .map_err(|_| AppError::Encoding)?;
        let place = place(ctx.org, &id, provider.id);
        let sealed = dek::seal(ctx, &place, secret.expose_secret().as_bytes())?;
        tx.write(
            "INSERT INTO sources (id, provider, name, sealed, generation, created_by, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                provider.id.into(),
                request.name.as_str().into(),
                sealed.into_bytes().into(),
                1u64.into(),
                actor.name().into(),
                ctx.now_ms.into(),
            ],
        )?;
        let event = Event::new("source.created", &id)
            .with("provider", provider.id)
            .with("name", request.name.as_str());
        let source = get(ctx, &id)?;
        tx.commit(&ctx.subject(actor.name()), event, source)
    })
}

pub(super) fn delete(ctx: Context<'_>, actor: &Actor, body: &[u8], id: &SourceId) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        tx.wipe_sealed("sources", "id", id.as_str())?;
        let deleted = tx.write("DELETE FROM sources WHERE id = ? RETURNING id", &[id.as_str().into()])?;
        if deleted.is_empty() {
            return Err(Code::NotFound.into());
        }
        tx.commit(&ctx.subject(actor.name()), Event::new("source.deleted", id), ())
    })
}

/// The secrets of a source, for the edge that serves it: the one secret that leaves (invariant 1).
pub(super) fn keys(ctx: Context<'_>, id: &SourceId) -> Result<SourceKeys, AppError> {
    let row = ctx
        .store
        .first("SELECT provider, sealed, generation FROM sources WHERE id = ?", &[id.as_str().into()])?
        .ok_or(Code::NotFound)?;
    let provider = row.text(0)?;
    let sealed = Sealed::from_bytes(row.blob(1)?)?;
    let secret = dek::open(ctx, &place(ctx.org, id, provider), &sealed)?;
    Ok(SourceKeys {
        provider: provider.to_owned(),
        secrets: vec![String::from_utf8(secret.to_vec()).map_err(|_| AppError::Encoding)?],
        generation: row.number(2)?,
        url: None,
        scheme: None,
        awaiting_handshake: false,
    })
}

fn place<'a>(org: &'a OrgId, id: &'a SourceId, provider: &'a str) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector: provider,
        allowed_hosts: &[],
        purpose: Purpose::SourceSecret,
    }
}
