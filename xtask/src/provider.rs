//! A provider that stands in for every connector's, on this machine: OAuth with a page to click, and answers to the
//! catalogue's requests. `cargo xtask dev` runs one, so that a connection can be made and used offline; so do tests.
//!
//! It is as strict as a good provider: PKCE, one use of a code, refresh tokens that rotate and end their grant when an old
//! one comes again. What it answers to an API request is the fixture of the connector's rule, content fields and all, so
//! that what arrives at the caller shows what the broker's filter takes out.

mod api;
mod oauth;

use anyhow::{Context as _, Result, anyhow};
use oauth::Grants;
use serde_json::Value;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tiny_http::{Header, Method, Request, Response, Server};

const MAX_BODY: u64 = 1024 * 1024;
const THREADS: usize = 4;

/// How the provider behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// `client_secret` of every client.
    pub client_secret: String,
    /// How long an access token is good.
    pub access_token_life: Duration,
}

/// Runs until the process ends.
#[derive(Debug, Clone)]
pub struct Provider {
    port: u16,
    grants: Arc<Mutex<Grants>>,
}

/// What the provider was asked, so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Refreshes that it granted.
    pub refreshes: u64,
    /// Refreshes that it refused.
    pub refused: u64,
    /// Tokens revoked.
    pub revocations: u64,
    /// API requests with a good access token.
    pub requests: u64,
}

impl Provider {
    /// Starts one; port 0 takes any.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16, options: Options) -> Result<Self> {
        let server = Server::http((Ipv4Addr::LOCALHOST, port))
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("the stand-in provider needs port {port}"))?;
        let port = server.server_addr().to_ip().context("no port")?.port();
        let provider = Self { port, grants: Arc::new(Mutex::new(Grants::new(options))) };
        let server = Arc::new(server);
        for _ in 0..THREADS {
            let (server, provider) = (server.clone(), provider.clone());
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    // A client that went away is its own affair.
                    drop(provider.answer(request));
                }
            });
        }
        Ok(provider)
    }

    /// For `stand_in` of a connector in sluicegate.toml.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it was asked so far.
    pub fn counts(&self) -> Counts {
        self.grants().counts
    }

    /// Every code and token that it has handed out, for a search of where they may not be.
    pub fn secrets(&self) -> Vec<String> {
        self.grants().handed_out.clone()
    }

    /// As if every access token had expired.
    pub fn expire_access_tokens(&self) {
        self.grants().expire();
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut request: Request) -> Result<()> {
        let mut body = String::new();
        // What is not text is nothing that this server understands.
        let _ = request.as_reader().take(MAX_BODY).read_to_string(&mut body);
        let authorization = header(&request, "authorization");
        let url = request.url().to_owned();
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        let answer = match (request.method(), oauth::endpoint(path)) {
            (Method::Get, Some(oauth::Endpoint::Authorize)) => oauth::page(query),
            (Method::Post, Some(oauth::Endpoint::Authorize)) => self.grants().decide(&body),
            (Method::Post, Some(oauth::Endpoint::Token)) => {
                self.grants().token(&body, authorization.as_deref())
            }
            (_, Some(oauth::Endpoint::Revoke)) => {
                self.grants().revoke(path, query, &body, authorization.as_deref())
            }
            (method, _) => {
                let method = method.to_string();
                self.grants().api_request(authorization.as_deref()).map_or_else(
                    || Answer::json(401, &serde_json::json!({ "error": "invalid_token" })),
                    |()| api::answer(&method, &url, &body),
                )
            }
        };
        let mut response = Response::from_string(answer.body).with_status_code(answer.status);
        for (name, value) in answer.headers {
            let header = Header::from_bytes(name, value).map_err(|()| anyhow!("a header"))?;
            response.add_header(header);
        }
        Ok(request.respond(response)?)
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    let header =
        request.headers().iter().find(|header| header.field.as_str().as_str().eq_ignore_ascii_case(name));
    header.map(|header| header.value.as_str().to_owned())
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    fn json(status: u16, value: &Value) -> Self {
        let headers =
            vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".to_owned())];
        Self { status, headers, body: value.to_string() }
    }

    fn html(body: String) -> Self {
        Self { status: 200, headers: vec![("content-type", "text/html; charset=utf-8".to_owned())], body }
    }

    fn redirect(location: String) -> Self {
        Self { status: 303, headers: vec![("location", location)], body: String::new() }
    }
}

#[cfg(test)]
mod tests;
