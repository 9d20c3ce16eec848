//! Deliveries: which message still has to go to which endpoint, and the engine that takes it there, at least once.
//!
//! A delivery is written in the transaction of what it tells of ([`queue`]); the object's alarm works off what is due
//! ([`deliver()`]). `due_at` says when the next attempt is made; a pending delivery without it waits: for the one before it
//! in its lane, where the endpoint keeps order, or for a paused source ([`lanes`]).

mod deliver;
mod lanes;
mod queue;
mod schedule;

pub use deliver::{Answer, BODY_BYTES, BODY_MS, Courier, NoResponse, Post, TIMEOUT_MS, deliver};
pub(super) use deliver::{Known, next_due};
pub(super) use lanes::{hold, release, reorder};
pub(super) use queue::{Audience, Content, Outgoing, enqueue, place, rearm, skip};
pub use schedule::put_off_ms;

use crate::context::Context;

/// When the oldest message was made that is kept, and the oldest attempt, Unix ms.
pub(super) fn oldest(ctx: Context<'_>) -> u64 {
    ctx.now_ms.saturating_sub(u64::from(ctx.config.retention.messages_days) * 86_400_000)
}
