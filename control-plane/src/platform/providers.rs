//! Identity providers over HTTP: discovery documents and key sets, kept for an hour in this isolate's memory, and the
//! exchange of a code.
//!
//! Invariants: no redirect is followed, no answer is read past its bound or waited for past its time, and nothing of an
//! answer reaches a log.

use super::now_ms;
use crate::error::AppError;
use crate::flows::oidc::Providers;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use oidc::{Cached, Issuer, Jwks, Metadata, OidcError, TokenRequest, Tokens};
use protocol::Code;
use secrecy::{ExposeSecret as _, SecretString};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use worker::{
    AbortController, CacheMode, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    Response, console_error,
};
use zeroize::Zeroizing;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_DOCUMENT: usize = 256 * 1024;

thread_local! {
    static METADATA: RefCell<HashMap<String, Cached<Rc<Metadata>>>> = RefCell::default();
    static KEYS: RefCell<HashMap<String, Cached<Rc<Jwks>>>> = RefCell::default();
}

/// The providers, as `fetch` reaches them.
pub(crate) struct Web;

impl Providers for Web {
    async fn metadata(&self, issuer: &Issuer) -> Result<Rc<Metadata>, AppError> {
        let now_s = now_ms() / 1000;
        let known = METADATA.with_borrow(|all| all.get(issuer.as_str())?.fresh(now_s).cloned());
        if let Some(metadata) = known {
            return Ok(metadata);
        }
        let document = get(&oidc::discovery_url(issuer), None).await?;
        let metadata = Rc::new(Metadata::parse(issuer, &document).map_err(unusable)?);
        METADATA.with_borrow_mut(|all| {
            all.insert(issuer.as_str().to_owned(), Cached::new(metadata.clone(), now_s));
        });
        Ok(metadata)
    }

    async fn keys(&self, metadata: &Metadata, again: bool) -> Result<Rc<Jwks>, AppError> {
        let (url, now_s) = (metadata.jwks_uri(), now_ms() / 1000);
        let known = KEYS.with_borrow_mut(|all| {
            let cached = all.get_mut(url)?;
            let keys = cached.fresh(now_s).cloned()?;
            (!again || !cached.claim_refetch(now_s)).then_some(keys)
        });
        if let Some(keys) = known {
            return Ok(keys);
        }
        let keys = Rc::new(Jwks::parse(metadata, &get(url, None).await?).map_err(unusable)?);
        KEYS.with_borrow_mut(|all| {
            all.insert(url.to_owned(), Cached::new(keys.clone(), now_s));
        });
        Ok(keys)
    }

    async fn user_info(&self, url: &str, access_token: &SecretString) -> Result<Vec<u8>, AppError> {
        let authorization = Zeroizing::new(format!("Bearer {}", access_token.expose_secret()));
        get(url, Some(&authorization)).await
    }

    async fn redeem(&self, request: TokenRequest) -> Result<Tokens, AppError> {
        let headers = Headers::new();
        headers.set("content-type", TokenRequest::CONTENT_TYPE).map_err(platform)?;
        headers.set("accept", TokenRequest::ACCEPT).map_err(platform)?;
        if let Some(authorization) = &request.authorization {
            headers.set("authorization", authorization.expose_secret()).map_err(platform)?;
        }
        let mut init = init(headers);
        init.with_method(Method::Post).with_body(Some(request.body.expose_secret().into()));
        let (status, body) = send(&request.url, &init).await?;
        match status {
            200 => oidc::tokens(&body).map_err(unusable),
            // RFC 6749, section 5.2: a code that is unknown, used or not this client's.
            400 | 401 => Err(Code::IdentityRefused.into()),
            _ => Err(Code::IdentityProviderUnavailable.into()),
        }
    }
}

async fn get(url: &str, authorization: Option<&str>) -> Result<Vec<u8>, AppError> {
    let headers = Headers::new();
    headers.set("accept", "application/json").map_err(platform)?;
    if let Some(authorization) = authorization {
        headers.set("authorization", authorization).map_err(platform)?;
    }
    match send(url, &init(headers)).await? {
        (200, body) => Ok(body),
        _ => Err(Code::IdentityProviderUnavailable.into()),
    }
}

fn init(headers: Headers) -> RequestInit {
    let mut init = RequestInit::new();
    init.with_headers(headers).with_redirect(RequestRedirect::Manual).with_cache(CacheMode::NoStore);
    init
}

async fn send(url: &str, init: &RequestInit) -> Result<(u16, Vec<u8>), AppError> {
    let answer = fetch_bounded(url, init).await.ok_or(Code::IdentityProviderUnavailable)?;
    Ok((answer.0.status_code(), answer.1))
}

/// A response and its body, at most 256 KiB of it, within 10 s. `None` says nothing of what the request has done.
pub(super) async fn fetch_bounded(url: &str, init: &RequestInit) -> Option<(Response, Vec<u8>)> {
    let request = Request::new_with_init(url, init).ok()?;
    let controller = AbortController::default();
    let signal = controller.signal();
    let answer = async {
        let mut response = Fetch::Request(request).send_with_signal(&signal).await.ok()?;
        let mut body = Vec::new();
        if let Ok(mut chunks) = response.stream() {
            while let Some(chunk) = chunks.next().await {
                body.extend(chunk.ok()?);
                if body.len() > MAX_DOCUMENT {
                    return None;
                }
            }
        }
        Some((response, body))
    };
    match select(Box::pin(answer), Delay::from(TIMEOUT)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), pending)) => {
            controller.abort();
            drop(pending);
            None
        }
    }
}

/// A provider that answers with what no provider should: for the operator's log, by our own fixed words.
fn unusable(error: OidcError) -> AppError {
    console_error!("{}", serde_json::json!({ "level": "error", "identity_provider": error.to_string() }));
    Code::IdentityProviderUnavailable.into()
}

fn platform(_: worker::Error) -> AppError {
    AppError::Platform("a request to an identity provider cannot be made")
}
