//! Public keys of webhook providers that have to be asked for them with a credential (Plaid). The credential is the source's
//! secret and stays here; the edge gets the key alone (invariant 1) and keeps it for an hour.
//!
//! Invariant: the id comes from a request that nobody has verified, so that [`MOST_A_MINUTE`] bounds what strangers can make
//! an org ask, over all of the edge.

use super::sources;
use crate::context::Context;
use crate::error::AppError;
use crate::remote::{Remote, RemoteRequest};
use crate::reply::Reply;
use protocol::call::ProviderKey;
use protocol::{Code, SourceId};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use throttle::Quota;
use webhooks::plaid::Credential;

const MOST_A_MINUTE: u32 = 60;
/// What goes to the edge of a key: RFC 7517's public members, and when it ended.
const PUBLIC: [&str; 8] = ["kid", "kty", "use", "alg", "crv", "x", "y", "expired_at"];

/// → `ProviderKey`.
///
/// # Errors
/// `NotFound` where the provider knows no such key, or not this credential; `Unavailable` where it does not answer.
pub(super) async fn get(
    ctx: Context<'_>,
    remote: &impl Remote,
    source: &SourceId,
    key_id: &str,
) -> Result<Reply, AppError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !(1..=64).contains(&key_id.len()) || !key_id.bytes().all(plain) {
        return Err(Code::NotFound.into());
    }
    let credential = Credential::read(sources::credential(ctx, source)?.expose_secret());
    let credential = credential.ok_or(Code::NotFound)?;
    let quota = Quota::new(MOST_A_MINUTE, 60).map_err(|_| Code::Internal)?;
    if !ctx.limits.borrow_mut().provider_keys.check(quota, ctx.now_ms).allowed {
        return Err(Code::Unavailable.into());
    }

    let body = json!({
        "client_id": credential.client_id.expose_secret(),
        "secret": credential.secret.expose_secret(),
        "key_id": key_id,
    });
    let request = RemoteRequest {
        method: "POST",
        url: credential.key_url().to_owned(),
        headers: vec![("content-type", SecretString::from("application/json"))],
        body: Some(SecretString::from(body.to_string())),
    };
    let answer = remote.send(request).await.map_err(|_| Code::Unavailable)?;
    match answer.status {
        200 => {}
        400..=404 => return Err(Code::NotFound.into()),
        _ => return Err(Code::Unavailable.into()),
    }
    let answer: Value = serde_json::from_slice(&answer.body).map_err(|_| Code::Unavailable)?;
    let key = answer.get("key").ok_or(Code::Unavailable)?;
    if key.get("kid").and_then(Value::as_str) != Some(key_id) {
        return Err(Code::NotFound.into());
    }
    let public = PUBLIC.iter().filter_map(|name| Some(((*name).to_owned(), key.get(name)?.clone())));
    Reply::json(200, &ProviderKey { jwk: Value::Object(public.collect::<Map<_, _>>()) })
}
