//! The verifier: reads a provider's row of the table and says whether a request is the provider's.
//!
//! Claim N4: whatever a signature covers cannot be changed, and a signed time binds a request to its moment.
//! The order is fixed. The signature is checked first and the time only then, so that
//! `timestamp_out_of_tolerance` is ever said to the holder of a valid signature alone and a prober learns nothing;
//! the body is parsed last, so that no unauthenticated byte reaches the JSON reader.

use std::borrow::Cow;

use subtle::{Choice, ConstantTimeEq};

use crate::challenge::{self, Challenge};
use crate::headers::Headers;
use crate::json::{self, Path};
use crate::provider::{Field, Part, Provider, Timestamp};
use crate::secret::SecretKey;
use crate::signatures::Signatures;

/// Longest event id and event type passed on, and longest signed header, in bytes.
const MAX_ID: usize = 128;

/// A request as it arrived.
#[derive(Debug)]
pub struct Request<'a, H: ?Sized> {
    /// The method, upper case.
    pub method: &'a str,
    /// The public URL as the provider was given it; only some schemes sign it ([`Provider::signs_url`]).
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
    /// Set when the provider asks whether the URL is its owner's: answer 200 with this instead of storing an event.
    pub challenge: Option<Challenge>,
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
            | Refusal::TimestampMissing
            | Refusal::TimestampMalformed => "signature_invalid",
        }
    }
}

/// Checks that a request is the provider's, unchanged and recent.
///
/// `secrets` are all that count at the moment (several during a rotation). `tolerance_seconds` replaces the
/// provider's own tolerance. Every candidate is compared with every secret's tag in constant time.
///
/// # Errors
/// [`Refusal`]; answer the sender with its [`Refusal::code`] and nothing more.
pub fn verify<H: Headers + ?Sized>(
    provider: &Provider,
    secrets: &[SecretKey],
    request: &Request<'_, H>,
    now_ms: u64,
    tolerance_seconds: Option<u64>,
) -> Result<Verified, Refusal> {
    if secrets.is_empty() {
        return Err(Refusal::NoSecret);
    }
    let signatures = Signatures::read(provider, request.headers)?;
    let written_time = written_time(provider, request.headers, &signatures)?;
    let signed_headers = signed_headers(provider, request.headers)?;
    let message = message(provider, request, written_time.as_deref(), &signed_headers);

    let secret_index = matching_secret(provider, secrets, &message, &signatures)?;

    let values = Values::read(provider, request);
    let timestamp_ms = match provider.timestamp {
        None => None,
        Some(rule) => {
            let written = written_time.or_else(|| values.field(rule.source).map(Cow::Owned));
            Some(check_time(rule, written.as_deref(), now_ms, tolerance_seconds)?)
        }
    };
    let id = provider
        .event_id
        .iter()
        .find_map(|field| Some((field, values.field(*field).filter(|id| is_id(id))?)));
    Ok(Verified {
        secret_index,
        event_id_signed: id.as_ref().is_some_and(|(field, _)| match field {
            Field::Header(name) => provider.signs_header(name),
            Field::SignaturePair | Field::Json(_) => true,
        }),
        event_id: id.map(|(_, id)| id),
        event_type: provider
            .event_type
            .iter()
            .find_map(|field| values.field(*field).filter(|kind| is_type(kind))),
        timestamp_ms,
        challenge: secrets
            .get(secret_index)
            .and_then(|secret| challenge::answer(provider, secret, |path| values.json(path))),
    })
}

/// The timestamp as written outside the body, checked for form alone.
fn written_time<'h, H: Headers + ?Sized>(
    provider: &Provider,
    headers: &'h H,
    signatures: &'h Signatures,
) -> Result<Option<Cow<'h, str>>, Refusal> {
    let Some(rule) = provider.timestamp else { return Ok(None) };
    let written = match rule.source {
        Field::Header(name) => headers.get(name),
        Field::SignaturePair => signatures.timestamp.as_deref().map(Cow::Borrowed),
        Field::Json(_) => return Ok(None),
    };
    let written = written.ok_or(Refusal::TimestampMissing)?;
    rule.unit.parse(&written).ok_or(Refusal::TimestampMalformed)?;
    Ok(Some(written))
}

