//! Lists, newest first, a page at a time. A cursor is the last row's rowid: stable while rows are added and deleted.

use super::{Row, SqlError, Store, Value};
use crate::error::AppError;
use protocol::api::List;
use protocol::{Code, Detail, Page};

/// No number is higher, 2^53 - 1: integers cross into JavaScript as doubles.
pub(crate) const NEWEST: u64 = (1 << 53) - 1;

/// The rowid that a page's rows are before.
///
/// # Errors
/// `InvalidRequest` for a cursor that this API never gave.
pub(crate) fn before(page: &Page) -> Result<u64, AppError> {
    page.cursor.as_deref().map_or(Ok(NEWEST), row_number)
}

/// A cursor as the rowid that it is.
///
/// # Errors
/// `InvalidRequest` for one that this API never gave.
pub(crate) fn row_number(cursor: &str) -> Result<u64, AppError> {
    cursor.parse().ok().filter(|row| *row <= NEWEST).ok_or_else(|| {
        AppError::refused(
            Code::InvalidRequest,
            Detail::field("cursor", "must be the next_cursor of the last page"),
        )
    })
}

/// Reads a page. `select` is `SELECT rowid, … FROM …` up to its `WHERE`, `filters` more conditions with a
/// parameter each.
///
/// # Errors
/// `InvalidRequest` for a cursor that this API never gave; those of the database.
pub(crate) fn list<T>(
    store: Store<'_>,
    select: &str,
    filters: impl IntoIterator<Item = (&'static str, Value)>,
    page: &Page,
    read: impl Fn(&Row) -> Result<T, SqlError>,
) -> Result<List<T>, AppError> {
    let before = before(page)?;
    let limit = page.limit();
    let (mut conditions, mut parameters) = (String::from("rowid < ?"), vec![before.into()]);
    for (condition, parameter) in filters {
        conditions.push_str(" AND ");
        conditions.push_str(condition);
        parameters.push(parameter);
    }
    // One row more than asked for tells whether another page follows.
    parameters.push((limit + 1).into());
    let mut rows =
        store.query(&format!("{select} WHERE {conditions} ORDER BY rowid DESC LIMIT ?"), &parameters)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().map(|row| row.number(0)).transpose()?;
    Ok(List {
        data: rows.iter().map(read).collect::<Result<_, _>>()?,
        next_cursor: last.filter(|_| more).map(|row| row.to_string()),
    })
}
