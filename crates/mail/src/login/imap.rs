//! A login over IMAP (RFC 3501, RFC 9051): CAPABILITY, STARTTLS where asked for, then AUTHENTICATE PLAIN (RFC 4616, with
//! the initial response of RFC 4959 where offered) or LOGIN. No mailbox is opened.
//!
//! A greeting of PREAUTH is refused: it would let somebody on the way skip STARTTLS and the login with it (CVE-2020-12398).
//! Capabilities count only as an answer to CAPABILITY, and those from before TLS for nothing but STARTTLS.

mod response;

use super::{Credentials, LoginFailure, LoginSecurity};
use crate::Step;
use crate::smtp::{base64_line, plain};
use response::{Kind, Response, ResponseReader, Status};
use secrecy::ExposeSecret as _;
use std::mem;
use zeroize::Zeroizing;

pub(super) const LOGOUT: &[u8] = b"s5 LOGOUT\r\n";

/// What has been said over IMAP so far.
pub(super) struct Talk {
    security: LoginSecurity,
    credentials: Credentials,
    reader: ResponseReader,
    asked: Asked,
    offered: Offered,
}

/// Whose response is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Greeting,
    PlainCapability,
    StartTls,
    Capability,
    /// AUTHENTICATE without an initial response: the server has to ask for it.
    Authenticate,
    /// LOGIN with literals: the server has to ask for each.
    LoginUser,
    LoginPassword,
    /// Everything is said.
    Verdict,
}

impl Asked {
    /// The tag of the command that is under way.
    fn tag(self) -> &'static [u8] {
        match self {
            Self::Greeting => b"",
            Self::PlainCapability => b"s1",
            Self::StartTls => b"s2",
            Self::Capability => b"s3",
            Self::Authenticate | Self::LoginUser | Self::LoginPassword | Self::Verdict => b"s4",
        }
    }
}

/// What the last CAPABILITY response named, of what matters here.
#[derive(Clone, Copy, Default)]
struct Offered {
    start_tls: bool,
    login_disabled: bool,
    auth_plain: bool,
    initial_response: bool,
}

impl Talk {
    pub(super) fn new(security: LoginSecurity, credentials: Credentials) -> Self {
        Self {
            security,
            credentials,
            reader: ResponseReader::default(),
            asked: Asked::Greeting,
            offered: Offered::default(),
        }
    }

    /// What to say first once TLS stands.
    pub(super) fn secured(&mut self) -> Step {
        self.ask(Asked::Capability, "s3 CAPABILITY\r\n")
    }

