//! The workspace's own events: a closed list, each with ids and names alone, so that no secret can be put into one.

use protocol::api::{DisabledReason, Revocation, StatusReason};
use protocol::{ConnectionId, EndpointId, OrgId, SourceId};
use serde::Serialize;

/// A type of event, as endpoints ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::org) enum EventType {
    ConnectionAuthorized,
    ConnectionReauthorizationRequired,
    ConnectionDisconnected,
    OrgKeyRotated,
    EndpointDisabled,
    SourceSignatureFailures,
}

impl EventType {
    pub(in crate::org) const ALL: [Self; 6] = [
        Self::ConnectionAuthorized,
        Self::ConnectionReauthorizationRequired,
        Self::ConnectionDisconnected,
        Self::OrgKeyRotated,
        Self::EndpointDisabled,
        Self::SourceSignatureFailures,
    ];

    /// The name in JSON and rows.
    pub(in crate::org) const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionAuthorized => "connection.authorized",
            Self::ConnectionReauthorizationRequired => "connection.reauthorization_required",
            Self::ConnectionDisconnected => "connection.disconnected",
            Self::OrgKeyRotated => "org.key_rotated",
            Self::EndpointDisabled => "endpoint.disabled",
            Self::SourceSignatureFailures => "source.signature_failures",
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
    /// An endpoint was taken out of use, by somebody or for what it answered.
    EndpointDisabled { endpoint_id: &'a EndpointId, host: &'a str, reason: DisabledReason },
    /// More requests than usual to a source have failed its signature: `count` in a period.
    SourceSignatureFailures {
        source_id: &'a SourceId,
        provider: &'a str,
        name: &'a str,
        count: u64,
        period_seconds: u64,
    },
}

impl OwnEvent<'_> {
    pub(in crate::org) const fn kind(&self) -> EventType {
        match self {
            Self::ConnectionAuthorized { .. } => EventType::ConnectionAuthorized,
            Self::ConnectionReauthorizationRequired { .. } => EventType::ConnectionReauthorizationRequired,
            Self::ConnectionDisconnected { .. } => EventType::ConnectionDisconnected,
            Self::OrgKeyRotated { .. } => EventType::OrgKeyRotated,
            Self::EndpointDisabled { .. } => EventType::EndpointDisabled,
            Self::SourceSignatureFailures { .. } => EventType::SourceSignatureFailures,
        }
    }
}
