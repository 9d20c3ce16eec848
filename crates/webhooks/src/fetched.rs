//! Providers whose verification key has to be fetched: a certificate by a URL in the request, or a public key by its id.
//!
//! Reading a request ([`read`]) gives a [`Pending`]; who has fetched what its [`KeySource`] names finishes it with
//! [`Pending::verify`]. Nothing here does I/O.
//!
//! What to fetch stands in the request and is not signed, so everything hangs on where it may be fetched from: a URL is
//! taken to pieces here and put together again from nothing but a pinned host and a plain path, and a key id is asked for
//! at the provider's own API alone. The algorithm is the scheme's and never the request's to choose.

use secrecy::ExposeSecret;

use crate::certificate::{Certificate, Hash};
use crate::headers::Headers;
use crate::plaid::{self, PublicJwk};
use crate::provider::{Row, Scheme};
use crate::secret::SecretKey;
use crate::verify::{Refusal, Request, Verified};
use crate::{paypal, sns};

/// A scheme whose key is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetched {
    AwsSns,
    PayPal,
    Plaid,
}

/// What to fetch, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A PEM certificate by a GET of this `https` URL, on the provider's own host. No redirect may be followed.
    Certificate(String),
    /// The public key of this id, from the provider's API, by the credential that the source's secret is.
    Id(String),
}

/// What was fetched, as [`KeySource`] names it. Holds no secret.
#[derive(Debug)]
pub struct FetchedKey(Key);

#[derive(Debug)]
enum Key {
    Certificate(Certificate),
    Jwk(PublicJwk),
}

impl FetchedKey {
    /// The first certificate of a PEM file.
    ///
    /// # Errors
    /// [`Refusal::KeyUnusable`]: there is none, or none with an RSA key of 2048 to 4096 bits.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Refusal> {
        Certificate::from_pem(pem).map(|it| Self(Key::Certificate(it))).ok_or(Refusal::KeyUnusable)
    }

    /// A JWK (RFC 7517) of the id that was asked for.
    ///
    /// # Errors
    /// [`Refusal::KeyUnusable`]: it is no ES256 key of that id, or has ended.
    pub fn from_jwk(jwk: &serde_json::Value, id: &str) -> Result<Self, Refusal> {
        PublicJwk::read(jwk, id).map(|it| Self(Key::Jwk(it))).ok_or(Refusal::KeyUnusable)
    }
}

/// A request that wants only its key to be verified.
#[derive(Debug)]
pub struct Pending {
    /// The key that it names.
    pub key: KeySource,
    pub(crate) signature: Signature,
    /// What is signed, for each secret that it may be signed for.
    pub(crate) signed: Vec<(usize, Vec<u8>)>,
    pub(crate) timestamp_ms: u64,
    pub(crate) tolerance: Tolerance,
    /// What it says of itself, true once it is verified.
    pub(crate) claims: Claims,
}

/// A signature as it was sent.
#[derive(Debug)]
pub(crate) enum Signature {
    Rsa(Hash, Vec<u8>),
    /// `r` and `s`, 32 bytes each.
    Es256(Vec<u8>),
}

/// How far a signed time may lie from now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) past_seconds: u64,
    pub(crate) future_seconds: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// Covered by the signature, all of them.
    pub(crate) event_id: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) confirm_url: Option<String>,
}

