//! `cargo xtask proxy-cost`: what a call through the broker costs beside a direct one, and beside an express application
//! with http-proxy, as a team would write it.
//!
//! How it measures: one upstream on this machine; three ways to it (direct, the peer, ours), taken in turn in short slices so
//! that what else the machine does falls on all of them. CPU is that of the proxying process, from /proc; latencies are
//! whole answers, read to their end. Ours also authenticates, decides in the tenant's object, writes an audit event, and
//! scrubs the body.

use super::{Scratch, cpu, dir_of_reports};
use crate::api::{Api, string};
use crate::build::{Worker, build};
use crate::process::Process;
use crate::serve::{self, Stack};
use crate::setup::npm_bin;
use crate::{root, setup, ui};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CREDENTIAL: &str = "bench-only-upstream-credential";
const PEER_KEY: &str = "bench-only-key";
const ROUNDS: usize = 5;
const KIB: u64 = 1024;
const STREAMED: u64 = 100_000_000;

/// Bytes of the body, requests a slice, requests at a time.
const SIZES: [(&str, u64, usize, usize); 3] =
    [("1 KB", KIB, 400, 8), ("100 KB", 100 * KIB, 100, 8), ("10 MB", 10 * KIB * KIB, 6, 2)];

/// Measures, prints, and writes `target/bench/proxy.json`.
///
/// # Errors
/// Where something does not start, or an answer is not the upstream's.
pub fn run() -> Result<()> {
    setup::ensure()?;
    ui::step("building both Workers", || build(serve::PROFILE, &Worker::ALL))?;
    let dir = Scratch::new()?;
    let upstream = start_upstream()?;
    let (peer, peer_url) = start_peer(&upstream)?;
    let (stack, ours) = start_ours(&dir, &upstream)?;
    let ways = [
        Way { name: "direct", url: upstream, authorization: String::new(), pid: None },
        Way {
            name: "express + http-proxy",
            url: peer_url,
            authorization: format!("Bearer {PEER_KEY}"),
            pid: Some(peer.id()),
        },
        Way {
            name: "ours",
            url: ours.0,
            authorization: format!("Bearer {}", ours.1),
            pid: Some(stack.pid()),
        },
    ];
    let mut rows = Vec::new();
    for (name, bytes, requests, at_once) in SIZES {
        // Connections are open and code is warm before anything counts.
        for way in &ways {
            slice(way, bytes, requests / 4, at_once)?;
        }
        let mut measured = ways.each_ref().map(|_| Measured::default());
        ui::step(name, || {
            for _ in 0..ROUNDS {
                for (way, measured) in ways.iter().zip(&mut measured) {
                    measured.add(slice(way, bytes, requests, at_once)?);
                }
            }
            Ok(())
        })?;
        rows.push((name, measured));
    }
    let memory = ui::step("memory while 100 MB stream", || {
        ways.iter().filter(|way| way.pid.is_some()).map(|way| Ok((way.name, memory(way)?))).collect()
    })?;
    report(&ways, &rows, memory)
}

/// A way to the upstream.
struct Way {
    name: &'static str,
    url: String,
    authorization: String,
    pid: Option<u32>,
}

struct Slice {
    latencies: Vec<Duration>,
    cpu_us: Option<f64>,
}

#[derive(Default)]
struct Measured {
    latencies: Vec<Duration>,
    cpu_us: Vec<f64>,
}

impl Measured {
    fn add(&mut self, slice: Slice) {
        self.latencies.extend(slice.latencies);
        self.cpu_us.extend(slice.cpu_us);
    }

    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        let at = sorted.len().saturating_sub(1) * percent / 100;
        sorted.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }

    fn cpu(&self) -> Option<f64> {
        let mut sorted = self.cpu_us.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

fn slice(way: &Way, bytes: u64, requests: usize, at_once: usize) -> Result<Slice> {
    let cpu_before = way.pid.map(cpu::of).transpose()?;
    let latencies = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once)
            .map(|_| {
                scope.spawn(|| {
                    let agent = agent();
                    (0..requests.div_ceil(at_once))
                        .map(|_| {
                            let begun = Instant::now();
                            let read = fetch(&agent, way, bytes, &mut io::sink())?;
                            ensure!(read == bytes, "{} gave {read} of {bytes} bytes", way.name);
                            Ok(begun.elapsed())
                        })
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        threads.into_iter().try_fold(Vec::new(), |mut all, thread| {
            all.extend(thread.join().map_err(|_| anyhow!("a thread panicked"))??);
            Ok::<_, anyhow::Error>(all)
        })
    })?;
    let cpu_after = way.pid.map(cpu::of).transpose()?;
    let cpu_us = cpu_before
        .zip(cpu_after)
        .map(|(before, after)| (after.saturating_sub(before)).as_secs_f64() * 1e6 / latencies.len() as f64);
    Ok(Slice { latencies, cpu_us })
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().into()
}

fn fetch(agent: &ureq::Agent, way: &Way, bytes: u64, into: &mut impl io::Write) -> Result<u64> {
    let mut request = agent.get(format!("{}/{bytes}", way.url));
    if !way.authorization.is_empty() {
        request = request.header("authorization", &way.authorization);
    }
    let mut response = request.call().with_context(|| way.name)?;
    Ok(io::copy(&mut response.body_mut().with_config().limit(u64::MAX).reader(), into)?)
}

/// Resident memory before, and its peak while a large body goes through.
fn memory(way: &Way) -> Result<(u64, u64)> {
    let pid = way.pid.context("a process")?;
    let before = resident(pid)?;
    let done = Arc::new(AtomicBool::new(false));
    let watcher = {
        let done = done.clone();
        thread::spawn(move || {
            let mut peak = 0;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(resident(pid).unwrap_or_default());
                thread::sleep(Duration::from_millis(5));
            }
            peak
        })
    };
    let read = fetch(&agent(), way, STREAMED, &mut io::sink());
    done.store(true, Ordering::Relaxed);
    let peak = watcher.join().map_err(|_| anyhow!("a thread panicked"))?;
    ensure!(read? == STREAMED, "{} did not give the whole body", way.name);
    Ok((before, peak))
}

/// KiB (proc(5), `status`, `VmRSS`).
fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// Answers `/{bytes}` with so many bytes of text, on connections that are kept alive. Written whole and without Nagle's delay,
/// which would hide what is measured.
fn start_upstream() -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that went away is its own affair.
            thread::spawn(move || drop(serve_bytes(&stream)));
        }
    });
    Ok(format!("http://127.0.0.1:{port}"))
}

