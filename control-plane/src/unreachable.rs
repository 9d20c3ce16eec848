//! Why an upstream or endpoint gave no answer, as far as the platform lets it be told.
//!
//! workerd has two texts for it: "Network connection lost." where a connection was refused or ended before the answer, and
//! "internal error" for a name that leads nowhere and for TLS that failed. So a second connection is tried. Its success or
//! failure tells the two causes behind a text apart, and a ClientHello over it tells a bad certificate ([`crate::client_hello`]). Any
//! other text says nothing. A host whose addresses are not public looks like a name that leads nowhere.

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The name has no public address.
    NoSuchHost,
    /// Nothing listens.
    Refused,
    /// Somebody listens, and ended the connection.
    Closed,
    /// It speaks TLS, and its certificate is not trusted for the host.
    BadCertificate,
    /// It speaks no TLS, or none that is agreed on.
    TlsFailed,
    /// Nobody knows.
    Unknown,
}

/// What the platform's text says of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The connection was refused, or ended.
    Lost,
    /// The name or TLS.
    Failed,
}

/// What a second connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// None came about.
    Nothing,
    /// It stands; TLS was not asked for.
    Open,
    /// It stands, and a ClientHello was answered as TLS does.
    Hello,
    /// It stands, and a ClientHello was not.
    NoHello,
}

impl Said {
    /// Reads the text of an error of `fetch`; `None` for one that is not known.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.contains("Network connection lost") {
            return Some(Self::Lost);
        }
        text.contains("internal error").then_some(Self::Failed)
    }
}

impl Unreachable {
    /// The cause, from both.
    #[must_use]
    pub const fn of(said: Said, second: Second) -> Self {
        match (said, second) {
            (Said::Lost, Second::Nothing) => Self::Refused,
            (Said::Lost, _) => Self::Closed,
            (Said::Failed, Second::Nothing) => Self::NoSuchHost,
            (Said::Failed, Second::Hello) => Self::BadCertificate,
            (Said::Failed, Second::NoHello) => Self::TlsFailed,
            (Said::Failed, Second::Open) => Self::Unknown,
        }
    }

    /// The name of the error, for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoSuchHost => "no_such_host",
            Self::Refused => "connection_refused",
            Self::Closed => "connection_closed",
            Self::BadCertificate => "bad_certificate",
            Self::TlsFailed => "tls_failed",
            Self::Unknown => "unreachable",
        }
    }

    /// For people: what to look at.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::NoSuchHost => {
                "no such host: the name has no public address; check its spelling and its DNS records"
            }
            Self::Refused => {
                "connection refused: nothing listens on this host and port, or a firewall refuses us; check the port"
            }
            Self::Closed => {
                "the host closes the connection before it answers in HTTP; check the scheme and the port"
            }
            Self::BadCertificate => {
                "the host's certificate is not trusted: it has expired, is for another name, or its chain is incomplete"
            }
            Self::TlsFailed => {
                "TLS failed: the host speaks no TLS 1.2 or 1.3 on this port; check the scheme and the port"
            }
            Self::Unknown => "the host could not be reached",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are those of workerd 2026-10-23 for a name in `.invalid`, a closed port and a certificate of nobody's.
    #[test]
    fn the_platforms_texts_are_read() {
        for (text, said) in [
            ("Error: internal error; reference = rgvsg12csu380kg6vl81ooli", Some(Said::Failed)),
            ("Error: Network connection lost.", Some(Said::Lost)),
            ("Error: Too many subrequests.", None),
            ("", None),
        ] {
            assert_eq!(Said::read(text), said, "{text}");
        }
    }

    #[test]
    fn dns_refusal_and_tls_are_told_apart() {
        use Unreachable::{BadCertificate, Closed, NoSuchHost, Refused, TlsFailed, Unknown};
        for (said, second, why) in [
            (Said::Failed, Second::Nothing, NoSuchHost),
            (Said::Lost, Second::Nothing, Refused),
            (Said::Lost, Second::Open, Closed),
            (Said::Failed, Second::Hello, BadCertificate),
            (Said::Failed, Second::NoHello, TlsFailed),
            (Said::Failed, Second::Open, Unknown),
        ] {
            assert_eq!(Unreachable::of(said, second), why);
        }
    }
}
