//! The edge: the public, stateless Worker. It authenticates, limits, checks and sets headers near the client, and hands
//! what is left to the control plane over a private service binding.
//!
//! [`decide`] is the whole policy as one pure function; [`handlers`] do what needs I/O; [`pages`] write HTML; `platform`
//! is the only part that knows Workers. `entry.js` is the JavaScript around it and holds no policy.
//!
//! Invariant 1: it holds public keys and MAC keys, no key that decrypts or signs, and no storage.
#![forbid(unsafe_code)]

pub mod auth;
pub mod cache;
pub mod control_plane;
pub mod csrf;
pub mod handlers;
pub mod head;
pub mod limits;
pub mod origins;
pub mod pace;
pub mod pages;
pub mod public;
pub mod random;
pub mod route;
pub mod security_headers;
pub mod state;
pub mod tree;
pub mod verdict;

mod decide;
#[cfg(target_arch = "wasm32")]
mod platform;
#[cfg(test)]
mod testing;

pub use decide::{MAX_FORM_BYTES, decide};

/// The configuration that this build enforces, validated when it was built, unless its environment names another
/// ([`state::Environment::config`]).
pub const CONFIG: &str = include_str!(concat!(env!("OUT_DIR"), "/config.json"));
