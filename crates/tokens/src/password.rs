//! Passwords: bcrypt at cost 12 (claim M3). About 0.4 s in Wasm, so only sign-in, sign-up and password change come here,
//! and [`HashWork`] and [`VerifyWork`] do it in steps: on one box a single thread serves everybody.
//!
//! bcrypt reads 72 bytes and starts over at a NUL: longer passwords and those with a NUL are refused, not cut. All of it is of
//! the one form that a text's spellings share ([`opaque`]).

mod guess;
mod opaque;

use self::opaque::opaque;
pub use self::opaque::{nfc, nfkc};
use crate::TokenError;
use crate::slow_hash::{SlowHash, Work};
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::hint::black_box;
use zeroize::Zeroizing;

/// bcrypt's cost for passwords (2^12 rounds).
pub const PASSWORD_COST: u32 = 12;

const MIN_CHARS: usize = 10;

/// A hash of nothing known, for sign-ins to accounts that do not exist.
const NOBODY: SlowHash = SlowHash { cost: PASSWORD_COST, salt: *b"nobody's account", digest: [0; 23] };

/// Checks a new password against the policy: at least 10 characters, at most 72 bytes, no control characters, and not soon
/// guessed by somebody who knows these texts `about` the person.
///
/// # Errors
/// [`TokenError::PasswordTooShort`], [`TokenError::PasswordTooLong`], [`TokenError::PasswordControl`],
/// [`TokenError::PasswordGuessable`]; their texts may be shown to the user.
pub fn check_password(password: &SecretString, about: &[&str]) -> Result<(), TokenError> {
    let password = long_enough(password)?;
    if guess::is_guessable(&password, about) { Err(TokenError::PasswordGuessable) } else { Ok(()) }
}

/// A password's form, of at least 10 characters.
fn long_enough(password: &SecretString) -> Result<Zeroizing<String>, TokenError> {
    let password = opaque(password.expose_secret())?;
    if password.chars().take(MIN_CHARS).count() < MIN_CHARS {
        return Err(TokenError::PasswordTooShort);
    }
    Ok(password)
}

/// Hashes a password that is neither too short nor too long, in bcrypt's `$2b$` form with a random salt.
///
/// # Errors
/// Those of [`check_password`], but for how soon it is guessed; [`TokenError::Random`].
pub fn hash_password(password: &SecretString) -> Result<String, TokenError> {
    Ok(HashWork::new(password)?.finish())
}

/// Whether `password` is the one that `stored` was made from. Give `None` where there is no such account: the same work
/// is done, so that the time does not tell whether an account exists.
pub fn verify_password(password: &SecretString, stored: Option<&str>) -> bool {
    VerifyWork::new(password, stored).finish()
}

/// [`hash_password`] in steps. Dropped before its end, it leaves nothing behind.
pub struct HashWork(Work);

impl HashWork {
    /// Checks the length and begins.
    ///
    /// # Errors
    /// As [`hash_password`].
    pub fn new(password: &SecretString) -> Result<Self, TokenError> {
        Work::new(&long_enough(password)?, PASSWORD_COST).map(Self)
    }

    /// Does up to `rounds` more of the 2^[`PASSWORD_COST`] rounds, at least one. The hash to store, once all are done.
    pub fn advance(&mut self, rounds: u32) -> Option<String> {
        self.0.advance(rounds).map(|hash| hash.to_string())
    }

    /// Does all the rounds that are left.
    pub fn finish(self) -> String {
        self.0.finish().to_string()
    }
}

impl fmt::Debug for HashWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashWork(..)")
    }
}

/// [`verify_password`] in steps. Dropped before its end, it leaves nothing behind.
pub struct VerifyWork {
    work: Work,
    stored: SlowHash,
    /// Whether there is an account and a password that can be its own.
    possible: bool,
}

impl VerifyWork {
    /// Begins the work that `stored` took. Where that is `None` or no bcrypt hash of cost 4 to 14, the work is a new
    /// hash's and the answer no. A password that bcrypt would take for another is a no after the same work.
    pub fn new(password: &SecretString, stored: Option<&str>) -> Self {
        let stored = stored.and_then(SlowHash::parse);
        let password = opaque(password.expose_secret());
        let possible = stored.is_some() && password.is_ok();
        let stored = stored.unwrap_or(NOBODY);
        Self { work: Work::repeat(password.as_deref().map_or("", String::as_str), &stored), stored, possible }
    }

    /// Does up to `rounds` more of the rounds, at least one. Whether the password is the one, once all are done.
    pub fn advance(&mut self, rounds: u32) -> Option<bool> {
        let hash = self.work.advance(rounds)?;
        Some(self.possible & same(&hash, &self.stored))
    }

    /// Does all the rounds that are left.
    pub fn finish(self) -> bool {
        self.possible & same(&self.work.finish(), &self.stored)
    }
}

impl fmt::Debug for VerifyWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyWork(..)")
    }
}

/// The optimiser must not see that the result is unused for nobody.
fn same(made: &SlowHash, stored: &SlowHash) -> bool {
    black_box(made.matches(stored))
}

#[cfg(test)]
mod tests;
