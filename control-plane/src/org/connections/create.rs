//! A new connection: its credential is checked, sealed to its place and never shown again.

use super::{get, place, policy};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{check_name, field, parse};
use crate::org::actor::Actor;
use crate::org::{change, dek, plan};
use crate::reply::Reply;
use crate::store::Event;
use connectors::{BaseUrl, Credential, CredentialInput};
use protocol::api::NewConnection;
use protocol::{Code, ConnectionId};

const HTTP: &str = "http";

pub(in crate::org) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
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
        plan::check(ctx, tx, plan::Resource::Connections)?;
        let id = ConnectionId::new(ctx.now_ms, random()?);
        let allowed_hosts = base_url.allowed_hosts();
        let place = place(ctx.org, &id, HTTP, &allowed_hosts);
        let sealed = dek::seal(ctx, &place, &credential.to_sealed_plaintext())?;
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
