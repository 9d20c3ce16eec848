//! An answer before it is an HTTP response.

use crate::error::AppError;
use protocol::{Problem, RequestId};
use serde::Serialize;
use zeroize::Zeroizing;

/// Status, JSON body, and a session for the edge to set as the cookie.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON, or problem+json from 400 on; empty at 204. May hold a secret that is shown once.
    pub body: Zeroizing<Vec<u8>>,
    /// The cookie's new token; an empty one clears it.
    pub session: Option<Zeroizing<String>>,
    /// The answer was given before, to the same `Idempotency-Key`.
    pub replayed: bool,
}

impl Reply {
    /// A JSON answer.
    ///
    /// # Errors
    /// [`AppError::Encoding`], in practice never.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, AppError> {
        Ok(Self { status, body: Zeroizing::new(serde_json::to_vec(value)?), session: None, replayed: false })
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: 204, body: Zeroizing::default(), session: None, replayed: false }
    }

    /// The answer to an error, in RFC 9457's form.
    pub fn problem(error: &AppError, request_id: &RequestId) -> Self {
        let (code, detail) = error.public();
        let problem = Problem::with_detail(code, detail.cloned(), request_id.clone());
        Self {
            status: code.status(),
            body: Zeroizing::new(serde_json::to_vec(&problem).unwrap_or_default()),
            session: None,
            replayed: false,
        }
    }

    /// The body's media type.
    pub fn content_type(&self) -> &'static str {
        if self.status < 400 { "application/json" } else { Problem::CONTENT_TYPE }
    }
}
