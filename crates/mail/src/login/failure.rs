//! Why a login did not succeed, in words for the person who typed the credential. No text holds a value.

use crate::Error;

/// The reason. [`reason`](Self::reason) is stable and machine-readable; the text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginFailure {
    /// Not a user name or password that can be sent.
    #[error("user name and password must be 1 to 1024 bytes each, without control characters")]
    Credentials,
    /// The server refuses user and password.
    #[error(
        "the mail server refuses this user name and password; check both, and whether the provider wants an app password"
    )]
    BadPassword,
    /// The server does not offer STARTTLS, or refuses it. Somebody on the way can bring this about too.
    #[error(
        "the mail server offers no STARTTLS on this port; use security tls with its TLS port (465 for SMTP, 993 for IMAP), or \
         have STARTTLS enabled"
    )]
    NoStartTls,
    /// The server takes no password by a mechanism that is known here.
    #[error(
        "the mail server takes no login by PLAIN or LOGIN; have password logins enabled for this account, or use the \
         provider's OAuth connector"
    )]
    NoAuth,
    /// The server's certificate is not one for this host from a known authority, or has expired.
    #[error(
        "the mail server's certificate is not valid for this host: self-signed, expired or of another name; use the host \
         name that the certificate is for, or have it renewed"
    )]
    BadCertificate,
    /// TLS did not come about, and not because of the certificate.
    #[error(
        "no TLS 1.2 or later can be agreed with the mail server on this port; check the port and the security setting"
    )]
    TlsFailed,
    /// The server was too slow.
    #[error(
        "the mail server did not answer in time; check host, port and the security setting, or try again"
    )]
    TimedOut,
    /// No connection.
    #[error(
        "the mail server cannot be reached; check host and port, and that it accepts connections from the internet"
    )]
    Unreachable,
    /// The server serves nobody, or not us.
    #[error("the mail server refuses to serve this client; ask its operator why")]
    Refused,
    /// The server asks to come back later.
    #[error("the mail server refuses for now, or limits logins; try again later")]
    Temporary,
    /// What the server says is not the protocol, or more than it was asked; says what.
    #[error("this does not behave as a mail server of this kind ({0}); check the port")]
    Protocol(&'static str),
}

impl LoginFailure {
    /// For programs: `bad_password`, `no_starttls`, …
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Credentials => "credentials_invalid",
            Self::BadPassword => "bad_password",
            Self::NoStartTls => "no_starttls",
            Self::NoAuth => "no_auth",
            Self::BadCertificate => "bad_certificate",
            Self::TlsFailed => "tls_failed",
            Self::TimedOut => "timeout",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Temporary => "temporary",
            Self::Protocol(_) => "protocol",
        }
    }

    /// Whether the same login may succeed later with nothing changed.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::TimedOut | Self::Unreachable | Self::Temporary)
    }
}

/// What the reader of replies refuses.
impl From<Error> for LoginFailure {
    fn from(error: Error) -> Self {
        Self::Protocol(match error {
            Error::Protocol(what) => what,
            _ => "does not speak SMTP",
        })
    }
}
