//! One attempt at a delivery: written down as begun, prepared, settled. Each is one synchronous piece.
//!
//! Invariant: between a beginning and its settlement the delivery has the time of its next attempt, so nothing is lost
//! whatever ends this object; and what is settled is still what was begun, or it is left as somebody else has made it.

use super::response;
use super::turns::quota;
use super::{Answer, NoResponse, Post};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::org::deliveries::lanes::advance;
use crate::org::deliveries::queue::place;
use crate::org::deliveries::schedule::{put_off_ms, wait_ms};
use crate::org::endpoints::{self, Target};
use crate::org::{dek, inbound};
use crate::store::{Row, SqlError};
use protocol::api::{AttemptStatus, DeliveryStatus, DisabledReason};
use protocol::{AttemptId, EndpointId, InboundEventId, MessageId};
use secrecy::SecretString;
use throttle::Tat;
use vault::Sealed;
use zeroize::Zeroizing;

/// When a last attempt is looked at that was cut off, ms.
const CUT_OFF_MS: u64 = 60_000;
/// An endpoint that has taken nothing for so long is put out of use, ms. The first of the failures is as long ago.
const FAILING_MS: u64 = 5 * 86_400_000;

/// An attempt that has begun.
pub(super) struct Attempt {
    id: AttemptId,
    pub(super) endpoint: EndpointId,
    message: MessageId,
    content: Content,
    hosts: Vec<String>,
    sealed_url: Vec<u8>,
    has_custom_headers: bool,
    /// Of the schedule, this one counted.
    step: u64,
    begun_ms: u64,
    /// When the next one of the other deliveries to this endpoint is due, Unix ms.
    pub(super) next_due_at: Option<u64>,
}

enum Content {
    Sealed(Vec<u8>),
    Event(InboundEventId),
}

/// What came of beginning.
pub(super) enum Begun {
    Attempt(Box<Attempt>),
    /// The endpoint's limit is reached until then, Unix ms.
    NotBefore(u64),
    /// Nothing is due to it.
    Nothing,
}

/// How an attempt went.
pub(super) enum Sent {
    /// What was sent, and what came back.
    Over(Box<Post>, Result<Answer, NoResponse>),
    Not(NotSent),
}

/// Why nothing was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NotSent {
    /// The URL is not, or no longer, one that may be sent to.
    UrlNotAllowed,
    /// What is to be forwarded is past its retention.
    EventExpired,
    /// A fault of ours, which is logged.
    Fault,
}

/// What became of the delivery.
pub(super) struct Settled {
    /// Whether the endpoint took it; `None`: it was not asked.
    pub(super) took: Option<bool>,
    /// From its beginning to the end of its answer, ms.
    pub(super) duration_ms: u64,
    /// When it is tried again, Unix ms.
    pub(super) due_at: Option<u64>,
    /// Another one of its lane is due now.
    pub(super) has_advanced: bool,
}

impl Sent {
    pub(super) fn over(result: Result<Answer, NoResponse>, post: Post) -> Self {
        Self::Over(Box::new(post), result)
    }

    fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Over(_, Ok(answer)) => Some(answer),
            _ => None,
        }
    }

    /// The name of what went wrong, where it is not the status alone.
    fn error(&self) -> Option<&'static str> {
        match self {
            Self::Over(_, Ok(answer)) => (300..=399).contains(&answer.status).then_some("redirect"),
            Self::Over(_, Err(NoResponse::Timeout)) => Some("timeout"),
            Self::Over(_, Err(NoResponse::Unreachable(why))) => Some(why.reason()),
            Self::Not(NotSent::UrlNotAllowed) => Some("url_not_allowed"),
            Self::Not(NotSent::EventExpired) => Some("event_expired"),
            Self::Not(NotSent::Fault) => Some("internal"),
        }
    }

    /// Whether the endpoint took it; `None`: it had no part in it.
    fn took(&self) -> Option<bool> {
        match self {
            Self::Over(_, Ok(answer)) => Some((200..=299).contains(&answer.status)),
            Self::Over(_, Err(_)) | Self::Not(NotSent::UrlNotAllowed) => Some(false),
            Self::Not(NotSent::EventExpired | NotSent::Fault) => None,
        }
    }
}

