//! The audit trail.

use crate::{AuditId, Region};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One event of the hash chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEvent {
    /// `aud_…`
    pub id: AuditId,
    /// Its place in the chain, from 1.
    pub sequence: u64,
    /// RFC 3339.
    pub at: String,
    /// `usr_…`, `key_…`, `ptl_…`, `src_…` or `system`.
    pub actor: String,
    /// Where the request came from.
    pub ip: String,
    /// `connection.created`, `credential.used` …
    pub action: String,
    /// The id of what it was done to.
    pub target: String,
    /// What else there is to know; never a secret.
    pub metadata: Map<String, Value>,
    /// Where the data lives (claim B10).
    pub jurisdiction: Region,
    /// The request's id.
    pub request_id: String,
    /// SHA-256, lower-case hex, over the previous hash and this event (ARCHITECTURE.md, "Audit chain").
    pub hash: String,
    /// The previous event's hash; 64 zeros for the first.
    pub prev_hash: String,
}

/// `GET /v1/audit/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditVerification {
    /// Whether every event of this call's range is there and unchanged.
    pub ok: bool,
    /// Events in the chain.
    pub length: u64,
    /// The newest event's hash: note it, and nobody can shorten the chain behind your back.
    pub head: String,
    /// Give this as `from` to go on; absent where the chain's end was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_from: Option<u64>,
    /// Where the chain first breaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
}
