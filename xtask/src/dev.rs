//! `cargo xtask dev`: everything from nothing to a running, seeded Sluicegate, rebuilt when a source changes.
//!
//! Runs `wrangler dev` on both Workers. Its configuration is the deployed one, with five things changed: the quick
//! build profile, development keys, local upstreams allowed, no jurisdictions, mail to a sink in this process. All of it
//! lives in `.sluicegate/dev`.

mod banner;
pub(crate) mod demo;
mod echo;
mod receiver;

use crate::build::{Profile, Worker, build, out_dir};
use crate::keys::Keys;
use crate::mail_sink::{Mail, MailSink};
use crate::process::Process;
use crate::provider::{self, Provider};
use crate::serve::is_healthy;
use crate::setup::private_npm_bin;
use crate::{local_dir, private, root, setup, ui, wrangler};
use anyhow::{Context as _, Result, bail};
use banner::Banner;
use connectors::catalogue;
use receiver::Receiver;
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};
use toml::{Table, Value};

const START_LIMIT: Duration = Duration::from_secs(90);
const TICK: Duration = Duration::from_millis(200);
const TAIL_LINES: usize = 40;
/// Of every client at the stand-in provider, which is on this machine alone.
const CLIENT_SECRET: &str = "development-client-secret";
/// What developers know from other mail sinks; where one is running already, any free ports do.
const MAIL_PORT: u16 = 1025;
const MAIL_PAGE_PORT: u16 = 8025;

/// Runs until Ctrl-C.
///
/// # Errors
/// When a tool is missing, a build fails or the Workers do not start; the message says what to do.
pub fn run(port: u16) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed))?;

    let started = Instant::now();
    let neighbours = Neighbours::start(port.checked_add(1).context("the port is too high")?, print_delivery)?;
    let mail =
        MailSink::start_with(MAIL_PORT, print_mail).or_else(|_| MailSink::start_with(0, print_mail))?;
    let mail_page = mail.serve_page(MAIL_PAGE_PORT).or_else(|_| mail.serve_page(0))?;
    let provider = Provider::start(
        port.checked_add(2).context("the port is too high")?,
        provider::Options {
            client_secret: CLIENT_SECRET.to_owned(),
            access_token_life: Duration::from_secs(300),
        },
    )?;
    setup::ensure()?;
    let secrets =
        catalogue::all().iter().map(|connector| (connector.id, CLIENT_SECRET)).collect::<BTreeMap<_, _>>();
    let keys = Keys::read_or_generate(&keys_file())?.with_connector_clients(serde_json::to_value(secrets)?);
    write_overlay(&provider)?;
    ui::step("building both Workers", || build(Profile::Dev, &Worker::ALL))?;
    let configs = [Worker::Edge, Worker::ControlPlane]
        .map(|worker| write_config(worker, &keys, &mail, port))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;

    let output = Output::default();
    let mut wrangler = start_wrangler(&configs, port, &output)?;
    let url = format!("http://localhost:{port}");
    ui::step("starting wrangler dev", || wait_until_healthy(&url, &mut wrangler, &output, &stop))?;
    let demo = ui::step("seeding the demo org", || demo::seed(&url, &neighbours, &dir().join("demo.json")))
        .inspect_err(|_| eprintln!("{}", output.tail()))?;
    let (neighbours, state, took) = (&neighbours, &dir(), started.elapsed());
    Banner { url: &url, demo: &demo, neighbours, mail_page, state, took }.print();

    output.show();
    while !stop.load(Ordering::Relaxed) {
        if !wrangler.is_running() {
            bail!("wrangler dev ended by itself:\n{}", output.tail());
        }
        thread::sleep(TICK);
    }
    eprintln!("\nstopping …");
    wrangler.stop()
}

/// What the demo needs around it on this machine: an upstream to call, and a customer's server to send webhooks to.
pub(crate) struct Neighbours {
    pub(crate) echo: echo::Server,
    pub(crate) receiver: Receiver,
}

impl Neighbours {
    /// Starts the echo on `port` and the receiver two above it, or on any port where that is taken; 0 takes any for both.
    pub(crate) fn start(port: u16, on_delivery: fn(&str)) -> Result<Self> {
        let beside = if port == 0 { 0 } else { port.saturating_add(2) };
        let receiver = Receiver::start(beside, on_delivery).or_else(|_| Receiver::start(0, on_delivery))?;
        Ok(Self { echo: echo::Server::start(port)?, receiver })
    }
}

/// What is added to `sluicegate.toml` in development: each connector that is not configured there gets the stand-in for its
/// provider. The build reads it.
pub fn overlay_file() -> PathBuf {
    dir().join("overlay.toml")
}

fn write_overlay(provider: &Provider) -> Result<()> {
    let connectors = catalogue::all()
        .iter()
        .filter(|connector| connector.kind == catalogue::Kind::Http && connector.id != "http");
    let connectors = connectors.map(|connector| {
        let stand_in = Table::from_iter(
            [("client_id", "sluicegate-dev".to_owned()), ("stand_in", provider.origin())]
                .map(|(key, value)| (key.to_owned(), Value::from(value))),
        );
        (connector.id.to_owned(), stand_in.into())
    });
    let overlay =
        Table::from_iter([("connectors".to_owned(), Table::from_iter(connectors).into())]).to_string();
    // Written only when it differs: the Workers are built again whenever it changes.
    if fs::read_to_string(overlay_file()).ok().as_ref() != Some(&overlay) {
        private::write(&overlay_file(), overlay.trim_end())?;
    }
    Ok(())
}

