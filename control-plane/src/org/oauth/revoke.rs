//! Ending a grant at its provider (claims C8, B3, N5): one attempt at a time, until the receipt can say what became of it.
//!
//! The connection is gone by then, and its receipt holds the credential. An attempt reads the receipt, sends the provider's
//! own call or that of RFC 7009, and settles the receipt if the answer settles anything. That it is sent is written down
//! before it is. Who was cut off is followed by the next attempt, which the provider answers like the first: there is
//! nothing (more) to revoke.
//!
//! Invariant: a receipt says `revoked` on the provider's word alone, and once it is settled the credential is wiped.

use super::{Endpoints, clients, endpoint, outgoing, revocation};
use crate::context::Context;
use crate::error::AppError;
use crate::org::connections::place;
use crate::org::{dek, receipts};
use crate::remote::{NoAnswer, Remote};
use crate::store::Event;
use connectors::Credential;
use connectors::catalogue::{self, Connector, RevocationAuthentication, RevocationKind, TokenKind};
use connectors::oauth::{
    Client, Refusal, TokenAnswer, TokenOutcome, TokenRequest, Verdict, revocation_verdict,
};
use protocol::api::Revocation;
use protocol::{Code, ConnectionId};
use secrecy::SecretString;
use std::collections::BTreeMap;
use vault::{Sealed, VaultError};

/// A provider that has not answered for so long is given up, ms.
const LIFE_MS: u64 = 86_400_000;

const LOST: &str = "an answer of the provider was lost before: look there whether access has ended for good";

/// One attempt to end a disconnected connection's grant. `access`: its access token, where one was in memory.
///
/// # Errors
/// Those of the database and the vault; nothing is settled then.
pub(in crate::org) async fn revoke(
    ctx: Context<'_>,
    remote: &impl Remote,
    id: &ConnectionId,
    mut access: Option<SecretString>,
) -> Result<(), AppError> {
    // A refresh that was under way brings the token to revoke, and may have ended the access token that was there before.
    if let Some(flight) = ctx.tokens.flight(id) {
        flight.land(ctx, remote, id).await?;
        access = None;
    }
    let ctx = ctx.at(remote.now_ms());
    let Some(pending) = Pending::load(ctx, id)? else { return Ok(()) };
    let Some(client) = pending.readable(ctx, pending.client(ctx))? else { return Ok(()) };
    let Some(client) = client else {
        let detail = "the OAuth client that access was granted to is gone here";
        return pending.settle(ctx, Revocation::Failed, None, Some(detail));
    };
    let Some(credential) = pending.readable(ctx, pending.open(ctx))? else { return Ok(()) };
    pending.record(ctx)?;
    let refresh = credential.refresh_token();
    let mut access = access.or_else(|| credential.access_token().cloned());
    let mut renews = refresh.filter(|_| pending.takes_access_token_alone());
    loop {
        if access.is_none()
            && let Some(token) = renews.take()
        {
            match pending.refresh(ctx, remote, &client, token).await? {
                Refreshed::Token(token) => access = Some(token),
                Refreshed::Over(status) => {
                    let ctx = ctx.at(remote.now_ms());
                    return if pending.is_unsettled {
                        pending.settle(ctx, Revocation::Failed, Some(status), Some(LOST))
                    } else {
                        pending.settle(ctx, Revocation::Revoked, Some(status), None)
                    };
                }
                Refreshed::Later(status) => return pending.later(ctx.at(remote.now_ms()), status),
            }
        }
        let tokens = (refresh, access.as_ref());
        let request = match revocation(ctx, pending.connector, &pending.parameters, &client, tokens) {
            Ok(Some(request)) => request,
            Ok(None) | Err(AppError::Refused(..)) => {
                let detail = "there is no token to revoke it by";
                return pending.settle(ctx, Revocation::Failed, None, Some(detail));
            }
            Err(fault) => return Err(fault),
        };
        let answer = remote.send(request).await;
        let ctx = ctx.at(remote.now_ms());
        let Ok(answer) = answer else { return pending.later(ctx, None) };
        let status = Some(answer.status);
        return match revocation_verdict(answer.status, &answer.body, &pending.data.already_gone) {
            // The end of an access token from memory is not that of the grant, which makes the next one.
            Verdict::AlreadyGone | Verdict::NotTaken if renews.is_some() => {
                access = None;
                continue;
            }
            Verdict::Revoked | Verdict::AlreadyGone => {
                pending.settle(ctx, Revocation::Revoked, status, pending.is_unsettled.then_some(LOST))
            }
            Verdict::Temporary => pending.later(ctx, status),
            Verdict::NotTaken | Verdict::Failed => pending.settle(ctx, Revocation::Failed, status, None),
        };
    }
}

