//! API keys: shown once, kept as a bcrypt hash, revoked at once (claims M3, N7).

use super::actor::{Actor, Kind};
use super::change;
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{check_name, field, parse};
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use protocol::api::{ApiKey, CreatedApiKey, List, NewApiKey, RateLimit, ShownOnce};
use protocol::time::{parse_rfc3339, rfc3339};
use protocol::{ApiKeyId, Code, Page, Scope};
use secrecy::ExposeSecret as _;
use tokens::API_KEY_BCRYPT_COST;

const SELECT: &str = "SELECT rowid, id, name, lookup, scopes, rate_limit, created_at, expires_at, revoked_at, used_at FROM api_keys";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<ApiKey>, AppError> {
    store::list(ctx.store, SELECT, [], page, |row| read(ctx, row))
}

fn read(ctx: Context<'_>, row: &Row) -> Result<ApiKey, SqlError> {
    Ok(ApiKey {
        id: row.parse(1)?,
        name: row.text(2)?.to_owned(),
        prefix: shown_prefix(ctx, row.text(3)?),
        scopes: row.json(4)?,
        rate_limit: row.optional_text(5)?.map(|_| row.json(5)).transpose()?,
        created_at: rfc3339(row.number(6)?),
        expires_at: row.optional_number(7)?.map(rfc3339),
        revoked_at: row.optional_number(8)?.map(rfc3339),
        last_used_at: row.optional_number(9)?.map(rfc3339),
        last_used_ip: None,
        allowed_ips: None,
        external_id: None,
        metadata: None,
        created_by: String::new(),
        previous_works_until: None,
    })
}

/// How the key begins, up to its 8 lookup characters: enough for its owner to recognise it and for search in logs.
fn shown_prefix(ctx: Context<'_>, lookup: &str) -> String {
    format!("{}_{}_{lookup}", ctx.secrets.api_keys.prefix(), ctx.org.body())
}

pub(super) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewApiKey = parse(body)?;
    check_name("name", &request.name)?;
    let mut scopes: Vec<Scope> = Vec::new();
    for scope in &request.scopes {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    if scopes.is_empty() {
        return Err(field("scopes", "must name at least one scope"));
    }
    // A key makes no key that may do more than itself (claim N9's sibling: nobody raises themselves).
    if scopes.iter().any(|scope| matches!(scope, Scope::Own(permission) if !actor.may(*permission))) {
        return Err(AppError::refused(Code::Forbidden, "a key cannot have scopes that its maker lacks"));
    }
    let expires_at = match request.expires_at.as_deref().map(parse_rfc3339) {
        None => None,
        Some(Some(at)) if at > ctx.now_ms => Some(at),
        Some(_) => return Err(field("expires_at", "must be an RFC 3339 time in UTC (…Z), in the future")),
    };
    let rate_limit = request.rate_limit.map(|limit| check_rate_limit(ctx, limit)).transpose()?;
    if let Kind::ApiKey { rate_limit: Some(_), .. } = &actor.kind {
        // Else a limited key would make itself an unlimited twin.
        return Err(AppError::refused(Code::Forbidden, "a key with a limit of its own cannot make keys"));
    }

    change::answer(ctx, actor, body, 201, |tx| {
        super::plan::check(ctx, tx, super::plan::Resource::ApiKeys)?;
        let minted = ctx.secrets.api_keys.mint(&ctx.secrets.mac, ctx.org.as_str())?;
        let id = ApiKeyId::new(ctx.now_ms, random()?);
        tx.write(
            "INSERT INTO api_keys (id, name, lookup, hash, scopes, rate_limit, created_by, created_at, expires_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                request.name.as_str().into(),
                minted.lookup.as_str().into(),
                minted.digest.hash_at_rest(API_KEY_BCRYPT_COST)?.into(),
                serde_json::to_string(&scopes)?.into(),
                rate_limit.map(|limit| serde_json::to_string(&limit)).transpose()?.into(),
                actor.name().into(),
                ctx.now_ms.into(),
                expires_at.into(),
            ],
        )?;
        let record = ApiKey {
            id: id.clone(),
            name: request.name.clone(),
            prefix: shown_prefix(ctx, &minted.lookup),
            scopes: scopes.clone(),
            rate_limit,
            created_at: rfc3339(ctx.now_ms),
            expires_at: expires_at.map(rfc3339),
            revoked_at: None,
            last_used_at: None,
            last_used_ip: None,
            allowed_ips: None,
            external_id: None,
            metadata: None,
            created_by: actor.name().to_owned(),
            previous_works_until: None,
        };
        let event = Event::new("api_key.created", &id)
            .with("name", request.name.as_str())
            .with("scopes", scopes.iter().map(|scope| String::from(scope.clone())).collect::<Vec<_>>());
        let key = ShownOnce(minted.key.expose_secret().to_owned());
        tx.commit(&ctx.subject(actor.name()), event, CreatedApiKey { key, record })
    })
}

/// A key's own limit takes the place of the operator's, so it may only be tighter: in its burst and over time.
fn check_rate_limit(ctx: Context<'_>, own: RateLimit) -> Result<RateLimit, AppError> {
    let most = ctx.config.rate_limits.principal;
    let slower = u64::from(own.limit) * u64::from(most.period_seconds)
        <= u64::from(most.limit) * u64::from(own.period_seconds);
    if own.limit >= 1 && own.limit <= most.limit && (1..=86_400).contains(&own.period_seconds) && slower {
        return Ok(own);
    }
    Err(AppError::refused(
        Code::ValidationFailed,
        format!(
            "rate_limit: at least 1 and at most {} in {} seconds, period_seconds 1 to 86400",
            most.limit, most.period_seconds
        ),
    ))
}

pub(super) fn revoke(ctx: Context<'_>, actor: &Actor, body: &[u8], id: &ApiKeyId) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        let revoked = tx.write(
            "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING id",
            &[ctx.now_ms.into(), id.as_str().into()],
        )?;
        if revoked.is_empty() {
            return Err(Code::NotFound.into());
        }
        tx.commit(&ctx.subject(actor.name()), Event::new("api_key.revoked", id), ())
    })
}
