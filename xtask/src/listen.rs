//! `cargo xtask listen`: a source's events, sent on to a port of the developer's own machine as they come.
//!
//! What is forwarded is signed anew: the provider's signature is not stored. By the provider's own scheme where that has a
//! shared secret, so that a handler written with the provider's package runs as it is, with the secret printed here in the
//! place of the provider's; else by Standard Webhooks. The secret is the same at every start.

mod secret;

use crate::api::{Api, Refused, string};
use crate::local_dir;
use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secret::Secret;
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};
use std::{fmt, thread};
use ureq::Agent;
use ureq::http::{HeaderName, Request, Uri};
use webhooks::sign::{Signed, Unsigned, sign_as, standard_webhooks};

/// Scopes that an API key needs.
pub const SCOPES: [&str; 2] = ["sources:read", "inbound_events:read"];
/// Of the local handler.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Between two tries to reach the deployment; doubled up to the last one.
const BACKOFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(16)];

/// What to listen to, and where events go.
pub struct Options {
    /// The deployment, `http://127.0.0.1:8787`.
    pub url: String,
    /// An API key with [`SCOPES`], or a session's token.
    pub key: String,
    /// `src_…`
    pub source: String,
    /// The local handler's URL.
    pub to: Option<String>,
    /// The secret to sign with, in the place of this checkout's own for the source.
    pub secret: Option<String>,
    /// Prints the secret and ends.
    pub print_secret: bool,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("source", &self.source).field("to", &self.to).finish_non_exhaustive()
    }
}

/// Listens until it is stopped; with [`Options::print_secret`], prints the secret instead.
///
/// # Errors
/// When the source cannot be read at the beginning: from then on it tries again.
pub fn run(options: &Options) -> Result<()> {
    let gate = Api::new(&options.url).with(&options.key);
    let source = gate
        .get(&format!("/v1/sources/{}", options.source))
        .map_err(|error| explained(error, options))
        .context("the source cannot be read")?;
    let secret = secret(options, string(&source, "/provider")?)?;
    if options.print_secret {
        println!("{}", secret.text);
        return Ok(());
    }
    let to = options.to.as_deref().context("say where events go: --to http://localhost:3000/webhooks")?;
    let handler = Handler::new(to, secret)?;
    let listen = format!("/v1/sources/{}/listen", options.source);
    let first = gate
        .get(&listen)
        .map_err(|error| explained(error, options))
        .context("the source cannot be listened to")?;
    let mut cursor = string(&first, "/cursor")?.to_owned();

    println!("{} → {to}", string(&source, "/name")?);
    println!("{}", handler.how());
    println!("Ctrl-C stops.\n");

    let mut wait = BACKOFF[0];
    loop {
        let heard = gate.get(&format!("{listen}?after={cursor}")).and_then(|heard| {
            for event in heard.pointer("/data").and_then(Value::as_array).into_iter().flatten() {
                // One that cannot be sent on keeps nobody from the next: it can be replayed.
                handler.take(event).unwrap_or_else(|error| eprintln!("! {error:#}"));
            }
            Ok(string(&heard, "/cursor")?.to_owned())
        });
        match heard {
            Ok(next) => (cursor, wait) = (next, BACKOFF[0]),
            Err(error) => {
                eprintln!("! {error:#}; trying again in {} s", wait.as_secs());
                thread::sleep(wait);
                wait = (wait * 2).min(BACKOFF[1]);
            }
        }
    }
}

/// What to change, where the answer's status tells it.
fn explained(error: anyhow::Error, options: &Options) -> anyhow::Error {
    let status = error.downcast_ref::<Refused>().map(|refused| refused.status.as_u16());
    let advice = match status {
        Some(401) => format!("{} does not know this API key: see --key and --url", options.url),
        Some(403) => format!("the API key needs the scopes {}", SCOPES.join(" and ")),
        Some(404) => format!("the API key's workspace has no source {}", options.source),
        Some(_) => return error,
        None => format!("{} cannot be reached: see --url", options.url),
    };
    error.context(advice)
}

