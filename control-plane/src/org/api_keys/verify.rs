//! Keys as a product of the tenant's: its own callers show their keys to its backend, which asks here what each is worth.
//!
//! A check counts by the key's own limit as a call with it does: there is one count of a key.
//! Whatever is no key of this org is `not_found`: garbage, a forged key and another tenant's look alike.

use super::create::MAX_SCOPES;
use super::get;
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse};
use crate::org::actor::{BOOKKEEPING_MS, matches_hash};
use crate::org::{limits, usage};
use crate::reply::Reply;
use crate::store::SqlError;
use protocol::api::{ApiKey, KeyVerdict, RateLimitState, VerdictCode, VerifyApiKey};
use protocol::time::parse_rfc3339;
use protocol::{ApiKeyId, Meter, net};
use secrecy::ExposeSecret as _;
use std::net::IpAddr;
use throttle::Decision;

pub(in crate::org) fn verify(ctx: Context<'_>, body: &[u8]) -> Result<Reply, AppError> {
    let request: VerifyApiKey = parse(body)?;
    if request.scopes.len() > MAX_SCOPES {
        return Err(field("scopes", "must name at most 64 scopes"));
    }
    if request.ip.as_deref().is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
        return Err(field("ip", "must be an IP address"));
    }
    usage::count(ctx, Meter::KeyVerifications)?;
    Reply::json(200, &verdict(ctx, &request)?)
}

fn verdict(ctx: Context<'_>, request: &VerifyApiKey) -> Result<KeyVerdict, AppError> {
    let Some(Found { id, ends_at }) = find(ctx, request.key.expose_secret())? else {
        return Ok(KeyVerdict { valid: false, code: VerdictCode::NotFound, api_key: None, rate_limit: None });
    };
    let key = get(ctx, &id)?;
    let wrong = wrong(ctx, request, &key, ends_at);
    // Only a request that would go on is counted.
    let counted = request.count && wrong.is_none();
    let decision = key.rate_limit.map(|limit| limits::of_key(ctx, &id, limit, counted)).transpose()?;
    let limited = decision.filter(|decision| !decision.allowed).map(|_| VerdictCode::RateLimited);
    let code = wrong.or(limited).unwrap_or(VerdictCode::Valid);
    if code == VerdictCode::Valid && request.count {
        note_use(ctx, &key, request.ip.as_deref())?;
    }
    Ok(KeyVerdict {
        valid: code == VerdictCode::Valid,
        code,
        api_key: Some(key),
        rate_limit: decision.map(|decision| state(decision, counted)),
    })
}

/// The first thing that is wrong with the key besides its limit, in the order of [`VerdictCode`].
fn wrong(
    ctx: Context<'_>,
    request: &VerifyApiKey,
    key: &ApiKey,
    ends_at: Option<u64>,
) -> Option<VerdictCode> {
    let is_over = |at: Option<u64>| at.is_none_or(|at| ctx.now_ms >= at);
    if key.revoked_at.is_some() || ends_at.is_some_and(|at| is_over(Some(at))) {
        return Some(VerdictCode::Revoked);
    }
    if key.expires_at.as_deref().is_some_and(|at| is_over(parse_rfc3339(at))) {
        return Some(VerdictCode::Expired);
    }
    let ip = request.ip.as_deref().unwrap_or_default();
    if key.allowed_ips.as_ref().is_some_and(|networks| !net::allows(networks, ip)) {
        return Some(VerdictCode::IpNotAllowed);
    }
    if request.scopes.iter().any(|scope| !key.scopes.contains(scope)) {
        return Some(VerdictCode::InsufficientScope);
    }
    None
}

struct Found {
    id: ApiKeyId,
    /// For a secret that a rotation has replaced: until when it works, Unix ms.
    ends_at: Option<u64>,
}

/// The key of this org that a text is, by its secret in force or by one that a rotation has replaced.
fn find(ctx: Context<'_>, presented: &str) -> Result<Option<Found>, SqlError> {
    let Ok(presented) = ctx.secrets.api_keys.parse(&ctx.secrets.mac, presented) else { return Ok(None) };
    if presented.org != ctx.org.as_str() {
        return Ok(None);
    }
    let lookup = presented.lookup.as_str();
    let rows = ctx.store.query(
        "SELECT id, hash, NULL FROM api_keys WHERE lookup = ? \
         UNION ALL SELECT key_id, hash, ends_at FROM rotated_keys WHERE lookup = ?",
        &[lookup.into(), lookup.into()],
    )?;
    let digest = presented.digest.to_text();
    for row in &rows {
        if matches_hash(&digest, row.text(1)?) {
            return Ok(Some(Found { id: row.parse(0)?, ends_at: row.optional_number(2)? }));
        }
    }
    Ok(None)
}

/// Where and when the key was last used, a write a minute at most.
fn note_use(ctx: Context<'_>, key: &ApiKey, ip: Option<&str>) -> Result<(), SqlError> {
    let used_at = key.last_used_at.as_deref().and_then(parse_rfc3339);
    if used_at.is_some_and(|used_at| ctx.now_ms <= used_at.saturating_add(BOOKKEEPING_MS)) {
        return Ok(());
    }
    ctx.store.bookkeeping(
        "UPDATE api_keys SET used_at = ?, used_ip = ? WHERE id = ?",
        &[ctx.now_ms.into(), ip.into(), key.id.as_str().into()],
    )
}

fn state(decision: Decision, counted: bool) -> RateLimitState {
    // A decision tells how things stand after its request. One that was only looked at takes nothing.
    let back = u32::from(!counted && decision.allowed);
    let remaining = decision.remaining + back;
    RateLimitState {
        limit: decision.limit,
        remaining,
        reset_seconds: if remaining == decision.limit { 0 } else { decision.reset_after_seconds },
        retry_after_seconds: decision.retry_after_seconds,
    }
}
