//! A customer's server, on this machine: takes webhooks, verifies them by Standard Webhooks, prints each, and lists them.
//!
//! `POST /secret` tells it the secret of an endpoint, as one would configure it. `GET /` lists what has come. Every other `POST`
//! is a delivery, answered with 204 whether or not its signature is right: it is here to show, not to protect.
//!
//! Invariant: it answers only to a client that was sent to this machine by name: another site's name that resolves to
//! 127.0.0.1 gets nothing (DNS rebinding).

use anyhow::{Context as _, Result, anyhow};
use std::collections::VecDeque;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;
use tiny_http::{Method, Request, Response, Server};
use webhooks::{Provider, Refusal, SecretKey, provider};

const MAX_BODY: u64 = 1024 * 1024;
const SHOWN_BODY_CHARS: usize = 300;
const KEPT: usize = 50;
const THREADS: usize = 2;

/// Runs until the process ends.
#[derive(Clone)]
pub(crate) struct Receiver {
    port: u16,
    scheme: &'static Provider,
    state: Arc<Mutex<State>>,
    on_delivery: fn(&str),
}

#[derive(Default)]
struct State {
    secrets: Vec<SecretKey>,
    /// A line each, oldest first.
    deliveries: VecDeque<String>,
}

impl Receiver {
    /// Listens on this port of 127.0.0.1 (0: any), and calls `on_delivery` with a line about each delivery.
    ///
    /// # Errors
    /// When the port is taken.
    pub(crate) fn start(port: u16, on_delivery: fn(&str)) -> Result<Self> {
        let server = Server::http((Ipv4Addr::LOCALHOST, port))
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("the demo's receiver needs port {port}"))?;
        let port = server.server_addr().to_ip().context("no port")?.port();
        let scheme = provider("standard-webhooks").context("no provider standard-webhooks")?;
        let receiver = Self { port, scheme, state: Arc::default(), on_delivery };
        let server = Arc::new(server);
        for _ in 0..THREADS {
            let (server, receiver) = (Arc::clone(&server), receiver.clone());
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    // A client that went away is its own affair.
                    drop(receiver.answer(request));
                }
            });
        }
        Ok(receiver)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Tells it an endpoint's secret.
    pub(crate) fn learn(&self, secret: &str) -> Result<()> {
        let key = self.scheme.parse_secret(secret.trim()).context("an endpoint's secret is whsec_…")?;
        self.state().secrets.push(key);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut request: Request) -> Result<()> {
        let mut body = Vec::new();
        request.as_reader().take(MAX_BODY).read_to_end(&mut body)?;
        let (status, text) = if is_local(&request) {
            self.act(&request, &body)
        } else {
            (421, "This server is for this machine.\n".to_owned())
        };
        Ok(request.respond(Response::from_string(text).with_status_code(status))?)
    }

    fn act(&self, request: &Request, body: &[u8]) -> (u16, String) {
        match (request.method(), request.url()) {
            (Method::Get, "/") => {
                let lines = self.state().deliveries.iter().fold(String::new(), |all, line| all + line + "\n");
                (200, lines)
            }
            (Method::Post, "/secret") => match self.learn(&String::from_utf8_lossy(body)) {
                Ok(()) => (200, "Deliveries with this secret are verified from now on.\n".to_owned()),
                Err(error) => (422, format!("{error:#}\n")),
            },
            (Method::Post, _) => {
                self.take(request, body);
                (204, String::new())
            }
            _ => (404, "GET / lists the deliveries.\n".to_owned()),
        }
    }

    fn take(&self, request: &Request, body: &[u8]) {
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|header| (header.field.as_str().as_str(), header.value.as_str()))
            .collect();
        let (url, id) = (request.url(), value(&headers, "webhook-id").unwrap_or("without an id"));
        let verdict = self.verdict(url, &headers, body);
        let shown: String = String::from_utf8_lossy(body).chars().take(SHOWN_BODY_CHARS).collect();
        // A terminal obeys control characters.
        let line = format!("POST {url} {id}: {verdict}: {shown}").replace(char::is_control, " ");
        (self.on_delivery)(&line);
        let mut state = self.state();
        if state.deliveries.len() == KEPT {
            state.deliveries.pop_front();
        }
        state.deliveries.push_back(line);
    }

    fn verdict(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> &'static str {
        let request = webhooks::Request { method: "POST", url, headers, body };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        match webhooks::verify(self.scheme, &self.state().secrets, &request, now_ms, None) {
            Ok(_) => "signature verified",
            Err(_) if value(headers, "webhook-signature").is_none() => "no signature of Standard Webhooks",
            Err(Refusal::NoSecret | Refusal::SignatureInvalid) => {
                "SIGNATURE NOT VERIFIED (send the endpoint's secret to POST /secret)"
            }
            Err(_) => "SIGNATURE NOT VERIFIED",
        }
    }
}

fn value<'a>(headers: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn is_local(request: &Request) -> bool {
    let host = request.headers().iter().find(|header| header.field.equiv("host"));
    let host = host.map_or("", |header| header.value.as_str());
    matches!(host.rsplit_once(':').map_or(host, |(host, _)| host), "localhost" | "127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::Agent;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn post(url: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut request = agent.post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(body).unwrap().status().as_u16()
    }

    fn list(receiver: &Receiver) -> String {
        ureq::get(receiver.url()).call().unwrap().body_mut().read_to_string().unwrap()
    }

    #[test]
    fn a_delivery_is_verified_by_the_secret_that_it_was_told() {
        let receiver = Receiver::start(0, |_| {}).unwrap();
        let hook = receiver.url() + "/hooks";
        let key = receiver.scheme.parse_secret(SECRET).unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let signed = webhooks::sign::standard_webhooks(&[&key], "msg_1", now, b"{}");
        let signed: Vec<_> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();

        assert_eq!(post(&hook, &signed, "{}"), 204);
        assert!(list(&receiver).contains("POST /hooks msg_1: SIGNATURE NOT VERIFIED"));
        assert_eq!(post(&(receiver.url() + "/secret"), &[], "nonsense"), 422);
        assert_eq!(post(&(receiver.url() + "/secret"), &[], &format!("{SECRET}\n")), 200);
        assert_eq!(post(&hook, &signed, "{}"), 204);
        assert!(list(&receiver).contains("POST /hooks msg_1: signature verified: {}"));
        assert_eq!(post(&hook, &signed, "{ }"), 204);
        assert!(
            list(&receiver).ends_with("NOT VERIFIED (send the endpoint's secret to POST /secret): { }\n")
        );
        assert_eq!(post(&hook, &[], "{}\u{1b}[2J"), 204);
        assert!(list(&receiver).ends_with("without an id: no signature of Standard Webhooks: {} [2J\n"));
    }

    #[test]
    fn another_sites_name_gets_nothing() {
        let receiver = Receiver::start(0, |_| {}).unwrap();
        assert_eq!(post(&receiver.url(), &[("host", "evil.example")], "{}"), 421);
        assert_eq!(list(&receiver), "");
    }
}