fn secret(options: &Options, provider: &str) -> Result<Secret> {
    match &options.secret {
        Some(given) => Secret::given(provider, given.clone()),
        None => Secret::of(provider, &options.source, &local_dir().join("listen.key")),
    }
}

/// The developer's own handler.
struct Handler<'a> {
    to: &'a str,
    agent: Agent,
    secret: Secret,
}

impl<'a> Handler<'a> {
    fn new(to: &'a str, secret: Secret) -> Result<Self> {
        let is_url = to.parse::<Uri>().is_ok_and(|uri| uri.host().is_some());
        if !is_url || (!to.starts_with("http://") && !to.starts_with("https://")) {
            bail!("--to takes a URL, such as http://localhost:3000/webhooks");
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        Ok(Self { to, agent, secret })
    }

    /// What to do with the secret.
    fn how(&self) -> String {
        let text = &self.secret.text;
        match self.secret.provider {
            Some(provider) => {
                format!("Events are signed as {} signs them. The secret:\n\n    {text}\n", provider.name)
            }
            None => format!(
                "Events are signed by Standard Webhooks (webhook-signature), since only the provider can sign as it does. \
                 The secret:\n\n    {text}\n"
            ),
        }
    }

    /// Sends one event on, and prints what came of it. A handler that is down misses it: it can be replayed.
    fn take(&self, event: &Value) -> Result<()> {
        let id = string(event, "/id")?;
        let kind = event.pointer("/event_type").and_then(Value::as_str).unwrap_or("event");
        let body =
            STANDARD.decode(string(event, "/body_base64")?).context("an event's body is not base64")?;
        let signed = self.sign(id, &body)?;
        let mut request = Request::builder().method("POST").uri(&signed.url);
        for (name, value) in headers(event, &signed)? {
            request = request.header(name, value);
        }
        let began = Instant::now();
        let outcome = match self.agent.run(request.body(signed.body)?) {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) => format!("! {error}"),
        };
        let received = string(event, "/received_at")?;
        println!("{received} {id} {kind} → {outcome} in {} ms", began.elapsed().as_millis());
        Ok(())
    }

    fn sign<'b>(&'b self, id: &str, body: &[u8]) -> Result<Signed<'b>> {
        let now = u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?;
        let Secret { provider, key, .. } = &self.secret;
        let by_provider =
            provider.and_then(|provider| sign_as(provider, key, &unsigned(self.to, id, now, body)));
        // A signature that belongs into the body finds no place in every body.
        Ok(by_provider.unwrap_or_else(|| Signed {
            headers: standard_webhooks(&[key], id, now / 1000, body).into(),
            url: self.to.to_owned(),
            body: body.to_vec(),
        }))
    }
}

/// What was received, besides what belongs to that connection, was redacted, or is signed anew.
fn headers(event: &Value, signed: &Signed<'_>) -> Result<Vec<(HeaderName, String)>> {
    const OF_THE_CONNECTION: [&str; 8] = [
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "accept-encoding",
        "te",
        "upgrade",
        "expect",
    ];
    let received = event.pointer("/headers").and_then(Value::as_array).into_iter().flatten();
    let received = received.filter_map(|pair| {
        let (name, value) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
        let kept = value != "[redacted]"
            && !OF_THE_CONNECTION.contains(&name)
            && !signed.headers.iter().any(|(signed, _)| *signed == name);
        kept.then(|| (name.to_owned(), value.to_owned()))
    });
    let anew = signed.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    received.chain(anew).map(|(name, value)| Ok((name.parse()?, value))).collect()
}

fn unsigned<'a>(url: &'a str, id: &'a str, timestamp_ms: u64, body: &'a [u8]) -> Unsigned<'a> {
    Unsigned { method: "POST", url, id, timestamp_ms, body }
}
