//! API keys: shown once, kept as a bcrypt hash, revoked at once (claims M3, N7).

mod create;
mod rotate;
mod verify;

pub(super) use create::create;
pub(super) use rotate::rotate;
pub(super) use verify::verify;

use super::actor::{Actor, Kind};
use super::{change, holders};
use crate::context::Context;
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use protocol::api::{ApiKey, List};
use protocol::time::{parse_rfc3339, rfc3339};
use protocol::{ApiKeyId, Code, Page, Scope};

const SELECT: &str = "SELECT rowid, id, name, lookup, scopes, rate_limit, created_at, expires_at, revoked_at, used_at, \
                      used_ip, allowed_ips, external_id, metadata, created_by, \
                      (SELECT MAX(ends_at) FROM rotated_keys WHERE key_id = api_keys.id) FROM api_keys";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<ApiKey>, AppError> {
    store::list(ctx.store, SELECT, [], page, |row| read(ctx, row))
}

pub(super) fn get(ctx: Context<'_>, id: &ApiKeyId) -> Result<ApiKey, AppError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE id = ?"), &[id.as_str().into()])?;
    Ok(read(ctx, &row.ok_or(Code::NotFound)?)?)
}

fn read(ctx: Context<'_>, row: &Row) -> Result<ApiKey, SqlError> {
    let revoked_at = row.optional_number(8)?;
    let previous_ends_at =
        row.optional_number(15)?.filter(|ends_at| revoked_at.is_none() && *ends_at > ctx.now_ms);
    Ok(ApiKey {
        id: row.parse(1)?,
        name: row.text(2)?.to_owned(),
        prefix: shown_prefix(ctx, row.text(3)?),
        scopes: row.json(4)?,
        rate_limit: row.optional_text(5)?.map(|_| row.json(5)).transpose()?,
        created_at: rfc3339(row.number(6)?),
        expires_at: row.optional_number(7)?.map(rfc3339),
        revoked_at: revoked_at.map(rfc3339),
        last_used_at: row.optional_number(9)?.map(rfc3339),
        last_used_ip: row.optional_text(10)?.map(str::to_owned),
        allowed_ips: row.optional_text(11)?.map(|_| row.json(11)).transpose()?,
        external_id: row.optional_text(12)?.map(str::to_owned),
        metadata: row.optional_text(13)?.map(|_| row.json(13)).transpose()?,
        created_by: row.text(14)?.to_owned(),
        previous_works_until: previous_ends_at.map(rfc3339),
    })
}

/// How the key begins, up to its 8 lookup characters: enough for its owner to recognise it and for search in logs.
fn shown_prefix(ctx: Context<'_>, lookup: &str) -> String {
    format!("{}_{}_{lookup}", ctx.secrets.api_keys.prefix(), ctx.org.body())
}

pub(super) fn revoke(ctx: Context<'_>, actor: &Actor, body: &[u8], id: &ApiKeyId) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        let live = "SELECT 1 FROM api_keys WHERE id = ? AND revoked_at IS NULL";
        tx.store().first(live, &[id.as_str().into()])?.ok_or(Code::NotFound)?;
        // With the key goes what it was shown: keys that it made or rotated, links.
        let ended = holders::end(ctx, tx, id.as_str())?;
        let event = Event::new("api_key.revoked", id).with("others_revoked", ended.keys.saturating_sub(1));
        tx.commit(&ctx.subject(actor.name()), ended.tell(event), ())
    })
}

/// Whether the caller may come by the secret of such a key. A key gets no secret that may do more, from more places, more
/// often or for longer than itself (claim N9's sibling: nobody raises themselves). Scopes of the tenant's own grant nothing
/// here and are anybody's to give.
///
/// # Errors
/// `Forbidden`.
fn may_hold(
    ctx: Context<'_>,
    actor: &Actor,
    scopes: &[Scope],
    expires_at: Option<u64>,
) -> Result<(), AppError> {
    let forbidden = |why| Err(AppError::refused(Code::Forbidden, why));
    let lacks =
        scopes.iter().filter(|scope| matches!(scope, Scope::Own(permission) if !actor.may(*permission)));
    let lacks: Vec<String> = lacks.cloned().map(String::from).collect();
    if !lacks.is_empty() {
        let detail = format!("a key cannot have scopes that its maker lacks: {}", lacks.join(", "));
        return Err(AppError::refused(Code::Forbidden, detail));
    }
    let Kind::ApiKey { id, .. } = &actor.kind else { return Ok(()) };
    holders::check_unbound(actor)?;
    let maker = get(ctx, id)?;
    match maker.expires_at.as_deref().map(parse_rfc3339) {
        None => Ok(()),
        Some(Some(end)) if expires_at.is_some_and(|expires_at| expires_at <= end) => Ok(()),
        Some(_) => forbidden("a key cannot make one that outlives it"),
    }
}
