//! The store on a Durable Object's SQLite.

use crate::store::{Row, Sql, SqlError, Value};
use wasm_bindgen::prelude::*;
use worker::durable::State;
use worker::{SqlStorage, SqlStorageValue, console_error};

#[wasm_bindgen]
extern "C" {
    type Storage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(this: &Storage, body: &mut dyn FnMut() -> Result<(), JsValue>)
    -> Result<(), JsValue>;
}

/// A Durable Object's database.
pub(super) struct ObjectSql {
    sql: SqlStorage,
    storage: Storage,
}

impl ObjectSql {
    pub(super) fn new(state: &State) -> Self {
        let storage = state.storage();
        Self { sql: storage.sql(), storage: JsValue::from(storage.as_raw()).unchecked_into() }
    }
}

impl Sql for ObjectSql {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let bindings: Vec<SqlStorageValue> = parameters.iter().map(to_js).collect::<Result<_, _>>()?;
        let cursor = self.sql.exec(statement, bindings).map_err(failed)?;
        cursor
            .raw()
            .map(|row| row.map_err(failed)?.into_iter().map(from_js).collect::<Result<Vec<_>, _>>().map(Row))
            .collect()
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), SqlError> {
        // workerd rolls back what a callback wrote that throws.
        let mut kept = false;
        let outcome = self.storage.transaction_sync(&mut || {
            kept = body();
            if kept { Ok(()) } else { Err(JsValue::from_str("rolled back")) }
        });
        if kept { outcome.map_err(|_| SqlError::Transaction) } else { Ok(()) }
    }
}

/// SQLite's message names tables and columns, never values.
fn failed(error: worker::Error) -> SqlError {
    console_error!("{}", serde_json::json!({ "level": "error", "sql": error.to_string() }));
    SqlError::Statement
}

fn to_js(value: &Value) -> Result<SqlStorageValue, SqlError> {
    Ok(match value {
        Value::Null => SqlStorageValue::Null,
        Value::Integer(number) => SqlStorageValue::try_from_i64(*number).map_err(|_| SqlError::Statement)?,
        Value::Text(text) => SqlStorageValue::String(text.clone()),
        Value::Blob(bytes) => SqlStorageValue::Blob(bytes.clone()),
    })
}

fn from_js(value: SqlStorageValue) -> Result<Value, SqlError> {
    Ok(match value {
        SqlStorageValue::Null => Value::Null,
        SqlStorageValue::Integer(number) => Value::Integer(number),
        // Every number comes back as a double; the schema has no REAL.
        SqlStorageValue::Float(number) if number.fract() == 0.0 => Value::Integer(number as i64),
        SqlStorageValue::String(text) => Value::Text(text),
        SqlStorageValue::Blob(bytes) => Value::Blob(bytes),
        SqlStorageValue::Float(_) | SqlStorageValue::Boolean(_) => return Err(SqlError::Row),
    })
}
