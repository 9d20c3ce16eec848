//! PayPal: RSA over `id|time|webhook id|crc32(body)`, by the key of a certificate whose URL is in a header. The source's
//! secret is the webhook's id. <https://developer.paypal.com/api/rest/webhooks/rest/>
//!
//! A CRC-32 can be kept while a body is changed, so the signature vouches for the transmission and hardly for the body: who
//! has seen one request can make others that verify. They all have the id of that transmission, which is signed and so is
//! what an event is deduped by: none of them is stored once the genuine one is.

use crate::certificate::Hash;
use crate::fetched::{Claims, Fetched, KeySource, Pending, Signature, host_and_path, text_of};
use crate::headers::Headers;
use crate::json;
use crate::provider::{Encoding, Unit};
use crate::secret::SecretKey;
use crate::verify::{Refusal, Request, is_type};

const ID: &str = "paypal-transmission-id";
const TIME: &str = "paypal-transmission-time";
pub(crate) const SIGNATURE: &str = "paypal-transmission-sig";
const CERTIFICATE: &str = "paypal-cert-url";
const ALGORITHM: &str = "paypal-auth-algo";

/// The hosts of the API, where certificates are.
const HOSTS: [&str; 4] =
    ["api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com", "api-m.sandbox.paypal.com"];

/// Longest header read, in bytes: a signature of 4096 bits in base64 is 684.
const MAX_HEADER: usize = 1024;

pub(crate) fn read<H: Headers + ?Sized>(
    secrets: &[SecretKey],
    request: &Request<'_, H>,
) -> Result<Pending, Refusal> {
    if secrets.is_empty() {
        return Err(Refusal::NoSecret);
    }
    let header = |name: &str, missing: Refusal| {
        let value = request.headers.get(name).ok_or(missing)?;
        if value.contains(", ") {
            return Err(Refusal::SignatureDoubled);
        }
        if value.len() > MAX_HEADER { Err(Refusal::SignatureMalformed) } else { Ok(value) }
    };
    let signature = header(SIGNATURE, Refusal::SignatureMissing)?;
    let signature = Encoding::Base64.decode(&signature).ok_or(Refusal::SignatureMalformed)?;
    if header(ALGORITHM, Refusal::SignedHeaderMissing)? != "SHA256withRSA" {
        return Err(Refusal::AlgorithmRefused);
    }
    let id = header(ID, Refusal::SignedHeaderMissing)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) {
        return Err(Refusal::SignedHeaderMalformed);
    }
    let time = header(TIME, Refusal::TimestampMissing)?;
    let timestamp_ms = Unit::Rfc3339.parse(&time).ok_or(Refusal::TimestampMalformed)?;
    let url = header(CERTIFICATE, Refusal::SignedHeaderMissing)?;
    let url = certificate_url(&url).ok_or(Refusal::KeyUrlRefused)?;

    let crc = crc32(request.body);
    let message = |webhook_id: &str| format!("{id}|{time}|{webhook_id}|{crc}").into_bytes();
    let signed = secrets.iter().enumerate();
    let signed = signed.filter_map(|(index, secret)| Some((index, message(text_of(secret)?)))).collect();
    let event_type = json::pick(request.body, &[&["event_type"]]).pop().flatten();
    Ok(Pending {
        key: KeySource::Certificate(url),
        signature: Signature::Rsa(Hash::Sha256, signature),
        signed,
        timestamp_ms,
        tolerance: Fetched::PayPal.tolerance(),
        claims: Claims {
            event_id: Some(id.into_owned()),
            event_type: event_type.filter(|kind| is_type(kind)),
            confirm_url: None,
        },
    })
}

/// Whether a text is such as PayPal gives a webhook for its id.
pub(crate) fn is_webhook_id(text: &str) -> bool {
    (10..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// `https://api.paypal.com/v1/notifications/certs/CERT-…`, and its like on the API's other hosts.
fn certificate_url(url: &str) -> Option<String> {
    let (host, path) = host_and_path(url)?;
    let name = path.strip_prefix("/v1/notifications/certs/")?;
    (HOSTS.contains(&host) && !name.is_empty() && !name.contains('/'))
        .then(|| ["https://", host, path].concat())
}

/// CRC-32 as of IEEE 802.3, reflected.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, byte| {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        TABLE.get(index as usize).copied().unwrap_or_default() ^ (crc >> 8)
    })
}

#[allow(clippy::indexing_slicing, reason = "at compile time")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests;
