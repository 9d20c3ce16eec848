//! The server under test: both Workers on bare workerd, with a data folder of its own.

use crate::{Client, until};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::{fs, process};
use tokens::{MacKey, SessionSigner};
use xtask::build::Worker;
use xtask::keys::Keys;
use xtask::mail_sink::{Mail, MailSink};
use xtask::serve::{Options, Stack};

/// The header in which tests say which address they come from.
const CLIENT_IP_HEADER: &str = "x-test-client-ip";

/// Where mailed links lead: where the operator says, whatever a request says of its host.
const LINK_ORIGIN: &str = "https://gate.example";

/// A running server.
#[derive(Debug)]
pub struct Gate {
    // Dropped first: while the process still is this server's.
    lifeline: Lifeline,
    stack: Stack,
    keys: Keys,
    mails: MailSink,
}

impl Gate {
    /// The one that most tests share, with limits on requests that none of them reaches.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Gate> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("shared"))
    }

    /// A server like the shared one, for a test that stops it.
    ///
    /// # Panics
    /// Where it does not start: is the release build there?
    pub fn start(name: &str) -> Self {
        Self::start_with(name, |_| {})
    }

    /// A server with other options.
    ///
    /// # Panics
    /// As [`Gate::start`].
    pub fn start_with(name: &str, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(data_dir(name)).unwrap();
        options.allow_local_upstreams = true;
        let mails = MailSink::start(0).unwrap();
        let transport = mails.transport();
        options.variables = [
            ("CLIENT_IP_HEADER", CLIENT_IP_HEADER),
            ("RATE_LIMIT_SCALE", "1000"),
            ("MAIL_TRANSPORT", &transport),
            ("LINK_ORIGIN", LINK_ORIGIN),
        ]
        .map(own)
        .into();
        change(&mut options);
        let keys = options.keys.clone();
        let stack = Stack::start(options).unwrap_or_else(|error| panic!("{error:#}"));
        Self { lifeline: Lifeline::tie(stack.pid()), stack, keys, mails }
    }

    /// A client without a credential, from an address that no other has.
    pub fn client(&self) -> Client {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let [_, _, c, d] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        self.client_from(&format!("198.18.{c}.{d}"))
    }

    /// A client without a credential, from this address.
    pub fn client_from(&self, ip: &str) -> Client {
        Client::new(self.address()).with(CLIENT_IP_HEADER, ip)
    }

    /// Host and port.
    ///
    /// # Panics
    /// Never: the server names its own address.
    pub fn address(&self) -> SocketAddr {
        self.stack.url().strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Everything that the server keeps or wrote: databases, configuration, log.
    pub fn data_dir(&self) -> &Path {
        self.stack.data_dir()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        self.stack.log()
    }

    /// The mails to an address so far whose subject contains `subject`, oldest first.
    pub fn mails_to(&self, email: &str, subject: &str) -> Vec<Mail> {
        let mut mails = self.mails.mails();
        mails.retain(|mail| mail.to == email && mail.subject.contains(subject));
        mails
    }

    /// The `nth` of those mails, 1 for the first, as soon as it has come.
    ///
    /// # Panics
    /// Where it does not.
    pub fn mail_to(&self, email: &str, subject: &str, nth: usize) -> Mail {
        until(&format!("mail {nth} to {email} on {subject}"), || {
            self.mails_to(email, subject).into_iter().nth(nth - 1)
        })
    }

    /// The token in that mail's link.
    ///
    /// # Panics
    /// As [`Gate::mail_to`]; where it has none, or its link leads elsewhere.
    pub fn mailed_token(&self, email: &str, subject: &str, nth: usize) -> String {
        let mail = self.mail_to(email, subject, nth);
        let link = mail.link().unwrap_or_else(|| panic!("no link in {mail:?}"));
        assert!(link.starts_with(&format!("{LINK_ORIGIN}/")), "{mail:?} leads elsewhere");
        link_token(link)
    }

    /// Kills it as a power cut would.
    pub fn kill9(&mut self) {
        self.lifeline.untie();
        self.stack.kill9().unwrap();
    }

    /// Ends it in an orderly way.
    pub fn stop(&mut self) {
        self.lifeline.untie();
        self.stack.stop().unwrap();
    }

    /// Starts it again on the same data, keys and port.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&mut self) {
        self.lifeline.untie();
        self.stack.restart().unwrap_or_else(|error| panic!("{error:#}"));
        self.lifeline = Lifeline::tie(self.stack.pid());
    }

    /// All deploy-time secrets, by name.
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        Worker::ALL.iter().flat_map(|worker| self.keys.of(*worker).unwrap()).collect()
    }

    /// All deploy-time keys, for another server on the same data.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What signs this server's session tokens: for tokens that are genuine and yet not good.
    pub fn signer(&self) -> SessionSigner {
        SessionSigner::from_json(&self.secret("SESSION_KEYS")).unwrap()
    }

    /// What makes the tails of this server's API keys and source ids.
    pub fn mac(&self) -> MacKey {
        MacKey::from_base64(&self.secret("API_KEY_MAC_KEY")).unwrap()
    }

    fn secret(&self, name: &str) -> String {
        self.secrets().into_iter().find(|(have, _)| *have == name).unwrap().1
    }
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The token in a link of ours.
///
/// # Panics
/// Where it has none.
pub fn link_token(link: &str) -> String {
    let (_, token) = link.split_once("token=").unwrap_or_else(|| panic!("no token in {link}"));
    token.split('&').next().unwrap_or_default().to_owned()
}

/// A fresh folder under `target/e2e`, kept after the run for whoever wants to see the log.
fn data_dir(name: &str) -> PathBuf {
    static SWEEP: Once = Once::new();
    let runs = xtask::root().join("target/e2e");
    SWEEP.call_once(|| sweep(&runs));
    let dir = runs.join(process::id().to_string()).join(name);
    assert!(!dir.exists(), "two servers are called {name}");
    dir
}

/// Removes what runs that have ended left behind.
fn sweep(runs: &Path) {
    for run in fs::read_dir(runs).into_iter().flatten().flatten() {
        if !Path::new("/proc").join(run.file_name()).exists() {
            // Another run may be at it too.
            let _ = fs::remove_dir_all(run.path());
        }
    }
}

/// Ends the server when this process ends, however it ends: statics are never dropped. A shell waits for its standard
/// input to close, which the system sees to.
#[derive(Debug)]
struct Lifeline(Child);

impl Lifeline {
    fn tie(pid: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "read -r _ || kill \"$0\""]).arg(pid.to_string()).stdin(Stdio::piped());
        Self(shell.spawn().unwrap())
    }

    fn untie(&mut self) {
        if let Some(mut stdin) = self.0.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.0.wait();
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
