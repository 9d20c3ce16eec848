//! What is asked of a person's account object. Whoever asks has checked what the object cannot: that a session stands, that
//! an org has a member. The object decides all the rest.

use super::{AskIdentity, AskOrg, Identity, Secret};
use protocol::api::User;
use protocol::{OrgId, Page, Role, SessionId};
use serde::{Deserialize, Serialize};

/// To a person's account object. Of an object that is no account: what is asked anonymously is answered as if the proof
/// were wrong, after the same work; all else is `Unauthenticated`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum AskAccount {
    /// Makes the account → [`Creation`]. `EmailTaken`.
    Create(NewAccount),
    /// Gives up an identity that points here → whether it did: not where the account owns it. What is no account yet never
    /// becomes one after this.
    Renounce(Identity),
    /// Proves a password → [`SignIn`]. `InvalidCredentials`, after the same work, for a wrong one, for an email that is not
    /// the account's and for no account.
    ProvePassword {
        /// By which the account was found.
        email: String,
        /// To be checked.
        password: Secret,
        /// The workspace to sign in to.
        org: Option<OrgId>,
    },
    /// An OIDC provider has vouched for this identity → `Option<SignIn>`; none where it is not linked to the account.
    ProveIdentity {
        /// Who at which provider.
        identity: Identity,
        /// As the provider says it now.
        email: Option<String>,
    },
    /// Goes on from [`SignIn::SecondFactor`] → [`Proven`]. `InvalidLink`, `InvalidCode`, `RateLimited`.
    ProveSecondFactor {
        /// Of the challenge.
        digest: String,
        /// Of the authenticator app, or a recovery code.
        code: Secret,
    },
    /// A signed-in person proves once more who they are, by one of the two → [`super::Again`].
    /// `InvalidCredentials`, `InvalidCode`, `SecondFactorState`, `RateLimited`.
    ProveAgain {
        /// The account's.
        password: Option<Secret>,
        /// Of the authenticator app.
        code: Option<Secret>,
    },

    /// A session was opened in an org → whether it stands: not where sessions were ended since `epoch` was said.
    Entered {
        /// Where.
        org: OrgId,
        /// Its name now.
        org_name: String,
        /// As what; `None`: as before.
        role: Option<Role>,
        /// From [`Entrant::epoch`].
        epoch: u64,
        /// For the audit trail: `login`, `switch` …
        reason: String,
    },
    /// Who would enter, if the org is one of the account's → `Option<(Entrant, Place)>`.
    Place {
        /// Which org.
        org: OrgId,
    },
    /// An org of the person's own to be, made when first entered → `(Entrant, Place)`. `PlanRequired` with too many.
    Found {
        /// Its id.
        org: OrgId,
        /// Its name.
        name: String,
    },
    /// The person is about to join an org → [`Joining`]. `PlanRequired` with too many.
    Joining {
        /// Which.
        org: OrgId,
        /// Its name.
        name: String,
        /// As what.
        role: Role,
    },
    /// The org says that the person is no member, or not any more → nothing.
    Left {
        /// Which.
        org: OrgId,
    },
    /// → `Vec<api::Membership>`, none of them `current`.
    Orgs,

    /// Changes the password, which ends every session → [`Ending`]. `InvalidCredentials`, `RateLimited`.
    ChangePassword {
        /// The one that counts until now.
        current: Secret,
        /// The one that counts from now on.
        new: Secret,
    },
    /// Mails a link to set a new password, if the account owns this email → nothing.
    QueueReset {
        /// `Secrets::identity_name` of the email.
        identity: String,
    },
    /// Sets a new password by a mailed link, which ends every session → [`Ending`]. `InvalidLink`.
    ResetPassword {
        /// Of the link.
        digest: String,
        /// The one that counts from now on.
        new: Secret,
    },
    /// Ends every session but one → [`Ending`].
    EndSessions {
        /// It goes on.
        but: SessionId,
    },

    /// Proves the account's email by a mailed link → nothing. `InvalidLink`.
    VerifyEmail {
        /// Of the link.
        digest: String,
    },
    /// Mails that link again → nothing. `RateLimited`.
    ResendVerification,
    /// Mails a proof to a new address → nothing. `RateLimited`.
    RequestEmailChange {
        /// The new one.
        email: String,
        /// Who asks: this session goes on when all others end.
        session: SessionId,
    },
    /// The new address is proven by a mailed link: from now on it is this account's to claim → [`Moving`]. `InvalidLink`.
    BeginMove {
        /// Of the link.
        digest: String,
    },
    /// The new address is another account's → nothing.
    AbortMove {
        /// Of the link.
        digest: String,
    },
    /// The new address points to this account → [`Ending`]. `InvalidLink`.
    FinishMove {
        /// Of the link.
        digest: String,
    },
    /// Work that [`Ending::work`] named is done → nothing.
    Done {
        /// [`Pending::id`] of each.
        ids: Vec<u64>,
    },

    /// Begins with an authenticator app → `api::NewSecondFactor`. `SecondFactorState`.
    StartSecondFactor,
    /// Confirms it → `api::RecoveryCodes`. `SecondFactorState`, `InvalidCode`.
    ConfirmSecondFactor {
        /// Of the app.
        code: Secret,
    },
    /// Does without → nothing. `SecondFactorState`.
    RemoveSecondFactor,
    /// → `api::RecoveryCodes`. `SecondFactorState`.
    NewRecoveryCodes,
    /// Adds an OIDC identity, which points to this account → nothing.
    LinkIdentity(NewIdentity),
    /// Takes it off → the [`Identity`], to be released. `NotFound`; `ValidationFailed` for the only way in.
    UnlinkIdentity {
        /// Of sluicegate.toml.
        provider: String,
    },

    /// Has the account's data key wrapped by this key-encryption key, as [`AskOrg::Rewrap`] → [`super::Wrapped`].
    Rewrap {
        /// The version.
        version: Option<u32>,
    },

    /// → `api::Account`.
    Describe,
    /// → `api::List<api::AuditEvent>`.
    ListEvents(Page),
}

