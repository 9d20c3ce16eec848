//! Passwords are hashed in slices: bcrypt at cost 12 takes 0.4 s in Wasm, and on one box all objects share a thread.

use secrecy::SecretString;
use tokens::{HashWork, TokenError, VerifyWork};

/// Rounds of 4,096 between two breaks: about 6 ms.
const SLICE: u32 = 64;

/// Makes and checks password hashes, letting others run meanwhile.
#[allow(async_fn_in_trait, reason = "futures of a Worker stay on their thread")]
pub trait Hashing {
    /// A hash to store.
    ///
    /// # Errors
    /// For a password that does not keep the policy; where there is no randomness.
    async fn hash(&self, password: &SecretString) -> Result<String, TokenError>;

    /// Whether a password is the one that `stored` was made from. `None` takes as long as any.
    async fn verify(&self, password: &SecretString, stored: Option<&str>) -> bool;
}

/// bcrypt, with a break after every slice: the function's future ends when it is this work's turn again.
pub struct Sliced<F>(pub F);

impl<F: AsyncFn()> Hashing for Sliced<F> {
    async fn hash(&self, password: &SecretString) -> Result<String, TokenError> {
        let mut work = HashWork::new(password)?;
        loop {
            if let Some(hash) = work.advance(SLICE) {
                return Ok(hash);
            }
            self.0().await;
        }
    }

    async fn verify(&self, password: &SecretString, stored: Option<&str>) -> bool {
        let mut work = VerifyWork::new(password, stored);
        loop {
            if let Some(right) = work.advance(SLICE) {
                return right;
            }
            self.0().await;
        }
    }
}
