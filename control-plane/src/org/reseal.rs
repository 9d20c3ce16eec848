//! Sealing an org's records anew after its data key was rotated: batches by the object's alarm, from where the last one ended.
//! A record is always readable, by the key that it names. The old key is destroyed when nothing names it any more.

use super::dek::Keys;
use crate::context::Context;
use crate::error::AppError;
use crate::store::{Event, Row, SqlError, Store};
use serde::{Deserialize, Serialize};
use vault::{Dek, Purpose, Sealed, WrappedDek};

/// Records of one batch: some milliseconds, so that nobody's call waits for long.
const BATCH: u64 = 100;
/// The old key stays for so long at least: a call that had sealed by it before, and waited, has written by then. ms.
const OVERLAP_MS: u64 = 60_000;
/// Where a record does not open, all is looked through again so much later, ms.
const AGAIN_MS: u64 = 3_600_000;

/// A column of sealed records, and what each is bound to.
pub(super) struct Column {
    pub table: &'static str,
    /// What [`Column::place`] is made of: record, connector, hosts as JSON.
    place: [&'static str; 3],
    purpose: Purpose,
}

const fn column(table: &'static str, place: [&'static str; 3], purpose: Purpose) -> Column {
    Column { table, place, purpose }
}

/// Every column of sealed records. Its name is `sealed` in each table; an emptied one holds what names no key.
pub(super) const COLUMNS: &[Column] = &[
    column("connections", ["id", "connector", "allowed_hosts"], Purpose::Credential),
    column("receipts", ["connection_id", "connector", "allowed_hosts"], Purpose::Credential),
    column("sources", ["id", "provider", "'[]'"], Purpose::SourceSecret),
    column("oauth_clients", ["connector", "connector", "'[]'"], Purpose::ClientSecret),
    column("authorizations", ["digest", CONNECTOR, "'[]'"], Purpose::AuthorizationVerifier),
    column("endpoints", ["id", "''", "allowed_hosts"], Purpose::EndpointSecret),
    column("idempotency", ["key", "''", "'[]'"], Purpose::IdempotencyRecord),
    column("inbound_events", ["id", "provider", "'[]'"], Purpose::InboundEvent),
    column("source_secrets", ["source_id", PROVIDER, "'[]'"], Purpose::SourceSecret),
    column("endpoint_secrets", ["endpoint_id", "''", "allowed_hosts"], Purpose::EndpointSecret),
    column("endpoint_urls", ["endpoint_id", "''", "allowed_hosts"], Purpose::EndpointUrl),
    column("endpoint_headers", ["endpoint_id", "''", "allowed_hosts"], Purpose::EndpointHeaders),
    column("messages", ["id", "''", "'[]'"], Purpose::MessagePayload),
];

/// Of a former secret's source.
const PROVIDER: &str = "(SELECT provider FROM sources WHERE id = source_id)";
/// Of an authorization's connection.
const CONNECTOR: &str = "(SELECT connector FROM connections WHERE id = connection_id)";

/// Where the next batch begins.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Position {
    /// Of [`COLUMNS`].
    column: usize,
    /// The last rowid that was looked at.
    row: u64,
    /// When, Unix ms.
    due: u64,
    /// Records sealed anew so far.
    done: u64,
}

/// Seals the next records anew, or ends the rotation.
///
/// # Errors
/// Those of the database, and of the vault where a data key does not open. A record that does not is none: it stays, and
/// with it the old key.
pub(super) fn batch(ctx: Context<'_>) -> Result<(), AppError> {
    let Some(mut at) = position(ctx.store)?.filter(|at| at.due <= ctx.now_ms) else { return Ok(()) };
    let Keys { current, old: Some(old) } = Keys::load(ctx)? else { return Ok(()) };
    let (keyring, org) = (&ctx.secrets.keyring, ctx.org.as_str());
    let (new, opener) = (keyring.unwrap(org, &current)?, keyring.unwrap(org, &old)?);
    let mut most = BATCH;
    while let Some(column) = COLUMNS.get(at.column).filter(|_| most > 0) {
        let rows = column.rows(ctx.store, &old, at.row, most)?;
        for row in &rows {
            at.row = row.number(0)?;
            at.done += u64::from(column.reseal(ctx, row, &new, &opener)?);
        }
        most -= rows.len() as u64;
        if most > 0 {
            (at.column, at.row) = (at.column + 1, 0);
        }
    }
    if at.column < COLUMNS.len() {
        return keep(ctx.store, &at);
    }
    end(ctx, at, &old)
}

