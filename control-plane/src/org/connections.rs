//! Connections: the sealed credential and where it may go (invariants 3 and 4; claims M1, C2, N5, B2).
//!
//! This object decides and records that a credential is used; it does not call the provider. It hands the stateless part
//! of this Worker a [`Grant`] with the credential still sealed, so that no plaintext crosses even our own hop, and a slow
//! upstream holds up nobody else's call.

use super::actor::Actor;
use super::{change, dek, usage};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{check_name, field, parse};
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connectors::{BaseUrl, Credential, CredentialInput, TargetPolicy};
use protocol::api::{Connection, ConnectionStatus, Disconnected, List, NewConnection, Receipt, Revocation};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId, Meter, OrgId, Page};
use serde::{Deserialize, Serialize};
use vault::{Keyring, Purpose, Sealed, WrappedDek};

const HTTP: &str = "http";
const SELECT: &str = "SELECT rowid, id, connector, name, base_url, auth_type, allowed_hosts, created_at, used_at \
                      FROM connections";

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
        status: ConnectionStatus::Active,
        base_url: row.text(4)?.to_owned(),
        auth_type: row.text(5)?.to_owned(),
        allowed_hosts: row.json(6)?,
        scopes: Vec::new(),
        created_at: rfc3339(row.number(7)?),
        last_used_at: row.optional_number(8)?.map(rfc3339),
    })
}

pub(super) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewConnection<CredentialInput> = parse(body)?;
    check_name("name", &request.name)?;
    if request.connector != HTTP {
        return Err(field("connector", "must be a connector of the catalogue: http"));
    }
    let base_url = request.base_url.as_deref().ok_or_else(|| field("base_url", "is required for http"))?;
    let base_url = BaseUrl::parse(base_url, policy(ctx.allow_local_upstreams))
        .map_err(|error| AppError::refused(Code::BaseUrlRefused, error.to_string()))?;
    let credential = Credential::new(request.auth)
        .map_err(|error| AppError::refused(Code::ValidationFailed, format!("auth: {error}")))?;

    change::answer(ctx, actor, body, 201, |tx| {
        super::plan::check(ctx, tx, super::plan::Resource::Connections)?;
        let id = ConnectionId::new(ctx.now_ms, random()?);
        let allowed_hosts = base_url.allowed_hosts();
        let place = place(ctx.org, &id, HTTP, &allowed_hosts);
        let sealed = dek::load(ctx)?.seal(&place, &credential.to_sealed_plaintext())?;
        tx.write(
            "INSERT INTO connections (id, connector, name, base_url, auth_type, allowed_hosts, sealed, created_by, \
             created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                HTTP.into(),
                request.name.as_str().into(),
                base_url.as_str().into(),
                credential.kind().into(),
                serde_json::to_string(&allowed_hosts)?.into(),
                sealed.into_bytes().into(),
                actor.name().into(),
                ctx.now_ms.into(),
            ],
        )?;
        let event = Event::new("connection.created", &id)
            .with("connector", HTTP)
            .with("name", request.name.as_str())
            .with("auth_type", credential.kind())
            .with("allowed_hosts", allowed_hosts);
        let connection = get(ctx, &id)?;
        tx.commit(&ctx.subject(actor.name()), event, connection)
    })
}

pub(super) fn delete(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &ConnectionId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 200, |tx| {
        // SQLite leaves a deleted row's bytes in its page; overwritten first, no sealed credential is left in the file.
        tx.write(
            "UPDATE connections SET sealed = zeroblob(length(sealed)) WHERE id = ?",
            &[id.as_str().into()],
        )?;
        let deleted =
            tx.write("DELETE FROM connections WHERE id = ? RETURNING connector", &[id.as_str().into()])?;
        let connector = deleted.first().ok_or(Code::NotFound)?.text(0)?.to_owned();
        let receipt = Receipt {
            connection_id: id.clone(),
            // The generic connector knows no way to revoke a key at its provider.
            revocation: Revocation::Unsupported,
            deleted_at: rfc3339(ctx.now_ms),
        };
        let event = Event::new("connection.deleted", id)
            .with("connector", connector)
            .with("revocation", serde_json::to_value(receipt.revocation)?);
        tx.commit(&ctx.subject(actor.name()), event, Disconnected { receipt })
    })
}

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
pub(super) fn grant(
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
            wrapped_dek: STANDARD.encode(dek::wrapped(ctx)?.as_bytes()),
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
