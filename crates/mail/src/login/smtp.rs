//! A login over SMTP: EHLO, STARTTLS where asked for, AUTH (RFC 4954). No mail is sent.
//!
//! One command, one reply: a server that says more than it was asked is refused, which is also what stops bytes that
//! somebody appends to the STARTTLS reply.

use super::{Credentials, LoginFailure, LoginSecurity};
use crate::Step;
use crate::smtp::reply::{Reply, ReplyReader};
use crate::smtp::{base64_line, plain};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

/// A Worker has neither host name nor address. Mail programs behind a NAT say the same, and servers take it.
const EHLO: &str = "EHLO [127.0.0.1]\r\n";

/// What has been said over SMTP so far.
pub(super) struct Talk {
    security: LoginSecurity,
    credentials: Credentials,
    reader: ReplyReader,
    asked: Asked,
}

/// Whose reply is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Connect,
    PlainEhlo,
    StartTls,
    Ehlo,
    LoginUser,
    LoginPassword,
    Auth,
}

impl Talk {
    pub(super) fn new(security: LoginSecurity, credentials: Credentials) -> Self {
        Self { security, credentials, reader: ReplyReader::default(), asked: Asked::Connect }
    }

    /// What to say first once TLS stands.
    pub(super) fn secured(&mut self) -> Step {
        self.ask(Asked::Ehlo, EHLO)
    }

    /// What follows from what the server said; `None`: there is more to read.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<Option<Step>, LoginFailure> {
        let mut rest = bytes;
        let Some(reply) = self.reader.push(&mut rest)? else { return Ok(None) };
        if !rest.is_empty() {
            return Err(LoginFailure::Protocol("says more than it was asked"));
        }
        self.answer(&reply).map(Some)
    }

    fn answer(&mut self, reply: &Reply) -> Result<Step, LoginFailure> {
        let expected = match self.asked {
            Asked::Connect | Asked::StartTls => 220,
            Asked::PlainEhlo | Asked::Ehlo => 250,
            Asked::LoginUser | Asked::LoginPassword => 334,
            Asked::Auth => 235,
        };
        if reply.code() != expected {
            return Err(self.refusal(reply.code()));
        }
        Ok(match self.asked {
            Asked::Connect if self.security == LoginSecurity::StartTls => self.ask(Asked::PlainEhlo, EHLO),
            Asked::Connect => self.ask(Asked::Ehlo, EHLO),
            Asked::PlainEhlo if reply.offers("STARTTLS", None) => self.ask(Asked::StartTls, "STARTTLS\r\n"),
            Asked::PlainEhlo => return Err(LoginFailure::NoStartTls),
            Asked::StartTls => Step::StartTls,
            Asked::Ehlo if reply.offers("AUTH", Some("PLAIN")) => {
                let message = plain(&self.credentials.0);
                self.tell(Asked::Auth, base64_line("AUTH PLAIN ", &message))
            }
            Asked::Ehlo if reply.offers("AUTH", Some("LOGIN")) => {
                self.ask(Asked::LoginUser, "AUTH LOGIN\r\n")
            }
            Asked::Ehlo => return Err(LoginFailure::NoAuth),
            Asked::LoginUser => {
                let line = base64_line("", self.credentials.0.user.expose_secret().as_bytes());
                self.tell(Asked::LoginPassword, line)
            }
            Asked::LoginPassword => {
                let line = base64_line("", self.credentials.0.password.expose_secret().as_bytes());
                self.tell(Asked::Auth, line)
            }
            Asked::Auth => Step::Done,
        })
    }

    fn ask(&mut self, asked: Asked, line: &str) -> Step {
        self.tell(asked, Zeroizing::new(line.as_bytes().to_vec()))
    }

    fn tell(&mut self, asked: Asked, line: Zeroizing<Vec<u8>>) -> Step {
        self.asked = asked;
        Step::Send(line)
    }

    fn refusal(&self, code: u16) -> LoginFailure {
        match (self.asked, code) {
            (_, ..400) => LoginFailure::Protocol("answers with an unexpected code"),
            (_, ..500) => LoginFailure::Temporary,
            (Asked::Connect | Asked::PlainEhlo | Asked::Ehlo, _) => LoginFailure::Refused,
            (Asked::StartTls, _) => LoginFailure::NoStartTls,
            // Not about this user: the command, the mechanism (504) or the encryption (538) does not suit the server.
            (_, 500..=504 | 538) => LoginFailure::NoAuth,
            // 535, and what servers have of their own: 534 for want of an app password, 525 for a disabled account.
            _ => LoginFailure::BadPassword,
        }
    }
}
