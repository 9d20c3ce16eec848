//! Time-based one-time codes (RFC 6238 over RFC 4226) as authenticator apps make them: HMAC-SHA1, 6 digits, 30 s steps.
//! SHA-1 is what every app takes; its collisions do not touch HMAC.
//!
//! A code is good once: the caller stores the step that [`TotpSecret::verify`] returns and gives it back the next time
//! (RFC 6238, section 5.2). Six digits are guessed in a million tries, so the caller limits the tries.

use crate::TokenError;
use crate::{base32, typed};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// RFC 4226, section 4: 160 bits recommended.
const SECRET_BYTES: usize = 20;
const STEP_S: u64 = 30;
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;

/// All but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secret that an authenticator app and the account share. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    /// A new secret of 20 random bytes.
    ///
    /// # Errors
    /// [`TokenError::Random`].
    pub fn generate() -> Result<Self, TokenError> {
        let mut secret = Self([0; SECRET_BYTES]);
        getrandom::fill(&mut secret.0).map_err(|_| TokenError::Random)?;
        Ok(secret)
    }

    /// The secret again, from the bytes that were sealed.
    ///
    /// # Errors
    /// [`TokenError::TotpSecret`] unless there are 20.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenError> {
        bytes.try_into().map(Self).map_err(|_| TokenError::TotpSecret)
    }

    /// The bytes, to be sealed.
    pub fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// The text to type into an app: 32 characters of RFC 4648 base32, upper case, unpadded.
    pub fn to_base32(&self) -> SecretString {
        base32::encode_rfc4648(&self.0).into()
    }

    /// The URI that an app scans, in the Key URI format. Colons in the names are left out: the first one parts issuer and
    /// account.
    ///
    /// <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>
    pub fn otpauth_uri(&self, issuer: &str, account: &str) -> SecretString {
        let [issuer, account] = [issuer, account].map(encode_name);
        let secret = self.to_base32();
        // One buffer of exactly the length: growing one would leave the secret behind in freed memory.
        [
            "otpauth://totp/",
            &issuer,
            ":",
            &account,
            "?secret=",
            secret.expose_secret(),
            "&issuer=",
            &issuer,
            "&algorithm=SHA1&digits=6&period=30",
        ]
        .concat()
        .into()
    }

    /// Whether `code`, as people type it, is the code of `now_s` (Unix seconds), of the step before or of the step after. Returns the step to
    /// remember and to give as `last_step` the next time: no step up to it is taken again. Constant-time in the secret.
    pub fn verify(&self, code: &str, now_s: u64, last_step: Option<u64>) -> Option<u64> {
        let presented = parse_code(code)?;
        // Never an error: HMAC takes a key of any length.
        let mac = Hmac::new_from_slice(&self.0).ok()?;
        let current = now_s / STEP_S;
        let mut found = None;
        for step in current.saturating_sub(1)..=current + 1 {
            let equal: bool = (hotp(&mac, step) % MODULUS).ct_eq(&presented).into();
            // Where two steps share a code the later one counts, so that the code does not serve a second time.
            if equal && last_step.is_none_or(|last| step > last) {
                found = Some(step);
            }
        }
        found
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

fn encode_name(name: &str) -> String {
    utf8_percent_encode(&name.replace(':', ""), ENCODED).collect()
}

fn parse_code(code: &str) -> Option<u32> {
    let code = typed::code(code)?;
    if code.len() != DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    code.parse().ok()
}

/// The 31 bits from which a code's digits are taken (RFC 4226, section 5.3).
fn hotp(mac: &Hmac<Sha1>, counter: u64) -> u32 {
    let mut mac = mac.clone();
    mac.update(&counter.to_be_bytes());
    let tag: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = usize::from(tag[19] & 15);
    let bits = tag.iter().skip(offset).take(4).fold(0, |bits, byte| bits << 8 | u32::from(*byte));
    bits & 0x7fff_ffff
}

#[cfg(test)]
mod tests;
