//! The operator's own app behind a gateway route: who gets through, as whom, and what neither side can do to the other.
//! The server enforces a configuration of its own, given when it starts.

mod admission;
mod answers;
mod assertion;
mod headers;
mod revocation;
mod streaming;
mod websocket;

use config::GatewayRoute;
use e2e::wire::Head;
use e2e::{Call, Client, Gate, Org, Upstream, random};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, LazyLock, Mutex};

/// `revocation.max_staleness_seconds` here.
const STALENESS_SECONDS: u32 = 2;
/// Its characters need escaping in TOML, JSON, Cap'n Proto or HTML.
const BRAND: &str = r#"Schleuse "Süd" <1> \"#;

/// A server with routes to two apps, and to one that is down. All tests here share it.
struct Behind {
    gate: Gate,
    app: Upstream,
    other: Upstream,
}

/// How an upstream answers.
type Answer = Arc<dyn Fn(&mut Call) -> io::Result<()> + Send + Sync>;

/// How the upstreams answer where a test has said so, by request target; everywhere else they echo.
static ANSWERS: LazyLock<Mutex<HashMap<String, Answer>>> = LazyLock::new(Mutex::default);

impl Behind {
    fn shared() -> &'static Self {
        static SHARED: LazyLock<Behind> = LazyLock::new(Behind::start);
        &SHARED
    }

    fn start() -> Self {
        let (app, other) = (Upstream::start(answer), Upstream::start(answer));
        let route = |path: &str, upstream: String, audience: &str| GatewayRoute {
            path: path.to_owned(),
            upstream,
            audience: audience.to_owned(),
        };
        let mut config = e2e::config();
        config.brand.name = BRAND.to_owned();
        config.revocation.max_staleness_seconds = STALENESS_SECONDS;
        config.routes = vec![
            route("/app/", app.url(), "app"),
            route("/other/", other.url(), "other"),
            route("/down/", unused_address(), "down"),
        ];
        let gate = Gate::start_with("gateway", |options| options.config = Some(config));
        Self { gate, app, other }
    }

    /// What of the requests at `/app/` has this in its target.
    fn heads_with(&self, part: &str) -> Vec<Head> {
        self.app.heads().into_iter().filter(|head| head.first.contains(part)).collect()
    }
}

/// A target below `/app/` that no other test uses.
fn fresh() -> String {
    random::text("/app/")
}

/// A fresh target at which the upstream answers so.
fn answering(answer: impl Fn(&mut Call) -> io::Result<()> + Send + Sync + 'static) -> String {
    let target = fresh();
    ANSWERS.lock().unwrap().insert(target.clone(), Arc::new(answer));
    target
}

fn answer(call: &mut Call) -> io::Result<()> {
    let said = ANSWERS.lock().unwrap().get(call.target()).cloned();
    match said {
        Some(answer) => answer(call),
        None => call.echo(),
    }
}

/// Where nobody listens.
fn unused_address() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Every way to be somebody: session bearer, session cookie, API key; with the subject of each.
fn callers(org: &Org) -> [(&'static str, Client, String); 3] {
    let key = org.api_key(&["connections:read"]);
    [
        ("session", org.anonymous().bearer(&org.token), org.user_id.clone()),
        ("cookie", org.anonymous().cookie(&org.cookie), org.user_id.clone()),
        ("key", org.anonymous().bearer(&key.key), key.id),
    ]
}

/// The values of a header of an echoed request.
fn echoed<'e>(echo: &'e serde_json::Value, name: &str) -> Vec<&'e str> {
    let headers = echo["headers"].as_array().expect("an echo");
    let same =
        |header: &&serde_json::Value| header[0].as_str().is_some_and(|have| have.eq_ignore_ascii_case(name));
    headers.iter().filter(same).filter_map(|header| header[1].as_str()).collect()
}
