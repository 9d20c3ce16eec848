//! Sessions: the record here is the authority; the token is a short-lived copy of it for the edge (claims M4, C4).

use super::actor::{Actor, Kind, authenticated_until};
use super::{buried, change, device, keys, members};
use crate::asks::{Again, OpenSession};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::{self, Event};
use protocol::api::{List, NewSession, Org, Reauthenticated, Renewed, Session, ShownOnce, SignedIn};
use protocol::call::VerifiedPrincipal;
use protocol::time::rfc3339;
use protocol::{Code, ISSUER, Page, Role, Scope, SessionId, UserId};
use tokens::SessionClaims;
use zeroize::Zeroizing;

const SECOND_FACTOR: &str = "the account has a second factor and this session has not shown it: confirm with a code of the \
                             authenticator app, or sign in again";

/// Opens a session for a member, making org and membership if this is the org's first.
///
/// # Errors
/// `Forbidden` where the org exists without this member.
pub fn open(ctx: Context<'_>, request: &OpenSession) -> Result<Reply, AppError> {
    let user = &request.user;
    ensure_org(ctx, request)?;
    let role = members::role_of(ctx.store, &user.id)?.ok_or(Code::Forbidden)?;
    let session = SessionId::new(ctx.now_ms, random()?);
    let client = &ctx.call.client;
    ctx.store.transaction(|tx| {
        tx.write(
            "INSERT INTO sessions (id, user_id, created_at, seen_at, ip, user_agent, country, authenticated_at, \
             second_factor, operator, epoch) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                session.as_str().into(),
                user.id.as_str().into(),
                ctx.now_ms.into(),
                ctx.now_ms.into(),
                client.ip.as_str().into(),
                client.user_agent.as_str().into(),
                client.country.as_deref().map(str::to_owned).into(),
                request.authenticated_at.into(),
                u64::from(request.second_factor).into(),
                u64::from(request.operator).into(),
                request.epoch.into(),
            ],
        )?;
        let event = Event::new("session.opened", &session).with("reason", request.reason.as_str());
        tx.commit(&ctx.subject(user.id.as_str()), event, ())
    })?;
    let (cookie, shown) = new_session(ctx, &user.id, role, &session)?;
    let signed_in = SignedIn { user: user.clone(), org: org(ctx)?, session: shown };
    Ok(Reply { session: Some(cookie), ..Reply::json(request.status, &signed_in)? })
}

fn ensure_org(ctx: Context<'_>, OpenSession { user, found, .. }: &OpenSession) -> Result<(), AppError> {
    let Some(org) = found else { return Ok(()) };
    if ctx.store.first("SELECT 1 FROM org", &[])?.is_some() {
        return Ok(());
    }
    if buried(ctx.store)?.is_some() {
        return Err(Code::Forbidden.into());
    }
    let wrapped = keys::first(ctx, org.kek)?;
    let region = ctx.org.region().ok_or(AppError::Encoding)?;
    ctx.store.transaction(|tx| {
        tx.write(
            "INSERT INTO org (id, name, region, plan, created_at, wrapped_dek) VALUES (?, ?, ?, ?, ?, ?)",
            &[
                ctx.org.as_str().into(),
                org.name.as_str().into(),
                region.as_str().into(),
                ctx.config.plans.default.as_str().into(),
                ctx.now_ms.into(),
                wrapped.as_bytes().to_vec().into(),
            ],
        )?;
        tx.write(
            "INSERT INTO members (user_id, email, name, role, created_at) VALUES (?, ?, ?, ?, ?)",
            &[
                user.id.as_str().into(),
                user.email.as_str().into(),
                user.name.as_str().into(),
                Role::OrgAdmin.as_str().into(),
                ctx.now_ms.into(),
            ],
        )?;
        tx.commit(&ctx.subject(user.id.as_str()), Event::new("org.created", ctx.org), ())
    })
}

/// The caller's own sessions that are alive. Nobody sees another's, an admin neither.
pub(super) fn list(ctx: Context<'_>, actor: &Actor, page: &Page) -> Result<List<Session>, AppError> {
    let (user, current) = own(actor)?;
    store::list(
        ctx.store,
        "SELECT rowid, id, user_agent, ip, country, second_factor, created_at, seen_at FROM sessions",
        [("user_id = ?", user.as_str().into()), ("seen_at >= ?", oldest_alive(ctx).into())],
        page,
        |row| {
            let id: SessionId = row.parse(1)?;
            Ok(Session {
                current: id == *current,
                id,
                device: device::name(row.text(2)?),
                ip: row.text(3)?.to_owned(),
                country: row.optional_text(4)?.map(str::to_owned),
                second_factor: row.number(5)? == 1,
                created_at: rfc3339(row.number(6)?),
                last_used_at: rfc3339(row.number(7)?),
            })
        },
    )
}