/// What is to become of a delivery.
enum Verdict {
    Delivered,
    Failed(&'static str),
    Again(u64),
}

impl Attempt {
    /// The endpoint's oldest due delivery, marked: it counts as tried from here on.
    pub(super) fn begin(ctx: Context<'_>, endpoint: &EndpointId) -> Result<Begun, AppError> {
        loop {
            let row = ctx.store.first(
                "SELECT d.message_id, d.attempts, d.step, d.lane, (SELECT MIN(o.due_at) FROM deliveries o \
                 WHERE o.endpoint_id = d.endpoint_id AND o.due_at IS NOT NULL AND o.rowid <> d.rowid), \
                 e.allowed_hosts, e.rate_limit, e.tat, m.inbound_event_id, m.sealed, e.header_names <> '[]', \
                 (SELECT u.sealed FROM endpoint_urls u WHERE u.endpoint_id = e.id) \
                 FROM deliveries d CROSS JOIN endpoints e ON e.id = d.endpoint_id \
                 LEFT JOIN messages m ON m.id = d.message_id \
                 WHERE d.endpoint_id = ? AND d.due_at <= ? AND e.disabled_at IS NULL ORDER BY d.due_at, d.rowid LIMIT 1",
                &[endpoint.as_str().into(), ctx.now_ms.into()],
            )?;
            let Some(row) = row else { return Ok(Begun::Nothing) };
            let (number, step) = (row.number(1)? + 1, row.number(2)? + 1);
            if wait_ms(step - 1, 0, 0).is_none() {
                // The last attempt was cut off: nobody came back to say how it went.
                give_up_cut_off(ctx, endpoint, &row)?;
                continue;
            }
            if let Some(later) = count(ctx, endpoint, &row)? {
                return Ok(Begun::NotBefore(later));
            }
            let attempt = Self {
                id: AttemptId::new(ctx.now_ms, random()?),
                endpoint: endpoint.clone(),
                message: row.parse(0)?,
                content: match row.optional_text(8)? {
                    Some(_) => Content::Event(row.parse(8)?),
                    None => Content::Sealed(row.optional_blob(9)?.unwrap_or_default().to_vec()),
                },
                hosts: row.json(5)?,
                sealed_url: row.optional_blob(11)?.unwrap_or_default().to_vec(),
                has_custom_headers: row.number(10)? != 0,
                step,
                begun_ms: ctx.now_ms,
                next_due_at: row.optional_number(4)?,
            };
            attempt.mark(ctx, number)?;
            return Ok(Begun::Attempt(Box::new(attempt)));
        }
    }

    fn mark(&self, ctx: Context<'_>, number: u64) -> Result<(), AppError> {
        let (message, endpoint) = (self.message.as_str(), self.endpoint.as_str());
        ctx.store.bookkeeping(
            "INSERT INTO attempts (id, message_id, endpoint_id, at, number, status) VALUES (?, ?, ?, ?, ?, ?)",
            &[
                self.id.as_str().into(),
                message.into(),
                endpoint.into(),
                self.begun_ms.into(),
                number.into(),
                AttemptStatus::Sending.as_str().into(),
            ],
        )?;
        let wait = wait_ms(self.step, 0, jitter()?).unwrap_or(CUT_OFF_MS);
        ctx.store.bookkeeping(
            "UPDATE deliveries SET attempts = ?, step = ?, due_at = ? WHERE message_id = ? AND endpoint_id = ?",
            &[
                number.into(),
                self.step.into(),
                (self.begun_ms + wait).into(),
                message.into(),
                endpoint.into(),
            ],
        )?;
        Ok(())
    }

    /// What is sent.
    ///
    /// # Errors
    /// Those of the vault: a secret in the row of another endpoint, or sealed to another host, does not open.
    pub(super) fn prepare(&self, ctx: Context<'_>) -> Result<Result<Post, NotSent>, AppError> {
        let url = endpoints::open_url(ctx, &self.endpoint, &self.hosts, &self.sealed_url)?;
        let Ok(target) = Target::parse(&url, ctx.targets) else {
            return Ok(Err(NotSent::UrlNotAllowed));
        };
        let (body, about) = match &self.content {
            Content::Sealed(sealed) => {
                let place = place(ctx.org, &self.message);
                let body = dek::open(ctx, &place, &Sealed::from_bytes(sealed.as_slice())?)?;
                (body, vec![("content-type".to_owned(), "application/json".to_owned())])
            }
            Content::Event(id) => match inbound::forwarded(ctx, id)? {
                Some(event) => (event.body, event.headers),
                None => return Ok(Err(NotSent::EventExpired)),
            },
        };
        let hosts = &target.allowed_hosts;
        let custom = if self.has_custom_headers {
            endpoints::custom_headers(ctx, &self.endpoint, hosts)?
        } else {
            Vec::new()
        };
        let signed =
            endpoints::sign(ctx, &self.endpoint, hosts, self.message.as_str(), ctx.now_ms / 1000, &body)?;
        let headers = headers(ctx, signed, about, &custom);
        Ok(Ok(Post { url: target.url, headers, custom, body }))
    }

