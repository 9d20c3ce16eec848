//! `cargo xtask deliveries`: messages to many endpoints of which some hang, some answer 500 until they are mended and one is
//! gone, while workerd is killed with `kill -9` again and again. Afterwards every delivery is looked up, on both sides.
//!
//! Lost is a delivery that an endpoint which takes everything never got, or one that ours no longer knows. A duplicate is a
//! request that an endpoint had already answered with 200; each has to be explained by an attempt that a kill interrupted.
//! Out of schedule is an attempt sooner after the one before it than the schedule says, less its jitter of a tenth.

use super::receivers::{Character, Received, Receivers};
use super::{Scratch, dir_of_reports};
use crate::api::{Api, string};
use crate::build::{Worker, build};
use crate::serve::{self, Stack};
use crate::{setup, ui};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use ureq::Agent;

/// Of twenty endpoints so many hang, fail until they are mended, are gone; the others are fine.
const HANGING: usize = 3;
const RECOVERING: usize = 3;
const GONE: usize = 1;
/// Messages are published by so many at a time.
const PUBLISHERS: usize = 4;
/// Between two kills.
const BETWEEN_KILLS: Duration = Duration::from_secs(12);
/// Without a single delivery for so long, with some left: something is stuck.
const PATIENCE: Duration = Duration::from_secs(120);
/// Seconds before an attempt, after the one before it: as `org::deliveries::schedule` has them.
const SCHEDULE_S: [u64; 8] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Messages, each to every endpoint.
    pub messages: usize,
    /// Endpoints.
    pub endpoints: usize,
    /// Kills while they are delivered.
    pub kills: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { messages: 10_000, endpoints: 20, kills: 6 }
    }
}

/// Runs, prints, and writes `target/bench/deliveries.json`.
///
/// # Errors
/// Where something does not start, or is lost, or comes out of its schedule.
pub fn run(options: Options) -> Result<()> {
    ensure!(
        options.endpoints > HANGING + RECOVERING + GONE,
        "that many endpoints have other characters than fine"
    );
    setup::ensure()?;
    ui::step("building both Workers", || build(serve::PROFILE, &Worker::ALL))?;
    let dir = Scratch::new()?;
    let characters = characters(options.endpoints);
    let receivers = Receivers::start(characters.clone())?;
    let (mut stack, token) = start(&dir)?;
    let endpoints = ui::step("endpoints", || {
        let api = Api::new(stack.url()).with(&token);
        let endpoint = |at| {
            Ok(string(
                &api.post("/v1/endpoints", &json!({ "url": format!("{}/{at}", receivers.url) }))?,
                "/id",
            )?
            .to_owned())
        };
        (0..options.endpoints).map(endpoint).collect::<Result<Vec<String>>>()
    })?;

    let begun = Instant::now();
    let url = stack.url().to_owned();
    let published = thread::scope(|scope| {
        let publishing = scope.spawn(|| publish(&url, &token, options.messages, &receivers));
        let mut killed = 0;
        while killed < options.kills {
            thread::sleep(BETWEEN_KILLS);
            stack.kill9()?;
            stack.restart()?;
            killed += 1;
            eprintln!("  … killed {killed} times; {} deliveries taken", receivers.taken());
            if killed == options.kills / 2 {
                receivers.mend();
            }
        }
        receivers.mend();
        publishing.join().map_err(|_| anyhow!("the publisher panicked"))?
    })?;
    let taking = characters
        .iter()
        .filter(|character| matches!(character, Character::Fine | Character::Recovers))
        .count();
    let wanted = (published.len() * taking) as u64;
    ui::step("deliveries", || wait_for(&receivers, &characters, published.len(), wanted))?;
    let took = begun.elapsed();
    // The last answers are still to be written down.
    thread::sleep(Duration::from_secs(5));

    let outcome = ui::step("looking every delivery up", || {
        let api = Api::new(stack.url()).with(&token);
        let mut outcome = Outcome::default();
        for (at, id) in endpoints.iter().enumerate() {
            let character = *characters.get(at).context("a character")?;
            outcome.look(&api, id, character, &receivers.received(at), &published)?;
        }
        Ok(outcome)
    })?;
    report(options, took, wanted, &outcome)
}

fn characters(endpoints: usize) -> Vec<Character> {
    (0..endpoints)
        .map(|at| match at {
            _ if at < HANGING => Character::Hangs,
            _ if at < HANGING + RECOVERING => Character::Recovers,
            _ if at < HANGING + RECOVERING + GONE => Character::Gone,
            _ => Character::Fine,
        })
        .collect()
}

