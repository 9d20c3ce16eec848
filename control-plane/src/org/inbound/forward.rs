//! What of a stored event is delivered to endpoints: the body to the byte, and the headers that say what kind of event it is.

use super::{oldest, place, split};
use crate::context::Context;
use crate::error::AppError;
use crate::org::dek;
use protocol::InboundEventId;
use vault::Sealed;
use webhooks::is_sensitive_header;
use zeroize::Zeroizing;

/// An event as it is forwarded.
pub(in crate::org) struct Forwarded {
    /// How the body is to be read, the provider's own `x-…`, and `cdn-loop`; names in lower case, each once.
    pub headers: Vec<(String, String)>,
    /// As received.
    pub body: Zeroizing<Vec<u8>>,
}

/// A stored event; `None` once it is past its retention.
///
/// # Errors
/// Those of the database and the vault.
pub(in crate::org) fn forwarded(
    ctx: Context<'_>,
    id: &InboundEventId,
) -> Result<Option<Forwarded>, AppError> {
    let row = ctx.store.first(
        "SELECT provider, sealed FROM inbound_events WHERE id = ? AND received_at >= ?",
        &[id.as_str().into(), oldest(ctx).into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let sealed = Sealed::from_bytes(row.blob(1)?)?;
    let mut plaintext = dek::open(ctx, &place(ctx.org, id, row.text(0)?), &sealed)?;
    let (headers, body) = split(&plaintext).ok_or(AppError::Encoding)?;
    let stored: Vec<(String, String)> = serde_json::from_slice(headers)?;
    let begins = plaintext.len() - body.len();
    plaintext.drain(..begins);
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in stored {
        let name = name.to_ascii_lowercase();
        if is_forwarded(&name) && !headers.iter().any(|(other, _)| *other == name) {
            headers.push((name, value));
        }
    }
    Ok(Some(Forwarded { headers, body: plaintext }))
}

/// Nothing that was redacted, speaks of a hop or a sender, or that we say ourselves. Providers' own names need no `x-`:
/// `sentry-hook-resource`, `ce-type`.
fn is_forwarded(name: &str) -> bool {
    matches!(name, "content-type" | "content-encoding" | "content-language" | "cdn-loop")
        || (!is_sensitive_header(name)
            && !is_of_the_exchange(name)
            && !name.starts_with("webhook-")
            && connectors::settable(name).is_some())
}

/// Whether a header is about this one exchange: what the sender is and takes, and what caches do with it (RFC 9110, RFC 9111).
fn is_of_the_exchange(name: &str) -> bool {
    ["accept-", "if-", "proxy-"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(
            name,
            "user-agent"
                | "from"
                | "cache-control"
                | "pragma"
                | "priority"
                | "dnt"
                | "save-data"
                | "upgrade-insecure-requests"
                | "x-request-id"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kind_of_event_it_is_goes_on_and_who_sent_it_does_not() {
        for name in [
            "content-type",
            "content-encoding",
            "cdn-loop",
            "x-github-event",
            "x-shopify-topic",
            "x-gitlab-event",
            "x-event-key",
            "linear-event",
            "sentry-hook-resource",
            "ce-type",
        ] {
            assert!(is_forwarded(name), "{name}");
        }
        for name in [
            "authorization",
            "cookie",
            "host",
            "content-length",
            "user-agent",
            "webhook-id",
            "webhook-signature",
            "accept",
            "accept-encoding",
            "if-none-match",
            "cache-control",
            "from",
            "connection",
            "transfer-encoding",
            "proxy-authorization",
            "stripe-signature",
            "x-api-key",
            "x-hub-signature-256",
            "x-gitlab-token",
            "x-shopify-hmac-sha256",
            "x-forwarded-for",
            "x-real-ip",
            "cf-connecting-ip",
        ] {
            assert!(!is_forwarded(name), "{name}");
        }
    }
}
