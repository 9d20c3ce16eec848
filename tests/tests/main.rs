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
mod aging;
mod api_keys;
mod at_rest;
mod attacks;
mod audit;
mod bodies;
mod broker;
mod configuration;
mod crashes;
mod csrf;
mod durability;
mod emails;
mod furnished;
mod gateway;
mod invitations;
mod key_rights;
mod key_verdicts;
mod keys;
mod limits;
mod loops;
mod malformed;
mod members;
mod mistakes;
mod oauth;
mod operated;
mod org_limits;
mod orgs;
mod outbound;
mod passwords;
mod plans;
mod recovery;
mod routes;
mod scrubbing;
mod second_factor;
mod secrets_nowhere;
mod sessions;
mod targets;
mod tenancy;
mod webhooks;
