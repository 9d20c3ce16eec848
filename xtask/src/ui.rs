//! Progress on the terminal: each slow step says that it began, that it still runs, and how long it took.

use anyhow::Result;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

const STILL_RUNNING: Duration = Duration::from_secs(20);

/// Runs `work` as a named step.
///
/// # Errors
/// Those of `work`.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("• {name} …");
    let started = Instant::now();
    let (done, wait) = channel::<()>();
    let watched = name.to_owned();
    let ticker = thread::spawn(move || {
        while wait.recv_timeout(STILL_RUNNING) == Err(RecvTimeoutError::Timeout) {
            eprintln!("  … {watched}: {} so far", seconds(started.elapsed()));
        }
    });
    let result = work();
    drop(done);
    // It only prints: a panic in there has nothing to tell.
    drop(ticker.join());
    let verdict = if result.is_ok() { "✓" } else { "✗" };
    eprintln!("{verdict} {name} ({})", seconds(started.elapsed()));
    result
}

/// `12.3 s`, or `2 min 5 s` from a minute on.
pub fn seconds(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0..60 => format!("{:.1} s", elapsed.as_secs_f32()),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// `123.4 KiB`.
pub fn kib(bytes: usize) -> String {
    format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024)
}
