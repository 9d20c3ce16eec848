//! Tests of the whole crate over the whole table.

pub(crate) mod fetched;
mod generic;
mod inside;
mod jwt;
mod properties;
mod public_key;
mod spoiled;
mod units;
mod vectors;

use crate::provider::{Algorithm, Binding, Field, Part, Parts, Place, Scheme};
use crate::sign::{Unsigned, sign_as, sign_parts};
use crate::*;
use ed25519_compact::{KeyPair, Seed};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::Value;

const NOW: u64 = 1_760_000_000_000;
const URL: &str = "https://edge.example/in/src_1";

fn key(fill: u8) -> SecretKey {
    SecretKey::from_bytes(vec![b'A' + fill; 32])
}

/// The key that verifies what `Signed` signs with the same number.
fn key_of(provider: &Provider, fill: u8) -> SecretKey {
    match provider.parts().first().map(|parts| parts.algorithm) {
        Some(Algorithm::Ed25519) => SecretKey::from_bytes(ed25519(fill).pk.to_vec()),
        Some(Algorithm::EcdsaP256) => {
            SecretKey::from_bytes(p256(fill).verifying_key().to_sec1_point(false).as_bytes().to_vec())
        }
        _ => key(fill),
    }
}

fn ed25519(fill: u8) -> KeyPair {
    KeyPair::from_seed(Seed::new([fill; 32]))
}

fn p256(fill: u8) -> SigningKey {
    SigningKey::from_slice(&[fill; 32]).unwrap()
}

/// A body as the provider's scheme needs it: with a time and an id for those who keep them there.
fn body(provider: &Provider) -> Vec<u8> {
    let body = match provider.id {
        "adyen" => {
            r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{},"amount":{"currency":"EUR","value":1130},"eventCode":"AUTHORISATION","merchantAccountCode":"TestMerchant","merchantReference":"ref: 1","pspReference":"7914073381342284","success":"true"}}]}"#
        }
        "braintree" => "bt_signature=public|00&bt_payload=PG5vdGlmaWNhdGlvbj4%3D%0A",
        "mailgun" => {
            r#"{"signature":{"token":"a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"},"event-data":{"event":"opened"}}"#
        }
        "mandrill" => "mandrill_events=%5B%7B%22event%22%3A%22send%22%7D%5D&x=a+b",
        _ => return format!(r#"{{"id":"evt_1","type":"a.b","webhookTimestamp":{NOW}}}"#).into_bytes(),
    };
    body.as_bytes().to_vec()
}

/// Whether the scheme takes a body of any bytes.
fn takes_any_body(provider: &Provider) -> bool {
    !["adyen", "braintree", "hubspot", "linear", "mailgun", "mandrill", "square"].contains(&provider.id)
}

/// A request correctly signed under `key_of(provider, 7)`, to be spoiled.
#[derive(Clone)]
struct Signed {
    provider: &'static Provider,
    method: &'static str,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Signed {
    fn new(provider: &'static Provider, body: Vec<u8>) -> Self {
        let message = Unsigned { method: "POST", url: URL, id: "msg_1", timestamp_ms: NOW, body: &body };
        let signed = match provider.parts() {
            [parts] if !parts.algorithm.is_symmetric() => sign_parts(provider, parts, &message, &|message| {
                Some(private(parts.algorithm, &message.concat()))
            }),
            _ => sign_as(provider, &key(7), &message),
        };
        let sign::Signed { headers, url, body } =
            signed.unwrap_or_else(|| panic!("{}: cannot be signed", provider.id));
        Signed { provider, method: "POST", url, headers, body }
    }

    /// With the body that suits the provider.
    fn sample(provider: &'static Provider) -> Self {
        Signed::new(provider, body(provider))
    }

    fn check(&self) -> Result<Verified, Refusal> {
        self.check_with(&[key_of(self.provider, 7)], NOW)
    }

    fn check_with(&self, secrets: &[SecretKey], now_ms: u64) -> Result<Verified, Refusal> {
        let request =
            Request { method: self.method, url: &self.url, headers: &self.headers, body: &self.body };
        verify(self.provider, secrets, &request, now_ms, None)
    }

    /// The scheme it was signed by, of those of parts.
    fn parts(&self) -> Option<&Parts<'static>> {
        self.provider.parts().iter().find(|parts| match parts.signature.place {
            Place::Headers(names) => names.iter().any(|name| self.headers.iter().any(|(its, _)| its == name)),
            Place::Json(_) | Place::Form(_) => true,
        })
    }

    /// The places among the headers that the signature stands in or covers.
    fn covered_headers(&self) -> Vec<usize> {
        let time = match self.parts().and_then(|parts| parts.timestamp).map(|rule| rule.source) {
            Some(Field::Header(name)) => name,
            _ => "",
        };
        let signs = |name: &str| {
            let mut parts = self.parts().into_iter().flat_map(|parts| parts.signed);
            parts.any(|part| matches!(part, Part::Header(its) | Part::ListedHeaders(its) if *its == name))
        };
        let covered = |name: &str| {
            name == time || signs(name) || self.provider.signature_headers().any(|its| its == name)
        };
        (0..self.headers.len()).filter(|&at| covered(self.headers[at].0)).collect()
    }

    /// What the signature covers of the body, read by other means than the crate's.
    fn covered_body(&self) -> Vec<Option<String>> {
        let whole = || vec![Some(format!("{:?}", self.body))];
        let Some(parts) = self.parts() else {
            let Scheme::Jwt(jwt) = self.provider.scheme else { return Vec::new() };
            return if jwt.binds == Binding::BodyHash { whole() } else { Vec::new() };
        };
        let form: Vec<(String, String)> = ::url::form_urlencoded::parse(&self.body).into_owned().collect();
        let json: Option<Value> = serde_json::from_slice(&self.body).ok();
        let part = |part: &Part<'_>| match part {
            Part::Body => whole(),
            Part::SortedForm { .. } if self.url.contains("bodySHA256") => whole(),
            Part::SortedForm { .. } => {
                let mut fields = form.clone();
                fields.sort();
                vec![Some(fields.into_iter().map(|(name, value)| name + &value).collect())]
            }
            Part::Form(name) => {
                form.iter().filter(|(its, _)| its == name).map(|(_, value)| Some(value.clone())).collect()
            }
            Part::Json { path, .. } => vec![json.as_ref().and_then(|json| at(json, path))],
            Part::Timestamp => match parts.timestamp.map(|rule| rule.source) {
                Some(Field::Json(path)) => vec![json.as_ref().and_then(|json| at(json, path))],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        parts.signed.iter().flat_map(part).collect()
    }
}

/// A signature by the private key of `key_of(_, 7)`.
fn private(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Ed25519 => ed25519(7).sk.sign(message, None).to_vec(),
        _ => {
            let signature: DerSignature = p256(7).sign(message);
            signature.as_bytes().to_vec()
        }
    }
}

fn at(json: &Value, path: &[&str]) -> Option<String> {
    let found = path.iter().try_fold(json, |value, key| match value.as_array() {
        Some(only) if *key == "[]" && only.len() == 1 => only.first(),
        Some(_) => None,
        None => value.get(key),
    })?;
    Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
}
