//! An answer before it is an HTTP response.

use crate::error::AppError;
use protocol::api::RateLimit;
use protocol::{Code, Problem, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// Status, JSON body, and what the edge alone gets to know.
#[derive(Debug, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON, or problem+json from 400 on; empty at 204. May hold a secret that is shown once.
    pub body: Zeroizing<Vec<u8>>,
    /// The cookie's new token; an empty one clears it.
    pub session: Option<Zeroizing<String>>,
    /// A limit in place of the configured one, the calling key's own or the org's, for the edge to count by.
    pub rate_limit: Option<RateLimit>,
    /// Of a refusal that passes: seconds until it is worth asking again.
    pub retry_after: Option<u32>,
    /// Of a refusal of the caller's credential: what is wrong with it.
    pub challenge: Option<String>,
    /// The answer was given before, to the same `Idempotency-Key`.
    pub replayed: bool,
}

impl Reply {
    /// A JSON answer.
    ///
    /// # Errors
    /// [`AppError::Encoding`], in practice never.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, AppError> {
        Ok(Self { status, body: Zeroizing::new(serde_json::to_vec(value)?), ..Self::default() })
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: 204, ..Self::default() }
    }

    /// The answer to an error, in RFC 9457's form.
    pub fn problem(error: &AppError, request_id: &RequestId) -> Self {
        let code = error.code();
        let problem = Problem::with_detail(code, error.detail().cloned(), request_id.clone());
        let why = problem.detail.as_ref().unwrap_or(&problem.title);
        Self {
            status: code.status(),
            challenge: code.is_about_credential().then(|| why.to_string()),
            body: Zeroizing::new(serde_json::to_vec(&problem).unwrap_or_default()),
            retry_after: error.retry_after(),
            ..Self::default()
        }
    }

    /// 202, with nothing to say: what follows happens later.
    pub fn accepted() -> Self {
        Self { status: 202, ..Self::default() }
    }

    /// Another object's answer, its refusal as an error of this call's.
    ///
    /// # Errors
    /// The refusal; [`AppError::Platform`] for a fault, which that object has logged.
    pub fn into_result(self) -> Result<Self, AppError> {
        if self.status < 400 {
            return Ok(self);
        }
        let problem: Problem = serde_json::from_slice(&self.body)?;
        Err(match (problem.code, self.retry_after) {
            (Code::RateLimited, Some(seconds)) => {
                AppError::Limited { retry_after_seconds: seconds, detail: problem.into_detail() }
            }
            (code, Some(seconds)) => {
                AppError::Later { code, retry_after_seconds: seconds, detail: problem.into_detail() }
            }
            (Code::Internal, _) => AppError::Platform("an object has failed"),
            (code, _) => AppError::Refused(code, problem.into_detail()),
        })
    }

    /// The JSON in the body; of an empty one, `null`.
    ///
    /// # Errors
    /// [`AppError::Encoding`] where it is not of this type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, AppError> {
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        Ok(serde_json::from_slice(body)?)
    }

    /// The body's media type.
    pub fn content_type(&self) -> &'static str {
        if self.status < 400 { "application/json" } else { Problem::CONTENT_TYPE }
    }
}
