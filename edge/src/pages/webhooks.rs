//! Webhooks in and out: the pages of a workspace's own people. What the customers' portal shows too is in [`parts`].

pub mod endpoints;
pub mod events;
pub mod sources;

pub(super) mod parts;
