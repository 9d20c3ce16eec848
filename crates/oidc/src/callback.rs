//! The callback: the provider's answer, by way of a browser that may have been sent by anyone. Nothing in it is believed
//! before its state is the attempt's, and none of its text is shown or kept.

use crate::{Attempt, Metadata, OidcError, equal};
use secrecy::{ExposeSecret as _, SecretString};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Longest query, in bytes, escapes included. Microsoft's codes have up to two thousand.
const MAX_QUERY_LEN: usize = 8 * 1024;
const MAX_CODE_LEN: usize = 4 * 1024;

/// The parameters of the callback, as they came.
#[derive(Debug, Default)]
pub struct Callback {
    /// The authorization code.
    pub code: Option<SecretString>,
    /// What the provider was given as state.
    pub state: Option<String>,
    /// The issuer that answers (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code (RFC 6749, section 4.1.2.1).
    pub error: Option<String>,
}

impl Callback {
    /// Reads a query string without its `?`. Other parameters, `session_state` for one, are ignored.
    ///
    /// # Errors
    /// [`OidcError::Callback`] if it is too long, or one of the four is repeated (RFC 6749, section 3.1).
    pub fn from_query(query: &str) -> Result<Self, OidcError> {
        if query.len() > MAX_QUERY_LEN {
            return Err(OidcError::Callback);
        }
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let repeated = match name.as_ref() {
                "code" => callback.code.replace(value.into()).is_some(),
                "state" => callback.state.replace(value).is_some(),
                "iss" => callback.iss.replace(value).is_some(),
                "error" => callback.error.replace(value).is_some(),
                _ => false,
            };
            if repeated {
                return Err(OidcError::Callback);
            }
        }
        Ok(callback)
    }
}

/// An authorization code with the PKCE verifier of its own attempt.
#[derive(Debug)]
pub struct Code {
    pub(crate) code: SecretString,
    pub(crate) verifier: SecretString,
}

impl Attempt {
    /// Checks the provider, the state and the issuer, in this order, and only then looks at the outcome.
    ///
    /// # Errors
    /// [`OidcError::OtherProvider`], [`OidcError::State`], [`OidcError::CallbackIssuer`], [`OidcError::Denied`],
    /// [`OidcError::Provider`] or [`OidcError::Callback`].
    pub fn check_callback(&self, metadata: &Metadata, callback: Callback) -> Result<Code, OidcError> {
        self.check_provider(metadata)?;
        let state = Zeroizing::new(callback.state.ok_or(OidcError::State)?);
        if !equal(self.state.expose_secret(), &state) {
            return Err(OidcError::State);
        }
        match callback.iss {
            Some(iss) if iss != metadata.issuer().as_str() => return Err(OidcError::CallbackIssuer),
            None if metadata.names_issuer_in_callback => return Err(OidcError::CallbackIssuer),
            Some(_) | None => {}
        }
        match (callback.code, callback.error.as_deref()) {
            (Some(code), None) if is_code(code.expose_secret()) => {
                Ok(Code { code, verifier: self.verifier.clone() })
            }
            (None, Some("access_denied")) => Err(OidcError::Denied),
            (None, Some(_)) => Err(OidcError::Provider),
            _ => Err(OidcError::Callback),
        }
    }
}

/// RFC 6749, appendix A.11: printable ASCII, within our bound.
fn is_code(code: &str) -> bool {
    (1..=MAX_CODE_LEN).contains(&code.len()) && code.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests;
