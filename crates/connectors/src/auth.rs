//! The kinds of credential a connection can hold, and the one encoding in which a credential is sealed.
//!
//! A credential comes in as JSON ([`CredentialInput`]) or from a provider's token endpoint ([`Credential::oauth`]), is
//! checked once and is stored only as the sealed form of [`Credential::to_sealed_plaintext`]. Invariant 3: nothing here implements `Serialize`, `Debug`
//! and errors show no value.

use core::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

use crate::{Error, headers};

#[cfg(test)]
mod tests;

/// The longest secret or user name, in bytes.
pub(crate) const MAX_VALUE: usize = 8 * 1024;
/// The shortest secret, in bytes. A shorter one could not be scrubbed from an answer without ruining it, and would be
/// no secret.
pub(crate) const MIN_SECRET: usize = 4;

/// A credential as the API receives it: `{"type": "bearer", "token": …}` and so on. Unchecked.
pub enum CredentialInput {
    /// `Authorization: Bearer <token>`.
    Bearer {
        /// The token.
        token: SecretString,
    },
    /// A value in a header or a query parameter.
    ApiKey {
        /// The header's name.
        header: Option<String>,
        /// The query parameter's name.
        query: Option<String>,
        /// The key.
        value: SecretString,
    },
    /// HTTP basic authentication (RFC 7617), or a login by SASL (RFC 4616) or to PostgreSQL: in UTF-8, sent as given.
    Basic {
        /// The user name.
        username: String,
        /// The password; empty where the provider puts the key into the user name.
        password: SecretString,
    },
    /// Tokens that the provider will give: an authorization has to be begun.
    OAuth2,
    /// Nothing (claim F5).
    None,
}

/// A checked credential: it can be sent and scrubbed.
pub struct Credential(pub(crate) Kind);

pub(crate) enum Kind {
    Bearer { token: SecretString },
    ApiKey { placement: Placement, value: SecretString },
    Basic { username: SecretString, password: SecretString },
    OAuth { refresh: Option<SecretString>, access: Option<SecretString> },
    None,
}

/// Where an API key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// A request header, its name in lower case.
    Header(String),
    /// A query parameter.
    Query(String),
}

impl Credential {
    /// Checks `input`.
    ///
    /// # Errors
    /// [`Error::CredentialValue`], [`Error::CredentialUsername`], [`Error::CredentialPlacement`],
    /// [`Error::CredentialHeader`], [`Error::CredentialQuery`] or, for `oauth2`, [`Error::CredentialByAuthorization`].
    pub fn new(input: CredentialInput) -> Result<Self, Error> {
        let kind = match input {
            CredentialInput::Bearer { token } => return Self::bearer(token),
            CredentialInput::ApiKey { header, query, value } => {
                let placement = match (header, query) {
                    (Some(name), None) => {
                        Placement::Header(headers::credential_name(&name).ok_or(Error::CredentialHeader)?)
                    }
                    (None, Some(name)) => Placement::Query(query_name(name)?),
                    _ => return Err(Error::CredentialPlacement),
                };
                check_secret(&value, is_printable)?;
                Kind::ApiKey { placement, value }
            }
            CredentialInput::Basic { username, password } => {
                let username = SecretString::from(username);
                let user = username.expose_secret();
                if user.len() > MAX_VALUE || user.contains(':') || user.contains(char::is_control) {
                    return Err(Error::CredentialUsername);
                }
                let pass = password.expose_secret();
                if pass.len() > MAX_VALUE || pass.contains(char::is_control) {
                    return Err(Error::CredentialValue);
                }
                if user.len().max(pass.len()) < MIN_SECRET {
                    return Err(Error::CredentialValue);
                }
                Kind::Basic { username, password }
            }
            CredentialInput::OAuth2 => return Err(Error::CredentialByAuthorization),
            CredentialInput::None => Kind::None,
        };
        Ok(Self(kind))
    }

    /// A bearer token, such as an OAuth connection's access token on the hop to its call.
    ///
    /// # Errors
    /// [`Error::CredentialValue`].
    pub fn bearer(token: SecretString) -> Result<Self, Error> {
        check_access_token(&token)?;
        Ok(Self(Kind::Bearer { token }))
    }

