//! Webhooks in and out: the pages of a workspace's own people. What the customers' portal shows too is in [`parts`].

pub mod endpoint;
pub mod endpoints;
pub mod event;
pub mod event_types;
pub mod events;
pub mod links;
pub mod messages;
pub mod providers;
pub mod replayed;
pub mod source;
pub mod sources;

pub(super) mod parts;
