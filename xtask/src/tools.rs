//! The cargo tools of `cargo xtask test`, compiled once into the user's cache and shared by every clone.

use crate::process::{cargo, exclusive, run};
use crate::{root, ui};
use anyhow::{Context as _, Result};
use std::env;
use std::path::PathBuf;

/// A tool from crates.io, at the version this project was checked with.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Licences, sources and bans.
pub const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Advisories.
pub const CARGO_AUDIT: Tool = Tool { name: "cargo-audit", version: "0.22.2" };

impl Tool {
    /// The path of its program, after installing it if need be.
    ///
    /// # Errors
    /// When it does not compile or crates.io cannot be reached.
    pub fn ensure(self) -> Result<PathBuf> {
        let Self { name, version } = self;
        let dir = cache_dir()?.join(format!("{name}-{version}"));
        let program = dir.join("bin").join(name);
        let _lock = exclusive("tools")?;
        if !program.is_file() {
            ui::step(&format!("compiling {name} {version} into {} (once)", dir.display()), || {
                run(cargo()
                    .args(["install", "--locked", "--quiet", name, "--version", version, "--root"])
                    .arg(&dir)
                    // These run for seconds: compiling them for minutes longer would never pay.
                    .env("CARGO_PROFILE_RELEASE_LTO", "off")
                    .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
                    .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                    .env_remove("CARGO_TARGET_DIR")
                    .current_dir(root()))
            })?;
        }
        Ok(program)
    }
}

fn cache_dir() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("SLUICEGATE_TOOLS") {
        return Ok(dir.into());
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    Ok(cache
        .context("set SLUICEGATE_TOOLS to a folder for the tools: there is no HOME")?
        .join("sluicegate/tools"))
}
