//! Leave to use a credential for one call. That it is used is in the audit trail before anything is sent (claim M7).

use super::{place, policy};
use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::{dek, usage};
use crate::store::Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connectors::{BaseUrl, Credential};
use protocol::{Code, ConnectionId, Meter, OrgId};
use serde::{Deserialize, Serialize};
use vault::{Keyring, Sealed, WrappedDek};

/// Leave to use a credential for one call, with what it takes to open it. Internal to this Worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Where paths are appended.
    pub base_url: String,
    /// Opens with the keyring alone.
    pub credential: SealedCredential,
}

/// A credential as stored, with its place: useless without the keyring.
#[derive(Debug, Serialize, Deserialize)]
pub struct SealedCredential {
    org: OrgId,
    connection: ConnectionId,
    connector: String,
    allowed_hosts: Vec<String>,
    wrapped_dek: String,
    sealed: String,
}

impl SealedCredential {
    /// Opens it, for the length of one call.
    ///
    /// # Errors
    /// Those of the vault; [`AppError::Encoding`] where this is not what [`Grant`] held.
    pub fn open(&self, keyring: &Keyring) -> Result<Credential, AppError> {
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| AppError::Encoding);
        let wrapped = WrappedDek::from_bytes(&decode(&self.wrapped_dek)?)?;
        let sealed = Sealed::from_bytes(decode(&self.sealed)?)?;
        let dek = keyring.unwrap(self.org.as_str(), &wrapped)?;
        let place = place(&self.org, &self.connection, &self.connector, &self.allowed_hosts);
        Credential::from_sealed_plaintext(&dek.open(&place, &sealed)?).map_err(|_| AppError::Encoding)
    }

    /// Hosts that the seal binds the credential to.
    pub fn allowed_hosts(&self) -> &[String] {
        &self.allowed_hosts
    }
}

/// Grants the use of a credential, and records it.
pub(in crate::org) fn grant(
    ctx: Context<'_>,
    actor: &Actor,
    id: &ConnectionId,
    method: &str,
    path_and_query: &str,
) -> Result<Grant, AppError> {
    let row = ctx
        .store
        .first(
            "SELECT connector, base_url, allowed_hosts, sealed FROM connections WHERE id = ?",
            &[id.as_str().into()],
        )?
        .ok_or(Code::NotFound)?;
    let base_url = BaseUrl::parse(row.text(1)?, policy(ctx.allow_local_upstreams))
        .map_err(|error| AppError::refused(Code::BaseUrlRefused, error.to_string()))?;
    let url = base_url
        .join(path_and_query)
        .map_err(|error| AppError::refused(Code::PathRefused, error.to_string()))?;
    let grant = Grant {
        base_url: base_url.as_str().to_owned(),
        credential: SealedCredential {
            org: ctx.org.clone(),
            connection: id.clone(),
            connector: row.text(0)?.to_owned(),
            allowed_hosts: row.json(2)?,
            wrapped_dek: STANDARD.encode(dek::wrapped_for(ctx, &Sealed::from_bytes(row.blob(3)?)?)?.as_bytes()),
            sealed: STANDARD.encode(row.blob(3)?),
        },
    };
    ctx.store.transaction(|tx| {
        usage::count(ctx, Meter::ProxyCalls)?;
        tx.write(
            "UPDATE connections SET used_at = ? WHERE id = ?",
            &[ctx.now_ms.into(), id.as_str().into()],
        )?;
        // The path, not the query: callers put secrets of their own there.
        let event = Event::new("credential.used", id)
            .with("method", method)
            .with("host", base_url.allowed_hosts())
            .with("path", url.path().chars().take(200).collect::<String>());
        tx.commit(&ctx.subject(actor.name()), event, ())
    })?;
    Ok(grant)
}