    /// What an OAuth connection keeps: its refresh token, and an access token only where the provider gives one that
    /// doesn't expire (claim C9). With neither it is a connection that isn't authorized yet, and sends nothing.
    ///
    /// # Errors
    /// [`Error::CredentialValue`].
    pub fn oauth(refresh: Option<SecretString>, access: Option<SecretString>) -> Result<Self, Error> {
        refresh.iter().try_for_each(check_refresh_token)?;
        access.iter().try_for_each(check_access_token)?;
        Ok(Self(Kind::OAuth { refresh, access }))
    }

    /// An OAuth connection's refresh token.
    #[must_use]
    pub const fn refresh_token(&self) -> Option<&SecretString> {
        if let Kind::OAuth { refresh, .. } = &self.0 { refresh.as_ref() } else { None }
    }

    /// An OAuth connection's access token that doesn't expire.
    #[must_use]
    pub const fn access_token(&self) -> Option<&SecretString> {
        if let Kind::OAuth { access, .. } = &self.0 { access.as_ref() } else { None }
    }

    /// User name and password, for what takes a login instead of a request.
    #[must_use]
    pub fn login(&self) -> Option<(&str, &SecretString)> {
        if let Kind::Basic { username, password } = &self.0 {
            return Some((username.expose_secret(), password));
        }
        None
    }

    /// The kind's name in the API: `bearer`, `api_key`, `basic`, `oauth2` or `none`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.0 {
            Kind::Bearer { .. } => "bearer",
            Kind::ApiKey { .. } => "api_key",
            Kind::Basic { .. } => "basic",
            Kind::OAuth { .. } => "oauth2",
            Kind::None => "none",
        }
    }

    /// The bytes to seal. Frozen: what a stored row holds must open in every later version.
    ///
    /// A format byte (1), a kind byte (1 bearer, 2 API key in a header, 3 API key in the query, 4 basic, 5 OAuth, 6 none),
    /// then each field as a 4-byte big-endian length and its bytes: the token; name, value; user name, password; refresh
    /// token, access token, each empty where there is none.
    #[must_use]
    pub fn to_sealed_plaintext(&self) -> Zeroizing<Vec<u8>> {
        let (kind, fields) = match &self.0 {
            Kind::Bearer { token } => (1, [Some(token.expose_secret()), None]),
            Kind::ApiKey { placement: Placement::Header(name), value } => {
                (2, [Some(name.as_str()), Some(value.expose_secret())])
            }
            Kind::ApiKey { placement: Placement::Query(name), value } => {
                (3, [Some(name.as_str()), Some(value.expose_secret())])
            }
            Kind::Basic { username, password } => {
                (4, [Some(username.expose_secret()), Some(password.expose_secret())])
            }
            Kind::OAuth { refresh, access } => (
                5,
                [refresh, access].map(|token| Some(token.as_ref().map_or("", |token| token.expose_secret()))),
            ),
            Kind::None => (6, [None, None]),
        };
        let fields = fields.into_iter().flatten();
        // The exact size: a buffer that grows leaves copies behind.
        let mut out =
            Zeroizing::new(Vec::with_capacity(2 + fields.clone().map(|f| 4 + f.len()).sum::<usize>()));
        out.extend_from_slice(&[FORMAT, kind]);
        for field in fields {
            out.extend_from_slice(&(field.len() as u32).to_be_bytes());
            out.extend_from_slice(field.as_bytes());
        }
        out
    }

    /// Reads what [`to_sealed_plaintext`](Self::to_sealed_plaintext) wrote.
    ///
    /// # Errors
    /// [`Error::CredentialStored`] for anything else, and for a credential that today's rules refuse.
    pub fn from_sealed_plaintext(bytes: &[u8]) -> Result<Self, Error> {
        let (&[format, kind], mut rest) = bytes.split_first_chunk().ok_or(Error::CredentialStored)?;
        if format != FORMAT {
            return Err(Error::CredentialStored);
        }
        let mut field = || -> Result<SecretString, Error> {
            let (len, tail) = rest.split_first_chunk().ok_or(Error::CredentialStored)?;
            let (value, tail) =
                tail.split_at_checked(u32::from_be_bytes(*len) as usize).ok_or(Error::CredentialStored)?;
            rest = tail;
            Ok(core::str::from_utf8(value).map_err(|_| Error::CredentialStored)?.into())
        };
        let credential = match kind {
            1 => Self::bearer(field()?),
            2 => Self::new(CredentialInput::ApiKey {
                header: Some(field()?.expose_secret().to_owned()),
                query: None,
                value: field()?,
            }),
            3 => Self::new(CredentialInput::ApiKey {
                header: None,
                query: Some(field()?.expose_secret().to_owned()),
                value: field()?,
            }),
            4 => Self::new(CredentialInput::Basic {
                username: field()?.expose_secret().to_owned(),
                password: field()?,
            }),
            5 => {
                let mut token = || Ok(Some(field()?).filter(|token| !token.expose_secret().is_empty()));
                Self::oauth(token()?, token()?)
            }
            6 => Self::new(CredentialInput::None),
            _ => return Err(Error::CredentialStored),
        };
        if !rest.is_empty() {
            return Err(Error::CredentialStored);
        }
        credential.map_err(|_| Error::CredentialStored)
    }
}

