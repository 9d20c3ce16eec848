//! One email address, parsed once: what holds an [`Address`] can put it into a header or an SMTP command as it is.

use crate::Error;
use std::fmt;

const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;
const MAX_NAME_BYTES: usize = 128;

/// An address `local@domain`: a dot-atom and a host name of at least two labels (RFC 5321 §4.1.2), ASCII, at most
/// 254 bytes. Its spelling is kept.
///
/// Quoted local parts, address literals and comments are refused: nobody signs up by them, and each has served to
/// smuggle a second address. So is Unicode, which needs SMTPUTF8; a domain's `xn--` form is taken.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    at: usize,
}

impl Address {
    /// Parses exactly one address, with nothing around it.
    ///
    /// # Errors
    /// [`Error::Address`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (local, domain) = text.split_once('@').ok_or(Error::Address)?;
        let fine = text.len() <= MAX_BYTES
            && local.len() <= MAX_LOCAL_BYTES
            && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
            && domain.contains('.')
            && is_host_name(domain);
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
    /// `name` is any text of at most 128 bytes without control characters.
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

/// RFC 5322 §3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_taken_as_they_are() {
        for text in ["ada@example.com", "Ada.Lovelace+x@Sub.Example.co.uk", "o'neil@xn--bcher-kva.example"] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.as_str(), text);
            assert_eq!(address.domain(), text.split_once('@').unwrap().1);
        }
    }

    #[test]
    fn what_is_not_exactly_one_plain_address_is_refused() {
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@example..com",
            "ada@-example.com",
            ".ada@example.com",
            "ada.@example.com",
            "ada@example.com.",
            " ada@example.com",
            "ada@example.com ",
            "ada@example.com,eve@example.org",
            "ada@example.com;eve@example.org",
            "ada@example.com eve@example.org",
            "ada@eve@example.com",
            "Ada <ada@example.com>",
            "<ada@example.com>",
            "ada@example.com> RCPT TO:<eve@example.org",
            "ada@example.com\r\nBcc: eve@example.org",
            "ada\n@example.com",
            "ada\0@example.com",
            "\"ada\"@example.com",
            "\"a\r\nb\"@example.com",
            "ada(comment)@example.com",
            "ada@[192.0.2.1]",
            "ädä@example.com",
            "ada@exämple.com",
            "eve%example.org:ada@example.com",
        ] {
            assert_eq!(Address::parse(text), Err(Error::Address), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let local = "a".repeat(64);
        let domain = format!("{0}.{0}.{1}", "d".repeat(63), "d".repeat(61));
        assert_eq!(format!("{local}@{domain}").len(), 254);
        assert!(Address::parse(&format!("{local}@{domain}")).is_ok());
        assert!(Address::parse(&format!("{local}@{domain}d")).is_err());
        assert!(Address::parse(&format!("{local}a@example.com")).is_err());
    }

    #[test]
    fn a_name_with_a_line_end_is_refused() {
        let address = Address::parse("ada@example.com").unwrap();
        for name in ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\0b", "a\u{85}b"] {
            assert_eq!(Mailbox::new(name, address.clone()), Err(Error::Header), "{name:?}");
        }
        assert_eq!(Mailbox::new(&"x".repeat(129), address), Err(Error::Header));
    }
}
