//! The private Worker: tenants' data and encrypted credentials behind a service binding, with no route of its own.
//!
//! `router` picks the object; [`org`], [`account`] and [`identity`] are what the objects do, written against SQL as a trait,
//! so that they run natively in tests; [`flows`] is what takes more than one of them; `broker` calls providers; `platform` is the only part that knows Workers.

pub mod account;
pub mod asks;
pub mod client_hello;
pub mod context;
pub mod email;
pub mod error;
pub mod flows;
pub mod identity;
pub mod json;
pub mod limiter;
pub mod org;
pub mod place;
pub mod registry;
pub mod remote;
pub mod reply;
pub mod secrets;
pub mod store;
pub mod unreachable;
pub mod warehouse;

#[cfg(target_arch = "wasm32")]
mod broker;
#[cfg(target_arch = "wasm32")]
mod platform;
#[cfg(target_arch = "wasm32")]
mod router;
