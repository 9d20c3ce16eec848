//! Where mail is handed in, read from one secret: `smtps://user:password@host` or `smtp://user:password@host`.

use crate::Error;
use crate::address::is_host_name;
use secrecy::SecretString;
use std::fmt;
use std::net::Ipv6Addr;
use zeroize::Zeroizing;

/// So that `AUTH PLAIN` with both fits into one command line of 512 bytes (RFC 5321 §4.5.3.1.4).
const MAX_CREDENTIALS_BYTES: usize = 368;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS by STARTTLS (RFC 3207), which must succeed before anything but EHLO is said.
    StartTls,
    /// None. Never with credentials.
    Plain,
}

/// A submission server and the credentials for it.
#[derive(Clone)]
pub struct Transport {
    security: Security,
    host: String,
    port: u16,
    pub(crate) credentials: Option<Credentials>,
}

#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: SecretString,
    pub(crate) password: SecretString,
}

impl Transport {
    /// Parses `smtps://user:password@host:465` or `smtp://user:password@host:587` (STARTTLS required). User and password
    /// are percent-encoded where they hold anything but letters, digits and `-._~!$&'()*+,;=`; both may be left out. The
    /// ports shown are the defaults.
    ///
    /// `allow_plain` is for development: then `smtp://` without credentials means no TLS.
    ///
    /// # Errors
    /// [`Error::Transport`] for anything else; its text says which part.
    pub fn parse(url: &str, allow_plain: bool) -> Result<Self, Error> {
        let (scheme, rest) =
            url.split_once("://").ok_or(Error::Transport("must start with smtps:// or smtp://"))?;
        let (credentials, authority) = match rest.split_once('@') {
            Some((userinfo, authority)) => (Some(Credentials::parse(userinfo)?), authority),
            None => (None, rest),
        };
        let (security, default_port) = match scheme {
            "smtps" => (Security::Tls, 465),
            "smtp" if allow_plain && credentials.is_none() => (Security::Plain, 587),
            "smtp" => (Security::StartTls, 587),
            _ => return Err(Error::Transport("must start with smtps:// or smtp://")),
        };
        // A colon inside brackets is of an IPv6 address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, parse_port(port)?),
            _ => (authority, default_port),
        };
        if !is_host(host) {
            return Err(Error::Transport("must name a host, an optional port and nothing behind it"));
        }
        Ok(Self { security, host: host.to_owned(), port, credentials })
    }

    /// How to connect.
    #[must_use]
    pub fn security(&self) -> Security {
        self.security
    }

    /// A host name, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// 1 to 65535.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Without the credentials, user included: with some providers the user is the secret.
impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { security, host, port, credentials: _ } = self;
        f.debug_struct("Transport")
            .field("security", security)
            .field("host", host)
            .field("port", port)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    fn parse(userinfo: &str) -> Result<Self, Error> {
        let (user, password) =
            userinfo.split_once(':').ok_or(Error::Transport("the user has no password"))?;
        let (user, password) = (percent_decode(user)?, percent_decode(password)?);
        if user.is_empty() || password.is_empty() {
            return Err(Error::Transport("user or password is empty"));
        }
        if user.len() + password.len() > MAX_CREDENTIALS_BYTES {
            return Err(Error::Transport("user and password are longer than 368 bytes together"));
        }
        let secret = |text: Zeroizing<String>| SecretString::from(text.as_str());
        Ok(Self { user: secret(user), password: secret(password) })
    }
}

fn parse_port(text: &str) -> Result<u16, Error> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port != 0)
        .ok_or(Error::Transport("the port is not a number from 1 to 65535"))
}

fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(text),
    }
}

