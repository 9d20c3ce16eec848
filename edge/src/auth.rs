//! Who is calling, as far as the edge can tell alone: a session token that one of our keys signed, or an API key whose
//! MAC is ours. Whether that session or key still stands is the org's object's to say (invariant 7).
//!
//! Who holds a link to the customers' portal is a [`Holder`] and no [`Caller`].
//!
//! A genuine token is checked once per isolate and then known by its SHA-256 until it ends; forged ones leave no trace.

pub mod explain;

use crate::handlers::cookies::{Cookie, Jar};
use crate::head::{Head, WHITE_SPACE};
use crate::state::State;
use protocol::{OrgId, Principal, SessionId, UserId};
use sha2::{Digest as _, Sha256};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use throttle::Quota;
use tokens::{LinkKind, parse_link};

/// The session cookie's name. `__Host-`: browsers take it over HTTPS (or from localhost) alone, for this very host.
pub const COOKIE: &str = "__Host-sluicegate_session";

/// What the name of every cookie of ours begins with, the session's and those of `handlers::cookies`.
pub const COOKIE_PREFIX: &str = "__Host-sluicegate_";

/// SHA-256 of a token as presented.
pub type Proof = [u8; 32];

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What its token says.
    pub identity: Rc<Identity>,
    /// The token's hash: names the caller in isolate memory.
    pub proof: Proof,
    /// The token came in the cookie.
    pub cookie: bool,
    /// The token has ended; only ever true together with `cookie`.
    pub expired: bool,
}

/// What a genuine token says.
#[derive(Debug)]
pub struct Identity {
    who: Who,
    /// The key's place in the limiter's table, or the user's in this org.
    pub limiter_key: u128,
    /// Unix seconds from which the token is nothing any more; API keys have no end that the edge knows of.
    ends_at: u64,
    /// The token is one for the cookie, and nothing in `Authorization`.
    cookie: bool,
    /// A key's own rate limit, once the control plane has told it.
    pub own_quota: Cell<Option<Quota>>,
    /// When that was told last, Unix ms.
    quota_told_ms: Cell<u64>,
}

#[derive(Debug)]
enum Who {
    Session { org: OrgId, user: UserId, session: SessionId },
    ApiKey { org: OrgId, lookup: String, digest: String },
}

/// Who holds a link to the portal, as far as its MAC tells. A type of its own: nothing that takes a [`Caller`] can be asked
/// for by one, and the other way round.
#[derive(Clone)]
pub struct Holder {
    org: OrgId,
    digest: String,
}

impl Holder {
    /// By a link's token, as it came.
    ///
    /// # Errors
    /// [`BadCredential`] for what is no link to a portal of ours.
    pub fn by_token(token: &str, state: &State) -> Result<Self, BadCredential> {
        let link = parse_link(&state.mac, LinkKind::Portal, token).map_err(|_| BadCredential)?;
        Ok(Self { org: org(&[OrgId::PREFIX, &link.subject].concat())?, digest: link.digest })
    }

    /// By the cookie that the link has left.
    pub fn by_cookie(jar: &Jar, state: &State) -> Option<Self> {
        jar.get(Cookie::Portal).and_then(|token| Self::by_token(token, state).ok())
    }

    /// For the call.
    pub fn principal(&self) -> Principal {
        Principal::Portal { org: self.org.clone(), digest: self.digest.clone() }
    }

    /// What its CSRF token is bound to: no session's id has this form.
    pub fn csrf_subject(&self) -> &str {
        &self.digest
    }

    /// The link's place in the limiter's table.
    pub fn limiter_key(&self) -> u128 {
        table_key(&self.digest)
    }
}

/// Whoever has the digest can speak for the link inside the private hop: it is not shown.
impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder").field("org", &self.org).finish_non_exhaustive()
    }
}

/// A credential that is not good: 401, whatever is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCredential;

impl Caller {
    /// For the call.
    pub fn principal(&self) -> Principal {
        match &self.identity.who {
            Who::Session { org, user, session } => Principal::Session {
                org: org.clone(),
                user: user.clone(),
                session: session.clone(),
                expired: self.expired,
                cookie: self.cookie,
            },
            Who::ApiKey { org, lookup, digest } => {
                Principal::ApiKey { org: org.clone(), lookup: lookup.clone(), digest: digest.clone() }
            }
        }
    }

    /// The session, where it is one.
    pub fn session(&self) -> Option<&SessionId> {
        match &self.identity.who {
            Who::Session { session, .. } => Some(session),
            Who::ApiKey { .. } => None,
        }
    }
}

/// The caller by `Authorization`, which wins, or else by the session cookie; `None` where there is neither.
///
/// # Errors
/// [`BadCredential`] for a credential that is malformed, doubled, forged or, as a bearer token, expired.
pub fn authenticate(
    head: &Head<'_>,
    now_ms: u64,
    state: &mut State,
) -> Result<Option<Caller>, BadCredential> {
    match head.header("authorization") {
        Some(value) => bearer(value).and_then(|token| by_token(token, false, now_ms, state)).map(Some),
        None => by_cookie(head, now_ms, state),
    }
}

