//! An API key: found by its plaintext characters, proven by its hash, held to its networks (claims M3, N7).

use super::{Actor, BOOKKEEPING_MS, Kind};
use crate::context::Context;
use crate::error::AppError;
use crate::store::{Row, SqlError};
use protocol::problem::UNKNOWN_KEY;
use protocol::time::rfc3339;
use protocol::{ApiKeyId, Code, net};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::HashSet;
use tokens::KeyDigest;

pub(super) fn api_key(ctx: Context<'_>, lookup: &str, digest: &str) -> Result<Actor, AppError> {
    let row = find(ctx, lookup)?.ok_or_else(unknown)?;
    if !matches_hash(digest, row.text(1)?) {
        return Err(unknown());
    }
    // Only who holds the whole key learns how it ended.
    stands(ctx, &row)?;
    let ip = ctx.call.client.ip.as_str();
    let allowed_ips: Option<Vec<String>> = row.optional_text(7)?.map(|_| row.json(7)).transpose()?;
    // Only who holds the key learns that it is for other networks. An address that is not known is none of them.
    if allowed_ips.as_ref().is_some_and(|networks| !net::allows(networks, ip)) {
        return Err(Code::IpNotAllowed.into());
    }
    let id: ApiKeyId = row.parse(0)?;
    let stale =
        row.optional_number(6)?.is_none_or(|used_at| ctx.now_ms > used_at.saturating_add(BOOKKEEPING_MS));
    if stale || row.optional_text(8)? != Some(ip) {
        ctx.store.bookkeeping(
            "UPDATE api_keys SET used_at = ?, used_ip = ? WHERE id = ?",
            &[ctx.now_ms.into(), ip.into(), id.as_str().into()],
        )?;
    }
    let rate_limit = row.optional_text(3)?.map(|_| row.json(3)).transpose()?;
    let (secret, is_retired) = (lookup.to_owned(), row.optional_number(9)?.is_some());
    let kind = Kind::ApiKey { id, secret, is_retired, scopes: row.json(2)?, rate_limit, allowed_ips };
    Ok(Actor { kind, renewed: None })
}

/// The refusal of a key that this org does not have: the same as the edge's for one whose MAC is not ours.
fn unknown() -> AppError {
    AppError::refused(Code::Unauthenticated, UNKNOWN_KEY)
}

/// # Errors
/// `KeyRevoked`, `KeyExpired`, with the time.
fn stands(ctx: Context<'_>, row: &Row) -> Result<(), AppError> {
    let refused = |code, what: &str, at| Err(AppError::refused(code, format!("{what} {}", rfc3339(at))));
    if let Some(at) = row.optional_number(5)? {
        return refused(Code::KeyRevoked, "this API key was revoked at", at);
    }
    if let Some(at) = row.optional_number(4)?.filter(|at| ctx.now_ms >= *at) {
        return refused(Code::KeyExpired, "this API key expired at", at);
    }
    match row.optional_number(9)?.filter(|at| ctx.now_ms >= *at) {
        Some(at) => refused(Code::KeyRevoked, "this API key has another secret: this one worked until", at),
        None => Ok(()),
    }
}

/// The key with these plaintext characters, or the one that had them until it was rotated: the old secret proves the same
/// key, works until its grace is over (the last column, Unix ms) and is as dead as the key.
fn find(ctx: Context<'_>, lookup: &str) -> Result<Option<Row>, SqlError> {
    let current = ctx.store.first(
        "SELECT id, hash, scopes, rate_limit, expires_at, revoked_at, used_at, allowed_ips, used_ip, NULL FROM api_keys \
         WHERE lookup = ?",
        &[lookup.into()],
    )?;
    if current.is_some() {
        return Ok(current);
    }
    ctx.store.first(
        "SELECT k.id, r.hash, k.scopes, k.rate_limit, k.expires_at, k.revoked_at, k.used_at, k.allowed_ips, k.used_ip, \
         r.ends_at FROM rotated_keys r JOIN api_keys k ON k.id = r.key_id WHERE r.lookup = ?",
        &[lookup.into()],
    )
}

/// Whether a digest is the one that a bcrypt hash was made from. That is a fact about two values, so it may be remembered
/// across objects that share the isolate: 2 µs instead of 1.6 ms. Only matches are remembered, under a hash of both.
pub(in crate::org) fn matches_hash(digest: &str, hash: &str) -> bool {
    const REMEMBERED: usize = 4096;
    thread_local! {
        static MATCHES: RefCell<HashSet<[u8; 32]>> = RefCell::default();
    }
    let Ok(digest) = digest.parse::<KeyDigest>() else { return false };
    let fact: [u8; 32] = Sha256::new()
        .chain_update(hash.len().to_be_bytes())
        .chain_update(hash)
        .chain_update(digest.to_text().as_bytes())
        .finalize()
        .into();
    if MATCHES.with_borrow(|matches| matches.contains(&fact)) {
        return true;
    }
    let is_match = digest.matches(hash);
    if is_match {
        MATCHES.with_borrow_mut(|matches| {
            if matches.len() >= REMEMBERED {
                matches.clear();
            }
            matches.insert(fact);
        });
    }
    is_match
}
