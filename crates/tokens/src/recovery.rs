//! Recovery codes: what lets a person in who has lost the authenticator app. Ten codes of 80 random bits, each good once,
//! written down by hand and typed back.
//!
//! Form, frozen: `xxxx-xxxx-xxxx-xxxx` in lower-case base32. What is stored is the digest; that a code is spent is for the
//! account's object to see to.

use crate::TokenError;
use crate::base32::{self, is_base32};
use crate::digest::sha256_hex;
use crate::typed;
use secrecy::SecretString;
use zeroize::Zeroizing;

const CODES: usize = 10;
const CODE_BYTES: usize = 10;
const CODE_LEN: usize = 16;
const GROUP_LEN: usize = 4;
const SHOWN_LEN: usize = CODE_LEN + CODE_LEN / GROUP_LEN - 1;

/// Frozen: stored digests were made with it.
const LABEL: &[u8] = b"sluicegate recovery code\0";

/// Ten new codes, in the form to show once.
///
/// # Errors
/// [`TokenError::Random`].
pub fn generate_recovery_codes() -> Result<Vec<SecretString>, TokenError> {
    (0..CODES).map(|_| generate()).collect()
}

/// The digest under which a code is stored: SHA-256, 64 characters of lower-case hex. Takes the code in either case, as
/// people type it, and with the letters that Crockford's base32 reads as digits (o as 0, i and l as 1). `None`
/// for what cannot be a code.
pub fn recovery_code_digest(presented: &str) -> Option<String> {
    let typed = typed::code(presented)?;
    // As large as it can get: growing would leave the code behind in freed memory.
    let mut code = Zeroizing::new(String::with_capacity(typed.len()));
    code.extend(typed.chars().map(|character| match character.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    }));
    (code.len() == CODE_LEN && is_base32(&code)).then(|| sha256_hex(&[LABEL, code.as_bytes()]))
}

fn generate() -> Result<SecretString, TokenError> {
    let mut bytes = Zeroizing::new([0; CODE_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| TokenError::Random)?;
    Ok(shown(&Zeroizing::new(base32::encode(bytes.as_slice()))))
}

fn shown(code: &str) -> SecretString {
    let mut shown = String::with_capacity(SHOWN_LEN);
    for (at, character) in code.chars().enumerate() {
        if at > 0 && at % GROUP_LEN == 0 {
            shown.push('-');
        }
        shown.push(character);
    }
    shown.into()
}

#[cfg(test)]
mod tests;
