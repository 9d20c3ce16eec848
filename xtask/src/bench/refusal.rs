//! `cargo xtask refusal`: the time from a revocation to the refusal (claim B5), under load.
//!
//! How it measures: eight connections send requests with the credential without a pause, half of them for the tenant's
//! data (`GET /v1/connections`), half for what the edge decides alone (`GET /v1/auth/check`, as gateway routes do), while
//! other tenants load the same server. Then the revoking call is made. A request counts as *after* it if it was sent when
//! the revoking call had been answered.
//!
//! Invariant: for tenant data not one request after it succeeds, for the edge alone none that is later by more than
//! `revocation.max_staleness_seconds`; otherwise the command fails.

use super::http::Connection;
use super::{Scratch, dir_of_reports};
use crate::api::{Api, string};
use crate::build::{Worker, build};
use crate::serve::{self, Stack};
use crate::{setup, ui};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PASSWORD: &str = "refusal-only password";
const NEW_PASSWORD: &str = "refusal-only password 2";
const CONNECTIONS: usize = 8;
/// Before the revocation: the edge has its answer by then, and keeps asking for it.
const LEAD: Duration = Duration::from_millis(1500);
/// Longer than the edge may go by its last answer.
const TAIL: Duration = Duration::from_secs(7);

/// Measures every kind of revocation, prints, and writes `target/bench/refusal.json`.
///
/// # Errors
/// Where something does not start, or something succeeds that must not.
pub fn run() -> Result<()> {
    setup::ensure()?;
    ui::step("building both Workers", || build(serve::PROFILE, &Worker::ALL))?;
    let dir = Scratch::new()?;
    let stack = start(&dir)?;
    let api = Api::new(stack.url());
    let address: SocketAddr = stack.url().trim_start_matches("http://").parse()?;

    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let row =
            ui::step(kind.name(), || measure(kind, api, address)).with_context(|| kind.name().to_owned())?;
        rows.push(row);
    }
    print(&rows);
    fs::create_dir_all(dir_of_reports())?;
    let file = dir_of_reports().join("refusal.json");
    fs::write(&file, serde_json::to_string_pretty(&rows.iter().map(Row::json).collect::<Vec<_>>())?)?;
    println!("\n{}", file.display());
    let staleness = Duration::from_secs(staleness_seconds()?.into());
    for row in &rows {
        if row.data.successes_after > 0 {
            bail!("{}: {} requests for tenant data succeeded afterwards", row.name, row.data.successes_after);
        }
        if row.edge.last_success.is_some_and(|last| last > staleness) {
            bail!("{}: the edge let a request pass {:?} afterwards", row.name, row.edge.last_success);
        }
    }
    Ok(())
}

/// What revokes.
#[derive(Clone, Copy)]
enum Kind {
    Key,
    LogOut,
    Password,
    Session,
    Member,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Key, Self::LogOut, Self::Password, Self::Session, Self::Member];

    fn name(self) -> &'static str {
        match self {
            Self::Key => "API key revoked",
            Self::LogOut => "logged out",
            Self::Password => "password changed",
            Self::Session => "session revoked",
            Self::Member => "member removed",
        }
    }
}

/// What is sent without a pause, and by whom it is decided.
struct Row {
    name: &'static str,
    revoking_call: Duration,
    data: Seen,
    edge: Seen,
}

/// What a group of connections saw.
#[derive(Default)]
struct Seen {
    before: u64,
    after: u64,
    successes_after: u64,
    /// Of the last success that was sent after the revoking call's answer.
    last_success: Option<Duration>,
}

fn measure(kind: Kind, api: Api<'_>, address: SocketAddr) -> Result<Row> {
    let admin = sign_up(api, &json!({ "org_name": "Refusal" }))?;
    let other = sign_up(api, &json!({ "org_name": "Neighbour" }))?;
    let (credential, revoke) = prepare(kind, api, &admin)?;
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    thread::scope(|scope| {
        let (stop, credential, other) = (&stop, &credential, &other.token);
        for _ in 0..CONNECTIONS {
            scope.spawn(move || send(address, "/v1/connections", other, stop, started));
        }
        let groups = ["/v1/connections", "/v1/auth/check"].map(|path| {
            let spawn = |_| scope.spawn(move || send(address, path, credential, stop, started));
            (0..CONNECTIONS / 2).map(spawn).collect::<Vec<_>>()
        });
        thread::sleep(LEAD);
        let asked = started.elapsed();
        let revoked = revoke();
        let answered = started.elapsed();
        if revoked.is_ok() {
            thread::sleep(TAIL);
        }
        stop.store(true, Ordering::Relaxed);
        let [data, edge] = groups.map(|group| {
            group
                .into_iter()
                .map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?)
                .collect()
        });
        let (data, edge): (Result<Vec<_>>, Result<Vec<_>>) = (data, edge);
        revoked?;
        let (data, edge) = (tally(&data?, answered), tally(&edge?, answered));
        if data.before == 0 || edge.before == 0 || data.after == 0 {
            bail!("nothing succeeded before, or nothing was tried afterwards");
        }
        Ok(Row { name: kind.name(), revoking_call: answered - asked, data, edge })
    })
}

/// A person with a session.
struct Person {
    email: String,
    user: String,
    token: String,
}

fn sign_up(api: Api<'_>, more: &Value) -> Result<Person> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let email = format!("refusal-{:016x}@example.com", u64::from_be_bytes(bytes));
    sign_up_as(api, &email, more)
}

