//! Who is calling, and may they: decided here, inside the tenant's own object, on every call (invariant 7). The edge has
//! checked signatures and MACs; whether a session, a membership or a key still stands, only this database knows.

mod key;
mod portal;
mod session;

pub(super) use key::matches_hash;

use crate::asks::{Secret, Voucher};
use crate::context::Context;
use crate::error::AppError;
use protocol::api::{RateLimit, User};
use protocol::reach::Made;
use protocol::{Access, ApiKeyId, Code, Permission, PortalLinkId, Principal, Role, Scope, SessionId};
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
    /// `role` is the row's, so never SUPER_ADMIN: operating the installation opens nothing of an org's.
    Member {
        user: User,
        role: Role,
        session: SessionId,
        proof: Proof,
    },
    ApiKey {
        id: ApiKeyId,
        /// The plaintext characters of the secret that was presented.
        secret: String,
        /// That secret was rotated out, and its grace lasts.
        is_retired: bool,
        scopes: Vec<Scope>,
        rate_limit: Option<RateLimit>,
        allowed_ips: Option<Vec<String>>,
    },
    /// The holder of a link to the portal: the endpoints of this customer are all there is.
    Portal {
        link: PortalLinkId,
        customer: String,
    },
    Edge,
}

/// What a session stands on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    /// When the person has proven themselves last, Unix ms.
    pub authenticated_at: u64,
    /// A second factor was proven.
    pub second_factor: bool,
    /// The email is on the operators' list as it is now.
    pub listed: bool,
    /// All that makes a SUPER_ADMIN: a proven email that is on the list, and a second factor.
    pub operator: bool,
    /// The token came in the cookie.
    pub cookie: bool,
    /// [`crate::asks::OpenSession::epoch`]
    pub epoch: u64,
}

impl Proof {
    /// Until when sensitive changes need no new proof, Unix ms.
    pub(super) fn until(&self, ctx: Context<'_>) -> u64 {
        authenticated_until(ctx, self.authenticated_at)
    }
}

/// Until when a proof given at a time serves for sensitive changes (claim C4), Unix ms.
pub(super) fn authenticated_until(ctx: Context<'_>, authenticated_at: u64) -> u64 {
    authenticated_at.saturating_add(u64::from(ctx.config.sessions.reauthentication_minutes) * 60_000)
}

impl Actor {
    /// As it stands in audit events.
    pub(super) fn name(&self) -> &str {
        match &self.kind {
            Kind::Member { user, .. } => user.id.as_str(),
            Kind::ApiKey { id, .. } => id.as_str(),
            Kind::Portal { link, .. } => link.as_str(),
            Kind::Edge => "system",
        }
    }

    /// The plaintext characters of the secret that a key has presented.
    pub(super) fn secret(&self) -> Option<&str> {
        match &self.kind {
            Kind::ApiKey { secret, .. } => Some(secret),
            Kind::Member { .. } | Kind::Portal { .. } | Kind::Edge => None,
        }
    }

    /// Whether role or scopes grant a permission.
    pub(super) fn may(&self, permission: Permission) -> bool {
        match &self.kind {
            Kind::Member { role, .. } => role.grants(permission),
            Kind::ApiKey { scopes, .. } => scopes.contains(&Scope::Own(permission)),
            Kind::Portal { .. } => Made::PortalLink.opens().contains(&permission),
            Kind::Edge => false,
        }
    }

    /// Refuses a caller whom role or scopes do not grant all of this, besides what the operation takes anyway.
    ///
    /// # Errors
    /// `InsufficientScope` for a key, `Forbidden` for a person. Both say what it takes and what there is.
    pub(super) fn require(&self, ctx: Context<'_>, besides: &[Permission]) -> Result<(), AppError> {
        if besides.iter().all(|permission| self.may(*permission)) {
            return Ok(());
        }
        let operation = &ctx.call.operation;
        let own = match operation.access() {
            Access::Needs(permission) | Access::SessionNeeds(permission) => Some(permission),
            _ => None,
        };
        let mut needed: Vec<Permission> = Vec::new();
        for permission in own.iter().chain(operation.also_needs()).chain(besides) {
            if !needed.contains(permission) {
                needed.push(*permission);
            }
        }
        Err(match &self.kind {
            Kind::ApiKey { scopes, .. } => AppError::scopes(&needed, scopes),
            Kind::Member { role, .. } => AppError::role(&needed, *role),
            Kind::Portal { .. } | Kind::Edge => Code::Forbidden.into(),
        })
    }

    /// The one customer whose endpoints the caller may see; `None`: all of the org's.
    pub(super) fn customer(&self) -> Option<&str> {
        match &self.kind {
            Kind::Portal { customer, .. } => Some(customer),
            Kind::Member { .. } | Kind::ApiKey { .. } | Kind::Edge => None,
        }
    }

