//! The callback: the provider's answer, by way of a browser that anyone may have sent. It is believed as far as its state is
//! found, and none of its text is kept but a plain error code.

use secrecy::SecretString;
use url::{Url, form_urlencoded};

use super::{ErrorCode, State};

#[cfg(test)]
mod tests;

/// The longest query, in bytes, escapes included.
const MAX_QUERY: usize = 8 * 1024;
/// The longest code. Microsoft's have up to two thousand characters.
const MAX_CODE: usize = 4 * 1024;

/// An authorization that the person allowed.
#[derive(Debug)]
pub struct Callback {
    /// Says which authorization it answers.
    pub state: State,
    /// To be redeemed once.
    pub code: SecretString,
    /// The issuer that answers (RFC 9207). None: the provider doesn't say.
    pub iss: Option<String>,
}

/// Why a callback brings no code.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// Too long, repeated or contradictory parameters, or not an answer to any authorization of ours.
    #[error("the callback is malformed")]
    Malformed,
    /// The person, or the provider, said no (RFC 6749, section 4.1.2.1).
    #[error("the provider refused the authorization")]
    Refused {
        /// Says which authorization it ends.
        state: State,
        /// Why, if the provider says so in a plain word.
        code: Option<ErrorCode>,
    },
}

impl Callback {
    /// Reads a query string without its `?`. Other parameters, such as `session_state`, are ignored.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        if query.len() > MAX_QUERY {
            return Err(CallbackError::Malformed);
        }
        let (mut state, mut code, mut iss, mut error) = (None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "state" => &mut state,
                "code" => &mut code,
                "iss" => &mut iss,
                "error" => &mut error,
                _ => continue,
            };
            // RFC 6749, section 3.1.
            if slot.replace(value).is_some() {
                return Err(CallbackError::Malformed);
            }
        }
        let state = state.and_then(|state| State::parse(&state)).ok_or(CallbackError::Malformed)?;
        match (code, error) {
            (Some(code), None) if is_code(&code) => {
                Ok(Self { state, code: code.into_owned().into(), iss: iss.map(|iss| iss.into_owned()) })
            }
            (None, Some(error)) => Err(CallbackError::Refused { state, code: ErrorCode::parse(&error) }),
            _ => Err(CallbackError::Malformed),
        }
    }

    /// False: another issuer answers than the one whose authorization endpoint was asked (RFC 9700, section 4.4, mix-up).
    /// The catalogue names no issuers; that both are of one origin is what is common to all that send `iss`.
    #[must_use]
    pub fn is_from(&self, authorize_url: &str) -> bool {
        let origin = |url: &str| Url::parse(url).map(|url| url.origin()).ok().filter(url::Origin::is_tuple);
        self.iss
            .as_deref()
            .is_none_or(|iss| origin(iss).is_some_and(|iss| Some(iss) == origin(authorize_url)))
    }
}

/// RFC 6749, appendix A.11: printable ASCII, within our bound.
fn is_code(code: &str) -> bool {
    (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
