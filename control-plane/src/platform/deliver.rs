//! Deliveries to endpoints over the platform's `fetch`.
//!
//! Invariants: no redirect is followed, nothing of an answer is read or waited for past its bound, and nothing of it reaches a
//! log.

use super::{now_ms, why_unreachable};
use crate::org::{Answer, BODY_BYTES, BODY_MS, Courier, NoResponse, Post, TIMEOUT_MS};
use crate::unreachable::Unreachable;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use secrecy::ExposeSecret as _;
use std::pin::pin;
use std::time::Duration;
use worker::{
    AbortController, CacheMode, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    Response,
};

/// Endpoints as `fetch` reaches them.
pub(crate) struct Webhooks;

impl Courier for Webhooks {
    async fn post(&self, post: &Post) -> Result<Answer, NoResponse> {
        let request = request(post).map_err(|_| NoResponse::Unreachable(Unreachable::Unknown))?;
        let controller = AbortController::default();
        let answer = send(request, &controller).await;
        // A connection that is left open is one fewer for others.
        controller.abort();
        match answer {
            Err(NoAnswer::Lost(text)) => {
                Err(NoResponse::Unreachable(why_unreachable(&post.url, &text).await))
            }
            Err(NoAnswer::Timeout) => Err(NoResponse::Timeout),
            Ok(answer) => Ok(answer),
        }
    }

    async fn sleep(&self, ms: u64) {
        Delay::from(Duration::from_millis(ms)).await;
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }
}

fn request(post: &Post) -> worker::Result<Request> {
    let headers = Headers::new();
    for (name, value) in &post.headers {
        headers.set(name, value)?;
    }
    for (name, value) in &post.custom {
        headers.set(name, value.expose_secret())?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_cache(CacheMode::NoStore)
        .with_body(Some(Uint8Array::from(post.body.as_slice()).into()));
    Request::new_with_init(&post.url, &init)
}

/// Why there is no answer.
enum NoAnswer {
    /// In the platform's words, which are for no reader.
    Lost(String),
    Timeout,
}

async fn send(request: Request, controller: &AbortController) -> Result<Answer, NoAnswer> {
    let begun_ms = now_ms();
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    let head = pin!(fetch.send_with_signal(&signal));
    let mut response = match select(head, wait(TIMEOUT_MS)).await {
        Either::Left((response, _)) => response.map_err(|error| NoAnswer::Lost(error.to_string()))?,
        Either::Right(_) => return Err(NoAnswer::Timeout),
    };
    let duration_ms = now_ms().saturating_sub(begun_ms);
    let mut body = Vec::new();
    select(pin!(read(&mut response, &mut body)), wait(BODY_MS)).await;
    Ok(Answer {
        status: response.status_code(),
        retry_after: response.headers().get("retry-after").ok().flatten(),
        duration_ms,
        body,
    })
}

/// What there is of a body, as far as it is of use: it changes nothing about the answer.
async fn read(response: &mut Response, body: &mut Vec<u8>) {
    let Ok(mut chunks) = response.stream() else { return };
    while let Some(Ok(chunk)) = chunks.next().await {
        let room = BODY_BYTES - body.len();
        body.extend(chunk.into_iter().take(room));
        if body.len() == BODY_BYTES {
            return;
        }
    }
}

fn wait(ms: u64) -> Delay {
    Delay::from(Duration::from_millis(ms))
}
