//! Why a mail could not be written or sent. No text holds a value: an address or a server's words never reach a log.

/// A refusal by this crate or by the mail server. A number is the server's reply code (RFC 5321 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not one plain ASCII address.
    #[error("not an email address that mail can be sent to")]
    Address,
    /// Would be an address if the mailer spoke SMTPUTF8 (RFC 6531).
    #[error("addresses with non-ASCII letters before the @ cannot receive mail from here")]
    LocalPart,
    /// A subject or a display name with control characters, or too long.
    #[error("a mail header holds control characters or is too long")]
    Header,
    /// A text of more than 64 KiB.
    #[error("the mail is too long")]
    TooLong,
    /// The mail transport's URL; says what is wrong with it.
    #[error("mail transport: {0}")]
    Transport(&'static str),

    /// No connection, or TLS failed: the certificate is not the host's, for one.
    #[error("the mail server cannot be reached")]
    Unreachable,
    /// The connection ended before the server had taken the mail.
    #[error("the mail server closed the connection")]
    Closed,
    /// The server was too slow.
    #[error("the mail server did not answer in time")]
    TimedOut,
    /// The server takes no mail now, or none from us.
    #[error("the mail server refuses to serve")]
    ServerRefused(u16),
    /// The server does not offer TLS, or refuses to begin it. Somebody on the way can bring this about too.
    #[error("the mail server offers no STARTTLS")]
    NoStartTls,
    /// The server takes neither AUTH PLAIN nor AUTH LOGIN.
    #[error("the mail server offers no way to sign in that is known here")]
    NoAuth,
    /// The server refuses user and password.
    #[error("the mail server refuses the credentials")]
    AuthFailed(u16),
    /// The server refuses the recipient for good (5yz): the address is wrong.
    #[error("the mail server refuses the recipient")]
    RecipientRefused(u16),
    /// The server does not take mail to this recipient now (4yz).
    #[error("the mail server takes no mail to the recipient at present")]
    RecipientDeferred(u16),
    /// The server refuses the sender or the mail.
    #[error("the mail server refuses the mail")]
    MailRefused(u16),
    /// What the server says is not SMTP, or more than it was asked; says what.
    #[error("mail server: {0}")]
    Protocol(&'static str),
}

impl Error {
    /// The server's reply code, if it gave one.
    #[must_use]
    pub fn code(self) -> Option<u16> {
        match self {
            Self::ServerRefused(code)
            | Self::AuthFailed(code)
            | Self::RecipientRefused(code)
            | Self::RecipientDeferred(code)
            | Self::MailRefused(code) => Some(code),
            _ => None,
        }
    }

    /// Whether the same mail may get through later with nothing changed.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        match self.code() {
            Some(code) => (400..500).contains(&code),
            None => matches!(self, Self::Unreachable | Self::Closed | Self::TimedOut),
        }
    }
}