    /// Writes down how it went.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) fn settle(&self, ctx: Context<'_>, sent: Sent) -> Result<Settled, AppError> {
        self.record(ctx, &sent)?;
        let status = sent.answer().map(|answer| answer.status);
        let retry_after = sent.answer().and_then(|answer| answer.retry_after.as_deref());
        let took = sent.took();
        let verdict = match status {
            Some(200..=299) => Verdict::Delivered,
            Some(410) => Verdict::Failed("endpoint_gone"),
            _ if matches!(sent, Sent::Not(NotSent::EventExpired)) => Verdict::Failed("gave_up"),
            _ => match wait_ms(self.step, put_off_ms(retry_after, ctx.now_ms), jitter()?) {
                Some(wait) => Verdict::Again(ctx.now_ms + wait),
                None => Verdict::Failed("gave_up"),
            },
        };
        let duration_ms = ctx.now_ms.saturating_sub(self.begun_ms);
        let mut settled = Settled { took, duration_ms, due_at: None, has_advanced: false };
        // Nothing: the delivery is no more, or was skipped, resent or taken out of use meanwhile, and that stands.
        let Some(row) = self.update(ctx, &verdict, status)? else { return Ok(settled) };
        match verdict {
            Verdict::Again(due_at) => settled.due_at = Some(due_at),
            _ if row.number(1)? != 0 => {
                settled.has_advanced = advance(ctx.store, &self.endpoint, row.text(0)?, ctx.now_ms)?;
            }
            _ => {}
        }
        if let Some(took) = took {
            self.note_health(ctx, took, row.optional_number(2)?, status == Some(410))?;
        }
        Ok(settled)
    }

    /// The attempt's own row.
    fn record(&self, ctx: Context<'_>, sent: &Sent) -> Result<(), AppError> {
        let status = match sent.took() {
            Some(true) => AttemptStatus::Succeeded,
            _ => AttemptStatus::Failed,
        };
        let duration = match sent {
            Sent::Over(_, Ok(answer)) => Some(answer.duration_ms),
            Sent::Over(_, Err(_)) => Some(ctx.now_ms.saturating_sub(self.begun_ms)),
            Sent::Not(_) => None,
        };
        let response = match sent {
            Sent::Over(post, Ok(answer)) if !answer.body.is_empty() => {
                let shared = || self.shared_secrets(ctx);
                Some(response::shown(&answer.body, post, &ctx.config.brand.api_key_prefix, shared))
            }
            _ => None,
        };
        ctx.store.bookkeeping(
            "UPDATE attempts SET status = ?, http_status = ?, duration_ms = ?, error = ?, response = ? WHERE id = ?",
            &[
                status.as_str().into(),
                sent.answer().map(|answer| u32::from(answer.status)).into(),
                duration.into(),
                sent.error().into(),
                response.into(),
                self.id.as_str().into(),
            ],
        )?;
        Ok(())
    }

    /// What its receiver could give back of what it shares with us.
    fn shared_secrets(&self, ctx: Context<'_>) -> Vec<Zeroizing<String>> {
        endpoints::shared_secrets(ctx, &self.endpoint, &self.hosts).unwrap_or_default()
    }

    /// The delivery's lane, whether it keeps order and since when the endpoint fails; `None` where nothing was changed.
    fn update(
        &self,
        ctx: Context<'_>,
        verdict: &Verdict,
        status: Option<u16>,
    ) -> Result<Option<Row>, SqlError> {
        let (outcome, reason, due_at) = match verdict {
            Verdict::Delivered => (DeliveryStatus::Delivered, None, None),
            Verdict::Failed(reason) => (DeliveryStatus::Failed, Some(*reason), None),
            Verdict::Again(due_at) => (DeliveryStatus::Pending, None, Some(*due_at)),
        };
        // Delivered it is, whatever was decided about it meanwhile; and what is held waits on.
        let rows = ctx.store.deliveries(
            "UPDATE deliveries SET status = ?3, reason = ?4, due_at = iif(due_at IS NULL, NULL, ?5), http_status = ?6 \
             WHERE message_id = ?1 AND endpoint_id = ?2 AND (?3 = 'delivered' OR (status = 'pending' AND step = ?7)) \
             RETURNING lane, (SELECT ordered FROM endpoints WHERE id = ?2), \
             (SELECT failing_since FROM endpoints WHERE id = ?2)",
            &[
                self.message.as_str().into(),
                self.endpoint.as_str().into(),
                outcome.as_str().into(),
                reason.into(),
                due_at.into(),
                status.map(u32::from).into(),
                self.step.into(),
            ],
        )?;
        Ok(rows.into_iter().next())
    }

