//! What is measured: for each scenario the request, the same for everyone but for the credential, and the answer that
//! must come back.

use super::contestant::{Contestant, WEBHOOK_SECRET, hmac_sha256};
use super::http::{Answer, Connection};
use anyhow::{Context as _, Result, bail, ensure};
use std::io::Write as _;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

const WEBHOOK_BYTES: usize = 1024;
/// Bodies may differ in length by a tenth: ids and request ids are not written alike everywhere.
const TOLERANCE: f64 = 0.1;

/// One thing that a request can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A small answer with the whole set of security headers, request id and rate limit.
    FullHeaders,
    /// A credential that this isolate has seen before.
    KeyVerifiedWarm,
    /// A well-formed credential with a bad signature.
    Refused401,
    /// A signed webhook of 1 KiB, verified, stored once in a SQLite Durable Object, acknowledged.
    Webhook1Kb,
}

impl Scenario {
    /// All, in the order of the report.
    pub const ALL: [Self; 4] = [Self::FullHeaders, Self::KeyVerifiedWarm, Self::Refused401, Self::Webhook1Kb];

    /// As in the report and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullHeaders => "full_headers",
            Self::KeyVerifiedWarm => "key_verified_warm",
            Self::Refused401 => "refused_401",
            Self::Webhook1Kb => "webhook_1kb",
        }
    }
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name).with_context(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no scenario {name:?}: {names}")
        })
    }
}

/// What a contestant gave out, to be presented to it.
pub(super) struct Credentials {
    /// A token or API key that stands.
    pub(super) good: String,
    /// Where its webhooks go, the path's last part.
    pub(super) source: String,
}

/// A request and its answer, to be repeated.
pub(super) struct Exchange {
    request: Request,
    pub(super) expected: Expected,
}

enum Request {
    Same(Vec<u8>),
    /// Each its own event.
    Webhook {
        path: String,
        next: AtomicU64,
    },
}

/// What the answer must be.
pub(super) struct Expected {
    status: u16,
    header: &'static str,
    body: &'static str,
}