/// The development keys of this checkout.
pub fn keys_file() -> PathBuf {
    dir().join("keys.json")
}

fn dir() -> PathBuf {
    local_dir().join("dev")
}

/// Writes a Worker's development configuration, and beside it its `.dev.vars` with the secrets.
fn write_config(worker: Worker, keys: &Keys, mail: &MailSink, port: u16) -> Result<PathBuf> {
    let source = wrangler::path(worker);
    let mut config: Table =
        fs::read_to_string(&source)?.parse().with_context(|| source.display().to_string())?;
    let main = out_dir(Profile::Dev, worker).join("index.js");
    config.insert("main".to_owned(), text(&main));
    // Wrangler takes these from the configuration's folder on, even absolute ones.
    let watched = ["crates", "sluicegate.toml", "xtask/runtime.js", worker.name()];
    let build = Table::from_iter([
        (
            "command".to_owned(),
            format!("'{}' build --dev {}", env::current_exe()?.display(), worker.name()).into(),
        ),
        ("cwd".to_owned(), text(&root())),
        (
            "watch_dir".to_owned(),
            watched.iter().map(|path| format!("../../../{path}")).collect::<Vec<_>>().into(),
        ),
    ]);
    config.insert("build".to_owned(), build.into());
    let vars = config.entry("vars").or_insert_with(|| Table::new().into());
    let vars = vars.as_table_mut().context("`vars` is not a table")?;
    for (name, value) in vars.iter_mut() {
        if let Some(local) = wrangler::local_value(name, true) {
            *value = local.into();
        }
    }
    if worker == Worker::ControlPlane {
        vars.insert("MAIL_TRANSPORT".to_owned(), mail.transport().into());
        vars.insert("LINK_ORIGIN".to_owned(), format!("http://localhost:{port}").into());
    } else {
        // As on the platform: wrangler writes the header here. Only this machine reaches it.
        vars.insert("CLIENT_IP_HEADER".to_owned(), "cf-connecting-ip".into());
    }
    let dir = dir().join(worker.name());
    // Secrets are JSON or base64: neither holds a single quote.
    let secrets: Vec<String> =
        keys.of(worker)?.into_iter().map(|(name, secret)| format!("{name}='{secret}'")).collect();
    private::write(&dir.join(".dev.vars"), &secrets.join("\n"))?;
    let file = dir.join("wrangler.toml");
    private::write(&file, &config.to_string())?;
    Ok(file)
}

fn start_wrangler(configs: &[PathBuf], port: u16, output: &Output) -> Result<Process> {
    let mut command = private_npm_bin("wrangler");
    command.args(["dev", "--ip=127.0.0.1", "--show-interactive-dev-session=false"]);
    command.arg(format!("--port={port}")).arg("--persist-to").arg(dir().join("state"));
    for config in configs {
        command.arg("-c").arg(config);
    }
    let mut process = Process::spawn(
        command
            .env("WRANGLER_SEND_METRICS", "false")
            // Nothing here reads `request.cf`, and without a network its look-up fails noisily.
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    )?;
    output.follow(process.child().stdout.take());
    output.follow(process.child().stderr.take());
    Ok(process)
}

fn wait_until_healthy(url: &str, wrangler: &mut Process, output: &Output, stop: &AtomicBool) -> Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    while Instant::now() < deadline && wrangler.is_running() && !stop.load(Ordering::Relaxed) {
        if is_healthy(&format!("{url}/healthz")) {
            return Ok(());
        }
        thread::sleep(TICK);
    }
    bail!("{url}/healthz did not answer 200. What wrangler said:\n{}", output.tail());
}

fn print_delivery(line: &str) {
    eprintln!("receiver: {line}");
}

fn print_mail(mail: &Mail) {
    let line = format!("mail to {}: {}  {}", mail.to, mail.subject, mail.link().unwrap_or_default());
    // Subjects show names that people choose, and a terminal obeys control characters.
    eprintln!("{}", line.trim_end().replace(char::is_control, " "));
}

/// What wrangler prints: kept back until the banner stands, then passed on.
#[derive(Clone, Default)]
struct Output {
    shown: Arc<AtomicBool>,
    tail: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    fn follow(&self, pipe: Option<impl Read + Send + 'static>) {
        let Some(pipe) = pipe else { return };
        let output = self.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                output.take(line);
            }
        });
    }

    fn take(&self, line: String) {
        if self.shown.load(Ordering::Relaxed) {
            eprintln!("{line}");
        }
        if let Ok(mut tail) = self.tail.lock() {
            tail.push_back(line);
            if tail.len() > TAIL_LINES {
                tail.pop_front();
            }
        }
    }

    fn show(&self) {
        self.shown.store(true, Ordering::Relaxed);
    }

    fn tail(&self) -> String {
        self.tail.lock().map(|tail| Vec::from(tail.clone()).join("\n")).unwrap_or_default()
    }
}

fn text(path: &Path) -> Value {
    path.display().to_string().into()
}

/// A path as it is typed from the repository's root.
fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
