//! The load generator: a fixed number of keep-alive connections, each with one request under way at any time.

use super::http::Connection;
use super::scenario::Exchange;
use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Connections; each has a thread, which mostly waits.
pub(super) const CONNECTIONS: usize = 16;

/// What a slice came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) elapsed: Duration,
}

/// Sends requests for that long, on every connection one after the other.
///
/// # Errors
/// When an answer is not as expected, or none comes.
pub(super) fn drive(address: SocketAddr, exchange: &Exchange, duration: Duration) -> Result<Load> {
    let started = Instant::now();
    let failed = AtomicBool::new(false);
    let requests = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let go_on = || started.elapsed() < duration && !failed.load(Ordering::Relaxed);
                    repeat(address, exchange, go_on).inspect_err(|_| failed.store(true, Ordering::Relaxed))
                })
            })
            .collect();
        let counts = threads.into_iter().map(|thread| match thread.join() {
            Ok(count) => count,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        // Every thread is joined, whatever the first came to.
        counts.collect::<Vec<_>>().into_iter().sum::<Result<u64>>()
    })?;
    Ok(Load { requests, elapsed: started.elapsed() })
}

fn repeat(address: SocketAddr, exchange: &Exchange, go_on: impl Fn() -> bool) -> Result<u64> {
    let mut connection = Connection::open(address)?;
    let mut request = Vec::new();
    let mut count = 0;
    while go_on() {
        exchange.write(&mut request)?;
        let answer = connection.exchange(&request)?;
        exchange.expected.check(answer).with_context(|| format!("{}{}", answer.head, answer.text()))?;
        count += 1;
    }
    Ok(count)
}
