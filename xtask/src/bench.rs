//! `cargo xtask bench`: the CPU time that a request costs, ours beside peers that do the same in JavaScript, each on a
//! bare workerd of its own.
//!
//! How it measures: one slice of load for each contestant in turn, the others idle, over several rounds; the order
//! rotates, so that a slow second of the machine hits everyone alike. CPU is what the kernel charged to the workerd
//! process (user and system) in a slice, divided by the requests answered. That is the honest figure: the load generator
//! shares the machine's cores with the server, so throughput says as much about the generator and the neighbours.
//!
//! Invariants: every answer is checked while the load runs, and one that is not as expected ends the bench; the peers'
//! answers carry the same headers as ours and are as long, which is checked too.

mod contestant;
mod cpu;
pub mod deliveries;
pub mod flood;
mod http;
mod load;
pub mod proxy;
mod receivers;
pub mod refusal;
mod report;
mod scenario;
pub mod webhooks;

use crate::build::{Worker, build};
use crate::{root, serve, setup, ui};
use anyhow::{Context as _, Result};
use contestant::{Contestant, start_all};
use report::{Measured, Row, Sample};
use scenario::Exchange;
pub use scenario::Scenario;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, thread};

const ROUNDS: usize = 7;
const WARM_UP: Duration = Duration::from_secs(2);
/// By then the engine has compiled what is hot; slow scenarios get the time they need for it, up to ten warm-ups.
const WARM_REQUESTS: u64 = 3000;
/// For work that follows the last answer, garbage collection above all: it belongs to the slice.
const SETTLE: Duration = Duration::from_millis(50);

/// What to measure, and how long.
#[derive(Debug)]
pub struct Options {
    /// Length of a slice, s.
    pub slice_seconds: f64,
    /// Only this one.
    pub scenario: Option<Scenario>,
    /// Short slices, one round: shows that everything works, and measures nothing worth reading.
    pub quick: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { slice_seconds: 2.0, scenario: None, quick: false }
    }
}

/// Measures, prints, and writes `target/bench/latest.json`.
///
/// # Errors
/// When something does not build or start, or an answer is not as expected.
pub fn bench(options: &Options) -> Result<()> {
    setup::ensure()?;
    ui::step("building both Workers", || build(serve::PROFILE, &Worker::ALL))?;
    let dir = Scratch::new()?;
    let contestants = ui::step("starting ours and the peers", || start_all(&dir.0))?;

    let plan = Plan::new(options)?;
    let mut rows = Vec::new();
    for scenario in Scenario::ALL {
        if options.scenario.is_none_or(|wanted| wanted == scenario) {
            let row = ui::step(scenario.name(), || plan.measure(scenario, &contestants))
                .with_context(|| format!("scenario {}", scenario.name()))?;
            rows.push(row);
        }
    }

    report::print(&rows, &plan.describe());
    let file = dir_of_reports().join("latest.json");
    fs::write(&file, report::json(&rows)?)?;
    println!("\n{}", file.display());
    Ok(())
}

struct Plan {
    rounds: usize,
    warm_up: Duration,
    warm_requests: u64,
    slice: Duration,
}

impl Plan {
    fn new(options: &Options) -> Result<Self> {
        if options.quick {
            let instant = Duration::from_millis(200);
            return Ok(Self { rounds: 1, warm_up: instant, warm_requests: 0, slice: instant });
        }
        let slice = Duration::try_from_secs_f64(options.slice_seconds).context("--seconds")?;
        Ok(Self { rounds: ROUNDS, warm_up: WARM_UP, warm_requests: WARM_REQUESTS, slice })
    }

    fn measure(&self, scenario: Scenario, contestants: &[Contestant]) -> Result<Row> {
        let exchanges = contestants.iter().map(|contestant| contestant.exchange(scenario));
        let exchanges = exchanges.collect::<Result<Vec<_>>>()?;
        scenario::check_parity(contestants, &exchanges)?;
        for (contestant, exchange) in contestants.iter().zip(&exchanges) {
            self.warm_up(contestant, exchange).context(contestant.name)?;
        }
        let mut measured: Vec<_> =
            contestants.iter().map(|contestant| Measured::new(contestant.name)).collect();
        let count = contestants.len();
        for round in 0..self.rounds {
            let mut turn: Vec<_> = contestants.iter().zip(&exchanges).zip(&mut measured).collect();
            turn.rotate_left(round % count);
            for ((contestant, exchange), measured) in turn {
                let before = cpu::of(contestant.pid())?;
                let load = load::drive(contestant.address, exchange, self.slice).context(contestant.name)?;
                thread::sleep(SETTLE);
                let used = cpu::of(contestant.pid())? - before;
                measured.samples.push(Sample::new(used, &load));
            }
        }
        Ok(Row { scenario, measured })
    }

    fn warm_up(&self, contestant: &Contestant, exchange: &Exchange) -> Result<()> {
        let mut requests = 0;
        for _ in 0..10 {
            requests += load::drive(contestant.address, exchange, self.warm_up)?.requests;
            if requests >= self.warm_requests {
                break;
            }
        }
        Ok(())
    }

    fn describe(&self) -> String {
        format!(
            "Medians of {} slices of {:?}, {} keep-alive connections.",
            self.rounds,
            self.slice,
            load::CONNECTIONS
        )
    }
}

fn dir_of_reports() -> PathBuf {
    root().join("target/bench")
}

/// A folder for one run's configurations and databases, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let dir = dir_of_reports().join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind at worst: the folder is ignored by git.
        drop(fs::remove_dir_all(&self.0));
    }
}
