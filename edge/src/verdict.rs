//! What comes out of a decision: an answer, or leave to go on with a task that needs I/O.

use crate::auth::{Caller, Holder};
use crate::handlers::cookies::Jar;
use crate::handlers::forms::Form;
use crate::handlers::pages::Page;
use crate::handlers::portal::Ask;
use crate::limits::Spent;
use crate::security_headers::Kind;
use protocol::problem::challenge;
use protocol::{Client, Code, Detail, Operation, Principal, Problem, RequestId, SourceId};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;

/// The outcome of [`crate::decide`].
#[derive(Debug)]
pub enum Verdict {
    /// Done, without a network read.
    Answer(Answer),
    /// Admitted: the handler goes on.
    GoOn(Box<Admitted>),
}

/// A response without its streams: all that `entry.js` needs to build one.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its set of headers.
    pub kind: Kind,
    /// Its own headers; they take the place of the set's.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body; empty where the body is a stream.
    pub body: Cow<'static, str>,
    /// Whether the refusal is one that the operator wants to see in the log.
    pub logged: Option<Code>,
}

/// A request that may go on, and what the handler needs of its head.
#[derive(Debug)]
pub struct Admitted {
    /// In `X-Request-Id`, the call, the log.
    pub request_id: RequestId,
    /// When the request came, Unix ms.
    pub now_ms: u64,
    /// Where it came from; `origin` is this deployment's own.
    pub client: Client,
    /// Whether it came with a bearer token, for `WWW-Authenticate`.
    pub bearer: bool,
    /// For the rate limits' headers; a lease that is asked for adds to it.
    pub spent: RefCell<Spent>,
    /// What to do.
    pub task: Task,
}

/// What needs I/O.
#[derive(Debug)]
pub enum Task {
    /// `/readyz`.
    Ready,
    /// A call of the API, handed on.
    Forward(Forward),
    /// `GET /v1/auth/check`, where memory had no answer.
    Check {
        /// Who asks.
        caller: Caller,
        /// Requests to ask a lease for (crate `throttle`); `None`: the caller's limit is not leased.
        ahead: Option<u32>,
    },
    /// `POST /in/{source_id}`, an id that was issued here.
    Webhook {
        /// Which source.
        source: SourceId,
        /// Path and query as received, for schemes that sign the URL.
        path_and_query: String,
    },
    /// `GET` or `HEAD /in/{source_id}`, by which some providers check a URL before they send events to it.
    UrlCheck {
        /// Which source.
        source: SourceId,
        /// `HEAD` rather than `GET`.
        head: bool,
        /// As received.
        query: String,
    },
    /// A page.
    Page {
        /// Which.
        page: Page,
        /// Who asks; `None` on the pages for those who are not signed in.
        caller: Option<Caller>,
        /// What they carry besides a session.
        jar: Jar,
    },
    /// A form of a page.
    Form {
        /// Which.
        form: Form,
        /// Who asks; `None` at sign-in and sign-up.
        caller: Option<Caller>,
        /// What they carry besides a session.
        jar: Jar,
    },
    /// The customers' portal.
    Portal {
        /// What.
        ask: Ask,
        /// Who asks.
        holder: Holder,
    },
    /// A request for the operator's upstream.
    Gateway {
        /// The route's index in the configuration.
        route: usize,
        /// Who asks.
        caller: Caller,
        /// Requests to ask a lease for, whatever memory still vouches for; `None`: none is needed now.
        ahead: Option<u32>,
        /// Path and query as received.
        path_and_query: String,
    },
}

/// A call of the API.
#[derive(Debug)]
pub struct Forward {
    /// Who asks.
    pub principal: Principal,
    /// The caller, unless the operation is public.
    pub caller: Option<Caller>,
    /// What is asked for.
    pub operation: Operation,
    /// Validated.
    pub idempotency_key: Option<String>,
    /// The body's cap; `None`: the operation takes no body.
    pub body_cap: Option<u32>,
}

impl Answer {
    /// JSON, or whatever `kind` is, without headers of its own.
    pub fn new(status: u16, kind: Kind, body: impl Into<Cow<'static, str>>) -> Self {
        Self { status, kind, headers: Vec::new(), body: body.into(), logged: None }
    }

    /// A refusal. `bearer`: of a request with a bearer token.
    pub fn problem(code: Code, detail: Option<Detail>, bearer: bool, request_id: &RequestId) -> Self {
        let problem = Problem::with_detail(code, detail, request_id.clone());
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut answer = Self::new(code.status(), Kind::Problem, body);
        if code.is_about_credential() {
            let why = problem.detail.as_ref().unwrap_or(&problem.title);
            answer = answer.challenging(Some(why).filter(|_| bearer).map(AsRef::as_ref));
        }
        answer.logging(code)
    }

    /// Says that a bearer token is wanted and, where one came, what is wrong with it (RFC 6750, section 3).
    #[must_use]
    pub fn challenging(self, why: Option<&str>) -> Self {
        self.with("www-authenticate", why.map_or_else(|| "Bearer".to_owned(), challenge))
    }

    /// Notes the refusal for the log, where it is one that the operator wants to see.
    #[must_use]
    pub fn logging(mut self, code: Code) -> Self {
        self.logged = Some(code).filter(|code| is_logged(*code));
        self
    }

    /// 303 to a path of our own.
    pub fn see_other(path: impl Into<String>) -> Self {
        Self::new(303, Kind::Html, "")
            .with("content-security-policy", "default-src 'none'; frame-ancestors 'none'".to_owned())
            .with("location", path.into())
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: String) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// Adds what every answer carries besides its set.
    #[must_use]
    pub fn finish(mut self, request_id: &RequestId, spent: &Spent) -> Self {
        self.headers.push(("x-request-id".into(), request_id.to_string()));
        spent.write_to(&mut self.headers);
        self
    }

    /// For `entry.js`: `status kind`, a line a header, an empty line, the body.
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(self.body.len() + 256);
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{} {}", self.status, self.kind as u8);
        for (name, value) in &self.headers {
            let _ = write!(text, "\n{name}:{value}");
        }
        text.push_str("\n\n");
        text.push_str(&self.body);
        text
    }

    /// A header of its own.
    #[cfg(test)]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// Refusals that say something of an attack or a fault. The rest is daily traffic, whose statuses the platform counts.
fn is_logged(code: Code) -> bool {
    code.status() >= 500
        || matches!(
            code,
            Code::CrossOrigin | Code::CsrfFailed | Code::SignatureInvalid | Code::TimestampOutOfTolerance
        )
}
