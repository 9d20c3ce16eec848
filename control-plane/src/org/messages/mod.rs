//! Messages: what the workspace tells its customers' endpoints (`POST /v1/messages`), and what Sluicegate tells the workspace
//! itself ([`OwnEvent`]); the types there are.

mod event;
mod own;

pub(super) use event::{EventType, OwnEvent};
pub(super) use own::publish;
