//! The way back from a provider (claims F6, T1): the code that a person's browser brings is redeemed, and what was granted is
//! sealed.
//!
//! An authorization is taken before its code is redeemed, in a transaction of its own: no callback, and no second one at the
//! same time, is answered twice. If this object stops between the provider's answer and the end, the code is spent and nothing
//! is stored: the connection is as it was before, and the person begins again.
//!
//! Only the session that began an authorization ends it, and only that one uses it up. Whoever sends a person's browser here
//! with a state of their own finds nothing (login CSRF, RFC 9700 section 4.7), and whoever has seen another's state cannot
//! spoil it.

use super::authorize::{oldest, place, session};
use super::{Endpoints, NOTED, clients, outgoing, revocation};
use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::Actor;
use crate::org::connections::{self, Target};
use crate::org::messages::{self, OwnEvent};
use crate::org::{dek, readmit};
use crate::remote::{NoAnswer, Remote};
use crate::reply::Reply;
use crate::store::{Event, SqlError};
use connectors::Credential;
use connectors::catalogue::{Connector, RefreshKind};
use connectors::oauth::{
    Callback, CallbackError, Client, Granted, Refusal, State, TokenAnswer, TokenOutcome, TokenRequest,
    Verdict, Verifier, excess, missing, revocation_verdict,
};
use protocol::api::Authorized;
use protocol::{Code, ConnectionId};
use secrecy::SecretString;
use std::collections::BTreeMap;
use vault::Sealed;

/// [`protocol::Operation::FinishAuthorization`].
pub(in crate::org) async fn finish(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    query: &str,
) -> Result<Reply, AppError> {
    let (attempt, code) = take(ctx, actor, query)?;
    let sent_at_ms = remote.now_ms();
    let granted = exchange(ctx, remote, actor, &attempt, &code).await?;
    let ctx = ctx.at(remote.now_ms());
    let refused = match settle(ctx, &attempt, &granted, sent_at_ms) {
        Ok(authorized) => return Reply::json(200, &authorized),
        Err(refused) => refused,
    };
    // What is not taken is given back, as far as the provider lets us.
    let revocation = revoke(ctx, remote, &attempt, &granted).await;
    let event = attempt.refused(refused.reason).with("revocation", revocation);
    let event = if refused.excess.is_empty() { event } else { event.with("excess", refused.excess) };
    record(ctx, actor, event)?;
    Err(refused.error)
}

/// An authorization that this call alone now has.
struct Attempt {
    connection: ConnectionId,
    connector: &'static Connector,
    parameters: BTreeMap<String, String>,
    endpoints: Endpoints,
    client: Client,
    verifier: Verifier,
    redirect_uri: String,
    scopes: Vec<String>,
    return_to: Option<String>,
}

impl Attempt {
    /// The attempt of a state, if it is this session's and not too old.
    fn find(ctx: Context<'_>, actor: &Actor, state: &State) -> Result<Self, AppError> {
        let digest = state.digest();
        let row = ctx
            .store
            .first(
                "SELECT a.connection_id, c.connector, c.parameters, a.client_id, a.sealed, a.redirect_uri, a.scopes, \
                 a.return_to FROM authorizations a JOIN connections c ON c.id = a.connection_id \
                 WHERE a.digest = ? AND a.session_id = ? AND a.created_at >= ?",
                &[digest.as_str().into(), session(actor)?.as_str().into(), oldest(ctx).into()],
            )?
            .ok_or_else(unknown)?;
        let connector = connectors::catalogue::get(row.text(1)?)
            .ok_or(AppError::Platform("a connector is not in the catalogue"))?;
        let sealed = Sealed::from_bytes(row.blob(4)?)?;
        let verifier = dek::open(ctx, &place(ctx, &digest, &connector.id), &sealed)?;
        let verifier = std::str::from_utf8(&verifier).ok().and_then(Verifier::from_stored);
        let parameters = row.json(2)?;
        Ok(Self {
            connection: row.parse(0)?,
            connector,
            endpoints: Endpoints::of(ctx, connector, &parameters)?,
            parameters,
            client: clients::of(ctx, &connector.id, row.text(3)?)?,
            verifier: verifier.ok_or(AppError::Encoding)?,
            redirect_uri: row.text(5)?.to_owned(),
            scopes: row.json(6)?,
            return_to: row.optional_text(7)?.map(str::to_owned),
        })
    }

    fn refused(&self, reason: impl Into<String>) -> Event {
        Event::new("connection.authorization_refused", &self.connection).with("reason", reason.into())
    }
}

