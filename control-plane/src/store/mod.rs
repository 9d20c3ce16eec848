//! SQL as the objects see it: synchronous, because a Durable Object's is. The same text runs under workerd and, in tests,
//! under rusqlite.
//!
//! Writes need a [`Tx`], and a transaction ends well only with a [`Committed`], which only [`Tx::commit`] makes, with an
//! audit event: a change without its audit row does not compile (invariant 5, claim B7).

mod audit;
pub mod migrations;
#[cfg(test)]
pub(crate) mod native;
mod page;
mod row;

pub use audit::{Committed, Event, GENESIS, Subject, chain_hash};
pub(crate) use audit::{SELECT as SELECT_EVENTS, head, list_events};
pub(crate) use page::{NEWEST, before, list, row_number};
pub use row::{Row, Value};

use crate::error::AppError;

/// A failure of the database. No statement, no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The statement failed.
    #[error("a statement failed")]
    Statement,
    /// A column holds another type than it was written with.
    #[error("a row is not as it was written")]
    Row,
    /// The transaction could not be opened or closed.
    #[error("a transaction failed")]
    Transaction,
}

/// A database that belongs to one object.
pub trait Sql {
    /// Runs one statement and returns its rows.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError>;

    /// Runs `body`; everything it wrote is kept if it returns true and undone if it returns false.
    ///
    /// # Errors
    /// [`SqlError::Transaction`].
    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), SqlError>;
}

/// An object's database with its reads open and its writes behind a transaction.
#[derive(Clone, Copy)]
pub struct Store<'a>(&'a dyn Sql);

impl<'a> Store<'a> {
    /// The database of an object whose migrations have run.
    pub fn new(sql: &'a dyn Sql) -> Self {
        Self(sql)
    }

    /// Rows of a `SELECT`.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn query(&self, select: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        debug_assert!(select.trim_start().starts_with("SELECT"), "reads only");
        self.0.exec(select, parameters)
    }

    /// The first row of a `SELECT`.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn first(&self, select: &str, parameters: &[Value]) -> Result<Option<Row>, SqlError> {
        Ok(self.query(select, parameters)?.into_iter().next())
    }

    /// A write that changes nothing anybody decides by: when something was last used, how often a webhook came again,
    /// what has outlived its retention or its org, which task is done,
    /// how many attempts were made. Everything else goes through [`Store::transaction`].
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn bookkeeping(&self, statement: &str, parameters: &[Value]) -> Result<(), SqlError> {
        self.0.exec(statement, parameters).map(|_| ())
    }

    /// As [`Self::bookkeeping`], of the deliveries' own progress: the rows of its `RETURNING`.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn deliveries(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        debug_assert!(statement.starts_with("UPDATE deliveries "), "deliveries only");
        self.0.exec(statement, parameters)
    }

    /// Adds to a count, of a meter or a limit, and returns the rows of its `RETURNING`. What is counted leaves an event of
    /// its own or, as the check of somebody's key, changes nothing; the count by itself needs none.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn tally(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        debug_assert!(
            ["INSERT INTO meters ", "INSERT INTO spent "].iter().any(|table| statement.starts_with(table)),
            "counts only"
        );
        self.0.exec(statement, parameters)
    }

    /// Runs a change and its audit event as one.
    ///
    /// # Errors
    /// What `change` returns, after everything it wrote is undone; [`SqlError::Transaction`].
    pub fn transaction<T>(
        &self,
        change: impl FnOnce(&Tx<'a>) -> Result<Committed<T>, AppError>,
    ) -> Result<T, AppError> {
        let mut change = Some(change);
        let mut result = None;
        self.0.atomically(&mut || {
            let Some(change) = change.take() else { return false };
            let outcome = change(&Tx(*self));
            let keep = outcome.is_ok();
            result = Some(outcome);
            keep
        })?;
        result.unwrap_or(Err(SqlError::Transaction.into())).map(Committed::into_inner)
    }
}

/// An open transaction: the only thing that writes.
pub struct Tx<'a>(Store<'a>);

impl<'a> Tx<'a> {
    /// The reading side.
    pub fn store(&self) -> Store<'a> {
        self.0
    }

    /// Runs an `INSERT`, `UPDATE` or `DELETE`, and returns the rows of its `RETURNING`.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn write(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        self.0.0.exec(statement, parameters)
    }

    /// Overwrites the sealed record of the row whose `key` is `id`, to be called before it is replaced or deleted: SQLite
    /// leaves what it lets go of in its page, and no sealed secret shall be left in the file.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn wipe_sealed(&self, table: &'static str, key: &'static str, id: &str) -> Result<(), SqlError> {
        let wipe = format!("UPDATE {table} SET sealed = zeroblob(length(sealed)) WHERE {key} = ?");
        self.write(&wipe, &[id.into()]).map(|_| ())
    }

    /// Deletes the rows with a sealed record whose `key` is `id`, overwritten first ([`Self::wipe_sealed`]).
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub fn delete_sealed(&self, table: &'static str, key: &'static str, id: &str) -> Result<(), SqlError> {
        self.wipe_sealed(table, key, id)?;
        self.write(&format!("DELETE FROM {table} WHERE {key} = ?"), &[id.into()]).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
