//! Amazon SNS: RSA over some fields of the JSON body, by the key of a certificate whose URL is another of its fields. The
//! source's secret is the ARN of its topic, since everybody's topics are signed with the same keys.
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>
//!
//! Signed is `Name\nvalue\n` for each field, so a value with line breaks could be taken for others. Only `Message` may have
//! them; the rest is checked to be of one line, and the string can then be read in one way alone.
//!
//! A subscription is confirmed by fetching a signed URL: [`crate::Verified::confirm_url`].

use serde::Deserialize;

use crate::certificate::Hash;
use crate::fetched::{Claims, Fetched, KeySource, Pending, Signature, host_and_path, text_of};
use crate::headers::Headers;
use crate::provider::{Encoding, Unit};
use crate::secret::SecretKey;
use crate::verify::{Refusal, Request};

/// Longest signature read, in bytes of base64.
const MAX_SIGNATURE: usize = 1024;

/// A message. A field that comes twice is refused; what is not signed is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: String,
    message_id: String,
    topic_arn: String,
    message: String,
    subject: Option<String>,
    timestamp: String,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

pub(crate) fn read<H: Headers + ?Sized>(
    secrets: &[SecretKey],
    request: &Request<'_, H>,
) -> Result<Pending, Refusal> {
    if secrets.is_empty() {
        return Err(Refusal::NoSecret);
    }
    let envelope: Envelope = serde_json::from_slice(request.body).map_err(|_| Refusal::SignatureMissing)?;
    let of_source = |secret: &SecretKey| text_of(secret) == Some(&envelope.topic_arn);
    let secret_index = secrets.iter().position(of_source).ok_or(Refusal::AnotherTopic)?;

    let hash = match envelope.signature_version.as_str() {
        "1" => Hash::Sha1,
        "2" => Hash::Sha256,
        _ => return Err(Refusal::AlgorithmRefused),
    };
    let signature = Some(&envelope.signature).filter(|text| text.len() <= MAX_SIGNATURE);
    let signature =
        signature.and_then(|text| Encoding::Base64.decode(text)).ok_or(Refusal::SignatureMalformed)?;
    let own_host = host_of(&envelope.topic_arn).ok_or(Refusal::KeyUrlRefused)?;
    let url = certificate_url(&envelope.signing_cert_url, &own_host).ok_or(Refusal::KeyUrlRefused)?;
    let signed = envelope.signed().ok_or(Refusal::SignatureMalformed)?;
    let timestamp_ms = Unit::Rfc3339.parse(&envelope.timestamp).ok_or(Refusal::TimestampMalformed)?;
    let confirm_url = match (envelope.r#type.as_str(), &envelope.subscribe_url) {
        ("SubscriptionConfirmation", Some(url)) => {
            Some(confirm_url(url, &own_host).ok_or(Refusal::KeyUrlRefused)?)
        }
        _ => None,
    };
    Ok(Pending {
        key: KeySource::Certificate(url),
        signature: Signature::Rsa(hash, signature),
        signed: vec![(secret_index, signed.into_bytes())],
        timestamp_ms,
        tolerance: Fetched::AwsSns.tolerance(),
        claims: Claims {
            event_id: Some(envelope.message_id),
            event_type: Some(envelope.r#type),
            confirm_url,
        },
    })
}

impl Envelope {
    /// The signed string; `None` where it would not be this message's alone.
    fn signed(&self) -> Option<String> {
        let with_token = match self.r#type.as_str() {
            "Notification" => false,
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => true,
            _ => return None,
        };
        let between: &[(&str, Option<&str>)] = if with_token {
            &[("SubscribeURL", Some(self.subscribe_url.as_deref()?))]
        } else {
            &[("Subject", self.subject.as_deref())]
        };
        let token = if with_token { Some(self.token.as_deref()?) } else { None };
        let rest = [("Timestamp", Some(self.timestamp.as_str())), ("Token", token)]
            .into_iter()
            .chain([("TopicArn", Some(self.topic_arn.as_str())), ("Type", Some(self.r#type.as_str()))]);
        let fields = std::iter::once(("MessageId", Some(self.message_id.as_str())))
            .chain(between.iter().copied())
            .chain(rest);

        let mut signed = ["Message\n", &self.message, "\n"].concat();
        for (name, value) in fields {
            let Some(value) = value else { continue };
            if value.contains(['\n', '\r']) || value.len() > 2048 {
                return None;
            }
            for part in [name, "\n", value, "\n"] {
                signed.push_str(part);
            }
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        ((1..=64).contains(&self.message_id.len()) && self.message_id.bytes().all(plain)).then_some(signed)
    }
}

/// Whether a text is the ARN of a topic: `arn:aws:sns:us-east-1:123456789012:name`.
pub(crate) fn is_topic(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [arn, partition, service, region, account, name] = parts.as_slice() else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (*arn, *service) == ("arn", "sns")
        && partition.starts_with("aws")
        && is_region(region)
        && [account, name].iter().all(|part| !part.is_empty() && part.bytes().all(plain))
}

/// `https://sns.us-east-1.amazonaws.com/SimpleNotificationService-….pem`.
fn certificate_url(url: &str, own_host: &str) -> Option<String> {
    let (host, path) = host_and_path(url).filter(|(host, _)| *host == own_host)?;
    let name = path.strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem")?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| ["https://", host, path].concat())
}

/// `https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=…&Token=…`.
fn confirm_url(url: &str, own_host: &str) -> Option<String> {
    let (base, query) = url.split_once('?')?;
    let (host, _) = host_and_path(base).filter(|(host, path)| *host == own_host && *path == "/")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:=&%".contains(&byte);
    let confirms = query.starts_with("Action=ConfirmSubscription&") && query.bytes().all(plain);
    confirms.then(|| ["https://", host, "/?", query].concat())
}

/// The service's own host in a topic's region. Other names under `amazonaws.com` are anybody's: a bucket `sns` is at
/// `sns.s3-us-west-2.amazonaws.com`.
fn host_of(topic: &str) -> Option<String> {
    let mut parts = topic.split(':').skip(1);
    let (partition, region) = (parts.next()?, parts.nth(1)?);
    let top = if partition == "aws-cn" { ".amazonaws.com.cn" } else { ".amazonaws.com" };
    is_region(region).then(|| ["sns.", region, top].concat())
}

/// `us-west-2`, `us-gov-east-1`: the first word is a region's, no other service's.
fn is_region(text: &str) -> bool {
    let mut words = text.split('-');
    let area = words.next().is_some_and(|word| word.len() == 2 && is_lower(word));
    let number =
        words.next_back().is_some_and(|word| word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit()));
    let between: Vec<&str> = words.collect();
    area && number && (1..=2).contains(&between.len()) && between.iter().all(|word| is_lower(word))
}

fn is_lower(word: &str) -> bool {
    (1..=16).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;
