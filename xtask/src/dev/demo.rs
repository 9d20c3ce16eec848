//! The demo org, made over the public API like anyone's: a user, an API key, a connection, a webhook source and an endpoint that
//! gets its events. What the banner shows is kept in one private file, and used again while it works.

use super::Neighbours;
use crate::api::{Api, string};
use crate::private;
use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::Scope;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs;
use std::path::Path;

pub(crate) const EMAIL: &str = "demo@sluicegate.test";

/// The demo org, as its owner knows it.
#[derive(Deserialize, Serialize)]
pub(crate) struct Demo {
    pub(crate) password: String,
    pub(crate) api_key: String,
    pub(crate) connection_id: String,
    pub(crate) source_id: String,
    pub(crate) source_secret: String,
    upstream: String,
    /// Absent in the file of a version that had no receiver.
    #[serde(default)]
    receiver: String,
    #[serde(default)]
    endpoint_secret: String,
}

/// Finds the demo org of an earlier run, or makes it. The receiver learns the secret of its endpoint.
pub(crate) fn seed(url: &str, neighbours: &Neighbours, file: &Path) -> Result<Demo> {
    let earlier = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Demo>(&text).ok());
    let api = Api::new(url);
    let works = |demo: &Demo| {
        demo.upstream == neighbours.echo.url()
            && demo.receiver == neighbours.receiver.url()
            && api.with(&demo.api_key).get("/v1/me").is_ok()
    };
    let demo = match earlier {
        Some(demo) if works(&demo) => demo,
        earlier => {
            let demo = create(&api, neighbours, earlier.map(|demo| demo.password))?;
            private::write(file, &serde_json::to_string_pretty(&demo)?)?;
            demo
        }
    };
    neighbours.receiver.learn(&demo.endpoint_secret)?;
    Ok(demo)
}

fn create(api: &Api<'_>, neighbours: &Neighbours, password: Option<String>) -> Result<Demo> {
    let (upstream, receiver) = (neighbours.echo.url(), neighbours.receiver.url());
    let password = password.map_or_else(|| random("", 12), Ok)?;
    let session = sign_in(api, &password)?;
    let api = api.with(string(&session, "/session/token")?);

    let scopes: Vec<Scope> = Scope::all().collect();
    let key = api.post("/v1/api-keys", &json!({ "name": "demo", "scopes": scopes }))?;
    let connection = json!({
        "connector": "http", "name": "Local echo", "base_url": upstream,
        "auth": { "type": "bearer", "token": random("demo-upstream-token-", 18)? },
    });
    let connection = api.post("/v1/connections", &connection)?;
    let source_secret = random("whsec_demo", 24)?;
    let source = json!({ "provider": "stripe", "name": "Demo Stripe", "secret": source_secret });
    let source = api.post("/v1/sources", &source)?;
    let endpoint = json!({
        "url": format!("{receiver}/stripe"), "description": "Local receiver", "sources": [string(&source, "/id")?],
    });
    let endpoint = api.post("/v1/endpoints", &endpoint)?;
    Ok(Demo {
        password,
        api_key: string(&key, "/key")?.to_owned(),
        connection_id: string(&connection, "/id")?.to_owned(),
        source_id: string(&source, "/id")?.to_owned(),
        source_secret,
        upstream,
        receiver,
        endpoint_secret: string(&endpoint, "/secret")?.to_owned(),
    })
}

/// Makes the account, or signs in to the one that is there.
fn sign_in(api: &Api<'_>, password: &str) -> Result<serde_json::Value> {
    let account = json!({
        "email": EMAIL, "password": password, "name": "Demo", "org_name": "Demo", "accept_terms": true,
    });
    api.post("/v1/signup", &account).or_else(|refused| {
        let login = json!({ "email": EMAIL, "password": password });
        api.post("/v1/login", &login).map_err(|_| refused).context(
            "the state in .sluicegate/dev holds a demo account of another password: delete that folder to begin anew",
        )
    })
}

impl Demo {
    /// The variables that README's blocks begin with.
    pub(crate) fn variables(&self, url: &str, neighbours: &Neighbours) -> [(&'static str, String); 6] {
        [
            ("URL", url.to_owned()),
            ("KEY", self.api_key.clone()),
            ("CONNECTION", self.connection_id.clone()),
            ("SOURCE", self.source_id.clone()),
            ("ECHO", neighbours.echo.url()),
            ("RECEIVER", neighbours.receiver.url()),
        ]
    }
}

fn random(prefix: &str, bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
}
