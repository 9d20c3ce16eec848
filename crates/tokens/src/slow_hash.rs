//! bcrypt in steps. A hash of cost 12 is one loop of 4,096 rounds, 0.4 s in Wasm, and nothing else runs on its thread
//! meanwhile; [`Work`] does as many rounds as it is told and can be put aside in between.
//!
//! Hashes are written in the `$2b$` form and read in `$2a$`, `$2b$` and `$2y$`, which mean the same for what is hashed
//! here. `$2x$` marks hashes of an implementation that misread some characters; they are not taken. What bcrypt does
//! with a NUL or with more than 72 bytes is for the caller to keep out.
//!
//! Provos and Mazières, "A Future-Adaptable Password Scheme" (USENIX 1999).

use crate::{TokenError, mac};
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use blowfish::Blowfish;
use std::fmt;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// bcrypt's lowest cost, and one beyond which a single hash would hold the thread for seconds.
const COSTS: RangeInclusive<u32> = 4..=14;

const MAX_KEY: usize = 72;
const SALT_BYTES: usize = 16;
const SALT_LEN: usize = 22;
const HASH_LEN: usize = 60;
const DIGEST_BYTES: usize = 23;
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

/// "OrpheanBeholderScryDoubt", which the finished cipher encrypts.
const MAGIC: [[u32; 2]; 3] =
    [[0x4f72_7068, 0x6561_6e42], [0x6568_6f6c, 0x6465_7253], [0x6372_7944, 0x6f75_6274]];

/// A bcrypt hash: what is stored.
pub(crate) struct SlowHash {
    pub(crate) cost: u32,
    pub(crate) salt: [u8; SALT_BYTES],
    pub(crate) digest: [u8; DIGEST_BYTES],
}

impl SlowHash {
    /// `None` for anything but the 60 characters of a bcrypt hash of cost 4 to 14.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != HASH_LEN {
            return None;
        }
        let rest = ["$2b$", "$2a$", "$2y$"].iter().find_map(|version| text.strip_prefix(version))?;
        let (cost, rest) = rest.split_once('$')?;
        let (salt, digest) = rest.split_at_checked(SALT_LEN)?;
        Some(Self { cost: parse_cost(cost)?, salt: decode(salt)?, digest: decode(digest)? })
    }

    /// Whether both were made from the same, their salts being the same. Constant-time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        mac::equal(&self.digest, &other.digest)
    }
}

/// The form to store, `$2b$`.
impl fmt::Display for SlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$2b${:02}${}{}", self.cost, BASE64.encode(self.salt), BASE64.encode(self.digest))
    }
}

/// A hash in the making. What it holds of the secret is wiped on drop, finished or not.
pub(crate) struct Work {
    /// On the heap, so that moving the work leaves no copy behind.
    state: Box<Blowfish>,
    /// What is hashed, with the NUL that ends it.
    key: Zeroizing<Vec<u8>>,
    salt: [u8; SALT_BYTES],
    cost: u32,
    rounds_left: u32,
}

impl Work {
    /// Begins a new hash under a random salt.
    ///
    /// # Errors
    /// [`TokenError::HashCost`] for a cost outside 4 to 14; [`TokenError::Random`].
    pub(crate) fn new(secret: &str, cost: u32) -> Result<Self, TokenError> {
        if !COSTS.contains(&cost) {
            return Err(TokenError::HashCost);
        }
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| TokenError::Random)?;
        Ok(Self::start(secret, cost, salt))
    }

    /// Begins the work that `hash` took, with its salt and cost.
    pub(crate) fn repeat(secret: &str, hash: &SlowHash) -> Self {
        Self::start(secret, hash.cost, hash.salt)
    }

    /// Does up to `rounds` of the 2^cost rounds, at least one. The hash, once all are done.
    pub(crate) fn advance(&mut self, rounds: u32) -> Option<SlowHash> {
        self.run(rounds.max(1));
        (self.rounds_left == 0).then(|| self.output())
    }

    /// Does all the rounds that are left.
    pub(crate) fn finish(mut self) -> SlowHash {
        self.run(self.rounds_left);
        self.output()
    }

    fn start(secret: &str, cost: u32, salt: [u8; SALT_BYTES]) -> Self {
        let mut key = Zeroizing::new(Vec::with_capacity(MAX_KEY));
        key.extend(secret.bytes().chain([0]).take(MAX_KEY));
        let mut state = Box::new(Blowfish::bc_init_state());
        state.salted_expand_key(&salt, &key);
        Self { state, key, salt, cost, rounds_left: 1 << cost }
    }

    fn run(&mut self, rounds: u32) {
        let rounds = rounds.min(self.rounds_left);
        for _ in 0..rounds {
            self.state.bc_expand_key(&self.key);
            self.state.bc_expand_key(&self.salt);
        }
        self.rounds_left -= rounds;
    }

    fn output(&self) -> SlowHash {
        let blocks = MAGIC.map(|block| (0..64).fold(block, |block, _| self.state.bc_encrypt(block)));
        let bytes = blocks.as_flattened().iter().flat_map(|word| word.to_be_bytes());
        let mut digest = [0; DIGEST_BYTES];
        // The 24th byte is left out, as all implementations do.
        digest.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        SlowHash { cost: self.cost, salt: self.salt, digest }
    }
}

fn parse_cost(digits: &str) -> Option<u32> {
    if digits.len() != 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|cost| COSTS.contains(cost))
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