/// An account to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewAccount {
    /// Claimed for this account.
    pub email: String,
    /// Proven by who vouches for it; else a proof is mailed.
    pub email_verified: bool,
    /// The person's.
    pub name: String,
    /// `None`: signs in by `identity` alone.
    pub password: Option<Secret>,
    /// Claimed for this account.
    pub identity: Option<NewIdentity>,
    /// The first org: the person's own, or the one that an invitation is for.
    pub org: OrgId,
    /// Its name.
    pub org_name: String,
    /// `None`: the person's own, to be made.
    pub joins_as: Option<Role>,
    /// The key-encryption key that wraps the account's data key, as the registry says; absent: the keyring's own.
    #[serde(default)]
    pub kek: Option<u32>,
}

/// An OIDC identity to be linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewIdentity {
    /// Of sluicegate.toml.
    pub provider: String,
    /// The provider's `iss`.
    pub issuer: String,
    /// The person's `sub`.
    pub subject: String,
    /// As the provider says it.
    pub email: Option<String>,
}

/// What came of [`AskAccount::Create`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "created", rename_all = "snake_case")]
pub enum Creation {
    /// The account is there.
    Made(Entrant),
    /// This object is another person's, or nobody's for good: the identity that points here has been given up.
    Elsewhere,
}

/// Who enters an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    /// The person.
    pub user: User,
    /// The email is proven.
    pub email_verified: bool,
    /// How often all sessions were ended: a proof from before does not outlive them.
    pub epoch: u64,
}

/// An org of a person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which.
    pub org: OrgId,
    /// Its name when it was entered last.
    pub name: String,
    /// The person's own to make: nobody has entered it yet. An org that was there once is never made again.
    pub unmade: bool,
}

/// Who is about to join an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joining {
    /// Who.
    pub entrant: Entrant,
    /// The org.
    pub place: Place,
    /// It was not one of the person's before.
    pub noted: bool,
}

/// What a right password, or an OIDC provider's word, leads to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "sign_in", rename_all = "snake_case")]
pub enum SignIn {
    /// All that it takes.
    Proven(Proven),
    /// A second factor is wanted.
    SecondFactor {
        /// The token for `POST /v1/login/second-factor`.
        challenge: Secret,
        /// Unix ms.
        expires_at: u64,
    },
}

/// Somebody is who they say, just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// Who.
    pub entrant: Entrant,
    /// Their orgs, the one used last first.
    pub places: Vec<Place>,
    /// The org that was asked for.
    pub org: Option<OrgId>,
    /// A second factor was proven.
    pub second_factor: bool,
}

/// An address to be claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// The new address.
    pub email: String,
}

/// A change that is made, and what it leaves to do elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ending {
    /// The person after it.
    pub entrant: Entrant,
    /// What is to be done, and is tried again by the account's alarm until it is.
    pub work: Vec<Pending>,
}

/// A row of the account's outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    /// For [`AskAccount::Done`].
    pub id: u64,
    /// What to do.
    pub work: Work,
}

/// What an account wants done elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Asks an org.
    Org {
        /// Which.
        org: OrgId,
        /// What.
        ask: AskOrg,
    },
    /// Asks an identity.
    Identity {
        /// Which.
        identity: Identity,
        /// What.
        ask: AskIdentity,
    },
    /// Sends a mail.
    Mail(Mail),
}

/// A mail, before its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// What it is about.
    pub about: About,
}

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// Proves the address, a new account's or an account's new one.
    VerifyEmail {
        /// For the link.
        token: Secret,
        /// How long it works.
        valid_for_seconds: u64,
    },
    /// Sets a new password.
    ResetPassword {
        /// For the link.
        token: Secret,
        /// How long it works.
        valid_for_seconds: u64,
    },
    /// The password was changed or reset.
    PasswordChanged {
        /// When, Unix seconds.
        at: u64,
    },
    /// The account has another address; to the old one.
    EmailChanged {
        /// When, Unix seconds.
        at: u64,
    },
}
