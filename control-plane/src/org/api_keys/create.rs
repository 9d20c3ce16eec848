//! A new key: everything about it but its secret is fixed here for its life.

use super::{get, may_hold};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{check_name, field, parse, time, wrong};
use crate::org::actor::Actor;
use crate::org::plan::{self, Resource};
use crate::org::{change, holders};
use crate::reply::Reply;
use crate::store::Event;
use protocol::api::{CreatedApiKey, NewApiKey, RateLimit, ShownOnce};
use protocol::{ApiKeyId, Scope, net};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use tokens::API_KEY_BCRYPT_COST;

/// Scopes of a key, or asked for in a check of one.
pub(super) const MAX_SCOPES: usize = 64;
const MAX_NETWORKS: usize = 32;
const MAX_METADATA_BYTES: usize = 2048;
const MAX_EXTERNAL_ID_CHARS: usize = 255;

pub(in crate::org) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewApiKey = parse(body)?;
    check_name("name", &request.name)?;
    let scopes = scopes(&request.scopes)?;
    let expires_at = expires_at(ctx, request.expires_at.as_deref())?;
    let rate_limit = request.rate_limit.map(|limit| check_rate_limit(ctx, limit)).transpose()?;
    let allowed_ips = request.allowed_ips.as_deref().map(networks).transpose()?;
    request.external_id.as_deref().map(check_external_id).transpose()?;
    let metadata = request.metadata.as_ref().map(metadata).transpose()?;
    may_hold(ctx, actor, &scopes, expires_at)?;

    change::answer(ctx, actor, body, 201, |tx| {
        holders::check_current(actor)?;
        plan::check(ctx, tx, Resource::ApiKeys)?;
        let minted = ctx.secrets.api_keys.mint(&ctx.secrets.mac, ctx.org.as_str())?;
        let id = ApiKeyId::new(ctx.now_ms, random()?);
        tx.write(
            "INSERT INTO api_keys (id, name, lookup, hash, scopes, rate_limit, created_by, created_at, expires_at, \
             allowed_ips, external_id, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                allowed_ips.as_ref().map(serde_json::to_string).transpose()?.into(),
                request.external_id.as_deref().into(),
                metadata.into(),
            ],
        )?;
        holders::record(tx, actor, &minted.lookup)?;
        let event = Event::new("api_key.created", &id)
            .with("name", request.name.as_str())
            .with("scopes", serde_json::to_value(&scopes)?)
            .with("allowed_ips", serde_json::to_value(&allowed_ips)?);
        let key = ShownOnce(minted.key.expose_secret().to_owned());
        tx.commit(&ctx.subject(actor.name()), event, CreatedApiKey { key, record: get(ctx, &id)? })
    })
}

fn scopes(asked: &[Scope]) -> Result<Vec<Scope>, AppError> {
    if !(1..=MAX_SCOPES).contains(&asked.len()) {
        return Err(field("scopes", "must name 1 to 64 scopes"));
    }
    let mut scopes: Vec<Scope> = Vec::new();
    for scope in asked {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    Ok(scopes)
}

fn expires_at(ctx: Context<'_>, text: Option<&str>) -> Result<Option<u64>, AppError> {
    match text.map(|text| time("expires_at", text)).transpose()? {
        Some(at) if at <= ctx.now_ms => Err(field("expires_at", "must be in the future")),
        at => Ok(at),
    }
}

/// A key's own limit takes the place of the operator's, so it may only be tighter: in its burst and over time.
fn check_rate_limit(ctx: Context<'_>, own: RateLimit) -> Result<RateLimit, AppError> {
    let most = plan::terms(ctx)?.limits.principal.unwrap_or_else(|| {
        let configured = ctx.config.rate_limits.principal;
        RateLimit { limit: configured.limit, period_seconds: configured.period_seconds }
    });
    let slower = u64::from(own.limit) * u64::from(most.period_seconds)
        <= u64::from(most.limit) * u64::from(own.period_seconds);
    if own.limit >= 1 && own.limit <= most.limit && (1..=86_400).contains(&own.period_seconds) && slower {
        return Ok(own);
    }
    Err(wrong(
        "rate_limit",
        format!(
            "must be 1 to {} requests in {} seconds, with period_seconds 1 to 86400",
            most.limit, most.period_seconds
        ),
    ))
}

/// The networks in their canonical form, each once.
fn networks(texts: &[String]) -> Result<Vec<String>, AppError> {
    if !(1..=MAX_NETWORKS).contains(&texts.len()) {
        return Err(field("allowed_ips", "must name 1 to 32 networks"));
    }
    let mut networks = Vec::with_capacity(texts.len());
    for text in texts {
        let network = net::parse(text)
            .ok_or_else(|| {
                field(
                    "allowed_ips",
                    "each an address or a network without bits beyond its prefix: 203.0.113.0/24",
                )
            })?
            .to_string();
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    Ok(networks)
}

fn check_external_id(text: &str) -> Result<(), AppError> {
    if (1..=MAX_EXTERNAL_ID_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(field("external_id", "must be 1 to 255 characters, none of them a control character"))
}

fn metadata(map: &Map<String, Value>) -> Result<String, AppError> {
    let text = serde_json::to_string(map)?;
    if text.len() <= MAX_METADATA_BYTES {
        return Ok(text);
    }
    Err(field("metadata", "must be at most 2048 bytes of JSON"))
}
