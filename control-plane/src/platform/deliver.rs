//! Deliveries to endpoints over the platform's `fetch`.
//!
//! Invariants: no redirect is followed, an answer's body is not read, nothing is waited for past its time, and nothing of an
//! answer reaches a log.

use super::now_ms;
use crate::org::{Answer, Courier, Post};
use crate::remote::NoAnswer;
use futures_util::future::{Either, select};
use std::time::Duration;
use worker::{
    AbortController, CacheMode, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
};

/// Until the head of an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Endpoints as `fetch` reaches them.
pub(crate) struct Webhooks;

impl Courier for Webhooks {
    async fn post(&self, post: &Post) -> Result<Answer, NoAnswer> {
        send(post).await.map_err(|_| NoAnswer)
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }
}

async fn send(post: &Post) -> worker::Result<Answer> {
    let headers = Headers::new();
    for (name, value) in &post.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_cache(CacheMode::NoStore)
        .with_body(Some(post.body.as_str().into()));
    let request = Request::new_with_init(&post.url, &init)?;

    let controller = AbortController::default();
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    let answer = match select(Box::pin(fetch.send_with_signal(&signal)), Delay::from(TIMEOUT)).await {
        Either::Left((response, _)) => response.and_then(|response| {
            let retry_after = response.headers().get("retry-after")?;
            Ok(Answer {
                status: response.status_code(),
                retry_after: retry_after.and_then(|text| text.trim().parse().ok()),
            })
        }),
        Either::Right(((), pending)) => {
            controller.abort();
            drop(pending);
            return Err(worker::Error::RustError("an endpoint took too long".to_owned()));
        }
    };
    // Nobody reads its body, and a connection that is left open is one fewer for others.
    controller.abort();
    answer
}
