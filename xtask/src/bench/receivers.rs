//! Endpoints of customers, on this machine, each with a character of its own: some take everything, some hang, some fail until
//! they are mended, one is gone. What they get is recorded.

use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Character {
    /// 200, at once.
    Fine,
    /// It takes the request and says nothing, for longer than anybody waits.
    Hangs,
    /// 500, until it is mended.
    Recovers,
    /// 410.
    Gone,
}

/// A request that an endpoint got.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    /// Since the receivers were started.
    pub at: Duration,
    /// What it was answered; 0: nothing.
    pub status: u16,
}

/// The receivers, on one port: `/0`, `/1`, …
pub(super) struct Receivers {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    began: Instant,
    characters: Vec<Character>,
    mended: AtomicBool,
    taken: AtomicU64,
    /// By endpoint, then by `webhook-id`.
    received: Vec<Mutex<HashMap<String, Vec<Received>>>>,
}

impl Receivers {
    /// Starts them.
    ///
    /// # Errors
    /// Where no port is free.
    pub(super) fn start(characters: Vec<Character>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
        let shared = Arc::new(Shared {
            began: Instant::now(),
            received: characters.iter().map(|_| Mutex::default()).collect(),
            characters,
            mended: AtomicBool::new(false),
            taken: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                // A client that went away, or was killed, is its own affair.
                thread::spawn(move || drop(shared.serve(&stream)));
            }
        });
        Ok(Self { url, shared })
    }

    /// From now on those that recover take everything.
    pub(super) fn mend(&self) {
        self.shared.mended.store(true, Ordering::Relaxed);
    }

    /// Requests answered with 200 so far.
    pub(super) fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// The time of the receivers' clock.
    pub(super) fn now(&self) -> Duration {
        self.shared.began.elapsed()
    }

    /// What an endpoint got, by `webhook-id`.
    pub(super) fn received(&self, endpoint: usize) -> HashMap<String, Vec<Received>> {
        let received = self
            .shared
            .received
            .get(endpoint)
            .map(|received| received.lock().unwrap_or_else(PoisonError::into_inner));
        received.map(|received| received.clone()).unwrap_or_default()
    }
}

impl Shared {
    fn serve(&self, mut stream: &TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let path = line.split(' ').nth(1).context("a request line")?;
            let endpoint: usize = path.trim_start_matches('/').parse()?;
            let (mut id, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let Some((name, value)) = line.trim_end().split_once(':') else { break };
                match name.to_ascii_lowercase().as_str() {
                    "webhook-id" => value.trim().clone_into(&mut id),
                    "content-length" => length = value.trim().parse()?,
                    _ => {}
                }
            }
            std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
            let status = self.take(endpoint, id);
            if status == 0 {
                thread::sleep(Duration::from_secs(600));
                return Ok(());
            }
            write!(stream, "HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n")?;
        }
    }

    fn take(&self, endpoint: usize, id: String) -> u16 {
        let status = match self.characters.get(endpoint) {
            Some(Character::Fine) => 200,
            Some(Character::Recovers) if self.mended.load(Ordering::Relaxed) => 200,
            Some(Character::Recovers) => 500,
            Some(Character::Hangs) => 0,
            Some(Character::Gone) | None => 410,
        };
        if status == 200 {
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(received) = self.received.get(endpoint) {
            let received = &mut *received.lock().unwrap_or_else(PoisonError::into_inner);
            received.entry(id).or_default().push(Received { at: self.began.elapsed(), status });
        }
        status
    }
}
