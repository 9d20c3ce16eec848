//! Who is calling, and may they: decided here, inside the tenant's own object, on every call (invariant 7). The edge has
//! checked signatures and MACs; whether a session, a membership or a key still stands, only this database knows.

use super::sessions;
use crate::context::Context;
use crate::error::AppError;
use protocol::api::{RateLimit, User};
use protocol::{Access, ApiKeyId, Code, Permission, Principal, Role, Scope, SessionId, UserId};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::HashSet;
use tokens::KeyDigest;
use zeroize::Zeroizing;

/// How stale `seen_at` and `used_at` may be, ms: a write per minute, not per request.
pub(super) const BOOKKEEPING_MS: u64 = 60_000;

/// The caller, checked.
pub(super) struct Actor {
    pub kind: Kind,
    /// A fresh token, where the cookie's had run out.
    pub renewed: Option<Zeroizing<String>>,
}

pub(super) enum Kind {
    Member { user: User, role: Role, session: SessionId },
    ApiKey { id: ApiKeyId, scopes: Vec<Scope>, rate_limit: Option<RateLimit> },
    Edge,
}

impl Actor {
    /// As it stands in audit events.
    pub(super) fn name(&self) -> &str {
        match &self.kind {
            Kind::Member { user, .. } => user.id.as_str(),
            Kind::ApiKey { id, .. } => id.as_str(),
            Kind::Edge => "system",
        }
    }

    /// Whether role or scopes grant a permission.
    pub(super) fn may(&self, permission: Permission) -> bool {
        match &self.kind {
            Kind::Member { role, .. } => role.grants(permission),
            Kind::ApiKey { scopes, .. } => scopes.contains(&Scope::Own(permission)),
            Kind::Edge => false,
        }
    }

    /// A key's own limit.
    pub(super) fn rate_limit(&self) -> Option<RateLimit> {
        match self.kind {
            Kind::ApiKey { rate_limit, .. } => rate_limit,
            Kind::Member { .. } | Kind::Edge => None,
        }
    }
}

/// The caller, if it stands and may do what it asks for.
///
/// # Errors
/// `Unauthenticated`, `Forbidden` or `InsufficientScope`.
pub(super) fn authorize(ctx: Context<'_>) -> Result<Actor, AppError> {
    let access = ctx.call.operation.access();
    if access == Access::Edge {
        return match ctx.call.principal {
            Principal::Anonymous => Ok(Actor { kind: Kind::Edge, renewed: None }),
            _ => Err(Code::Forbidden.into()),
        };
    }
    let actor = authenticate(ctx)?;
    let allowed = match access {
        Access::Principal => true,
        Access::Session => matches!(actor.kind, Kind::Member { .. }),
        Access::Needs(permission) => actor.may(permission),
        Access::SessionNeeds(permission) => {
            matches!(actor.kind, Kind::Member { .. }) && actor.may(permission)
        }
        Access::Operator => false,
        // Public operations are not this object's.
        Access::Public | Access::Edge => false,
    };
    match (allowed, &actor.kind) {
        (true, _) => Ok(actor),
        (false, Kind::ApiKey { .. }) if access == Access::Session => {
            Err(AppError::refused(Code::Forbidden, "this takes a signed-in user, not an API key"))
        }
        (false, Kind::ApiKey { .. }) => Err(Code::InsufficientScope.into()),
        (false, _) => Err(Code::Forbidden.into()),
    }
}

fn authenticate(ctx: Context<'_>) -> Result<Actor, AppError> {
    match &ctx.call.principal {
        Principal::Anonymous => Err(Code::Unauthenticated.into()),
        // The router picked this object by the principal's org; that it did is checked, not trusted (invariant 2).
        principal if principal.org() != Some(ctx.org) => Err(Code::Unauthenticated.into()),
        Principal::Session { user, session, expired, cookie, .. } => {
            member(ctx, user, session, *expired, *cookie)
        }
        Principal::ApiKey { lookup, digest, .. } => api_key(ctx, lookup, digest),
    }
}

fn member(
    ctx: Context<'_>,
    user: &UserId,
    session: &SessionId,
    expired: bool,
    cookie: bool,
) -> Result<Actor, AppError> {
    if expired && !cookie {
        return Err(Code::Unauthenticated.into());
    }
    let row = ctx
        .store
        .first(
            "SELECT m.email, m.name, m.role, s.seen_at FROM sessions s JOIN members m ON m.user_id = s.user_id \
             WHERE s.id = ? AND s.user_id = ?",
            &[session.as_str().into(), user.as_str().into()],
        )?
        .ok_or(Code::Unauthenticated)?;
    let seen_at = row.number(3)?;
    if ctx.now_ms > seen_at.saturating_add(sessions::idle_ms(ctx.config)) {
        return Err(Code::Unauthenticated.into());
    }
    if ctx.now_ms > seen_at.saturating_add(BOOKKEEPING_MS) {
        ctx.store.bookkeeping(
            "UPDATE sessions SET seen_at = ? WHERE id = ?",
            &[ctx.now_ms.into(), session.as_str().into()],
        )?;
    }
    let role: Role = row.text(2)?.parse().map_err(|_| crate::store::SqlError::Row)?;
    let renewed = expired.then(|| sessions::token(ctx, user, role, session)).transpose()?;
    Ok(Actor {
        kind: Kind::Member {
            user: User { id: user.clone(), email: row.text(0)?.to_owned(), name: row.text(1)?.to_owned() },
            role,
            session: session.clone(),
        },
        renewed: renewed.map(|(token, _)| token),
    })
}

fn api_key(ctx: Context<'_>, lookup: &str, digest: &str) -> Result<Actor, AppError> {
    let row = ctx
        .store
        .first(
            "SELECT id, hash, scopes, rate_limit, expires_at, revoked_at, used_at FROM api_keys WHERE lookup = ?",
            &[lookup.into()],
        )?
        .ok_or(Code::Unauthenticated)?;
    let dead = row.optional_number(5)?.is_some()
        || row.optional_number(4)?.is_some_and(|expires_at| ctx.now_ms >= expires_at);
    if dead || !matches_hash(digest, row.text(1)?) {
        return Err(Code::Unauthenticated.into());
    }
    let id: ApiKeyId = row.parse(0)?;
    if row.optional_number(6)?.is_none_or(|used_at| ctx.now_ms > used_at.saturating_add(BOOKKEEPING_MS)) {
        ctx.store.bookkeeping(
            "UPDATE api_keys SET used_at = ? WHERE id = ?",
            &[ctx.now_ms.into(), id.as_str().into()],
        )?;
    }
    let rate_limit = row.optional_text(3)?.map(|_| row.json(3)).transpose()?;
    Ok(Actor { kind: Kind::ApiKey { id, scopes: row.json(2)?, rate_limit }, renewed: None })
}

/// Whether a digest is the one that a bcrypt hash was made from. That is a fact about two values, so it may be remembered
/// across objects that share the isolate: 2 µs instead of 1.6 ms. Only matches are remembered, under a hash of both.
pub(super) fn matches_hash(digest: &str, hash: &str) -> bool {
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
