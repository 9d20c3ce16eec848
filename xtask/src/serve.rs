//! `cargo xtask serve`: both Workers on bare workerd, storage on disk. The end-to-end tests start the same [`Stack`].
//!
//! Invariants: the outbound network is limited to public addresses at the socket, after name resolution, unless the
//! caller asks for local ones too; secrets reach workerd by its environment and are in no file that this writes; what is
//! written, by workerd too, is readable by its owner alone.

mod capnp;
mod leftovers;

use crate::build::{Profile, Worker};
use crate::keys::Keys;
use crate::process::Process;
use crate::{private, root};
use anyhow::{Context as _, Result, bail};
use config::Config;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

const START_LIMIT: Duration = Duration::from_secs(30);

/// How to run the Workers.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 lets the system choose.
    pub port: u16,
    /// Holds the Durable Objects' databases, the generated configuration and the log. Created when missing.
    pub data_dir: PathBuf,
    /// The secrets of both Workers.
    pub keys: Keys,
    /// Lets connections reach http:// and private addresses: for development and tests.
    pub allow_local_upstreams: bool,
    /// CA certificates (PEM) to trust for outbound TLS, besides the usual ones.
    pub trusted_certificates: Vec<String>,
    /// Plain variables of both Workers, besides or instead of those in their `wrangler.toml`.
    pub variables: BTreeMap<String, String>,
    /// What both Workers enforce, if not what was embedded in them when they were built.
    pub config: Option<Config>,
    /// Where the built Workers are, a folder each, if not where `cargo xtask build` puts them.
    pub build_dir: Option<PathBuf>,
    /// Lets a test see what passes between the two Workers. The edge then calls the control plane at [`TAP_IN`] in this
    /// folder, where somebody has to listen before the start and hand everything on to [`TAP_OUT`] there.
    pub tap: Option<PathBuf>,
}

/// The Unix socket at which a tapped edge finds the control plane.
pub const TAP_IN: &str = "edge.sock";
/// The Unix socket at which a tapped control plane answers.
pub const TAP_OUT: &str = "control-plane.sock";

impl Options {
    /// Fresh keys, any free port, public upstreams only.
    ///
    /// # Errors
    /// Those of [`Keys::generate`].
    pub fn new(data_dir: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self {
            port: 0,
            data_dir: data_dir.into(),
            keys: Keys::generate()?,
            allow_local_upstreams: false,
            trusted_certificates: Vec::new(),
            variables: BTreeMap::new(),
            config: None,
            build_dir: None,
            tap: None,
        })
    }

    /// The command that serves with these options, after writing its configuration.
    fn command(&self) -> Result<Command> {
        let objects = self.data_dir.join("objects");
        private::dir(&objects)?;
        leftovers::remove(&objects)?;
        let file = self.data_dir.join("workerd.capnp");
        private::write(&file, &capnp::text(self)?)?;
        if let Some(tap) = &self.tap {
            // The one of a server that was killed: nobody listens there, and nobody else can.
            drop(fs::remove_file(tap.join(TAP_OUT)));
        }
        let mut command = workerd(&file);
        for worker in Worker::ALL {
            for (name, secret) in self.keys.of(worker)? {
                command.env(capnp::environment_name(worker, name), secret);
            }
        }
        Ok(command)
    }
}

/// Reads a `sluicegate.toml` for [`Options::config`].
///
/// # Errors
/// When it cannot be read, or has a bad value; the message names it.
pub fn read_config(path: &Path) -> Result<Config> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    config::parse(&text).with_context(|| path.display().to_string())
}

/// The command that serves a configuration.
pub(crate) fn workerd(config: &Path) -> Command {
    let mut command = private::command(root().join("node_modules/workerd/bin/workerd"));
    // `-I/` lets the configuration name files by absolute path.
    command.args(["serve", "-I/"]).arg(config).env_clear();
    command
}

/// Becomes workerd: signals, output and exit status are its own. Returns only when that fails.
///
/// # Errors
/// When the Workers are not built or workerd cannot be started.
pub fn exec(options: &Options) -> Result<()> {
    let error = options.command()?.exec();
    Err(error).context("cannot start workerd")
}

