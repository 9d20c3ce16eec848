//! Limits that hold over all isolates together.
//!
//! A [`Table`](crate::Table) in each of `N` isolates lets `N` times the limit through. Here one [`Home`] per tenant owns
//! the GCRA state of a key and hands out [`Lease`]s: "besides the request that asked, let `ahead` more through within
//! `ttl_ms`". An isolate's [`Spender`] spends them without a call and asks again when they are used up or have ended.
//!
//! Write `L` for the quota's limit, `e` for its emission interval, `T` for the lease's time to live. A request that asked
//! counts at the moment the home answered it; one let through from a lease counts when the isolate let it through.
//!
//! **Theorem (overshoot).** In any interval of length `W`, all isolates together let at most `L + ⌊(W + T) / e⌋` requests
//! of a key through ([`Strictness::Bounded`]), or `L + ⌊W / e⌋`, which is exact GCRA ([`Strictness::Exact`]). The number
//! of isolates does not appear: the overshoot is at most what accrues in one `T`, and `T` is at most an eighth of the
//! quota's window, so it is at most `⌈L / 8⌉` requests.
//!
//! *Proof.* A lease is counted from the moment the isolate *asked*, by the isolate's own clock; the home grants later than
//! that, so a request granted at `g` is let through in `[g, g + T)`. All that is let through in `[a, a + W]` was therefore
//! granted in `(a - T, a + W]`. Let `n` requests be granted in it, the first at `x`, the last at `y`. A key's TAT is
//! at least `x` when the first is taken and grows by `e` with each, and a grant leaves it at most `y + B`, where `B` is the
//! burst in time. So `n e ≤ (y - x) + B ≤ W + T + B`. Bounded: `B = L e`. Exact: the home holds back what accrues in a
//! `T`, `B = L e - T`, and `T` cancels. ∎
//!
//! What the proof needs: clocks that run at the same rate and don't step back (a step back by `d` makes a lease's life
//! `T + d`), and a home that keeps its memory. How far apart the clocks stand is of no account, nor are answers that are
//! late or lost, since a lease's end is set by the ask. A home that loses its memory forgets up to one burst, and a key
//! pushed out of its full [`Table`](crate::Table) up to one request; where a quota's period is longer than the home's
//! object stays in memory, the home is the wrong tool.
//!
//! **Undershoot.** What ends unspent is not returned, which errs on the strict side. A lease holds at most twice what its
//! isolate spent of the one before, so of what is granted to a spender (answers late or lost and slots displaced aside) at
//! least a third is spent, in the worst case of traffic that stops at the worst moment each time. While each isolate uses
//! its leases up nothing is lost. Exact mode's burst is smaller than `L` by at most `⌈L / 8⌉`; its rate is the same.

use crate::Decision;

mod home;
#[cfg(test)]
mod simulation;
mod spender;
#[cfg(test)]
mod tests;

pub use home::{Home, Strictness};
pub use spender::{Spend, Spender};

/// The home's answer to one request that asked.
///
/// Not `Clone`: it is spent once.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    /// What the request that asked gets. Its `remaining` leaves out what was leased.
    pub decision: Decision,
    /// Requests that the isolate may let through besides.
    pub ahead: u32,
    /// How long this holds, in milliseconds from when the isolate asked: the lease, or for a refusal the time for which
    /// the isolate refuses without asking again.
    pub ttl_ms: u32,
}
