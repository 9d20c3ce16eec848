//! Requests vouched for by a JSON Web Token (RFC 7519): HS256, and a claim that holds a hash of the request.
//!
//! The token's own MAC is checked first, always as HS256 and whatever its header says; header and claims are parsed only
//! then, and a header that names another algorithm is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::encoding::encode_hex;
use crate::headers::Headers;
use crate::json::pick_once;
use crate::provider::{Algorithm, Binding, Encoding, Jwt, Unit};
use crate::secret::SecretKey;
use crate::signatures::MAX_HEADER;
use crate::url;
use crate::verify::{Proof, Refusal, Request};

/// How far the sender's clock may be off, in seconds.
const LEEWAY_SECONDS: u64 = 60;
/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Checks a token, that it is of this request, and its times.
///
/// `lifetime_seconds` replaces the longest time from now to the token's end that the row allows.
pub(crate) fn verify<H: Headers + ?Sized>(
    jwt: &Jwt<'_>,
    secrets: &[SecretKey],
    request: &Request<'_, H>,
    now_ms: u64,
    lifetime_seconds: Option<u64>,
) -> Result<Proof, Refusal> {
    let value = request.headers.get(jwt.header).ok_or(Refusal::SignatureMissing)?;
    if value.len() > MAX_HEADER {
        return Err(Refusal::SignatureMalformed);
    }
    if value.contains(", ") {
        return Err(Refusal::SignatureDoubled);
    }
    let token = value.strip_prefix(jwt.prefix).ok_or(Refusal::SignatureMalformed)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::SignatureMalformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refusal::SignatureMalformed)?;
    let decode = |text| Encoding::Base64Url.decode(text).ok_or(Refusal::SignatureMalformed);
    let (header, claims, candidate) = (decode(header)?, decode(claims)?, decode(signature)?);

    let secret_index = secrets
        .iter()
        .position(|key| {
            Algorithm::HmacSha256.matching(key, &[signed.as_bytes()], &[candidate.clone()]).is_some()
        })
        .ok_or(Refusal::SignatureInvalid)?;

    let [algorithm] = pick(&header, [&["alg"]]);
    if algorithm.as_deref() != Some("HS256") {
        return Err(Refusal::SignatureMalformed);
    }
    let [bound, end, start, issued] = pick(&claims, [&[claim(jwt.binds)], &["exp"], &["nbf"], &["iat"]]);
    if bound.as_deref() != Some(&binding(jwt.binds, request.method, request.url, request.body)) {
        return Err(Refusal::SignatureInvalid);
    }

    let time = |text: &str| Unit::Seconds.parse(text).ok_or(Refusal::TimestampMalformed);
    let end = time(&end.ok_or(Refusal::TimestampMissing)?)?;
    let begins: Vec<u64> =
        start.into_iter().chain(issued).map(|text| time(&text)).collect::<Result<_, _>>()?;
    let leeway = LEEWAY_SECONDS * 1000;
    let lifetime = lifetime_seconds.unwrap_or(jwt.lifetime_seconds).saturating_mul(1000);
    if now_ms > end.saturating_add(leeway) {
        return Err(Refusal::TimestampTooOld);
    }
    let latest = now_ms.saturating_add(leeway);
    if begins.iter().any(|begin| *begin > latest) || end > latest.saturating_add(lifetime) {
        return Err(Refusal::TimestampInFuture);
    }
    Ok(Proof {
        secret_index,
        signature: signature.to_owned(),
        timestamp_ms: Some(begins.into_iter().max().unwrap_or(end)),
    })
}

/// A token for a request, valid for its scheme's whole lifetime.
pub(crate) fn sign(
    jwt: &Jwt<'_>,
    key: &SecretKey,
    request: &Request<'_, [(&str, String)]>,
    now_ms: u64,
) -> Option<String> {
    let issued = now_ms / 1000;
    let claims = serde_json::json!({
        "iss": "sluicegate",
        "iat": issued,
        "nbf": issued,
        "exp": issued.saturating_add(jwt.lifetime_seconds),
        claim(jwt.binds): binding(jwt.binds, request.method, request.url, request.body),
    });
    let signed = format!("{HEADER}.{}", Encoding::Base64Url.encode(claims.to_string().as_bytes()));
    let tag = Algorithm::HmacSha256.tag(key, &[signed.as_bytes()])?;
    Some(format!("{}{signed}.{}", jwt.prefix, Encoding::Base64Url.encode(&tag)))
}

fn pick<const N: usize>(json: &[u8], paths: [&[&str]; N]) -> [Option<String>; N] {
    pick_once(json, &paths).try_into().unwrap_or([const { None }; N])
}

const fn claim(binds: Binding) -> &'static str {
    match binds {
        Binding::BodyHash => "sha256",
        Binding::QueryHash => "qsh",
    }
}

/// The claim's value for a request.
fn binding(binds: Binding, method: &str, url: &str, body: &[u8]) -> String {
    match binds {
        Binding::BodyHash => STANDARD.encode(Sha256::digest(body)),
        Binding::QueryHash => encode_hex(&Sha256::digest(canonical(method, url))),
    }
}

/// Atlassian's canonical request: method, path and sorted query with `&` in between, the parameter `jwt` left out.
/// <https://developer.atlassian.com/cloud/jira/platform/understanding-jwt-for-connect-apps/#qsh>
fn canonical(method: &str, url: &str) -> String {
    let path = url::path_and_query(url).split(['?', '#']).next().unwrap_or_default().replace('&', "%26");
    let path = if path.len() > 1 { path.strip_suffix('/').unwrap_or(&path) } else { &path };

    let mut parameters: Vec<(String, String)> = url::query(url)
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (url::recode(name), url::recode(value)))
        .filter(|(name, _)| name != "jwt")
        .collect();
    parameters.sort_unstable();
    let mut query = String::new();
    let mut last: Option<&str> = None;
    for (name, value) in &parameters {
        if last == Some(name) {
            query.push(',');
        } else {
            if last.is_some() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
        }
        query.push_str(value);
        last = Some(name);
    }
    format!("{method}&{path}&{query}")
}
