//! A new secret for a key that is in use: the old one works on for a grace, so that no caller has to change over in the
//! same moment. At most one old secret works at a time, and revoking the key ends it too.

use super::{get, may_hold};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse};
use crate::org::actor::{Actor, Kind};
use crate::org::{change, holders};
use crate::reply::Reply;
use crate::store::Event;
use protocol::api::{CreatedApiKey, RotateApiKey, ShownOnce};
use protocol::{ApiKeyId, Code, Scope};
use secrecy::ExposeSecret as _;
use tokens::API_KEY_BCRYPT_COST;

const MAX_GRACE_SECONDS: u32 = 30 * 86_400;

pub(in crate::org) fn rotate(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &ApiKeyId,
) -> Result<Reply, AppError> {
    let request = if body.is_empty() { RotateApiKey::default() } else { parse::<RotateApiKey>(body)? };
    if request.grace_seconds > MAX_GRACE_SECONDS {
        return Err(field("grace_seconds", "must be 0 to 2592000"));
    }
    change::answer(ctx, actor, body, 200, |tx| {
        holders::check_current(actor)?;
        let row = tx
            .store()
            .first(
                "SELECT scopes, expires_at, revoked_at, lookup, hash FROM api_keys WHERE id = ?",
                &[id.as_str().into()],
            )?
            .ok_or(Code::NotFound)?;
        let expires_at = row.optional_number(1)?;
        // The answer holds a secret of the key: who may not make such a key may not have it. Itself it is already.
        if !matches!(&actor.kind, Kind::ApiKey { id: own, .. } if own == id) {
            may_hold(ctx, actor, &row.json::<Vec<Scope>>(0)?, expires_at)?;
        }
        let is_expired = expires_at.is_some_and(|expires_at| ctx.now_ms >= expires_at);
        if row.optional_number(2)?.is_some() || is_expired {
            return Err(Code::ApiKeyEnded.into());
        }

        let ends_at = ctx.now_ms + u64::from(request.grace_seconds) * 1000;
        tx.write(
            "UPDATE rotated_keys SET ends_at = ? WHERE key_id = ? AND ends_at > ?",
            &[ctx.now_ms.into(), id.as_str().into(), ctx.now_ms.into()],
        )?;
        tx.write(
            "INSERT INTO rotated_keys (lookup, key_id, hash, ends_at) VALUES (?, ?, ?, ?)",
            &[row.text(3)?.into(), id.as_str().into(), row.text(4)?.into(), ends_at.into()],
        )?;
        let minted = ctx.secrets.api_keys.mint(&ctx.secrets.mac, ctx.org.as_str())?;
        tx.write(
            "UPDATE api_keys SET lookup = ?, hash = ? WHERE id = ?",
            &[
                minted.lookup.as_str().into(),
                minted.digest.hash_at_rest(API_KEY_BCRYPT_COST)?.into(),
                id.as_str().into(),
            ],
        )?;
        holders::record(tx, actor, &minted.lookup)?;
        let event = Event::new("api_key.rotated", id).with("grace_seconds", request.grace_seconds);
        let key = ShownOnce(minted.key.expose_secret().to_owned());
        tx.commit(&ctx.subject(actor.name()), event, CreatedApiKey { key, record: get(ctx, id)? })
    })
}
