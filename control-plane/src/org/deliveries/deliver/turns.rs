//! Whose turn it is.
//!
//! Endpoints stand in one line. Of [`AT_ONCE`] connections those whose last attempt failed get [`FAILING`] at most, and
//! together with those that nothing is known of, or that were slow, [`UNKNOWN`]; the rest is for those that took what they
//! were sent last, at once, since this object is in memory. What has a limit is passed over until its time. Each class goes on behind the last of it that
//! was served, from one alarm to the next: nobody is passed over for ever.

use super::attempt::{Attempt, Begun, Settled};
use super::{BODY_MS, TIMEOUT_MS};
use crate::context::Context;
use crate::error::AppError;
use crate::store::{SqlError, Store};
use protocol::EndpointId;
use protocol::api::RateLimit;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use throttle::{Quota, Tat};

/// Attempts at a time: a Worker's invocation has no more connections.
const AT_ONCE: usize = 6;
/// Of those, to endpoints whose last attempt failed.
const FAILING: usize = 2;
/// To those and to ones that have not answered yet, or were slow.
const UNKNOWN: usize = 4;
/// Who takes longer than that, whatever the answer, is not one of those that the rest is for, ms.
const QUICK_MS: u64 = 1_000;
/// The longest that an attempt takes, ms.
const LONGEST_MS: u64 = TIMEOUT_MS + BODY_MS;

/// What an endpoint is to be expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Failing,
    Unknown,
    Answers,
}

/// What is kept of the endpoints from one alarm to the next.
#[derive(Default)]
pub(in crate::org) struct Known {
    /// Those that took what they were sent last, at once.
    answering: BTreeSet<EndpointId>,
    /// Of each class the one that was served last.
    served: BTreeMap<Class, EndpointId>,
}

/// Who is in line, and who is being sent something.
pub(super) struct Turns {
    line: VecDeque<(EndpointId, Class)>,
    in_line: BTreeSet<EndpointId>,
    /// With what has to be done when the attempt ends: whether there is more for it.
    sending: BTreeMap<EndpointId, (Class, bool)>,
    known: Known,
    /// When something becomes due for one that is not in line, Unix ms.
    more_at: u64,
    must_look: bool,
    until: u64,
}

impl Turns {
    /// Until `until`, Unix ms.
    pub(super) fn new(until: u64, known: Known) -> Self {
        Self {
            line: VecDeque::new(),
            in_line: BTreeSet::new(),
            sending: BTreeMap::new(),
            known,
            more_at: u64::MAX,
            must_look: true,
            until,
        }
    }

    /// The oldest due delivery of the next endpoint in line, marked as begun. `None`: there is nothing, or no connection for
    /// it.
    pub(super) fn next(&mut self, ctx: Context<'_>) -> Result<Option<Box<Attempt>>, AppError> {
        if self.must_look || self.more_at <= ctx.now_ms {
            self.look(ctx)?;
        }
        while let Some(at) = self.line.iter().position(|(_, class)| self.has_room(*class, ctx.now_ms)) {
            let Some((id, class)) = self.line.remove(at) else { break };
            self.in_line.remove(&id);
            match Attempt::begin(ctx, &id)? {
                Begun::Attempt(attempt) => {
                    let (is_more, later) = due(attempt.next_due_at, ctx.now_ms);
                    self.more_at = self.more_at.min(later);
                    self.known.served.insert(class, id.clone());
                    self.sending.insert(id, (class, is_more));
                    return Ok(Some(attempt));
                }
                Begun::NotBefore(at) => self.more_at = self.more_at.min(at),
                Begun::Nothing => {}
            }
        }
        Ok(None)
    }

    fn has_room(&self, class: Class, now_ms: u64) -> bool {
        let under_way = |is: fn(Class) -> bool| self.sending.values().filter(|(class, _)| is(*class)).count();
        let unknown = under_way(|class| class != Class::Answers);
        self.sending.len() < AT_ONCE
            && match class {
                // None of them holds up the end.
                Class::Failing => {
                    under_way(|class| class == Class::Failing) < FAILING && now_ms + LONGEST_MS <= self.until
                }
                Class::Unknown => unknown < UNKNOWN && now_ms < self.until,
                // Nor does who hangs hold up these.
                Class::Answers => now_ms < self.until || unknown > 0,
            }
    }

    /// An attempt has ended: its endpoint stands in line again, behind all others, if there is more for it.
    pub(super) fn ended(&mut self, attempt: &Attempt, settled: Settled) {
        let id = &attempt.endpoint;
        let class = match settled.took {
            Some(false) => Class::Failing,
            Some(true) if settled.duration_ms <= QUICK_MS => Class::Answers,
            Some(true) | None => Class::Unknown,
        };
        if class == Class::Answers {
            self.known.answering.insert(id.clone());
        } else {
            self.known.answering.remove(id);
        }
        self.more_at = self.more_at.min(settled.due_at.unwrap_or(u64::MAX));
        let is_more = self.sending.remove(id).is_some_and(|(_, is_more)| is_more);
        if is_more || settled.has_advanced {
            self.stand(id, class);
        }
    }

