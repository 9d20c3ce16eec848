//! Works off what is due to endpoints, at least once.
//!
//! That an attempt begins is written before anything is sent, with the time of the next one: whatever ends this object in
//! between, the delivery is due again. An endpoint is sent one delivery at a time and they take turns, so that one that hangs
//! holds up nobody but itself, unless so many hang that no connection is left.

use super::schedule::wait_ms;
use crate::context::{Context, random};
use crate::error::AppError;
use crate::org::connections;
use crate::org::dek;
use crate::org::endpoints::{Target, place};
use crate::remote::NoAnswer;
use crate::store::{Row, SqlError, Store, Value};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use protocol::EndpointId;
use std::collections::BTreeSet;
use vault::Sealed;
use webhooks::SecretKey;
use webhooks::sign::standard_webhooks;

/// Attempts at a time: a Worker's invocation has no more connections.
const AT_ONCE: usize = 6;
/// After so long no attempt is begun, ms: the next alarm goes on, and other work is not kept waiting.
const TURN_MS: u64 = 20_000;
/// When the last attempt is looked at that was cut off, ms.
const CUT_OFF_MS: u64 = 60_000;

/// A delivery as it is sent: `POST`, without following a redirect.
#[derive(Debug)]
pub struct Post {
    /// Absolute.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: String,
}

/// The head of an endpoint's answer; nobody reads its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, where it is a number.
    pub retry_after: Option<u32>,
}

/// Takes deliveries to their endpoints.
#[allow(async_fn_in_trait, reason = "objects run on one thread")]
pub trait Courier {
    /// Sends one delivery.
    ///
    /// # Errors
    /// [`NoAnswer`]: within 10 s there was no head of an answer. What the endpoint made of it is not known.
    async fn post(&self, post: &Post) -> Result<Answer, NoAnswer>;

    /// The time after an answer, Unix ms.
    fn now_ms(&self) -> u64;
}

/// Sends what is due, for some 20 seconds at most.
///
/// # Errors
/// Those of the database; those of the vault after everything else was sent.
pub async fn deliver(ctx: Context<'_>, courier: &impl Courier) -> Result<(), AppError> {
    let until = courier.now_ms().saturating_add(TURN_MS);
    let (mut turns, mut under_way, mut outcome) = (Turns::default(), FuturesUnordered::new(), Ok(()));
    loop {
        while under_way.len() < AT_ONCE && courier.now_ms() < until {
            let now = Context { now_ms: courier.now_ms(), ..ctx };
            let Some(attempt) = turns.next(now)? else { break };
            let post = attempt.prepare(now);
            under_way.push(async move {
                let answer = match &post {
                    Ok(Some(post)) => courier.post(post).await,
                    _ => Err(NoAnswer),
                };
                (attempt, answer, post.map(|_| ()))
            });
        }
        let Some((attempt, answer, prepared)) = under_way.next().await else { return outcome };
        attempt.settle(ctx.store, courier.now_ms(), answer)?;
        turns.sending.remove(&attempt.endpoint.id);
        outcome = outcome.and(prepared);
    }
}

/// When the next delivery is due, Unix ms; `None`: there is none.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn next_due(store: Store<'_>) -> Result<Option<u64>, SqlError> {
    let row = store.first(
        "SELECT MIN((SELECT MIN(due_at) FROM deliveries WHERE endpoint_id = endpoints.id AND due_at IS NOT NULL)) \
         FROM endpoints",
        &[],
    )?;
    row.map_or(Ok(None), |row| row.optional_number(0))
}

/// Whose turn it is.
#[derive(Default)]
struct Turns {
    /// Endpoints that are being sent something.
    sending: BTreeSet<EndpointId>,
    /// The row of the one that had its turn last.
    last: u64,
}

impl Turns {
    /// The oldest due delivery of the next endpoint that has one. It counts as tried from here on.
    fn next(&mut self, ctx: Context<'_>) -> Result<Option<Attempt>, AppError> {
        let due = ctx.store.query(
            "SELECT rowid, id, url, sealed FROM endpoints WHERE EXISTS \
             (SELECT 1 FROM deliveries WHERE endpoint_id = endpoints.id AND due_at <= ?) ORDER BY rowid <= ?, rowid",
            &[ctx.now_ms.into(), self.last.into()],
        )?;
        for row in &due {
            let endpoint = Endpoint::read(row)?;
            if self.sending.contains(&endpoint.id) {
                continue;
            }
            if let Some(attempt) = Attempt::begin(ctx, endpoint)? {
                self.last = row.number(0)?;
                self.sending.insert(attempt.endpoint.id.clone());
                return Ok(Some(attempt));
            }
        }
        Ok(None)
    }
}

struct Endpoint {
    id: EndpointId,
    url: String,
    sealed: Vec<u8>,
}

impl Endpoint {
    fn read(row: &Row) -> Result<Self, SqlError> {
        Ok(Self { id: row.parse(1)?, url: row.text(2)?.to_owned(), sealed: row.blob(3)?.to_vec() })
    }
}

/// One attempt at a delivery.
struct Attempt {
    endpoint: Endpoint,
    message: String,
    payload: String,
    /// This one is counted.
    made: u64,
}