    /// What the attempt says of its endpoint: since when it fails, and whether it is still used.
    fn note_health(
        &self,
        ctx: Context<'_>,
        took: bool,
        failing_since: Option<u64>,
        is_gone: bool,
    ) -> Result<(), AppError> {
        let since = match (took, failing_since) {
            (true, None) => return Ok(()),
            (true, Some(_)) => None,
            (false, _) if is_gone => return self.disable(ctx, DisabledReason::Gone),
            (false, Some(since)) if ctx.now_ms >= since + FAILING_MS => {
                return self.disable(ctx, DisabledReason::Failing);
            }
            (false, Some(_)) => return Ok(()),
            (false, None) => Some(ctx.now_ms),
        };
        ctx.store.bookkeeping(
            "UPDATE endpoints SET failing_since = ? WHERE id = ?",
            &[since.into(), self.endpoint.as_str().into()],
        )?;
        Ok(())
    }

    fn disable(&self, ctx: Context<'_>, reason: DisabledReason) -> Result<(), AppError> {
        endpoints::disable(ctx, &self.endpoint, reason)?;
        // There is a mail to be sent.
        ctx.limits.borrow().tasks.wake();
        Ok(())
    }
}

/// Names the deployments that an event has passed (RFC 8586): the next one goes behind them.
const PASSED: &str = "cdn-loop";

/// What is sent beside the receiver's own. Nobody speaks over ours, and the receiver's own go before what came with an event.
fn headers(
    ctx: Context<'_>,
    signed: [(&'static str, String); 3],
    about: Vec<(String, String)>,
    custom: &[(String, SecretString)],
) -> Vec<(String, String)> {
    let brand = ctx.config.brand.header_name();
    let [_, _, (_, signature)] = &signed;
    let branded = (format!("x-{brand}-signature"), signature.clone());
    let mut headers: Vec<_> = signed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let passed = about.iter().find(|(name, _)| name == PASSED).map(|(_, value)| value.as_str());
    let passage = (PASSED.to_owned(), ctx.secrets.passage.header(passed));
    headers.extend([branded, passage, ("user-agent".to_owned(), format!("{brand}-webhooks"))]);
    for (name, value) in about {
        let is_taken = headers.iter().any(|(other, _)| *other == name);
        if !is_taken && !custom.iter().any(|(other, _)| *other == name) {
            headers.push((name, value));
        }
    }
    headers
}

/// Settles a delivery of whose last attempt nothing is known.
fn give_up_cut_off(ctx: Context<'_>, endpoint: &EndpointId, row: &Row) -> Result<(), AppError> {
    let rows = ctx.store.deliveries(
        "UPDATE deliveries SET status = 'failed', reason = 'gave_up', due_at = NULL \
         WHERE message_id = ?1 AND endpoint_id = ?2 RETURNING (SELECT ordered FROM endpoints WHERE id = ?2)",
        &[row.text(0)?.into(), endpoint.as_str().into()],
    )?;
    if rows.first().map(|row| row.number(0)).transpose()?.is_some_and(|ordered| ordered != 0) {
        advance(ctx.store, endpoint, row.text(3)?, ctx.now_ms)?;
    }
    Ok(())
}

/// Counts an attempt by the endpoint's limit; else when there may be one.
fn count(ctx: Context<'_>, endpoint: &EndpointId, row: &Row) -> Result<Option<u64>, AppError> {
    let Some(quota) = quota(row.optional_text(6)?)? else { return Ok(None) };
    let mut tat = Tat::from_micros(row.number(7)?);
    if !tat.check(quota, ctx.now_ms).allowed {
        return Ok(Some(tat.allowed_at_ms(quota).max(ctx.now_ms + 1)));
    }
    ctx.store.bookkeeping(
        "UPDATE endpoints SET tat = ? WHERE id = ?",
        &[tat.as_micros().into(), endpoint.as_str().into()],
    )?;
    Ok(None)
}

fn jitter() -> Result<u16, AppError> {
    random().map(u16::from_be_bytes)
}
