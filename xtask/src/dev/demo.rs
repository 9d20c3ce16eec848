//! The demo org, made over the public API like anyone's: a user, an API key, a connection, a webhook source. What the
//! banner shows is kept in one private file, and used again while it works.

use super::short;
use crate::api::{Api, string};
use crate::keys::write_private;
use crate::ui::seconds;
use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Duration;

const EMAIL: &str = "demo@sluicegate.test";

/// What the banner shows.
#[derive(Deserialize, Serialize)]
pub(super) struct Demo {
    password: String,
    api_key: String,
    connection_id: String,
    source_id: String,
    source_secret: String,
    upstream: String,
}

/// Finds the demo org of an earlier run, or makes it.
pub(super) fn seed(url: &str, upstream: &str, file: &Path) -> Result<Demo> {
    let earlier = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Demo>(&text).ok());
    let api = Api::new(url);
    if let Some(demo) = &earlier
        && demo.upstream == upstream
        && api.with(&demo.api_key).get("/v1/me").is_ok()
    {
        return earlier.context("the demo org");
    }
    let demo = create(&api, upstream, earlier.map(|demo| demo.password))?;
    write_private(
        file,
        fs::OpenOptions::new().create(true).truncate(true),
        &serde_json::to_string_pretty(&demo)?,
    )?;
    Ok(demo)
}

fn create(api: &Api<'_>, upstream: &str, password: Option<String>) -> Result<Demo> {
    let password = password.map_or_else(|| random("", 12), Ok)?;
    let account = json!({
        "email": EMAIL, "password": password, "name": "Demo", "org_name": "Demo", "accept_terms": true,
    });
    let session = api.post("/v1/signup", &account).or_else(|refused| {
        let login = json!({ "email": EMAIL, "password": password });
        api.post("/v1/login", &login).map_err(|_| refused).context(
            "the state in .sluicegate/dev holds a demo account of another password: delete that folder to begin anew",
        )
    })?;
    let api = api.with(string(&session, "/session/token")?);

    let scopes =
        ["connections:read", "connections:write", "sources:read", "inbound_events:read", "audit:read"];
    let key = api.post("/v1/api-keys", &json!({ "name": "demo", "scopes": scopes }))?;
    let connection = json!({
        "connector": "http", "name": "Local echo", "base_url": upstream,
        "auth": { "type": "bearer", "token": random("demo-upstream-token-", 18)? },
    });
    let connection = api.post("/v1/connections", &connection)?;
    let source_secret = random("whsec_demo", 24)?;
    let source = json!({ "provider": "stripe", "name": "Demo Stripe", "secret": source_secret });
    let source = api.post("/v1/sources", &source)?;
    Ok(Demo {
        password,
        api_key: string(&key, "/key")?.to_owned(),
        connection_id: string(&connection, "/id")?.to_owned(),
        source_id: string(&source, "/id")?.to_owned(),
        source_secret,
        upstream: upstream.to_owned(),
    })
}

impl Demo {
    pub(super) fn print_banner(&self, url: &str, mail_page: &str, dir: &Path, took: Duration) {
        let Self { password, api_key, connection_id, source_id, source_secret, .. } = self;
        println!(
            r#"
Sluicegate is running ({took}).

  Dashboard   {url}/
  Sign in     {EMAIL}   {password}
  API key     {api_key}
  Mail        {mail_page}/   (dev only: every mail ends here)

A call through the credential broker. The upstream is a local echo: it got the credential, you don't see it.

  curl -H 'Authorization: Bearer {api_key}' \
    {url}/v1/connections/{connection_id}/proxy/hello

An OAuth connection, offline: sign in, open {url}/connectors, pick one, click Allow at the stand-in provider.

A webhook as Stripe signs it:

  body='{{"id":"evt_demo","type":"invoice.paid"}}'; t=$(date +%s)
  sig=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac '{source_secret}' -r | cut -d' ' -f1)
  curl -i -d "$body" -H "Stripe-Signature: t=$t,v1=$sig" {url}/in/{source_id}

State, keys: {dir} (delete it to begin anew). Edit a source file and it is rebuilt. Ctrl-C stops.
"#,
            took = seconds(took),
            dir = short(dir),
        );
    }
}

fn random(prefix: &str, bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
}
