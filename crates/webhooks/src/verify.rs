//! The verifier: reads a provider's row of the table and says whether a request is the provider's.
//!
//! Claim N4: whatever a signature covers cannot be changed, and a signed time binds a request to its moment.
//! The order is fixed. The signature is checked first and the time only then, so that
//! `timestamp_out_of_tolerance` is ever said to the holder of a valid signature alone and a prober learns nothing;
//! the body is parsed last, so that no unauthenticated byte reaches the JSON reader, but for the few schemes that keep
//! their signature in it ([`crate::inside`]).

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::challenge::{self, Challenge};
use crate::encoding::encode_hex;
use crate::headers::Headers;
use crate::inside::Inside;
use crate::json;
use crate::jwt;
use crate::message::{Message, messages};
use crate::provider::{Binding, Field, Parts, Path, Place, Row, Scheme, Timestamp};
use crate::secret::SecretKey;
use crate::signatures::Signatures;

/// Longest event id and event type passed on, and longest signed header, in bytes.
const MAX_ID: usize = 128;

/// A request as it arrived.
#[derive(Debug)]
pub struct Request<'a, H: ?Sized> {
    /// The method, upper case.
    pub method: &'a str,
    /// The public URL as the provider was given it, with the query that came; only some schemes sign it
    /// ([`Row::signs_url`]).
    pub url: &'a str,
    /// All headers.
    pub headers: &'a H,
    /// The body's bytes as received, never decoded and encoded again.
    pub body: &'a [u8],
}

/// What a valid request says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Which of the secrets the request was signed with.
    pub secret_index: usize,
    /// The provider's id of the event, at most 128 plain characters. Dedupe on it *together with* `event_type`
    /// (Shopify gives several topics of one event the same id); where there is none, on a hash of the body.
    pub event_id: Option<String>,
    /// Whether the signature covers `event_id`. Where it doesn't, someone who holds one signed request can repeat it
    /// under a new id, and the body's hash is the only thing that shows the repeat.
    pub event_id_signed: bool,
    /// The kind of event, at most 128 printable characters. Some providers send it in a header that isn't signed.
    pub event_type: Option<String>,
    /// The signed time, in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<u64>,
    /// Set when the provider asks whether the URL is its owner's: answer with this instead of storing an event.
    pub challenge: Option<Challenge>,
    /// Set when the provider wants a URL of its own fetched to believe that we want its events: GET it instead of storing an
    /// event, and answer 200 once that has worked. It is signed, and on the provider's own host.
    pub confirm_url: Option<String>,
}