    /// A person's role as it is told: SUPER_ADMIN for an operator, else the one in this org.
    pub(super) fn shown_role(&self) -> Option<Role> {
        match &self.kind {
            Kind::Member { proof, .. } if proof.operator => Some(Role::SuperAdmin),
            Kind::Member { role, .. } => Some(*role),
            Kind::ApiKey { .. } | Kind::Portal { .. } | Kind::Edge => None,
        }
    }

    /// A key's own limit.
    pub(super) fn rate_limit(&self) -> Option<RateLimit> {
        match self.kind {
            Kind::ApiKey { rate_limit, .. } => rate_limit,
            Kind::Member { .. } | Kind::Portal { .. } | Kind::Edge => None,
        }
    }

    /// What this object says for a session towards others.
    ///
    /// # Errors
    /// `Forbidden` for anything but a session.
    pub(super) fn voucher(self) -> Result<Voucher, AppError> {
        let Kind::Member { user, role, session, proof } = self.kind else {
            return Err(Code::Forbidden.into());
        };
        Ok(Voucher {
            user,
            session,
            role,
            cookie: proof.cookie,
            authenticated_at: proof.authenticated_at,
            second_factor: proof.second_factor,
            operator: proof.operator,
            epoch: proof.epoch,
            renewed: self.renewed.map(|token| Secret(token.to_string())),
        })
    }
}

/// The caller, if it stands and may do what it asks for.
///
/// # Errors
/// `Unauthenticated`, `IpNotAllowed`, `Forbidden`, `InsufficientScope` or `ReauthenticationRequired`.
pub(super) fn authorize(ctx: Context<'_>) -> Result<Actor, AppError> {
    let access = ctx.call.operation.access();
    if access == Access::Edge {
        return match ctx.call.principal {
            Principal::Anonymous => Ok(Actor { kind: Kind::Edge, renewed: None }),
            _ => Err(Code::Forbidden.into()),
        };
    }
    let actor = authenticate(ctx)?;
    match &actor.kind {
        Kind::Portal { .. } if !ctx.call.operation.is_for_portal() => return Err(Code::Forbidden.into()),
        Kind::Portal { .. } => {}
        _ => permit(ctx, access, &actor)?,
    }
    actor.require(ctx, ctx.call.operation.also_needs())?;
    if let Kind::Member { proof, .. } = &actor.kind
        && ctx.call.operation.is_sensitive()
        && ctx.now_ms > proof.until(ctx)
    {
        return Err(AppError::refused(
            Code::ReauthenticationRequired,
            "prove who you are again at POST /v1/reauthenticate, then repeat this",
        ));
    }
    Ok(actor)
}

fn authenticate(ctx: Context<'_>) -> Result<Actor, AppError> {
    match &ctx.call.principal {
        Principal::Anonymous => Err(Code::Unauthenticated.into()),
        // The router picked this object by the principal's org; that it did is checked, not trusted (invariant 2).
        principal if principal.org() != Some(ctx.org) => Err(Code::Unauthenticated.into()),
        Principal::Session { user, session, expired, cookie, .. } => {
            session::member(ctx, user, session, *expired, *cookie)
        }
        Principal::ApiKey { lookup, digest, .. } => key::api_key(ctx, lookup, digest),
        Principal::Portal { digest, .. } => portal::holder(ctx, digest),
    }
}

fn permit(ctx: Context<'_>, access: Access, actor: &Actor) -> Result<(), AppError> {
    const PEOPLE: &str = "this takes a signed-in user, not an API key";
    let is_key = matches!(actor.kind, Kind::ApiKey { .. });
    match access {
        Access::Principal => Ok(()),
        Access::Session | Access::SessionNeeds(_) | Access::Operator if is_key => {
            Err(AppError::refused(Code::Forbidden, PEOPLE))
        }
        Access::Session if matches!(actor.kind, Kind::Member { .. }) => Ok(()),
        Access::Needs(permission) | Access::SessionNeeds(permission) => actor.require(ctx, &[permission]),
        Access::Operator => operator(actor),
        // Public operations are not this object's.
        _ => Err(Code::Forbidden.into()),
    }
}

fn operator(actor: &Actor) -> Result<(), AppError> {
    match &actor.kind {
        Kind::Member { proof, .. } if proof.operator => Ok(()),
        Kind::Member { proof, .. } if proof.listed && !proof.second_factor => Err(AppError::refused(
            Code::Forbidden,
            "an operator needs a second factor: set one up, then sign in with it",
        )),
        _ => Err(AppError::refused(
            Code::Forbidden,
            "this is for operators: people whose confirmed email is in operators.super_admins of the configuration, and \
             who sign in with a second factor",
        )),
    }
}
