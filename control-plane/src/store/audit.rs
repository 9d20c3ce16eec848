//! The audit trail: a hash chain in the same database, extended in the transaction of the change that it records.
//!
//! Hash of an event: SHA-256 over the label `sluicegate audit 1`, the previous event's hash and the event's fields, each as
//! its length (u64, big-endian) and its bytes: sequence (decimal), id, at (Unix ms, decimal), actor, ip, action, target,
//! metadata (JSON as stored), jurisdiction, request id. A customer who notes the head can tell later that nothing before
//! it was changed, added or left out (claims M7, B7).

use super::{SqlError, Store, Tx};
use crate::error::AppError;
use protocol::api::{AuditEvent, List};
use protocol::time::rfc3339;
use protocol::{AuditId, Page, Region};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

/// The hash before the first event's.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened. Metadata must not hold secrets; ids, hosts, counts and names do.
#[derive(Debug)]
pub struct Event {
    /// `connection.created`
    pub action: &'static str,
    /// The id of what it was done to.
    pub target: String,
    /// What else there is to know.
    pub metadata: Map<String, Json>,
}

impl Event {
    /// An event without metadata.
    pub fn new(action: &'static str, target: impl ToString) -> Self {
        Self { action, target: target.to_string(), metadata: Map::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }
}

/// Who did it, from where, when: the same for every event of a call.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `usr_…`, `key_…`, `ptl_…`, `src_…` or `system`.
    pub actor: String,
    /// The client's address.
    pub ip: String,
    /// The request's id.
    pub request_id: String,
    /// Where the data lives.
    pub jurisdiction: Region,
    /// Unix time, ms.
    pub now_ms: u64,
}

/// The result of a change that has its audit event. Made by [`Tx::commit`] alone.
#[derive(Debug)]
#[must_use]
pub struct Committed<T>(T);

impl<T> Committed<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }

    /// Changes the result, not the event.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Committed<U> {
        Committed(f(self.0))
    }

    /// The result, before the transaction ends.
    pub fn as_inner(&self) -> &T {
        &self.0
    }
}

impl Tx<'_> {
    /// Appends the change's event to the chain.
    ///
    /// # Errors
    /// Those of the database, and [`AppError::Token`] where there is no randomness for an id.
    pub fn commit<T>(&self, subject: &Subject, event: Event, value: T) -> Result<Committed<T>, AppError> {
        let (last, prev_hash) = head(self.store())?;
        let sequence = last + 1;
        let id = AuditId::new(subject.now_ms, crate::context::random()?);
        let metadata = serde_json::to_string(&event.metadata)?;
        let (number, at) = (sequence.to_string(), subject.now_ms.to_string());
        let hash = chain_hash(
            &prev_hash,
            &[
                &number,
                id.as_str(),
                &at,
                &subject.actor,
                &subject.ip,
                event.action,
                &event.target,
                &metadata,
                subject.jurisdiction.as_str(),
                &subject.request_id,
            ],
        );
        self.write(
            "INSERT INTO audit (sequence, id, at, actor, ip, action, target, metadata, jurisdiction, request_id, hash, \
             prev_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                sequence.into(),
                id.as_str().into(),
                subject.now_ms.into(),
                subject.actor.as_str().into(),
                subject.ip.as_str().into(),
                event.action.into(),
                event.target.into(),
                metadata.into(),
                subject.jurisdiction.as_str().into(),
                subject.request_id.as_str().into(),
                hash.into(),
                prev_hash.into(),
            ],
        )?;
        Ok(Committed(value))
    }
}

/// The columns of an event, in the order in which they are read.
pub(crate) const SELECT: &str = "SELECT sequence, id, at, actor, ip, action, target, metadata, jurisdiction, request_id, \
                                 hash, prev_hash FROM audit";

/// A page of the trail, newest first.
///
/// # Errors
/// As [`super::list`].
pub(crate) fn list_events(store: Store<'_>, page: &Page) -> Result<List<AuditEvent>, AppError> {
    super::list(store, SELECT, [], page, |row| {
        Ok(AuditEvent {
            sequence: row.number(0)?,
            id: row.parse(1)?,
            at: rfc3339(row.number(2)?),
            actor: row.text(3)?.to_owned(),
            ip: row.text(4)?.to_owned(),
            action: row.text(5)?.to_owned(),
            target: row.text(6)?.to_owned(),
            metadata: row.json(7)?,
            jurisdiction: serde_json::from_value(row.text(8)?.into()).map_err(|_| SqlError::Row)?,
            request_id: row.text(9)?.to_owned(),
            hash: row.text(10)?.to_owned(),
            prev_hash: row.text(11)?.to_owned(),
        })
    })
}

/// Length of the chain and the newest hash.
pub(crate) fn head(store: Store<'_>) -> Result<(u64, String), AppError> {
    match store.first("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1", &[])? {
        Some(row) => Ok((row.number(0)?, row.text(1)?.to_owned())),
        None => Ok((0, GENESIS.to_owned())),
    }
}

/// The hash of an event, lower-case hex.
pub fn chain_hash(prev_hash: &str, fields: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in std::iter::once(&"sluicegate audit 1").chain([&prev_hash]).chain(fields) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    crate::context::hex(&hasher.finalize())
}
