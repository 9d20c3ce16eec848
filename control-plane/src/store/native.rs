//! The store under rusqlite, for tests: the same SQL on the same engine.

use super::{Row, Sql, SqlError, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, StatementStatus, ToSql, params_from_iter};
use std::cell::{Cell, RefCell};

pub(crate) struct Native {
    connection: RefCell<Connection>,
    statements: Cell<u64>,
    steps: Cell<u64>,
}

impl Native {
    pub(crate) fn new() -> Self {
        Self {
            connection: RefCell::new(Connection::open_in_memory().unwrap()),
            statements: Cell::new(0),
            steps: Cell::new(0),
        }
    }

    /// Statements run so far, and the steps of SQLite's machine that they took: a measure of what was read that does not
    /// depend on the machine.
    pub(crate) fn cost(&self) -> (u64, u64) {
        (self.statements.get(), self.steps.get())
    }

    /// Everything in the file, as an attacker who has the disk sees it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.connection.borrow_mut().serialize("main").unwrap().to_vec()
    }
}

impl Sql for Native {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let fail = |error: rusqlite::Error| {
            eprintln!("{error}\n{statement}");
            SqlError::Statement
        };
        let connection = self.connection.borrow();
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
        let rows: Vec<Row> = rows.map_err(fail)?.collect::<Result<_, _>>().map_err(fail)?;
        let steps = prepared.get_status(StatementStatus::VmStep);
        self.statements.set(self.statements.get() + 1);
        self.steps.set(self.steps.get() + u64::try_from(steps).unwrap());
        Ok(rows)
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), SqlError> {
        let end =
            |statement| self.connection.borrow().execute_batch(statement).map_err(|_| SqlError::Transaction);
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
