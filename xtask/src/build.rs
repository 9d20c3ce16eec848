//! `cargo xtask build`: Rust → Wasm → one JavaScript module and one Wasm module for each Worker.
//!
//! The steps are worker-build's, done here because the Workers have JavaScript entries of their own
//! (`edge/entry.js`, `control-plane/entry.js`): cargo, wasm-bindgen as a library (so it always has the version that
//! Cargo.lock pins), wasm-opt, esbuild. An entry imports the Wasm's exports from `sluicegate:wasm` and the guard that
//! keeps a panic from outliving its request from `sluicegate:runtime`.
//!
//! Invariant: the two profiles never share a file, so what tests and deploys take was built for release.

use crate::dev::overlay_file;
use crate::process::{cargo, exclusive, run};
use crate::setup::{WASM_TARGET, npm_bin};
use crate::{root, ui};
use anyhow::{Context as _, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{env, fs};
use wasm_bindgen_cli_support::Bindgen;

/// One of the two Workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// The public one.
    Edge,
    /// The private one.
    ControlPlane,
}

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// What is deployed, tested and measured.
    Release,
    /// Quick to rebuild, for `cargo xtask dev` alone.
    Dev,
}

/// A built Worker.
#[derive(Debug)]
pub struct Built {
    /// Which one.
    pub worker: Worker,
    /// Holds `index.js` and `index_bg.wasm`.
    pub dir: PathBuf,
    /// Size of the Wasm, in bytes.
    pub wasm: usize,
    /// Size of the Wasm after gzip, in bytes.
    pub wasm_gzipped: usize,
}

/// Builds `workers`, one such call at a time.
///
/// # Errors
/// When a tool fails; it has then said why on stderr.
pub fn build(profile: Profile, workers: &[Worker]) -> Result<Vec<Built>> {
    let _lock = exclusive("build")?;
    compile(profile)?;
    workers.iter().map(|worker| package(profile, *worker)).collect()
}

/// Where a Worker's `index.js` and `index_bg.wasm` are.
pub fn out_dir(profile: Profile, worker: Worker) -> PathBuf {
    target_dir().join("workers").join(profile.name()).join(worker.name())
}

impl Worker {
    /// Both, in the order in which they are deployed.
    pub const ALL: [Self; 2] = [Self::ControlPlane, Self::Edge];

    /// Its folder and package.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::ControlPlane => "control-plane",
        }
    }

    /// The most that its Wasm may weigh after gzip, in bytes.
    pub fn budget(self) -> usize {
        match self {
            Self::Edge => 624 * 1024,
            Self::ControlPlane => 1392 * 1024,
        }
    }
}

impl FromStr for Worker {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|worker| worker.name() == name);
        found.with_context(|| format!("no Worker is called {name:?}: edge or control-plane"))
    }
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }

    /// Cargo's name for it; also the name of its folder under `target/`.
    fn cargo_name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev-wasm",
        }
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{}.wasm", self.worker.name());
        write!(f, "{name:19} {:>12}, gzipped {:>10}", ui::kib(self.wasm), ui::kib(self.wasm_gzipped))
    }
}

/// Both Workers, whichever is asked for: built alone, one would have its crates compiled again with other features.
fn compile(profile: Profile) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--profile", profile.cargo_name(), "--target", WASM_TARGET]).current_dir(root());
    for worker in Worker::ALL {
        command.args(["--package", worker.name()]);
    }
    // A release is of sluicegate.toml alone.
    command.env_remove(config::OVERLAY);
    if matches!(profile, Profile::Dev) && overlay_file().exists() {
        command.env(config::OVERLAY, overlay_file());
    }
    run(&mut command)
}

