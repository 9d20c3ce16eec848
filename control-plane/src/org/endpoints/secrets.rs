//! An endpoint's secrets: one that signs, and for the overlap of a rotation the one before it, which signs too. Each is shown
//! once and sealed to the endpoint's id and host (invariants 3 and 4); one whose time is over is overwritten.

use super::{about, find, listed};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::parse;
use crate::org::actor::Actor;
use crate::org::{change, dek, holders, overlap};
use crate::reply::Reply;
use crate::store::{SqlError, Tx};
use protocol::api::{RotateEndpointSecret, RotatedEndpointSecret, ShownOnce, SignatureVersion};
use protocol::time::rfc3339;
use protocol::{EndpointId, OrgId};
use secrecy::ExposeSecret as _;
use vault::{Purpose, Sealed};
use webhooks::SigningKey;
use zeroize::Zeroizing;

/// `POST /v1/endpoints/{id}/rotate-secret`. The one before the former signs no more, whatever was left of its overlap.
pub(in crate::org) fn rotate(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &EndpointId,
) -> Result<Reply, AppError> {
    let request = if body.is_empty() { RotateEndpointSecret::default() } else { parse(body)? };
    let overlap_s = overlap::seconds(request.overlap_seconds)?;
    change::answer(ctx, actor, body, 200, |tx| {
        let endpoint = listed(ctx, actor, id)?;
        let row = find(ctx, actor, id, "SELECT allowed_hosts, sealed FROM endpoints")?;
        let hosts: Vec<String> = row.json(0)?;
        forget_former(tx, id)?;
        let until = (overlap_s > 0).then(|| ctx.now_ms + u64::from(overlap_s) * 1000);
        if let Some(ends_at) = until {
            // Sealed to the same place: it need not be opened.
            tx.write(
                "INSERT INTO endpoint_secrets (endpoint_id, allowed_hosts, sealed, ends_at) VALUES (?, ?, ?, ?)",
                &[id.as_str().into(), row.text(0)?.into(), row.blob(1)?.to_vec().into(), ends_at.into()],
            )?;
        }
        let key = generate(endpoint.signature)?;
        let sealed = seal(ctx, id, &hosts, &key)?;
        tx.wipe_sealed("endpoints", "id", id.as_str())?;
        tx.write("UPDATE endpoints SET sealed = ? WHERE id = ?", &[sealed.into(), id.as_str().into()])?;
        holders::forget(tx, id.as_str())?;
        holders::record(tx, actor, id.as_str())?;
        let event = about("endpoint.secret_rotated", id, endpoint.customer_id.as_deref())
            .with("overlap_seconds", overlap_s);
        let rotated = RotatedEndpointSecret {
            secret: ShownOnce(key.for_receiver().expose_secret().to_owned()),
            previous_secret_until: until.map(rfc3339),
        };
        tx.commit(&ctx.subject(actor.name()), event, rotated)
    })
}

/// A new secret, or key pair.
pub(super) fn generate(signature: SignatureVersion) -> Result<SigningKey, AppError> {
    let seed = Zeroizing::new(random()?);
    match signature {
        SignatureVersion::V1 => Ok(SigningKey::hmac(&seed)),
        SignatureVersion::V1a => SigningKey::ed25519(&seed).ok_or(AppError::Platform("no randomness")),
    }
}

/// Seals a secret to an endpoint at these hosts.
pub(super) fn seal(
    ctx: Context<'_>,
    id: &EndpointId,
    hosts: &[String],
    key: &SigningKey,
) -> Result<Vec<u8>, AppError> {
    Ok(dek::seal(ctx, &place(ctx.org, id, hosts), &key.to_bytes())?.into_bytes())
}

/// Seals an endpoint's secrets anew to where it goes from now on.
pub(super) fn follow(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    id: &EndpointId,
    [from, to]: [&[String]; 2],
) -> Result<(), AppError> {
    let hosts = serde_json::to_string(to)?;
    for (table, key) in [("endpoints", "id"), ("endpoint_secrets", "endpoint_id")] {
        let row =
            ctx.store.first(&format!("SELECT sealed FROM {table} WHERE {key} = ?"), &[id.as_str().into()])?;
        let Some(row) = row else { continue };
        let secret = dek::open(ctx, &place(ctx.org, id, from), &Sealed::from_bytes(row.blob(0)?)?)?;
        let sealed = dek::seal(ctx, &place(ctx.org, id, to), &secret)?;
        tx.wipe_sealed(table, key, id.as_str())?;
        tx.write(
            &format!("UPDATE {table} SET allowed_hosts = ?, sealed = ? WHERE {key} = ?"),
            &[hosts.as_str().into(), sealed.into_bytes().into(), id.as_str().into()],
        )?;
    }
    Ok(())
}

/// The secret before the current one signs no more.
pub(super) fn forget_former(tx: &Tx<'_>, id: &EndpointId) -> Result<(), SqlError> {
    tx.delete_sealed("endpoint_secrets", "endpoint_id", id.as_str())
}

/// Where a secret is sealed to.
pub(super) fn place<'a>(org: &'a OrgId, id: &'a EndpointId, hosts: &'a [String]) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector: "",
        allowed_hosts: hosts,
        purpose: Purpose::EndpointSecret,
    }
}
