//! An authenticator app: the codes of RFC 6238 as a person would type them in, made here and not by crate `tokens`.

use crate::now_ms;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use std::thread::sleep;
use std::time::Duration;

const STEP_MS: u64 = 30_000;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret that an account has shown, with the codes that were used.
#[derive(Debug, Clone)]
pub struct Authenticator {
    base32: String,
    secret: Vec<u8>,
    last_step: u64,
}

impl Authenticator {
    /// With a secret as it is shown: RFC 4648 base32.
    ///
    /// # Panics
    /// Where it is none.
    pub fn new(base32: &str) -> Self {
        let (mut secret, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for character in base32.bytes() {
            let value = ALPHABET.iter().position(|known| *known == character).expect("base32");
            bits = bits << 5 | u32::try_from(value).unwrap();
            count += 5;
            if count >= 8 {
                count -= 8;
                secret.push((bits >> count) as u8);
                bits &= (1 << count) - 1;
            }
        }
        assert_eq!(secret.len(), 20, "160 bits");
        Self { base32: base32.to_owned(), secret, last_step: 0 }
    }

    /// The secret as it was shown.
    pub fn base32(&self) -> &str {
        &self.base32
    }

    /// The secret's bytes.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// A code that is good now and was not used before. The app's clock may run a step ahead of the server's; where that
    /// does not do, this waits for the next step.
    pub fn code(&mut self) -> String {
        self.last_step = (self.last_step + 1).max(now_ms() / STEP_MS);
        while self.last_step > now_ms() / STEP_MS + 1 {
            sleep(Duration::from_millis(100));
        }
        self.code_of(self.last_step)
    }

    /// The code that was given out last.
    pub fn last_code(&self) -> String {
        self.code_of(self.last_step)
    }

    /// A code that is good at no time near this one.
    pub fn wrong_code(&self) -> String {
        let near: Vec<String> = (0..6).map(|step| self.code_of(now_ms() / STEP_MS + step - 2)).collect();
        let mut wrong = (0..1_000_000).map(|code| format!("{code:06}"));
        wrong.find(|code| !near.contains(code)).expect("one of a million")
    }

    fn code_of(&self, step: u64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.secret).unwrap();
        mac.update(&step.to_be_bytes());
        let tag = mac.finalize().into_bytes();
        let at = usize::from(tag[19] & 15);
        let bits = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", bits % 1_000_000)
    }
}
