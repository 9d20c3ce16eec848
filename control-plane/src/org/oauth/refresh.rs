//! A fresh access token: asked for once, however many calls wait for it (claims B1, T7).
//!
//! Many providers take a refresh token once and answer with the next one; whoever sends the old one again loses the grant.
//! So there is one request at a time for a connection, its *flight*, and everybody who needs the token waits for that one.
//! The flight belongs to the object: each of the waiting calls drives it, and it goes on as long as one of them is there.
//! The first that sees the answer settles it, in one synchronous piece.
//!
//! Before the request goes out, a transaction writes that it will (`refresh_begun_at`); the one that stores the answer takes
//! it back. One that is still there was never settled: the answer was lost, or this object was. What it did is not known
//! then, so the same refresh token is sent again: most providers take it again, for a while or for ever. If one does not, the
//! new token was lost on the way, and the connection says so (`rotation_lost`).
//!
//! A token is renewed a minute before its end, and serves until then if its provider cannot renew it at the moment.
//!
//! Invariant: a connection either gives a token, or says when to come back, or says that a person has to grant access
//! again. Only the provider's own word that a grant is over ends it.

use super::tokens::AccessToken;
use super::{Endpoints, NOTED, clients, outgoing};
use crate::context::Context;
use crate::error::AppError;
use crate::org::connections::place;
use crate::org::messages::{self, OwnEvent};
use crate::org::{dek, receipts};
use crate::remote::{NoAnswer, Remote, RemoteAnswer};
use crate::store::{Committed, Event, Row, SqlError, Tx};
use connectors::Credential;
use connectors::catalogue::Connector;
use connectors::oauth::{Granted, Refusal, TokenAnswer, TokenOutcome, TokenRequest, excess};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};
use protocol::api::{ConnectionStatus, StatusReason};
use protocol::{Code, ConnectionId};
use secrecy::SecretString;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use vault::Sealed;

/// Seconds until the provider is asked again, by how often it has failed to answer; the last one from then on.
const BACKOFF_S: [u32; 6] = [1, 2, 5, 15, 60, 300];
/// The longest that a provider may put us off, seconds. A time further ahead was written before our clock went back.
const MAX_WAIT_S: u32 = 900;

const CLIENT_REFUSED: &str =
    "the provider refuses the OAuth client: its client_id or secret has to be mended";

/// The connection's access token. `refused` is the number of the one that the provider has just answered 401 to, if any: an
/// answer with the same number says that there is no other, and that the 401 is the caller's to see.
///
/// # Errors
/// `NotFound`; `ConnectionNotReady` where a person has to grant access; `RefreshFailed` with a time to come back; the faults
/// of the database and the vault.
pub(in crate::org) async fn access_token(
    ctx: Context<'_>,
    remote: &impl Remote,
    id: &ConnectionId,
    refused: Option<u64>,
) -> Result<AccessToken, AppError> {
    loop {
        let ctx = ctx.at(remote.now_ms());
        let flight = match begin(ctx, remote, id, refused)? {
            Begun::Held(token) => return Ok(token),
            Begun::Flight(flight) => flight,
        };
        match flight.land(ctx, remote, id).await? {
            Landing::Token(token) => return Ok(token),
            Landing::Later { seconds, client_refused } => {
                let lasting = ctx.tokens.lasting(id, flight.generation, refused, remote.now_ms());
                return lasting.ok_or_else(|| later(seconds, client_refused));
            }
            Landing::Broken => return Err(not_ready(ConnectionStatus::ReauthorizationRequired)),
            // The connection has another credential by now, or is gone.
            Landing::Overtaken => {}
        }
    }
}

/// A refresh under way.
pub(super) struct Flight {
    connector: &'static Connector,
    allowed_hosts: Vec<String>,
    /// Scopes that the person was asked for.
    scopes: Vec<String>,
    /// Of the connection when it began.
    generation: u64,
    /// Unix ms.
    sent_ms: u64,
    /// The one before was never settled.
    is_repeat: bool,
    /// How many have failed before.
    failures: u64,
    answer: Shared<LocalBoxFuture<'static, Rc<Result<RemoteAnswer, NoAnswer>>>>,
    landing: OnceCell<Landing>,
}

