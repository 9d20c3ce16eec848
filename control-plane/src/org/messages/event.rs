//! The workspace's own events: a closed list, each with ids and names alone, so that no secret can be put into one.

use protocol::api::{Revocation, StatusReason};
use protocol::{ConnectionId, OrgId};
use serde::Serialize;

/// A type of event, as endpoints ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::org) enum EventType {
    ConnectionAuthorized,
    ConnectionReauthorizationRequired,
    ConnectionDisconnected,
    OrgKeyRotated,
}

impl EventType {
    pub(in crate::org) const ALL: [Self; 4] = [
        Self::ConnectionAuthorized,
        Self::ConnectionReauthorizationRequired,
        Self::ConnectionDisconnected,
        Self::OrgKeyRotated,
    ];

    /// The name in JSON and rows.
    pub(in crate::org) const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionAuthorized => "connection.authorized",
            Self::ConnectionReauthorizationRequired => "connection.reauthorization_required",
            Self::ConnectionDisconnected => "connection.disconnected",
            Self::OrgKeyRotated => "org.key_rotated",
        }
    }

    pub(in crate::org) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What happened: the payload's `data`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in crate::org) enum OwnEvent<'a> {
    /// A person has granted access.
    ConnectionAuthorized { connection_id: &'a ConnectionId, connector: &'a str, name: &'a str },
    /// A person has to grant access again.
    ConnectionReauthorizationRequired {
        connection_id: &'a ConnectionId,
        connector: &'a str,
        name: &'a str,
        reason: StatusReason,
    },
    /// The credential is out of use.
    ConnectionDisconnected {
        connection_id: &'a ConnectionId,
        connector: &'a str,
        name: &'a str,
        revocation: Revocation,
    },
    /// There is a new data key.
    OrgKeyRotated { org_id: &'a OrgId, version: u32 },
}

impl OwnEvent<'_> {
    pub(in crate::org) const fn kind(&self) -> EventType {
        match self {
            Self::ConnectionAuthorized { .. } => EventType::ConnectionAuthorized,
            Self::ConnectionReauthorizationRequired { .. } => EventType::ConnectionReauthorizationRequired,
            Self::ConnectionDisconnected { .. } => EventType::ConnectionDisconnected,
            Self::OrgKeyRotated { .. } => EventType::OrgKeyRotated,
        }
    }
}
