//! What the objects of this Worker ask each other. None of it ever comes from the edge: the router sends an ask to an object
//! by a header that no incoming request can set, next to the edge's call, which says for which request it is and from where.
//!
//! An answer is JSON of the type named in each comment, or a refusal as a problem document.

mod account;
mod identity;
mod registry;

pub use account::*;
pub use identity::{AskIdentity, Identity};
pub use registry::{AskRegistry, ShardKeys};

pub use protocol::call::Invited;

use protocol::api::{OrgLimits, User};
use protocol::{Role, SessionId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroize as _;

/// A secret on its way between two objects of this Worker: wiped when dropped, opaque in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Secret {
    /// A copy in the type of the public API's secrets.
    pub fn to_secret_string(&self) -> SecretString {
        self.0.as_str().into()
    }
}

impl From<&SecretString> for Secret {
    fn from(secret: &SecretString) -> Self {
        Self(secret.expose_secret().to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// To an org's object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum AskOrg {
    /// Decides on the call as on any of the org's own: session alive, role, recent proof → [`Voucher`].
    Authorize,
    /// Opens a session for a member → the public answer, `api::SignedIn`, with the session in the reply's header.
    OpenSession(OpenSession),
    /// Ends a person's sessions, all or all but one → nothing. Of who is no member: nothing to do, no refusal.
    EndSessions {
        /// Whose.
        user: UserId,
        /// This one goes on.
        but: Option<SessionId>,
        /// The account's from now on, for the one that goes on.
        epoch: u64,
        /// For the audit trail: `password_changed`, `password_reset`, `revoked_by_user`, `switched`.
        reason: String,
    },
    /// Whether a session stands → nothing. `Unauthenticated` where it does not, or is somebody else's.
    Stands {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
    },
    /// The session's person has proven themselves again, just now → `api::Reauthenticated`.
    MarkAuthenticated {
        /// Which session.
        session: SessionId,
        /// The proof.
        proof: Again,
    },
    /// Who an invitation is for → [`Invited`]. `InvalidLink` where it is unknown, used, revoked or too old.
    PeekInvitation {
        /// Of its token.
        digest: String,
    },
    /// Makes an invitation's person a member, once → [`Invited`]. `InvalidLink`; `WrongEmail` for another email than the
    /// invited one; `PlanRequired`. Of who is a member already: nothing more than marks it used.
    Join {
        /// Of its token.
        digest: String,
        /// Who.
        user: User,
    },
    /// A member's name or email has changed → nothing. Of who is no member: nothing to do, no refusal.
    UpdateUser(User),
    /// The operator's → `api::AdminOrg`.
    SetPlan {
        /// Who, of the operator's own org: stands in this org's audit trail.
        operator: UserId,
        /// A plan of sluicegate.toml.
        plan: String,
        /// A lower level at once, too.
        at_once: bool,
    },
    /// The operator's → `api::AdminOrg`.
    SetLimits {
        /// As in [`AskOrg::SetPlan`].
        operator: UserId,
        /// All of them; those left out are no longer the org's own.
        limits: OrgLimits,
    },
    /// The operator's → `api::AdminOrg`.
    Describe {
        /// As in [`AskOrg::SetPlan`].
        operator: UserId,
    },
    /// Has the org's data key wrapped by this key-encryption key, if a lower version wraps it → [`Wrapped`], as it is now;
    /// without a version it only says so. `NotFound`; `KeyVersionRefused` while this part of the Worker does not have the
    /// version.
    Rewrap {
        /// The version.
        version: Option<u32>,
    },
    /// To the operator's own org, for its audit trail: a rotation begins → nothing.
    KeysRotated {
        /// Who.
        operator: UserId,
        /// The current version until now.
        from: u32,
        /// From now on.
        to: u32,
        /// Data keys by version, as text: an ask is JSON, which has no other keys.
        before: BTreeMap<String, u64>,
    },
    /// The broker's: may the call use its connection's credential? Decided on the call as any other → `org::Leave`.
    Leave {
        /// The request's body, where the connector's policy has asked for it.
        body: Option<String>,
        /// The number of an access token that the provider has refused.
        refused_token: Option<u64>,
    },
}

/// By which key-encryption key a data key is wrapped now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// The version.
    pub version: u32,
}

/// A session to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenSession {
    /// Whose.
    pub user: User,
    /// The org is this person's to make, if it is not there yet: the first session of a sign-up, or one that was cut off.
    pub found: Option<NewOrg>,
    /// `signup`, `login`, `oidc`, `switch`, `invitation`, `password_changed`: for the audit trail.
    pub reason: String,
    /// HTTP status of the public answer.
    pub status: u16,
    /// When the person has proven themselves last, Unix ms.
    pub authenticated_at: u64,
    /// A second factor was proven.
    pub second_factor: bool,
    /// How often the account's sessions had all been ended when this one was proven.
    pub epoch: u64,
    /// The account's email is proven and on the operators' list: with a second factor, this is a SUPER_ADMIN's session.
    pub operator: bool,
}

/// An org to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewOrg {
    /// As given at sign-up.
    pub name: String,
    /// The key-encryption key that wraps its data key, as the registry says; absent: the keyring's own.
    #[serde(default)]
    pub kek: Option<u32>,
}

/// How somebody has proven themselves once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// By a password or an identity provider, and the account has no second factor.
    First,
    /// By these alone, though the account has a second factor: of use to a session that has proven it.
    FirstOfTwo,
    /// By the second factor, or with it.
    Second,
}

/// A live session, as its org vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// Whose.
    pub user: User,
    /// Which.
    pub session: SessionId,
    /// What they may do in this org now.
    pub role: Role,
    /// The token came in the cookie.
    pub cookie: bool,
    /// When the person has proven themselves last, Unix ms.
    pub authenticated_at: u64,
    /// A second factor was proven.
    pub second_factor: bool,
    /// A SUPER_ADMIN's session.
    pub operator: bool,
    /// [`OpenSession::epoch`]: the account opens no other session by it once all have been ended.
    pub epoch: u64,
    /// A fresh token for the cookie, where the old one had run out.
    pub renewed: Option<Secret>,
}