/// Why a request is refused. The text is for the source's tenant, never for the sender, who gets [`Refusal::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The source holds no secret.
    #[error("the source has no signing secret")]
    NoSecret,
    /// No signature header, or none of a version that can be checked.
    #[error(
        "the request carries no signature of this provider: is it the right provider, and is signing on?"
    )]
    SignatureMissing,
    /// The signature header doesn't follow the provider's grammar.
    #[error("the signature header is not in the provider's format")]
    SignatureMalformed,
    /// The signature header, or its timestamp, occurs twice.
    #[error("the signature header occurs more than once")]
    SignatureDoubled,
    /// More candidates than any rotation needs.
    #[error("the signature header holds more than 16 signatures")]
    TooManySignatures,
    /// No candidate matches under any secret.
    #[error("the signature does not match: wrong secret, or the body was changed on its way")]
    SignatureInvalid,
    /// A signed header is absent.
    #[error("a header that the provider signs is missing")]
    SignedHeaderMissing,
    /// A signed header is too long or holds characters no id has.
    #[error("a header that the provider signs is not in the provider's format")]
    SignedHeaderMalformed,
    /// A value of the body that the provider signs is absent.
    #[error("a field of the body that the provider signs is missing")]
    SignedFieldMissing,
    /// The body isn't the form or JSON in which the provider signs.
    #[error("the body is not in the provider's format, or holds a field twice")]
    BodyMalformed,
    /// The request's key is at an address that is not the provider's.
    #[error(
        "the request names a certificate, or a URL to confirm, that is not at the provider's own address"
    )]
    KeyUrlRefused,
    /// There is no key as the request names it.
    #[error(
        "the certificate or key that the request names is not there, not of the provider's kind, or has ended"
    )]
    KeyUnusable,
    /// The signature is valid, but its certificate isn't at this time.
    #[error("the certificate of the signature has expired or is not valid yet")]
    KeyExpired,
    /// The request names another algorithm than the provider's.
    #[error("the request is signed by an algorithm that the provider does not use")]
    AlgorithmRefused,
    /// The message comes from another of the provider's topics.
    #[error("the message is of another topic than this source's: its secret is the topic's ARN")]
    AnotherTopic,
    /// The row is that of schemes which sources declare, and this one has none.
    #[error("the source declares no signature scheme")]
    SchemeMissing,
    /// The scheme has a timestamp and the request none.
    #[error("the request carries no timestamp")]
    TimestampMissing,
    /// Not a time in the provider's format.
    #[error("the timestamp is not in the provider's format")]
    TimestampMalformed,
    /// Correctly signed, but longer ago than the tolerance.
    #[error("the signature is valid but older than the tolerance: a replay, a late retry, or a wrong clock")]
    TimestampTooOld,
    /// Correctly signed, but further ahead than the tolerance.
    #[error("the signature is valid but from the future: the sender's clock is wrong")]
    TimestampInFuture,
}

impl Refusal {
    /// The stable public code: `timestamp_out_of_tolerance` for a correctly signed request at the wrong time,
    /// `signature_invalid` for everything else.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::TimestampTooOld | Refusal::TimestampInFuture => "timestamp_out_of_tolerance",
            Refusal::NoSecret
            | Refusal::SignatureMissing
            | Refusal::SignatureMalformed
            | Refusal::SignatureDoubled
            | Refusal::TooManySignatures
            | Refusal::SignatureInvalid
            | Refusal::SignedHeaderMissing
            | Refusal::SignedHeaderMalformed
            | Refusal::SignedFieldMissing
            | Refusal::BodyMalformed
            | Refusal::SchemeMissing
            | Refusal::KeyUrlRefused
            | Refusal::KeyUnusable
            | Refusal::KeyExpired
            | Refusal::AlgorithmRefused
            | Refusal::AnotherTopic
            | Refusal::TimestampMissing
            | Refusal::TimestampMalformed => "signature_invalid",
        }
    }
}

/// That a request is genuine: what a scheme finds, and no more.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) secret_index: usize,
    /// Of the signature that is valid ([`Field::SignatureHash`]).
    pub(crate) signature_hash: String,
    pub(crate) timestamp_ms: Option<u64>,
}

