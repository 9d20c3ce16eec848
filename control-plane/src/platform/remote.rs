//! The world outside, as an org's object reaches it while it answers a call.
//!
//! Invariants: no redirect is followed, no answer is read past its bound or waited for past its time, and nothing of an
//! answer reaches a log.

use super::mail_login::{self, MailServer};
use super::providers::fetch_bounded;
use super::{now_ms, postgres};
use crate::org::put_off_ms;
use crate::remote::{Login, LoginRefused, NoAnswer, Remote, RemoteAnswer, RemoteRequest};
use crate::warehouse;
use mail::login::{LoginSecurity, Protocol};
use secrecy::ExposeSecret as _;
use std::time::Duration;
use worker::{CacheMode, Delay, Headers, Method, RequestInit, RequestRedirect};
use zeroize::Zeroizing;

/// Providers over the platform's `fetch` and sockets.
#[derive(Clone, Copy)]
pub(crate) struct Outside;

impl Remote for Outside {
    async fn send(&self, request: RemoteRequest) -> Result<RemoteAnswer, NoAnswer> {
        let headers = Headers::new();
        for (name, value) in &request.headers {
            headers.set(name, value.expose_secret()).map_err(|_| NoAnswer)?;
        }
        let mut init = RequestInit::new();
        init.with_method(Method::from(request.method.to_owned()))
            .with_headers(headers)
            .with_redirect(RequestRedirect::Manual)
            .with_cache(CacheMode::NoStore)
            .with_body(request.body.as_ref().map(|body| body.expose_secret().into()));
        let (response, body) = fetch_bounded(&request.url, &init).await.ok_or(NoAnswer)?;
        let retry_after = response.headers().get("retry-after").ok().flatten();
        Ok(RemoteAnswer {
            status: response.status_code(),
            retry_after: retry_after.map(|text| put_off_ms(Some(&text), now_ms()).div_ceil(1000) as u32),
            body: Zeroizing::new(body),
        })
    }

    async fn log_in(&self, login: Login<'_>) -> Result<(), LoginRefused> {
        let protocol = match login.kind {
            "smtp" => Protocol::Smtp,
            "imap" => Protocol::Imap,
            "postgres" => return sign_in(&login).await,
            _ => {
                return Err(LoginRefused {
                    reason: "unsupported",
                    detail: "there is no such login".to_owned(),
                });
            }
        };
        let security = match login.security {
            "starttls" => LoginSecurity::StartTls,
            _ => LoginSecurity::Tls,
        };
        let server = MailServer { protocol, host: login.host, port: login.port, security };
        let outcome = mail_login::verify(server, login.username, login.password).await;
        outcome.map_err(|failure| LoginRefused { reason: failure.reason(), detail: failure.to_string() })
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    async fn sleep(&self, ms: u64) {
        Delay::from(Duration::from_millis(ms)).await;
    }
}

async fn sign_in(of: &Login<'_>) -> Result<(), LoginRefused> {
    let refused =
        |failure: warehouse::Failure| LoginRefused { reason: failure.reason(), detail: failure.to_string() };
    let login = warehouse::Login::new(of.username, of.password, of.database.unwrap_or_default());
    let login = login.map_err(refused)?;
    postgres::check(postgres::of(of, &login)).await.map_err(refused)
}
