//! Claim T6: licences, sources and bans by `cargo deny` (`deny.toml`), advisories by `cargo audit`
//! (`.cargo/audit.toml`). Both read the committed lockfile.

use super::in_ci;
use crate::process::run;
use crate::root;
use crate::tools::{CARGO_AUDIT, CARGO_DENY};
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::Command;

const NO_DATABASE: &str = "the advisory database could not be fetched, so NO dependency was checked. Give a local copy of \
     https://github.com/RustSec/advisory-db by --advisory-db DIR or SLUICEGATE_ADVISORY_DB";

pub(super) fn deny() -> Result<()> {
    let mut command = Command::new(CARGO_DENY.ensure()?);
    run(command
        .args(["--locked", "check", "--hide-inclusion-graph", "licenses", "sources", "bans"])
        .current_dir(root()))
}

/// Any vulnerability fails, whatever its severity; unmaintained and yanked crates are shown.
pub(super) fn audit(database: Option<&Path>) -> Result<()> {
    let mut command = Command::new(CARGO_AUDIT.ensure()?);
    command.arg("audit").current_dir(root());
    if let Some(database) = database {
        let database = std::path::absolute(database)?;
        if !database.join("crates").is_dir() {
            bail!("{} is not a copy of the RustSec advisory database", database.display());
        }
        return run(command.arg("--db").arg(database).args(["--no-fetch", "--stale"]));
    }
    let output = command.output().context("cannot start cargo-audit")?;
    let said = String::from_utf8_lossy(&output.stderr);
    eprint!("{}{said}", String::from_utf8_lossy(&output.stdout));
    match output.status.success() {
        true => Ok(()),
        false if !said.contains("couldn't fetch advisory database") => {
            bail!("cargo audit found something (see above)")
        }
        false if in_ci() => bail!(NO_DATABASE),
        false => {
            eprintln!("\n!!! {NO_DATABASE}.\n");
            Ok(())
        }
    }
}
