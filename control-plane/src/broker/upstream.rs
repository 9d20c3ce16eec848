//! One request to a connection's upstream: the credential goes in here and to no other host, whatever the upstream says.

use super::leave::Granted;
use crate::error::AppError;
use crate::platform::{Isolate, why_unreachable};
use crate::router::Failure;
use connectors::{Exchange, Headers as Fields, Outbound, is_safe};
use futures_util::future::{Either, select};
use protocol::Code;
use std::time::Duration;
use url::Url;
use wasm_bindgen::JsValue;
use worker::{
    AbortController, CacheMode, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    Response,
};

const MAX_REDIRECTS: u32 = 5;
/// Before a request that may safely be repeated is sent once more.
const PAUSE: Duration = Duration::from_millis(200);

/// A request's body.
#[derive(Clone)]
pub(super) enum Body {
    None,
    /// Was read, and can be sent again.
    Text(String),
    /// The client's, while it arrives.
    Stream(JsValue),
}

impl Body {
    /// Whether it can be sent a second time.
    pub(super) const fn can_repeat(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    fn value(&self) -> Option<JsValue> {
        match self {
            Self::None => None,
            Self::Text(text) => Some(JsValue::from_str(text)),
            Self::Stream(stream) => Some(stream.clone()),
        }
    }
}

/// A request as the policy lets it through.
pub(super) struct Upstream<'a> {
    pub isolate: &'a Isolate,
    pub method: &'a str,
    pub path_and_query: &'a str,
    pub headers: Fields,
    pub body: Body,
    /// By a rule: it allows this one request, and not what an upstream makes of it.
    pub is_by_rule: bool,
}

/// Why there is no answer to one attempt.
enum NoAnswer {
    /// The upstream could not be reached, in the platform's words. They are for no reader: they may hold the URL.
    Lost(String),
    Failed(Failure),
}

impl From<worker::Error> for NoAnswer {
    fn from(error: worker::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Upstream<'_> {
    /// The upstream's answer, as it comes, and the URL that gave it.
    ///
    /// # Errors
    /// `BaseUrlRefused`, `PathRefused`, `RedirectRefused`, `UpstreamUnreachable`, `UpstreamTimeout`.
    pub(super) async fn call(&self, granted: &Granted, base_url: &str) -> Result<(Url, Response), Failure> {
        let base = self
            .isolate
            .targets
            .base_url(base_url)
            .map_err(|error| AppError::refused(Code::BaseUrlRefused, error.to_string()))?;
        if !base.allowed_hosts().iter().all(|host| granted.grant.credential.allowed_hosts().contains(host)) {
            return Err(AppError::Platform("a base URL is not of the hosts that the seal names").into());
        }
        let mut url = base
            .join(self.path_and_query)
            .map_err(|error| AppError::refused(Code::PathRefused, error.to_string()))?;
        for _ in 0..=MAX_REDIRECTS {
            let mut outbound = Outbound { url: url.clone(), headers: self.headers.clone() };
            granted.credential.apply(&mut outbound);
            let response = self.send_safely(&outbound).await?;
            let exchange = Exchange { method: self.method, url: &url, status: response.status_code() };
            let location = response.headers().get("location")?.filter(|_| exchange.is_redirect());
            let Some(location) = location else { return Ok((url, response)) };
            if self.is_by_rule {
                let detail = "the upstream redirects, and a rule allows one request alone: ask for what it redirects to";
                return Err(AppError::refused(Code::RedirectRefused, detail).into());
            }
            // The credential never follows a redirect to another host, nor is the caller sent there.
            let next = base
                .follow(&url, &location)
                .map_err(|error| AppError::refused(Code::RedirectRefused, error.to_string()))?;
            if !is_safe(self.method) {
                return Ok((url, response));
            }
            url = next;
        }
        Err(AppError::refused(Code::RedirectRefused, "the upstream redirects too often").into())
    }

    /// What is safe by RFC 9110, section 9.2.1, is sent once more where the upstream could not be reached or says that it
    /// is not there for the moment, and not until when. Nothing else is ever sent twice.
    async fn send_safely(&self, outbound: &Outbound) -> Result<Response, Failure> {
        let first = self.send(outbound).await;
        let again = match &first {
            Ok(response) => {
                let status = response.status_code();
                let exchange = Exchange { method: self.method, url: &outbound.url, status };
                exchange.may_repeat(response.headers().get("retry-after")?.as_deref())
            }
            Err(NoAnswer::Lost(_)) => is_safe(self.method),
            Err(NoAnswer::Failed(_)) => false,
        };
        let answer = if again {
            Delay::from(PAUSE).await;
            self.send(outbound).await
        } else {
            first
        };
        match answer {
            Ok(response) => Ok(response),
            Err(NoAnswer::Failed(failure)) => Err(failure),
            Err(NoAnswer::Lost(text)) => {
                let why = why_unreachable(outbound.url.as_str(), &text).await;
                Err(AppError::refused(Code::UpstreamUnreachable, why.detail()).into())
            }
        }
    }

    async fn send(&self, outbound: &Outbound) -> Result<Response, NoAnswer> {
        let headers = Headers::new();
        for (name, value) in outbound.headers.iter() {
            headers.append(name, value)?;
        }
        headers.set("cdn-loop", &self.isolate.secrets.passage.header(None))?;
        let mut init = RequestInit::new();
        init.with_method(Method::from(self.method.to_owned()))
            .with_headers(headers)
            .with_redirect(RequestRedirect::Manual)
            // The platform's cache knows nothing of credentials: one tenant's answer must not be another's.
            .with_cache(CacheMode::NoStore)
            .with_body(self.body.value());
        let request = Request::new_with_init(outbound.url.as_str(), &init)?;

        let controller = AbortController::default();
        let signal = controller.signal();
        let fetch = Fetch::Request(request);
        let timeout =
            Delay::from(Duration::from_secs(self.isolate.config.limits.upstream_timeout_seconds.into()));
        // The limit is on the answer's head: a long body is not a slow upstream.
        match select(Box::pin(fetch.send_with_signal(&signal)), timeout).await {
            Either::Left((Ok(response), _)) => Ok(response),
            Either::Left((Err(error), _)) => Err(NoAnswer::Lost(error.to_string())),
            Either::Right(((), pending)) => {
                controller.abort();
                drop(pending);
                Err(NoAnswer::Failed(Code::UpstreamTimeout.into()))
            }
        }
    }
}
