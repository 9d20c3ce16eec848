//! Links: short-lived secrets that are mailed or handed to a client and name the object (account or org) that knows them,
//! so that no directory is asked (invariant 2) and an invented one is refused with no network read.
//!
//! Form, frozen: `<prefix>_<subject body, 26><secret, 52><tail, 16>`, all lower-case base32 after the underscore. The
//! secret is 256 random bits. The tail is 80 bits of HMAC-SHA256 over all that stands before it, under a label of its
//! kind: an invitation is never read as a password reset. The object stores the digest, which does not give the link
//! back; that a link is used in time, and once where it is for one use, is for the object to see to.

use crate::TokenError;
use crate::base32::{self, is_base32};
use crate::digest::sha256_hex;
use crate::mac::{self, Domain, MacKey};
use secrecy::SecretString;
use std::fmt;
use zeroize::Zeroizing;

const SUBJECT_LEN: usize = 26;
const SECRET_BYTES: usize = 32;
const SECRET_LEN: usize = 52;
const TAIL_LEN: usize = 16;

/// What a link lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Prove that mail to an address arrives.
    VerifyEmail,
    /// Set a new password without the old one.
    ResetPassword,
    /// Confirm an account's new address.
    ChangeEmail,
    /// Join an org.
    Invitation,
    /// Go on with a sign-in whose password was right, by giving the second factor.
    SecondFactor,
    /// Manage the endpoints of one customer of an org. Good any number of times until it ends.
    Portal,
}

/// A link just made. `token` goes to its holder alone; `digest` is what is stored.
pub struct MintedLink {
    /// The whole token.
    pub token: SecretString,
    /// SHA-256 of its secret, 64 characters of hex.
    pub digest: String,
}

/// A genuine link's parts. Whether it is still open is for the subject's object to say.
pub struct PresentedLink {
    /// The body, 26 characters, of the id of the object that knows the link.
    pub subject: String,
    /// SHA-256 of its secret, 64 characters of hex, to compare with the one stored.
    pub digest: String,
}

/// A new link of `subject_body`, the 26 characters of an id after its prefix.
///
/// # Errors
/// [`TokenError::Subject`], [`TokenError::Random`].
pub fn mint_link(mac: &MacKey, kind: LinkKind, subject_body: &str) -> Result<MintedLink, TokenError> {
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    getrandom::fill(secret.as_mut_slice()).map_err(|_| TokenError::Random)?;
    assemble(mac, kind, subject_body, &Zeroizing::new(base32::encode(secret.as_slice())))
}

/// Checks a presented link's form and kind, then its tail.
///
/// # Errors
/// [`TokenError::Link`] for any text that is no link of this `kind` made with this key.
pub fn parse_link(mac: &MacKey, kind: LinkKind, presented: &str) -> Result<PresentedLink, TokenError> {
    let parts = split(kind, presented).ok_or(TokenError::Link)?;
    if !mac::equal(mac.tail(Domain::Link(kind), parts.signed, TAIL_LEN).as_bytes(), parts.tail.as_bytes()) {
        return Err(TokenError::Link);
    }
    Ok(PresentedLink { subject: parts.subject.to_owned(), digest: digest(parts.secret) })
}

impl LinkKind {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 6] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::ChangeEmail,
        Self::Invitation,
        Self::SecondFactor,
        Self::Portal,
    ];

    /// Frozen. No record's id begins so, and no two are alike.
    const fn prefix(self) -> &'static str {
        match self {
            Self::VerifyEmail => "vfy_",
            Self::ResetPassword => "rpw_",
            Self::ChangeEmail => "cem_",
            Self::Invitation => "ivt_",
            Self::SecondFactor => "mfa_",
            Self::Portal => "prt_",
        }
    }
}

impl fmt::Debug for MintedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MintedLink(..)")
    }
}

/// Whoever holds a digest can speak for the link inside the private hop: it is not shown.
impl fmt::Debug for PresentedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedLink").field("subject", &self.subject).finish_non_exhaustive()
    }
}

struct Parts<'a> {
    signed: &'a str,
    subject: &'a str,
    secret: &'a str,
    tail: &'a str,
}

fn assemble(mac: &MacKey, kind: LinkKind, subject: &str, secret: &str) -> Result<MintedLink, TokenError> {
    if subject.len() != SUBJECT_LEN || !is_base32(subject) {
        return Err(TokenError::Subject);
    }
    let signed = Zeroizing::new([kind.prefix(), subject, secret].concat());
    let token = [signed.as_str(), &mac.tail(Domain::Link(kind), &signed, TAIL_LEN)].concat();
    Ok(MintedLink { token: token.into(), digest: digest(secret) })
}

/// None unless every part has exactly its length and alphabet.
fn split(kind: LinkKind, presented: &str) -> Option<Parts<'_>> {
    let (subject, rest) = base32::split_at(presented.strip_prefix(kind.prefix())?, SUBJECT_LEN)?;
    let (secret, rest) = base32::split_at(rest, SECRET_LEN)?;
    let (tail, rest) = base32::split_at(rest, TAIL_LEN)?;
    let (signed, _) = presented.split_at_checked(presented.len() - TAIL_LEN)?;
    rest.is_empty().then_some(Parts { signed, subject, secret, tail })
}

fn digest(secret: &str) -> String {
    sha256_hex(&[secret.as_bytes()])
}

#[cfg(test)]
mod tests;
