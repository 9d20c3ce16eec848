//! A small client of the public API, for commands that set something up as anyone would.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Request, StatusCode};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A caller of one deployment.
#[derive(Clone, Copy)]
pub(crate) struct Api<'a> {
    url: &'a str,
    bearer: Option<&'a str>,
}

impl<'a> Api<'a> {
    /// A caller without a credential.
    pub(crate) fn new(url: &'a str) -> Self {
        Self { url, bearer: None }
    }

    /// The same with a session's token or an API key.
    pub(crate) fn with(self, bearer: &'a str) -> Self {
        Self { bearer: Some(bearer), ..self }
    }

    /// The answer, which must be a success: its JSON, or null where it has no body.
    ///
    /// # Errors
    /// Anything else; the message holds the answer.
    pub(crate) fn get(self, path: &str) -> Result<Value> {
        self.call(path, "GET", &Value::Null)
    }

    /// As [`Api::get`], sending JSON.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub(crate) fn post(self, path: &str, body: &Value) -> Result<Value> {
        self.call(path, "POST", body)
    }

    /// As [`Api::get`].
    ///
    /// # Errors
    /// As [`Api::get`].
    pub(crate) fn delete(self, path: &str) -> Result<Value> {
        self.call(path, "DELETE", &Value::Null)
    }

    fn call(self, path: &str, method: &str, body: &Value) -> Result<Value> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = self.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = match body {
            Value::Null => request.body(String::new())?,
            body => request.header("content-type", "application/json").body(body.to_string())?,
        };
        let agent = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        let mut response = agent.new_agent().run(request)?;
        let (status, body) = (response.status(), response.body_mut().read_to_string()?);
        if !status.is_success() {
            return Err(Refused { path: path.to_owned(), status, body }.into());
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).with_context(|| format!("{path} did not answer with JSON"))
    }
}

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Refused {
    path: String,
    pub(crate) status: StatusCode,
    body: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, status, body } = self;
        write!(f, "{path} answered {status}: {body}")
    }
}

impl std::error::Error for Refused {}

/// A text in an answer, by its JSON pointer.
///
/// # Errors
/// When there is none.
pub(crate) fn string<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the answer has no {pointer}"))
}
