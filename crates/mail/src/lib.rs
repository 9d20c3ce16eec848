//! Mail that this system sends about accounts: what it says, how it is written (RFC 5322), how it is handed to a
//! submission server (RFC 6409). And logins to other people's mail servers, to see whether a credential works.
//!
//! ```text
//! texts::reset_password(…) → Content ─┐
//! Mailbox, Address ───────────────────┴→ Message ──encode(time, id)──→ Envelope ──Client──→ SMTP, as steps
//! login::Credentials ─────────────────────────────────────────────────Login───→ SMTP or IMAP, as steps
//! ```
//!
//! Sans I/O: [`Client`] is fed what the server says and answers with the next [`Step`], so the code that speaks in
//! production is the code that the tests attack. Keeps two invariants: nothing of a mail and no credential is sent
//! before TLS stands, unless the [`Transport`] was parsed with leave for it and then has no credentials; and what comes
//! from outside, a name or an address, can add no header, no recipient, no SMTP command and no link.
//!
//! Not provided: addresses and headers in UTF-8 (SMTPUTF8, RFC 6531), HTML, attachments, more than one recipient.
#![forbid(unsafe_code)]

mod address;
mod error;
pub mod login;
mod message;
mod smtp;
pub mod texts;
mod transport;

pub use address::{Address, Mailbox};
pub use error::Error;
pub use message::{Content, Envelope, Message};
pub use smtp::{Client, QUIT, Step};
pub use transport::{Security, Transport};
