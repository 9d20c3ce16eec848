//! Webhook sources: a provider of the table and what verifies it.

mod secrets;

pub(super) use secrets::{credential, finish_handshake, keys, rotate, take_verification_token};

use super::actor::Actor;
use super::endpoints::Target;
use super::{change, dek, deliveries};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{check_name, field, parse, unknown, wrong};
use crate::reply::Reply;
use crate::store::{self, Event, SqlError};
use protocol::api::{GenericScheme, List, NewSource, Source, SourceStatus, UpdateSource};
use protocol::time::rfc3339;
use protocol::{Code, Page, SourceId};
use secrecy::ExposeSecret as _;
use webhooks::generic::{Declaration, Scheme, SchemeError};
use webhooks::{Provider, Row};

const SELECT: &str = "SELECT rowid, id, provider, name, created_at, event_count, last_event_at, awaiting_handshake, paused_at, \
                      rejected_count, last_rejected_at, alerting_since, alerting_until, has_verification_token, \
                      (SELECT MAX(ends_at) FROM source_secrets WHERE source_id = sources.id) FROM sources";

/// What tells one set of a source's secrets from the next, in a statement whose `?1` is the time and whose `s` is the
/// source: it grows with every change of them, and also when one before the current one ends. Whoever verifies by older
/// ones is behind to the millisecond.
pub(super) const GENERATION: &str =
    "(s.generation - (SELECT COUNT(*) FROM source_secrets WHERE source_id = s.id AND ends_at > ?1))";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Source>, AppError> {
    store::list(ctx.store, SELECT, [], page, |row| read(ctx, row))
}

pub(super) fn get(ctx: Context<'_>, id: &SourceId) -> Result<Source, AppError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE id = ?"), &[id.as_str().into()])?;
    Ok(read(ctx, &row.ok_or(Code::NotFound)?)?)
}

fn read(ctx: Context<'_>, row: &store::Row) -> Result<Source, SqlError> {
    let id: SourceId = row.parse(1)?;
    let (awaits_handshake, paused_at) = (row.number(7)? == 1, row.optional_number(8)?);
    let is_alerting = row.optional_number(12)?.is_some_and(|until| until > ctx.now_ms);
    Ok(Source {
        url: format!("{}/in/{id}", ctx.call.client.origin),
        id,
        provider: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        status: match paused_at {
            _ if awaits_handshake => SourceStatus::AwaitingHandshake,
            Some(_) => SourceStatus::Paused,
            None => SourceStatus::Active,
        },
        created_at: rfc3339(row.number(4)?),
        event_count: row.number(5)?,
        last_event_at: row.optional_number(6)?.map(rfc3339),
        rejected_count: row.number(9)?,
        last_rejected_at: row.optional_number(10)?.map(rfc3339),
        alerting_since: row.optional_number(11)?.filter(|_| is_alerting).map(rfc3339),
        previous_secret_until: row.optional_number(14)?.filter(|end| *end > ctx.now_ms).map(rfc3339),
        has_verification_token: row.number(13)? == 1,
    })
}

