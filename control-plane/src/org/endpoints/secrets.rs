//! An endpoint's secrets: one that signs, and for the overlap of a rotation the one before it. Each is shown once and sealed to
//! the endpoint's id and host (invariants 3 and 4); one whose time is over is overwritten.

use protocol::{EndpointId, OrgId};
use vault::Purpose;

/// Where a secret is sealed to.
pub(in crate::org) fn place<'a>(
    org: &'a OrgId,
    id: &'a EndpointId,
    hosts: &'a [String],
) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector: "",
        allowed_hosts: hosts,
        purpose: Purpose::EndpointSecret,
    }
}
