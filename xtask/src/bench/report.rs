//! Medians, the table, and the JSON. Ratios are theirs over ours, of CPU per request: above 1 is better for us.

use super::load::Load;
use super::scenario::Scenario;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// One slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    cpu_us: f64,
    rps: f64,
}

impl Sample {
    pub(super) fn new(cpu: Duration, load: &Load) -> Self {
        let requests = load.requests as f64;
        Self { cpu_us: cpu.as_secs_f64() * 1e6 / requests, rps: requests / load.elapsed.as_secs_f64() }
    }
}

/// A contestant's slices.
#[derive(Debug)]
pub(super) struct Measured {
    name: &'static str,
    pub(super) samples: Vec<Sample>,
}

impl Measured {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, samples: Vec::new() }
    }

    fn figures(&self) -> Figures {
        let of = |field: fn(&Sample) -> f64| median(self.samples.iter().map(field).collect());
        Figures { cpu_us: rounded(of(|sample| sample.cpu_us), 10.0), rps: of(|sample| sample.rps).round() }
    }
}

/// A scenario's contestants, ours first.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) scenario: Scenario,
    pub(super) measured: Vec<Measured>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    cpu_us: f64,
    rps: f64,
}

#[derive(Debug, Serialize)]
struct Entry {
    scenario: &'static str,
    ours: Figures,
    peers: BTreeMap<&'static str, Figures>,
    ratio: BTreeMap<&'static str, f64>,
}

impl Row {
    fn entry(&self) -> Option<Entry> {
        let (ours, peers) = self.measured.split_first()?;
        let ours = ours.figures();
        let peers: BTreeMap<_, _> = peers.iter().map(|peer| (peer.name, peer.figures())).collect();
        let ratio = peers.iter().map(|(name, peer)| (*name, rounded(peer.cpu_us / ours.cpu_us, 100.0)));
        Some(Entry { scenario: self.scenario.name(), ours, ratio: ratio.collect(), peers })
    }

    /// The ratios to a peer round by round: how far the machine's noise reaches.
    fn spread(&self, peer: &str) -> Option<(f64, f64)> {
        let (ours, peers) = self.measured.split_first()?;
        let theirs = peers.iter().find(|measured| measured.name == peer)?;
        let rounds =
            theirs.samples.iter().zip(&ours.samples).map(|(theirs, ours)| theirs.cpu_us / ours.cpu_us);
        Some(
            rounds.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), ratio| {
                (low.min(ratio), high.max(ratio))
            }),
        )
    }
}

/// The table.
pub(super) fn print(rows: &[Row], how: &str) {
    println!(
        "\n{how}\nCPU: user and system time of the workerd process. Ratio: theirs over ours, above 1 is better for us.\n"
    );
    println!("{:20} {:8} {:>12} {:>12} {:>8}  by round", "", "", "CPU/request", "requests/s", "ratio");
    for row in rows {
        let Some(entry) = row.entry() else { continue };
        print_line(entry.scenario, "ours", entry.ours, "");
        for (name, figures) in &entry.peers {
            let ratio = entry.ratio.get(name).copied().unwrap_or_default();
            let (low, high) = row.spread(name).unwrap_or_default();
            print_line("", name, *figures, &format!("{ratio:>8.2}  {low:.2}–{high:.2}"));
        }
    }
}

fn print_line(scenario: &str, name: &str, Figures { cpu_us, rps }: Figures, rest: &str) {
    println!("{scenario:20} {name:8} {cpu_us:>9.1} µs {rps:>12.0} {rest}");
}

/// The content of `latest.json`.
///
/// # Errors
/// When a figure is not a number: nothing was answered.
pub(super) fn json(rows: &[Row]) -> Result<String> {
    let entries: Vec<_> = rows.iter().filter_map(Row::entry).collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&entries)?))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let lower = values.len().saturating_sub(1) / 2;
    match (values.get(lower), values.get(upper)) {
        (Some(lower), Some(upper)) => f64::midpoint(*lower, *upper),
        _ => f64::NAN,
    }
}

/// To as many decimals as mean anything.
fn rounded(value: f64, unit: f64) -> f64 {
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &'static str, cpu_us: &[f64]) -> Measured {
        Measured {
            name,
            samples: cpu_us.iter().map(|cpu_us| Sample { cpu_us: *cpu_us, rps: 1000.4 }).collect(),
        }
    }

    #[test]
    fn the_report_has_the_form_that_its_readers_take() {
        let row = Row {
            scenario: Scenario::FullHeaders,
            measured: vec![measured("ours", &[90.0, 500.0, 100.0]), measured("js", &[80.0, 120.0])],
        };
        let json: serde_json::Value = serde_json::from_str(&json(&[row]).unwrap()).unwrap();
        assert_eq!(
            json,
            serde_json::json!([{
                "scenario": "full_headers",
                "ours": { "cpu_us": 100.0, "rps": 1000.0 },
                "peers": { "js": { "cpu_us": 100.0, "rps": 1000.0 } },
                "ratio": { "js": 1.0 },
            }])
        );
    }

    #[test]
    fn a_ratio_above_one_says_that_theirs_costs_more() {
        let row = Row {
            scenario: Scenario::FullHeaders,
            measured: vec![measured("ours", &[100.0]), measured("hono", &[150.0])],
        };
        assert_eq!(row.entry().unwrap().ratio.get("hono"), Some(&1.5));
    }
}
