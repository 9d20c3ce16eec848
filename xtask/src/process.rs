//! Child processes. Invariant: a process that a command started ends with it.

use crate::{local_dir, private};
use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_secs(10);

/// Runs a command to its end, on this terminal.
///
/// # Errors
/// When it cannot be started or does not exit with 0.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", name(command)))?;
    check(command, status)
}

/// Runs a command to its end and returns what it wrote to stdout.
///
/// # Errors
/// As [`run`].
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", name(command)))?;
    check(command, output.status)?;
    Ok(String::from_utf8(output.stdout)?)
}

/// The cargo that runs this command.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("{} failed ({status})", name(command));
}

fn name(command: &Command) -> String {
    let first = command.get_args().next().unwrap_or_default();
    format!("`{} {} …`", command.get_program().display(), first.display())
}

/// Waits until no other command of this checkout does `what`, and keeps others waiting for as long as it lives.
///
/// # Errors
/// When the lock file cannot be made.
pub fn exclusive(what: &str) -> Result<File> {
    private::dir(&local_dir())?;
    let lock = private::open(&local_dir().join(format!("{what}.lock")), OpenOptions::new().create(true))?;
    lock.lock()?;
    Ok(lock)
}

/// A running child, stopped when dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts `command`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("cannot start {}", name(command)))?))
    }

    /// The child itself, to take its pipes or wait for it.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends it as `kill -9` does: it has no chance to flush anything.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill9(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM), waits, and kills it if it does not.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGTERM)?;
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if !self.is_running() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.kill9()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell.
        drop(self.stop());
    }
}
