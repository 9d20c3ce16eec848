//! The token endpoint's answer. What can't be read is told apart from a refusal: the provider may have issued tokens, and
//! with rotation have used up the old one, so that only "unknown" is true.
//!
//! Beyond RFC 6749, section 5, it reads what providers of the catalogue are known to send: errors with status 200 (GitHub,
//! Slack), error codes of their own, lifetimes in quotation marks, scopes in a list or with commas.

use core::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::ErrorCode;
use crate::auth::{check_access_token, check_refresh_token};

#[cfg(test)]
mod tests;

/// The longest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;
/// A year: the longest lifetime of an access token that is believed, in seconds.
const MAX_LIFETIME_S: u32 = 31_536_000;
const MAX_SCOPES: usize = 256;
const MAX_SCOPE: usize = 512;
const MAX_EXTRAS: usize = 32;
const MAX_EXTRA: usize = 2048;

/// An answer to a [`TokenRequest`](super::TokenRequest).
#[derive(Clone, Copy)]
pub struct TokenAnswer<'a> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'a [u8],
}

/// What an answer says.
#[derive(Debug)]
pub enum TokenOutcome {
    /// There are tokens.
    Granted(Granted),
    /// There are none, and asking again would not help.
    Refused(Refusal),
    /// Ask again later, with the same code or refresh token.
    Temporary,
    /// Not known: the provider may have used up what was redeemed.
    Unreadable,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The code or refresh token is used up, expired or revoked: the person has to authorize again.
    InvalidGrant,
    /// The client or its secret isn't accepted: whoever registered it has to act, and authorizing again would not help.
    InvalidClient,
    /// Anything else, with the provider's code if it is a plain word. No proof that the grant is gone.
    Other(Option<ErrorCode>),
}

/// Tokens.
pub struct Granted {
    /// Fit to be sent as a bearer token.
    pub access_token: SecretString,
    /// The (new) refresh token. None, after a refresh: the old one stays (RFC 6749, section 6).
    pub refresh_token: Option<SecretString>,
    /// How long the access token is good for, in seconds, at most a year.
    pub expires_in_s: Option<u32>,
    /// What it is good for. None: what was asked for (RFC 6749, section 5.1).
    pub scopes: Option<Vec<String>>,
    extras: Vec<(String, SecretString)>,
}

impl Granted {
    /// Another string at the answer's top level, such as Salesforce's `instance_url`. Unchecked.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&str> {
        self.extras.iter().find(|(other, _)| other == name).map(|(_, value)| value.expose_secret())
    }
}

impl TokenAnswer<'_> {
    /// Reads it.
    #[must_use]
    pub fn read(&self) -> TokenOutcome {
        match self.status {
            408 | 425 | 429 | 500.. => TokenOutcome::Temporary,
            200..=299 => self.success().unwrap_or(TokenOutcome::Unreadable),
            400..=499 => self.refusal(self.members().and_then(|members| members.error_code())),
            // A redirect is not followed with a secret in hand.
            _ => TokenOutcome::Unreadable,
        }
    }

    fn members(&self) -> Option<Members> {
        if self.body.len() > MAX_ANSWER {
            return None;
        }
        serde_json::from_slice(self.body).ok()
    }

    fn success(&self) -> Option<TokenOutcome> {
        let members = self.members()?;
        if members.is_error() {
            return members.access_token.is_none().then(|| self.refusal(members.error_code()));
        }
        members.granted().map(TokenOutcome::Granted)
    }

    fn refusal(&self, code: Option<ErrorCode>) -> TokenOutcome {
        TokenOutcome::Refused(match code.as_ref().map(ErrorCode::as_str) {
            // RFC 6749; GitHub; Slack; HubSpot.
            Some(
                "invalid_grant"
                | "bad_verification_code"
                | "bad_refresh_token"
                | "invalid_refresh_token"
                | "invalid_code"
                | "code_already_used"
                | "code_expired"
                | "token_revoked"
                | "token_expired"
                | "bad_auth_code",
            ) => Refusal::InvalidGrant,
            // RFC 6749; GitHub; Slack; Google; HubSpot.
            Some(
                "invalid_client"
                | "unauthorized_client"
                | "incorrect_client_credentials"
                | "bad_client_secret"
                | "invalid_client_id"
                | "deleted_client"
                | "disabled_client"
                | "bad_client_id",
            ) => Refusal::InvalidClient,
            // RFC 6749, section 4.1.2.1; Slack.
            Some(
                "server_error"
                | "temporarily_unavailable"
                | "slow_down"
                | "ratelimited"
                | "rate_limited"
                | "internal_error"
                | "fatal_error"
                | "service_unavailable"
                | "request_timeout",
            ) => return TokenOutcome::Temporary,
            _ => Refusal::Other(code),
        })
    }
}