pub(super) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewSource = parse(body)?;
    check_name("name", &request.name)?;
    let provider = webhooks::provider(&request.provider).ok_or_else(|| {
        let ids = webhooks::providers().iter().map(|provider| provider.id);
        unknown("provider", "must be a provider of GET /v1/providers", &request.provider, ids)
    })?;
    let scheme = scheme(provider, request.scheme.as_ref())?;
    let take = |row: &Row<'_>| {
        let secret = secrets::given(row, request.secret, request.public_key)?;
        let url = request.url.map(|url| registered_url(ctx, row, url)).transpose()?;
        Ok::<_, AppError>((secret, url))
    };
    let (secret, url) = match &scheme {
        Some(scheme) => scheme.with_row(take)?,
        None => take(provider)?,
    };
    let scheme = request.scheme.filter(|_| scheme.is_some());
    let scheme = scheme.map(|scheme| serde_json::to_string(&scheme)).transpose()?;

    change::answer(ctx, actor, body, 201, |tx| {
        super::plan::check(ctx, tx, super::plan::Resource::Sources)?;
        let id = SourceId::parse(&tokens::mint_source_id(&ctx.secrets.mac, ctx.org.as_str())?)
            .map_err(|_| AppError::Encoding)?;
        // An empty record, until the provider has sent what is to be sealed.
        let sealed = match &secret {
            Some(secret) => {
                let place = secrets::place(ctx.org, &id, provider.id);
                dek::seal(ctx, &place, secret.expose_secret().as_bytes())?.into_bytes()
            }
            None => Vec::new(),
        };
        tx.write(
            "INSERT INTO sources (id, provider, name, sealed, generation, awaiting_handshake, url, scheme, created_by, \
             created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                provider.id.into(),
                request.name.as_str().into(),
                sealed.into(),
                1u64.into(),
                u64::from(secret.is_none()).into(),
                url.as_deref().into(),
                scheme.as_deref().into(),
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

/// The scheme that a source declares, for the provider that leaves it to its sources.
///
/// # Errors
/// `ValidationFailed`, naming the field.
fn scheme(provider: &Provider, declared: Option<&GenericScheme>) -> Result<Option<Scheme>, AppError> {
    match (provider.is_declared(), declared) {
        (false, None) => Ok(None),
        (true, Some(declared)) => read_scheme(declared)
            .map(Some)
            .map_err(|error| wrong(format!("scheme.{}", error.field()), error.to_string())),
        (true, None) => Err(field("scheme", "is missing: how the sender signs")),
        (false, Some(_)) => Err(field("scheme", "is only for the provider generic")),
    }
}

fn read_scheme(declared: &GenericScheme) -> Result<Scheme, SchemeError> {
    Scheme::new(&Declaration {
        algorithm: declared.algorithm.as_deref(),
        header: &declared.header,
        prefix: declared.prefix.as_deref(),
        encoding: declared.encoding.as_deref(),
        key_encoding: declared.key_encoding.as_deref(),
        signed: declared.signed.as_deref(),
        timestamp_header: declared.timestamp_header.as_deref(),
        timestamp_unit: declared.timestamp_unit.as_deref(),
        tolerance_seconds: declared.tolerance_seconds,
        id_header: declared.id_header.as_deref(),
        type_header: declared.type_header.as_deref(),
    })
}

/// Calls with the row that a source's secrets are read by: its own scheme's, or the table's.
fn with_row<T>(
    provider: &'static Provider,
    declared: Option<&GenericScheme>,
    take: impl FnOnce(&Row<'_>) -> Result<T, AppError>,
) -> Result<T, AppError> {
    match declared {
        Some(declared) => read_scheme(declared).map_err(|_| AppError::Encoding)?.with_row(take),
        None => take(provider),
    }
}

/// The URL as it is registered at the provider, kept to the letter: that is what is signed. Nothing is ever sent there.
fn registered_url(ctx: Context<'_>, row: &Row<'_>, url: String) -> Result<String, AppError> {
    if !row.signs_url() {
        return Err(field("url", "is only for providers that sign it (signs_url in GET /v1/providers)"));
    }
    // It is our own address: the policy alone.
    Target::parse(&url, &ctx.targets.policy().into())?;
    Ok(url)
}

pub(super) fn update(ctx: Context<'_>, actor: &Actor, body: &[u8], id: &SourceId) -> Result<Reply, AppError> {
    let UpdateSource { name, paused } = parse(body)?;
    if let Some(name) = &name {
        check_name("name", name)?;
    }
    change::answer(ctx, actor, body, 200, |tx| {
        let row = ctx
            .store
            .first("SELECT paused_at FROM sources WHERE id = ?", &[id.as_str().into()])?
            .ok_or(Code::NotFound)?;
        let paused_at = row.optional_number(0)?;
        let now_paused = match paused {
            Some(true) => paused_at.or(Some(ctx.now_ms)),
            Some(false) => None,
            None => paused_at,
        };
        tx.write(
            "UPDATE sources SET name = COALESCE(?, name), paused_at = ? WHERE id = ?",
            &[name.as_deref().into(), now_paused.into(), id.as_str().into()],
        )?;
        match (paused_at, now_paused) {
            (None, Some(_)) => deliveries::hold(tx, id)?,
            (Some(_), None) => deliveries::release(ctx, tx, id)?,
            _ => {}
        }
        let mut event = Event::new("source.updated", id);
        if let Some(name) = name {
            event = event.with("name", name);
        }
        if let Some(paused) = paused {
            event = event.with("paused", paused);
        }
        tx.commit(&ctx.subject(actor.name()), event, get(ctx, id)?)
    })
}

/// Its events stay, and what waits to be forwarded goes on. An endpoint that gets events of this source alone goes on
/// naming it: naming none, it would get the workspace's messages.
pub(super) fn delete(ctx: Context<'_>, actor: &Actor, body: &[u8], id: &SourceId) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        secrets::forget_former(tx, id)?;
        tx.wipe_sealed("sources", "id", id.as_str())?;
        let deleted =
            tx.write("DELETE FROM sources WHERE id = ? RETURNING paused_at", &[id.as_str().into()])?;
        if deleted.first().ok_or(Code::NotFound)?.optional_number(0)?.is_some() {
            deliveries::release(ctx, tx, id)?;
        }
        tx.write("DELETE FROM rejections WHERE source_id = ?", &[id.as_str().into()])?;
        tx.write(
            "DELETE FROM endpoint_sources WHERE source_id = ?1 AND EXISTS (SELECT 1 FROM endpoint_sources other \
             WHERE other.endpoint_id = endpoint_sources.endpoint_id AND other.source_id <> ?1)",
            &[id.as_str().into()],
        )?;
        tx.commit(&ctx.subject(actor.name()), Event::new("source.deleted", id), ())
    })
}