fn start(dir: &Scratch) -> Result<(Stack, String)> {
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
    // A session's token would end in the middle.
    let scopes = ["endpoints:read", "endpoints:write", "messages:read", "messages:write"];
    let key = admin.post("/v1/api-keys", &json!({ "name": "bench", "scopes": scopes }))?;
    let key = string(&key, "/key")?.to_owned();
    Ok((stack, key))
}

/// Publishes as a careful client does: under an `Idempotency-Key`, again until there is an answer. When each was answered, by
/// the message's id.
fn publish(
    url: &str,
    token: &str,
    messages: usize,
    receivers: &Receivers,
) -> Result<HashMap<String, Duration>> {
    let (next, published) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
    thread::scope(|scope| {
        let work = || {
            let agent: Agent = Agent::config_builder()
                .timeout_global(Some(Duration::from_secs(20)))
                .http_status_as_error(false)
                .build()
                .into();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= messages {
                    return Ok(());
                }
                let body = json!({ "event_type": "order.paid", "payload": { "type": "order.paid", "number": number } });
                let id = loop {
                    let sent = agent
                        .post(format!("{url}/v1/messages"))
                        .header("authorization", format!("Bearer {token}"))
                        .header("content-type", "application/json")
                        .header("idempotency-key", format!("message-{number}"))
                        .send(body.to_string());
                    match sent {
                        Ok(mut answer) if answer.status() == 202 => {
                            let Ok(text) = answer.body_mut().read_to_string() else { continue };
                            break string(&serde_json::from_str(&text)?, "/id")?.to_owned();
                        }
                        Ok(answer) if answer.status().as_u16() < 500 => {
                            bail!("a message was answered {}", answer.status())
                        }
                        _ => thread::sleep(Duration::from_millis(200)),
                    }
                };
                published.lock().map_err(|_| anyhow!("a publisher panicked"))?.insert(id, receivers.now());
            }
        };
        let publishers: Vec<_> = (0..PUBLISHERS).map(|_| scope.spawn(work)).collect();
        publishers
            .into_iter()
            .try_for_each(|publisher| publisher.join().map_err(|_| anyhow!("a publisher panicked"))?)
    })?;
    published.into_inner().map_err(|_| anyhow!("a publisher panicked"))
}

