//! The way to a provider (claim F6): a person is sent there to grant exactly what the catalogue asks for.
//!
//! An authorization under way is a row: the digest of its state, the session that began it and its sealed PKCE verifier. So
//! its end is taken once, from the same session, within ten minutes, and who reads the database can forge none.

use super::{Endpoints, clients};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse};
use crate::org::actor::{Actor, Kind};
use crate::org::{change, connections, dek};
use crate::reply::Reply;
use crate::store::{Event, Tx};
use connectors::catalogue::Connector;
use connectors::oauth::{State, Verifier, authorization_url};
use oidc::ReturnPath;
use protocol::api::{Authorization, Authorize};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId, SessionId};
use std::collections::BTreeMap;
use vault::Purpose;

/// How long the person has, ms.
const LIFE_MS: u64 = 600_000;
/// The most authorizations under way in an org; the oldest gives way.
const MOST_OPEN: u32 = 20;

/// `POST /v1/connections/{id}/authorize`: begins, or begins again; the connection keeps its id and, until access is granted,
/// what it had.
pub(in crate::org) fn authorize(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &ConnectionId,
) -> Result<Reply, AppError> {
    let request: Authorize = parse(body)?;
    let return_to = request.return_to.as_deref().map(return_path).transpose()?;
    change::answer(ctx, actor, body, 200, |tx| {
        let row = connections::load(ctx, id)?;
        if row.auth_type != connections::OAUTH2 {
            return Err(AppError::refused(
                Code::ValidationFailed,
                "this connection holds a credential of its own: replace it at PUT /v1/connections/{id}/auth",
            ));
        }
        let begun = begin(ctx, tx, actor, id, row.connector()?, &row.parameters, return_to.as_ref())?;
        let event = Event::new("connection.authorization_begun", id)
            .with("connector", row.connector)
            .with("scopes", begun.scopes);
        tx.commit(&ctx.subject(actor.name()), event, begun.authorization)
    })
}

/// An authorization that has been begun.
pub(in crate::org) struct Begun {
    pub authorization: Authorization,
    /// As asked for.
    pub scopes: Vec<String>,
}

/// Begins an authorization, in the transaction of whatever it belongs to. It takes the place of one that the connection
/// has under way.
///
/// # Errors
/// `Forbidden` for an API key: what a person grants comes back to the browser that went there. `ClientMissing`, and those
/// of [`Endpoints::of`].
pub(in crate::org) fn begin(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    actor: &Actor,
    id: &ConnectionId,
    connector: &'static Connector,
    parameters: &BTreeMap<String, String>,
    return_to: Option<&ReturnPath>,
) -> Result<Begun, AppError> {
    let session = session(actor)?;
    let endpoints = Endpoints::of(ctx, connector, parameters)?;
    let client = clients::current(ctx, &connector.id)?;
    let no_randomness = |_| AppError::Platform("no randomness");
    let state = State::random().map_err(no_randomness)?;
    let verifier = Verifier::random().map_err(no_randomness)?;
    let scopes: Vec<String> = endpoints.oauth.scopes.iter().map(|scope| scope.scope.clone()).collect();
    let redirect_uri = redirect_uri(ctx);
    let authorize_url =
        authorization_url(&endpoints.provider(), &client.id, &redirect_uri, &scopes, &state, &verifier);

    let digest = state.digest();
    let sealed = dek::seal(ctx, &place(ctx, &digest, &connector.id), verifier.expose_secret().as_bytes())?;
    tx.write(
        "DELETE FROM authorizations WHERE connection_id = ? OR created_at < ? OR digest IN \
         (SELECT digest FROM authorizations ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?)",
        &[id.as_str().into(), oldest(ctx).into(), (MOST_OPEN - 1).into()],
    )?;
    tx.write(
        "INSERT INTO authorizations (digest, connection_id, session_id, client_id, sealed, redirect_uri, scopes, \
         return_to, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            digest.into(),
            id.as_str().into(),
            session.as_str().into(),
            client.id.into(),
            sealed.into_bytes().into(),
            redirect_uri.into(),
            serde_json::to_string(&scopes)?.into(),
            return_to.map(ReturnPath::as_str).map(str::to_owned).into(),
            ctx.now_ms.into(),
        ],
    )?;
    let expires_at = rfc3339(ctx.now_ms + LIFE_MS);
    Ok(Begun { authorization: Authorization { authorize_url, expires_at }, scopes })
}

/// The session of a person.
///
/// # Errors
/// `Forbidden` for an API key.
pub(super) fn session(actor: &Actor) -> Result<&SessionId, AppError> {
    match &actor.kind {
        Kind::Member { session, .. } => Ok(session),
        Kind::ApiKey { .. } | Kind::Portal { .. } | Kind::Edge => Err(AppError::refused(
            Code::Forbidden,
            "oauth2 takes a signed-in user, not an API key: access is granted in a browser",
        )),
    }
}

/// Where the browser may go on: a path of ours.
///
/// # Errors
/// 422 naming the field.
pub(in crate::org) fn return_path(text: &str) -> Result<ReturnPath, AppError> {
    ReturnPath::parse(text)
        .map_err(|_| field("return_to", "must be a path of this installation, such as /connections"))
}

/// Where providers send the browser back, at the origin that the person uses.
pub(super) fn redirect_uri(ctx: Context<'_>) -> String {
    format!("{}/connections/callback", ctx.call.client.origin)
}

/// When an authorization that is still good was begun at the earliest, Unix ms.
pub(in crate::org) fn oldest(ctx: Context<'_>) -> u64 {
    ctx.now_ms.saturating_sub(LIFE_MS)
}

/// Where a verifier is sealed.
pub(super) fn place<'a>(ctx: Context<'a>, digest: &'a str, connector: &'a str) -> vault::Context<'a> {
    vault::Context {
        org: ctx.org.as_str(),
        record: digest,
        connector,
        allowed_hosts: &[],
        purpose: Purpose::AuthorizationVerifier,
    }
}
