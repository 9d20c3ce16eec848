//! What an org's object asks of the world outside while it answers a call: a provider's token endpoint, a mail server. A
//! trait, so that everything around it runs natively, cut off after every step, in tests.
//!
//! Between two of its answers other calls run in the same object: what was read before is read again after it.

use connectors::Credential;
use futures_util::future::{Either, select};
use secrecy::SecretString;
use std::collections::BTreeMap;
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
    /// `Retry-After` in seconds, of which a date is so many away.
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

impl<'a> Login<'a> {
    /// The login of a connection. `None` where its row is not what was checked when it was made: above all where host and port
    /// are not those of `sealed_hosts`, which the seal binds the credential to (invariant 4).
    #[must_use]
    pub fn new(
        kind: &'a str,
        parameters: &'a BTreeMap<String, String>,
        sealed_hosts: &[String],
        credential: &'a Credential,
        allow_writable_role: bool,
    ) -> Option<Self> {
        let parameter = |name: &str| parameters.get(name).map(String::as_str);
        let (host, port) = (parameter("host")?, parameter("port")?);
        if sealed_hosts != [server(host, port)] {
            return None;
        }
        let (username, password) = credential.login()?;
        Some(Self {
            kind,
            host,
            port: port.parse().ok()?,
            // PostgreSQL has one way to TLS, and nothing to choose.
            security: parameter("security").unwrap_or("tls"),
            database: parameter("database"),
            username,
            password,
            allow_writable_role,
        })
    }
}

/// A server that does not speak HTTP, as `allowed_hosts` names it and the seal binds a credential to it.
#[must_use]
pub fn server(host: &str, port: &str) -> String {
    format!("{host}:{port}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use connectors::CredentialInput;

    /// Invariant 4: the password goes to the server that it was sealed to, whatever the row says.
    #[test]
    fn a_row_with_another_host_or_port_makes_no_login() {
        let credential = CredentialInput::Basic {
            username: "u@example.com".to_owned(),
            password: "not-a-real-password".into(),
        };
        let credential = Credential::new(credential).unwrap();
        let sealed = ["mail.example.com:465".to_owned()];
        for (host, port, is_theirs) in [
            ("mail.example.com", "465", true),
            ("mail.attacker.example", "465", false),
            ("mail.example.com", "4650", false),
            ("mail.example.com", "0465", false),
            ("mail.example.com:465", "465", false),
            ("mail.example.com", "", false),
            ("mail.example.co", "m:465", false),
        ] {
            let parameters = [("host", host), ("port", port)];
            let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            for kind in ["smtp", "imap", "postgres"] {
                let login = Login::new(kind, &parameters, &sealed, &credential, false);
                assert_eq!(login.is_some(), is_theirs, "{kind} {host} {port}");
            }
            assert!(Login::new("smtp", &parameters, &[], &credential, false).is_none());
        }
    }
}