const FORMAT: u8 = 1;

/// It stands in an `Authorization` header.
pub(crate) fn check_access_token(token: &SecretString) -> Result<(), Error> {
    check_secret(token, u8::is_ascii_graphic)
}

/// RFC 6749, appendix A.17.
pub(crate) fn check_refresh_token(token: &SecretString) -> Result<(), Error> {
    check_secret(token, is_printable)
}

fn check_secret(secret: &SecretString, allowed: fn(&u8) -> bool) -> Result<(), Error> {
    let value = secret.expose_secret();
    let sendable = (MIN_SECRET..=MAX_VALUE).contains(&value.len())
        && value.bytes().all(|b| allowed(&b))
        && value.trim_ascii().len() == value.len();
    sendable.then_some(()).ok_or(Error::CredentialValue)
}

fn is_printable(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// A credential may go into `authorization` and into any header that the broker forwards and doesn't need itself.
fn query_name(name: String) -> Result<String, Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~[]".contains(&b);
    ((1..=128).contains(&name.len()) && name.bytes().all(plain)).then_some(name).ok_or(Error::CredentialQuery)
}

/// What an error of [`CredentialInput`]'s begins with: serde reads a tagged type twice, and says nothing of where it stands.
pub const IN_AUTH: &str = "in auth: ";

/// serde's message without the value that it did not expect; the name of a field is kept.
fn without_value(message: &str) -> String {
    let names_a_field = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .any(|begins| message.starts_with(begins));
    if names_a_field {
        return format!("{IN_AUTH}{message}");
    }
    let fault = if message.starts_with("unknown variant") { "unknown variant" } else { "a wrong value" };
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{IN_AUTH}{fault}, expected {expected}"),
        None => format!("{IN_AUTH}{fault}"),
    }
}

impl<'de> Deserialize<'de> for CredentialInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
        enum Wire {
            Bearer { token: SecretString },
            ApiKey { header: Option<String>, query: Option<String>, value: SecretString },
            Basic { username: String, password: SecretString },
            // In braces, since serde doesn't hold a unit variant to `deny_unknown_fields`.
            Oauth2 {},
            None {},
        }
        let wire = Wire::deserialize(deserializer)
            .map_err(|error| de::Error::custom(without_value(&error.to_string())))?;
        Ok(match wire {
            Wire::Bearer { token } => Self::Bearer { token },
            Wire::ApiKey { header, query, value } => Self::ApiKey { header, query, value },
            Wire::Basic { username, password } => Self::Basic { username, password },
            Wire::Oauth2 {} => Self::OAuth2,
            Wire::None {} => Self::None,
        })
    }
}

impl fmt::Debug for CredentialInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialInput(…)")
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, …)", self.kind())
    }
}
