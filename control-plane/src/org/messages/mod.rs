//! Messages: what the workspace tells its customers' endpoints (`POST /v1/messages`), and what Sluicegate tells the workspace
//! itself ([`OwnEvent`]); how far each has come, what is sent again, and the types there are.
//!
//! Who holds a link to the portal sees what went to the endpoints of that link's customer, and nothing else ([`scope`]).

mod built_in;
mod create;
mod event;
mod example;
mod own;
mod progress;
mod read;
mod recover;
mod resend;
mod schema;
mod scope;
mod types;

pub(super) use create::create;
pub(super) use event::OwnEvent;
pub(super) use example::test;
pub(super) use own::publish;
pub(super) use progress::{attempts_at, attempts_of, deliveries_of, deliveries_to};
pub(super) use read::{get, list};
pub(super) use recover::recover;
pub(super) use resend::{resend, skip};
pub(super) use types::{delete as delete_type, get as get_type, list as list_types, set as set_type};
