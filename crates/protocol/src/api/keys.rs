//! Encryption keys: the operator's rotation of key-encryption keys, a workspace's own data key, and its end.

use super::Receipt;
use crate::OrgId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `POST /v1/admin/keys/rotate`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// A version of the deployed keyring; absent: its highest.
    #[serde(default)]
    pub version: Option<u32>,
}

/// `GET /v1/admin/keys`: key-encryption keys, and how far a rotation has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Keys {
    /// The version that wraps new data keys.
    pub current: u32,
    /// Every version that is deployed or still wraps something.
    pub versions: Vec<KekVersion>,
    /// The last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<KeyRotation>,
}

/// A key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KekVersion {
    /// As in the keyring.
    pub version: u32,
    /// It is in the deployed keyring.
    pub deployed: bool,
    /// Workspaces' data keys that it wraps.
    pub orgs: u64,
    /// Accounts' data keys that it wraps.
    pub accounts: u64,
    /// It may be taken out of the keyring: it is not the current one, the deployed keyring does not begin with it, it wraps
    /// nothing, and no backup of the last 30 days may hold a data key that it wraps.
    pub retirable: bool,
    /// Why it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotation {
    /// To this version.
    pub target: u32,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Data keys in all.
    pub total: u64,
    /// Wrapped by the target.
    pub done: u64,
    /// Of those left: tried in vain, and tried again.
    pub failing: u64,
    /// Data keys by version when it started.
    pub before: BTreeMap<u32, u64>,
    /// Data keys by version now.
    pub after: BTreeMap<u32, u64>,
}

/// `GET /v1/org/key`: the workspace's data key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrgKey {
    /// Of the data key that seals new records.
    pub dek_version: u32,
    /// Of the key-encryption key that wraps it.
    pub kek_version: u32,
    /// RFC 3339: since when there is this data key.
    pub rotated_at: String,
    /// Records that an earlier data key has sealed; 0: there is none.
    pub records_left: u64,
}

/// `POST /v1/org/delete`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteOrg {
    /// The workspace's name, so that nobody deletes another one than they mean.
    pub name: String,
}

/// Proof that a workspace's data key was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedOrg {
    /// The claims as a JWT (`typ` `deletion-certificate+jwt`), verifiable by `/.well-known/jwks.json`.
    pub certificate: String,
    /// What it says.
    pub claims: DeletionClaims,
}

/// What a deletion's certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletionClaims {
    /// This installation.
    pub iss: String,
    /// The workspace that was.
    pub sub: OrgId,
    /// Unix seconds.
    pub iat: u64,
    /// RFC 3339.
    pub deleted_at: String,
    /// Where its data was: `eu`, `us` or `auto`.
    pub jurisdiction: String,
    /// Of the data key that was destroyed.
    pub dek_version: u32,
    /// Of the key-encryption key that had wrapped it.
    pub kek_version: u32,
    /// SHA-256 of the wrapped data key, in hex: which key it was, for who has a backup of it.
    pub wrapped_key_sha256: String,
    /// Rows by table when the data key was destroyed. Keys, credentials, people and the workspace itself went with it;
    /// received events, kept answers, own events, meters and the audit trail are deleted right after, in batches.
    pub rows: BTreeMap<String, u64>,
    /// What became of the credentials of the connections that this deletion has ended: of the first 200.
    pub receipts: Vec<Receipt>,
    /// Receipts in all, those of connections that had been ended before it too.
    pub receipts_total: u64,
    /// SHA-256 over all of them, in hex: each as compact JSON, as `receipts` has it, and a line feed; in the order in which
    /// the connections ended.
    pub receipts_sha256: String,
    /// Events in the audit trail when it ended.
    pub audit_length: u64,
    /// Hash of its last event.
    pub audit_head: String,
}
