//! The credential broker: calls a connection's upstream with its credential (invariants 3 and 4; claims B2, N5).
//!
//! leave from the org's object → open the sealed credential → call → scrub. It runs in the stateless part of this Worker:
//! plaintext exists here, for the length of one call, and nowhere else.

use crate::error::AppError;
use crate::org::{Grant, policy};
use crate::platform::Isolate;
use crate::router::{Failure, message, org_object, org_of};
use connectors::{BaseUrl, Credential, Outbound, Scrubber, forward_request, forward_response};
use futures_util::future::{Either, select};
use futures_util::{StreamExt as _, stream};
use protocol::call::reply;
use protocol::{Call, Code, Operation};
use std::time::Duration;
use wasm_bindgen::JsValue;
use worker::{
    AbortController, CacheMode, Delay, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    Response,
};

const MAX_REDIRECTS: u32 = 5;

/// Answers a call with the upstream's answer.
pub(crate) async fn answer(
    isolate: &Isolate,
    env: &Env,
    call: &Call,
    request: &mut Request,
) -> Result<Response, Failure> {
    let Operation::Proxy { method, path_and_query, .. } = &call.operation else {
        return Err(AppError::Platform("not a proxied call").into());
    };
    let org = org_of(isolate, call)?;
    let mut leave = org_object(isolate, env, &org)?.fetch_with_request(message(call)?).await?;
    if leave.status_code() != 200 {
        return Ok(leave);
    }
    let grant: Grant = serde_json::from_slice(&leave.bytes().await?).map_err(AppError::from)?;
    let credential = grant.credential.open(&isolate.secrets.keyring)?;

    let base = BaseUrl::parse(&grant.base_url, policy(isolate.allow_local_upstreams))
        .map_err(|error| AppError::refused(Code::BaseUrlRefused, error.to_string()))?;
    if !base.allowed_hosts().iter().all(|host| grant.credential.allowed_hosts().contains(host)) {
        return Err(AppError::Platform("a base URL is not of the hosts that the seal names").into());
    }
    let upstream = Upstream { isolate, base, credential };
    let response = upstream.call(method, path_and_query, request).await?;
    for name in [reply::SESSION, reply::RATE_LIMIT] {
        if let Some(told) = leave.headers().get(name)? {
            response.headers().set(name, &told)?;
        }
    }
    Ok(response)
}

struct Upstream<'a> {
    isolate: &'a Isolate,
    base: BaseUrl,
    credential: Credential,
}

impl Upstream<'_> {
    async fn call(self, method: &str, path_and_query: &str, request: &Request) -> Result<Response, Failure> {
        let incoming: Vec<(String, String)> = request.headers().entries().collect();
        let incoming = incoming.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = forward_request(incoming);
        let mut url = self
            .base
            .join(path_and_query)
            .map_err(|error| AppError::refused(Code::PathRefused, error.to_string()))?;
        let can_repeat = matches!(method, "GET" | "HEAD");
        let body = if can_repeat { None } else { request.inner().body().map(JsValue::from) };

        for _ in 0..=MAX_REDIRECTS {
            let mut outbound = Outbound { url: url.clone(), headers: headers.clone() };
            self.credential.apply(&mut outbound);
            let response = self.send(method, &outbound, body.clone()).await?;
            let location = response.headers().get("location")?;
            let Some(location) = location.filter(|_| (300..400).contains(&response.status_code())) else {
                return self.answer(response).await;
            };
            // The credential never follows a redirect to another host, nor is the caller sent there.
            url = self
                .base
                .follow(&url, &location)
                .map_err(|error| AppError::refused(Code::RedirectRefused, error.to_string()))?;
            if !can_repeat {
                return self.answer(response).await;
            }
        }
        Err(AppError::refused(Code::RedirectRefused, "the upstream redirects too often").into())
    }

    async fn send(
        &self,
        method: &str,
        outbound: &Outbound,
        body: Option<JsValue>,
    ) -> Result<Response, Failure> {
        let headers = Headers::new();
        for (name, value) in outbound.headers.iter() {
            headers.append(name, value)?;
        }
        let mut init = RequestInit::new();
        init.with_method(Method::from(method.to_owned()))
            .with_headers(headers)
            .with_redirect(RequestRedirect::Manual)
            // The platform's cache knows nothing of credentials: one tenant's answer must not be another's.
            .with_cache(CacheMode::NoStore)
            .with_body(body);
        let request = Request::new_with_init(outbound.url.as_str(), &init)?;

        let controller = AbortController::default();
        let signal = controller.signal();
        let fetch = Fetch::Request(request);
        let timeout =
            Delay::from(Duration::from_secs(self.isolate.config.limits.upstream_timeout_seconds.into()));
        // The limit is on the answer's head: a long body is not a slow upstream.
        match select(Box::pin(fetch.send_with_signal(&signal)), timeout).await {
            Either::Left((Ok(response), _)) => Ok(response),
            Either::Left((Err(_), _)) => Err(Code::UpstreamUnreachable.into()),
            Either::Right(((), pending)) => {
                controller.abort();
                drop(pending);
                Err(Code::UpstreamTimeout.into())
            }
        }
    }

    async fn answer(self, mut upstream: Response) -> Result<Response, Failure> {
        // The runtime has undone gzip and br; what else there is cannot be scrubbed, so it does not pass.
        let encoding = upstream.headers().get("content-encoding")?;
        let readable = encoding.as_deref().is_none_or(|coding| matches!(coding, "identity" | "gzip" | "br"));
        if !readable {
            return Err(AppError::refused(
                Code::UpstreamUnreachable,
                "the upstream answers in an encoding that it was not asked for",
            )
            .into());
        }
        let mut scrubber = Scrubber::new(&self.credential);
        let received: Vec<(String, String)> = upstream.headers().entries().collect();
        let received = received.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = Headers::new();
        for (name, value) in forward_response(received, &scrubber).iter() {
            headers.append(name, value)?;
        }
        let status = upstream.status_code();
        // What is no status of HTTP cannot be answered with: building such a response would throw.
        if !(200..=599).contains(&status) {
            return Err(AppError::refused(
                Code::UpstreamUnreachable,
                "the upstream answers with a status that is not of HTTP",
            )
            .into());
        }
        let builder = Response::builder().with_status(status).with_headers(headers);
        if matches!(status, 204 | 205 | 304) {
            return Ok(builder.empty());
        }
        let Ok(body) = upstream.stream() else { return Ok(builder.empty()) };

        let mut left = u64::from(self.isolate.config.limits.proxy_body_bytes);
        let end = stream::once(async { None });
        let scrubbed = body.map(Some).chain(end).map(move |chunk| {
            let mut out = Vec::new();
            match chunk {
                Some(chunk) => {
                    let chunk = chunk?;
                    left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                        worker::Error::RustError("the upstream's body is over the limit".to_owned())
                    })?;
                    scrubber.push(&chunk, &mut out);
                }
                None => scrubber.finish(&mut out),
            }
            Ok::<_, worker::Error>(out)
        });
        // An empty chunk would end some readers.
        let scrubbed =
            scrubbed.filter(|chunk| std::future::ready(!matches!(chunk, Ok(bytes) if bytes.is_empty())));
        Ok(builder.from_stream(scrubbed)?)
    }
}
