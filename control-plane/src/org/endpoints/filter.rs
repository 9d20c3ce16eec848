//! What an endpoint asks for: types of events, sources, a pace.

use crate::context::Context;
use crate::error::AppError;
use crate::json::field;
use crate::store::Tx;
use protocol::api::RateLimit;
use protocol::routes::is_name;
use protocol::{EndpointId, SourceId};
use std::collections::HashSet;
use throttle::Quota;

const MOST_TYPES: usize = 50;
const MOST_SOURCES: usize = 20;
const MOST_DELIVERIES: u32 = 1000;
const LONGEST_PERIOD_S: u32 = 3600;

/// Types of events as stored: each once, in the order given. A type need not be in the catalogue, which may grow.
///
/// # Errors
/// `ValidationFailed`, saying what a type looks like.
pub(super) fn event_types(names: &[String]) -> Result<Vec<&str>, AppError> {
    if names.len() > MOST_TYPES {
        return Err(field("event_types", "at most 50"));
    }
    if !names.iter().all(|name| is_name(name.strip_suffix(".*").unwrap_or(name))) {
        return Err(field(
            "event_types",
            "each must be 1 to 128 of a-z A-Z 0-9 . _ -, such as invoice.paid, or such a prefix with .*, such as invoice.*",
        ));
    }
    Ok(once(names).map(String::as_str).collect())
}

/// The most deliveries in a time.
///
/// # Errors
/// `ValidationFailed`
pub(super) fn rate_limit(limit: RateLimit) -> Result<RateLimit, AppError> {
    let fine = limit.limit <= MOST_DELIVERIES && limit.period_seconds <= LONGEST_PERIOD_S;
    if fine && Quota::new(limit.limit, limit.period_seconds).is_ok() {
        return Ok(limit);
    }
    Err(field("rate_limit", "limit must be 1 to 1000, period_seconds 1 to 3600"))
}

/// Sets the sources of an endpoint, in the place of those it has.
///
/// # Errors
/// `ValidationFailed` where there are too many or one is not this workspace's; those of the database.
pub(super) fn set_sources(
    ctx: Context<'_>,
    tx: &Tx<'_>,
    id: &EndpointId,
    sources: &[SourceId],
) -> Result<(), AppError> {
    if sources.len() > MOST_SOURCES {
        return Err(field("sources", "at most 20"));
    }
    tx.write("DELETE FROM endpoint_sources WHERE endpoint_id = ?", &[id.as_str().into()])?;
    for source in once(sources) {
        let found = ctx.store.first("SELECT 1 FROM sources WHERE id = ?", &[source.as_str().into()])?;
        if found.is_none() {
            return Err(field("sources", "each must be the id of a source of this workspace"));
        }
        tx.write(
            "INSERT INTO endpoint_sources (source_id, endpoint_id) VALUES (?, ?)",
            &[source.as_str().into(), id.as_str().into()],
        )?;
    }
    Ok(())
}

/// Each item once, in order.
fn once<T: Eq + std::hash::Hash>(items: &[T]) -> impl Iterator<Item = &T> {
    let mut seen = HashSet::new();
    items.iter().filter(move |item| seen.insert(*item))
}
