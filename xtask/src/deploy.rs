//! `cargo xtask deploy`: both Workers to Cloudflare, the control plane first, since the edge's service binding names it.

use crate::build::{Profile, Worker, build};
use crate::keys::Keys;
use crate::process::{output, run};
use crate::setup::npm_bin;
use crate::{local_dir, private, root, setup, wrangler};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to deploy.
#[derive(Debug, Default)]
pub struct Options {
    /// Does all but the upload.
    pub dry_run: bool,
    /// The keys file to set the Workers' secrets from; without it they must be set already.
    pub keys: Option<PathBuf>,
}

/// Builds for release and deploys.
///
/// # Errors
/// When a build fails, a secret is missing or wrangler refuses.
pub fn deploy(options: &Options) -> Result<()> {
    setup::ensure()?;
    let keys = options.keys.as_deref().map(Keys::read).transpose()?;
    let built = build(Profile::Release, &Worker::ALL)?;
    if !options.dry_run && keys.is_none() {
        for worker in Worker::ALL {
            check_secrets(worker)?;
        }
    }
    for worker in Worker::ALL {
        let mut command = wrangler_command(worker);
        command.arg("deploy");
        if options.dry_run {
            command.arg("--dry-run").arg("--outdir").arg(root().join("target/deploy").join(worker.name()));
        }
        match &keys {
            Some(keys) => {
                with_secrets_file(worker, keys, |file| run(command.arg("--secrets-file").arg(file)))?
            }
            None => run(&mut command)?,
        }
    }
    for built in built {
        println!("{built}");
    }
    Ok(())
}

fn wrangler_command(worker: Worker) -> Command {
    let mut command = npm_bin("wrangler");
    command.arg("--config").arg(wrangler::path(worker)).env("WRANGLER_SEND_METRICS", "false");
    command
}

#[derive(Deserialize)]
struct Secret {
    name: String,
}

/// A Worker without its secrets would refuse every request: say so before it is live.
fn check_secrets(worker: Worker) -> Result<()> {
    let listed = output(wrangler_command(worker).args(["secret", "list", "--format=json"])).with_context(|| {
        format!(
            "cannot list the secrets of {}. Sign in (`npx wrangler login`); on the first deploy give --keys FILE",
            worker.name()
        )
    })?;
    let listed: Vec<Secret> =
        serde_json::from_str(&listed).context("`wrangler secret list` did not print JSON")?;
    let missing: Vec<_> = Keys::names(worker)
        .iter()
        .filter(|name| !listed.iter().any(|secret| secret.name == **name))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "{} has no secret {}. Give --keys FILE (`cargo xtask keys FILE` makes one)",
        worker.name(),
        missing.join(", ")
    );
}

/// Lends the Worker's secrets to wrangler as a private file that is gone afterwards.
fn with_secrets_file(worker: Worker, keys: &Keys, work: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let secrets: serde_json::Map<_, _> =
        keys.of(worker)?.into_iter().map(|(name, secret)| (name.to_owned(), secret.into())).collect();
    let file = local_dir().join(format!("deploy-{}.json", worker.name()));
    let text = serde_json::to_string(&secrets)?;
    private::write(&file, &text)?;
    let result = work(&file);
    fs::remove_file(&file)?;
    result
}