    fn stand(&mut self, id: &EndpointId, class: Class) {
        if self.in_line.insert(id.clone()) {
            self.line.push_back((id.clone(), class));
        }
    }

    /// Something new is to be done, or it is time for something.
    pub(super) fn look_again(&mut self) {
        self.must_look = true;
    }

    /// Whether attempts may still be begun.
    pub(super) fn is_open(&self, now_ms: u64) -> bool {
        now_ms < self.until
    }

    /// When there is to be looked again, Unix ms.
    pub(super) fn more_at(&self) -> u64 {
        self.more_at
    }

    /// What is known by now.
    pub(super) fn into_known(self) -> Known {
        self.known
    }

    fn look(&mut self, ctx: Context<'_>) -> Result<(), SqlError> {
        (self.must_look, self.more_at) = (false, u64::MAX);
        let mut due_now = Vec::new();
        for next in all(ctx.store)? {
            let (is_due, later) = due(Some(next.due_at), ctx.now_ms);
            match self.sending.get_mut(&next.endpoint) {
                Some((_, is_more)) => {
                    *is_more |= is_due;
                    self.more_at = self.more_at.min(later);
                }
                None if is_due => {
                    let answers = self.known.answering.contains(&next.endpoint);
                    let class = match (next.is_failing, answers) {
                        (true, _) => Class::Failing,
                        (false, true) => Class::Answers,
                        (false, false) => Class::Unknown,
                    };
                    due_now.push((next.endpoint, class));
                }
                None => self.more_at = self.more_at.min(later),
            }
        }
        // By id they come, and begin anew behind who was served last. Those that fail go first: they get few connections,
        // and none late.
        let served = &self.known.served;
        due_now.sort_by_key(|(id, class)| (*class, served.get(class).is_some_and(|last| id <= last)));
        for (id, class) in due_now {
            self.stand(&id, class);
        }
        Ok(())
    }
}

/// Whether it is due, else when it will be.
fn due(at: Option<u64>, now_ms: u64) -> (bool, u64) {
    match at {
        Some(at) if at <= now_ms => (true, u64::MAX),
        later => (false, later.unwrap_or(u64::MAX)),
    }
}

/// When the next delivery is due, Unix ms; `None`: there is none.
///
/// # Errors
/// Those of the database.
pub(in crate::org) fn next_due(store: Store<'_>) -> Result<Option<u64>, SqlError> {
    Ok(all(store)?.into_iter().map(|next| next.due_at).min())
}

struct Next {
    endpoint: EndpointId,
    /// And not before its limit lets it.
    due_at: u64,
    is_failing: bool,
}

/// Every endpoint in use that something is due to, now or later. One seek in the index for each, however long its queue is.
fn all(store: Store<'_>) -> Result<Vec<Next>, SqlError> {
    let rows = store.query(ALL, &[])?;
    rows.iter()
        .map(|row| {
            let due_at = row.number(1)?;
            let may_at = match quota(row.optional_text(3)?)? {
                Some(quota) => Tat::from_micros(row.number(4)?).allowed_at_ms(quota),
                None => 0,
            };
            Ok(Next {
                endpoint: row.parse(0)?,
                due_at: due_at.max(may_at),
                is_failing: row.optional_number(2)?.is_some(),
            })
        })
        .collect()
}

const ALL: &str = "SELECT e.id, (SELECT MIN(due_at) FROM deliveries WHERE endpoint_id = e.id AND due_at IS NOT NULL), \
     e.failing_since, e.rate_limit, e.tat FROM (WITH RECURSIVE busy (id) AS (SELECT MIN(endpoint_id) FROM deliveries \
     WHERE due_at IS NOT NULL UNION ALL SELECT (SELECT MIN(endpoint_id) FROM deliveries WHERE due_at IS NOT NULL \
     AND endpoint_id > busy.id) FROM busy WHERE busy.id IS NOT NULL) SELECT id FROM busy WHERE id IS NOT NULL) b \
     CROSS JOIN endpoints e WHERE e.id = b.id AND e.disabled_at IS NULL";

/// An endpoint's limit as it is stored.
pub(super) fn quota(limit: Option<&str>) -> Result<Option<Quota>, SqlError> {
    limit
        .map(|json| {
            let RateLimit { limit, period_seconds } =
                serde_json::from_str(json).map_err(|_| SqlError::Row)?;
            Quota::new(limit, period_seconds).map_err(|_| SqlError::Row)
        })
        .transpose()
}
