//! What is asked of a sign-in identity's object.

use protocol::UserId;
use serde::{Deserialize, Serialize};

/// What somebody signs in by. Names an object: [`crate::secrets::Secrets::identity_name`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Identity {
    /// An email address, trimmed and in lower case.
    Email {
        /// The address.
        email: String,
    },
    /// A person at an OIDC provider.
    Oidc {
        /// The provider's `iss`.
        issuer: String,
        /// The person's `sub`.
        subject: String,
    },
}

/// To a sign-in identity's object, claimed or not: it answers alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum AskIdentity {
    /// Counts an attempt to prove who this is, before anything is checked → `Option<UserId>`, as [`AskIdentity::Find`].
    /// `RateLimited` above `rate_limits.account`.
    Attempt,
    /// The attempt has proven it: it does not count → nothing.
    Forgive,
    /// Whom it points to → `Option<UserId>`. That account decides whether the identity is its own.
    Find,
    /// Points to this account, if it points to none → the [`UserId`] that it points to.
    Claim {
        /// Whose it shall be.
        user: UserId,
    },
    /// Points to another account, if it points to the one that has said that it is not its own → the [`UserId`] that it
    /// points to.
    Reclaim {
        /// Who does not own it.
        from: UserId,
        /// Whose it shall be.
        to: UserId,
    },
    /// Points to nobody, if it points to this account → nothing.
    Release {
        /// Whose it was.
        user: UserId,
    },
    /// Somebody says to have forgotten the password → nothing. What follows, the object's alarm does.
    RequestReset,
}