/// RFC 3986 §2.1 over §3.2.1, to UTF-8 without control characters: NUL separates the parts of AUTH PLAIN.
fn percent_decode(text: &str) -> Result<Zeroizing<String>, Error> {
    const WRONG: Error = Error::Transport("user and password must be percent-encoded UTF-8");
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit().ok_or(WRONG)?, digit().ok_or(WRONG)?);
                u8::try_from(high * 16 + low).map_err(|_| WRONG)?
            }
            b if b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b) => b,
            _ => return Err(WRONG),
        });
    }
    let decoded = std::str::from_utf8(&bytes).map_err(|_| WRONG)?;
    if decoded.chars().any(char::is_control) { Err(WRONG) } else { Ok(Zeroizing::new(decoded.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    fn parts(url: &str, allow_plain: bool) -> (Security, String, u16, Option<(String, String)>) {
        let t = Transport::parse(url, allow_plain).unwrap();
        let credentials = t
            .credentials
            .as_ref()
            .map(|c| (c.user.expose_secret().to_owned(), c.password.expose_secret().to_owned()));
        (t.security(), t.host().to_owned(), t.port(), credentials)
    }

    #[test]
    fn the_documented_forms() {
        let fake = Some(("me@example.com".to_owned(), "fake:pass/word".to_owned()));
        let (user, host) = ("me%40example.com:fake%3Apass%2Fword", "smtp.example.com");
        let url = format!("smtps://{user}@{host}");
        assert_eq!(parts(&url, false), (Security::Tls, host.to_owned(), 465, fake.clone()));
        let url = format!("smtp://{user}@{host}:2525");
        assert_eq!(parts(&url, true), (Security::StartTls, host.to_owned(), 2525, fake));
        assert_eq!(parts("smtp://relay", false), (Security::StartTls, "relay".to_owned(), 587, None));
        assert_eq!(parts("smtps://[::1]:1465", false), (Security::Tls, "[::1]".to_owned(), 1465, None));
        assert_eq!(parts("smtps://[::1]", false), (Security::Tls, "[::1]".to_owned(), 465, None));
    }

    #[test]
    fn plain_only_with_leave_and_without_credentials() {
        let security = |url, allow_plain| Transport::parse(url, allow_plain).unwrap().security();
        assert_eq!(security("smtp://127.0.0.1:1025", true), Security::Plain);
        assert_eq!(security("smtp://127.0.0.1:1025", false), Security::StartTls);
        assert_eq!(security("smtp://u:p@127.0.0.1:1025", true), Security::StartTls);
        assert_eq!(security("smtps://127.0.0.1:1025", true), Security::Tls);
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("smtps://u:{}@host", "p".repeat(368));
        for url in [
            "",
            "smtp.example.com",
            "https://host",
            "SMTPS://host",
            "smtps://",
            "smtps://:465",
            "smtps://host:",
            "smtps://host:0",
            "smtps://host:65536",
            "smtps://host:+465",
            "smtps://host/",
            "smtps://host?x=1",
            "smtps://host#x",
            "smtps://ho st",
            "smtps://host\r\n",
            "smtps://user@host",
            "smtps://:p@host",
            "smtps://u:@host",
            "smtps://u:p@x@host",
            "smtps://u:a:b@host",
            "smtps://u:p%@host",
            "smtps://u:p%0@host",
            "smtps://u:p%+1@host",
            "smtps://u:p%00@host",
            "smtps://u:p%0D%0AQUIT@host",
            "smtps://u:p%FF@host",
            "smtps://u:pä@host",
            "smtps://[::1",
            "smtps://[evil.example]",
            &long,
        ] {
            assert!(matches!(Transport::parse(url, true), Err(Error::Transport(_))), "{url:?}");
        }
    }

    #[test]
    fn debug_and_errors_show_no_credentials() {
        let url = "smtps://fake-user:fake-password@mail.example.com";
        let shown = format!("{:?}", Transport::parse(url, false).unwrap());
        assert!(shown.contains("mail.example.com") && !shown.contains("fake"), "{shown}");
        let error = Transport::parse("smtps://fake-user:fake password@host", false).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("fake"));
    }

    proptest! {
        #[test]
        fn any_password_survives_percent_encoding(password in "[^\\p{Cc}]{1,40}") {
            let encoded: String = password.bytes().map(|b| format!("%{b:02X}")).collect();
            let (.., credentials) = parts(&format!("smtps://u:{encoded}@host"), false);
            prop_assert_eq!(credentials.unwrap().1, password);
        }

        #[test]
        fn parsing_never_panics(url in "(smtps?://)?[a-z%@:\\[\\]/é]{0,40}") {
            let _ = Transport::parse(&url, true);
        }
    }
}
