//! A mail as RFC 5322 bytes: seven bits, CRLF, lines of at most 76 characters, so that any server takes it as it is and
//! its sender's and reader's ideas of a line cannot differ (SMTP smuggling).

mod encoding;

use crate::{Address, Error, Mailbox};
pub(crate) use encoding::date;
use encoding::{encoded_words, quoted_printable};
use std::fmt;
use zeroize::Zeroizing;

const MAX_SUBJECT_BYTES: usize = 500;
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Of a header value that is written as it is; "Subject: " and this are below 78 (RFC 5322 §2.1.1).
const MAX_PLAIN_BYTES: usize = 66;

/// What a mail says. [`texts`](crate::texts) makes them.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// One line of at most 500 bytes.
    pub subject: String,
    /// Plain text, at most 64 KiB. Lines end in `\n` or `\r\n`. It may hold a link that lets its reader in.
    pub text: Zeroizing<String>,
}

/// A mail to one recipient.
#[derive(Clone)]
pub struct Message {
    /// The sender.
    pub from: Mailbox,
    /// The recipient.
    pub to: Address,
    /// Subject and text.
    pub content: Content,
}

/// A mail ready to be sent. Only [`Message::encode`] makes one, so its bytes are always well-formed.
#[derive(Clone)]
pub struct Envelope {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) data: Zeroizing<Vec<u8>>,
}

impl Message {
    /// Writes the mail. `unix_seconds` is its date; `id`, random bytes, becomes its `Message-ID`.
    ///
    /// # Errors
    /// [`Error::Header`] for a subject that is too long or has control characters, [`Error::TooLong`] for the text.
    pub fn encode(&self, unix_seconds: u64, id: [u8; 16]) -> Result<Envelope, Error> {
        let Self { from, to, content: Content { subject, text } } = self;
        if subject.len() > MAX_SUBJECT_BYTES || subject.chars().any(char::is_control) {
            return Err(Error::Header);
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error::TooLong);
        }
        let head = format!(
            "Date: {date}\r\n\
             From: {name}\r\n <{sender}>\r\n\
             To: <{to}>\r\n\
             Subject: {subject}\r\n\
             Message-ID: <{id:032x}@{domain}>\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\
             \r\n",
            date = date(unix_seconds),
            name = phrase(&from.name),
            sender = from.address.as_str(),
            to = to.as_str(),
            subject = unstructured(subject),
            id = u128::from_be_bytes(id),
            domain = from.address.domain(),
        );
        // Room for the worst case, so that growing leaves no copy of the text behind.
        let mut data = Zeroizing::new(Vec::with_capacity(head.len() + text.len() * 4 + 2));
        data.extend_from_slice(head.as_bytes());
        quoted_printable(text, &mut data);
        Ok(Envelope { from: from.address.clone(), to: to.clone(), data })
    }
}

/// A display name: a quoted string where it can be one, else encoded words (RFC 2047 §5).
fn phrase(name: &str) -> String {
    if is_plain(name) && !name.contains(['"', '\\']) { format!("\"{name}\"") } else { encoded_words(name) }
}

fn unstructured(text: &str) -> String {
    if is_plain(text) && text.trim() == text { text.to_owned() } else { encoded_words(text) }
}

/// Whether nothing in it would be read as anything else.
fn is_plain(text: &str) -> bool {
    text.len() <= MAX_PLAIN_BYTES && text.bytes().all(|b| matches!(b, b' '..=b'~')) && !text.contains("=?")
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(…)")
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message(…)")
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope(…)")
    }
}

#[cfg(test)]
mod tests;
