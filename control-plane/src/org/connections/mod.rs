//! Connections: the sealed credential and where it may go (invariants 3 and 4; claims M1, C2, N5, B2).
//!
//! This object decides and records that a credential is used; it does not carry the call. It hands the stateless part of this
//! Worker a [`Grant`] with the credential still sealed, so that no plaintext crosses even our own hop, and a slow upstream
//! holds up nobody else's call.

mod create;
mod disconnect;
mod grant;

pub(super) use create::create;
pub(super) use disconnect::delete;
pub(super) use grant::{Asked, dry_run, grant};
pub use grant::{Grant, Leave, SealedCredential, Target};

use crate::context::Context;
use crate::error::AppError;
use crate::store::{self, Row, SqlError};
use connectors::TargetPolicy;
use protocol::api::{Connection, ConnectionStatus, List, StatusReason};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId, OrgId, Page};
use vault::Purpose;

const SELECT: &str = "SELECT rowid, id, connector, name, base_url, auth_type, allowed_hosts, created_at, used_at, parameters, \
                      status, status_reason, scopes, missing_scopes, refreshed_at FROM connections";

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<Connection>, AppError> {
    store::list(ctx.store, SELECT, [], page, read)
}

pub(super) fn get(ctx: Context<'_>, id: &ConnectionId) -> Result<Connection, AppError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE id = ?"), &[id.as_str().into()])?;
    Ok(read(&row.ok_or(Code::NotFound)?)?)
}

fn read(row: &Row) -> Result<Connection, SqlError> {
    Ok(Connection {
        id: row.parse(1)?,
        connector: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        status: one_of(
            [ConnectionStatus::Pending, ConnectionStatus::Active, ConnectionStatus::ReauthorizationRequired],
            ConnectionStatus::as_str,
            row.text(10)?,
        )?,
        status_reason: row
            .optional_text(11)?
            .map(|reason| {
                one_of(
                    [StatusReason::Refused, StatusReason::RotationLost, StatusReason::ClientRefused],
                    StatusReason::as_str,
                    reason,
                )
            })
            .transpose()?,
        base_url: row.text(4)?.to_owned(),
        parameters: row.json(9)?,
        auth_type: row.text(5)?.to_owned(),
        allowed_hosts: row.json(6)?,
        scopes: row.json(12)?,
        missing_scopes: row.json(13)?,
        authorize_url: None,
        created_at: rfc3339(row.number(7)?),
        last_used_at: row.optional_number(8)?.map(rfc3339),
        refreshed_at: row.optional_number(14)?.map(rfc3339),
    })
}

/// A name in a row: unknown ones are a fault (invariant 6).
fn one_of<T: Copy, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
    text: &str,
) -> Result<T, SqlError> {
    all.into_iter().find(|one| name(*one) == text).ok_or(SqlError::Row)
}

fn place<'a>(
    org: &'a OrgId,
    id: &'a ConnectionId,
    connector: &'a str,
    allowed_hosts: &'a [String],
) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector,
        allowed_hosts,
        purpose: Purpose::Credential,
    }
}

/// Which hosts a connection may point to.
pub fn policy(allow_local_upstreams: bool) -> TargetPolicy {
    if allow_local_upstreams { TargetPolicy::Development } else { TargetPolicy::Public }
}