/// The values of the signed headers, in the order of their parts.
///
/// In `{id}.{timestamp}.{body}` the same string can be cut in other places: an id that takes in the timestamp, and a
/// newer time out of the body. So an id holds neither what a JSON object, array or string begins with ([`is_id`]) nor,
/// after a dot, what could be a Unix time.
fn signed_headers<'h, H: Headers + ?Sized>(
    provider: &Provider,
    headers: &'h H,
) -> Result<Vec<Cow<'h, str>>, Refusal> {
    let names = provider
        .signed
        .iter()
        .filter_map(|part| if let Part::Header(name) = part { Some(name) } else { None });
    names
        .map(|name| {
            let value = headers.get(name).ok_or(Refusal::SignedHeaderMissing)?;
            let holds_time = value.split('.').skip(1).any(is_time);
            if is_id(&value) && !holds_time { Ok(value) } else { Err(Refusal::SignedHeaderMalformed) }
        })
        .collect()
}

/// The signed string, in parts.
fn message<'m, H: ?Sized>(
    provider: &Provider,
    request: &Request<'m, H>,
    time: Option<&'m str>,
    signed_headers: &'m [Cow<'m, str>],
) -> Vec<&'m [u8]> {
    let mut signed_headers = signed_headers.iter();
    let part = |part: &Part| match part {
        Part::Text(text) => text.as_bytes(),
        Part::Body => request.body,
        Part::Timestamp => time.unwrap_or_default().as_bytes(),
        Part::Header(_) => signed_headers.next().map(|value| value.as_bytes()).unwrap_or_default(),
        Part::Method => request.method.as_bytes(),
        Part::Url => request.url.as_bytes(),
    };
    provider.signed.iter().map(part).collect()
}

/// Compares every candidate with every secret's tag, whichever matches first.
fn matching_secret(
    provider: &Provider,
    secrets: &[SecretKey],
    message: &[&[u8]],
    signatures: &Signatures,
) -> Result<usize, Refusal> {
    let mut matching = None;
    for (index, secret) in secrets.iter().enumerate() {
        let tag = provider.algorithm.tag(secret, message);
        let matches = signatures.candidates.iter().fold(Choice::from(0), |any, one| any | tag.ct_eq(one));
        if bool::from(matches) {
            matching = matching.or(Some(index));
        }
    }
    matching.ok_or(Refusal::SignatureInvalid)
}

fn check_time(
    rule: Timestamp,
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
    paths: Vec<Path>,
    found: Vec<Option<String>>,
}

impl<'r, H: Headers + ?Sized> Values<'r, H> {
    fn read(provider: &Provider, request: &Request<'r, H>) -> Self {
        let fields = provider.event_id.iter().chain(provider.event_type);
        let fields = fields.copied().chain(provider.timestamp.map(|rule| rule.source));
        let json = fields.filter_map(|field| if let Field::Json(path) = field { Some(path) } else { None });
        let paths: Vec<Path> =
            json.chain(provider.challenge.into_iter().flat_map(|rule| [rule.kind.0, rule.token])).collect();
        let found = if paths.is_empty() { Vec::new() } else { json::pick(request.body, &paths) };
        Values { headers: request.headers, paths, found }
    }

    fn field(&self, field: Field) -> Option<String> {
        match field {
            Field::Header(name) => self.headers.get(name).map(Cow::into_owned),
            Field::Json(path) => self.json(path).map(str::to_owned),
            Field::SignaturePair => None,
        }
    }

    fn json(&self, path: Path) -> Option<&str> {
        let mut pairs = self.paths.iter().zip(&self.found);
        pairs.find_map(|(its_path, found)| if *its_path == path { found.as_deref() } else { None })
    }
}

/// An id: 1 to 128 of the characters that ids are made of, none of which begins a JSON text's object, array or string.
fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:+/=@".contains(&byte))
}

/// Digits enough for the seconds since 1970 of any day after 2001.
fn is_time(text: &str) -> bool {
    text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A type or token: 1 to 128 printable ASCII characters, no space.
pub(crate) fn is_type(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
