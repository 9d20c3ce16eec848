//! Reading and proving the audit trail. What extends it is [`crate::store`]'s `Tx::commit`.

use crate::context::Context;
use crate::error::AppError;
use crate::store::{self, GENESIS, Row, SELECT_EVENTS, SqlError, chain_hash};
use protocol::Page;
use protocol::api::{AuditEvent, AuditVerification, List};

/// Rows read at a time while the chain is verified: memory stays flat however long it is.
const CHUNK: u64 = 500;
/// Events verified in one call, about half a second of the object's time: nobody else's call waits for longer.
const MOST: u64 = 10_000;

pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<AuditEvent>, AppError> {
    store::list_events(ctx.store, page)
}

/// Recomputes the chain after event `from`, at most [`MOST`] events of it.
pub(super) fn verify(ctx: Context<'_>, from: u64) -> Result<AuditVerification, AppError> {
    let (length, head) = store::head(ctx.store)?;
    let mut sequence = from.min(length);
    let mut previous =
        match ctx.store.first("SELECT hash FROM audit WHERE sequence = ?", &[sequence.into()])? {
            Some(row) => row.text(0)?.to_owned(),
            None => GENESIS.to_owned(),
        };
    let last = length.min(sequence.saturating_add(MOST));
    while sequence < last {
        let rows = ctx.store.query(
            &format!("{SELECT_EVENTS} WHERE sequence > ? ORDER BY sequence LIMIT ?"),
            &[sequence.into(), CHUNK.min(last - sequence).into()],
        )?;
        for row in &rows {
            sequence += 1;
            match is_next(row, sequence, &previous) {
                Ok(true) => row.text(10)?.clone_into(&mut previous),
                _ => {
                    let broken_at = Some(sequence);
                    return Ok(AuditVerification { ok: false, length, head, next_from: None, broken_at });
                }
            }
        }
    }
    let next_from = (last < length).then_some(last);
    Ok(AuditVerification { ok: true, length, head, next_from, broken_at: None })
}

fn is_next(row: &Row, sequence: u64, previous: &str) -> Result<bool, SqlError> {
    let (number, at) = (row.number(0)?.to_string(), row.number(2)?.to_string());
    let hash = chain_hash(
        previous,
        &[
            &number,
            row.text(1)?,
            &at,
            row.text(3)?,
            row.text(4)?,
            row.text(5)?,
            row.text(6)?,
            row.text(7)?,
            row.text(8)?,
            row.text(9)?,
        ],
    );
    Ok(row.number(0)? == sequence && row.text(11)? == previous && row.text(10)? == hash)
}
