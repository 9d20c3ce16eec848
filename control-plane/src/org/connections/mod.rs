//! Connections: the sealed credential and where it may go (invariants 3 and 4; claims M1, C2, N5, B2).
//!
//! This object decides and records that a credential is used; it does not carry the call. It hands the stateless part of this
//! Worker a [`Grant`] with the credential still sealed, so that no plaintext crosses even our own hop, and a slow upstream
//! holds up nobody else's call.

mod create;
mod credential;
mod disconnect;
mod grant;
mod replace;
mod target;

pub(super) use create::create;
pub(super) use disconnect::{delete, revoke_now};
pub(super) use grant::{Asked, dry_run, grant};
pub use grant::{Destination, Grant, Leave, SealedCredential};
pub(super) use replace::replace;
pub(super) use target::{Target, stood_in};

use super::dek;
use crate::context::Context;
use crate::error::AppError;
use crate::store::{self, Row, SqlError};
use connectors::catalogue::{self, Connector};
use protocol::api::{Connection, ConnectionStatus, List, StatusReason};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId, OrgId, Page};
use std::collections::BTreeMap;
use vault::{Purpose, Sealed};

/// `auth_type` of what a person grants at the provider.
pub(super) const OAUTH2: &str = "oauth2";

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

/// What changes a connection by, as stored.
pub(super) struct Stored {
    pub connector: String,
    pub auth_type: String,
    pub parameters: BTreeMap<String, String>,
    pub allowed_hosts: Vec<String>,
    pub allow_writable_role: bool,
    /// The credential there is.
    sealed: Vec<u8>,
}

impl Stored {
    /// Whether the credential there is opens for the hosts of this row: one that names other hosts than it was made with gets no
    /// other credential (invariant 4).
    ///
    /// # Errors
    /// Those of the vault.
    pub(super) fn check_place(&self, ctx: Context<'_>, id: &ConnectionId) -> Result<(), AppError> {
        let place = place(ctx.org, id, &self.connector, &self.allowed_hosts);
        dek::open(ctx, &place, &Sealed::from_bytes(self.sealed.as_slice())?).map(drop)
    }

    /// # Errors
    /// [`AppError::Platform`] where the catalogue has it no longer: nothing is known of where its credential may go
    /// (invariant 6).
    pub(super) fn connector(&self) -> Result<&'static Connector, AppError> {
        catalogue::get(&self.connector).ok_or(AppError::Platform("a connector is not in the catalogue"))
    }
}

/// A connection, to be changed.
///
/// # Errors
/// `NotFound`; those of the database.
pub(super) fn load(ctx: Context<'_>, id: &ConnectionId) -> Result<Stored, AppError> {
    let row = ctx.store.first(
        "SELECT connector, auth_type, parameters, allowed_hosts, allow_writable_role, sealed FROM connections \
         WHERE id = ?",
        &[id.as_str().into()],
    )?;
    let row = row.ok_or(Code::NotFound)?;
    Ok(Stored {
        connector: row.text(0)?.to_owned(),
        auth_type: row.text(1)?.to_owned(),
        parameters: row.json(2)?,
        allowed_hosts: row.json(3)?,
        allow_writable_role: row.number(4)? == 1,
        sealed: row.blob(5)?.to_vec(),
    })
}

/// A name in a row: unknown ones are a fault (invariant 6).
pub(super) fn one_of<T: Copy, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
    text: &str,
) -> Result<T, SqlError> {
    all.into_iter().find(|one| name(*one) == text).ok_or(SqlError::Row)
}

/// Where a connection's credential is sealed.
pub(super) fn place<'a>(
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