/// A fresh token for the caller's session.
pub(super) fn refresh(ctx: Context<'_>, actor: &Actor) -> Result<Reply, AppError> {
    let Kind::Member { user, role, session, proof } = &actor.kind else {
        return Err(Code::Forbidden.into());
    };
    let (cookie, shown) = new_session(ctx, &user.id, *role, session)?;
    let reply = Reply::json(200, &Renewed { session: shown })?;
    Ok(Reply { session: proof.cookie.then_some(cookie), ..reply })
}

/// Ends the caller's session at once.
pub(super) fn log_out(ctx: Context<'_>, actor: &Actor) -> Result<Reply, AppError> {
    let (_, session) = own(actor)?;
    let reply = change::answer(ctx, actor, &[], 204, |tx| {
        tx.write("DELETE FROM sessions WHERE id = ?", &[session.as_str().into()])?;
        tx.commit(&ctx.subject(actor.name()), Event::new("session.closed", session), ())
    })?;
    Ok(Reply { session: Some(Zeroizing::default()), ..reply })
}

/// Ends one of the caller's own sessions at once. Another's is as unknown as one that never was.
pub(super) fn revoke(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &SessionId,
) -> Result<Reply, AppError> {
    let (user, current) = own(actor)?;
    let reply = change::answer(ctx, actor, body, 204, |tx| {
        let ended = tx.write(
            "DELETE FROM sessions WHERE id = ? AND user_id = ? RETURNING id",
            &[id.as_str().into(), user.as_str().into()],
        )?;
        if ended.is_empty() {
            return Err(Code::NotFound.into());
        }
        tx.commit(&ctx.subject(actor.name()), Event::new("session.revoked", id).with("count", 1), ())
    })?;
    Ok(Reply { session: (id == current).then(Zeroizing::default), ..reply })
}

/// Ends a person's sessions, but one.
pub(super) fn end(
    ctx: Context<'_>,
    user: &UserId,
    but: Option<&SessionId>,
    epoch: u64,
    reason: &str,
) -> Result<Reply, AppError> {
    if let Some(spared) = but {
        ctx.store.bookkeeping(
            "UPDATE sessions SET epoch = ? WHERE id = ? AND user_id = ?",
            &[epoch.into(), spared.as_str().into(), user.as_str().into()],
        )?;
    }
    let these: [store::Value; 2] = [user.as_str().into(), but.map_or("", SessionId::as_str).into()];
    if ctx.store.first("SELECT 1 FROM sessions WHERE user_id = ? AND id <> ?", &these)?.is_none() {
        return Ok(Reply::no_content());
    }
    ctx.store.transaction(|tx| {
        let ended = tx.write("DELETE FROM sessions WHERE user_id = ? AND id <> ? RETURNING id", &these)?;
        let event = Event::new("session.revoked", user).with("count", ended.len()).with("reason", reason);
        tx.commit(&ctx.subject(user.as_str()), event, ())
    })?;
    Ok(Reply::no_content())
}

/// Whether a session stands, for a flow that began in it and went elsewhere meanwhile.
pub(super) fn stands(ctx: Context<'_>, user: &UserId, session: &SessionId) -> Result<Reply, AppError> {
    let row = ctx.store.first(
        "SELECT 1 FROM sessions s JOIN members m ON m.user_id = s.user_id \
         WHERE s.id = ? AND s.user_id = ? AND s.seen_at >= ?",
        &[session.as_str().into(), user.as_str().into(), oldest_alive(ctx).into()],
    )?;
    row.map(|_| Reply::no_content()).ok_or_else(|| Code::Unauthenticated.into())
}

/// Notes that a session's person has proven themselves, now.
///
/// # Errors
/// `Unauthenticated` where the session is not alive; `ReauthenticationRequired` where the account has a second factor that
/// neither the proof nor the session has shown.
pub(super) fn mark_authenticated(
    ctx: Context<'_>,
    session: &SessionId,
    proof: Again,
) -> Result<Reply, AppError> {
    let second_factor = proof == Again::Second;
    let answer = ctx.store.transaction(|tx| {
        let marked = tx.write(
            "UPDATE sessions SET authenticated_at = ?, second_factor = MAX(second_factor, ?) WHERE id = ? \
             AND seen_at >= ? AND user_id IN (SELECT user_id FROM members) RETURNING user_id, second_factor",
            &[
                ctx.now_ms.into(),
                u64::from(second_factor).into(),
                session.as_str().into(),
                oldest_alive(ctx).into(),
            ],
        )?;
        let row = marked.first().ok_or(Code::Unauthenticated)?;
        if proof == Again::FirstOfTwo && row.number(1)? == 0 {
            return Err(AppError::refused(Code::ReauthenticationRequired, SECOND_FACTOR));
        }
        let user = row.text(0)?;
        let event = Event::new("session.authenticated", session).with("second_factor", second_factor);
        let until = rfc3339(authenticated_until(ctx, ctx.now_ms));
        tx.commit(&ctx.subject(user), event, Reauthenticated { authenticated_until: until })
    })?;
    Reply::json(200, &answer)
}

