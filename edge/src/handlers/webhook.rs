//! `/in/{source_id}`: verify the raw bytes, store, and only then answer 200 (invariant 9, claims N4 and B6).
//!
//! What memory holds of a source ([`keys`]) may be behind what the org's object holds. That lets nothing in: the object
//! stores an event only if the current generation of the source's secrets verified it, and answers `source_outdated` otherwise. Nor
//! does it keep much out: before a signature is refused, the current secrets are asked for.

mod fetched;
mod keys;
mod rejections;

pub use fetched::{Fetch, Got, KnownKeys};
pub use keys::KnownSource;
pub use rejections::{Backlog, Report};

use super::Context;
use crate::auth::table_key;
use crate::control_plane::{ControlPlane, Reply};
use crate::limits::Limited;
use crate::security_headers::Kind;
use crate::verdict::{Admitted, Answer};
use keys::{Keys, Known, Rules};
use protocol::api::ShownOnce;
use protocol::call::VerifiedWebhook;
use protocol::{Code, Operation, Principal, SourceId};
use secrecy::ExposeSecret as _;
use webhooks::{
    Challenge, Refusal, Request, Row, SentSecret, Verified, is_sensitive_header, sent_secret, verify,
};

/// Headers stored with an event: at most this many, and this many bytes.
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 8192;

/// A webhook's request as the platform read it.
pub struct Incoming {
    /// Path and query as received.
    pub path_and_query: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
}

/// A webhook that is refused.
#[derive(Debug)]
pub struct Refused {
    /// For the sender: no reason that would help a forger.
    pub code: Code,
    /// For the tenant, to be sent once the sender has its answer.
    pub report: Option<Box<Report>>,
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self { code, report: None }
    }
}

/// `POST`: verifies and stores.
///
/// # Errors
/// [`Refused`].
pub async fn handle<P: ControlPlane, F: Fetch>(
    context: &Context<'_, P>,
    fetch: &F,
    source: &SourceId,
    incoming: &Incoming,
) -> Result<Answer, Refused> {
    let Known { keys, recent } = keys::known(context, source).await?;
    match attempt(context, fetch, source, &keys, incoming).await? {
        Outcome::Answer(answer) => return Ok(answer),
        Outcome::Refused(refusal) if recent || !depends_on_secrets(refusal) => {
            return Err(reject(context, source, refusal));
        }
        Outcome::Refused(_) | Outcome::Outdated => {}
    }
    let keys = keys::fetch(context, source).await?;
    match attempt(context, fetch, source, &keys, incoming).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Refused(refusal) => Err(reject(context, source, refusal)),
        Outcome::Outdated => Err(Code::Unavailable.into()),
    }
}

/// `GET` and `HEAD`: the question by which some providers check a URL.
///
/// # Errors
/// `NotFound` or `Unavailable`.
pub async fn check_url<P: ControlPlane>(
    context: &Context<'_, P>,
    source: &SourceId,
    head: bool,
    query: &str,
) -> Result<Answer, Code> {
    let Known { keys, .. } = keys::known(context, source).await?;
    let method = if head { "HEAD" } else { "GET" };
    Ok(match keys.rules.with_row(|row| webhooks::url_check(row, method, query)) {
        Some(challenge) => answer_to(challenge),
        None => {
            let answer = Answer::problem(Code::MethodNotAllowed, None, false, &context.admitted.request_id);
            answer.with("allow", "POST".to_owned())
        }
    })
}

/// What some keys make of a request.
enum Outcome {
    Answer(Answer),
    Refused(Refusal),
    /// The org's object holds others by now.
    Outdated,
}

