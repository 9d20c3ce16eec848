//! As whom we ask for access (claim F3): the workspace's own OAuth client where it has one, else the operator's. The secret of
//! the one is sealed under the org's data key, that of the other a secret of the deployment; neither is ever returned.
//!
//! A refresh token belongs to the client that it was given to, so a connection remembers which one that was, and a client
//! that is gone is said plainly instead of being replaced by another that the provider would refuse.

use super::authorize::redirect_uri;
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse};
use crate::org::actor::Actor;
use crate::org::{change, dek};
use crate::reply::Reply;
use crate::store::Event;
use connectors::catalogue;
use connectors::oauth::Client;
use protocol::Code;
use protocol::api::{ConnectorClient, SetConnectorClient};
use protocol::time::rfc3339;
use secrecy::ExposeSecret as _;
use vault::{Purpose, Sealed};

const MAX_ID: usize = 512;
const MAX_SECRET: usize = 4096;

/// Whose a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::org) enum Owner {
    Workspace,
    Installation,
}

impl Owner {
    /// The name in JSON.
    pub(in crate::org) const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Installation => "installation",
        }
    }
}

/// `PUT /v1/connectors/{id}/client`.
pub(in crate::org) fn set(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    connector: &str,
) -> Result<Reply, AppError> {
    takes_client(connector)?;
    let request: SetConnectorClient = parse(body)?;
    let plain = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !plain(&request.client_id, MAX_ID) {
        return Err(field("client_id", "must be 1 to 512 printable ASCII characters without spaces"));
    }
    if !plain(request.client_secret.expose_secret(), MAX_SECRET) {
        return Err(field("client_secret", "must be 1 to 4096 printable ASCII characters without spaces"));
    }
    change::answer(ctx, actor, body, 200, |tx| {
        let secret = request.client_secret.expose_secret().as_bytes();
        let sealed = dek::seal(ctx, &place(ctx, connector), secret)?;
        tx.wipe_sealed("oauth_clients", "connector", connector)?;
        tx.write(
            "INSERT OR REPLACE INTO oauth_clients (connector, client_id, sealed, updated_by, updated_at) \
             VALUES (?, ?, ?, ?, ?)",
            &[
                connector.into(),
                request.client_id.as_str().into(),
                sealed.into_bytes().into(),
                actor.name().into(),
                ctx.now_ms.into(),
            ],
        )?;
        let event =
            Event::new("connector_client.set", connector).with("client_id", request.client_id.as_str());
        let client = ConnectorClient {
            connector: connector.to_owned(),
            client_id: request.client_id.clone(),
            redirect_uri: redirect_uri(ctx),
            updated_at: rfc3339(ctx.now_ms),
        };
        tx.commit(&ctx.subject(actor.name()), event, client)
    })
}

/// `DELETE /v1/connectors/{id}/client`. What was authorized by it cannot be refreshed from here on.
pub(in crate::org) fn delete(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    connector: &str,
) -> Result<Reply, AppError> {
    takes_client(connector)?;
    change::answer(ctx, actor, body, 204, |tx| {
        tx.wipe_sealed("oauth_clients", "connector", connector)?;
        let deleted = tx.write(
            "DELETE FROM oauth_clients WHERE connector = ? RETURNING client_id",
            &[connector.into()],
        )?;
        let deleted = deleted.first().ok_or(Code::NotFound)?;
        let event = Event::new("connector_client.deleted", connector).with("client_id", deleted.text(0)?);
        tx.commit(&ctx.subject(actor.name()), event, ())
    })
}

fn takes_client(connector: &str) -> Result<(), AppError> {
    match catalogue::get(connector).ok_or(Code::NotFound)?.oauth {
        Some(_) => Ok(()),
        None => Err(AppError::refused(Code::ValidationFailed, "this connector does not take oauth2")),
    }
}

/// Whose client asks for access, if there is any.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn owner(ctx: Context<'_>, connector: &str) -> Result<Option<Owner>, AppError> {
    let own = ctx.store.first("SELECT 1 FROM oauth_clients WHERE connector = ?", &[connector.into()])?;
    Ok(match own {
        Some(_) => Some(Owner::Workspace),
        None => installation(ctx, connector).map(|_| Owner::Installation),
    })
}

/// The client by which a new authorization is asked for.
///
/// # Errors
/// `ClientMissing` where there is none.
pub(in crate::org) fn current(ctx: Context<'_>, connector: &str) -> Result<Client, AppError> {
    workspace(ctx, connector)?.or_else(|| installation(ctx, connector)).ok_or_else(|| {
        AppError::refused(
            Code::ClientMissing,
            "register an OAuth client with the provider and set it at PUT /v1/connectors/{id}/client",
        )
    })
}

/// The client that something was granted to.
///
/// # Errors
/// `ClientMissing` where it is there no longer.
pub(in crate::org) fn of(ctx: Context<'_>, connector: &str, client_id: &str) -> Result<Client, AppError> {
    let is_it = |client: &Client| client.id == client_id;
    let client = workspace(ctx, connector)?.filter(is_it);
    client.or_else(|| installation(ctx, connector).filter(is_it)).ok_or_else(|| {
        AppError::refused(
            Code::ClientMissing,
            "the OAuth client that access was granted to is gone: set it again, or authorize the connection again",
        )
    })
}

fn workspace(ctx: Context<'_>, connector: &str) -> Result<Option<Client>, AppError> {
    let row = ctx
        .store
        .first("SELECT client_id, sealed FROM oauth_clients WHERE connector = ?", &[connector.into()])?;
    let Some(row) = row else { return Ok(None) };
    let secret = dek::open(ctx, &place(ctx, connector), &Sealed::from_bytes(row.blob(1)?)?)?;
    let secret = std::str::from_utf8(&secret).map_err(|_| AppError::Encoding)?;
    Ok(Some(Client { id: row.text(0)?.to_owned(), secret: secret.into() }))
}

/// An id without its secret is no client: fail closed rather than ask as somebody who cannot redeem the answer.
fn installation(ctx: Context<'_>, connector: &str) -> Option<Client> {
    let id = ctx.config.connectors.get(connector)?.client_id.clone()?;
    Some(Client { id, secret: ctx.secrets.connector_clients.get(connector)?.clone() })
}

fn place<'a>(ctx: Context<'a>, connector: &'a str) -> vault::Context<'a> {
    vault::Context {
        org: ctx.org.as_str(),
        record: connector,
        connector,
        allowed_hosts: &[],
        purpose: Purpose::ClientSecret,
    }
}