/// Takes the attempt that a callback answers, with the code that it brings.
fn take(ctx: Context<'_>, actor: &Actor, query: &str) -> Result<(Attempt, SecretString), AppError> {
    let answer = Callback::parse(query);
    let state = match &answer {
        Ok(Callback { state, .. }) | Err(CallbackError::Refused { state, .. }) => state,
        Err(CallbackError::Malformed) => return Err(unknown()),
    };
    let attempt = Attempt::find(ctx, actor, state)?;
    let code = match &answer {
        Ok(callback) if callback.is_from(&attempt.endpoints.authorize_url) => Ok(callback.code.clone()),
        Ok(_) => Err(("issuer_mismatch", "the answer is not of the provider that was asked")),
        Err(CallbackError::Refused { code: Some(code), .. }) => {
            Err((code.as_str(), "the provider, or the person there, refused"))
        }
        Err(_) => Err(("refused", "the provider, or the person there, refused")),
    };
    ctx.store.transaction(|tx| {
        let taken = tx.write(
            "DELETE FROM authorizations WHERE digest = ? RETURNING digest",
            &[state.digest().into()],
        )?;
        // One statement after the other without an await between: it was there.
        taken.first().ok_or(SqlError::Row)?;
        let event = match &code {
            Ok(_) => Event::new("connection.authorization_redeemed", &attempt.connection)
                .with("client_id", attempt.client.id.as_str()),
            Err((reason, _)) => attempt.refused(*reason),
        };
        tx.commit(&ctx.subject(actor.name()), event, ())
    })?;
    match code {
        Ok(code) => Ok((attempt, code)),
        Err((reason, text)) => Err(refuse(format!("{reason}: {text}"))),
    }
}

async fn exchange(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    attempt: &Attempt,
    code: &SecretString,
) -> Result<Granted, AppError> {
    let provider = attempt.endpoints.provider();
    let request =
        TokenRequest::exchange(&provider, &attempt.client, code, &attempt.verifier, &attempt.redirect_uri);
    let answer = remote.send(outgoing(request)).await;
    let outcome = answer.map(|answer| TokenAnswer { status: answer.status, body: &answer.body }.read());
    match redeemed(outcome) {
        Ok(granted) => Ok(granted),
        Err((reason, text)) => {
            let refusal = refuse(format!("{reason}: {text}"));
            record(ctx.at(remote.now_ms()), actor, attempt.refused(reason))?;
            Err(refusal)
        }
    }
}

/// What was granted, or the reason why nothing was, and what to do.
fn redeemed(outcome: Result<TokenOutcome, NoAnswer>) -> Result<Granted, (String, &'static str)> {
    let (reason, text) = match outcome {
        Ok(TokenOutcome::Granted(granted)) => return Ok(granted),
        Ok(TokenOutcome::Refused(Refusal::Other(Some(code)))) => {
            return Err((code.as_str().to_owned(), "the provider refuses to redeem the code"));
        }
        Ok(TokenOutcome::Refused(Refusal::Other(None))) => {
            ("refused", "the provider refuses to redeem the code")
        }
        Ok(TokenOutcome::Refused(Refusal::InvalidGrant)) => {
            ("invalid_grant", "the provider does not take the code: begin again")
        }
        Ok(TokenOutcome::Refused(Refusal::InvalidClient)) => (
            "invalid_client",
            "the provider does not take the OAuth client: mend its id or secret, then begin again",
        ),
        Ok(TokenOutcome::Temporary) => (
            "temporarily_unavailable",
            "the provider cannot redeem the code at the moment: begin again later",
        ),
        Ok(TokenOutcome::Unreadable) => ("unreadable", "the provider's answer cannot be read"),
        Err(NoAnswer) => ("no_answer", "the provider did not answer in time: begin again"),
    };
    Err((reason.to_owned(), text))
}

/// Why what was granted is not taken.
struct Refused {
    reason: &'static str,
    error: AppError,
    excess: Vec<String>,
}

impl Refused {
    fn new(reason: &'static str, text: &str) -> Self {
        Self { reason, error: refuse(format!("{reason}: {text}")), excess: Vec::new() }
    }
}

impl<E: Into<AppError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { reason: "fault", error: error.into(), excess: Vec::new() }
    }
}

