//! Tools from nothing: the Wasm target, Node.js and the npm packages, each only when it is missing or out of date.

use crate::process::{exclusive, output, run};
use crate::{private, root, ui};
use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// The target of both Workers.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

const OLDEST_NODE: u32 = 20;
const NODE_HELP: &str = "Node.js 20 or later is needed, with npm: https://nodejs.org/en/download, or your system's package \
     manager (Debian: apt-get install nodejs npm). It only bootstraps: the project brings its own Node.js 22.";

/// Makes sure of everything that building and running the Workers needs.
///
/// # Errors
/// When something is missing that this command cannot fetch; the message says what to do.
pub fn ensure() -> Result<()> {
    // Two `npm ci` at once would leave half of each.
    let _lock = exclusive("setup")?;
    ensure_wasm_target()?;
    ensure_npm_packages()
}

/// A command from the npm packages; scripts among them run on the project's own Node.js.
pub fn npm_bin(name: &str) -> Command {
    on_npm_path(Command::new(npm_folder().join(name)))
}

/// As [`npm_bin`]; the files that it writes are its owner's alone.
pub fn private_npm_bin(name: &str) -> Command {
    on_npm_path(private::command(npm_folder().join(name)))
}

fn npm_folder() -> PathBuf {
    root().join("node_modules/.bin")
}

fn on_npm_path(mut command: Command) -> Command {
    let mut path = OsString::from(npm_folder());
    if let Some(rest) = env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    command.env("PATH", path).current_dir(root());
    command
}

fn ensure_wasm_target() -> Result<()> {
    let libdir = output(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM_TARGET]))?;
    if Path::new(libdir.trim()).is_dir() {
        return Ok(());
    }
    ui::step("Rust target wasm32-unknown-unknown", || {
        run(Command::new("rustup").args(["target", "add", WASM_TARGET]))
    })
    .context("add it by hand: `rustup target add wasm32-unknown-unknown`")
}

/// The webhook providers' own packages, which tests alone use.
///
/// # Errors
/// Where npm cannot install them.
pub fn ensure_provider_sdks() -> Result<()> {
    let _lock = exclusive("setup")?;
    npm_ci(
        &root().join("tests/interop/providers"),
        "the webhook providers' own npm packages, for tests (about 520 MB)",
    )
}

/// A Python with the packages that verify deliveries, in an environment of the project's own; `None` where there is no
/// Python 3 that can make one.
///
/// # Errors
/// Where pip cannot install them.
pub fn ensure_python() -> Result<Option<PathBuf>> {
    let _lock = exclusive("setup")?;
    let Some(python) = find_program(&["python3"]) else { return Ok(None) };
    let wanted = root().join("tests/interop/python/requirements.txt");
    let requirements = fs::read(&wanted).context("requirements.txt")?;
    let environment = root().join("target/python");
    let (own, installed) = (environment.join("bin/python"), environment.join("requirements.txt"));
    if own.is_file() && fs::read(&installed).is_ok_and(|copy| copy == requirements) {
        return Ok(Some(own));
    }
    // Debian has the module in a package of its own, python3-venv.
    let mut venv = Command::new(python);
    venv.args(["-m", "venv", "--clear"]).arg(&environment).stdout(Stdio::null()).stderr(Stdio::null());
    if !venv.status().is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    ui::step("Python packages that verify webhooks, for tests", || {
        run(Command::new(&own)
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"])
            .args(["--disable-pip-version-check", "-r"])
            .arg(&wanted))
    })?;
    fs::write(installed, requirements)?;
    Ok(Some(own))
}

fn ensure_npm_packages() -> Result<()> {
    npm_ci(&root(), "npm packages (wrangler, workerd, esbuild, binaryen, Node.js 22; about 560 MB)")
}

/// Installs the packages of a folder's lockfile, unless they are those that are there.
fn npm_ci(folder: &Path, what: &str) -> Result<()> {
    let lock = fs::read(folder.join("package-lock.json")).context("package-lock.json")?;
    // A copy of the lockfile they were installed from: written last, so that an interrupted install is repeated.
    let installed = folder.join("node_modules/.sluicegate-lock.json");
    if fs::read(&installed).is_ok_and(|copy| copy == lock) {
        return Ok(());
    }
    check_node()?;
    ui::step(what, || {
        run(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder))
    })
    .with_context(|| format!("`npm ci` has to work in {}; its messages stand above", folder.display()))?;
    Ok(fs::write(installed, lock)?)
}

fn check_node() -> Result<()> {
    let Ok(answer) = Command::new("node").arg("--version").stderr(Stdio::null()).output() else {
        bail!("`node` was not found. {NODE_HELP}");
    };
    let version = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("`node --version` says {version:?}. {NODE_HELP}");
    }
    Ok(())
}

/// The first of these programs that is on `PATH`.
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |dir| dir.join(name)))
        .find(|candidate| candidate.is_file())
}
