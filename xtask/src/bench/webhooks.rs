//! `cargo xtask webhooks`: what inbound and outbound webhooks cost one workspace, and whether that grows with what is stored:
//! everything is measured with so many stored events and messages, and again with ten times as many.
//!
//! How it measures: inbound, eight senders that each have one signed request under way, accepted when the 200 has come;
//! outbound, messages to twenty endpoints on this machine that take everything at once, from the first message to the last
//! delivery. CPU is workerd's own, from /proc; that of publishing is measured by itself and taken off a delivery's. Senders,
//! endpoints and workerd share the machine's cores.

use super::http::Connection;
use super::receivers::{Character, Receivers};
use super::{Scratch, cpu, dir_of_reports};
use crate::api::{Api, string};
use crate::build::{Worker, build};
use crate::serve::{self, Stack};
use crate::{setup, ui};
use anyhow::{Context as _, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use webhooks::SecretKey;
use webhooks::sign::standard_webhooks;

const SENDERS: usize = 8;
const ROUNDS: usize = 5;
const ENDPOINTS: usize = 20;
const MESSAGES: usize = 250;
/// Stored before the first measurement; ten times as many before the second.
const STORED: usize = 1_000;

/// Bytes of a body, requests of a slice.
const SIZES: [(&str, usize, usize); 2] = [("1 KB", 1_000, 400), ("100 KB", 100_000, 80)];

/// Measures, prints, and writes `target/bench/webhooks.json`.
///
/// # Errors
/// Where something does not start, or a request is not accepted.
pub fn run() -> Result<()> {
    setup::ensure()?;
    ui::step("building both Workers", || build(serve::PROFILE, &Worker::ALL))?;
    let dir = Scratch::new()?;
    let receivers = Receivers::start(vec![Character::Fine; ENDPOINTS])?;
    let bench = Bench::start(&dir, &receivers)?;
    let mut rows = Vec::new();
    for stored in [STORED, STORED * 10] {
        ui::step(&format!("storing {stored} events and messages"), || bench.fill(stored))?;
        for (name, bytes, requests) in SIZES {
            let row = ui::step(&format!("inbound, {name}"), || bench.inbound(bytes, requests))?;
            rows.push(json!({ "what": format!("inbound, {name}"), "stored": stored, "row": row }));
        }
        let row = ui::step("outbound", || bench.outbound(&receivers))?;
        rows.push(json!({ "what": "outbound", "stored": stored, "row": row }));
    }
    report(&rows)
}

struct Bench {
    stack: Stack,
    address: SocketAddr,
    token: String,
    source: String,
    key: SecretKey,
}

impl Bench {
    fn start(dir: &Scratch, receivers: &Receivers) -> Result<Self> {
        let mut options = serve::Options::new(dir.0.join("ours"))?;
        options.allow_local_upstreams = true;
        options.variables = [("RATE_LIMIT_SCALE".to_owned(), "1000000".to_owned())].into();
        let stack = Stack::start(options)?;
        let account = json!({
            "email": "bench@sluicegate.test", "password": "bench-only password", "name": "Bench",
            "org_name": "Bench", "accept_terms": true,
        });
        let session = Api::new(stack.url()).post("/v1/signup", &account)?;
        let admin = Api::new(stack.url()).with(string(&session, "/session/token")?);
        let secret = [7; 32];
        let source = json!({
            "provider": "standard-webhooks", "name": "bench", "secret": format!("whsec_{}", STANDARD.encode(secret)),
        });
        let source = admin.post("/v1/sources", &source)?;
        for at in 0..ENDPOINTS {
            let endpoint = json!({ "url": format!("{}/{at}", receivers.url), "customer_id": "busy" });
            admin.post("/v1/endpoints", &endpoint)?;
        }
        let key = admin.post("/v1/api-keys", &json!({ "name": "bench", "scopes": ["messages:write"] }))?;
        Ok(Self {
            address: stack.url().trim_start_matches("http://").parse()?,
            token: string(&key, "/key")?.to_owned(),
            source: string(&source, "/id")?.to_owned(),
            key: SecretKey::from_bytes(secret.to_vec()),
            stack,
        })
    }

    /// Stores so many events, and messages that nobody wants.
    fn fill(&self, count: usize) -> Result<()> {
        self.send(1_000, count)?;
        self.publish("idle", count).map(drop)
    }

    fn inbound(&self, bytes: usize, requests: usize) -> Result<Value> {
        self.send(bytes, requests / 4)?;
        let (mut latencies, mut per_second, mut cpu_us) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (before, began) = (cpu::of(self.stack.pid())?, Instant::now());
            let slice = self.send(bytes, requests)?;
            per_second.push(slice.len() as f64 / began.elapsed().as_secs_f64());
            cpu_us.push(
                (cpu::of(self.stack.pid())?.saturating_sub(before)).as_secs_f64() * 1e6 / slice.len() as f64,
            );
            latencies.extend(slice.iter().map(|latency| latency.as_secs_f64() * 1e3));
        }
        Ok(json!({
            "per_second": percentile(&mut per_second, 50), "p50_ms": percentile(&mut latencies, 50),
            "p99_ms": percentile(&mut latencies, 99), "cpu_us": percentile(&mut cpu_us, 50),
        }))
    }

    fn outbound(&self, receivers: &Receivers) -> Result<Value> {
        let idle = self.cpu_of(|| self.publish("idle", MESSAGES).map(drop))?;
        let (mut per_second, mut cpu_us) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let wanted = receivers.taken() + (MESSAGES * ENDPOINTS) as u64;
            let began = Instant::now();
            let cpu = self.cpu_of(|| {
                self.publish("busy", MESSAGES)?;
                while receivers.taken() < wanted {
                    ensure!(began.elapsed() < Duration::from_secs(300), "deliveries do not come");
                    thread::sleep(Duration::from_millis(2));
                }
                Ok(())
            })?;
            let deliveries = (MESSAGES * ENDPOINTS) as f64;
            per_second.push(deliveries / began.elapsed().as_secs_f64());
            cpu_us.push((cpu - idle).max(0.0) * 1e6 / deliveries);
        }
        Ok(json!({ "per_second": percentile(&mut per_second, 50), "cpu_us": percentile(&mut cpu_us, 50) }))
    }

    /// Seconds of workerd's.
    fn cpu_of(&self, work: impl FnOnce() -> Result<()>) -> Result<f64> {
        let before = cpu::of(self.stack.pid())?;
        work()?;
        Ok(cpu::of(self.stack.pid())?.saturating_sub(before).as_secs_f64())
    }

    /// Signed webhooks to the source; how long each took to be accepted.
    fn send(&self, bytes: usize, count: usize) -> Result<Vec<Duration>> {
        self.exchange(count, 200, || {
            let id = hex(&random()?);
            let body = format!(
                r#"{{"type":"order.paid","id":"{id}","text":"{}"}}"#,
                "x".repeat(bytes.saturating_sub(80))
            );
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
            let signed = standard_webhooks(&[&self.key], &id, now, body.as_bytes());
            let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            Ok(request(self.address, &format!("/in/{}", self.source), &headers, &body))
        })
    }

    fn publish(&self, customer: &str, count: usize) -> Result<Vec<Duration>> {
        self.exchange(count, 202, || {
            let body = json!({
                "event_type": "order.paid", "customer_id": customer,
                "payload": { "type": "order.paid", "id": hex(&random()?), "text": "x".repeat(900) },
            });
            let headers = format!("authorization: Bearer {}\r\n", self.token);
            Ok(request(self.address, "/v1/messages", &headers, &body.to_string()))
        })
    }

    fn exchange(
        &self,
        count: usize,
        status: u16,
        write: impl Fn() -> Result<String> + Sync,
    ) -> Result<Vec<Duration>> {
        thread::scope(|scope| {
            let work = || {
                let mut connection = Connection::open(self.address)?;
                (0..count.div_ceil(SENDERS))
                    .map(|_| {
                        let request = write()?;
                        let began = Instant::now();
                        let answer = connection.exchange(request.as_bytes())?;
                        ensure!(answer.status() == Some(status), "{}{}", answer.head, answer.text());
                        Ok(began.elapsed())
                    })
                    .collect::<Result<Vec<_>>>()
            };
            let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(work)).collect();
            senders.into_iter().try_fold(Vec::new(), |mut all, sender| {
                all.extend(sender.join().map_err(|_| anyhow!("a sender panicked"))??);
                Ok(all)
            })
        })
    }
}

fn request(address: SocketAddr, path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn random() -> Result<[u8; 12]> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|_| anyhow!("no randomness"))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN)
}

fn report(rows: &[Value]) -> Result<()> {
    println!("\n| | stored before | a second | p50 | p99 | CPU each |\n|---|---|---|---|---|---|");
    for row in rows {
        let number = |name: &str| row.pointer(&format!("/row/{name}")).and_then(Value::as_f64);
        let shown =
            |name: &str| number(name).map_or_else(|| "–".to_owned(), |value| format!("{value:.1} ms"));
        println!(
            "| {} | {} | {:.0} | {} | {} | {:.0} µs |",
            string(row, "/what")?,
            row.pointer("/stored").context("stored")?,
            number("per_second").unwrap_or(f64::NAN),
            shown("p50_ms"),
            shown("p99_ms"),
            number("cpu_us").unwrap_or(f64::NAN),
        );
    }
    fs::create_dir_all(dir_of_reports())?;
    let file = dir_of_reports().join("webhooks.json");
    fs::write(&file, serde_json::to_string_pretty(rows)?)?;
    println!("\n{}", file.display());
    Ok(())
}
