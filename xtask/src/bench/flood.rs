//! `cargo xtask flood`: what a flood of wrong sign-ins costs the tenants that it is not aimed at.
//!
//! How it measures: a tenant reads its data 20 times a second, at fixed times, so that a slow answer delays no request
//! that follows (no coordinated omission: a latency counts from when its request was due). First alone, then while
//! 200 wrong `POST /v1/login` a second arrive from as many addresses: against one account, and against accounts that do
//! not exist. The limits are production's, on one box: every object and both Workers share workerd's one thread.

use super::http::Connection;
use super::{Scratch, dir_of_reports};
use crate::api::{Api, string};
use crate::build::{Worker, build};
use crate::serve::{self, Stack};
use crate::{setup, ui};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// Within the limit of one user.
const READS_A_SECOND: u32 = 20;
const WRONG_A_SECOND: u32 = 200;
const READERS: u32 = 10;
const ATTACKERS: u32 = 50;
const EMAIL: &str = "victim@example.com";

/// Measures, prints, and writes `target/bench/flood.json`.
///
/// # Errors
/// Where something does not start, or the other tenant gets anything but its data.
pub fn run(seconds: u32) -> Result<()> {
    setup::ensure()?;
    ui::step("building both Workers", || build(serve::PROFILE, &Worker::ALL))?;
    let dir = Scratch::new()?;
    let mut options = serve::Options::new(dir.0.join("flood"))?;
    options.variables = [("CLIENT_IP_HEADER".to_owned(), "x-bench-ip".to_owned())].into();
    let stack = Stack::start(options)?;
    let address: SocketAddr = stack.url().trim_start_matches("http://").parse()?;
    let reader = sign_up(stack.url(), "reader@example.com")?;
    sign_up(stack.url(), EMAIL)?;

    let for_seconds = Duration::from_secs(seconds.into());
    let mut rows = Vec::new();
    for target in [None, Some(Target::OneAccount), Some(Target::NoAccount), Some(Target::OneAddress)] {
        let name = target.map_or("no flood", Target::name);
        rows.push(ui::step(name, || measure(name, address, &reader, target, for_seconds))?);
        // The limits are whole again before the next one.
        thread::sleep(Duration::from_secs(5));
    }
    print(&rows);
    fs::create_dir_all(dir_of_reports())?;
    let file = dir_of_reports().join("flood.json");
    fs::write(&file, serde_json::to_string_pretty(&rows.iter().map(Row::json).collect::<Vec<_>>())?)?;
    println!("\n{}", file.display());
    Ok(())
}

