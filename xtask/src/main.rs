//! `cargo xtask`: the command line. What a command does stands in the library.
#![allow(clippy::print_stdout, reason = "it is a command line")]

use anyhow::{Context as _, Result, bail};
use lexopt::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xtask::build::{Profile, Worker, build};
use xtask::keys::Keys;
use xtask::{bench, deploy, dev, listen, local_dir, serve, setup, test};

const DEFAULT_PORT: u16 = 8787;

const HELP: &str = "\
cargo xtask <command>     (cargo xtask <command> --help: that command alone)

  dev [--port 8787]       everything from nothing: builds, runs wrangler dev, seeds a demo org, rebuilds on change
  test [FILTER] [--advisory-db DIR]
                          every check; with FILTER, only the tests whose name contains it
  build [--dev] [edge] [control-plane]
                          the Workers to Wasm; prints their sizes
  serve [--port 8787] [--data DIR] [--keys FILE] [--config FILE] [--allow-local-upstreams]
        [--trust FILE] [--var NAME=VALUE …]
                          runs them on bare workerd, with storage on disk; --config takes sluicegate.toml's place; --trust is
                          a further CA certificate for upstreams (PEM)
  listen --source src_… --to URL [--url http://127.0.0.1:8787] [--key KEY] [--secret SECRET] [--print-secret]
                          a source's events to a handler on this machine, as they come, signed anew. The API key needs the
                          scopes sources:read and inbound_events:read, and may stand in SLUICEGATE_API_KEY. The secret is the
                          same at every start; --secret takes another, --print-secret prints it alone and ends
  bench [--seconds 2] [--scenario NAME] [--quick]
                          CPU per request beside Hono and plain JavaScript; writes target/bench/latest.json
  refusal                 how long after a revocation something still succeeds, under load; writes target/bench/refusal.json
  flood [--seconds 30]    what 200 wrong sign-ins a second cost other tenants; writes target/bench/flood.json
  proxy-cost              a call through the broker beside a direct one and express + http-proxy; writes target/bench/proxy.json
  webhooks                what inbound and outbound webhooks cost, with little and with much stored; writes target/bench/webhooks.json
  deliveries [--messages 10000] [--endpoints 20] [--kills 6]
                          messages to endpoints that hang, fail and are gone, while workerd is killed: nothing may be lost;
                          writes target/bench/deliveries.json
  keys FILE               makes a production set of keys
  deploy [--dry-run] [--keys FILE]
                          both Workers to Cloudflare, with their secrets from FILE
";

fn main() -> ExitCode {
    match dispatch(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut args: lexopt::Parser) -> Result<()> {
    match args.next()? {
        None | Some(Long("help") | Short('h')) => {
            print!("{HELP}");
            Ok(())
        }
        Some(Value(command)) => match command.to_str() {
            Some("dev") => dev_command(args),
            Some("test") => test_command(args),
            Some("build") => build_command(args),
            Some("serve") => serve_command(args),
            Some("listen") => listen_command(args),
            Some("bench") => bench_command(args),
            Some("refusal") => alone("refusal", args, bench::refusal::run),
            Some("flood") => flood_command(args),
            Some("proxy-cost") => alone("proxy-cost", args, bench::proxy::run),
            Some("webhooks") => alone("webhooks", args, bench::webhooks::run),
            Some("deliveries") => deliveries_command(args),
            Some("keys") => keys_command(args),
            Some("deploy") => deploy_command(args),
            _ => bail!("no such command: {}\n\n{HELP}", command.display()),
        },
        Some(other) => Err(other.unexpected().into()),
    }
}

fn dev_command(mut args: lexopt::Parser) -> Result<()> {
    let mut port = DEFAULT_PORT;
    while let Some(arg) = args.next()? {
        match arg {
            Long("port") => port = args.value()?.parse()?,
            other => return rest("dev", other),
        }
    }
    dev::run(port)
}

fn test_command(mut args: lexopt::Parser) -> Result<()> {
    let advisory_db = std::env::var_os("SLUICEGATE_ADVISORY_DB").map(PathBuf::from);
    let mut options = test::Options { filter: None, advisory_db };
    while let Some(arg) = args.next()? {
        match arg {
            Long("advisory-db") => options.advisory_db = Some(args.value()?.into()),
            Value(filter) if options.filter.is_none() => options.filter = Some(filter.string()?),
            other => return rest("test", other),
        }
    }
    test::test(&options)
}

fn deploy_command(mut args: lexopt::Parser) -> Result<()> {
    let mut options = deploy::Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("dry-run") => options.dry_run = true,
            Long("keys") => options.keys = Some(args.value()?.into()),
            other => return rest("deploy", other),
        }
    }
    deploy::deploy(&options)
}

fn build_command(mut args: lexopt::Parser) -> Result<()> {
    let mut profile = Profile::Release;
    let mut workers = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("dev") => profile = Profile::Dev,
            Long("release") => profile = Profile::Release,
            Value(name) => workers.push(name.parse::<Worker>()?),
            other => return rest("build", other),
        }
    }
    if workers.is_empty() {
        workers.extend(Worker::ALL);
    }
    setup::ensure()?;
    for built in build(profile, &workers)? {
        println!("{built}");
    }
    Ok(())
}

