//! Passwords: bcrypt at cost 12 (claim M3). About 0.4 s in Wasm, so only sign-in, sign-up and password change come here.
//!
//! bcrypt reads 72 bytes and starts over at a NUL: longer passwords and those with a NUL are refused, not cut.

use crate::TokenError;
use secrecy::{ExposeSecret as _, SecretString};
use std::hint::black_box;

/// bcrypt's cost for passwords (2^12 rounds).
pub const PASSWORD_COST: u32 = 12;

const MIN_CHARS: usize = 10;
const MAX_BYTES: usize = 72;

/// A well-formed hash of nothing known, for sign-ins to accounts that do not exist.
const NOBODY: &str = "$2b$12$eImiTXuWVxfM37uY4JANjOX8kXxO3lI1Yw1Q0mY6Ij1mX9b1K8c7m";

/// Checks a new password against the policy: at least 10 characters, at most 72 bytes, no NUL.
///
/// # Errors
/// [`TokenError::PasswordTooShort`], [`TokenError::PasswordTooLong`], [`TokenError::PasswordNul`]; their texts may be
/// shown to the user.
pub fn check_password(password: &SecretString) -> Result<(), TokenError> {
    let password = password.expose_secret();
    if password.chars().take(MIN_CHARS).count() < MIN_CHARS {
        return Err(TokenError::PasswordTooShort);
    }
    hashable(password)
}

/// Hashes a password that keeps the policy, in bcrypt's `$2b$` form with a random salt.
///
/// # Errors
/// As [`check_password`]; [`TokenError::Random`].
pub fn hash_password(password: &SecretString) -> Result<String, TokenError> {
    check_password(password)?;
    bcrypt::hash(password.expose_secret(), PASSWORD_COST).map_err(|_| TokenError::Random)
}

/// Whether `password` is the one that `stored` was made from. Give `None` where there is no such account: the same work
/// is done, so that the time does not tell whether an account exists.
pub fn verify_password(password: &SecretString, stored: Option<&str>) -> bool {
    let password = password.expose_secret();
    // The same for every account, known or not: no time to hide.
    if hashable(password).is_err() {
        return false;
    }
    // The optimiser must not see that the result is unused for nobody.
    let matches = black_box(bcrypt::verify(password, stored.unwrap_or(NOBODY)).unwrap_or(false));
    stored.is_some() && matches
}

fn hashable(password: &str) -> Result<(), TokenError> {
    if password.len() > MAX_BYTES {
        return Err(TokenError::PasswordTooLong);
    }
    if password.contains('\0') {
        return Err(TokenError::PasswordNul);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
