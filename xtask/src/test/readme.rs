//! README as a newcomer pastes it: its `sh` blocks, verbatim and in order, in one shell, against a demo like that of
//! `cargo xtask dev`.
//!
//! - A block ```` ```sh ```` has to succeed, each command of it. One whose last line ends with `&` stays in the background; the next
//!   block is pasted once it has printed something.
//! - A block ```` ```text ```` after it is what it prints: without regard to white space, `…` stands for anything.
//! - ```` ```sh no-run ```` needs something that is not here, or acts outside this machine, and is left out. There is no other kind
//!   of `sh`.
//!
//! Invariant: nothing that is pasted deploys.

use crate::dev::{Neighbours, demo};
use crate::process::Process;
use crate::serve::{self, Stack};
use crate::{private, root};
use anyhow::{Context as _, Result, bail, ensure};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const LIMIT: Duration = Duration::from_secs(300);
const TICK: Duration = Duration::from_millis(50);
/// What is in the background may be a moment behind.
const PATIENCE: Duration = Duration::from_secs(10);
/// Fewer would mean that blocks are no longer found.
const FEWEST: usize = 12;
/// Words of commands that act outside this machine.
const NEVER_PASTED: [&str; 2] = ["deploy", "wrangler"];

/// Pastes README into a demo whose data is in `dir`.
///
/// # Errors
/// Where a block fails, or prints something else than README says; the message holds both.
pub(super) fn paste(dir: &Path) -> Result<()> {
    let blocks = blocks(&fs::read_to_string(root().join("README.md"))?)?;
    ensure!(blocks.len() >= FEWEST, "README has only {} blocks that can be pasted", blocks.len());
    let mut options = serve::Options::new(dir)?;
    options.allow_local_upstreams = true;
    let stack = Stack::start(options)?;
    let neighbours = Neighbours::start(0, |_| {})?;
    let demo = demo::seed(stack.url(), &neighbours, &dir.join("demo.json"))?;
    let outputs = dir.join("readme");
    private::dir(&outputs)?;
    let mut shell = Command::new("bash");
    shell.args(["--norc", "-euo", "pipefail", "-c", &script(&blocks)]).current_dir(root());
    // A newcomer's terminal holds none of these. With them, `cargo xtask` compiles anew.
    env::vars_os().map(|(name, _)| name).filter(|name| is_of_cargo_run(name)).for_each(|name| {
        shell.env_remove(name);
    });
    shell.env("OUTPUTS", &outputs).envs(demo.variables(stack.url(), &neighbours));
    session(&mut shell, &blocks, &outputs).inspect_err(|_| eprintln!("the server's log:\n{}", stack.log()))
}

/// Whether this is one of the variables by which `cargo run` tells a program about its package.
fn is_of_cargo_run(name: &OsStr) -> bool {
    const PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    name.to_str().is_some_and(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

fn session(shell: &mut Command, blocks: &[Block], outputs: &Path) -> Result<()> {
    let mut shell = Process::spawn(shell.stdin(Stdio::piped()))?;
    let deadline = Instant::now() + LIMIT;
    let done = outputs.join("done");
    while shell.is_running() && !done.exists() && Instant::now() < deadline {
        thread::sleep(TICK);
    }
    if !done.exists() {
        let reached = (0..blocks.len()).rev().find(|number| outputs.join(number.to_string()).exists());
        let block = reached.and_then(|number| blocks.get(number)).context("bash did not start")?;
        bail!(
            "this block of README, line {}, failed:\n\n{}\n{}",
            block.line,
            block.text,
            block.output(outputs)
        );
    }
    blocks.iter().try_for_each(|block| block.check(outputs))?;
    // The shell waits for its end.
    drop(shell.child().stdin.take());
    Ok(())
}

/// A block that is pasted.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    number: usize,
    line: usize,
    text: String,
    prints: Option<String>,
}

impl Block {
    fn output(&self, outputs: &Path) -> String {
        let read = |name: String| {
            fs::read(outputs.join(name))
                .map(|text| String::from_utf8_lossy(&text).into_owned())
                .unwrap_or_default()
        };
        let (printed, errors) = (read(self.number.to_string()), read(format!("{}.errors", self.number)));
        format!("It printed:\n{printed}\n{errors}")
    }

    fn check(&self, outputs: &Path) -> Result<()> {
        let Some(expected) = &self.prints else { return Ok(()) };
        let deadline = Instant::now() + PATIENCE;
        while !agrees(&fs::read_to_string(outputs.join(self.number.to_string()))?, expected) {
            if Instant::now() > deadline {
                let (line, text, output) = (self.line, &self.text, self.output(outputs));
                bail!("README's block of line {line}:\n\n{text}\nshould print:\n{expected}\n{output}");
            }
            thread::sleep(TICK);
        }
        Ok(())
    }
}

/// One program for bash: each block as it stands, its output into a file of its number.
fn script(blocks: &[Block]) -> String {
    let mut script =
        "exec 3<&0 </dev/null; set -m; trap 'for job in $(jobs -p); do kill -- \"-$job\"; done 2>&3' EXIT\n"
            .to_owned();
    for Block { number, text, .. } in blocks {
        // A write to a string does not fail.
        let _ = write!(script, "exec >\"$OUTPUTS/{number}\" 2>\"$OUTPUTS/{number}.errors\"\n{text}");
        if text.trim_end().ends_with('&') {
            let _ = writeln!(
                script,
                "until [ -s \"$OUTPUTS/{number}\" ]; do kill -0 $!; sleep 0.1; done; sleep 0.5"
            );
        }
    }
    script + ": >\"$OUTPUTS/done\"; read -r _ <&3 || true\n"
}

/// Whether `printed` is what `expected` says, where `…` stands for anything.
fn agrees(printed: &str, expected: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    let printed = squeeze(printed);
    let mut rest = printed.as_str();
    squeeze(expected).split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = rest.get(at + part.len()..).unwrap_or_default();
            true
        }
        None => false,
    })
}