fn serve_command(mut args: lexopt::Parser) -> Result<()> {
    let (mut port, mut data_dir, mut keys, mut allow_local_upstreams) =
        (DEFAULT_PORT, local_dir().join("data"), None, false);
    let mut variables = BTreeMap::new();
    let mut trusted_certificates = Vec::new();
    let mut config = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("port") => port = args.value()?.parse()?,
            Long("data") => data_dir = PathBuf::from(args.value()?),
            Long("keys") => keys = Some(PathBuf::from(args.value()?)),
            Long("config") => config = Some(serve::read_config(Path::new(&args.value()?))?),
            Long("trust") => {
                let file = PathBuf::from(args.value()?);
                let pem = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
                trusted_certificates.push(pem);
            }
            Long("allow-local-upstreams") => allow_local_upstreams = true,
            Long("var") => {
                let pair = args.value()?.string()?;
                let (name, value) = pair.split_once('=').context("--var takes NAME=VALUE")?;
                variables.insert(name.to_owned(), value.to_owned());
            }
            other => return rest("serve", other),
        }
    }
    let keys = match keys {
        Some(file) => Keys::read(&file)?,
        None => {
            eprintln!(
                "using this checkout's development keys; for production: `cargo xtask keys FILE`, then --keys FILE"
            );
            Keys::read_or_generate(&dev::keys_file())?
        }
    };
    setup::ensure()?;
    build(serve::PROFILE, &Worker::ALL)?;
    println!("http://127.0.0.1:{port}  (data in {}; Ctrl-C stops)", data_dir.display());
    serve::exec(&serve::Options {
        port,
        data_dir,
        keys,
        allow_local_upstreams,
        trusted_certificates,
        variables,
        config,
        build_dir: None,
        tap: None,
    })
}

fn listen_command(mut args: lexopt::Parser) -> Result<()> {
    let (mut source, mut to, mut key) = (None, None, std::env::var("SLUICEGATE_API_KEY").ok());
    let (mut secret, mut print_secret) = (None, false);
    let mut url = format!("http://127.0.0.1:{DEFAULT_PORT}");
    while let Some(arg) = args.next()? {
        match arg {
            Long("source") => source = Some(args.value()?.string()?),
            Long("to") => to = Some(args.value()?.string()?),
            Long("url") => url = args.value()?.string()?.trim_end_matches('/').to_owned(),
            Long("key") => key = Some(args.value()?.string()?),
            Long("secret") => secret = Some(args.value()?.string()?),
            Long("print-secret") => print_secret = true,
            other => return rest("listen", other),
        }
    }
    listen::run(&listen::Options {
        url,
        key: key.with_context(|| {
            let scopes = listen::SCOPES.join(" and ");
            format!("give an API key with the scopes {scopes}: --key, or SLUICEGATE_API_KEY")
        })?,
        source: source.context("name the source: --source src_…")?,
        to,
        secret,
        print_secret,
    })
}

fn bench_command(mut args: lexopt::Parser) -> Result<()> {
    let mut options = bench::Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("seconds") => options.slice_seconds = args.value()?.parse()?,
            Long("scenario") => options.scenario = Some(args.value()?.parse()?),
            Long("quick") => options.quick = true,
            other => return rest("bench", other),
        }
    }
    bench::bench(&options)
}

fn flood_command(mut args: lexopt::Parser) -> Result<()> {
    let mut seconds = 30;
    while let Some(arg) = args.next()? {
        match arg {
            Long("seconds") => seconds = args.value()?.parse()?,
            other => return rest("flood", other),
        }
    }
    bench::flood::run(seconds)
}

fn deliveries_command(mut args: lexopt::Parser) -> Result<()> {
    let mut options = bench::deliveries::Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("messages") => options.messages = args.value()?.parse()?,
            Long("endpoints") => options.endpoints = args.value()?.parse()?,
            Long("kills") => options.kills = args.value()?.parse()?,
            other => return rest("deliveries", other),
        }
    }
    bench::deliveries::run(options)
}

/// A command without options.
fn alone(command: &str, mut args: lexopt::Parser, run: impl FnOnce() -> Result<()>) -> Result<()> {
    match args.next()? {
        Some(other) => rest(command, other),
        None => run(),
    }
}

/// What no command takes as an option of its own: a wish for help, or a mistake.
fn rest(command: &str, arg: lexopt::Arg<'_>) -> Result<()> {
    if !matches!(arg, Long("help") | Short('h')) {
        return Err(arg.unexpected()).with_context(|| format!("see `cargo xtask {command} --help`"));
    }
    println!("cargo xtask {}", help(command));
    Ok(())
}

/// A command's lines of [`HELP`].
fn help(command: &str) -> String {
    let is_begin = |line: &str| line.starts_with("  ") && !line.starts_with("   ");
    let mut lines =
        HELP.lines().skip_while(|line| !is_begin(line) || line.split_whitespace().next() != Some(command));
    let first = lines.next().unwrap_or_default().trim_start();
    lines.take_while(|line| !is_begin(line)).fold(first.to_owned(), |all, line| all + "\n" + line)
}

fn keys_command(mut args: lexopt::Parser) -> Result<()> {
    let mut file = None;
    while let Some(arg) = args.next()? {
        match arg {
            Value(path) if file.is_none() => file = Some(PathBuf::from(path)),
            other => return rest("keys", other),
        }
    }
    let file = file.context("name the file to write: cargo xtask keys FILE")?;
    Keys::generate()?.write_new(&file)?;
    print_key_help(&file);
    Ok(())
}

fn print_key_help(file: &Path) {
    println!(
        "{0} holds the secrets of both Workers (mode 0600). Keep it, and a copy in a safe place, out of git:",
        file.display()
    );
    println!("without KEYRING no stored credential can be opened again.");
}
