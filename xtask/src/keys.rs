//! The deploy-time secrets: made once, kept in one file of mode 0600, handed to each Worker by name.
//!
//! Invariant: each Worker gets the secrets of its own list and no other; the edge gets nothing that decrypts or signs.
//! The session keys' public half (`SESSION_JWKS`) is never stored: it is computed from the private half.

use crate::build::Worker;
use crate::private;
use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;
use std::{fmt, fs};
use tokens::SessionSigner;

/// All deploy-time secrets of one installation.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub struct Keys {
    /// Key-encryption keys: `{"current": 1, "keys": {"1": "<32 bytes, base64>"}}`.
    keyring: Value,
    /// Ed25519 seeds: `{"current": "<kid>", "keys": {"<kid>": "<32 bytes, base64>"}}`.
    session_keys: Value,
    account_index_key: String,
    api_key_mac_key: String,
    csrf_key: String,
    /// The mail server, with user and password: `smtps://user:password@host`. Absent: no mail goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mail_transport: Option<String>,
    /// Client secrets of the identity providers, by their `id` in sluicegate.toml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oidc_client_secrets: Option<Value>,
    /// Client secrets at the connectors' providers, by connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connector_client_secrets: Option<Value>,
}

impl Keys {
    /// Makes a fresh set.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self> {
        Ok(Self {
            keyring: json!({ "current": 1, "keys": { "1": random_key()? } }),
            session_keys: json!({ "current": "k1", "keys": { "k1": random_key()? } }),
            account_index_key: random_key()?,
            api_key_mac_key: random_key()?,
            csrf_key: random_key()?,
            mail_transport: None,
            oidc_client_secrets: None,
            connector_client_secrets: None,
        })
    }

    /// With the client secret of each connector's provider.
    #[must_use]
    pub fn with_connector_clients(self, secrets: Value) -> Self {
        Self { connector_client_secrets: Some(secrets), ..self }
    }

    /// With another version of the key-encryption key in the keyring, which is not the current one yet.
    ///
    /// # Errors
    /// When the system has no randomness to give, or the keyring is not of its form.
    pub fn with_new_kek(mut self) -> Result<Self> {
        let keys = self.keyring.get_mut("keys").and_then(Value::as_object_mut).context("the keyring")?;
        let version = keys.keys().filter_map(|version| version.parse::<u32>().ok()).max().unwrap_or(0) + 1;
        keys.insert(version.to_string(), random_key()?.into());
        Ok(self)
    }

    /// With the newest version of the key-encryption key alone: every other one is retired.
    ///
    /// # Errors
    /// When the keyring is not of its form.
    pub fn with_newest_kek_alone(mut self) -> Result<Self> {
        let keys = self.keyring.get_mut("keys").and_then(Value::as_object_mut).context("the keyring")?;
        let newest = keys.keys().filter_map(|version| version.parse::<u32>().ok()).max().context("a key")?;
        keys.retain(|version, _| *version == newest.to_string());
        self.keyring.as_object_mut().context("the keyring")?.insert("current".to_owned(), newest.into());
        Ok(self)
    }

    /// Reads a file that [`Keys::write_new`] wrote.
    ///
    /// # Errors
    /// When it is missing or has another form. The message never quotes the file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("keys file {}", path.display()))?;
        serde_json::from_str(&text).map_err(|_| {
            anyhow!("keys file {} is not of the form that `cargo xtask keys FILE` writes", path.display())
        })
    }

    /// Reads the file, or makes a set and writes it there.
    ///
    /// # Errors
    /// Those of [`Keys::read`] and [`Keys::write_new`].
    pub fn read_or_generate(path: &Path) -> Result<Self> {
        if path.exists() {
            return Self::read(path);
        }
        let keys = Self::generate()?;
        keys.write_new(path)?;
        Ok(keys)
    }

    /// Writes the set to a new file that its owner alone can read.
    ///
    /// # Errors
    /// When the file exists: keys are never overwritten, since what they sealed would be lost.
    pub fn write_new(&self, path: &Path) -> Result<()> {
        private::write_new(path, &serde_json::to_string_pretty(self)?)
    }

    /// The names of one Worker's secrets that it cannot do without.
    pub fn names(worker: Worker) -> &'static [&'static str] {
        match worker {
            Worker::Edge => &["SESSION_JWKS", "API_KEY_MAC_KEY", "CSRF_KEY"],
            Worker::ControlPlane => &["KEYRING", "SESSION_KEYS", "ACCOUNT_INDEX_KEY", "API_KEY_MAC_KEY"],
        }
    }

    /// The secrets of one Worker, by name.
    ///
    /// # Errors
    /// When the session keys are not of their form.
    pub fn of(&self, worker: Worker) -> Result<Vec<(&'static str, String)>> {
        let needed = Self::names(worker).iter().map(|name| Ok((*name, self.value(name)?)));
        let optional = match worker {
            Worker::Edge => [None, None, None],
            Worker::ControlPlane => [
                self.mail_transport.clone().map(|url| ("MAIL_TRANSPORT", url)),
                self.oidc_client_secrets.as_ref().map(|all| ("OIDC_CLIENT_SECRETS", all.to_string())),
                self.connector_client_secrets
                    .as_ref()
                    .map(|all| ("CONNECTOR_CLIENT_SECRETS", all.to_string())),
            ],
        };
        needed.chain(optional.into_iter().flatten().map(Ok)).collect()
    }

    fn value(&self, name: &str) -> Result<String> {
        Ok(match name {
            "KEYRING" => self.keyring.to_string(),
            "SESSION_KEYS" => self.session_keys.to_string(),
            "SESSION_JWKS" => self.session_jwks()?,
            "ACCOUNT_INDEX_KEY" => self.account_index_key.clone(),
            "API_KEY_MAC_KEY" => self.api_key_mac_key.clone(),
            "CSRF_KEY" => self.csrf_key.clone(),
            _ => bail!("there is no secret {name}"),
        })
    }

    fn session_jwks(&self) -> Result<String> {
        let signer = SessionSigner::from_json(&self.session_keys.to_string())
            .map_err(|_| anyhow!("SESSION_KEYS in the keys file is not of its form"))?;
        Ok(signer.jwks())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// 32 random bytes, in base64.
fn random_key() -> Result<String> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(STANDARD.encode(key))
}
