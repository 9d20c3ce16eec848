//! One email address, parsed once: what holds an [`Address`] can put it into a header or an SMTP command as it is. Accounts,
//! members, invitations and the configuration take theirs by the same parser, so nothing is stored that no mail can reach.

use crate::Error;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use std::fmt;

/// Longest text looked at: a domain in Unicode can take more bytes than its ASCII form.
const MAX_TYPED_BYTES: usize = 1024;
const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;
/// 40 characters, as a brand may have.
const MAX_NAME_BYTES: usize = 160;

/// An address `local@domain`: a dot-atom and a host name of at least two labels, the last of them no number (RFC 5321
/// §4.1.2, RFC 3696 §2), ASCII, at most 254 bytes.
///
/// Quoted local parts, address literals and comments are refused: nobody signs up by them, and each has served to
/// smuggle a second address. So is Unicode before the `@`, which needs SMTPUTF8 (RFC 6531).
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    at: usize,
}

impl Address {
    /// Parses what a person typed or pasted into the form in which addresses are compared: nothing around it, in lower
    /// case, the domain as A-labels (UTS 46, nontransitional, as in browsers). `Ada@Bücher.example` and
    /// `ada@xn--bcher-kva.example` are one.
    ///
    /// # Errors
    /// [`Error::LocalPart`] where only Unicode before the `@` stands in the way; else [`Error::Address`].
    pub fn typed(text: &str) -> Result<Self, Error> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
        let (local, domain) =
            text.rsplit_once('@').filter(|_| text.len() <= MAX_TYPED_BYTES).ok_or(Error::Address)?;
        let domain = to_a_labels(domain)?;
        if !local.is_ascii() && !local.chars().any(|c| c.is_control() || c == '@') {
            return Err(Error::LocalPart);
        }
        Self::parse(&format!("{}@{domain}", local.to_ascii_lowercase()))
    }

    /// Parses exactly one address, with nothing around it. Its spelling is kept.
    ///
    /// # Errors
    /// [`Error::Address`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (local, domain) = text.split_once('@').ok_or(Error::Address)?;
        let fine = text.len() <= MAX_BYTES
            && local.len() <= MAX_LOCAL_BYTES
            && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
            && domain.contains('.')
            && is_host_name(domain)
            && !domain.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
        if fine { Ok(Self { text: text.to_owned(), at: local.len() }) } else { Err(Error::Address) }
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }
}

/// An address is personal data: it shows nowhere by accident.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// A sender: an address with the name that mail programs show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub(crate) name: String,
    pub(crate) address: Address,
}

impl Mailbox {
    /// `name` is any text of at most 160 bytes without control characters.
    ///
    /// # Errors
    /// [`Error::Header`] for another name.
    pub fn new(name: &str, address: Address) -> Result<Self, Error> {
        if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(Error::Header);
        }
        Ok(Self { name: name.to_owned(), address })
    }

    /// The address without the name.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// Labels of letters, digits and inner hyphens (RFC 1123 §2.1), joined by dots.
pub(crate) fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// A domain in ASCII and lower case; of hyphens, those at a label's third and fourth place are fine: such names exist.
fn to_a_labels(domain: &str) -> Result<String, Error> {
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let ascii = Uts46::new().to_ascii(domain.as_bytes(), deny, hyphens, DnsLength::Verify);
    ascii.map(Cow::into_owned).map_err(|_| Error::Address)
}

/// Zero-width characters and direction marks.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// RFC 5322 §3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests;