/// Whom the flood is aimed at, and where it comes from.
#[derive(Clone, Copy)]
enum Target {
    OneAccount,
    NoAccount,
    OneAddress,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::OneAccount => "one account, 10,000 addresses",
            Self::NoAccount => "emails without account, 10,000 addresses",
            Self::OneAddress => "one account, one address",
        }
    }

    fn request(self, address: SocketAddr, number: u32) -> String {
        let email = match self {
            Self::OneAccount | Self::OneAddress => EMAIL.to_owned(),
            Self::NoAccount => format!("nobody-{number}@example.com"),
        };
        let ip = match self {
            Self::OneAddress => "203.0.113.7".to_owned(),
            _ => format!("198.18.{}.{}", number / 250 % 40, number % 250),
        };
        let body = json!({ "email": email, "password": "not the right password" }).to_string();
        format!(
            "POST /v1/login HTTP/1.1\r\nhost: {address}\r\nx-bench-ip: {ip}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

struct Row {
    name: &'static str,
    /// Of the other tenant, sorted.
    latencies: Vec<Duration>,
    /// Of the flood, by status.
    answers: BTreeMap<u16, u64>,
}

fn measure(
    name: &'static str,
    address: SocketAddr,
    token: &str,
    target: Option<Target>,
    duration: Duration,
) -> Result<Row> {
    let started = Instant::now();
    thread::scope(|scope| {
        let read = |thread: u32| {
            scope.spawn(move || {
                let request = format!(
                    "GET /v1/connections HTTP/1.1\r\nhost: {address}\r\nx-bench-ip: 192.0.2.{thread}\r\n\
                     authorization: Bearer {token}\r\n\r\n"
                );
                let mut latencies = Vec::new();
                paced(
                    address,
                    started,
                    duration,
                    (thread, READERS, READS_A_SECOND),
                    |connection, _, due| {
                        let status = connection.exchange(request.as_bytes())?.status();
                        if status != Some(200) {
                            bail!("the other tenant's request was answered {status:?}");
                        }
                        latencies.push(due.elapsed());
                        Ok(())
                    },
                )?;
                Ok::<_, anyhow::Error>(latencies)
            })
        };
        let attack = |target: Target, thread: u32| {
            scope.spawn(move || {
                let mut answers: BTreeMap<u16, u64> = BTreeMap::new();
                paced(
                    address,
                    started,
                    duration,
                    (thread, ATTACKERS, WRONG_A_SECOND),
                    |connection, number, _| {
                        let status =
                            connection.exchange(target.request(address, number).as_bytes())?.status();
                        *answers.entry(status.unwrap_or(0)).or_default() += 1;
                        Ok(())
                    },
                )?;
                Ok::<_, anyhow::Error>(answers)
            })
        };
        let readers: Vec<_> = (0..READERS).map(read).collect();
        let attackers: Vec<_> = target
            .into_iter()
            .flat_map(|target| (0..ATTACKERS).map(move |n| (target, n)))
            .map(|(t, n)| attack(t, n))
            .collect();
        let mut latencies = Vec::new();
        for reader in readers {
            latencies.extend(reader.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??);
        }
        latencies.sort();
        let mut answers: BTreeMap<u16, u64> = BTreeMap::new();
        for attacker in attackers {
            for (status, count) in attacker.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?? {
                *answers.entry(status).or_default() += count;
            }
        }
        Ok(Row { name, latencies, answers })
    })
}

/// Runs `act` at fixed times, this thread's share of `a_second`; late ones at once. It gets the request's number and when
/// it was due.
fn paced(
    address: SocketAddr,
    started: Instant,
    duration: Duration,
    (thread, threads, a_second): (u32, u32, u32),
    mut act: impl FnMut(&mut Connection, u32, Instant) -> Result<()>,
) -> Result<()> {
    let mut connection = Connection::open(address)?;
    let mut number = thread;
    loop {
        let offset = Duration::from_secs(1) * number / a_second;
        if offset >= duration {
            return Ok(());
        }
        let due = started + offset;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        act(&mut connection, number, due)?;
        number += threads;
    }
}

fn sign_up(url: &str, email: &str) -> Result<String> {
    let body = json!({ "email": email, "password": "flood-only password", "name": "Flood", "org_name": "Flood",
                       "accept_terms": true });
    let answer = Api::new(url).post("/v1/signup", &body)?;
    Ok(string(&answer, "/session/token")?.to_owned())
}

impl Row {
    fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len().saturating_sub(1)) * percent / 100;
        self.latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }

    fn json(&self) -> Value {
        json!({
            "flood": self.name, "reads": self.latencies.len(), "p50_ms": self.percentile(50),
            "p95_ms": self.percentile(95), "p99_ms": self.percentile(99), "flood_answers": self.answers,
        })
    }
}

fn print(rows: &[Row]) {
    println!(
        "\nAnother tenant's reads, {READS_A_SECOND} a second, beside {WRONG_A_SECOND} wrong sign-ins a second:\n"
    );
    println!("| flood | reads | p50 | p95 | p99 | the flood's answers |\n|---|---|---|---|---|---|");
    for row in rows {
        let answers: Vec<_> =
            row.answers.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        println!(
            "| {} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {} |",
            row.name,
            row.latencies.len(),
            row.percentile(50),
            row.percentile(95),
            row.percentile(99),
            answers.join(", ")
        );
    }
}