/// Both Workers, running. Dropping it stops them; the data stays.
#[derive(Debug)]
pub struct Stack {
    options: Options,
    process: Process,
    url: String,
}

impl Stack {
    /// Starts workerd on the release build and waits until `/healthz` answers.
    ///
    /// # Errors
    /// When the Workers are not built, or do not become healthy in 30 s; the message ends with the log.
    pub fn start(mut options: Options) -> Result<Self> {
        let (process, port) = listen(options.command()?, &options.data_dir)?;
        // A restart takes the same port again, so that addresses already handed out stay good.
        options.port = port;
        let mut stack = Self { options, process, url: format!("http://127.0.0.1:{port}") };
        stack.wait_until_healthy()?;
        Ok(stack)
    }

    /// The edge's address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// workerd's process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &Path {
        &self.options.data_dir
    }

    /// All that workerd and the Workers have written so far, over every start on this data.
    pub fn log(&self) -> String {
        read_log(&self.options.data_dir)
    }

    /// Kills workerd as a power cut would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill9(&mut self) -> Result<()> {
        self.process.kill9()
    }

    /// Stops workerd in an orderly way.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop()
    }

    /// Starts again after [`Stack::kill9`] or [`Stack::stop`]: same data, keys and port.
    ///
    /// # Errors
    /// Those of [`Stack::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.process.stop()?;
        *self = Self::start(self.options.clone())?;
        Ok(())
    }

    fn wait_until_healthy(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        let url = format!("{}/healthz", self.url);
        while Instant::now() < deadline && self.process.is_running() {
            if is_healthy(&url) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("{url} did not answer 200. The log:\n{}", self.log());
    }
}

/// Starts a workerd whose configuration has one TCP socket, and returns its port. It logs to `data_dir`, which must exist.
///
/// # Errors
/// When it does not listen in 30 s; the message ends with the log.
pub(crate) fn listen(mut command: Command, data_dir: &Path) -> Result<(Process, u16)> {
    let log = private::open(&log_path(data_dir), fs::OpenOptions::new().create(true).append(true))?;
    // On file descriptor 1 workerd says which port it got, among the Workers' own output.
    let mut process = Process::spawn(
        command.arg("--control-fd=1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.try_clone()?),
    )?;
    let stdout = process.child().stdout.take().context("workerd has no stdout")?;
    match listening_port(stdout, log).recv_timeout(START_LIMIT) {
        Ok(port) => Ok((process, port)),
        Err(_) => bail!("workerd did not start. Its log:\n{}", read_log(data_dir)),
    }
}

/// Whether `url` answers with a success.
pub fn is_healthy(url: &str) -> bool {
    ureq::get(url).config().timeout_global(Some(Duration::from_secs(2))).build().call().is_ok()
}

/// Copies workerd's output to the log for as long as it runs, and sends the port of its socket.
fn listening_port(stdout: ChildStdout, mut log: fs::File) -> Receiver<u16> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            match port_of(&line) {
                // The receiver waits for the first alone.
                Some(port) => drop(send.send(port)),
                None => drop(log.write_all(&[line.as_slice(), b"\n"].concat())),
            }
        }
    });
    receive
}

/// The port in `{"event":"listen","socket":"http","port":8787}`.
fn port_of(line: &[u8]) -> Option<u16> {
    let event: serde_json::Value = serde_json::from_slice(line).ok()?;
    (event.get("event")?.as_str()? == "listen").then_some(())?;
    // A Unix socket has port 0.
    u16::try_from(event.get("port")?.as_u64()?).ok().filter(|port| *port != 0)
}

fn log_path(data_dir: &Path) -> PathBuf {
    data_dir.join("workerd.log")
}

fn read_log(data_dir: &Path) -> String {
    fs::read(log_path(data_dir))
        .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
}

/// The build that servers run.
pub const PROFILE: Profile = Profile::Release;
