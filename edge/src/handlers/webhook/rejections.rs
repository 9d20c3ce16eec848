//! Telling the tenant of what was refused, and why (claim C6). The sender waits for none of it.
//!
//! Invariant: a flood of forgeries costs the org's object [`MOST_A_MINUTE`] calls a source, an isolate and a minute, and
//! this isolate a bounded memory. What is over that is counted, and goes with the next report of its kind.

use crate::auth::table_key;
use crate::cache::Cache;
use crate::control_plane::ControlPlane;
use crate::handlers::Context;
use crate::random::{NoRandomness, Random};
use crate::state::State;
use protocol::call::Rejections;
use protocol::{Call, Operation, Principal, SourceId};
use std::cell::RefCell;
use throttle::{Quota, Table};
use webhooks::Refusal;

/// Reports of one source at once, and in a minute.
const MOST_A_MINUTE: u32 = 30;
/// Sources whose reports are counted.
const SOURCES: usize = 1024;
/// Kinds of refusals, of all sources, that wait for a report.
const WAITING: usize = 1024;

/// Reports made and refusals not reported yet.
pub struct Backlog {
    reports: Table<u128>,
    quota: Option<Quota>,
    waiting: Cache<Kind, u64>,
}

/// A source and what was wrong.
type Kind = (u128, Refusal);

impl Backlog {
    /// Nothing refused.
    ///
    /// # Errors
    /// [`NoRandomness`], since the table is keyed.
    pub fn new(random: &mut Random) -> Result<Self, NoRandomness> {
        Ok(Self {
            reports: Table::new(SOURCES, random.take()?),
            quota: Quota::new(MOST_A_MINUTE, 60).ok(),
            waiting: Cache::new(WAITING),
        })
    }

    /// Counts a refusal; returns how many of its kind to report now.
    fn count(&mut self, kind: Kind, now_ms: u64) -> Option<u64> {
        let count = self.waiting.get(&kind).unwrap_or(0).saturating_add(1);
        let allowed = self.quota.is_some_and(|quota| self.reports.check(kind.0, quota, now_ms).allowed);
        if allowed {
            self.waiting.remove(&kind);
            Some(count)
        } else {
            self.waiting.insert(kind, count);
            None
        }
    }

    /// Counts again what could not be reported.
    fn put_back(&mut self, kind: Kind, count: u64) {
        let waiting = self.waiting.get(&kind).unwrap_or(0);
        self.waiting.insert(kind, waiting.saturating_add(count));
    }
}

/// What the tenant is to be told.
#[derive(Debug)]
pub struct Report {
    call: Call,
    kind: Kind,
    count: u64,
}

impl Report {
    /// Of a refusal, unless there have been too many.
    pub(super) fn of<P: ControlPlane>(
        context: &Context<'_, P>,
        source: &SourceId,
        refusal: Refusal,
    ) -> Option<Self> {
        let kind = (table_key(source.as_str()), refusal);
        let count = context.state.borrow_mut().rejections.count(kind, context.admitted.now_ms)?;
        let rejections = Rejections {
            source: source.clone(),
            code: refusal.code().to_owned(),
            reason: refusal.to_string(),
            count,
        };
        let operation = Operation::RecordRejections(Box::new(rejections));
        Some(Self { call: context.prepare(Principal::Anonymous, operation), kind, count })
    }

    /// Sends it. Where that fails it is counted for the next one.
    pub async fn send<P: ControlPlane>(self, plane: &P, state: &RefCell<State>) {
        let failed = match plane.call(&self.call, Vec::new()).await {
            Ok(reply) => reply.status >= 500 || reply.status == 429,
            Err(_) => true,
        };
        if failed {
            state.borrow_mut().rejections.put_back(self.kind, self.count);
        }
    }
}
