//! Works off what is due to endpoints, at least once.
//!
//! That an attempt begins is written before anything is sent, with the time of the next one: whatever ends this object in
//! between, the delivery is due again. An endpoint is sent one delivery at a time, they take turns, and those that fail or
//! are not known to answer have a few connections to themselves, so that one that hangs holds up nobody but itself
//! ([`turns`]).

mod attempt;
mod response;
mod turns;

pub(in crate::org) use turns::{Known, next_due};

use self::attempt::{NotSent, Sent};
use self::turns::Turns;
use crate::context::Context;
use crate::error::AppError;
use crate::unreachable::Unreachable;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use protocol::api::AttemptStatus;
use secrecy::SecretString;
use serde_json::json;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use zeroize::Zeroizing;

/// After so long no attempt is begun, ms: the next alarm goes on, and retention is not kept waiting.
const TURN_MS: u64 = 30_000;
/// What is due so soon is waited for, ms: an alarm costs more than that.
const LINGER_MS: u64 = 2_000;
/// Until the head of an answer, ms.
pub const TIMEOUT_MS: u64 = 15_000;
/// And from there until as much of its body is read as is kept, ms.
pub const BODY_MS: u64 = 2_000;
/// Bytes of an answer's body that are read: what is kept of it is free of secrets as they may be written, however long.
pub const BODY_BYTES: usize = 8_192;

/// A delivery as it is sent: `POST`, without following a redirect.
pub struct Post {
    /// Absolute.
    pub url: String,
    /// Ours and, of a forwarded event, its own. Names in lower case, each once.
    pub headers: Vec<(String, String)>,
    /// The receiver's own; no name is in both.
    pub custom: Vec<(String, SecretString)>,
    /// To the byte.
    pub body: Zeroizing<Vec<u8>>,
}

/// An endpoint's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, as it is.
    pub retry_after: Option<String>,
    /// Until its head was there, ms.
    pub duration_ms: u64,
    /// The first [`BODY_BYTES`] of its body, or what of them came within [`BODY_MS`].
    pub body: Vec<u8>,
}

/// There is no answer. What the endpoint made of the delivery is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoResponse {
    /// Not within [`TIMEOUT_MS`].
    Timeout,
    /// It could not be reached, or does not speak HTTP.
    Unreachable(Unreachable),
}

/// Takes deliveries to their endpoints.
#[allow(async_fn_in_trait, reason = "objects run on one thread")]
pub trait Courier {
    /// Sends one delivery. It ends after [`TIMEOUT_MS`] and [`BODY_MS`] at the latest.
    ///
    /// # Errors
    /// [`NoResponse`].
    async fn post(&self, post: &Post) -> Result<Answer, NoResponse>;

    /// Waits.
    async fn sleep(&self, ms: u64);

    /// The time after an answer, Unix ms.
    fn now_ms(&self) -> u64;
}

/// Sends what is due, for half a minute at most and as long as the last answers take. Never twice at a time in an object.
///
/// # Errors
/// Those of the database. A fault in preparing a delivery is that delivery's alone, and is noted for the operator's log.
pub async fn deliver(ctx: Context<'_>, courier: &impl Courier) -> Result<(), AppError> {
    // Nobody is at work: what is marked as under way was cut off.
    ctx.store.bookkeeping(
        "UPDATE attempts SET status = ? WHERE status = 'sending'",
        &[AttemptStatus::Interrupted.as_str().into()],
    )?;
    let signal = ctx.limits.borrow().deliveries.clone();
    let known = std::mem::take(&mut ctx.limits.borrow_mut().known);
    let mut turns = Turns::new(courier.now_ms().saturating_add(TURN_MS), known);
    let (mut under_way, mut timer, mut faults) = (FuturesUnordered::new(), None, Faults::default());
    let mut woken = pin!(signal.woken());
    loop {
        // Renewed before it is looked, and not otherwise: what is settled here wakes, too.
        if woken.as_mut().now_or_never().is_some() {
            woken.set(signal.woken());
            turns.look_again();
        }
        while let Some(attempt) = turns.next(ctx.at(courier.now_ms()))? {
            let prepared = match attempt.prepare(ctx.at(courier.now_ms())) {
                Err(AppError::Store(error)) => return Err(error.into()),
                Err(fault) => {
                    faults.note(&fault);
                    Err(NotSent::Fault)
                }
                Ok(prepared) => prepared,
            };
            under_way.push(async move {
                let sent = match prepared {
                    Ok(post) => Sent::over(courier.post(&post).await, post),
                    Err(reason) => Sent::Not(reason),
                };
                (attempt, sent)
            });
        }
        let now_ms = courier.now_ms();
        let more_at = turns.more_at();
        if under_way.is_empty() && !(turns.is_open(now_ms) && more_at <= now_ms + LINGER_MS) {
            ctx.limits.borrow_mut().known = turns.into_known();
            faults.tell(ctx);
            return Ok(());
        }
        set(&mut timer, courier, more_at, now_ms);
        let ended = poll_fn(|cx| {
            if let Poll::Ready(Some(ended)) = under_way.poll_next_unpin(cx) {
                return Poll::Ready(Some(ended));
            }
            let is_time = timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
            if is_time || woken.as_mut().poll(cx).is_ready() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await;
        match ended {
            Some((attempt, sent)) => {
                let settled = attempt.settle(ctx.at(courier.now_ms()), sent)?;
                turns.ended(&attempt, settled);
            }
            None => {
                timer = None;
                turns.look_again();
            }
        }
    }
}

/// Deliveries that could not be prepared.
#[derive(Default)]
struct Faults {
    count: u64,
    last: String,
}

impl Faults {
    fn note(&mut self, fault: &AppError) {
        self.count += 1;
        self.last = fault.to_string();
    }

    /// One line of an alarm, however many they were.
    fn tell(self, ctx: Context<'_>) {
        if self.count > 0 {
            ctx.limits.borrow_mut().detected.push(json!({
                "level": "error",
                "detection": "deliveries_not_prepared",
                "org": ctx.org,
                "count": self.count,
                "error": self.last,
                "request_id": ctx.call.request_id,
            }));
        }
    }
}

/// Has the timer go off at `at_ms`, unless it does so already.
fn set<'a>(
    timer: &mut Option<(u64, LocalBoxFuture<'a, ()>)>,
    courier: &'a impl Courier,
    at_ms: u64,
    now_ms: u64,
) {
    if timer.as_ref().map(|(at, _)| *at) != Some(at_ms) {
        *timer = (at_ms < u64::MAX).then(|| {
            (at_ms, Box::pin(courier.sleep(at_ms.saturating_sub(now_ms))) as LocalBoxFuture<'a, ()>)
        });
    }
}
