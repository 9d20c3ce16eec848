//! What an endpoint's deliveries carry: signatures by its secrets, and its custom headers. Both are opened for one delivery.
//!
//! They are sealed to the endpoint's id and host (invariant 4) and opened for the host that is sent to, whatever the row
//! says: with another URL, or in another endpoint's row, they do not open.

use super::{headers, secrets};
use crate::context::Context;
use crate::error::AppError;
use crate::org::dek;
use protocol::{Code, EndpointId};
use secrecy::{ExposeSecret as _, SecretString};
use vault::Sealed;
use webhooks::SigningKey;
use webhooks::sign::standard_webhooks;
use zeroize::Zeroizing;

/// `webhook-id`, `webhook-timestamp` and `webhook-signature` of a delivery, signed with the endpoint's secret and, until the
/// overlap of a rotation ends, with the one before it.
///
/// `hosts` is where it is sent ([`super::Target::allowed_hosts`]), `message` the `webhook-id`, `timestamp_s` Unix seconds,
/// `body` the bytes as sent.
///
/// # Errors
/// `NotFound` where there is no such endpoint; those of the vault where a secret was not sealed to this endpoint and host.
pub(in crate::org) fn sign(
    ctx: Context<'_>,
    id: &EndpointId,
    hosts: &[String],
    message: &str,
    timestamp_s: u64,
    body: &[u8],
) -> Result<[(&'static str, String); 3], AppError> {
    let keys = keys(ctx, id, hosts)?;
    if keys.is_empty() {
        return Err(Code::NotFound.into());
    }
    Ok(standard_webhooks(&keys.iter().collect::<Vec<_>>(), message, timestamp_s, body))
}

/// What an endpoint shares with us and signs by, to be kept out of what it answers: base64, without `whsec_`. None of Ed25519,
/// where it holds a public key.
///
/// # Errors
/// As [`sign`].
pub(in crate::org) fn shared_secrets(
    ctx: Context<'_>,
    id: &EndpointId,
    hosts: &[String],
) -> Result<Vec<Zeroizing<String>>, AppError> {
    let keys = keys(ctx, id, hosts)?;
    let shared = |key: &SigningKey| {
        key.for_receiver().expose_secret().strip_prefix("whsec_").map(|text| Zeroizing::new(text.to_owned()))
    };
    Ok(keys.iter().filter_map(shared).collect())
}

/// The live ones, the current one first.
fn keys(ctx: Context<'_>, id: &EndpointId, hosts: &[String]) -> Result<Vec<SigningKey>, AppError> {
    let rows = ctx.store.query(
        "SELECT sealed, 0 AS former FROM endpoints WHERE id = ?1 UNION ALL \
         SELECT sealed, 1 FROM endpoint_secrets WHERE endpoint_id = ?1 AND ends_at > ?2 ORDER BY former",
        &[id.as_str().into(), ctx.now_ms.into()],
    )?;
    rows.iter()
        .map(|row| {
            let secret =
                dek::open(ctx, &secrets::place(ctx.org, id, hosts), &Sealed::from_bytes(row.blob(0)?)?)?;
            SigningKey::from_bytes(&secret).ok_or(AppError::Encoding)
        })
        .collect()
}

/// The headers that are sent with each delivery, names in lower case. None is of those that we send, and none tells a receiver
/// where a request comes from.
///
/// # Errors
/// Those of the vault where they were not sealed to this endpoint and host.
pub(in crate::org) fn custom_headers(
    ctx: Context<'_>,
    id: &EndpointId,
    hosts: &[String],
) -> Result<Vec<(String, SecretString)>, AppError> {
    let row = ctx
        .store
        .first("SELECT sealed FROM endpoint_headers WHERE endpoint_id = ?", &[id.as_str().into()])?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let plaintext = dek::open(ctx, &headers::place(ctx.org, id, hosts), &Sealed::from_bytes(row.blob(0)?)?)?;
    headers::read(&plaintext)
}