async fn attempt<P: ControlPlane, F: Fetch>(
    context: &Context<'_, P>,
    fetch: &F,
    source: &SourceId,
    keys: &Keys,
    incoming: &Incoming,
) -> Result<Outcome, Code> {
    let request = Request {
        method: "POST",
        url: &keys.url(&context.admitted.client.origin, &incoming.path_and_query),
        headers: &incoming.headers,
        body: &incoming.body,
    };
    if keys.awaiting_handshake
        && let Some(sent) = keys.rules.with_row(|row| sent_secret(row, &request))
    {
        return finish_handshake(context, source, sent).await;
    }
    let verified = match check(context, fetch, source, keys, &request).await? {
        Ok(verified) => verified,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    if let Some(challenge) = verified.challenge {
        return Ok(Outcome::Answer(answer_to(challenge)));
    }
    if let Some(url) = &verified.confirm_url {
        fetched::confirm(context, fetch, source, url).await?;
        return Ok(Outcome::Answer(Answer::new(200, Kind::Json, "{}")));
    }
    count(context, source)?;
    let webhook = VerifiedWebhook {
        source: source.clone(),
        generation: keys.generation,
        event_id: verified.event_id,
        event_id_signed: verified.event_id_signed,
        event_type: verified.event_type,
        headers: keys.rules.with_row(|row| storable(row, &incoming.headers)),
    };
    let operation = Operation::StoreInbound(Box::new(webhook));
    match tell(context, source, operation, incoming.body.clone()).await? {
        Some(reply) => received(reply).map(Outcome::Answer),
        None => Ok(Outcome::Outdated),
    }
}

/// Counts what the provider has signed against the source, whose limit nobody else can use up.
fn count<P>(context: &Context<'_, P>, source: &SourceId) -> Result<(), Code> {
    let Admitted { now_ms, client, spent, .. } = context.admitted;
    let limits = &mut context.state.borrow_mut().limits;
    let (ip, key) = (client.ip.parse().ok(), table_key(source.as_str()));
    let counted = limits.count_verified(ip, key, *now_ms, &mut spent.borrow_mut());
    counted.map_err(|Limited| Code::RateLimited)
}

async fn check<P: ControlPlane, F: Fetch>(
    context: &Context<'_, P>,
    fetch: &F,
    source: &SourceId,
    keys: &Keys,
    request: &Request<'_, Vec<(String, String)>>,
) -> Result<Result<Verified, Refusal>, Code> {
    let now_ms = context.admitted.now_ms;
    let pending = match &keys.rules {
        Rules::Listed(provider) if provider.fetches_key() => webhooks::read(provider, &keys.secrets, request),
        rules => return Ok(rules.with_row(|row| verify(row, &keys.secrets, request, now_ms, None))),
    };
    let pending = match pending {
        Ok(pending) => pending,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let key = fetched::key(context, fetch, source, &pending.key).await?;
    Ok(key.and_then(|key| pending.verify(&key, now_ms)))
}

/// The provider's secret goes to the org's object, which takes the first one alone, and is acknowledged after.
async fn finish_handshake<P: ControlPlane>(
    context: &Context<'_, P>,
    source: &SourceId,
    sent: SentSecret,
) -> Result<Outcome, Code> {
    let secret = sent.secret.expose_secret();
    let operation =
        Operation::FinishHandshake { source: source.clone(), secret: ShownOnce(secret.to_owned()) };
    if tell(context, source, operation, Vec::new()).await?.is_none() {
        return Ok(Outcome::Outdated);
    }
    keys::forget(context, source);
    let answer = Answer::new(200, Kind::Json, "{}");
    Ok(Outcome::Answer(match sent.echo {
        Some(name) => answer.with(name, secret.to_owned()),
        None => answer,
    }))
}

/// A call that changes what is stored; `None`: what memory holds of the source is outdated.
async fn tell<P: ControlPlane>(
    context: &Context<'_, P>,
    source: &SourceId,
    operation: Operation,
    body: Vec<u8>,
) -> Result<Option<Reply>, Code> {
    let reply = context.call(None, Principal::Anonymous, operation, body).await?;
    match reply.status {
        200..300 => Ok(Some(reply)),
        404 => {
            keys::forget(context, source);
            Err(Code::NotFound)
        }
        409 if reply.problem().0 == Code::SourceOutdated => Ok(None),
        // The org's plan does not include it, or no more of it.
        403 => Err(reply.problem().0),
        _ => Err(Code::Unavailable),
    }
}

fn received(reply: Reply) -> Result<Answer, Code> {
    let body = String::from_utf8(reply.body.to_vec()).map_err(|_| Code::Unavailable)?;
    Ok(Answer::new(200, Kind::Json, body))
}

fn answer_to(challenge: Challenge) -> Answer {
    Answer::new(challenge.status, Kind::Json, challenge.body)
        .with("content-type", challenge.content_type.to_owned())
}

fn reject<P: ControlPlane>(context: &Context<'_, P>, source: &SourceId, refusal: Refusal) -> Refused {
    let code = if is_of_time(refusal) { Code::TimestampOutOfTolerance } else { Code::SignatureInvalid };
    Refused { code, report: Report::of(context, source, refusal).map(Box::new) }
}

/// Whether the signature was found valid before the refusal.
fn is_of_time(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::TimestampTooOld | Refusal::TimestampInFuture)
}

/// Whether other secrets could make a difference.
fn depends_on_secrets(refusal: Refusal) -> bool {
    let of_key = matches!(
        refusal,
        Refusal::KeyUrlRefused | Refusal::KeyUnusable | Refusal::KeyExpired | Refusal::AlgorithmRefused
    );
    !of_key && !is_of_time(refusal)
}

/// The headers to store: whatever may be a credential redacted, the source's own signature too; in bounds.
fn storable(row: &Row<'_>, headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut left = MAX_HEADER_BYTES;
    let redacted =
        headers.iter().filter(|(name, _)| !name.starts_with("sluicegate-")).map(|(name, value)| {
            let is_signature = row.signature_headers().any(|its_name| its_name == name);
            let value = if is_signature || is_sensitive_header(name) { "[redacted]" } else { value };
            (name.clone(), value.to_owned())
        });
    redacted
        .take_while(|(name, value)| {
            let size = name.len() + value.len();
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        })
        .take(MAX_HEADERS)
        .collect()
}

#[cfg(test)]
mod tests;