/// All has been looked through.
fn end(ctx: Context<'_>, at: Position, old: &WrappedDek) -> Result<(), AppError> {
    let row = ctx.store.first("SELECT dek_rotated_at FROM org", &[])?.ok_or(SqlError::Row)?;
    let earliest = row.number(0)? + OVERLAP_MS;
    if ctx.now_ms < earliest {
        return keep(ctx.store, &Position { column: 0, row: 0, due: earliest, ..at });
    }
    let left = left(ctx, Some(old))?;
    if left > 0 {
        return keep(ctx.store, &Position { column: 0, row: 0, due: ctx.now_ms + AGAIN_MS, ..at });
    }
    ctx.store.transaction(|tx| {
        // SQLite leaves what it replaces in its page: overwritten first.
        tx.write("UPDATE org SET old_wrapped_dek = zeroblob(length(old_wrapped_dek))", &[])?;
        tx.write("UPDATE org SET old_wrapped_dek = NULL, resealing = NULL", &[])?;
        let event = Event::new("org_key.destroyed", ctx.org)
            .with("version", old.dek_version().get())
            .with("records_resealed", at.done);
        tx.commit(&ctx.subject("system"), event, ())
    })
}

/// When [`batch`] has something to do, Unix ms.
///
/// # Errors
/// Those of the database.
pub(super) fn wakes_at(store: Store<'_>) -> Result<Option<u64>, SqlError> {
    Ok(position(store)?.map(|at| at.due))
}

/// Records that the old key has sealed.
///
/// # Errors
/// Those of the database.
pub(super) fn left(ctx: Context<'_>, old: Option<&WrappedDek>) -> Result<u64, SqlError> {
    let Some(old) = old else { return Ok(0) };
    COLUMNS.iter().try_fold(0, |left, Column { table, .. }| {
        let count = format!("SELECT COUNT(*) FROM {table} WHERE substr(sealed, 1, 5) = ?");
        let row = ctx.store.first(&count, &[head(old).into()])?;
        Ok(left + row.map_or(Ok(0), |row| row.number(0))?)
    })
}

impl Column {
    /// Records after a row that the old key has sealed.
    fn rows(&self, store: Store<'_>, old: &WrappedDek, after: u64, most: u64) -> Result<Vec<Row>, SqlError> {
        let (table, [record, connector, hosts]) = (self.table, self.place);
        store.query(
            &format!(
                "SELECT rowid, sealed, {record}, {connector}, {hosts} FROM {table} \
                 WHERE rowid > ? AND substr(sealed, 1, 5) = ? ORDER BY rowid LIMIT ?"
            ),
            &[after.into(), head(old).into(), most.into()],
        )
    }

    /// Whether a record could be sealed anew. Whatever is wrong with it is wrong with it alone.
    fn reseal(&self, ctx: Context<'_>, row: &Row, new: &Dek, old: &Dek) -> Result<bool, AppError> {
        let (Ok(allowed_hosts), Ok(sealed)) = (row.json::<Vec<String>>(4), Sealed::from_bytes(row.blob(1)?))
        else {
            return Ok(false);
        };
        let place = vault::Context {
            org: ctx.org.as_str(),
            record: row.text(2)?,
            connector: row.optional_text(3)?.unwrap_or_default(),
            allowed_hosts: &allowed_hosts,
            purpose: self.purpose,
        };
        let Ok(plaintext) = old.open(&place, &sealed) else { return Ok(false) };
        let anew = new.seal(&place, &plaintext)?;
        // Only if it is still the record that was read.
        ctx.store.bookkeeping(
            &format!("UPDATE {} SET sealed = ? WHERE rowid = ? AND sealed = ?", self.table),
            &[anew.into_bytes().into(), row.number(0)?.into(), sealed.into_bytes().into()],
        )?;
        Ok(true)
    }
}

/// The first bytes of a record that a key has sealed (crate `vault`, frozen).
fn head(key: &WrappedDek) -> Vec<u8> {
    [&[1], key.dek_version().get().to_be_bytes().as_slice()].concat()
}

fn position(store: Store<'_>) -> Result<Option<Position>, SqlError> {
    let row = store.first("SELECT resealing FROM org WHERE old_wrapped_dek IS NOT NULL", &[])?;
    let Some(row) = row else { return Ok(None) };
    match row.optional_text(0)? {
        Some(_) => row.json(0).map(Some),
        None => Ok(Some(Position::default())),
    }
}

fn keep(store: Store<'_>, at: &Position) -> Result<(), AppError> {
    Ok(store.bookkeeping("UPDATE org SET resealing = ?", &[serde_json::to_string(at)?.into()])?)
}
