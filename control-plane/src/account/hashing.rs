//! Passwords are hashed in slices: bcrypt at cost 12 takes 0.4 s in Wasm, and on one box all objects share a thread.

use super::AccountContext;
use crate::error::AppError;
use secrecy::SecretString;
use tokens::{HashWork, VerifyWork};

/// Rounds of 4,096 between two breaks: about 6 ms.
const SLICE: u32 = 64;

/// Makes and checks password hashes, letting others run meanwhile.
#[allow(async_fn_in_trait, reason = "futures of a Worker stay on their thread")]
pub trait Hashing {
    /// A hash to store.
    ///
    /// # Errors
    /// For a password that does not keep the policy; where there is no randomness. [`AppError::Limited`].
    async fn hash(&self, password: &SecretString) -> Result<String, AppError>;

    /// Whether a password is the one that `stored` was made from. `None` takes as long as any.
    ///
    /// # Errors
    /// [`AppError::Limited`]: nobody has looked at the password.
    async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, AppError>;
}

/// bcrypt, with a break after every slice: the function's future ends when it is this work's turn again.
pub struct Sliced<F>(pub F);

impl<F: AsyncFn()> Hashing for Sliced<F> {
    async fn hash(&self, password: &SecretString) -> Result<String, AppError> {
        let mut work = HashWork::new(password)?;
        loop {
            if let Some(hash) = work.advance(SLICE) {
                return Ok(hash);
            }
            self.0().await;
        }
    }

    async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, AppError> {
        let mut work = VerifyWork::new(password, stored);
        loop {
            if let Some(right) = work.advance(SLICE) {
                return Ok(right);
            }
            self.0().await;
        }
    }
}

/// Hashing that counts each password where it is about to cost something, by [`config::RateLimits::passwords`]: whatever is
/// refused before takes nothing of what all clients share.
pub(super) struct Counted<'a, H>(pub AccountContext<'a>, pub &'a H);

impl<H> Counted<'_, H> {
    fn count(&self) -> Result<(), AppError> {
        self.0.passwords.count(self.0.config.rate_limits.passwords, self.0.now_ms)
    }
}

impl<H: Hashing> Hashing for Counted<'_, H> {
    async fn hash(&self, password: &SecretString) -> Result<String, AppError> {
        self.count()?;
        self.1.hash(password).await
    }

    async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, AppError> {
        self.count()?;
        self.1.verify(password, stored).await
    }
}