/// The person and the session that ask.
fn own(actor: &Actor) -> Result<(&UserId, &SessionId), AppError> {
    match &actor.kind {
        Kind::Member { user, session, .. } => Ok((&user.id, session)),
        Kind::ApiKey { .. } | Kind::Portal { .. } | Kind::Edge => Err(Code::Forbidden.into()),
    }
}

/// What the edge may go by alone until it is stale, with an identity assertion if it asks for one.
pub(super) fn verify(
    ctx: Context<'_>,
    actor: &Actor,
    audience: Option<&str>,
    want: u32,
) -> Result<Reply, AppError> {
    let mut verified = VerifiedPrincipal {
        org_id: ctx.org.clone(),
        subject: actor.name().to_owned(),
        role: actor.shown_role(),
        scopes: None,
        rate_limit: super::limits::own(ctx, actor)?,
        allowed_ips: None,
        lease: super::limits::lease(ctx, actor, want)?,
        assertion: None,
    };
    match &actor.kind {
        Kind::Member { .. } => {}
        Kind::ApiKey { scopes, allowed_ips, .. } => {
            verified.scopes = Some(scopes.clone());
            verified.allowed_ips.clone_from(allowed_ips);
        }
        Kind::Portal { .. } | Kind::Edge => return Err(Code::Forbidden.into()),
    }
    if let Some(audience) = audience {
        let now = ctx.now_ms / 1000;
        let claims = SessionClaims {
            sub: actor.name().to_owned(),
            org: ctx.org.to_string(),
            role: verified.role.map(|role| role.as_str().to_owned()).unwrap_or_default(),
            sid: ctx.call.request_id.to_string(),
            iat: now,
            // The edge may use it for as long as it may use the answer; clocks differ.
            exp: now + u64::from(ctx.config.revocation.max_staleness_seconds) + 60,
        };
        let signer = &ctx.secrets.signer;
        let assertion = match &verified.scopes {
            Some(scopes) => signer.sign_scoped(&claims, scope_claim(scopes), ISSUER, audience)?,
            None => signer.sign_for(&claims, ISSUER, audience)?,
        };
        verified.assertion = Some(ShownOnce(assertion));
    }
    Reply::json(200, &verified)
}

/// Scopes as a token names them (RFC 8693, section 4.2).
fn scope_claim(scopes: &[Scope]) -> String {
    let names: Vec<String> = scopes.iter().cloned().map(String::from).collect();
    names.join(" ")
}

/// A session's token for the cookie.
pub(super) fn cookie(
    ctx: Context<'_>,
    user: &UserId,
    role: Role,
    session: &SessionId,
) -> Result<Zeroizing<String>, AppError> {
    Ok(Zeroizing::new(ctx.secrets.signer.sign_cookie(&claims(ctx, user, role, session), ISSUER)?))
}

/// A session's two tokens: for the cookie, and as a bearer's, which is shown once. Neither is good for the other's way.
fn new_session(
    ctx: Context<'_>,
    user: &UserId,
    role: Role,
    session: &SessionId,
) -> Result<(Zeroizing<String>, NewSession), AppError> {
    let claims = claims(ctx, user, role, session);
    let token = ShownOnce(ctx.secrets.signer.sign(&claims, ISSUER)?);
    let shown = NewSession { token, expires_at: rfc3339(claims.exp * 1000) };
    Ok((cookie(ctx, user, role, session)?, shown))
}

fn claims(ctx: Context<'_>, user: &UserId, role: Role, session: &SessionId) -> SessionClaims {
    let iat = ctx.now_ms / 1000;
    SessionClaims {
        sub: user.to_string(),
        org: ctx.org.to_string(),
        role: role.as_str().to_owned(),
        sid: session.to_string(),
        iat,
        exp: iat + u64::from(ctx.config.sessions.access_seconds),
    }
}

/// When a session that is still alive was seen at the earliest, Unix ms.
pub(super) fn oldest_alive(ctx: Context<'_>) -> u64 {
    ctx.now_ms.saturating_sub(u64::from(ctx.config.sessions.idle_days) * 86_400_000)
}

/// The org as it is shown.
pub(super) fn org(ctx: Context<'_>) -> Result<Org, AppError> {
    let row = ctx.store.first("SELECT name, created_at FROM org", &[])?.ok_or(Code::Unauthenticated)?;
    Ok(Org {
        id: ctx.org.clone(),
        name: row.text(0)?.to_owned(),
        region: ctx.org.region().ok_or(AppError::Encoding)?,
        plan: super::plan::terms(ctx)?.plan_name(ctx.now_ms).to_owned(),
        created_at: rfc3339(row.number(1)?),
    })
}