fn sign_up_as(api: Api<'_>, email: &str, more: &Value) -> Result<Person> {
    let mut body = json!({ "email": email, "password": PASSWORD, "name": "Refusal", "accept_terms": true });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    let answer = api.post("/v1/signup", &body)?;
    Ok(Person {
        email: email.to_owned(),
        user: string(&answer, "/user/id")?.to_owned(),
        token: string(&answer, "/session/token")?.to_owned(),
    })
}

/// A revoking call.
type Revoke<'a> = Box<dyn FnOnce() -> Result<()> + 'a>;

/// The credential to be revoked, and the call that does it.
fn prepare<'a>(kind: Kind, api: Api<'a>, admin: &'a Person) -> Result<(String, Revoke<'a>)> {
    let login = || -> Result<String> {
        let answer = api.post("/v1/login", &json!({ "email": admin.email, "password": PASSWORD }))?;
        Ok(string(&answer, "/session/token")?.to_owned())
    };
    Ok(match kind {
        Kind::Key => {
            let key = json!({ "name": "refusal", "scopes": ["connections:read"] });
            let key = api.with(&admin.token).post("/v1/api-keys", &key)?;
            let path = format!("/v1/api-keys/{}", string(&key, "/id")?);
            let revoke = move || api.with(&admin.token).delete(&path).map(drop);
            (string(&key, "/key")?.to_owned(), Box::new(revoke))
        }
        Kind::LogOut => {
            let token = login()?;
            let same = token.clone();
            (token, Box::new(move || api.with(&same).post("/v1/logout", &Value::Null).map(drop)))
        }
        Kind::Password => {
            let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
            (login()?, Box::new(move || api.with(&admin.token).post("/v1/password", &change).map(drop)))
        }
        Kind::Session => {
            let token = login()?;
            let revoke = move || api.with(&admin.token).delete("/v1/sessions").map(drop);
            (token, Box::new(revoke))
        }
        Kind::Member => {
            let email = format!("member-{}", admin.email);
            let invitation = json!({ "email": email, "role": "member" });
            let invitation = api.with(&admin.token).post("/v1/invitations", &invitation)?;
            let token = json!({ "invitation_token": string(&invitation, "/token")? });
            let member = sign_up_as(api, &email, &token)?;
            let path = format!("/v1/members/{}", member.user);
            (member.token, Box::new(move || api.with(&admin.token).delete(&path).map(drop)))
        }
    })
}

/// When each request was sent, and whether it succeeded.
fn send(
    address: SocketAddr,
    path: &str,
    credential: &str,
    stop: &AtomicBool,
    started: Instant,
) -> Result<Vec<(Duration, bool)>> {
    let mut connection = Connection::open(address)?;
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {credential}\r\n\r\n");
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let sent = started.elapsed();
        let status = connection.exchange(request.as_bytes())?.status();
        if !matches!(status, Some(200 | 401)) {
            bail!("{path} answered {status:?}");
        }
        seen.push((sent, status == Some(200)));
    }
    Ok(seen)
}

fn tally(threads: &[Vec<(Duration, bool)>], answered: Duration) -> Seen {
    let mut seen = Seen::default();
    for (sent, success) in threads.iter().flatten() {
        match sent.checked_sub(answered) {
            None => seen.before += u64::from(*success),
            Some(later) => {
                seen.after += 1;
                if *success {
                    seen.successes_after += 1;
                    seen.last_success = seen.last_success.max(Some(later));
                }
            }
        }
    }
    seen
}

impl Row {
    fn json(&self) -> Value {
        let seen = |seen: &Seen| {
            json!({
                "successes_before": seen.before,
                "requests_after": seen.after,
                "successes_after": seen.successes_after,
                "last_success_ms_after": seen.last_success.map(|last| last.as_millis() as u64),
            })
        };
        json!({
            "revocation": self.name, "revoking_call_ms": self.revoking_call.as_millis() as u64,
            "tenant_data": seen(&self.data), "edge_alone": seen(&self.edge),
        })
    }
}

fn print(rows: &[Row]) {
    println!("\nSuccesses among the requests that were sent after the revoking call had been answered:\n");
    println!("| revocation | the call took | tenant data | edge alone (auth/check, gateway) |");
    println!("|---|---|---|---|");
    for row in rows {
        let edge = match row.edge.last_success {
            Some(last) => format!(
                "{} of {}, the last {:.1} s later",
                row.edge.successes_after,
                row.edge.after,
                last.as_secs_f64()
            ),
            None => format!("0 of {}", row.edge.after),
        };
        println!(
            "| {} | {} ms | {} of {} | {edge} |",
            row.name,
            row.revoking_call.as_millis(),
            row.data.successes_after,
            row.data.after,
        );
    }
}

/// The production build, but for limits that the load does not reach.
fn start(dir: &Scratch) -> Result<Stack> {
    let mut options = serve::Options::new(dir.0.join("refusal"))?;
    options.variables = [("CLIENT_IP_HEADER", "x-bench-ip"), ("RATE_LIMIT_SCALE", "1000000")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    Stack::start(options)
}

fn staleness_seconds() -> Result<u32> {
    let text = fs::read_to_string(crate::root().join("sluicegate.toml"))?;
    let file: toml::Table = text.parse()?;
    let seconds = file.get("revocation").and_then(|table| table.get("max_staleness_seconds"));
    let seconds = seconds.and_then(toml::Value::as_integer).context("revocation.max_staleness_seconds")?;
    Ok(u32::try_from(seconds)?)
}