/// Checks that a request is the provider's, unchanged and recent.
///
/// `secrets` are all that count at the moment (several during a rotation). `tolerance_seconds` replaces the
/// provider's own tolerance. Every candidate is compared with every secret's tag in constant time.
///
/// # Errors
/// [`Refusal`]; answer the sender with its [`Refusal::code`] and nothing more.
pub fn verify<H: Headers + ?Sized>(
    row: &Row<'_>,
    secrets: &[SecretKey],
    request: &Request<'_, H>,
    now_ms: u64,
    tolerance_seconds: Option<u64>,
) -> Result<Verified, Refusal> {
    if secrets.is_empty() {
        return Err(Refusal::NoSecret);
    }
    let (proof, parts) = match &row.scheme {
        Scheme::Jwt(jwt) => (jwt::verify(jwt, secrets, request, now_ms, tolerance_seconds)?, None),
        Scheme::Parts(parts) => (prove(parts, secrets, request, now_ms, tolerance_seconds)?, Some(parts)),
        Scheme::FirstOf(several) => {
            let parts =
                several.iter().find(|parts| is_used(parts, request)).ok_or(Refusal::SignatureMissing)?;
            (prove(parts, secrets, request, now_ms, tolerance_seconds)?, Some(parts))
        }
        Scheme::Fetched(_) | Scheme::Declared => return Err(Refusal::SchemeMissing),
    };
    let covers = |field: Field<'_>| match (&row.scheme, parts) {
        (_, Some(parts)) => parts.covers(field),
        (Scheme::Jwt(jwt), None) => jwt.binds == Binding::BodyHash && matches!(field, Field::Json(_)),
        _ => false,
    };

    let values = Values::read(row, request);
    let usable = |field: Field<'_>| match field {
        Field::SignatureHash => Some(proof.signature_hash.clone()),
        field => values.field(field),
    };
    let id = row.event_id.iter().find_map(|field| Some((*field, usable(*field).filter(|id| is_id(id))?)));
    Ok(Verified {
        secret_index: proof.secret_index,
        event_id_signed: id.as_ref().is_some_and(|(field, _)| covers(*field)),
        event_id: id.map(|(_, id)| id),
        event_type: row.event_type.iter().find_map(|field| values.field(*field).filter(|kind| is_type(kind))),
        timestamp_ms: proof.timestamp_ms,
        challenge: secrets
            .get(proof.secret_index)
            .and_then(|secret| challenge::answer(row, secret, |path| values.json(path))),
        confirm_url: None,
    })
}

/// Whether a request carries a signature where this scheme has it. A body is looked into where nothing else is left.
fn is_used<H: Headers + ?Sized>(parts: &Parts<'_>, request: &Request<'_, H>) -> bool {
    match parts.signature.place {
        Place::Headers(names) => names.iter().any(|name| request.headers.get(name).is_some()),
        Place::Json(_) | Place::Form(_) => true,
    }
}

/// Checks a signature over a string of parts, and its time.
fn prove<H: Headers + ?Sized>(
    parts: &Parts<'_>,
    secrets: &[SecretKey],
    request: &Request<'_, H>,
    now_ms: u64,
    tolerance_seconds: Option<u64>,
) -> Result<Proof, Refusal> {
    let inside = Inside::read(parts, request.url, request.body)?;
    let signatures = Signatures::read(parts, request.headers, &inside)?;
    let written_time = written_time(parts, request.headers, &signatures, &inside)?;
    let messages = messages(parts, request, &inside, written_time.as_deref())?;

    let (secret_index, candidate) = matching(parts, secrets, &messages, &signatures)?;
    let signature_hash = signature_hash(candidate);

    let Some(rule) = parts.timestamp else {
        return Ok(Proof { secret_index, signature_hash, timestamp_ms: None });
    };
    let written = match (written_time, rule.source) {
        (None, Field::Json(path)) => json::pick(request.body, &[path]).pop().flatten().map(Cow::Owned),
        (written, _) => written,
    };
    let timestamp_ms = check_time(rule, written.as_deref(), now_ms, tolerance_seconds)?;
    Ok(Proof { secret_index, signature_hash, timestamp_ms: Some(timestamp_ms) })
}

/// 128 bits of a signature's SHA-256, in hex.
pub(crate) fn signature_hash(signature: &[u8]) -> String {
    encode_hex(Sha256::digest(signature).first_chunk::<16>().map_or(&[][..], |half| half))
}

/// The timestamp as written, checked for form alone; `None` where the scheme has none, or keeps it in a body that is
/// signed whole and so not yet read.
fn written_time<'h, H: Headers + ?Sized>(
    parts: &Parts<'_>,
    headers: &'h H,
    signatures: &'h Signatures,
    inside: &'h Inside<'_>,
) -> Result<Option<Cow<'h, str>>, Refusal> {
    let Some(rule) = parts.timestamp else { return Ok(None) };
    let written = match rule.source {
        Field::Header(name) => headers.get(name),
        Field::SignaturePair => signatures.timestamp.as_deref().map(Cow::Borrowed),
        Field::Json(path) if parts.signs_time() => inside.json(path).map(Cow::Borrowed),
        Field::Json(_) | Field::SignatureHash => return Ok(None),
    };
    let written = written.ok_or(Refusal::TimestampMissing)?;
    rule.unit.parse(&written).ok_or(Refusal::TimestampMalformed)?;
    Ok(Some(written))
}