/// Stores what was granted. Everything that was decided before the provider was asked is decided again.
fn settle(
    ctx: Context<'_>,
    attempt: &Attempt,
    granted: &Granted,
    sent_at_ms: u64,
) -> Result<Authorized, Refused> {
    let id = &attempt.connection;
    let actor =
        readmit(ctx).map_err(|error| Refused { reason: "not_permitted", error, excess: Vec::new() })?;
    let stored = match connections::load(ctx, id) {
        Err(AppError::Refused(Code::NotFound, _)) => {
            return Err(Refused::new("disconnected", "the connection was disconnected meanwhile"));
        }
        stored => stored?,
    };
    let has_refresh_token = granted.refresh_token.is_some();
    // RFC 6749, section 5.1: none named, as asked.
    let scopes = granted.scopes.clone().unwrap_or_else(|| attempt.scopes.clone());
    let mut excess = excess(attempt.endpoints.oauth, &attempt.scopes, &scopes);
    if !excess.is_empty() {
        excess.truncate(NOTED);
        let text = "the provider granted more than was asked for; it was not kept";
        return Err(Refused { excess, ..Refused::new("scopes_widened", text) });
    }
    let missing = missing(attempt.endpoints.oauth, &attempt.scopes, &scopes, has_refresh_token);
    let expires = attempt.endpoints.oauth.refresh.kind != RefreshKind::None;
    if expires && !has_refresh_token {
        let text =
            "the provider gave no refresh token: remove this application's access there, then begin again";
        return Err(Refused::new("no_refresh_token", text));
    }
    // Only an access token that does not expire is kept (claim C9).
    let kept = (!expires).then(|| granted.access_token.clone());
    let credential = Credential::oauth(granted.refresh_token.clone(), kept)
        .map_err(|_| Refused::new("unreadable", "the provider's tokens cannot be sent"))?;

    let mut parameters = stored.parameters;
    for (name, member) in &attempt.endpoints.oauth.token_parameters {
        let told =
            granted.extra(member).and_then(|told| attempt.connector.parameter_of_token(name, told).ok());
        let told = told.ok_or_else(|| {
            Refused::new(
                "parameter_refused",
                "the provider does not say where its API is, or names another host",
            )
        })?;
        parameters.insert(name.clone(), told);
    }
    let target = Target::of(ctx, attempt.connector, parameters)?;
    let place = connections::place(ctx.org, id, &attempt.connector.id, &target.allowed_hosts);
    let sealed = dek::seal(ctx, &place, &credential.to_sealed_plaintext())?;
    let generation = ctx.store.transaction(|tx| {
        tx.wipe_sealed("connections", "id", id.as_str())?;
        // What is under way with the old credential finds another generation and is dropped.
        let updated = tx.write(
            "UPDATE connections SET sealed = ?, parameters = ?, base_url = ?, allowed_hosts = ?, scopes = ?, \
             missing_scopes = ?, client_id = ?, generation = generation + 1, status = 'active', status_reason = NULL, \
             refreshed_at = ?, refresh_begun_at = NULL, refresh_retry_at = NULL, refresh_failures = 0 \
             WHERE id = ? RETURNING generation",
            &[
                sealed.into_bytes().into(),
                serde_json::to_string(&target.parameters)?.into(),
                target.base_url.as_str().into(),
                serde_json::to_string(&target.allowed_hosts)?.into(),
                serde_json::to_string(&scopes)?.into(),
                serde_json::to_string(&missing)?.into(),
                attempt.client.id.as_str().into(),
                ctx.now_ms.into(),
                id.as_str().into(),
            ],
        )?;
        let generation = updated.first().ok_or(SqlError::Row)?.number(0)?;
        messages::publish(
            ctx,
            tx,
            &OwnEvent::ConnectionAuthorized {
                connection_id: id,
                connector: &attempt.connector.id,
                name: &connections::get(ctx, id)?.name,
            },
        )?;
        let event = Event::new("connection.authorized", id)
            .with("connector", attempt.connector.id.as_str())
            .with("scopes", scopes.clone())
            .with("missing_scopes", missing.clone())
            .with("allowed_hosts", target.allowed_hosts.clone())
            .with("client_id", attempt.client.id.as_str());
        tx.commit(&ctx.subject(actor.name()), event, generation)
    })?;
    ctx.tokens.forget(id);
    if expires {
        let default = attempt.endpoints.oauth.refresh.default_lifetime_seconds;
        let default = u32::try_from(default).unwrap_or(u32::MAX);
        let token = granted.access_token.clone();
        ctx.tokens.put(id, generation, token, sent_at_ms, granted.expires_in_s, default);
    }
    Ok(Authorized { connection: connections::get(ctx, id)?, return_to: attempt.return_to.clone() })
}

/// Gives tokens back, once.
async fn revoke(
    ctx: Context<'_>,
    remote: &impl Remote,
    attempt: &Attempt,
    granted: &Granted,
) -> &'static str {
    let tokens = (granted.refresh_token.as_ref(), Some(&granted.access_token));
    let Some(data) = &attempt.endpoints.oauth.revocation else { return "unsupported" };
    let request = revocation(ctx, attempt.connector, &attempt.parameters, &attempt.client, tokens);
    let Ok(Some(request)) = request else { return "failed" };
    let verdict = remote
        .send(request)
        .await
        .map(|answer| revocation_verdict(answer.status, &answer.body, &data.already_gone));
    match verdict {
        Ok(Verdict::Revoked | Verdict::AlreadyGone) => "revoked",
        Ok(Verdict::NotTaken | Verdict::Temporary | Verdict::Failed) | Err(_) => "failed",
    }
}

/// Notes it, unless the org was deleted meanwhile: of that nothing is left behind.
fn record(ctx: Context<'_>, actor: &Actor, event: Event) -> Result<(), AppError> {
    if ctx.store.first("SELECT 1 FROM org", &[])?.is_none() {
        return Ok(());
    }
    ctx.store.transaction(|tx| tx.commit(&ctx.subject(actor.name()), event, ()))
}

/// The answer to a state that is nobody's, another session's, spent or too old: which one, it does not say.
fn unknown() -> AppError {
    refuse("this is no answer to an authorization that is under way in this session: begin again".to_owned())
}

fn refuse(text: String) -> AppError {
    AppError::refused(Code::AuthorizationRefused, text)
}
