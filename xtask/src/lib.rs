//! The project's own commands (`cargo xtask …`) as a library, so that the end-to-end tests start the same servers as
//! the developer does.
//!
//! Invariant: everything a command needs beyond Rust, Node.js and npm is fetched by the command itself, at a pinned
//! version, into the project's folders or the user's cache.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "runs natively, for a person at a terminal: it may read clocks and print"
)]

mod api;
pub mod bench;
pub mod build;
pub mod deploy;
pub mod dev;
pub mod keys;
pub mod listen;
pub mod mail_sink;
pub mod private;
pub mod process;
pub mod provider;
pub mod serve;
pub mod setup;
pub mod test;
pub mod tools;
pub mod ui;
pub mod wrangler;

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    // This crate's folder stands right below it.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The folder for keys, state and logs of this checkout: ignored by git, safe to delete.
pub fn local_dir() -> PathBuf {
    root().join(".sluicegate")
}
