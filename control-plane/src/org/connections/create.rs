//! A new connection: its credential is checked, sealed to its place and never shown again (claims F5, F6, T1).
//!
//! What opens a mailbox or a warehouse is tried there first, and stored only if it opens. What a person grants at a provider
//! comes later: until then the connection waits.

use super::target::Target;
use super::{OAUTH2, credential, get, place};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{check_name, field, parse, unknown};
use crate::org::actor::Actor;
use crate::org::{change, dek, oauth, plan, readmit};
use crate::remote::Remote;
use crate::reply::Reply;
use crate::store::Event;
use connectors::catalogue::{self, Connector, Kind};
use connectors::{Credential, CredentialInput};
use oidc::ReturnPath;
use protocol::ConnectionId;
use protocol::api::{Connection, ConnectionStatus, NewConnection};

/// `POST /v1/connections`.
pub(in crate::org) async fn create(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    body: &[u8],
) -> Result<Reply, AppError> {
    let new = New::check(ctx, parse(body)?)?;
    let Some(login) =
        credential::login(new.connector, &new.target, &new.credential, new.allow_writable_role)?
    else {
        return new.store(ctx, actor, body);
    };
    // An answer that was given before is given again, whatever the server says by now.
    if let Some(reply) = change::replay(ctx, actor, body)? {
        return Ok(reply);
    }
    credential::prove(ctx, remote, actor, new.connector, ctx.org, login, |tx| {
        plan::check(ctx, tx, plan::Resource::Connections)
    })
    .await?;
    let ctx = ctx.at(remote.now_ms());
    new.store(ctx, &readmit(ctx)?, body)
}

/// A connection that may be made.
struct New {
    connector: &'static Connector,
    name: String,
    target: Target,
    /// Of an OAuth connection nothing yet.
    credential: Credential,
    return_to: Option<ReturnPath>,
    allow_writable_role: bool,
}

impl New {
    fn check(ctx: Context<'_>, request: NewConnection<CredentialInput>) -> Result<Self, AppError> {
        check_name("name", &request.name)?;
        let connector = catalogue::get(&request.connector).ok_or_else(|| {
            let ids = catalogue::all().iter().map(|summary| summary.id);
            unknown("connector", "must be a connector of GET /v1/connectors", &request.connector, ids)
        })?;
        let target = if connector.is_generic() {
            Target::generic(ctx, &request.parameters, request.base_url.as_deref())?
        } else if request.base_url.is_some() {
            return Err(field("base_url", "is the catalogue's: only http takes one"));
        } else {
            Target::of(ctx, connector, request.parameters)?
        };
        let is_oauth = matches!(request.auth, CredentialInput::OAuth2) && connector.oauth.is_some();
        let credential = if is_oauth {
            Credential::oauth(None, None).map_err(|_| AppError::Encoding)?
        } else {
            credential::admit(connector, request.auth)?
        };
        // Only an answer to an authorization tells what is still missing.
        if !is_oauth && connector.kind == Kind::Http && target.base_url.is_empty() {
            return Err(field("parameters", "one is missing that this kind of auth cannot do without"));
        }
        if !is_oauth && request.return_to.is_some() {
            return Err(field("return_to", "goes with oauth2"));
        }
        if connector.kind != Kind::Postgres && request.allow_writable_role {
            return Err(field("allow_writable_role", "goes with postgres"));
        }
        Ok(Self {
            connector,
            name: request.name,
            target,
            credential,
            return_to: request.return_to.as_deref().map(oauth::return_path).transpose()?,
            allow_writable_role: request.allow_writable_role,
        })
    }

    fn store(self, ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
        let Self { connector, name, target, credential, .. } = &self;
        let is_oauth = credential.kind() == OAUTH2;
        change::answer(ctx, actor, body, 201, |tx| {
            plan::check(ctx, tx, plan::Resource::Connections)?;
            let id = ConnectionId::new(ctx.now_ms, random()?);
            let place = place(ctx.org, &id, &connector.id, &target.allowed_hosts);
            let sealed = dek::seal(ctx, &place, &credential.to_sealed_plaintext())?;
            let status = if is_oauth { ConnectionStatus::Pending } else { ConnectionStatus::Active };
            tx.write(
                "INSERT INTO connections (id, connector, name, base_url, auth_type, allowed_hosts, sealed, created_by, \
                 created_at, parameters, status, allow_writable_role) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                &[
                    id.as_str().into(),
                    connector.id.as_str().into(),
                    name.as_str().into(),
                    target.base_url.as_str().into(),
                    credential.kind().into(),
                    serde_json::to_string(&target.allowed_hosts)?.into(),
                    sealed.into_bytes().into(),
                    actor.name().into(),
                    ctx.now_ms.into(),
                    serde_json::to_string(&target.parameters)?.into(),
                    status.as_str().into(),
                    u64::from(self.allow_writable_role).into(),
                ],
            )?;
            let mut event = Event::new("connection.created", &id)
                .with("connector", connector.id.as_str())
                .with("name", name.as_str())
                .with("auth_type", credential.kind())
                .with("allowed_hosts", target.allowed_hosts.clone());
            let mut authorize_url = None;
            if is_oauth {
                let return_to = self.return_to.as_ref();
                let begun = oauth::begin(ctx, tx, actor, &id, connector, &target.parameters, return_to)?;
                event = event.with("scopes", begun.scopes);
                authorize_url = Some(begun.authorization.authorize_url);
            }
            let connection = Connection { authorize_url, ..get(ctx, &id)? };
            tx.commit(&ctx.subject(actor.name()), event, connection)
        })
    }
}