/// The caller by the session cookie alone: on pages an `Authorization` header means nothing.
///
/// # Errors
/// [`BadCredential`] for a cookie that is doubled or forged.
pub fn by_cookie(head: &Head<'_>, now_ms: u64, state: &mut State) -> Result<Option<Caller>, BadCredential> {
    match cookie(head.header("cookie").unwrap_or_default(), COOKIE)? {
        Some(token) => by_token(token, true, now_ms, state).map(Some),
        None => Ok(None),
    }
}

/// The token of `Bearer …` (RFC 6750). A doubled header arrives joined by a comma, which no token holds.
fn bearer(value: &str) -> Result<&str, BadCredential> {
    let (scheme, token) = value.split_once(' ').ok_or(BadCredential)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(plain) {
        return Ok(token);
    }
    Err(BadCredential)
}

/// A cookie's value; an empty one is none.
///
/// # Errors
/// [`BadCredential`] for two of the name: one may be planted.
pub fn cookie<'h>(header: &'h str, wanted: &str) -> Result<Option<&'h str>, BadCredential> {
    let mut values = header.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name.trim_matches(WHITE_SPACE) == wanted).then(|| value.trim_matches(WHITE_SPACE))
    });
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(BadCredential),
        (found, None) => Ok(found.filter(|token| !token.is_empty())),
    }
}

fn by_token(token: &str, cookie: bool, now_ms: u64, state: &mut State) -> Result<Caller, BadCredential> {
    let now = now_ms / 1000;
    let proof: Proof = Sha256::digest(token).into();
    if let Some(identity) = state.identities.get(&proof) {
        // What memory knows of a token is known of the way that it came.
        if identity.cookie != cookie {
            return Err(BadCredential);
        }
        if identity.ends_at > now {
            return Ok(Caller { identity, proof, cookie, expired: false });
        }
        state.identities.remove(&proof);
    }
    if state.key_format.matches_prefix(token) {
        // A key in the cookie is nothing that we ever set.
        if cookie {
            return Err(BadCredential);
        }
        let key = state.key_format.parse(&state.mac, token).map_err(|_| BadCredential)?;
        let who =
            Who::ApiKey { org: org(&key.org)?, lookup: key.lookup, digest: key.digest.to_text().to_string() };
        let identity = Identity::new(who, u64::MAX, false);
        state.identities.insert(proof, identity.clone());
        return Ok(Caller { identity, proof, cookie, expired: false });
    }
    let verified = match cookie {
        true => state.verifier.verify_cookie(token, protocol::ISSUER, now),
        false => state.verifier.verify(token, protocol::ISSUER, now),
    };
    let verified = verified.map_err(|_| BadCredential)?;
    let claims = verified.claims;
    let who = Who::Session {
        org: org(&claims.org)?,
        user: UserId::parse(&claims.sub).map_err(|_| BadCredential)?,
        session: SessionId::parse(&claims.sid).map_err(|_| BadCredential)?,
    };
    let identity = Identity::new(who, claims.exp, cookie);
    if !verified.expired {
        state.identities.insert(proof, identity.clone());
    } else if !cookie {
        return Err(BadCredential);
    }
    Ok(Caller { identity, proof, cookie, expired: verified.expired })
}

impl Identity {
    /// Keeps the limit that the control plane has just told.
    pub fn learn_quota(&self, quota: Option<Quota>, now_ms: u64) {
        self.own_quota.set(quota);
        self.quota_told_ms.set(now_ms);
    }

    /// The limit of its own, for `most_ms` after it was told: it may have been changed since, and a request that is refused
    /// here by an old one would never learn of that.
    pub fn fresh_quota(&self, now_ms: u64, most_ms: u64) -> Option<Quota> {
        let age_ms = now_ms.checked_sub(self.quota_told_ms.get());
        self.own_quota.get().filter(|_| age_ms.is_some_and(|age_ms| age_ms <= most_ms))
    }

    fn new(who: Who, ends_at: u64, cookie: bool) -> Rc<Self> {
        let limiter_key = match &who {
            // Limits and leases are an org's: those of one are not spent in another.
            Who::Session { org, user, .. } => table_key(&[org.as_str(), user.as_str()].concat()),
            Who::ApiKey { digest, .. } => table_key(digest),
        };
        Rc::new(Self {
            who,
            limiter_key,
            ends_at,
            cookie,
            own_quota: Cell::new(None),
            quota_told_ms: Cell::new(0),
        })
    }
}

fn org(id: &str) -> Result<OrgId, BadCredential> {
    let id = OrgId::parse(id).map_err(|_| BadCredential)?;
    // A region that nobody knows names no object.
    id.region().map(|_| id).ok_or(BadCredential)
}

/// A text's key in a limiter's table.
pub fn table_key(text: &str) -> u128 {
    let digest = Sha256::digest(text);
    digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes))
}
