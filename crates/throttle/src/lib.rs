//! Rate limiting by the generic cell rate algorithm (GCRA), for the edge's hot path.
//!
//! A [`Quota`] says how much (`limit` requests per `period`, all of it at once if the client likes); a [`Table`]
//! remembers, in a fixed amount of memory, when each client's allowance is full again; a [`Decision`] is what one
//! request gets. [`Tat`] is the same for one client alone, whose state is kept elsewhere. [`client_key`] turns an address into the key that one subscriber can't multiply.
//!
//! A table counts for one isolate. Where a limit must hold over all isolates together, one [`Home`] owns the table and
//! leases requests to each isolate's [`Spender`]: see [`lease`], with the bound and its proof.
//!
//! Pure: no clock and no allocation after construction. Time is unix milliseconds, given by the caller.

#![forbid(unsafe_code)]

mod buckets;
mod client;
mod headers;
pub mod lease;
mod quota;
mod table;
mod tat;

pub use client::{ClientKey, client_key};
pub use headers::{rate_limit, rate_limit_policy};
pub use lease::{Home, Lease, Spend, Spender, Strictness};
pub use quota::{MAX_LIMIT, MAX_PERIOD_SECONDS, Quota, QuotaError};
pub use table::{Decision, Table};
pub use tat::Tat;
