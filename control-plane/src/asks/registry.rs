//! What a shard of the registry is asked: which orgs and accounts there are, and by which key-encryption key their data keys
//! are wrapped. It holds ids and versions, nothing else, and is on no request's path but that of a founding.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// To a shard of the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum AskRegistry {
    /// An org or account is about to be made, or is there → [`super::Wrapped`]: the version to wrap its data key by.
    /// Before it is made, so that no rotation can miss it.
    Register {
        /// `org_…` or `usr_…`.
        id: String,
        /// By which version its data key is wrapped, where it has one.
        kek: Option<u32>,
    },
    /// It is no more → nothing.
    Forget {
        /// `org_…` or `usr_…`.
        id: String,
    },
    /// Makes a version the current one and re-wraps what a lower one wraps → [`ShardKeys`]. Again: nothing changes.
    /// `KeyVersionRefused` for a lower one.
    Rotate {
        /// The version.
        version: u32,
    },
    /// How far it has come → [`ShardKeys`].
    Progress,
}

/// What a shard knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardKeys {
    /// The version that wraps new data keys; absent: nobody has ever rotated, the keyring's own.
    pub current: Option<u32>,
    /// Unix ms of the last rotation.
    pub started_at: Option<u64>,
    /// Unix ms; absent while it goes on.
    pub finished_at: Option<u64>,
    /// Data keys by version when it started.
    pub before: BTreeMap<u32, u64>,
    /// Orgs by version now.
    pub orgs: BTreeMap<u32, u64>,
    /// Accounts by version now.
    pub accounts: BTreeMap<u32, u64>,
    /// Registered and not known to be there yet, of those that were told another version than the current one: what wraps
    /// them, or will, nobody knows.
    pub unmade: u64,
    /// Of those that an earlier version than the current one wraps: asked in vain.
    pub failing: u64,
}