impl Pending {
    /// Checks the signature, the key's own time, and the request's.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn verify(self, key: &FetchedKey, now_ms: u64) -> Result<Verified, Refusal> {
        let is_valid = |message: &[u8]| match (&key.0, &self.signature) {
            (Key::Certificate(certificate), Signature::Rsa(hash, signature)) => {
                certificate.verify(*hash, message, signature)
            }
            (Key::Jwk(jwk), Signature::Es256(signature)) => jwk.verify(message, signature),
            _ => false,
        };
        let of_secret = self.signed.iter().find(|(_, message)| is_valid(message));
        let secret_index = of_secret.map(|(index, _)| *index).ok_or(Refusal::SignatureInvalid)?;
        if let Key::Certificate(certificate) = &key.0
            && !certificate.is_current(now_ms / 1000)
        {
            return Err(Refusal::KeyExpired);
        }
        let age = |seconds: u64| seconds.saturating_mul(1000);
        if now_ms.saturating_sub(self.timestamp_ms) > age(self.tolerance.past_seconds) {
            return Err(Refusal::TimestampTooOld);
        }
        if self.timestamp_ms.saturating_sub(now_ms) > age(self.tolerance.future_seconds) {
            return Err(Refusal::TimestampInFuture);
        }
        Ok(Verified {
            secret_index,
            event_id_signed: self.claims.event_id.is_some(),
            event_id: self.claims.event_id,
            event_type: self.claims.event_type,
            timestamp_ms: Some(self.timestamp_ms),
            challenge: None,
            confirm_url: self.claims.confirm_url,
        })
    }
}

/// Reads a request of a provider whose key is fetched.
///
/// # Errors
/// [`Refusal`]: whatever can be found wrong before there is a key.
pub fn read<H: Headers + ?Sized>(
    row: &Row<'_>,
    secrets: &[SecretKey],
    request: &Request<'_, H>,
) -> Result<Pending, Refusal> {
    match row.scheme {
        Scheme::Fetched(Fetched::AwsSns) => sns::read(secrets, request),
        Scheme::Fetched(Fetched::PayPal) => paypal::read(secrets, request),
        Scheme::Fetched(Fetched::Plaid) => plaid::read(request),
        _ => Err(Refusal::SchemeMissing),
    }
}

impl Fetched {
    pub(crate) const fn tolerance(self) -> Tolerance {
        match self {
            // Amazon's own advice: messages over an hour old are not to be taken.
            Self::AwsSns => Tolerance { past_seconds: 3_600, future_seconds: 300 },
            // PayPal goes on trying for three days.
            Self::PayPal => Tolerance { past_seconds: 3 * 86_400 + 3_600, future_seconds: 300 },
            Self::Plaid => Tolerance { past_seconds: 300, future_seconds: 300 },
        }
    }

    /// The header that the signature stands in, lower case.
    pub(crate) const fn header(self) -> Option<&'static str> {
        match self {
            Self::AwsSns => None,
            Self::PayPal => Some(paypal::SIGNATURE),
            Self::Plaid => Some(plaid::HEADER),
        }
    }

    /// Whether a source's secret is of the right kind.
    pub(crate) fn takes(self, pasted: &str) -> bool {
        match self {
            Self::AwsSns => sns::is_topic(pasted),
            Self::PayPal => paypal::is_webhook_id(pasted),
            Self::Plaid => plaid::Credential::read(pasted).is_some(),
        }
    }
}

impl Row<'_> {
    /// Whether requests are verified by [`read`] and a key that is fetched, rather than by [`crate::verify()`].
    #[must_use]
    pub fn fetches_key(&self) -> bool {
        matches!(self.scheme, Scheme::Fetched(_))
    }

    /// Whether the source's secret is a credential for the provider's API, by which the control plane fetches public keys.
    /// Then it is no business of the edge's.
    #[must_use]
    pub fn secret_stays(&self) -> bool {
        matches!(self.scheme, Scheme::Fetched(Fetched::Plaid))
    }
}

/// Takes an `https` URL to pieces: host and path. `None` for one with a user, a port, a query, a fragment, or characters
/// that no plain path has.
pub(crate) fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://").filter(|_| url.len() <= 256)?;
    let (host, path) = rest.split_at_checked(rest.find('/')?)?;
    let plain_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let plain_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let plain = host.bytes().all(plain_host) && path.bytes().all(plain_path) && !path.contains("..");
    plain.then_some((host, path))
}

/// A secret that is no key but a name to compare with, such as a topic.
pub(crate) fn text_of(secret: &SecretKey) -> Option<&str> {
    std::str::from_utf8(secret.0.expose_secret()).ok()
}