    /// What follows from what the server said; `None`: there is more to read.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<Option<Step>, LoginFailure> {
        let mut rest = bytes;
        while let Some(response) = self.reader.push(&mut rest)? {
            let Some(next) = self.answer(&response)? else { continue };
            // After the verdict a server may go on: about new mail, for one.
            if !rest.is_empty() && !matches!(next, Step::Done) {
                return Err(LoginFailure::Protocol("says more than it was asked"));
            }
            return Ok(Some(next));
        }
        Ok(None)
    }

    /// What follows from a response, if it is the one that was waited for.
    fn answer(&mut self, response: &Response) -> Result<Option<Step>, LoginFailure> {
        match response.kind() {
            Kind::Untagged => self.untagged(response).map(|()| None),
            Kind::Greeting => self.greeting(response).map(Some),
            Kind::Continuation => self.go_on().map(Some),
            Kind::Tagged(status) => self.completed(response, status).map(Some),
        }
    }

    fn greeting(&mut self, response: &Response) -> Result<Step, LoginFailure> {
        if response.is_untagged("PREAUTH") {
            return Err(LoginFailure::Protocol("lets everybody in without a login"));
        }
        if response.is_untagged("BYE") {
            return Err(farewell(response));
        }
        if !response.is_untagged("OK") {
            return Err(LoginFailure::Protocol("does not greet as IMAP does"));
        }
        self.reader.greeted(Asked::PlainCapability.tag());
        Ok(match self.security {
            LoginSecurity::StartTls => self.ask(Asked::PlainCapability, "s1 CAPABILITY\r\n"),
            LoginSecurity::Tls => self.ask(Asked::Capability, "s3 CAPABILITY\r\n"),
        })
    }

    fn untagged(&mut self, response: &Response) -> Result<(), LoginFailure> {
        if response.is_untagged("BYE") {
            return Err(farewell(response));
        }
        let asked = matches!(self.asked, Asked::PlainCapability | Asked::Capability);
        if asked && response.is_untagged("CAPABILITY") {
            self.offered = Offered {
                start_tls: response.names("STARTTLS"),
                login_disabled: response.names("LOGINDISABLED"),
                auth_plain: response.names("AUTH=PLAIN"),
                initial_response: response.names("SASL-IR"),
            };
        }
        Ok(())
    }

    fn completed(&mut self, response: &Response, status: Status) -> Result<Step, LoginFailure> {
        match (self.asked, status) {
            (Asked::PlainCapability, Status::Ok) if mem::take(&mut self.offered).start_tls => {
                Ok(self.ask(Asked::StartTls, "s2 STARTTLS\r\n"))
            }
            (Asked::PlainCapability, Status::Ok) => Err(LoginFailure::NoStartTls),
            (Asked::StartTls, Status::Ok) => Ok(Step::StartTls),
            (Asked::Capability, Status::Ok) => self.log_in(),
            (Asked::Verdict, Status::Ok) => Ok(Step::Done),
            (_, Status::Ok) => Err(LoginFailure::Protocol("agrees before everything is said")),
            (_, Status::No) if response.is_temporary() => Err(LoginFailure::Temporary),
            (Asked::StartTls, _) => Err(LoginFailure::NoStartTls),
            (Asked::Greeting | Asked::PlainCapability | Asked::Capability, _) => Err(LoginFailure::Refused),
            (_, Status::No) if response.has_code("PRIVACYREQUIRED") => Err(LoginFailure::NoAuth),
            (_, Status::No) => Err(LoginFailure::BadPassword),
            (_, Status::Bad) => Err(LoginFailure::Protocol("does not understand a login")),
        }
    }

    fn log_in(&mut self) -> Result<Step, LoginFailure> {
        let Credentials(credentials) = &self.credentials;
        let parts = [&credentials.user, &credentials.password].map(|part| part.expose_secret().as_bytes());
        let offered = self.offered;
        Ok(if offered.auth_plain && offered.initial_response {
            let line = base64_line("s4 AUTHENTICATE PLAIN ", &plain(credentials));
            self.tell(Asked::Verdict, line)
        } else if offered.auth_plain {
            self.ask(Asked::Authenticate, "s4 AUTHENTICATE PLAIN\r\n")
        } else if offered.login_disabled {
            return Err(LoginFailure::NoAuth);
        } else if parts.iter().all(|part| part.iter().all(|byte| (b' '..=b'~').contains(byte))) {
            let line = quoted("s4 LOGIN", &parts);
            self.tell(Asked::Verdict, line)
        } else {
            let line = format!("s4 LOGIN {{{}}}\r\n", parts[0].len());
            self.ask(Asked::LoginUser, &line)
        })
    }

    /// The server asks for what comes next.
    fn go_on(&mut self) -> Result<Step, LoginFailure> {
        let Credentials(credentials) = &self.credentials;
        let [user, password] = [&credentials.user, &credentials.password].map(|part| part.expose_secret());
        match self.asked {
            Asked::Authenticate => {
                let line = base64_line("", &plain(credentials));
                Ok(self.tell(Asked::Verdict, line))
            }
            Asked::LoginUser => {
                let line = format!("{user} {{{}}}\r\n", password.len());
                Ok(self.tell(Asked::LoginPassword, Zeroizing::new(line.into_bytes())))
            }
            Asked::LoginPassword => {
                let mut line = Zeroizing::new(Vec::with_capacity(password.len() + 2));
                line.extend_from_slice(password.as_bytes());
                line.extend_from_slice(b"\r\n");
                Ok(self.tell(Asked::Verdict, line))
            }
            _ => Err(LoginFailure::Protocol("asks for more where all is said")),
        }
    }

    fn ask(&mut self, asked: Asked, line: &str) -> Step {
        self.tell(asked, Zeroizing::new(line.as_bytes().to_vec()))
    }

    fn tell(&mut self, asked: Asked, line: Zeroizing<Vec<u8>>) -> Step {
        self.asked = asked;
        self.reader.expect(asked.tag());
        Step::Send(line)
    }
}

/// `* BYE`, which may come at any time.
fn farewell(response: &Response) -> LoginFailure {
    if response.is_temporary() { LoginFailure::Temporary } else { LoginFailure::Refused }
}

/// `command "part" "part"`, with `"` and `\` escaped.
fn quoted(command: &str, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    // Room for all of it: what a growing buffer leaves behind is not wiped.
    let most = parts.iter().map(|part| part.len() * 2 + 3).sum::<usize>();
    let mut line = Zeroizing::new(Vec::with_capacity(command.len() + most + 2));
    line.extend_from_slice(command.as_bytes());
    for part in parts {
        line.extend_from_slice(b" \"");
        for byte in *part {
            if matches!(byte, b'"' | b'\\') {
                line.push(b'\\');
            }
            line.push(*byte);
        }
        line.push(b'"');
    }
    line.extend_from_slice(b"\r\n");
    line
}
