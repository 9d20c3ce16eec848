//! The two `wrangler.toml` files, read so that every way to run the Workers agrees with what is deployed.

use crate::build::Worker;
use crate::root;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// What the commands use of a `wrangler.toml`.
#[derive(Debug, Deserialize)]
pub struct Config {
    /// The deployed Worker's name.
    pub name: String,
    /// The platform's behaviour, by date.
    pub compatibility_date: String,
    /// Changes to that behaviour.
    #[serde(default)]
    pub compatibility_flags: Vec<String>,
    /// Plain variables.
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
    /// Bindings to other Workers.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Durable Object bindings.
    #[serde(default)]
    pub durable_objects: DurableObjects,
}

/// A binding to another Worker.
#[derive(Debug, Deserialize)]
pub struct Service {
    /// Its name in `env`.
    pub binding: String,
    /// The other Worker's `name`.
    pub service: String,
}

/// The `[durable_objects]` table.
#[derive(Debug, Default, Deserialize)]
pub struct DurableObjects {
    /// One for each namespace.
    pub bindings: Vec<Namespace>,
}

/// A Durable Object namespace.
#[derive(Debug, Deserialize)]
pub struct Namespace {
    /// Its name in `env`.
    pub name: String,
    /// The exported class.
    pub class_name: String,
}

/// The configuration file of a Worker.
pub fn path(worker: Worker) -> PathBuf {
    match worker {
        Worker::Edge => root().join("wrangler.toml"),
        Worker::ControlPlane => root().join("control-plane/wrangler.toml"),
    }
}

/// Reads a Worker's configuration.
///
/// # Errors
/// When the file is missing or not of the form above.
pub fn read(worker: Worker) -> Result<Config> {
    let path = path(worker);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

/// What a variable is on this machine, where that differs from production.
pub fn local_value(name: &str, allow_local_upstreams: bool) -> Option<&'static str> {
    match name {
        "ALLOW_LOCAL_UPSTREAMS" if allow_local_upstreams => Some("true"),
        "JURISDICTIONS" => Some("off"),
        // This machine's own names, by whatever port.
        "PUBLIC_ORIGIN" => Some(""),
        // Nothing stands in front here that would write the header: a client could.
        "CLIENT_IP_HEADER" | "CLIENT_COUNTRY_HEADER" => Some(""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mailed links, links to the portal and identity providers' answers carry secrets in the query, and calls and sessions are
    /// in headers. By Cloudflare's documentation of Workers Logs, invocation logs hold the URL and the headers of each request.
    #[test]
    fn the_platforms_logs_hold_neither_urls_nor_headers() {
        for worker in Worker::ALL {
            let text = fs::read_to_string(path(worker)).unwrap();
            let file: toml::Table = toml::from_str(&text).unwrap();
            let observability = file["observability"].as_table().unwrap();
            assert_eq!(observability["redact_query_string"].as_bool(), Some(true), "{}", worker.name());
            assert_eq!(observability["logs"]["invocation_logs"].as_bool(), Some(false), "{}", worker.name());
            assert!(!observability.contains_key("traces") && !file.contains_key("env"), "{}", worker.name());
        }
    }
}
