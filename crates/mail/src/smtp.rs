//! The client's side of one mail submission (RFC 5321, STARTTLS of RFC 3207, AUTH of RFC 4954), without I/O.
//!
//! One command, one reply: nothing is pipelined, so a server that says more than it was asked is refused. That is also
//! what stops the STARTTLS injection, where somebody on the way appends plain bytes to the reply that begins TLS and has
//! them taken for the server's own afterwards. What was learnt before TLS is forgotten after it (RFC 3207 §4.2).

pub(crate) mod reply;

use crate::transport::Credentials;
use crate::{Address, Envelope, Error, Security, Transport};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reply::{Reply, ReplyReader};
use secrecy::ExposeSecret as _;
use std::{fmt, mem};
use zeroize::Zeroizing;

/// What to say once the mail is taken, before closing. The reply changes nothing, nor does its absence.
pub const QUIT: &[u8] = b"QUIT\r\n";

/// What the connection has to do next.
pub enum Step {
    /// Write these bytes, which may be credentials.
    Send(Zeroizing<Vec<u8>>),
    /// Begin TLS on the connection, for the transport's host name, and drop what was read but not yet given to
    /// [`Client::receive`].
    StartTls,
    /// Read, and give what came to [`Client::receive`].
    Read,
    /// The server has the mail: it is answerable for it now, whatever happens to the connection.
    Done,
}

/// One submission of one mail: ask for the next [`Client::step`] and do it, until it is [`Step::Done`] or
/// [`Client::receive`] fails.
pub struct Client<'a> {
    transport: &'a Transport,
    envelope: &'a Envelope,
    reader: ReplyReader,
    /// What the server was last asked.
    asked: Asked,
    next: Step,
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
    Mail,
    Recipient,
    Data,
    Body,
}

impl<'a> Client<'a> {
    /// A client whose connection is just made: with TLS already if the transport's security is [`Security::Tls`].
    #[must_use]
    pub fn new(transport: &'a Transport, envelope: &'a Envelope) -> Self {
        Self { transport, envelope, reader: ReplyReader::default(), asked: Asked::Connect, next: Step::Read }
    }