/// A receipt whose revocation is pending.
struct Pending<'a> {
    id: &'a ConnectionId,
    connector: &'static Connector,
    data: &'static catalogue::Revocation,
    parameters: BTreeMap<String, String>,
    allowed_hosts: Vec<String>,
    client_id: String,
    sealed: Vec<u8>,
    disconnected_ms: u64,
    /// An answer to a refresh was lost: what is here may not be the newest token.
    is_unsettled: bool,
}

/// What a refresh for the sake of a revocation came to.
enum Refreshed {
    Token(SecretString),
    /// The provider says that the grant is over.
    Over(u16),
    Later(Option<u16>),
}

impl<'a> Pending<'a> {
    fn load(ctx: Context<'_>, id: &'a ConnectionId) -> Result<Option<Self>, AppError> {
        let row = ctx.store.first(
            "SELECT connector, parameters, allowed_hosts, client_id, sealed, disconnected_at, refresh_begun_at \
             FROM receipts WHERE connection_id = ? AND revocation = 'pending'",
            &[id.as_str().into()],
        )?;
        let Some(row) = row else { return Ok(None) };
        let connector = catalogue::get(row.text(0)?);
        let data = connector.and_then(|connector| connector.oauth.as_ref()?.revocation.as_ref());
        let (Some(connector), Some(data)) = (connector, data) else {
            let detail = "its connector's way to end access is no longer known here: end access at the provider by hand";
            receipts::settle(ctx, id, Revocation::Failed, None, Some(detail.to_owned()))?;
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            connector,
            data,
            parameters: row.json(1)?,
            allowed_hosts: row.json(2)?,
            client_id: row.optional_text(3)?.unwrap_or_default().to_owned(),
            sealed: row.blob(4)?.to_vec(),
            disconnected_ms: row.number(5)?,
            is_unsettled: row.optional_number(6)?.is_some(),
        }))
    }

    fn open(&self, ctx: Context<'_>) -> Result<Credential, AppError> {
        let place = place(ctx.org, self.id, &self.connector.id, &self.allowed_hosts);
        let plaintext = dek::open(ctx, &place, &Sealed::from_bytes(self.sealed.clone())?)?;
        Credential::from_sealed_plaintext(&plaintext).map_err(|_| AppError::Encoding)
    }

    /// What was opened. What will never open is no reason to try for ever: `None`, and the receipt says so. A key-encryption
    /// key that is missing may come back within the day.
    fn readable<T>(&self, ctx: Context<'_>, opened: Result<T, AppError>) -> Result<Option<T>, AppError> {
        match opened {
            Err(AppError::Vault(VaultError::UnknownKek)) if !self.is_old(ctx) => {
                Err(VaultError::UnknownKek.into())
            }
            Err(AppError::Vault(_) | AppError::Encoding) => {
                let detail = "what is stored of it here does not open";
                self.settle(ctx, Revocation::Failed, None, Some(detail)).map(|()| None)
            }
            opened => opened.map(Some),
        }
    }

    /// The client that access was granted to; one that is gone is missed only where the provider asks for it.
    fn client(&self, ctx: Context<'_>) -> Result<Option<Client>, AppError> {
        match clients::of(ctx, &self.connector.id, &self.client_id) {
            Ok(client) => Ok(Some(client)),
            Err(AppError::Refused(Code::ClientMissing, _)) => {
                let is_asked = match self.data.authentication {
                    RevocationAuthentication::ClientBasic | RevocationAuthentication::ClientPost => true,
                    RevocationAuthentication::None | RevocationAuthentication::Bearer => {
                        self.takes_access_token_alone()
                    }
                };
                let nameless = || Client { id: self.client_id.clone(), secret: String::new().into() };
                Ok((!is_asked).then(nameless))
            }
            Err(fault) => Err(fault),
        }
    }

    /// RFC 7009 takes either token, and the refresh token's end is that of both.
    fn takes_access_token_alone(&self) -> bool {
        self.data.token == TokenKind::Access && self.data.kind != RevocationKind::Rfc7009
    }

    /// An attempt begins.
    fn record(&self, ctx: Context<'_>) -> Result<(), AppError> {
        let endpoint = self.endpoint(ctx);
        ctx.store.transaction(|tx| {
            tx.write(
                "UPDATE receipts SET attempts = attempts + 1, attempted_at = ?, endpoint = ?, http_status = NULL \
                 WHERE connection_id = ?",
                &[ctx.now_ms.into(), endpoint.as_str().into(), self.id.as_str().into()],
            )?;
            let event = Event::new("credential.revocation_begun", self.id)
                .with("connector", self.connector.id.as_str())
                .with("endpoint", endpoint);
            tx.commit(&ctx.subject("system"), event, ())
        })
    }

    /// Where it is sent, as the receipt shows it: at the host that is called, with the catalogue's placeholders for what
    /// may be a token, and without the query.
    fn endpoint(&self, ctx: Context<'_>) -> String {
        let template = self.data.url.split(['?', '#']).next().unwrap_or_default();
        let path = template.splitn(4, '/').nth(3).unwrap_or_default();
        let called =
            endpoint(ctx, self.connector, template.strip_suffix(path).unwrap_or(template), &self.parameters);
        format!("{}/{path}", called.as_deref().unwrap_or_default().trim_end_matches('/'))
    }

    /// An access token, for a provider that revokes by nothing else.
    async fn refresh(
        &self,
        ctx: Context<'_>,
        remote: &impl Remote,
        client: &Client,
        token: &SecretString,
    ) -> Result<Refreshed, AppError> {
        let endpoints = Endpoints::of(ctx, self.connector, &self.parameters)?;
        receipts::begin_refresh(ctx, self.id)?;
        let request = outgoing(TokenRequest::refresh(&endpoints.provider(), client, token));
        let answer = match remote.send(request).await {
            Ok(answer) => answer,
            Err(NoAnswer) => return Ok(Refreshed::Later(None)),
        };
        let outcome = TokenAnswer { status: answer.status, body: &answer.body }.read();
        Ok(match outcome {
            TokenOutcome::Granted(granted) => {
                let ctx = ctx.at(remote.now_ms());
                let sealed = granted.refresh_token.map(|token| self.seal(ctx, token)).transpose()?;
                receipts::keep_refreshed(ctx, self.id, sealed)?;
                Refreshed::Token(granted.access_token)
            }
            TokenOutcome::Refused(Refusal::InvalidGrant) => Refreshed::Over(answer.status),
            TokenOutcome::Refused(_) | TokenOutcome::Temporary | TokenOutcome::Unreadable => {
                Refreshed::Later(Some(answer.status))
            }
        })
    }

    fn seal(&self, ctx: Context<'_>, token: SecretString) -> Result<Sealed, AppError> {
        let credential = Credential::oauth(Some(token), None).map_err(|_| AppError::Encoding)?;
        let place = place(ctx.org, self.id, &self.connector.id, &self.allowed_hosts);
        dek::seal(ctx, &place, &credential.to_sealed_plaintext())
    }

    fn is_old(&self, ctx: Context<'_>) -> bool {
        ctx.now_ms.saturating_sub(self.disconnected_ms) >= LIFE_MS
    }

    /// Nothing is settled; after a day of this, that is what the receipt says.
    fn later(&self, ctx: Context<'_>, status: Option<u16>) -> Result<(), AppError> {
        if self.is_old(ctx) {
            return self.settle(ctx, Revocation::Failed, status, None);
        }
        Ok(ctx.store.bookkeeping(
            "UPDATE receipts SET http_status = ? WHERE connection_id = ? AND revocation = 'pending'",
            &[status.map(u32::from).into(), self.id.as_str().into()],
        )?)
    }

    fn settle(
        &self,
        ctx: Context<'_>,
        revocation: Revocation,
        status: Option<u16>,
        detail: Option<&str>,
    ) -> Result<(), AppError> {
        let by_hand = || format!("end access at {} by hand: {}", self.connector.name, self.connector.docs);
        let detail = match (revocation, detail) {
            (Revocation::Failed, Some(detail)) => Some(format!("{detail}; {}", by_hand())),
            (Revocation::Failed, None) => Some(by_hand()),
            (_, detail) => detail.map(str::to_owned),
        };
        receipts::settle(ctx, self.id, revocation, status, detail)
    }
}
