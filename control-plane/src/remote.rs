//! What an org's object asks of the world outside while it answers a call: a provider's token endpoint, a mail server. A
//! trait, so that everything around it runs natively, cut off after every step, in tests.
//!
//! Between two of its answers other calls run in the same object: what was read before is read again after it.

use futures_util::future::{Either, select};
use secrecy::SecretString;
use std::pin::pin;
use zeroize::Zeroizing;

/// A request to a provider that changes or checks a credential. Redirects are not followed.
#[derive(Debug)]
pub struct RemoteRequest {
    /// Upper case.
    pub method: &'static str,
    /// Absolute.
    pub url: String,
    /// Names in any case.
    pub headers: Vec<(&'static str, SecretString)>,
    /// Absent: none.
    pub body: Option<SecretString>,
}

/// What came back.
#[derive(Debug)]
pub struct RemoteAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, where it is a number.
    pub retry_after: Option<u32>,
    /// At most 256 KiB.
    pub body: Zeroizing<Vec<u8>>,
}

/// There is no answer: it could not be reached, took longer than 10 s, or said too much. What it did is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

/// A login to a server that does not speak HTTP.
#[derive(Debug)]
pub struct Login<'a> {
    /// `smtp`, `imap` or `postgres`.
    pub kind: &'a str,
    /// Checked against the rules for upstreams.
    pub host: &'a str,
    /// Likewise.
    pub port: u16,
    /// `tls` or `starttls`.
    pub security: &'a str,
    /// Of a warehouse.
    pub database: Option<&'a str>,
    /// Who.
    pub username: &'a str,
    /// By what.
    pub password: &'a SecretString,
    /// Of a warehouse: its role may be able to write.
    pub allow_writable_role: bool,
}

/// Why a login failed: a name for machines, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRefused {
    /// `bad_password`, `no_starttls`, `tls_failed`, `timeout`, `unreachable`, `role_can_write`, …
    pub reason: &'static str,
    /// Text of ours.
    pub detail: String,
}

/// The world outside: a handle to it, so that a request can outlive the call that began it.
#[allow(async_fn_in_trait, reason = "objects run on one thread")]
pub trait Remote: Clone + 'static {
    /// Sends one request.
    ///
    /// # Errors
    /// [`NoAnswer`].
    async fn send(&self, request: RemoteRequest) -> Result<RemoteAnswer, NoAnswer>;

    /// Logs in and out again.
    ///
    /// # Errors
    /// [`LoginRefused`].
    async fn log_in(&self, login: Login<'_>) -> Result<(), LoginRefused>;

    /// The time after an answer, Unix ms.
    fn now_ms(&self) -> u64;

    /// Waits. Where time does not pass by itself, for ever.
    async fn sleep(&self, ms: u64) {
        let _ = ms;
        std::future::pending().await
    }
}

/// What `work` comes to within `ms`; after them it is dropped, and what it did is not known.
pub async fn within<T>(remote: &impl Remote, ms: u64, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(remote.sleep(ms))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