/// The first secret of which a candidate is the signature, and that candidate.
fn matching<'s>(
    parts: &Parts<'_>,
    secrets: &[SecretKey],
    messages: &[Message<'_>],
    signatures: &'s Signatures,
) -> Result<(usize, &'s [u8]), Refusal> {
    let mut found = None;
    for message in messages {
        let message: Vec<&[u8]> = message.iter().map(AsRef::as_ref).collect();
        for (index, secret) in secrets.iter().enumerate() {
            if found.is_none_or(|(first, _)| index < first)
                && let Some(at) = parts.algorithm.matching(secret, &message, &signatures.candidates)
            {
                found = Some((index, at));
            }
        }
    }
    let (index, at) = found.ok_or(Refusal::SignatureInvalid)?;
    let candidate = signatures.candidates.get(at).ok_or(Refusal::SignatureInvalid)?;
    Ok((index, candidate))
}

fn check_time(
    rule: Timestamp<'_>,
    written: Option<&str>,
    now_ms: u64,
    tolerance_seconds: Option<u64>,
) -> Result<u64, Refusal> {
    let then =
        rule.unit.parse(written.ok_or(Refusal::TimestampMissing)?).ok_or(Refusal::TimestampMalformed)?;
    let now = rule.unit.floor(now_ms);
    let tolerance = tolerance_seconds.unwrap_or(rule.tolerance_seconds).saturating_mul(1000);
    if now.saturating_sub(then) > tolerance {
        Err(Refusal::TimestampTooOld)
    } else if then.saturating_sub(now) > tolerance {
        Err(Refusal::TimestampInFuture)
    } else {
        Ok(then)
    }
}

/// What the table names of a verified request: headers, and values from one pass over the body.
struct Values<'r, H: ?Sized> {
    headers: &'r H,
    paths: Vec<Path<'r>>,
    found: Vec<Option<String>>,
}

impl<'r, H: Headers + ?Sized> Values<'r, H> {
    fn read(row: &Row<'r>, request: &Request<'r, H>) -> Self {
        let fields = row.event_id.iter().chain(row.event_type);
        let json = fields.filter_map(|field| if let Field::Json(path) = field { Some(*path) } else { None });
        let challenge = row.challenge.iter().flat_map(challenge::paths).map(|path| -> Path<'r> { path });
        let paths: Vec<Path<'r>> = json.chain(challenge).collect();
        let found = if paths.is_empty() { Vec::new() } else { json::pick(request.body, &paths) };
        Values { headers: request.headers, paths, found }
    }

    fn field(&self, field: Field<'_>) -> Option<String> {
        match field {
            Field::Header(name) => self.headers.get(name).map(Cow::into_owned),
            Field::Json(path) => self.json(path).map(str::to_owned),
            Field::SignaturePair | Field::SignatureHash => None,
        }
    }

    fn json(&self, path: Path<'_>) -> Option<&str> {
        let mut pairs = self.paths.iter().zip(&self.found);
        pairs.find_map(|(its_path, found)| if *its_path == path { found.as_deref() } else { None })
    }
}

/// An id: 1 to 128 of the characters that ids are made of.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(is_id_byte)
}

/// What ids are made of: nothing that begins a JSON text's object, array or string.
pub(crate) fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:+/=@".contains(&byte)
}

/// A type or token: 1 to 128 printable ASCII characters, no space.
pub(crate) fn is_type(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
