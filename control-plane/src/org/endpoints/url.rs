//! An endpoint's whole URL. Receivers put secrets of their own into path and query, so it is sealed to the endpoint's id and
//! host (invariants 3 and 4). The endpoint's row holds what lists show of it ([`super::target::shown`]).

use super::target::{Target, shown};
use crate::context::Context;
use crate::error::AppError;
use crate::org::dek;
use crate::store::{SqlError, Tx};
use protocol::{Code, EndpointId, OrgId};
use vault::{Purpose, Sealed};

/// The endpoint is here from now on.
///
/// # Errors
/// Those of the database and the vault.
pub(super) fn store(ctx: Context<'_>, tx: &Tx<'_>, id: &EndpointId, to: &Target) -> Result<(), AppError> {
    forget(tx, id)?;
    let (hosts, id) = (serde_json::to_string(&to.allowed_hosts)?, id.as_str());
    let sealed = dek::seal(ctx, &place(ctx.org, id, &to.allowed_hosts), to.url.as_bytes())?;
    tx.write(
        "INSERT INTO endpoint_urls (endpoint_id, allowed_hosts, sealed) VALUES (?, ?, ?)",
        &[id.into(), hosts.into(), sealed.into_bytes().into()],
    )?;
    tx.write("UPDATE endpoints SET url = ? WHERE id = ?", &[shown(&to.url).into(), id.into()])?;
    Ok(())
}

/// The whole URL of an endpoint at these hosts.
///
/// # Errors
/// `NotFound`; those of the vault where it was not sealed to this endpoint and host.
pub(super) fn url(ctx: Context<'_>, id: &EndpointId, hosts: &[String]) -> Result<String, AppError> {
    let query = "SELECT sealed FROM endpoint_urls WHERE endpoint_id = ?";
    let row = ctx.store.first(query, &[id.as_str().into()])?.ok_or(Code::NotFound)?;
    open(ctx, id, hosts, row.blob(0)?)
}

/// The same of a record that was read.
///
/// # Errors
/// Those of the vault.
pub(in crate::org) fn open(
    ctx: Context<'_>,
    id: &EndpointId,
    hosts: &[String],
    sealed: &[u8],
) -> Result<String, AppError> {
    let url = dek::open(ctx, &place(ctx.org, id.as_str(), hosts), &Sealed::from_bytes(sealed)?)?;
    String::from_utf8(url.to_vec()).map_err(|_| AppError::Encoding)
}

/// It is no more.
///
/// # Errors
/// Those of the database.
pub(super) fn forget(tx: &Tx<'_>, id: &EndpointId) -> Result<(), SqlError> {
    tx.delete_sealed("endpoint_urls", "endpoint_id", id.as_str())
}

/// Where it is sealed to.
fn place<'a>(org: &'a OrgId, id: &'a str, hosts: &'a [String]) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id,
        connector: "",
        allowed_hosts: hosts,
        purpose: Purpose::EndpointUrl,
    }
}