impl Exchange {
    pub(super) fn new(scenario: Scenario, credentials: &Credentials) -> Result<Self> {
        let get = |path: &str, bearer: Option<&str>| {
            let authorization = bearer.map(|token| format!("authorization: Bearer {token}\r\n"));
            let head = format!("GET {path} HTTP/1.1\r\n{COMMON}{}\r\n", authorization.unwrap_or_default());
            Request::Same(head.into_bytes())
        };
        let json = "content-type: application/json";
        let (request, status, header, body) = match scenario {
            Scenario::FullHeaders => (get("/healthz", None), 200, json, r#"{"status":"ok"}"#),
            Scenario::KeyVerifiedWarm => {
                (get("/v1/auth/check", Some(&credentials.good)), 200, json, r#""org_id":"org_"#)
            }
            Scenario::Refused401 => {
                let request = get("/v1/auth/check", Some(&forged(&credentials.good)?));
                (request, 401, "content-type: application/problem+json", r#""code":"unauthenticated""#)
            }
            Scenario::Webhook1Kb => {
                let path = format!("/in/{}", credentials.source);
                (Request::Webhook { path, next: AtomicU64::new(0) }, 200, json, r#""duplicate":false"#)
            }
        };
        Ok(Self { request, expected: Expected { status, header, body } })
    }

    /// Writes the next request, replacing what `out` holds.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        match &self.request {
            Request::Same(request) => {
                request.clone_into(out);
                Ok(())
            }
            Request::Webhook { path, next } => {
                webhook(path, next.fetch_add(1, Ordering::Relaxed), WEBHOOK_SECRET, out)
            }
        }
    }
}

/// What an API client behind Cloudflare or a TLS proxy sends.
const COMMON: &str = "host: localhost\r\nuser-agent: sluicegate-bench/1\r\naccept: application/json\r\n\
    accept-encoding: gzip, br\r\nx-forwarded-proto: https\r\ncf-connecting-ip: 203.0.113.7\r\n";

/// A delivery as GitHub signs it; its number makes it an event of its own.
/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
fn webhook(path: &str, number: u64, secret: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let delivery = format!("00000000-0000-4000-8000-{number:012x}");
    let mut body = format!(r#"{{"action":"opened","delivery":"{delivery}","text":""#);
    let filler = WEBHOOK_BYTES.saturating_sub(body.len() + r#""}"#.len());
    body.extend(std::iter::repeat_n('x', filler));
    body.push_str(r#""}"#);
    let signature: String =
        hmac_sha256(secret, body.as_bytes())?.iter().map(|byte| format!("{byte:02x}")).collect();
    out.clear();
    Ok(write!(
        out,
        "POST {path} HTTP/1.1\r\n{COMMON}content-type: application/json\r\ncontent-length: {}\r\n\
         x-github-event: issues\r\nx-github-delivery: {delivery}\r\nx-hub-signature-256: sha256={signature}\r\n\r\n{body}",
        body.len(),
    )?)
}

/// The same token with one character of its signature changed.
fn forged(token: &str) -> Result<String> {
    let at = token.len().checked_sub(8).context("a token of its usual length")?;
    let (before, rest) = token.split_at(at);
    let other = if rest.starts_with('a') { 'b' } else { 'a' };
    Ok(before.chars().chain([other]).chain(rest.chars().skip(1)).collect())
}

impl Expected {
    /// # Errors
    /// When the answer is another.
    pub(super) fn check(&self, answer: &Answer) -> Result<()> {
        let Self { status, header, body } = self;
        ensure!(answer.status() == Some(*status), "not the expected status {status}");
        ensure!(
            answer.head.lines().any(|line| line.eq_ignore_ascii_case(header)),
            "without the expected header {header}"
        );
        ensure!(answer.text().contains(body), "without {body} in its body");
        Ok(())
    }
}

/// Makes sure that everyone does the same work before it is timed: the same headers in every answer, bodies of the same
/// length; for webhooks also that a second delivery is no new event, and that a bad signature is refused.
///
/// # Errors
/// When a contestant does less or other than the first.
pub(super) fn check_parity(contestants: &[Contestant], exchanges: &[Exchange]) -> Result<()> {
    let mut ours: Option<(Vec<String>, usize)> = None;
    for (contestant, exchange) in contestants.iter().zip(exchanges) {
        let (names, length) = probe(contestant, exchange).context(contestant.name)?;
        let (wanted, wanted_length) = ours.get_or_insert((names.clone(), length));
        if names != *wanted {
            bail!("{} sends the headers {names:?}, ours are {wanted:?}", contestant.name);
        }
        if length.abs_diff(*wanted_length) as f64 > *wanted_length as f64 * TOLERANCE {
            bail!("{}'s body has {length} bytes, ours {wanted_length}", contestant.name);
        }
    }
    Ok(())
}

/// One request; returns the answer's header names and its body's length.
fn probe(contestant: &Contestant, exchange: &Exchange) -> Result<(Vec<String>, usize)> {
    let mut connection = Connection::open(contestant.address)?;
    let mut request = Vec::new();
    exchange.write(&mut request)?;
    let answer = connection.exchange(&request)?;
    exchange.expected.check(answer).with_context(|| format!("{}{}", answer.head, answer.text()))?;
    let seen = (answer.header_names(), answer.body.len());
    if let Request::Webhook { path, .. } = &exchange.request {
        let again = connection.exchange(&request)?;
        ensure!(again.text().contains(r#""duplicate":true"#), "a repeated event was taken for a new one");
        webhook(path, u64::MAX >> 16, b"another secret", &mut request)?;
        let refused = connection.exchange(&request)?;
        ensure!(refused.status() == Some(401), "a bad signature was not refused");
    }
    Ok(seen)
}
