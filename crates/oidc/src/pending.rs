//! A verified identity that has no account yet. It waits in the person's own cookie until they have accepted the terms, so
//! that nothing is stored of someone who turns back.

use crate::cookie::{self, Label, StateKey};
use crate::{Identity, OidcError};
use serde::{Deserialize, Serialize};

/// How long a person may take to finish signing up, in seconds.
pub const PENDING_TTL_S: u64 = 900;

/// Who would like an account. Comes of a verified [`Identity`], or of a cookie made of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingIdentity(Content);

/// The identity as the cookie holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    issuer: String,
    subject: String,
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
    /// Unix seconds.
    iat: u64,
}

impl PendingIdentity {
    /// Of an identity just verified. `now_s` in Unix seconds.
    #[must_use]
    pub fn new(identity: Identity, now_s: u64) -> Self {
        let Identity { issuer, subject, email, email_verified, name, auth_time_s: _ } = identity;
        Self(Content { issuer, subject, email, email_verified, name, iat: now_s })
    }

    /// The cookie's value.
    ///
    /// # Errors
    /// [`OidcError::CookieTooLong`].
    pub fn to_cookie(&self, key: &StateKey) -> Result<String, OidcError> {
        cookie::write(key, Label::PendingIdentity, &self.0)
    }

    /// Gives back what [`to_cookie`](Self::to_cookie) wrote. `now_s` in Unix seconds.
    ///
    /// # Errors
    /// [`OidcError::Cookie`] or [`OidcError::CookieExpired`].
    pub fn from_cookie(key: &StateKey, text: &str, now_s: u64) -> Result<Self, OidcError> {
        let content: Content = cookie::read(key, Label::PendingIdentity, text)?;
        cookie::check_age(content.iat, PENDING_TTL_S, now_s)?;
        Ok(Self(content))
    }

    /// The provider's issuer.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The provider's id of the person: with the issuer, the only lasting name of them.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The email, if the provider told one.
    pub fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Whether the provider says that the email is theirs.
    pub const fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// What they are called.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attempt, MAX_COOKIE_LEN};

    const NOW: u64 = 1_800_000_000;

    fn identity() -> Identity {
        Identity {
            issuer: "https://id.example.com".to_owned(),
            subject: "1234".to_owned(),
            email: Some("ada@example.com".to_owned()),
            email_verified: true,
            name: Some("Ada \"Countess\" Lovelace é".to_owned()),
            auth_time_s: None,
        }
    }

    fn key() -> StateKey {
        StateKey::new(&[7; 32])
    }

    #[test]
    fn an_identity_comes_back_as_it_was_for_fifteen_minutes() {
        let pending = PendingIdentity::new(identity(), NOW);
        let cookie = pending.to_cookie(&key()).unwrap();
        assert_eq!(PendingIdentity::from_cookie(&key(), &cookie, NOW + 899).unwrap(), pending);
        for now in [NOW + 900, NOW - 61, 0, u64::MAX] {
            let refused = PendingIdentity::from_cookie(&key(), &cookie, now);
            assert_eq!(refused.unwrap_err(), OidcError::CookieExpired);
        }
    }

    /// An attempt's cookie says nothing about who someone is, and an identity's starts no sign-in.
    #[test]
    fn the_two_cookies_cannot_stand_for_each_other() {
        let cookie = PendingIdentity::new(identity(), NOW).to_cookie(&key()).unwrap();
        assert_eq!(Attempt::from_cookie(&key(), &cookie, NOW).unwrap_err(), OidcError::Cookie);
    }

    #[test]
    fn the_longest_identity_fits() {
        let longest = Identity {
            issuer: format!("https://{}", "a".repeat(247)),
            subject: "s".repeat(255),
            email: Some(format!("{}@example.com", "e".repeat(242))),
            name: Some("\"".repeat(200)),
            ..identity()
        };
        let cookie = PendingIdentity::new(longest, u64::MAX).to_cookie(&key()).unwrap();
        assert!(cookie.len() <= MAX_COOKIE_LEN, "{}", cookie.len());
    }
}
