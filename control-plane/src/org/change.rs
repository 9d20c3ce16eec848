//! The one way to answer a changing call: its writes, its audit event and, where the client sent an `Idempotency-Key`, the
//! answer to a repetition of it, all in one transaction.

use super::actor::Actor;
use super::dek;
use crate::context::{Context, hex};
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::{Committed, Tx};
use protocol::Code;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use vault::{Purpose, Sealed};
use zeroize::Zeroizing;

const PURGE_ROWS: u32 = 20;

/// Runs `change` once and answers with its result as JSON, or with 204 where `status` says so.
///
/// # Errors
/// What `change` refuses; `IdempotencyMismatch` for a key that was used for another request.
pub(super) fn answer<T: Serialize>(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    status: u16,
    change: impl FnOnce(&Tx<'_>) -> Result<Committed<T>, AppError>,
) -> Result<Reply, AppError> {
    let Some(key) = &ctx.call.idempotency_key else {
        return ctx.store.transaction(|tx| reply(status, change(tx)?));
    };
    let record = Record::new(ctx, actor, key, body)?;
    if let Some(reply) = record.replay(ctx)? {
        return Ok(reply);
    }
    ctx.store.transaction(|tx| {
        let reply = reply(status, change(tx)?)?;
        record.keep(ctx, tx, reply.as_inner())?;
        Ok(reply)
    })
}

/// The answer that a repeated call was given, for what has to be known before something is waited for.
///
/// # Errors
/// `IdempotencyMismatch`, as in [`answer`].
pub(super) fn replay(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Option<Reply>, AppError> {
    let Some(key) = &ctx.call.idempotency_key else { return Ok(None) };
    Record::new(ctx, actor, key, body)?.replay(ctx)
}

/// Replaces the answer to a repetition: what the change had left to do is done by now, and so says the reply. Nothing is
/// decided by it.
///
/// # Errors
/// Those of the database and the vault.
pub(super) fn amend(ctx: Context<'_>, actor: &Actor, body: &[u8], reply: &Reply) -> Result<(), AppError> {
    let Some(key) = &ctx.call.idempotency_key else { return Ok(()) };
    let record = Record::new(ctx, actor, key, body)?;
    let sealed = record.seal(ctx, reply)?;
    Ok(ctx.store.bookkeeping(
        "UPDATE idempotency SET sealed = ? WHERE key = ?",
        &[sealed.into_bytes().into(), record.key.as_str().into()],
    )?)
}

fn reply<T: Serialize>(status: u16, result: Committed<T>) -> Result<Committed<Reply>, AppError> {
    let reply = if status == 204 { Reply::no_content() } else { Reply::json(status, result.as_inner())? };
    Ok(result.map(|_| reply))
}

/// A request under an idempotency key. The key is the caller's own: nobody meets another's.
struct Record {
    key: String,
    fingerprint: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    body: String,
}

impl Record {
    fn new(ctx: Context<'_>, actor: &Actor, key: &str, body: &[u8]) -> Result<Self, AppError> {
        let hash = |parts: &[&[u8]]| {
            let mut hasher = Sha256::new();
            for part in parts {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
            hex(&hasher.finalize())
        };
        let operation = serde_json::to_vec(&ctx.call.operation)?;
        // An answer with a secret is shown again to the one that it was shown to: a key may have several holders.
        let presented = actor.secret().filter(|_| ctx.call.operation.shows_secret()).unwrap_or_default();
        Ok(Self {
            key: hash(&[actor.name().as_bytes(), key.as_bytes()]),
            fingerprint: hash(&[&operation, body, presented.as_bytes()]),
        })
    }

    fn replay(&self, ctx: Context<'_>) -> Result<Option<Reply>, AppError> {
        let oldest = ctx.now_ms.saturating_sub(u64::from(ctx.config.retention.idempotency_hours) * 3_600_000);
        let row = ctx.store.first(
            "SELECT fingerprint, sealed FROM idempotency WHERE key = ? AND created_at >= ?",
            &[self.key.as_str().into(), oldest.into()],
        )?;
        let Some(row) = row else { return Ok(None) };
        if row.text(0)? != self.fingerprint {
            return Err(Code::IdempotencyMismatch.into());
        }
        let sealed = Sealed::from_bytes(row.blob(1)?)?;
        let plaintext = dek::open(ctx, &self.place(ctx), &sealed)?;
        let kept: Kept = serde_json::from_slice(&plaintext)?;
        Ok(Some(Reply {
            status: kept.status,
            body: Zeroizing::new(kept.body.into_bytes()),
            replayed: true,
            ..Reply::default()
        }))
    }

    fn keep(&self, ctx: Context<'_>, tx: &Tx<'_>, reply: &Reply) -> Result<(), AppError> {
        let sealed = self.seal(ctx, reply)?;
        let oldest = ctx.now_ms.saturating_sub(u64::from(ctx.config.retention.idempotency_hours) * 3_600_000);
        tx.write(
            "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE created_at < ? LIMIT ?)",
            &[oldest.into(), PURGE_ROWS.into()],
        )?;
        tx.write(
            "INSERT OR REPLACE INTO idempotency (key, fingerprint, sealed, created_at) VALUES (?, ?, ?, ?)",
            &[
                self.key.as_str().into(),
                self.fingerprint.as_str().into(),
                sealed.into_bytes().into(),
                ctx.now_ms.into(),
            ],
        )?;
        Ok(())
    }

    /// The answer may hold a secret that is shown once: it is sealed like any other.
    fn seal(&self, ctx: Context<'_>, reply: &Reply) -> Result<Sealed, AppError> {
        let body = String::from_utf8(reply.body.to_vec()).map_err(|_| AppError::Encoding)?;
        let plaintext = Zeroizing::new(serde_json::to_vec(&Kept { status: reply.status, body })?);
        dek::seal(ctx, &self.place(ctx), &plaintext)
    }

    fn place<'a>(&'a self, ctx: Context<'a>) -> vault::Context<'a> {
        vault::Context {
            org: ctx.org.as_str(),
            record: &self.key,
            connector: "",
            allowed_hosts: &[],
            purpose: Purpose::IdempotencyRecord,
        }
    }
}