/// Until every endpoint that takes deliveries has all of them, or none comes any more.
fn wait_for(receivers: &Receivers, characters: &[Character], messages: usize, wanted: u64) -> Result<()> {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let taken = receivers.taken();
        if taken >= wanted && complete(receivers, characters, messages) {
            return Ok(());
        }
        if taken > last {
            (last, since) = (taken, Instant::now());
        }
        // What failed twice before it was mended waits for five minutes.
        if since.elapsed() > PATIENCE + Duration::from_secs(330) {
            eprintln!("! nothing has come for {}: {taken} of {wanted}", ui::seconds(since.elapsed()));
            return Ok(());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

fn complete(receivers: &Receivers, characters: &[Character], messages: usize) -> bool {
    characters.iter().enumerate().all(|(at, character)| match character {
        Character::Fine | Character::Recovers => {
            receivers
                .received(at)
                .values()
                .filter(|requests| requests.iter().any(|one| one.status == 200))
                .count()
                >= messages
        }
        Character::Hangs | Character::Gone => true,
    })
}

#[derive(Debug, Default)]
struct Outcome {
    delivered: u64,
    /// Of endpoints that take everything.
    lost: u64,
    duplicates: u64,
    unexplained: u64,
    interrupted: u64,
    attempts: u64,
    out_of_schedule: u64,
    /// Of the others, by character and status.
    others: BTreeMap<String, u64>,
    /// From the answer to the publisher until a fine endpoint has it, ms.
    latencies: Vec<u64>,
}

impl Outcome {
    /// Compares what an endpoint got with what ours says of it.
    fn look(
        &mut self,
        api: &Api<'_>,
        endpoint: &str,
        character: Character,
        received: &HashMap<String, Vec<Received>>,
        published: &HashMap<String, Duration>,
    ) -> Result<()> {
        let deliveries = pages(api, &format!("/v1/endpoints/{endpoint}/deliveries"))?;
        let attempts = pages(api, &format!("/v1/endpoints/{endpoint}/attempts"))?;
        let mut by_message: HashMap<&str, Vec<&Value>> = HashMap::new();
        // Newest first, as listed.
        for attempt in attempts.iter().rev() {
            by_message.entry(string(attempt, "/message_id")?).or_default().push(attempt);
        }
        self.attempts += attempts.len() as u64;
        let known: HashMap<&str, &str> = deliveries
            .iter()
            .map(|one| Ok((string(one, "/message_id")?, string(one, "/status")?)))
            .collect::<Result<_>>()?;
        for (id, answered) in published {
            let status = known.get(id.as_str()).copied();
            let requests = received.get(id).map(Vec::as_slice).unwrap_or_default();
            let made = by_message.get(id.as_str()).map(Vec::as_slice).unwrap_or_default();
            let interrupted =
                made.iter().filter(|one| one.pointer("/status") == Some(&json!("interrupted"))).count()
                    as u64;
            self.interrupted += interrupted;
            self.out_of_schedule += out_of_schedule(made)?;
            let taken = requests.iter().filter(|one| one.status == 200).count() as u64;
            match character {
                Character::Fine | Character::Recovers => {
                    if taken == 0 || status != Some("delivered") {
                        self.lost += 1;
                    } else {
                        self.delivered += 1;
                        self.duplicates += taken - 1;
                        self.unexplained += (taken - 1).saturating_sub(interrupted);
                    }
                    if character == Character::Fine
                        && let Some(first) = requests.first()
                    {
                        let latency = first.at.saturating_sub(*answered).as_millis();
                        self.latencies.push(u64::try_from(latency).unwrap_or(u64::MAX));
                    }
                }
                Character::Hangs | Character::Gone => match status {
                    None => self.lost += 1,
                    Some(status) => {
                        *self.others.entry(format!("{character:?} {status}").to_lowercase()).or_default() +=
                            1;
                    }
                },
            }
        }
        Ok(())
    }

    fn percentile(&self, percent: usize) -> u64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    }
}

/// Attempts of one delivery, oldest first, that were made too soon after the one before.
fn out_of_schedule(attempts: &[&Value]) -> Result<u64> {
    let times = attempts.iter().map(|one| {
        let at = string(one, "/at")?;
        protocol::time::parse_rfc3339(at).with_context(|| format!("{at} is no time"))
    });
    let times = times.collect::<Result<Vec<u64>>>()?;
    let early = times.windows(2).zip(SCHEDULE_S.iter().skip(1)).filter(|(pair, wait_s)| {
        // Times are shown to the second.
        pair.first().zip(pair.last()).is_some_and(|(before, after)| after - before + 1_000 < *wait_s * 900)
    });
    Ok(early.count() as u64)
}

/// All of a list, newest first.
fn pages(api: &Api<'_>, path: &str) -> Result<Vec<Value>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = api.get(&format!("{path}?limit=200&cursor={cursor}"))?;
        if let Some(rows) = page.pointer_mut("/data").and_then(Value::as_array_mut) {
            all.append(rows);
        }
        match page.pointer("/next_cursor").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(all),
        }
    }
}

fn report(options: Options, took: Duration, wanted: u64, outcome: &Outcome) -> Result<()> {
    println!("\n| | |\n|---|---|");
    let per_second = outcome.delivered as f64 / took.as_secs_f64();
    let rows = [
        ("messages × endpoints", format!("{} × {}", options.messages, options.endpoints)),
        ("kill -9", options.kills.to_string()),
        (
            "delivered",
            format!("{} of {wanted}, in {} ({per_second:.0} a second)", outcome.delivered, ui::seconds(took)),
        ),
        ("lost", outcome.lost.to_string()),
        ("attempts", outcome.attempts.to_string()),
        ("interrupted by a kill", outcome.interrupted.to_string()),
        (
            "duplicates",
            format!("{}, of which {} are not explained by a kill", outcome.duplicates, outcome.unexplained),
        ),
        ("attempts out of schedule", outcome.out_of_schedule.to_string()),
        (
            "from the publisher's answer to a fine endpoint",
            format!("p50 {} ms, p99 {} ms", outcome.percentile(50), outcome.percentile(99)),
        ),
    ];
    for (name, value) in &rows {
        println!("| {name} | {value} |");
    }
    for (name, count) in &outcome.others {
        println!("| {name} | {count} |");
    }
    fs::create_dir_all(dir_of_reports())?;
    let file = dir_of_reports().join("deliveries.json");
    let written = json!({ "rows": rows.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(), "others": outcome.others });
    fs::write(&file, serde_json::to_string_pretty(&written)?)?;
    println!("\n{}", file.display());
    ensure!(outcome.lost == 0, "{} deliveries are lost", outcome.lost);
    ensure!(outcome.unexplained == 0, "{} duplicates are not explained by a kill", outcome.unexplained);
    ensure!(outcome.out_of_schedule == 0, "{} attempts are out of schedule", outcome.out_of_schedule);
    Ok(())
}
