//! Another credential for a connection that keeps its id: a key that was rotated at its provider. What OAuth connections hold is
//! granted by a person instead, and replaced by granting it again ([`crate::org::oauth`]).

use super::target::Target;
use super::{OAUTH2, Stored, credential, get, load, place};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{parse, wrong};
use crate::org::actor::Actor;
use crate::org::{change, dek, readmit};
use crate::remote::Remote;
use crate::reply::Reply;
use crate::store::Event;
use connectors::{Credential, CredentialInput};
use protocol::api::ReplaceCredential;
use protocol::{Code, ConnectionId};

/// `PUT /v1/connections/{id}/auth`.
pub(in crate::org) async fn replace(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    body: &[u8],
    id: &ConnectionId,
) -> Result<Reply, AppError> {
    let request: ReplaceCredential<CredentialInput> = parse(body)?;
    let stored = load(ctx, id)?;
    if stored.auth_type == OAUTH2 {
        return Err(AppError::refused(
            Code::ValidationFailed,
            "what this connection holds is granted by a person: POST /v1/connections/{id}/authorize",
        ));
    }
    let connector = stored.connector()?;
    let credential = credential::admit(connector, request.auth)?;
    if credential.kind() != stored.auth_type {
        return Err(wrong(
            "auth",
            format!("this connection holds a credential of the type {}", stored.auth_type),
        ));
    }
    stored.check_place(ctx, id)?;
    let target = Target {
        parameters: stored.parameters.clone(),
        base_url: String::new(),
        allowed_hosts: stored.allowed_hosts.clone(),
    };
    let Some(login) = credential::login(connector, &target, &credential, stored.allow_writable_role)? else {
        return store(ctx, actor, body, id, &stored, &credential);
    };
    if let Some(reply) = change::replay(ctx, actor, body)? {
        return Ok(reply);
    }
    credential::prove(ctx, remote, actor, connector, id, login, |_| Ok(())).await?;
    let ctx = ctx.at(remote.now_ms());
    // Whatever else was done to it meanwhile: a connection's place never changes but by OAuth.
    store(ctx, &readmit(ctx)?, body, id, &load(ctx, id)?, &credential)
}

fn store(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &ConnectionId,
    stored: &Stored,
    credential: &Credential,
) -> Result<Reply, AppError> {
    stored.check_place(ctx, id)?;
    change::answer(ctx, actor, body, 200, |tx| {
        let place = place(ctx.org, id, &stored.connector, &stored.allowed_hosts);
        let sealed = dek::seal(ctx, &place, &credential.to_sealed_plaintext())?;
        tx.wipe_sealed("connections", "id", id.as_str())?;
        tx.write(
            "UPDATE connections SET sealed = ?, generation = generation + 1, status = 'active', status_reason = NULL \
             WHERE id = ?",
            &[sealed.into_bytes().into(), id.as_str().into()],
        )?;
        let event = Event::new("connection.credential_replaced", id)
            .with("connector", stored.connector.as_str())
            .with("auth_type", credential.kind())
            .with("allowed_hosts", stored.allowed_hosts.clone());
        let connection = get(ctx, id)?;
        tx.commit(&ctx.subject(actor.name()), event, connection)
    })
}
