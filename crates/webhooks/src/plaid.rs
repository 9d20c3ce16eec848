//! Plaid: a JSON Web Token (ES256) whose claim is the body's SHA-256, by a public key that Plaid's API gives for its id. The
//! source's secret is the API's credential and stays where that is asked ([`crate::Row::secret_stays`]).
//!
//! Plaid gives its events no id and two of them may have the same body, so the token is what an event is known by.
//! <https://plaid.com/docs/api/webhooks/webhook-verification/>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature as Es256, VerifyingKey};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::encoding::encode_hex;
use crate::fetched::{Claims, Fetched, KeySource, Pending, Signature};
use crate::headers::Headers;
use crate::json;
use crate::provider::{Encoding, Path, Unit};
use crate::verify::{Refusal, Request, is_type, signature_hash};

pub(crate) const HEADER: &str = "plaid-verification";
/// Longest token read, in bytes.
const MAX_TOKEN: usize = 2048;

/// What the source's secret holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Of the Plaid account.
    pub client_id: SecretString,
    /// Of its environment.
    pub secret: SecretString,
    #[serde(default)]
    environment: Environment,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Environment {
    #[default]
    Production,
    Sandbox,
}

impl Credential {
    /// Reads a source's secret.
    #[must_use]
    pub fn read(secret: &str) -> Option<Self> {
        serde_json::from_str(secret).ok()
    }

    /// Where the credential is good, and nowhere else is it sent.
    #[must_use]
    pub fn key_url(&self) -> &'static str {
        match self.environment {
            Environment::Production => "https://production.plaid.com/webhook_verification_key/get",
            Environment::Sandbox => "https://sandbox.plaid.com/webhook_verification_key/get",
        }
    }
}

/// A P-256 key.
#[derive(Debug)]
pub(crate) struct PublicJwk(VerifyingKey);

impl PublicJwk {
    /// Reads RFC 7517. `None` unless it is an ES256 key of this id whose time is not over.
    pub(crate) fn read(jwk: &Value, id: &str) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let expected = [("kid", id), ("kty", "EC"), ("crv", "P-256"), ("alg", "ES256"), ("use", "sig")];
        let ended = jwk.get("expired_at").is_some_and(|at| !at.is_null());
        if ended || expected.iter().any(|(name, value)| text(name) != Some(value)) {
            return None;
        }
        let coordinate = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok().filter(|bytes| bytes.len() == 32);
        let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
        VerifyingKey::from_sec1_bytes(&point).ok().map(Self)
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Es256::from_slice(signature) else { return false };
        self.0.verify_prehash(&Sha256::digest(message), &signature).is_ok()
    }
}

pub(crate) fn read<H: Headers + ?Sized>(request: &Request<'_, H>) -> Result<Pending, Refusal> {
    let token = request.headers.get(HEADER).ok_or(Refusal::SignatureMissing)?;
    if token.contains(", ") {
        return Err(Refusal::SignatureDoubled);
    }
    let malformed = Refusal::SignatureMalformed;
    if token.len() > MAX_TOKEN {
        return Err(malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(malformed)?;
    let decode = |text| Encoding::Base64Url.decode(text).ok_or(malformed);
    let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);

    let [algorithm, id] = pick(&header, [&["alg"], &["kid"]]);
    if algorithm.as_deref() != Some("ES256") {
        return Err(Refusal::AlgorithmRefused);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_plain = |id: &String| (1..=64).contains(&id.len()) && id.bytes().all(plain);
    let id = id.filter(is_plain).ok_or(malformed)?;

    let [issued, hash] = pick(&claims, [&["iat"], &["request_body_sha256"]]);
    let timestamp_ms = Unit::Seconds.parse(&issued.ok_or(Refusal::TimestampMissing)?);
    let timestamp_ms = timestamp_ms.ok_or(Refusal::TimestampMalformed)?;
    let own_hash = encode_hex(&Sha256::digest(request.body));
    if !bool::from(own_hash.as_bytes().ct_eq(hash.ok_or(malformed)?.as_bytes())) {
        return Err(Refusal::SignatureInvalid);
    }

    // Of a valid ES256 signature anybody can make a second one, by the sign of `s`: it must not be a second event.
    let signature = Es256::from_slice(&signature).map_err(|_| malformed)?.normalize_s().to_bytes().to_vec();

    let [kind, code] = pick(request.body, [&["webhook_type"], &["webhook_code"]]);
    let event_type = kind.zip(code).map(|(kind, code)| [kind, code].join("."));
    Ok(Pending {
        key: KeySource::Id(id),
        claims: Claims {
            event_id: Some(signature_hash(&signature)),
            event_type: event_type.filter(|kind| is_type(kind)),
            confirm_url: None,
        },
        signature: Signature::Es256(signature),
        signed: vec![(0, signed.as_bytes().to_vec())],
        timestamp_ms,
        tolerance: Fetched::Plaid.tolerance(),
    })
}

fn pick<const N: usize>(document: &[u8], paths: [Path<'_>; N]) -> [Option<String>; N] {
    json::pick_once(document, &paths).try_into().unwrap_or([const { None }; N])
}

#[cfg(test)]
mod tests;