/// The members of the answer that are looked at. Tokens go from the parser into secrets at once.
#[derive(Default)]
struct Members {
    access_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    token_type: Option<Value>,
    expires_in: Option<Value>,
    scope: Option<Value>,
    ok: Option<Value>,
    error: Option<Value>,
    error_description: Option<Value>,
    /// HubSpot's error code.
    status: Option<Value>,
    extras: Vec<(String, SecretString)>,
}

impl Members {
    fn is_error(&self) -> bool {
        self.ok == Some(Value::Bool(false))
            || self.error.as_ref().is_some_and(|error| error.as_str() != Some(""))
    }

    fn error_code(&self) -> Option<ErrorCode> {
        let text = |value: &Option<Value>| Some(value.as_ref()?.as_str()?.to_ascii_lowercase());
        // Atlassian's `invalid_grant`.
        if text(&self.error_description).as_deref() == Some("refresh_token is invalid") {
            return ErrorCode::parse("invalid_grant");
        }
        ErrorCode::parse(&text(&self.error).or_else(|| text(&self.status))?)
    }

    fn granted(self) -> Option<Granted> {
        // RFC 6749, section 7.1: what isn't a bearer token must not be sent as one. Slack says who acts by it instead.
        let is_bearer = self.token_type.is_none_or(|kind| {
            let kind = kind.as_str().unwrap_or_default();
            ["bearer", "bot", "user"].iter().any(|known| kind.eq_ignore_ascii_case(known))
        });
        let access_token =
            self.access_token.filter(|token| is_bearer && check_access_token(token).is_ok())?;
        let refresh_token = self.refresh_token.filter(|token| !token.expose_secret().is_empty());
        refresh_token.iter().try_for_each(check_refresh_token).ok()?;
        Some(Granted {
            access_token,
            refresh_token,
            expires_in_s: self.expires_in.as_ref().and_then(seconds),
            scopes: self.scope.as_ref().map(scopes).transpose().ok()?,
            extras: self.extras,
        })
    }
}

/// A lifetime as a number or in quotation marks. None: the connector's own is used.
fn seconds(value: &Value) -> Option<u32> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    // `as` takes off the fraction and stays within bounds.
    (number > 0.0).then_some((number as u32).min(MAX_LIFETIME_S))
}

/// The scopes in a text, with spaces or commas between them, or in a list.
///
/// # Errors
/// What isn't scopes (RFC 6749, section 3.3), or too many: more may have been granted than can be told.
fn scopes(value: &Value) -> Result<Vec<String>, ()> {
    let texts = match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(items) => items.iter().map(Value::as_str).collect::<Option<_>>().ok_or(())?,
        _ => return Err(()),
    };
    let scopes = texts.iter().flat_map(|text| text.split([' ', ','])).filter(|scope| !scope.is_empty());
    let is_scope = |scope: &str| {
        scope.len() <= MAX_SCOPE && scope.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
    };
    if scopes.clone().count() > MAX_SCOPES || !scopes.clone().all(is_scope) {
        return Err(());
    }
    Ok(scopes.map(str::to_owned).collect())
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "access_token" => once(&mut map, &mut members.access_token)?,
                        "refresh_token" => once(&mut map, &mut members.refresh_token)?,
                        "token_type" => once(&mut map, &mut members.token_type)?,
                        "expires_in" => once(&mut map, &mut members.expires_in)?,
                        "scope" => once(&mut map, &mut members.scope)?,
                        "ok" => once(&mut map, &mut members.ok)?,
                        "error" => once(&mut map, &mut members.error)?,
                        "error_description" => once(&mut map, &mut members.error_description)?,
                        "status" => once(&mut map, &mut members.status)?,
                        "id_token" => drop(map.next_value::<IgnoredAny>()?),
                        _ => {
                            let value: Value = map.next_value()?;
                            let is_new = members.extras.iter().all(|(other, _)| *other != name);
                            match value {
                                Value::String(text)
                                    if is_new
                                        && text.len() <= MAX_EXTRA
                                        && members.extras.len() < MAX_EXTRAS =>
                                {
                                    members.extras.push((name, text.into()));
                                }
                                _ => {}
                            }
                        }
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A member that may be there once; `null` is as good as none.
fn once<'de, A, T>(map: &mut A, slot: &mut Option<T>) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Deserialize<'de>,
{
    let value = map.next_value()?;
    if slot.is_some() {
        return Err(A::Error::custom("repeated"));
    }
    *slot = value;
    Ok(())
}

impl fmt::Debug for TokenAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenAnswer({}, …)", self.status)
    }
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted")
            .field("expires_in_s", &self.expires_in_s)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