impl Attempt {
    /// The endpoint's oldest due delivery, marked.
    fn begin(ctx: Context<'_>, mut endpoint: Endpoint) -> Result<Option<Self>, AppError> {
        loop {
            let row = ctx.store.first(
                "SELECT message_id, attempts, (SELECT sealed FROM messages WHERE id = message_id) FROM deliveries \
                 WHERE endpoint_id = ? AND due_at <= ? ORDER BY due_at, rowid LIMIT 1",
                &[endpoint.id.as_str().into(), ctx.now_ms.into()],
            )?;
            let Some(row) = row else { return Ok(None) };
            let made = row.number(1)?;
            let attempt = Self {
                message: row.text(0)?.to_owned(),
                payload: payload(ctx, row.parse(0)?, row.blob(2)?)?,
                made: made + 1,
                endpoint,
            };
            if wait_ms(made, None, 0).is_some() {
                let wait = wait_ms(attempt.made, None, jitter()?).unwrap_or(CUT_OFF_MS);
                attempt.update(
                    ctx.store,
                    "attempts = ?, due_at = ?",
                    [attempt.made.into(), (ctx.now_ms + wait).into()],
                )?;
                return Ok(Some(attempt));
            }
            // The last attempt was cut off: nobody came back to say how it went.
            attempt.end(ctx.store, "failed", None)?;
            endpoint = attempt.endpoint;
        }
    }

    /// What is sent; `None` where the endpoint's URL is not, or no longer, one that may be sent to.
    fn prepare(&self, ctx: Context<'_>) -> Result<Option<Post>, AppError> {
        let Ok(target) = Target::parse(&self.endpoint.url, connections::policy(ctx.allow_local_upstreams))
        else {
            return Ok(None);
        };
        // Sealed to the host that is sent to: with another one in its row, it does not open.
        let place = place(ctx.org, &self.endpoint.id, &target.allowed_hosts);
        let secret = dek::open(ctx, &place, &Sealed::from_bytes(self.endpoint.sealed.as_slice())?)?;
        let key = SecretKey::from_bytes(secret.to_vec());
        let signed = standard_webhooks(&[&key], &self.message, ctx.now_ms / 1000, self.payload.as_bytes());
        let brand = header_name(ctx);
        let branded = (format!("x-{brand}-signature"), signed[2].1.clone());
        let plain = [
            ("content-type".to_owned(), "application/json".to_owned()),
            ("user-agent".to_owned(), format!("{brand}-webhooks")),
        ];
        let signed = signed.into_iter().map(|(name, value)| (name.to_owned(), value));
        Ok(Some(Post {
            url: target.url,
            headers: plain.into_iter().chain(signed).chain([branded]).collect(),
            body: self.payload.clone(),
        }))
    }

    /// Writes down how it went.
    fn settle(
        &self,
        store: Store<'_>,
        now_ms: u64,
        answer: Result<Answer, NoAnswer>,
    ) -> Result<(), AppError> {
        let status = answer.ok().map(|answer| answer.status);
        match status {
            Some(200..=299) => return Ok(self.end(store, "delivered", status)?),
            // Gone: it wants nothing more of what there is.
            Some(410) => {
                self.end(store, "failed", status)?;
                return Ok(store.bookkeeping(
                    "UPDATE deliveries SET status = 'failed', due_at = NULL WHERE endpoint_id = ? AND due_at IS NOT NULL",
                    &[self.endpoint.id.as_str().into()],
                )?);
            }
            _ => {}
        }
        let retry_after = answer.ok().and_then(|answer| answer.retry_after);
        match wait_ms(self.made, retry_after, jitter()?) {
            Some(wait) => self.update(
                store,
                "due_at = ?, http_status = ?",
                [(now_ms + wait).into(), status.map(u32::from).into()],
            )?,
            None => self.end(store, "failed", status)?,
        }
        Ok(())
    }

    fn end(&self, store: Store<'_>, outcome: &str, status: Option<u16>) -> Result<(), SqlError> {
        self.update(
            store,
            "due_at = NULL, status = ?, http_status = ?",
            [outcome.into(), status.map(u32::from).into()],
        )
    }

    /// Changes the delivery, if it is still to be made.
    fn update(&self, store: Store<'_>, set: &str, values: [Value; 2]) -> Result<(), SqlError> {
        let [first, second] = values;
        store.bookkeeping(
            &format!(
                "UPDATE deliveries SET {set} WHERE message_id = ? AND endpoint_id = ? AND due_at IS NOT NULL"
            ),
            &[first, second, self.message.as_str().into(), self.endpoint.id.as_str().into()],
        )
    }
}

fn payload(ctx: Context<'_>, id: protocol::MessageId, sealed: &[u8]) -> Result<String, AppError> {
    let bytes = dek::open(ctx, &super::queue::place(ctx.org, &id), &Sealed::from_bytes(sealed)?)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| AppError::Encoding)
}

/// The brand as a part of a header's name, in lower case: `x-sluicegate-signature`.
fn header_name(ctx: Context<'_>) -> String {
    let brand = &ctx.config.brand;
    let words: Vec<_> =
        brand.name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { brand.api_key_prefix.clone() } else { words.join("-").to_ascii_lowercase() }
}

fn jitter() -> Result<u16, AppError> {
    random().map(u16::from_be_bytes)
}