/// What a flight came to: the same for all who waited.
#[derive(Clone)]
pub(super) enum Landing {
    Token(AccessToken),
    Later { seconds: u32, client_refused: bool },
    Broken,
    Overtaken,
}

enum Begun {
    Held(AccessToken),
    Flight(Rc<Flight>),
}

/// A token that serves, or the refresh that others have begun, or a new one.
fn begin(
    ctx: Context<'_>,
    remote: &impl Remote,
    id: &ConnectionId,
    refused: Option<u64>,
) -> Result<Begun, AppError> {
    let grant = Grant::load(ctx, id)?;
    if let Some(flight) = ctx.tokens.flight(id).filter(|flight| flight.generation == grant.generation) {
        return Ok(Begun::Flight(flight));
    }
    if let Some(token) = ctx.tokens.serving(id, grant.generation, ctx.now_ms)
        && (refused != Some(token.number) || !ctx.tokens.believe_refusal(id, ctx.now_ms))
    {
        return Ok(Begun::Held(token));
    }
    let credential = grant.open(ctx, id)?;
    let Some(refresh_token) = credential.refresh_token() else {
        // A token that does not expire. That the provider answered 401 to it may be for want of a permission: it is the
        // caller's to see, and no reason to call the connection broken.
        return match credential.access_token() {
            Some(token) => Ok(Begun::Held(AccessToken { number: grant.generation, token: token.clone() })),
            None => {
                ctx.store.transaction(|tx| connection_needs_person(ctx, tx, id, StatusReason::Refused))?;
                Err(not_ready(ConnectionStatus::ReauthorizationRequired))
            }
        };
    };
    if let Some(seconds) = grant.wait_s(ctx.now_ms) {
        let lasting = ctx.tokens.lasting(id, grant.generation, refused, ctx.now_ms);
        return lasting.map(Begun::Held).ok_or_else(|| later(seconds, grant.client_refused));
    }
    let endpoints = Endpoints::of(ctx, grant.connector, &grant.parameters)?;
    let client = clients::of(ctx, &grant.connector.id, &grant.client_id)?;
    let request = outgoing(TokenRequest::refresh(&endpoints.provider(), &client, refresh_token));

    ctx.store.transaction(|tx| {
        tx.write(
            "UPDATE connections SET refresh_begun_at = ? WHERE id = ?",
            &[ctx.now_ms.into(), id.as_str().into()],
        )?;
        let event = Event::new("credential.refresh_begun", id)
            .with("connector", grant.connector.id.as_str())
            .with("is_repeat", grant.is_unsettled);
        tx.commit(&ctx.subject("system"), event, ())
    })?;

    let remote = remote.clone();
    let flight = Rc::new(Flight {
        connector: grant.connector,
        allowed_hosts: grant.allowed_hosts,
        scopes: grant.scopes,
        generation: grant.generation,
        sent_ms: ctx.now_ms,
        is_repeat: grant.is_unsettled,
        failures: grant.failures,
        answer: async move { Rc::new(remote.send(request).await) }.boxed_local().shared(),
        landing: OnceCell::new(),
    });
    ctx.tokens.take_off(id, Rc::clone(&flight), refused);
    Ok(Begun::Flight(flight))
}

/// A connection's row, as far as a refresh looks at it.
struct Grant {
    connector: &'static Connector,
    parameters: BTreeMap<String, String>,
    allowed_hosts: Vec<String>,
    sealed: Sealed,
    client_id: String,
    /// What was granted, and what was asked for besides.
    scopes: Vec<String>,
    generation: u64,
    client_refused: bool,
    is_unsettled: bool,
    retry_ms: Option<u64>,
    failures: u64,
}

