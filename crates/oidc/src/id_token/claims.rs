//! The claims of an ID token (OpenID Connect Core, sections 2 and 5.1), read strictly: what is decided upon must be of its
//! type and there once. What only describes a person is dropped where it is unfit to be shown or stored.

use super::Identity;
use crate::{MAX_RESPONSE_LEN, OidcError};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// RFC 5321, section 4.5.3.1.3, without the brackets.
const MAX_EMAIL_LEN: usize = 254;
const MAX_NAME_LEN: usize = 200;

#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: Audience,
    pub(super) azp: Option<String>,
    /// Unix seconds, as are all times here.
    pub(super) exp: u64,
    pub(super) iat: u64,
    pub(super) nbf: Option<u64>,
    pub(super) auth_time: Option<u64>,
    pub(super) nonce: Option<String>,
    email: Option<String>,
    #[serde(default, deserialize_with = "verified")]
    email_verified: bool,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, client_id: &str) -> bool {
        match self {
            Self::One(one) => one == client_id,
            Self::Several(several) => several.iter().any(|one| one == client_id),
        }
    }

    /// Whether it is for more than one.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Several(several) if several.len() > 1)
    }
}

impl Claims {
    pub(super) fn into_identity(self) -> Identity {
        let email = self.email.filter(|email| is_email(email));
        Identity {
            issuer: self.iss,
            subject: self.sub,
            email_verified: self.email_verified && email.is_some(),
            email,
            name: self.name.filter(|name| is_name(name)),
            auth_time_s: self.auth_time,
        }
    }
}

/// What a provider says of a person at its userinfo endpoint (OpenID Connect Core, section 5.3).
#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    email: Option<String>,
    #[serde(default, deserialize_with = "verified")]
    email_verified: bool,
    name: Option<String>,
}

impl Identity {
    /// Whether the userinfo endpoint has something to add: a provider may tell an email and a name only there.
    pub fn wants_user_info(&self) -> bool {
        self.email.is_none()
    }

    /// Adds the userinfo endpoint's answer, which must be about the same person (section 5.3.4). What the ID token says
    /// stands: it is signed.
    ///
    /// # Errors
    /// [`OidcError::UserInfo`].
    pub fn with_user_info(self, answer: &[u8]) -> Result<Self, OidcError> {
        if answer.len() > MAX_RESPONSE_LEN {
            return Err(OidcError::UserInfo);
        }
        let told: UserInfo = serde_json::from_slice(answer).map_err(|_| OidcError::UserInfo)?;
        if told.sub != self.subject {
            return Err(OidcError::UserInfo);
        }
        let name = self.name.or_else(|| told.name.filter(|name| is_name(name)));
        if self.email.is_some() {
            return Ok(Self { name, ..self });
        }
        let email = told.email.filter(|email| is_email(email));
        Ok(Self { name, email_verified: told.email_verified && email.is_some(), email, ..self })
    }
}

/// Something on both sides of the last `@`, and nothing that could end a header or an address.
fn is_email(email: &str) -> bool {
    let parts = email.rsplit_once('@');
    email.len() <= MAX_EMAIL_LEN
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !email.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';'))
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= MAX_NAME_LEN && !name.chars().any(char::is_control)
}

/// True of `true` and, since some providers send it so, of `"true"`. Anything else is no.
fn verified<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(verified) => verified,
        Value::String(text) => text == "true",
        _ => false,
    })
}