fn serve_bytes(mut stream: &TcpStream) -> Result<()> {
    const LINE: &[u8] =
        br#"{"id":18412,"status":"open","assignee":"ada","updated_at":"2026-11-22T10:00:00Z"},"#;
    stream.set_nodelay(true)?;
    let piece = LINE.repeat(800);
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next().transpose()? {
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let path = request.split(' ').nth(1).unwrap_or_default();
        let mut left: usize = path.rsplit('/').next().unwrap_or_default().parse()?;
        let mut out =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {left}\r\n\r\n")
                .into_bytes();
        while left > 0 {
            let part = piece.get(..left.min(piece.len())).unwrap_or_default();
            out.extend_from_slice(part);
            left -= part.len();
            stream.write_all(&out)?;
            out.clear();
        }
    }
    Ok(())
}

fn start_peer(upstream: &str) -> Result<(Process, String)> {
    let mut process = Process::spawn(
        npm_bin("node")
            .arg(root().join("xtask/bench/peers/express-proxy.mjs"))
            .env("TARGET", upstream)
            .env("KEY", PEER_KEY)
            .env("CREDENTIAL", CREDENTIAL)
            .env("NODE_ENV", "production")
            .stdout(Stdio::piped()),
    )?;
    let stdout = process.child().stdout.take().context("no stdout")?;
    let mut port = String::new();
    BufReader::new(stdout).read_line(&mut port)?;
    Ok((process, format!("http://127.0.0.1:{}", port.trim())))
}

/// Ours, the URL of a connection to the upstream, and a key that may use it.
fn start_ours(dir: &Scratch, upstream: &str) -> Result<(Stack, (String, String))> {
    let mut options = serve::Options::new(dir.0.join("ours"))?;
    options.allow_local_upstreams = true;
    options.variables = [("RATE_LIMIT_SCALE".to_owned(), "1000000".to_owned())].into();
    let stack = Stack::start(options)?;
    let api = Api::new(stack.url());
    let account = json!({
        "email": "bench@sluicegate.test", "password": "bench-only password", "name": "Bench",
        "org_name": "Bench", "accept_terms": true,
    });
    let session = api.post("/v1/signup", &account)?;
    let admin = api.with(string(&session, "/session/token")?);
    let key = admin.post("/v1/api-keys", &json!({ "name": "bench", "scopes": ["connections:read"] }))?;
    let connection = json!({
        "connector": "http", "name": "bench", "base_url": upstream,
        "auth": { "type": "bearer", "token": CREDENTIAL },
    });
    let connection = admin.post("/v1/connections", &connection)?;
    let url = format!("{}/v1/connections/{}/proxy", stack.url(), string(&connection, "/id")?);
    let key = string(&key, "/key")?.to_owned();
    Ok((stack, (url, key)))
}

fn report(ways: &[Way; 3], rows: &[(&str, [Measured; 3])], memory: Vec<(&str, (u64, u64))>) -> Result<()> {
    println!("\n| body | way | p50 | p99 | CPU per request |\n|---|---|---|---|---|");
    let mut written = Vec::new();
    for (size, measured) in rows {
        for (way, measured) in ways.iter().zip(measured) {
            let (p50, p99, cpu) = (measured.percentile(50), measured.percentile(99), measured.cpu());
            let shown = cpu.map_or_else(|| "–".to_owned(), |cpu| format!("{:.0} µs", cpu));
            println!("| {size} | {} | {p50:.2} ms | {p99:.2} ms | {shown} |", way.name);
            written
                .push(json!({ "body": size, "way": way.name, "p50_ms": p50, "p99_ms": p99, "cpu_us": cpu }));
        }
    }
    println!("\n| while 100 MB stream | resident before | peak |\n|---|---|---|");
    for (name, (before, peak)) in &memory {
        println!("| {name} | {} MiB | {} MiB |", before / KIB, peak / KIB);
    }
    let memory: Vec<Value> = memory
        .iter()
        .map(|(name, (before, peak))| json!({ "way": name, "before_kib": before, "peak_kib": peak }))
        .collect();
    fs::create_dir_all(dir_of_reports())?;
    let file = dir_of_reports().join("proxy.json");
    fs::write(&file, serde_json::to_string_pretty(&json!({ "rows": written, "memory": memory }))?)?;
    println!("\n{}", file.display());
    Ok(())
}
