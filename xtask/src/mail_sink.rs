//! The mail server of development and tests: takes every mail over SMTP on 127.0.0.1, delivers none, and shows them.
//!
//! Invariant: the Workers reach it as they reach a provider's server, by `MAIL_TRANSPORT`, so no code of theirs is for
//! development. It is strict where a client could be wrong: CRLF only, commands in order, one recipient or more.

mod decode;
mod page;
mod session;

use anyhow::{Context as _, Result};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const KEPT: usize = 200;

/// One mail to one recipient, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipient.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text, its lines ended by `\n`.
    pub text: String,
    /// When it was taken.
    pub received_at: SystemTime,
}

impl Mail {
    /// The first line that is nothing but a link.
    pub fn link(&self) -> Option<&str> {
        self.text.lines().find(|line| is_link(line))
    }
}

/// A running sink, until the process ends. Clones are the same one.
#[derive(Clone, Debug)]
pub struct MailSink {
    address: SocketAddr,
    inbox: Arc<Inbox>,
}

impl MailSink {
    /// Listens on this port of 127.0.0.1; 0 lets the system choose.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16) -> Result<Self> {
        Self::start_with(port, |_| {})
    }

    /// As [`MailSink::start`], and calls `on_mail` with every mail that is taken.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start_with(port: u16, on_mail: impl Fn(&Mail) + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("the mail sink needs port {port}"))?;
        let sink = Self { address: listener.local_addr()?, inbox: Arc::default() };
        let (inbox, on_mail) = (Arc::clone(&sink.inbox), Arc::new(on_mail));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (inbox, on_mail) = (Arc::clone(&inbox), Arc::clone(&on_mail));
                thread::spawn(move || {
                    // A client that went away is its own affair.
                    let _ = session::serve(&stream, &|mail| {
                        on_mail(&mail);
                        inbox.take(mail);
                    });
                });
            }
        });
        Ok(sink)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value of `MAIL_TRANSPORT` that sends here. It needs ALLOW_LOCAL_UPSTREAMS.
    pub fn transport(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The last 200 mails, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.inbox.lock().iter().cloned().collect()
    }

    /// The newest mail to `to` for which `wanted` holds, as soon as there is one.
    pub fn wait_for(&self, to: &str, wanted: impl Fn(&Mail) -> bool, timeout: Duration) -> Option<Mail> {
        let deadline = Instant::now() + timeout;
        let mut mails = self.inbox.lock();
        loop {
            if let Some(mail) = mails.iter().rev().find(|mail| mail.to == to && wanted(mail)) {
                return Some(mail.clone());
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            (mails, _) = self.inbox.came.wait_timeout(mails, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Serves a page that lists the mails on this port of 127.0.0.1 (0: any), and returns the port.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn serve_page(&self, port: u16) -> Result<u16> {
        page::serve(self.clone(), port)
    }
}

#[derive(Debug, Default)]
struct Inbox {
    mails: Mutex<VecDeque<Mail>>,
    came: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, mail: Mail) {
        let mut mails = self.lock();
        if mails.len() == KEPT {
            mails.pop_front();
        }
        mails.push_back(mail);
        self.came.notify_all();
    }
}

fn is_link(line: &str) -> bool {
    let rest = line.strip_prefix("https://").or_else(|| line.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !line.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests;
