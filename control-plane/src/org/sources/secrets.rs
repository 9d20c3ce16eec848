//! What verifies a source's webhooks: the provider's secret or public key, with those before it until they end, and the
//! handshake by which some providers send it themselves.
//!
//! A secret leaves this object for the edge alone (invariant 1), but for a token that its owner has to paste at the
//! provider: shown once.

use super::{GENERATION, get, with_row};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse, wrong};
use crate::org::actor::Actor;
use crate::org::{change, dek, overlap};
use crate::reply::Reply;
use crate::store::{Event, SqlError, Tx};
use protocol::api::{GenericScheme, RotateSourceSecret, ShownOnce, VerificationToken};
use protocol::call::SourceKeys;
use protocol::{Code, OrgId, SourceId};
use secrecy::{ExposeSecret as _, SecretString};
use vault::{Purpose, Sealed};
use webhooks::{Credential, Handshake, Provider, Row};

/// Secrets besides the current one: a mistyped one must not push out the one that the provider still signs by.
const MOST_FORMER: u32 = 3;

/// What a request gives for a source of this row, checked; `None`: the provider will send it.
///
/// # Errors
/// `ValidationFailed`.
pub(super) fn given(
    row: &Row<'_>,
    secret: Option<SecretString>,
    public_key: Option<String>,
) -> Result<Option<SecretString>, AppError> {
    let (name, given) = match (row.credential(), secret, public_key) {
        (Credential::PublicKey, None, key) => ("public_key", key.map(SecretString::from)),
        (Credential::PublicKey, Some(_), _) => {
            return Err(field("secret", "this provider signs with a key pair: give its public_key"));
        }
        (_, _, Some(_)) => {
            return Err(field("public_key", "this provider signs with a shared secret: give its secret"));
        }
        (Credential::Handshake, None, None) => return Ok(None),
        (_, secret, None) => ("secret", secret),
    };
    let given = given.ok_or_else(|| field(name, "is missing"))?;
    row.parse_secret(given.expose_secret()).map_err(|error| wrong(name, error.to_string()))?;
    Ok(Some(given))
}

/// `POST /v1/sources/{id}/rotate-secret`.
pub(in crate::org) fn rotate(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &SourceId,
) -> Result<Reply, AppError> {
    let request: RotateSourceSecret = parse(body)?;
    let overlap_s = overlap::seconds(request.overlap_seconds)?;
    let (provider, scheme) = provider_of(ctx, id)?;
    let secret = with_row(provider, scheme.as_ref(), |row| given(row, request.secret, request.public_key))?
        .ok_or_else(|| field("secret", "is missing"))?;
    change::answer(ctx, actor, body, 200, |tx| {
        let sealed = dek::seal(ctx, &place(ctx.org, id, provider.id), secret.expose_secret().as_bytes())?;
        let former = if overlap_s == 0 {
            // It is not to be trusted any more, and what came before it even less.
            forget_former(tx, id)?;
            0
        } else {
            keep_former(ctx, tx, id, ctx.now_ms + u64::from(overlap_s) * 1000)?
        };
        tx.wipe_sealed("sources", "id", id.as_str())?;
        tx.write(
            "UPDATE sources SET sealed = ?, generation = generation + 1 + ?, awaiting_handshake = 0, \
             has_verification_token = 0 WHERE id = ?",
            &[sealed.into_bytes().into(), former.into(), id.as_str().into()],
        )?;
        let event = Event::new("source.secret_rotated", id).with("overlap_seconds", overlap_s);
        tx.commit(&ctx.subject(actor.name()), event, get(ctx, id)?)
    })
}

/// Lets the current secret, if there is one, verify until `ends_at`; how many then do so besides the next one.
fn keep_former(ctx: Context<'_>, tx: &Tx<'_>, id: &SourceId, ends_at: u64) -> Result<u64, AppError> {
    tx.write(
        "INSERT INTO source_secrets (source_id, sealed, ends_at) \
         SELECT id, sealed, ? FROM sources WHERE id = ? AND length(sealed) > 0",
        &[ends_at.into(), id.as_str().into()],
    )?;
    let rows = ctx.store.query(
        "SELECT id, ends_at > ? FROM source_secrets WHERE source_id = ? ORDER BY ends_at DESC, id DESC",
        &[ctx.now_ms.into(), id.as_str().into()],
    )?;
    let mut live = 0;
    for row in rows {
        if row.number(1)? == 1 && live < u64::from(MOST_FORMER) {
            live += 1;
            continue;
        }
        tx.delete_sealed("source_secrets", "id", &row.number(0)?.to_string())?;
    }
    Ok(live)
}

/// Ends all secrets before the current one.
pub(super) fn forget_former(tx: &Tx<'_>, id: &SourceId) -> Result<(), SqlError> {
    tx.delete_sealed("source_secrets", "source_id", id.as_str())
}

