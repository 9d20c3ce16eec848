//! The control plane as the handlers see it: one call, one reply. Implemented over the service binding in `platform`, and
//! in memory for the tests.

use crate::tree;
use protocol::{Call, Code, Detail, Problem, Refused};
use zeroize::Zeroizing;

/// The private Worker behind the service binding.
pub trait ControlPlane {
    /// Makes a call whose body and answer fit into memory.
    ///
    /// # Errors
    /// [`Unreachable`].
    #[allow(async_fn_in_trait, reason = "one thread: futures of JavaScript promises are not Send")]
    async fn call(&self, call: &Call, body: Vec<u8>) -> Result<Reply, Unreachable>;

    /// Whether it answers at all.
    #[allow(async_fn_in_trait, reason = "as above")]
    async fn is_ready(&self) -> bool;
}

/// The control plane gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable;

/// The control plane's answer. No `Debug`: it may hold a secret that is shown once.
#[derive(Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `protocol::call::reply::SESSION`: a token for the cookie; an empty one clears it.
    pub session: Option<Zeroizing<String>>,
    /// `protocol::call::reply::RATE_LIMIT`: the calling key's own limit.
    pub rate_limit: Option<String>,
    /// `Retry-After` of a 429, seconds.
    pub retry_after: Option<u32>,
    /// JSON, or problem+json from 400 on.
    pub body: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// Whether the call was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The problem that it says; `Unavailable` where it says none that we know.
    pub fn problem(&self) -> (Code, Option<Detail>) {
        match tree::read::<Problem>(&self.body) {
            Ok(problem) => (problem.code, problem.into_detail()),
            Err(_) => (Code::Unavailable, None),
        }
    }

    /// The same, to be passed on.
    pub fn refused(&self) -> Refused {
        let (code, detail) = self.problem();
        Refused { code, detail }
    }
}