    /// What to do next.
    pub fn step(&mut self) -> Step {
        match mem::replace(&mut self.next, Step::Read) {
            Step::StartTls => {
                self.next = self.ask(Asked::Ehlo, ehlo(&self.envelope.from));
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
    /// When it refuses, or says what it should not. Then the connection must be closed.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if !matches!(self.next, Step::Read) {
            return Err(Error::Protocol("speaks before it is asked"));
        }
        if bytes.is_empty() {
            return Err(Error::Closed);
        }
        let mut rest = bytes;
        if let Some(reply) = self.reader.push(&mut rest)? {
            // Once the mail is taken, a hasty "421 closing" does not undo it.
            if !rest.is_empty() && self.asked != Asked::Body {
                return Err(Error::Protocol("says more than it was asked"));
            }
            self.next = self.answer(&reply)?;
        }
        Ok(())
    }

    fn answer(&mut self, reply: &Reply) -> Result<Step, Error> {
        let expected = match self.asked {
            Asked::LoginUser | Asked::LoginPassword | Asked::Data => 3,
            _ => 2,
        };
        if reply.code() / 100 != expected {
            return Err(self.refusal(reply.code()));
        }
        let (transport, Envelope { from, to, data }) = (self.transport, self.envelope);
        Ok(match (self.asked, &transport.credentials) {
            (Asked::Connect, _) => {
                let plain = transport.security() == Security::StartTls;
                self.ask(if plain { Asked::PlainEhlo } else { Asked::Ehlo }, ehlo(from))
            }
            (Asked::PlainEhlo, _) if reply.offers("STARTTLS", None) => {
                self.ask(Asked::StartTls, "STARTTLS\r\n".to_owned())
            }
            (Asked::PlainEhlo, _) => return Err(Error::NoStartTls),
            (Asked::StartTls, _) => Step::StartTls,
            (Asked::Ehlo, Some(credentials)) if reply.offers("AUTH", Some("PLAIN")) => {
                self.tell(Asked::Auth, "AUTH PLAIN ", &plain(credentials))
            }
            (Asked::Ehlo, Some(_)) if reply.offers("AUTH", Some("LOGIN")) => {
                self.ask(Asked::LoginUser, "AUTH LOGIN\r\n".to_owned())
            }
            (Asked::Ehlo, Some(_)) => return Err(Error::NoAuth),
            (Asked::LoginUser, Some(credentials)) => {
                self.tell(Asked::LoginPassword, "", credentials.user.expose_secret().as_bytes())
            }
            (Asked::LoginPassword, Some(credentials)) => {
                self.tell(Asked::Auth, "", credentials.password.expose_secret().as_bytes())
            }
            (Asked::Ehlo | Asked::LoginUser | Asked::LoginPassword | Asked::Auth, _) => {
                self.ask(Asked::Mail, format!("MAIL FROM:<{}>\r\n", from.as_str()))
            }
            (Asked::Mail, _) => self.ask(Asked::Recipient, format!("RCPT TO:<{}>\r\n", to.as_str())),
            (Asked::Recipient, _) => self.ask(Asked::Data, "DATA\r\n".to_owned()),
            (Asked::Data, _) => {
                self.asked = Asked::Body;
                Step::Send(stuffed(data))
            }
            (Asked::Body, _) => Step::Done,
        })
    }

    fn ask(&mut self, asked: Asked, line: String) -> Step {
        self.asked = asked;
        Step::Send(Zeroizing::new(line.into_bytes()))
    }

    /// Sends `secret` in base64.
    fn tell(&mut self, asked: Asked, command: &str, secret: &[u8]) -> Step {
        self.asked = asked;
        Step::Send(base64_line(command, secret))
    }

    fn refusal(&self, code: u16) -> Error {
        match (self.asked, code) {
            (_, ..400) => Error::Protocol("answers with an unexpected code"),
            (Asked::StartTls, _) => Error::NoStartTls,
            (Asked::Connect | Asked::PlainEhlo | Asked::Ehlo, _) | (_, 421) => Error::ServerRefused(code),
            (Asked::LoginUser | Asked::LoginPassword | Asked::Auth, _) => Error::AuthFailed(code),
            (Asked::Recipient, ..500) => Error::RecipientDeferred(code),
            (Asked::Recipient, _) => Error::RecipientRefused(code),
            (Asked::Mail | Asked::Data | Asked::Body, _) => Error::MailRefused(code),
        }
    }
}

/// A Worker has no host name of its own: the sender's domain says whose mail it is.
fn ehlo(from: &Address) -> String {
    format!("EHLO {}\r\n", from.domain())
}

/// `command` and behind it `secret` in base64.
pub(crate) fn base64_line(command: &str, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    // Room for all of it: what a growing buffer leaves behind is not wiped.
    let mut line = String::with_capacity(command.len() + secret.len() * 2 + 8);
    line.push_str(command);
    STANDARD.encode_string(secret, &mut line);
    line.push_str("\r\n");
    Zeroizing::new(line.into_bytes())
}

/// RFC 4616: NUL, user, NUL, password.
pub(crate) fn plain(credentials: &Credentials) -> Zeroizing<Vec<u8>> {
    let parts = [&credentials.user, &credentials.password].map(|part| part.expose_secret().as_bytes());
    let mut message = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum()));
    for part in parts {
        message.push(0);
        message.extend_from_slice(part);
    }
    message
}

/// The mail with a dot before every line that begins with one, and the line that ends it (RFC 5321 §4.5.2).
fn stuffed(data: &[u8]) -> Zeroizing<Vec<u8>> {
    let lines = data.split_inclusive(|byte| *byte == b'\n');
    let dots = lines.clone().filter(|line| line.starts_with(b".")).count();
    let mut out = Zeroizing::new(Vec::with_capacity(data.len() + dots + 3));
    for line in lines {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// Without what is sent.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send(_) => "Send(…)",
            Self::StartTls => "StartTls",
            Self::Read => "Read",
            Self::Done => "Done",
        })
    }
}

#[cfg(test)]
mod tests;