impl Grant {
    fn load(ctx: Context<'_>, id: &ConnectionId) -> Result<Self, AppError> {
        let row = ctx.store.first(
            "SELECT connector, parameters, allowed_hosts, sealed, generation, status, status_reason, refresh_begun_at, \
             refresh_retry_at, refresh_failures, client_id, scopes, missing_scopes FROM connections WHERE id = ? AND auth_type = 'oauth2'",
            &[id.as_str().into()],
        )?;
        Self::read(&row.ok_or(Code::NotFound)?)
    }

    fn read(row: &Row) -> Result<Self, AppError> {
        match row.text(5)? {
            status if status == ConnectionStatus::Active.as_str() => {}
            status if status == ConnectionStatus::Pending.as_str() => {
                return Err(not_ready(ConnectionStatus::Pending));
            }
            _ => return Err(not_ready(ConnectionStatus::ReauthorizationRequired)),
        }
        let mut scopes: Vec<String> = row.json(11)?;
        scopes.extend(row.json::<Vec<String>>(12)?);
        Ok(Self {
            scopes,
            connector: connectors::catalogue::get(row.text(0)?)
                .ok_or(AppError::Platform("a connection's connector is no longer in the catalogue"))?,
            parameters: row.json(1)?,
            allowed_hosts: row.json(2)?,
            sealed: Sealed::from_bytes(row.blob(3)?)?,
            generation: row.number(4)?,
            client_refused: row.optional_text(6)? == Some(StatusReason::ClientRefused.as_str()),
            is_unsettled: row.optional_number(7)?.is_some(),
            retry_ms: row.optional_number(8)?,
            failures: row.number(9)?,
            client_id: row.optional_text(10)?.unwrap_or_default().to_owned(),
        })
    }

    fn open(&self, ctx: Context<'_>, id: &ConnectionId) -> Result<Credential, AppError> {
        let place = place(ctx.org, id, &self.connector.id, &self.allowed_hosts);
        let plaintext = dek::open(ctx, &place, &self.sealed)?;
        Credential::from_sealed_plaintext(&plaintext).map_err(|_| AppError::Encoding)
    }

    /// Seconds until the provider may be asked again.
    fn wait_s(&self, now_ms: u64) -> Option<u32> {
        let left_ms = self.retry_ms?.checked_sub(now_ms)?;
        (1..=u64::from(MAX_WAIT_S) * 1000).contains(&left_ms).then(|| left_ms.div_ceil(1000) as u32)
    }
}

impl Flight {
    /// Waits for the answer, and settles it if nobody has yet.
    pub(super) async fn land(
        self: &Rc<Self>,
        ctx: Context<'_>,
        remote: &impl Remote,
        id: &ConnectionId,
    ) -> Result<Landing, AppError> {
        let answer = self.answer.clone().await;
        if let Some(landing) = self.landing.get() {
            return Ok(landing.clone());
        }
        // Should it fail, the answer is still here for who comes next.
        let landing = self.settle(ctx.at(remote.now_ms()), id, &answer)?;
        ctx.tokens.landed(id, self);
        Ok(self.landing.get_or_init(|| landing).clone())
    }

    fn settle(
        &self,
        ctx: Context<'_>,
        id: &ConnectionId,
        answer: &Result<RemoteAnswer, NoAnswer>,
    ) -> Result<Landing, AppError> {
        let Ok(answer) = answer else { return self.put_off(ctx, id, Unanswered::default()) };
        let outcome = TokenAnswer { status: answer.status, body: &answer.body }.read();
        let unanswered = Unanswered {
            status: Some(answer.status),
            retry_after_s: answer.retry_after,
            ..Unanswered::default()
        };
        match outcome {
            TokenOutcome::Granted(granted) => self.keep(ctx, id, granted),
            TokenOutcome::Refused(Refusal::InvalidGrant) => self.end(ctx, id),
            TokenOutcome::Refused(Refusal::InvalidClient) => {
                self.put_off(ctx, id, Unanswered { client_refused: true, is_settled: true, ..unanswered })
            }
            TokenOutcome::Refused(Refusal::Other(_)) => {
                self.put_off(ctx, id, Unanswered { is_settled: true, ..unanswered })
            }
            // Who says "too many requests" has not looked at this one.
            TokenOutcome::Temporary => {
                self.put_off(ctx, id, Unanswered { is_settled: answer.status == 429, ..unanswered })
            }
            TokenOutcome::Unreadable => self.put_off(ctx, id, unanswered),
        }
    }

