//! The store under rusqlite, for tests: the same SQL on the same engine.

use super::{Row, Sql, SqlError, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use std::cell::RefCell;

pub(crate) struct Native(RefCell<Connection>);

impl Native {
    pub(crate) fn new() -> Self {
        Self(RefCell::new(Connection::open_in_memory().unwrap()))
    }

    /// Everything in the file, as an attacker who has the disk sees it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.borrow_mut().serialize("main").unwrap().to_vec()
    }
}

impl Sql for Native {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let fail = |error: rusqlite::Error| {
            eprintln!("{error}\n{statement}");
            SqlError::Statement
        };
        let connection = self.0.borrow();
        let mut prepared = connection.prepare(statement).map_err(fail)?;
        let columns = prepared.column_count();
        let rows = prepared.query_map(params_from_iter(parameters), |row| {
            (0..columns)
                .map(|i| {
                    Ok(match row.get_ref(i)? {
                        ValueRef::Null => Value::Null,
                        ValueRef::Integer(n) => Value::Integer(n),
                        ValueRef::Text(t) => Value::Text(String::from_utf8_lossy(t).into_owned()),
                        ValueRef::Blob(b) => Value::Blob(b.to_vec()),
                        ValueRef::Real(_) => panic!("no column is a real"),
                    })
                })
                .collect::<Result<Vec<_>, _>>()
                .map(Row)
        });
        rows.map_err(fail)?.collect::<Result<_, _>>().map_err(fail)
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), SqlError> {
        let end = |statement| self.0.borrow().execute_batch(statement).map_err(|_| SqlError::Transaction);
        end("SAVEPOINT change")?;
        if body() { end("RELEASE change") } else { end("ROLLBACK TO change; RELEASE change") }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Text(t) => ValueRef::Text(t.as_bytes()),
            Self::Blob(b) => ValueRef::Blob(b),
        }))
    }
}
