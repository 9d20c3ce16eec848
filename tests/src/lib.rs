//! The harness of the end-to-end tests: the real Workers on bare workerd, a plain HTTP client, an upstream to be called,
//! fresh tenants. The tests themselves are in `tests/`, one file a subject.
//!
//! Needs the release build: `cargo xtask build`, then `cargo test -p e2e`; `cargo xtask test` does both.
//!
//! Invariant: every answer that a test gets through [`Client`] is held to what every answer must carry ([`protection`]),
//! whatever else the test looks at.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test code: a panic is how it says that something is wrong"
)]

mod authenticator;
mod client;
pub mod database;
mod documented;
mod gate;
mod org;
pub mod protection;
pub mod random;
pub mod secrets;
pub mod subject;
mod upstream;
pub mod websocket;
pub mod wire;

pub use authenticator::Authenticator;
pub use client::{Client, Exchange, Request, Response};
pub use gate::{Gate, link_token};
pub use org::{ApiKey, Org, fresh_email, text};
pub use upstream::{Call, Upstream};

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a test waits for what must happen at once. Generous: it only ends what hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What `sluicegate.toml` says, which is what the build enforces.
///
/// # Panics
/// Where it is not in order: then there is no build either.
pub fn config() -> config::Config {
    config::parse(&std::fs::read_to_string(xtask::root().join("sluicegate.toml")).unwrap()).unwrap()
}

/// Unix time, ms.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Repeats `attempt` until it returns something.
///
/// # Panics
/// After [`PATIENCE`], saying what was waited for.
pub fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(found) = attempt() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited in vain for: {what}");
}
