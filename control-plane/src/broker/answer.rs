//! What comes back of an upstream's answer: headers that are ours to pass on, the body by a connector's rule with its
//! listed fields alone, and without secrets (claims T2, B2). While it streams; memory is one chunk.

use super::leave::Granted;
use crate::error::AppError;
use crate::platform::Isolate;
use crate::router::Failure;
use connectors::catalogue::{Connector, Rule};
use connectors::{Exchange, FieldFilter, Scrubber, forward_response, is_scrubbable};
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt as _, stream};
use protocol::Code;
use protocol::call::reply;
use std::time::Duration;
use url::Url;
use worker::{ByteStream, Delay, Headers, Response};

/// The rule by which an answer is filtered, with its connector.
pub(super) type Filtered = Option<(&'static Connector, &'static Rule)>;

/// An upstream's answer, and to what.
pub(super) struct Answered {
    pub rule: Filtered,
    pub method: String,
    /// Without the credential.
    pub url: Url,
    pub response: Response,
}

/// The caller's answer.
///
/// # Errors
/// `AnswerRefused` for what cannot be passed on safely.
pub(super) fn pass_on(isolate: &Isolate, granted: &Granted, answered: Answered) -> Result<Response, Failure> {
    let Answered { rule, method, url, response: mut upstream } = answered;
    let status = upstream.status_code();
    let exchange = Exchange { method: &method, url: &url, status };
    let coding = upstream.headers().get("content-encoding")?;
    let length = upstream.headers().get("content-length")?;
    let is_empty = exchange.is_empty(length.as_deref());
    // The runtime has undone gzip and br; what else there is cannot be scrubbed, so it does not pass.
    if !is_empty && !is_scrubbable(coding.as_deref()) {
        return Err(unreadable("the upstream answers in an encoding that it was not asked for"));
    }
    // What is no status of HTTP cannot be answered with: building such a response would throw.
    if !(200..=599).contains(&status) {
        return Err(unreadable("the upstream answers with a status that is not of HTTP"));
    }
    let is_json = is_json(upstream.headers().get("content-type")?.as_deref());
    // An error page says nothing that status and headers do not.
    let is_page = rule.is_some() && !is_json && status >= 400;
    let is_bodyless = is_empty || is_page;
    let mut filter = match rule {
        Some(_) if is_bodyless => None,
        Some(_) if !is_json => {
            return Err(refused("the upstream's answer is not JSON, so its fields cannot be told apart"));
        }
        Some((connector, _)) if status >= 400 => Some(FieldFilter::new(&connector.error_fields)),
        Some((_, rule)) => Some(FieldFilter::new(&rule.fields)),
        None => None,
    };

    let mut scrubber = Scrubber::new(&granted.credential);
    let received: Vec<(String, String)> = upstream.headers().entries().collect();
    let received = received.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers = Headers::new();
    for (name, value) in forward_response(&exchange, received, &scrubber).iter() {
        // Of a filtered answer, only what a client needs to go on.
        if rule.is_none() || (is_plain(name) && !(is_page && name == "content-type")) {
            headers.append(name, value)?;
        }
    }
    // Of a filtered answer the caller would get other bytes.
    if let Some(length) = exchange.length(length.as_deref(), coding.as_deref()).filter(|_| rule.is_none()) {
        headers.set(reply::LENGTH, &length.to_string())?;
    }
    let builder = Response::builder().with_status(status).with_headers(headers);
    if is_bodyless {
        return Ok(builder.empty());
    }
    let Ok(body) = upstream.stream() else { return Ok(builder.empty()) };
    let body = without_halt(body, Duration::from_secs(isolate.config.limits.upstream_timeout_seconds.into()));

    let mut left = u64::from(isolate.config.limits.proxy_body_bytes);
    let mut is_empty = true;
    let end = stream::once(async { None });
    let passed = body.map(Some).chain(end).map(move |chunk| {
        let is_end = chunk.is_none();
        let chunk = chunk.unwrap_or_else(|| Ok(Vec::new()))?;
        left = left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| broken("the upstream's body is over the limit"))?;
        is_empty &= chunk.is_empty();
        // First: the filter writes every string in one spelling, in which the scrubber then finds a secret.
        let mut listed = Vec::new();
        let listed = match filter.as_mut().filter(|_| !is_empty) {
            Some(filter) => {
                filter.push(&chunk, &mut listed).map_err(|_| broken("the upstream's body is not JSON"))?;
                if is_end {
                    filter.finish(&mut listed).map_err(|_| broken("the upstream's body is not JSON"))?;
                }
                &listed
            }
            None => &chunk,
        };
        let mut out = Vec::new();
        scrubber.push(listed, &mut out);
        if is_end {
            scrubber.finish(&mut out);
        }
        Ok::<_, worker::Error>(out)
    });
    // An empty chunk would end some readers.
    let passed = passed.filter(|chunk| std::future::ready(!matches!(chunk, Ok(bytes) if bytes.is_empty())));
    Ok(builder.from_stream(passed)?)
}

/// Breaks a body off of which nothing comes for so long. What its reader takes its time for does not count.
fn without_halt(body: ByteStream, longest: Duration) -> impl Stream<Item = Result<Vec<u8>, worker::Error>> {
    stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match select(body.next(), Delay::from(longest)).await {
            Either::Left((chunk, _)) => Some((chunk?, Some(body))),
            Either::Right(_) => Some((Err(broken("the upstream's body has come to a halt")), None)),
        }
    })
}

/// As good as none: nothing that speaks HTTP to us.
fn unreadable(detail: &'static str) -> Failure {
    AppError::refused(Code::UpstreamUnreachable, detail).into()
}

fn refused(detail: &'static str) -> Failure {
    AppError::refused(Code::AnswerRefused, detail).into()
}

/// Breaks the answer off: its head is gone.
fn broken(why: &str) -> worker::Error {
    worker::Error::RustError(why.to_owned())
}

fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

fn is_plain(name: &str) -> bool {
    matches!(name, "content-type" | "etag" | "last-modified" | "retry-after" | "date" | "link")
        || name.starts_with("x-ratelimit-")
        || name.starts_with("ratelimit-")
}
