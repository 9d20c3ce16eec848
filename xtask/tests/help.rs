//! The command line says what it takes: every command answers `--help`, and refuses what it does not know.

use std::io;
use std::process::{Command, Output};

/// Each command, and words that its help has to hold.
const COMMANDS: [(&str, &[&str]); 13] = [
    ("dev", &["--port"]),
    ("test", &["FILTER", "--advisory-db"]),
    ("build", &["--dev", "edge", "control-plane"]),
    ("serve", &["--port", "--data", "--keys", "--config", "--allow-local-upstreams", "--trust", "--var"]),
    (
        "listen",
        &[
            "--source",
            "--to",
            "--url",
            "http://127.0.0.1:8787",
            "--key",
            "SLUICEGATE_API_KEY",
            "--secret",
            "--print-secret",
            "sources:read",
            "inbound_events:read",
        ],
    ),
    ("bench", &["--seconds", "--scenario", "--quick"]),
    ("refusal", &["revocation"]),
    ("flood", &["--seconds"]),
    ("proxy-cost", &["broker"]),
    ("webhooks", &["inbound"]),
    ("deliveries", &["--messages", "--endpoints", "--kills"]),
    ("keys", &["FILE"]),
    ("deploy", &["--dry-run", "--keys"]),
];

fn xtask(args: &[&str]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(args).env_remove("SLUICEGATE_API_KEY").output()
}

#[test]
fn every_command_has_its_own_help() {
    for (command, words) in COMMANDS {
        for flag in ["--help", "-h"] {
            let output = xtask(&[command, flag]).unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{command} {flag}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(text.starts_with(&format!("cargo xtask {command}")), "{text}");
            for word in words {
                assert!(text.contains(word), "{command} {flag} does not say {word}: {text}");
            }
            let others = COMMANDS.iter().filter(|(other, _)| *other != command);
            for (other, _) in others {
                assert!(
                    !text.contains(&format!("\n  {other} ")),
                    "{command} {flag} tells of {other}: {text}"
                );
            }
        }
    }
}

#[test]
fn the_help_of_all_names_each_command() {
    let output = xtask(&["--help"]).unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for (command, _) in COMMANDS {
        assert!(text.contains(&format!("\n  {command}")), "{command}");
    }
}

#[test]
fn what_is_not_known_is_refused_and_points_at_the_help() {
    for (command, _) in COMMANDS {
        let output = xtask(&[command, "--nonsense"]).unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{command}");
        assert!(
            text.contains("--nonsense") && text.contains(&format!("cargo xtask {command} --help")),
            "{text}"
        );
    }
    assert!(!xtask(&["nonsense"]).unwrap().status.success());
}

#[test]
fn listen_says_what_is_missing() {
    let output = xtask(&["listen", "--source", "src_1", "--to", "http://localhost:3000"]).unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(text.contains("sources:read and inbound_events:read"), "{text}");
}