    /// Stores what was granted, then lets it be used, unless it is more than a person has agreed to. What can be revoked is
    /// the newest, so that is stored in any case.
    fn keep(&self, ctx: Context<'_>, id: &ConnectionId, granted: Granted) -> Result<Landing, AppError> {
        let excess = self.excess(&granted);
        let sealed = granted.refresh_token.map(|token| self.seal(ctx, id, token)).transpose()?;
        let is_rotated = sealed.is_some();
        if !self.is_current(ctx, id)? {
            if let Some(sealed) = sealed {
                receipts::keep_refreshed(ctx, id, Some(sealed))?;
            }
            return Ok(Landing::Overtaken);
        }
        let is_exceeded = !excess.is_empty();
        let number = ctx.store.transaction(|tx| {
            if sealed.is_some() {
                tx.wipe_sealed("connections", "id", id.as_str())?;
            }
            let row = tx.write(
                "UPDATE connections SET sealed = COALESCE(?, sealed), generation = generation + 1, refreshed_at = ?, \
                 status_reason = NULL, refresh_begun_at = NULL, refresh_retry_at = NULL, refresh_failures = 0 \
                 WHERE id = ? RETURNING generation",
                &[sealed.map(Sealed::into_bytes).into(), ctx.now_ms.into(), id.as_str().into()],
            )?;
            let number = row.first().ok_or(SqlError::Row)?.number(0)?;
            let event = Event::new("credential.refreshed", id)
                .with("connector", self.connector.id.as_str())
                .with("is_rotated", is_rotated);
            let refreshed = tx.commit(&ctx.subject("system"), event, number)?;
            if !is_exceeded {
                return Ok(refreshed);
            }
            let event = Event::new("connection.scopes_exceeded", id).with("excess", excess);
            tx.commit(&ctx.subject("system"), event, ()).map(drop)?;
            Ok(connection_needs_person(ctx, tx, id, StatusReason::Refused)?.map(|()| number))
        })?;
        if is_exceeded {
            ctx.tokens.take(id, ctx.now_ms);
            return Ok(Landing::Broken);
        }
        let token = granted.access_token;
        let default_s =
            self.connector.oauth.as_ref().map_or(0, |oauth| oauth.refresh.default_lifetime_seconds);
        let default_s = u32::try_from(default_s).unwrap_or(u32::MAX);
        ctx.tokens.put(id, number, token.clone(), self.sent_ms, granted.expires_in_s, default_s);
        Ok(Landing::Token(AccessToken { number, token }))
    }

    /// Scopes that nobody has agreed to; none named are the same as before (RFC 6749, section 6).
    fn excess(&self, granted: &Granted) -> Vec<String> {
        let (Some(oauth), Some(told)) = (&self.connector.oauth, &granted.scopes) else { return Vec::new() };
        let mut excess = excess(oauth, &self.scopes, told);
        excess.truncate(NOTED);
        excess
    }

    /// The provider says that the grant is over.
    fn end(&self, ctx: Context<'_>, id: &ConnectionId) -> Result<Landing, AppError> {
        if !self.is_current(ctx, id)? {
            return Ok(Landing::Overtaken);
        }
        let reason = if self.is_repeat { StatusReason::RotationLost } else { StatusReason::Refused };
        ctx.store.transaction(|tx| connection_needs_person(ctx, tx, id, reason))?;
        Ok(Landing::Broken)
    }

