//! End to end: the built Workers on real workerd, one module a subject. Claim ids stand in the tests' names.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test code: a panic is how it says that something is wrong"
)]

mod accounts;
mod api_keys;
mod at_rest;
mod audit;
mod bodies;
mod broker;
mod configuration;
mod csrf;
mod durability;
mod gateway;
mod limits;
mod malformed;
mod recovery;
mod routes;
mod scrubbing;
mod targets;
mod tenancy;
mod webhooks;
