//! `cargo xtask test`: every check that a change must pass, on the release build, in one command.
//!
//! Invariant: a check that could not be made is never a pass in CI (`CI` set), and never silent elsewhere.

mod readme;
mod supply_chain;

use crate::build::{Profile, Worker, build};
use crate::process::{cargo, run};
use crate::serve::{self, Stack};
use crate::setup::{WASM_TARGET, find_program, npm_bin};
use crate::{private, root, setup, ui};
use anyhow::{Context as _, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

const CHROMIUM_HELP: &str =
    "install it (Debian: apt-get install chromium), or set CHROMIUM to the path of a Chromium or Chrome";

const PYTHON_HELP: &str = "install it (Debian: apt-get install python3-venv)";

/// What to run.
#[derive(Debug, Default)]
pub struct Options {
    /// Only tests whose name contains this; lints, documentation and supply chain are then left out.
    pub filter: Option<String>,
    /// A local copy of the RustSec advisory database, for where it cannot be fetched.
    pub advisory_db: Option<PathBuf>,
}

/// Runs the phases in order, up to the first that fails, and prints what each took.
///
/// # Errors
/// That of the phase which failed.
pub fn test(options: &Options) -> Result<()> {
    let mut report = Report::default();
    let result = phases(options, &mut report);
    report.print();
    result
}

fn phases(options: &Options, report: &mut Report) -> Result<()> {
    let filter = options.filter.as_deref();
    report.phase("set-up", setup::ensure)?;
    if filter.is_none() {
        report.phase("format", || run(cargo().args(["fmt", "--all", "--check"]).current_dir(root())))?;
        report.phase("lints", lints)?;
        report.phase("documentation", documentation)?;
    }
    report.phase("native tests", || cargo_test(&[], filter))?;
    report.phase("release build", build_within_budget)?;
    if filter.is_none() {
        report.phase("licences, sources, bans", supply_chain::deny)?;
        report.phase("advisories", || supply_chain::audit(options.advisory_db.as_deref()))?;
    }
    report.phase("end to end", || cargo_test(&["--package", "e2e"], filter))?;
    if filter.is_none_or(|filter| filter == "readme") {
        report.phase("README as pasted", || readme::paste(Scratch::new()?.as_ref()))?;
    }
    report.phase("JavaScript", || run(&mut node_command("tests/unit", filter)?))?;
    report.phase("interop with official SDKs", || interop(filter))?;
    match chromium() {
        Some(chromium) => report.phase("browser", || {
            // Its children find it there.
            let mut tests = node_command("tests/browser", filter)?;
            with_stack(|stack| run(tests.env("CHROMIUM", &chromium).env("SLUICEGATE_URL", stack.url())))
        }),
        None if in_ci() => bail!("the browser tests need Chromium: {CHROMIUM_HELP}"),
        None => {
            report.skip("browser", "NOT RUN: no Chromium");
            eprintln!("! The browser tests did not run, since no Chromium was found: {CHROMIUM_HELP}.");
            Ok(())
        }
    }
}

fn interop(filter: Option<&str>) -> Result<()> {
    setup::ensure_provider_sdks()?;
    let python = setup::ensure_python()?;
    match &python {
        None if in_ci() => bail!("the interop tests need Python 3 with venv: {PYTHON_HELP}"),
        None => eprintln!("! The Python packages' part of the interop tests does not run: {PYTHON_HELP}."),
        Some(_) => {}
    }
    let mut tests = node_command("tests/interop", filter)?;
    tests.envs(python.map(|python| ("SLUICEGATE_PYTHON", python)));
    with_stack(|stack| run(tests.env("SLUICEGATE_URL", stack.url())))
}

fn lints() -> Result<()> {
    let clippy = |args: &[&str]| {
        run(cargo().arg("clippy").args(args).args(["--", "-D", "warnings"]).current_dir(root()))
    };
    clippy(&["--workspace", "--all-targets"])?;
    // What only the Wasm build compiles.
    clippy(&["--target", WASM_TARGET, "--package", "edge", "--package", "control-plane"])
}

fn documentation() -> Result<()> {
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(root());
    run(&mut doc)
}

fn cargo_test(args: &[&str], filter: Option<&str>) -> Result<()> {
    run(cargo().arg("test").args(args).args(filter).current_dir(root()))
}

fn build_within_budget() -> Result<()> {
    let built = build(Profile::Release, &Worker::ALL)?;
    for built in &built {
        println!("  {built} of {}", ui::kib(built.worker.budget()));
    }
    match built.iter().find(|built| built.wasm_gzipped > built.worker.budget()) {
        None => Ok(()),
        Some(over) => bail!("{} is over its budget of {}", over.worker.name(), ui::kib(over.worker.budget())),
    }
}

fn node_command(folder: &str, filter: Option<&str>) -> Result<std::process::Command> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).with_context(|| format!("no folder {folder}"))? {
        let path = entry?.path();
        if path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.ends_with(".test.mjs")) {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("there are no *.test.mjs in {folder}: nothing would be tested");
    }
    files.sort();
    let mut command = npm_bin("node");
    // A mail server of a test that some client has left open must not keep the run from ending.
    command
        .args(["--test", "--test-force-exit"])
        .args(filter.map(|filter| format!("--test-name-pattern={filter}")))
        .args(files);
    Ok(command)
}

fn with_stack(work: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    let dir = Scratch::new()?;
    let mut options = serve::Options::new(&dir.0)?;
    options.allow_local_upstreams = true;
    // The tests come from one address, and faster than people.
    options.variables.insert("RATE_LIMIT_SCALE".to_owned(), "1000".to_owned());
    let stack = Stack::start(options)?;
    work(&stack).inspect_err(|_| eprintln!("the server's log:\n{}", stack.log()))
}

fn chromium() -> Option<PathBuf> {
    let named = env::var_os("CHROMIUM").map(PathBuf::from);
    named.or_else(|| find_program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]))
}

/// Whether what could not be checked must fail.
fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// A folder for one run's data, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let dir = crate::local_dir().join(format!("test-{}", std::process::id()));
        private::dir(&dir)?;
        Ok(Self(dir))
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind at worst: the folder is ignored by git.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The phases so far.
#[derive(Default)]
struct Report(Vec<(&'static str, String)>);

impl Report {
    fn phase(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let started = Instant::now();
        let result = ui::step(name, work);
        self.add(name, started.elapsed(), result.is_ok());
        result.context(name)
    }

    fn add(&mut self, name: &'static str, took: Duration, passed: bool) {
        let verdict = if passed { "passed" } else { "FAILED" };
        self.0.push((name, format!("{verdict:8} {:>12}", ui::seconds(took))));
    }

    fn skip(&mut self, name: &'static str, why: &str) {
        self.0.push((name, why.to_owned()));
    }

    fn print(&self) {
        println!();
        for (name, outcome) in &self.0 {
            println!("  {name:28} {outcome}");
        }
    }
}