/// The secrets of a source, for the edge that serves it: the one secret that leaves (invariant 1).
pub(in crate::org) fn keys(ctx: Context<'_>, id: &SourceId) -> Result<SourceKeys, AppError> {
    let row = ctx
        .store
        .first(
            &format!(
                "SELECT provider, {GENERATION}, url, scheme, awaiting_handshake, sealed FROM sources s WHERE id = ?2"
            ),
            &[ctx.now_ms.into(), id.as_str().into()],
        )?
        .ok_or(Code::NotFound)?;
    let provider = row.text(0)?;
    let awaiting_handshake = row.number(4)? == 1;
    let mut sealed = Vec::new();
    if !awaiting_handshake && !webhooks::provider(provider).is_some_and(Row::secret_stays) {
        sealed.push(row.blob(5)?.to_vec());
        let former = ctx.store.query(
            "SELECT sealed FROM source_secrets WHERE source_id = ? AND ends_at > ? ORDER BY id DESC",
            &[id.as_str().into(), ctx.now_ms.into()],
        )?;
        for row in &former {
            sealed.push(row.blob(0)?.to_vec());
        }
    }
    let place = place(ctx.org, id, provider);
    Ok(SourceKeys {
        provider: provider.to_owned(),
        secrets: sealed.iter().map(|sealed| open(ctx, &place, sealed)).collect::<Result<_, _>>()?,
        generation: row.number(1)?,
        url: row.optional_text(2)?.map(str::to_owned),
        scheme: row.optional_text(3)?.map(|_| row.json(3)).transpose()?,
        awaiting_handshake,
    })
}

/// The secret of a source that is a credential for its provider's API and so stays here.
///
/// # Errors
/// `NotFound` for a source of another kind.
pub(in crate::org) fn credential(ctx: Context<'_>, id: &SourceId) -> Result<SecretString, AppError> {
    if !provider_of(ctx, id)?.0.secret_stays() {
        return Err(Code::NotFound.into());
    }
    let row = ctx.store.first("SELECT provider, sealed FROM sources WHERE id = ?", &[id.as_str().into()])?;
    let row = row.ok_or(Code::NotFound)?;
    Ok(open(ctx, &place(ctx.org, id, row.text(0)?), row.blob(1)?)?.into())
}

/// The secret that the provider has sent, for a source that waits for it: the first counts, and no other ever. Whoever knows
/// the URL could be first, as with every such provider; who it was stands in the audit trail.
///
/// # Errors
/// `SourceOutdated` for a source that does not wait for one: the edge goes by what it knew before.
pub(in crate::org) fn finish_handshake(
    ctx: Context<'_>,
    id: &SourceId,
    ShownOnce(secret): &ShownOnce,
) -> Result<Reply, AppError> {
    let (provider, _) = provider_of(ctx, id)?;
    provider.parse_secret(secret).map_err(|_| Code::SignatureInvalid)?;
    let is_pasted = matches!(provider.handshake(), Some(Handshake::BodyField(_)));
    let sealed = dek::seal(ctx, &place(ctx.org, id, provider.id), secret.as_bytes())?;
    ctx.store.transaction(|tx| {
        let taken = tx.write(
            "UPDATE sources SET sealed = ?, generation = generation + 1, awaiting_handshake = 0, has_verification_token = ? \
             WHERE id = ? AND awaiting_handshake = 1 RETURNING id",
            &[
                sealed.into_bytes().into(),
                u64::from(is_pasted).into(),
                id.as_str().into(),
            ],
        )?;
        if taken.is_empty() {
            return Err(Code::SourceOutdated.into());
        }
        tx.commit(&ctx.subject(id.as_str()), Event::new("source.handshake_finished", id), ())
    })?;
    Ok(Reply::no_content())
}

/// `POST /v1/sources/{id}/verification-token`: what the provider has sent, for the person who pastes it there. Once.
pub(in crate::org) fn take_verification_token(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &SourceId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 200, |tx| {
        let taken = tx.write(
            "UPDATE sources SET has_verification_token = 0 WHERE id = ? AND has_verification_token = 1 \
             RETURNING provider, sealed",
            &[id.as_str().into()],
        )?;
        let row = taken.first().ok_or(Code::NotFound)?;
        let token = open(ctx, &place(ctx.org, id, row.text(0)?), row.blob(1)?)?;
        let event = Event::new("source.verification_token_shown", id);
        tx.commit(
            &ctx.subject(actor.name()),
            event,
            VerificationToken { verification_token: ShownOnce(token) },
        )
    })
}

/// A source's provider, and how its sender signs where the source says it.
fn provider_of(
    ctx: Context<'_>,
    id: &SourceId,
) -> Result<(&'static Provider, Option<GenericScheme>), AppError> {
    let row = ctx
        .store
        .first("SELECT provider, scheme FROM sources WHERE id = ?", &[id.as_str().into()])?
        .ok_or(Code::NotFound)?;
    let provider = webhooks::provider(row.text(0)?).ok_or(AppError::Encoding)?;
    Ok((provider, row.optional_text(1)?.map(|_| row.json(1)).transpose()?))
}

fn open(ctx: Context<'_>, place: &vault::Context<'_>, sealed: &[u8]) -> Result<String, AppError> {
    let secret = dek::open(ctx, place, &Sealed::from_bytes(sealed)?)?;
    String::from_utf8(secret.to_vec()).map_err(|_| AppError::Encoding)
}

pub(super) fn place<'a>(org: &'a OrgId, id: &'a SourceId, provider: &'a str) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector: provider,
        allowed_hosts: &[],
        purpose: Purpose::SourceSecret,
    }
}
