//! What the edge and the control plane say to each other, and what both say to the world.
//!
//! One crate, so that the two Workers cannot drift apart: typed ids, roles and permissions, the table of routes, the
//! call that crosses the service binding, the public JSON types and the errors. Nothing here does I/O.
#![forbid(unsafe_code)]

pub mod access;
pub mod api;
pub mod call;
pub mod id;
pub mod near;
pub mod net;
#[cfg(feature = "schema")]
pub mod openapi;
pub mod problem;
pub mod reach;
pub mod routes;
pub mod time;

pub use access::{Access, Feature, Meter, Permission, Role, Scope};
pub use call::{Call, Client, Operation, Page, Principal};
pub use id::{
    ApiKeyId, AttemptId, AuditId, ConnectionId, EndpointId, InboundEventId, InvitationId, MessageId, OrgId,
    PortalLinkId, Region, RequestId, SessionId, SourceId, UserId,
};
pub use problem::{Code, Detail, FieldError, Problem, Refused};

/// `iss` of session tokens and identity assertions.
pub const ISSUER: &str = "sluicegate";
