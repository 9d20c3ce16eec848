//! Sessions: the record here is the authority; the token is a short-lived copy of it for the edge (claims M4, C4).

use super::actor::{Actor, Kind};
use super::change;
use crate::asks::OpenSession;
use crate::context::{Context, random};
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::Event;
use config::Config;
use protocol::api::{NewSession, Org, ShownOnce, SignedIn};
use protocol::call::VerifiedPrincipal;
use protocol::time::rfc3339;
use protocol::{ISSUER, Role, SessionId, UserId};
use tokens::SessionClaims;
use zeroize::Zeroizing;

/// Opens a session for a member, making org and membership if this is the org's first.
///
/// # Errors
/// `Forbidden` where the org exists without this member.
pub fn open(ctx: Context<'_>, request: &OpenSession) -> Result<Reply, AppError> {
    let user = &request.user;
    ensure_org(ctx, request)?;
    let role = role_of(ctx, &user.id)?.ok_or(protocol::Code::Forbidden)?;
    let session = SessionId::new(ctx.now_ms, random()?);
    let client = &ctx.call.client;
    ctx.store.transaction(|tx| {
        tx.write(
            "DELETE FROM sessions WHERE seen_at < ?",
            &[ctx.now_ms.saturating_sub(idle_ms(ctx.config)).into()],
        )?;
        tx.write(
            "INSERT INTO sessions (id, user_id, created_at, seen_at, ip, user_agent, country, authenticated_at, \
             second_factor, operator) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            ],
        )?;
        let event = Event::new("session.opened", &session).with("reason", request.reason.as_str());
        tx.commit(&ctx.subject(user.id.as_str()), event, ())
    })?;
    let (token, expires_at) = token(ctx, &user.id, role, &session)?;
    let signed_in = SignedIn {
        user: user.clone(),
        org: org(ctx)?,
        session: NewSession { token: ShownOnce(token.to_string()), expires_at: rfc3339(expires_at * 1000) },
    };
    Ok(Reply { session: Some(token), ..Reply::json(request.status, &signed_in)? })
}

fn ensure_org(ctx: Context<'_>, OpenSession { user, found, .. }: &OpenSession) -> Result<(), AppError> {
    let Some(org) = found else { return Ok(()) };
    if ctx.store.first("SELECT 1 FROM org", &[])?.is_some() {
        return Ok(());
    }
    let wrapped = ctx.secrets.keyring.new_dek(ctx.org.as_str())?;
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

/// Ends the caller's session at once.
pub(super) fn log_out(ctx: Context<'_>, actor: &Actor) -> Result<Reply, AppError> {
    let Kind::Member { session, .. } = &actor.kind else {
        return Err(protocol::Code::Forbidden.into());
    };
    let mut reply = change::answer(ctx, actor, &[], 204, |tx| {
        tx.write("DELETE FROM sessions WHERE id = ?", &[session.as_str().into()])?;
        tx.commit(&ctx.subject(actor.name()), Event::new("session.closed", session), ())
    })?;
    reply.session = Some(Zeroizing::default());
    Ok(reply)
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
        role: None,
        scopes: None,
        rate_limit: super::limits::own(ctx, actor)?,
        allowed_ips: None,
        lease: super::limits::lease(ctx, actor, want)?,
        assertion: None,
    };
    match &actor.kind {
        Kind::Member { role, .. } => verified.role = Some(*role),
        Kind::ApiKey { scopes, .. } => verified.scopes = Some(scopes.clone()),
        Kind::Edge => return Err(protocol::Code::Forbidden.into()),
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
        verified.assertion = Some(ShownOnce(ctx.secrets.signer.sign_for(&claims, ISSUER, audience)?));
    }
    Reply::json(200, &verified)
}

/// A token for a session's record, and its end as Unix seconds.
pub(super) fn token(
    ctx: Context<'_>,
    user: &UserId,
    role: Role,
    session: &SessionId,
) -> Result<(Zeroizing<String>, u64), AppError> {
    let iat = ctx.now_ms / 1000;
    let exp = iat + u64::from(ctx.config.sessions.access_seconds);
    let claims = SessionClaims {
        sub: user.to_string(),
        org: ctx.org.to_string(),
        role: role.as_str().to_owned(),
        sid: session.to_string(),
        iat,
        exp,
    };
    Ok((Zeroizing::new(ctx.secrets.signer.sign(&claims, ISSUER)?), exp))
}

/// How long an unused session lives, ms.
pub(super) fn idle_ms(config: &Config) -> u64 {
    u64::from(config.sessions.idle_days) * 86_400_000
}

/// The org as it is shown.
pub(super) fn org(ctx: Context<'_>) -> Result<Org, AppError> {
    let row =
        ctx.store.first("SELECT name, created_at FROM org", &[])?.ok_or(protocol::Code::Unauthenticated)?;
    Ok(Org {
        id: ctx.org.clone(),
        name: row.text(0)?.to_owned(),
        region: ctx.org.region().ok_or(AppError::Encoding)?,
        plan: super::plan::terms(ctx)?.plan_name(ctx.now_ms).to_owned(),
        created_at: rfc3339(row.number(1)?),
    })
}

fn role_of(ctx: Context<'_>, user: &UserId) -> Result<Option<Role>, AppError> {
    let row = ctx.store.first("SELECT role FROM members WHERE user_id = ?", &[user.as_str().into()])?;
    Ok(row.map(|row| row.text(0)?.parse().map_err(|_| crate::store::SqlError::Row)).transpose()?)
}
