//! A login to somebody's mail server and nothing more, without I/O: does this credential work, and if not, why?
//!
//! TLS is never optional: it stands from the first byte, or STARTTLS must bring it about before anything but greetings is
//! said. What a server said before TLS is forgotten, and bytes that arrive ahead of the handshake end the login, so that
//! nobody on the way has words of theirs taken for the server's (CVE-2011-0411 and its kin). The server is no friend
//! either, since a customer names it: all that is read is bounded.

mod failure;
mod imap;
mod smtp;

pub use failure::LoginFailure;

use crate::{Step, transport};
use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, mem};

/// A user name's or a password's limit. RFC 4954 §4 leaves AUTH 12,288 bytes a line.
const MAX_BYTES: usize = 1024;

/// What the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Submission: RFC 6409.
    Smtp,
    /// RFC 3501 and RFC 9051.
    Imap,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginSecurity {
    /// With the connection (RFC 8314).
    Tls,
    /// By STARTTLS (RFC 3207, RFC 3501 §6.2.1), which must succeed.
    StartTls,
}

/// A user name and a password that every mechanism can carry.
#[derive(Clone)]
pub struct Credentials(transport::Credentials);

impl Credentials {
    /// # Errors
    /// [`LoginFailure::Credentials`] for an empty or control-character-holding part, or one of more than 1024 bytes.
    pub fn new(username: &str, password: &SecretString) -> Result<Self, LoginFailure> {
        let fits =
            |part: &str| !part.is_empty() && part.len() <= MAX_BYTES && !part.chars().any(char::is_control);
        if !fits(username) || !fits(password.expose_secret()) {
            return Err(LoginFailure::Credentials);
        }
        Ok(Self(transport::Credentials { user: username.into(), password: password.clone() }))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// One login: ask for the next [`Login::step`] and do it, until it is [`Step::Done`], which means that the server takes the
/// credentials, or [`Login::receive`] fails. Either way the connection is of no more use.
pub struct Login {
    talk: Talk,
    next: Step,
}

enum Talk {
    Smtp(smtp::Talk),
    Imap(imap::Talk),
}

impl Login {
    /// A login whose connection is just made: with TLS already if `security` is [`LoginSecurity::Tls`].
    #[must_use]
    pub fn new(protocol: Protocol, security: LoginSecurity, credentials: Credentials) -> Self {
        let talk = match protocol {
            Protocol::Smtp => Talk::Smtp(smtp::Talk::new(security, credentials)),
            Protocol::Imap => Talk::Imap(imap::Talk::new(security, credentials)),
        };
        Self { talk, next: Step::Read }
    }

    /// What to do next.
    pub fn step(&mut self) -> Step {
        match mem::replace(&mut self.next, Step::Read) {
            Step::StartTls => {
                self.next = match &mut self.talk {
                    Talk::Smtp(talk) => talk.secured(),
                    Talk::Imap(talk) => talk.secured(),
                };
                Step::StartTls
            }
            Step::Done => {
                self.next = Step::Done;
                Step::Done
            }
            step => step,
        }
    }

    /// Takes what the server said, however it is cut into pieces; empty bytes mean that it closed.
    ///
    /// # Errors
    /// When it refuses, or says what it should not.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), LoginFailure> {
        if !matches!(self.next, Step::Read) {
            return Err(LoginFailure::Protocol("speaks before it is asked"));
        }
        if bytes.is_empty() {
            return Err(LoginFailure::Protocol("closes the connection"));
        }
        let next = match &mut self.talk {
            Talk::Smtp(talk) => talk.hear(bytes)?,
            Talk::Imap(talk) => talk.hear(bytes)?,
        };
        self.next = next.unwrap_or(Step::Read);
        Ok(())
    }

    /// What to say after [`Step::Done`], before closing. The answer changes nothing.
    #[must_use]
    pub fn farewell(&self) -> &'static [u8] {
        match self.talk {
            Talk::Smtp(_) => crate::QUIT,
            Talk::Imap(_) => imap::LOGOUT,
        }
    }
}

#[cfg(test)]
mod tests;
