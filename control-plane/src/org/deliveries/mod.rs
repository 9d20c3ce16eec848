//! Deliveries: which message still has to go to which endpoint, and the engine that takes it there, at least once.
//!
//! A delivery is written in the transaction of what it tells of ([`queue`]); the object's alarm works off what is due
//! ([`deliver()`]). `due_at` says when the next attempt is made; a pending delivery without it waits: for the one before it
//! in its lane, where the endpoint keeps order, or for a paused source.

mod deliver;
mod queue;
mod schedule;

pub(super) use deliver::next_due;
pub use deliver::{Answer, Courier, Post, deliver};
#[allow(unused_imports, reason = "written first")]
pub(super) use queue::{Audience, Content, Outgoing, enqueue, hold, place, rearm, release, reorder, skip};
