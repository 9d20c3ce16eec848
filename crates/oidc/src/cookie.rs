//! What the browser carries for us between two requests, so that the server stores nothing for a stranger:
//! `v1.<base64url JSON>.<base64url tag>`. The tag is HMAC-SHA256 (RFC 2104) over a label of the use and the text before
//! it, so a cookie of one use does not serve another. Nothing is parsed before the tag has been checked.
//!
//! Signed, not encrypted: the browser's owner may read it. The cookie must be HttpOnly.

use crate::{OidcError, equal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Longest cookie value, in bytes.
pub const MAX_COOKIE_LEN: usize = 2048;

const VERSION: &str = "v1";
/// How far another isolate's clock may be ahead, in seconds.
const LEEWAY_S: u64 = 60;

/// The key of these cookies, which only the control plane holds. Wiped on drop.
#[derive(Clone)]
pub struct StateKey(Hmac<Sha256>);

impl StateKey {
    /// Takes 256 bits.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        // HMAC fills a shorter key up with zeros to its hash's block (RFC 2104, section 2).
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self(Hmac::new((&*block).into()))
    }

    fn tag(&self, label: Label, signed: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(label.as_bytes());
        mac.update(signed.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey(..)")
    }
}

/// What a cookie is for.
#[derive(Clone, Copy)]
pub(crate) enum Label {
    Attempt,
    PendingIdentity,
}

impl Label {
    /// Ends in NUL, and no label begins with another: label and text cannot run into each other.
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Attempt => b"sluicegate oidc attempt\0",
            Self::PendingIdentity => b"sluicegate oidc pending identity\0",
        }
    }
}

/// Signs `content` for one use.
pub(crate) fn write(key: &StateKey, label: Label, content: &impl Serialize) -> Result<String, OidcError> {
    let json = serde_json::to_vec(content).map_err(|_| OidcError::Cookie)?;
    let signed = format!("{VERSION}.{}", URL_SAFE_NO_PAD.encode(json));
    let tag = key.tag(label, &signed);
    let text = format!("{signed}.{tag}");
    if text.len() > MAX_COOKIE_LEN { Err(OidcError::CookieTooLong) } else { Ok(text) }
}

/// Gives back what [`write`] signed for the same use.
pub(crate) fn read<T: DeserializeOwned>(key: &StateKey, label: Label, text: &str) -> Result<T, OidcError> {
    if text.len() > MAX_COOKIE_LEN {
        return Err(OidcError::Cookie);
    }
    let (signed, tag) = text.rsplit_once('.').ok_or(OidcError::Cookie)?;
    if !equal(&key.tag(label, signed), tag) {
        return Err(OidcError::Cookie);
    }
    let json = signed
        .strip_prefix(VERSION)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok())
        .ok_or(OidcError::Cookie)?;
    serde_json::from_slice(&json).map_err(|_| OidcError::Cookie)
}

/// Refuses a cookie outside of its time. Times in Unix seconds.
pub(crate) fn check_age(issued_s: u64, ttl_s: u64, now_s: u64) -> Result<(), OidcError> {
    let begun = issued_s <= now_s.saturating_add(LEEWAY_S);
    let over = now_s >= issued_s.saturating_add(ttl_s);
    if begun && !over { Ok(()) } else { Err(OidcError::CookieExpired) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> StateKey {
        StateKey::new(&[7; 32])
    }

    fn read_text(text: &str) -> Result<String, OidcError> {
        read(&key(), Label::Attempt, text)
    }

    #[test]
    fn every_changed_character_is_refused() {
        let cookie = write(&key(), Label::Attempt, &"content").unwrap();
        assert_eq!(read_text(&cookie).unwrap(), "content");
        for at in 0..cookie.len() {
            // All of the alphabet, since the last character of each part has spare bits.
            for other in *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/% " {
                let mut changed = cookie.clone().into_bytes();
                if changed[at] != other {
                    changed[at] = other;
                    let changed = String::from_utf8(changed).unwrap();
                    assert_eq!(read_text(&changed), Err(OidcError::Cookie), "at {at}");
                }
            }
            assert_eq!(read_text(&cookie[..at]), Err(OidcError::Cookie), "cut at {at}");
        }
        for longer in [format!("{cookie}="), format!("{cookie}A"), format!(" {cookie}"), format!("{cookie}.")]
        {
            assert_eq!(read_text(&longer), Err(OidcError::Cookie));
        }
    }

    #[test]
    fn another_key_and_another_use_are_refused() {
        let cookie = write(&key(), Label::Attempt, &"content").unwrap();
        let other = StateKey::new(&[8; 32]);
        assert_eq!(read::<String>(&other, Label::Attempt, &cookie), Err(OidcError::Cookie));
        assert_eq!(read::<String>(&key(), Label::PendingIdentity, &cookie), Err(OidcError::Cookie));
    }

    /// Signed by the true key, so that only the parser stands in the way.
    #[test]
    fn another_version_or_form_is_refused_even_with_a_true_tag() {
        let json = URL_SAFE_NO_PAD.encode(r#""content""#);
        for signed in [
            format!("v2.{json}"),
            format!("v1{json}"),
            json.clone(),
            format!("v1.{json}="),
            format!("v1..{json}"),
        ] {
            let tag = key().tag(Label::Attempt, &signed);
            assert_eq!(read_text(&format!("{signed}.{tag}")), Err(OidcError::Cookie), "{signed}");
        }
    }

    #[test]
    fn what_does_not_fit_is_neither_written_nor_read() {
        let long = "x".repeat(MAX_COOKIE_LEN);
        assert_eq!(write(&key(), Label::Attempt, &long), Err(OidcError::CookieTooLong));
        let signed = format!("v1.{}", URL_SAFE_NO_PAD.encode(format!("{long:?}")));
        let tag = key().tag(Label::Attempt, &signed);
        assert_eq!(read_text(&format!("{signed}.{tag}")), Err(OidcError::Cookie));
    }

    #[test]
    fn the_tag_is_hmac_sha256_over_label_and_text() {
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(b"sluicegate oidc attempt\0v1.x");
        assert_eq!(key().tag(Label::Attempt, "v1.x"), URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", key()), "StateKey(..)");
    }

    proptest! {
        #[test]
        fn no_text_panics_or_passes(text in "(v1\\.)?.{0,60}(\\..{0,50})?") {
            prop_assert_eq!(read_text(&text), Err(OidcError::Cookie));
        }

        #[test]
        fn a_cookie_lives_for_its_time(issued in 0..u64::MAX, ttl in 0..u64::MAX, now in 0..u64::MAX) {
            let alive = u128::from(now) < u128::from(issued) + u128::from(ttl);
            let begun = u128::from(issued) <= u128::from(now) + u128::from(LEEWAY_S);
            prop_assert_eq!(check_age(issued, ttl, now).is_ok(), alive && begun);
        }
    }
}