fn blocks(markdown: &str) -> Result<Vec<Block>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = markdown.lines().enumerate();
    // Whether the last block is one that was taken: `text` says what that one prints.
    let mut pasted = false;
    while let Some((index, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let text = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let text = text.fold(String::new(), |all, line| all + line + "\n");
        match kind {
            "sh" if NEVER_PASTED.iter().any(|word| text.contains(word)) => {
                bail!("line {}: a block that deploys is `sh no-run`", index + 1)
            }
            "sh" => blocks.push(Block { number: blocks.len(), line: index + 1, text, prints: None }),
            "text" if pasted => blocks.last_mut().context("a block")?.prints = Some(text),
            "text" => bail!("line {}: what prints this text?", index + 1),
            kind if kind.starts_with("sh") && kind != "sh no-run" => {
                bail!("line {}: no kind {kind:?}", index + 1)
            }
            _ => {}
        }
        pasted = kind == "sh";
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_what_they_print() {
        let found = blocks("# A\n```sh\na\nb\n```\nThen\n```text\n1 … 2\n```\n```sh no-run\nc\n```\n```js\n```\n```sh\nd &\n```\n").unwrap();
        let block = |number, line, text: &str, prints: Option<&str>| Block {
            number,
            line,
            text: text.to_owned(),
            prints: prints.map(str::to_owned),
        };
        assert_eq!(found, [block(0, 2, "a\nb\n", Some("1 … 2\n")), block(1, 15, "d &\n", None)]);
        assert!(blocks("```shell\n```\n").is_err());
        assert!(blocks("```js\n```\n```text\n```\n").is_err());
    }

    #[test]
    fn the_shell_knows_nothing_of_this_package() {
        // https://doc.rust-lang.org/cargo/reference/environment-variables.html
        assert!(["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"].map(OsStr::new).into_iter().all(is_of_cargo_run));
        assert!(!["CARGO_HOME", "CARGO_TARGET_DIR"].map(OsStr::new).into_iter().any(is_of_cargo_run));
    }

    #[test]
    fn nothing_that_is_pasted_deploys() {
        assert!(blocks("```sh\ncargo xtask keys k\ncargo xtask deploy --keys k\n```\n").is_err());
        assert_eq!(blocks("```sh no-run\ncargo xtask deploy --keys k\n```\n").unwrap(), []);
    }

    #[test]
    fn output_agrees_by_its_parts_in_their_order() {
        assert!(agrees(
            "{\"id\":\"con_1\",\n \"status\": \"active\"}",
            "{\"id\": \"con_…\", \"status\": \"active\""
        ));
        assert!(!agrees("status active id con_1", "id … status"));
        assert!(!agrees("", "a"));
    }

    fn run(markdown: &str) -> Result<()> {
        let name = format!("sluicegate-readme-{:?}-{}", thread::current().id(), std::process::id());
        let outputs = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&outputs));
        private::dir(&outputs)?;
        let blocks = blocks(markdown)?;
        let mut shell = Command::new("bash");
        shell.args(["--norc", "-euo", "pipefail", "-c", &script(&blocks)]).env("OUTPUTS", &outputs);
        session(&mut shell, &blocks, &outputs)
    }

    #[test]
    fn one_shell_runs_them_all_and_each_command_counts() {
        run("```sh\na=1\nf() { echo \"$a\"; }\n```\n```sh\nf\n```\n```text\n1\n```\n").unwrap();
        let wrong = run("```sh\necho 1\n```\n```text\n2\n```\n").unwrap_err().to_string();
        assert!(wrong.contains("line 1") && wrong.contains("should print:\n2"), "{wrong}");
        let failed =
            run("```sh\ntrue\n```\n```sh\nx=$(false | cat)\necho never\n```\n").unwrap_err().to_string();
        assert!(failed.contains("line 4") && !failed.contains("printed:\nnever"), "{failed}");
    }

    #[test]
    fn what_stays_in_the_background_is_waited_for() {
        let file = std::env::temp_dir().join(format!("sluicegate-readme-pipe-{}", std::process::id()));
        let file = file.display();
        let markdown = format!(
            "```sh\n(sleep 0.3; echo ready; until [ -e {file} ]; do sleep 0.1; done; rm {file}; echo heard) &\n```\n\
             ```text\nready … heard\n```\n```sh\ntouch {file}\n```\n"
        );
        run(&markdown).unwrap();
        assert!(run("```sh\nfalse &\n```\n").is_err());
    }
}