/// wasm-bindgen, esbuild, wasm-opt; all skipped when neither the compiled Wasm nor the JavaScript has changed.
fn package(profile: Profile, worker: Worker) -> Result<Built> {
    let compiled = compiled_wasm(profile, worker);
    let entry = root().join(worker.name()).join("entry.js");
    let runtime = root().join("xtask/runtime.js");
    let dir = out_dir(profile, worker);
    let stamp_file = dir.join("inputs");
    let stamp = digest(&[&compiled, &entry, &runtime, &root().join("package-lock.json")])?;
    if fs::read_to_string(&stamp_file).is_ok_and(|made_from| made_from == stamp) {
        return measure(worker, dir);
    }

    // Made aside and moved in place whole: a running `wrangler dev` never sees one file new and the other old.
    let staging = dir.with_extension("tmp");
    remove_dir(&staging)?;
    let glue = staging.join("glue");
    Bindgen::new()
        .input_path(&compiled)
        .out_name("index")
        .module(true)?
        .typescript(false)
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(&glue)
        .with_context(|| format!("wasm-bindgen on {}", compiled.display()))?;
    let wasm = staging.join("index_bg.wasm");
    fs::rename(glue.join("index_bg.wasm"), &wasm)?;
    bundle(&entry, &runtime, &glue, &staging)?;
    if profile == Profile::Release {
        optimise(&wasm)?;
    }
    remove_dir(&glue)?;
    fs::write(staging.join("inputs"), stamp)?;
    replace(&staging, &dir)?;
    measure(worker, dir)
}

fn bundle(entry: &Path, runtime: &Path, glue: &Path, out: &Path) -> Result<()> {
    run(npm_bin("esbuild")
        .arg(entry)
        .args(["--bundle", "--format=esm", "--target=esnext", "--log-level=warning"])
        .args(["--external:cloudflare:*", "--external:*.wasm"])
        .arg(option("--alias:sluicegate:runtime=", runtime))
        .arg(option("--alias:sluicegate:wasm=", &glue.join("index.js")))
        .arg(option("--outfile=", &out.join("index.js"))))?;
    // wasm-bindgen writes a source-phase import; the platform gives the same module by a plain one.
    let index = out.join("index.js");
    let script = fs::read_to_string(&index)?;
    let plain = script.replacen("import source wasmModule from", "import wasmModule from", 1);
    if plain == script {
        bail!("wasm-bindgen's glue no longer has the import that xtask/src/build.rs rewrites");
    }
    Ok(fs::write(index, plain)?)
}

/// The features are what rustc and wasm-bindgen use. Named one by one, so that a later wasm-opt emits nothing that the
/// platform does not know yet.
fn optimise(wasm: &Path) -> Result<()> {
    const FEATURES: [&str; 7] = [
        "--enable-bulk-memory",
        "--enable-exception-handling",
        "--enable-multivalue",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-reference-types",
        "--enable-sign-ext",
    ];
    run(npm_bin("wasm-opt").arg(wasm).args(FEATURES).arg("-Os").arg("-o").arg(wasm))
}

fn measure(worker: Worker, dir: PathBuf) -> Result<Built> {
    let wasm = fs::read(dir.join("index_bg.wasm"))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&wasm)?;
    Ok(Built { worker, dir, wasm: wasm.len(), wasm_gzipped: gzip.finish()?.len() })
}

fn compiled_wasm(profile: Profile, worker: Worker) -> PathBuf {
    let file = format!("{}.wasm", worker.name().replace('-', "_"));
    target_dir().join(WASM_TARGET).join(profile.cargo_name()).join(file)
}

fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Changes with the content of any of the files, and with the steps of this one.
fn digest(files: &[&Path]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    include_str!("build.rs").hash(&mut hasher);
    for file in files {
        fs::read(file).with_context(|| file.display().to_string())?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    [OsStr::new(name), path.as_os_str()].into_iter().collect()
}

fn replace(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    // The Wasm first: the script that names it must never be the newer one.
    for file in ["index_bg.wasm", "index.js", "inputs"] {
        fs::rename(from.join(file), to.join(file))?;
    }
    remove_dir(from)
}

fn remove_dir(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
