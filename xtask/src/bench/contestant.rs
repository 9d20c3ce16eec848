//! Who is measured: ours as production runs it, and the peers of `xtask/bench/peers`, each bundled and minified by
//! esbuild. Each has a workerd, a socket and a database folder of its own, configured alike.

use super::scenario::{Credentials, Exchange, Scenario};
use crate::api::{Api, string};
use crate::build::Worker;
use crate::process::{Process, run};
use crate::serve::{self, Stack, listen, workerd};
use crate::setup::npm_bin;
use crate::{root, wrangler};
use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const PEERS: [&str; 2] = ["hono", "js"];
/// Of the webhook source, for everyone.
pub(super) const WEBHOOK_SECRET: &[u8] = b"bench-only-webhook-secret";
const JWT_SECRET: &[u8] = b"bench-only-jwt-secret-of-32-bytes";
const JWT_LIFE_SECONDS: u64 = 86_400;

/// A running server and what it gave out.
pub(super) struct Contestant {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    server: Server,
    credentials: Credentials,
}

enum Server {
    Ours(Box<Stack>),
    Peer(Process),
}

impl Contestant {
    /// workerd's process id.
    pub(super) fn pid(&self) -> u32 {
        match &self.server {
            Server::Ours(stack) => stack.pid(),
            Server::Peer(process) => process.id(),
        }
    }

    pub(super) fn exchange(&self, scenario: Scenario) -> Result<Exchange> {
        Exchange::new(scenario, &self.credentials)
    }
}

/// Ours first, then the peers.
///
/// # Errors
/// When one does not start.
pub(super) fn start_all(dir: &Path) -> Result<Vec<Contestant>> {
    let (ours, principal) = start_ours(&dir.join("ours")).context("ours")?;
    let token = jwt(&principal)?;
    let peers = PEERS.map(|name| start_peer(name, &dir.join(name), &token).context(name));
    [Ok(ours)].into_iter().chain(peers).collect()
}

/// The production build and configuration, but for limits that the load does not reach. Also returns the answer of
/// `/v1/auth/check`, which the peers give too.
fn start_ours(dir: &Path) -> Result<(Contestant, Value)> {
    let mut options = serve::Options::new(dir)?;
    options.variables = [("CLIENT_IP_HEADER", "cf-connecting-ip"), ("RATE_LIMIT_SCALE", "1000000")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let stack = Stack::start(options)?;
    let api = Api::new(stack.url());
    let account = json!({
        "email": "bench@sluicegate.test", "password": "bench-only password", "name": "Bench",
        "org_name": "Bench", "accept_terms": true,
    });
    let session = api.post("/v1/signup", &account)?;
    let admin = api.with(string(&session, "/session/token")?);
    let key = json!({ "name": "bench", "scopes": ["connections:read"] });
    let key = string(&admin.post("/v1/api-keys", &key)?, "/key")?.to_owned();
    let secret = std::str::from_utf8(WEBHOOK_SECRET)?;
    let source = json!({ "provider": "github", "name": "Bench", "secret": secret });
    let source = string(&admin.post("/v1/sources", &source)?, "/id")?.to_owned();
    let principal = api.with(&key).get("/v1/auth/check")?;
    let address = stack.url().trim_start_matches("http://").parse()?;
    let credentials = Credentials { good: key, source };
    Ok((Contestant { name: "ours", address, server: Server::Ours(Box::new(stack)), credentials }, principal))
}

fn start_peer(name: &'static str, dir: &Path, token: &str) -> Result<Contestant> {
    fs::create_dir_all(dir.join("objects"))?;
    run(npm_bin("esbuild")
        .arg(root().join(format!("xtask/bench/peers/{name}.js")))
        .args(["--bundle", "--minify", "--format=esm", "--target=esnext", "--log-level=warning"])
        .arg("--external:cloudflare:*")
        .arg([OsString::from("--outfile="), dir.join("index.js").into()].into_iter().collect::<OsString>()))?;
    let config = dir.join("workerd.capnp");
    fs::write(&config, peer_config()?)?;
    let mut command = workerd(&config);
    // From here on go the paths of folders in the configuration.
    command.current_dir(dir);
    let (process, port) = listen(command, dir)?;
    Ok(Contestant {
        name,
        address: (Ipv4Addr::LOCALHOST, port).into(),
        server: Server::Peer(process),
        credentials: Credentials { good: token.to_owned(), source: "bench".to_owned() },
    })
}

/// As `serve` configures ours: the same date and flags, one socket, objects with SQLite on the local disk.
fn peer_config() -> Result<String> {
    let date = wrangler::read(Worker::Edge)?.compatibility_date;
    let (jwt_secret, webhook_secret) =
        (std::str::from_utf8(JWT_SECRET)?, std::str::from_utf8(WEBHOOK_SECRET)?);
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "peer", worker = (
      modules = [(name = "index.js", esModule = embed "index.js")],
      compatibilityDate = "{date}",
      bindings = [
        (name = "JWT_SECRET", text = "{jwt_secret}"),
        (name = "WEBHOOK_SECRET", text = "{webhook_secret}"),
        (name = "EVENTS", durableObjectNamespace = "Events"),
      ],
      durableObjectNamespaces = [(className = "Events", uniqueKey = "Events", enableSql = true)],
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "objects", disk = (path = "objects", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "peer")],
);
"#
    ))
}

/// The peers' credential: an HS256 token (RFC 7519) that says what our API key stands for.
fn jwt(principal: &Value) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "org": string(principal, "/org_id")?, "sub": string(principal, "/subject")?,
        "scopes": principal.get("scopes").context("scopes")?, "iat": now, "exp": now + JWT_LIFE_SECONDS,
    });
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(JWT_SECRET, signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).map_err(|_| anyhow!("HMAC takes keys of any length"))?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}