    /// Nothing is lost yet: the same refresh token is sent again, later.
    fn put_off(&self, ctx: Context<'_>, id: &ConnectionId, why: Unanswered) -> Result<Landing, AppError> {
        if !self.is_current(ctx, id)? {
            return Ok(Landing::Overtaken);
        }
        let step = usize::try_from(self.failures).unwrap_or(usize::MAX).min(BACKOFF_S.len() - 1);
        let backoff = BACKOFF_S.get(step).copied().unwrap_or(MAX_WAIT_S);
        let seconds = why.retry_after_s.unwrap_or(0).min(MAX_WAIT_S).max(backoff);
        let client_refused = why.client_refused.then_some(StatusReason::ClientRefused.as_str());
        ctx.store.transaction(|tx| {
            tx.write(
                "UPDATE connections SET refresh_failures = refresh_failures + 1, refresh_retry_at = ?, status_reason = ?, \
                 refresh_begun_at = CASE WHEN ? THEN NULL ELSE refresh_begun_at END WHERE id = ?",
                &[
                    (ctx.now_ms + u64::from(seconds) * 1000).into(),
                    client_refused.into(),
                    u32::from(why.is_settled && !self.is_repeat).into(),
                    id.as_str().into(),
                ],
            )?;
            let event = Event::new("credential.refresh_failed", id)
                .with("connector", self.connector.id.as_str())
                .with("http_status", why.status)
                .with("client_refused", why.client_refused)
                .with("retry_after_seconds", seconds);
            tx.commit(&ctx.subject("system"), event, ())
        })?;
        Ok(Landing::Later { seconds, client_refused: why.client_refused })
    }

    /// Whether the connection still is the one that this refresh is for.
    fn is_current(&self, ctx: Context<'_>, id: &ConnectionId) -> Result<bool, SqlError> {
        let row =
            ctx.store.first("SELECT generation FROM connections WHERE id = ?", &[id.as_str().into()])?;
        Ok(row.is_some_and(|row| row.number(0) == Ok(self.generation)))
    }

    fn seal(&self, ctx: Context<'_>, id: &ConnectionId, token: SecretString) -> Result<Sealed, AppError> {
        let credential = Credential::oauth(Some(token), None).map_err(|_| AppError::Encoding)?;
        let place = place(ctx.org, id, &self.connector.id, &self.allowed_hosts);
        dek::seal(ctx, &place, &credential.to_sealed_plaintext())
    }
}

/// What is known of a request that brought no token and ended nothing.
#[derive(Default)]
struct Unanswered {
    status: Option<u16>,
    retry_after_s: Option<u32>,
    client_refused: bool,
    /// It certainly changed nothing at the provider.
    is_settled: bool,
}

/// Takes a connection out of use until a person grants access again. The one place that does.
pub(in crate::org) fn connection_needs_person(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    id: &ConnectionId,
    reason: StatusReason,
) -> Result<Committed<()>, AppError> {
    tx.write(
        "UPDATE connections SET status = ?, status_reason = ?, refresh_begun_at = NULL, refresh_retry_at = NULL, \
         refresh_failures = 0 WHERE id = ?",
        &[
            ConnectionStatus::ReauthorizationRequired.as_str().into(),
            reason.as_str().into(),
            id.as_str().into(),
        ],
    )?;
    let stored = crate::org::connections::get(ctx, id)?;
    messages::publish(
        ctx,
        tx,
        &OwnEvent::ConnectionReauthorizationRequired {
            connection_id: id,
            connector: &stored.connector,
            name: &stored.name,
            reason,
        },
    )?;
    let event = Event::new("connection.reauthorization_required", id).with("reason", reason.as_str());
    tx.commit(&ctx.subject("system"), event, ())
}

fn later(seconds: u32, client_refused: bool) -> AppError {
    AppError::Later {
        code: Code::RefreshFailed,
        retry_after_seconds: seconds,
        detail: client_refused.then(|| CLIENT_REFUSED.into()),
    }
}

fn not_ready(status: ConnectionStatus) -> AppError {
    let detail = match status {
        ConnectionStatus::Pending => "access has not been granted yet: POST /v1/connections/{id}/authorize",
        _ => "access has to be granted again: POST /v1/connections/{id}/authorize",
    };
    AppError::refused(Code::ConnectionNotReady, detail)
}
