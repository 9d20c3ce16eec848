//! One read-only query on a customer's PostgreSQL, its rows handed on as they come and kept nowhere (claim C1).
//!
//! ```text
//! Query, Login → Session::open (SCRAM) → begin (read-only, limits, what the role may do) → query → Rows → JSON, in pieces
//! ```
//!
//! Reading is kept from becoming writing three times over, each for what the others leave open: the statement runs as a
//! sub-select of ours by the extended protocol, which takes one statement; in a transaction that is read-only and never
//! committed; by a role that could not write if both failed, unless the connection says otherwise. A role that reaches the
//! server's files, programs or other sessions, which no transaction holds off, is never taken. What is left open for a role
//! that may write: functions that act outside of the transaction, such as dblink's.
//!
//! The client is our own, and small: a customer names the server, so every length that it sends is bounded and none of its
//! words can make this Worker panic. Generic over the stream; `platform::postgres` gives it a socket with TLS.
//!
//! Not provided: md5 authentication, COPY, types as a binary, passwords normalised by SASLprep (ASCII needs none).

mod failure;
mod request;
mod rows;
mod scram;
mod session;
mod wire;

pub use failure::{Failure, PostgresError, Writable};
pub use request::{Login, Parameter, Query};
pub use rows::Rows;
pub use session::Session;

#[cfg(test)]
mod tests;
