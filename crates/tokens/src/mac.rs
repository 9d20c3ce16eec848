//! The key of the edge's keyed checks: HMAC-SHA256 (RFC 2104), one domain label a use, so that a tag made for one use
//! says nothing in another.

use crate::{LinkKind, TokenError, base32};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const KEY_LEN: usize = 32;

/// What a tag is for. The labels are frozen: issued keys and ids carry tags made with them.
#[derive(Clone, Copy)]
pub(crate) enum Domain {
    ApiKey,
    Csrf,
    SourceId,
    /// The mark of requests that go out.
    Passage,
    /// One for each kind: a link of one kind is no link of another.
    Link(LinkKind),
}

impl Domain {
    /// Ends in NUL, and no label holds another: label and message cannot run into each other.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ApiKey => b"sluicegate api key\0",
            Self::Csrf => b"sluicegate csrf\0",
            Self::SourceId => b"sluicegate source id\0",
            Self::Passage => b"sluicegate passage\0",
            Self::Link(LinkKind::VerifyEmail) => b"sluicegate link verify email\0",
            Self::Link(LinkKind::ResetPassword) => b"sluicegate link reset password\0",
            Self::Link(LinkKind::ChangeEmail) => b"sluicegate link change email\0",
            Self::Link(LinkKind::Invitation) => b"sluicegate link invitation\0",
            Self::Link(LinkKind::SecondFactor) => b"sluicegate link second factor\0",
            Self::Link(LinkKind::Portal) => b"sluicegate link portal\0",
        }
    }
}

/// A 256-bit MAC key, a deploy-time secret. Wiped on drop.
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Takes 32 bytes in standard padded base64.
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub fn from_base64(encoded: &str) -> Result<Self, TokenError> {
        let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| TokenError::Key)?);
        if key.len() != KEY_LEN {
            return Err(TokenError::Key);
        }
        Hmac::new_from_slice(&key).map(Self).map_err(|_| TokenError::Key)
    }

    pub(crate) fn tag(&self, domain: Domain, message: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(domain.label());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// A tag's first `chars` characters in base32, five bits each: what ends a credential.
    pub(crate) fn tail(&self, domain: Domain, message: &str, chars: usize) -> String {
        let mut tail = base32::encode(&self.tag(domain, message.as_bytes()));
        tail.truncate(chars);
        tail
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// Compares without telling by its time where the two differ; a different length does show.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn key() -> MacKey {
        MacKey::from_base64(&STANDARD.encode([7; KEY_LEN])).unwrap()
    }

    #[test]
    fn a_tag_made_for_one_use_does_not_serve_another() {
        let links = LinkKind::ALL.map(Domain::Link);
        let domains = [Domain::ApiKey, Domain::Csrf, Domain::SourceId].into_iter().chain(links);
        let tags: HashSet<_> = domains.map(|domain| key().tag(domain, b"x")).collect();
        assert_eq!(tags.len(), 3 + links.len());
    }

    #[test]
    fn only_32_bytes_of_base64_are_a_key() {
        for encoded in ["", "*", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33]), &"A".repeat(43)] {
            assert_eq!(MacKey::from_base64(encoded).unwrap_err(), TokenError::Key);
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", key()), "MacKey(..)");
    }
}
