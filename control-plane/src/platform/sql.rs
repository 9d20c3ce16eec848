//! The store on a Durable Object's SQLite.

use crate::store::{Row, Sql, SqlError, Value};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use worker::console_error;
use worker::durable::State;

#[wasm_bindgen]
extern "C" {
    type Storage;

    #[wasm_bindgen(method, getter)]
    fn sql(this: &Storage) -> Database;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(this: &Storage, body: &mut dyn FnMut() -> Result<(), JsValue>)
    -> Result<(), JsValue>;

    /// `ctx.storage.sql`. `worker::SqlStorage` crosses into JavaScript several times for each row and number.
    type Database;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Database, statement: &str, parameters: &Array) -> Result<Cursor, JsValue>;

    type Cursor;

    #[wasm_bindgen(method, catch)]
    fn raw(this: &Cursor) -> Result<Rows, JsValue>;

    type Rows;

    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &Rows) -> Result<Array, JsValue>;
}

/// A Durable Object's database.
pub(super) struct ObjectSql {
    sql: Database,
    storage: Storage,
}

impl ObjectSql {
    pub(super) fn new(state: &State) -> Self {
        let storage: Storage = JsValue::from(state.storage().as_raw()).unchecked_into();
        Self { sql: storage.sql(), storage }
    }
}

impl Sql for ObjectSql {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let bindings = parameters.iter().map(to_js).collect::<Result<Array, _>>()?;
        let cursor = self.sql.exec(statement, &bindings).map_err(failed)?;
        let rows = cursor.raw().and_then(|rows| rows.to_array()).map_err(failed)?;
        rows.iter()
            .map(|row| row.unchecked_into::<Array>().iter().map(from_js).collect::<Result<_, _>>().map(Row))
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
fn failed(error: JsValue) -> SqlError {
    let error = error.dyn_into::<js_sys::Error>().map(|error| String::from(error.message()));
    console_error!("{}", serde_json::json!({ "level": "error", "sql": error.unwrap_or_default() }));
    SqlError::Statement
}

/// Beyond this a number is no longer the one that was meant.
const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;

fn to_js(value: &Value) -> Result<JsValue, SqlError> {
    Ok(match value {
        Value::Null => JsValue::NULL,
        Value::Integer(number) if number.unsigned_abs() <= MAX_SAFE_INTEGER => (*number as f64).into(),
        Value::Integer(_) => return Err(SqlError::Statement),
        Value::Text(text) => text.as_str().into(),
        Value::Blob(bytes) => Uint8Array::from(bytes.as_slice()).into(),
    })
}

fn from_js(value: JsValue) -> Result<Value, SqlError> {
    if let Some(text) = value.as_string() {
        return Ok(Value::Text(text));
    }
    if let Some(number) = value.as_f64() {
        // Every number comes back as a double; the schema has no REAL.
        return if number.fract() == 0.0 { Ok(Value::Integer(number as i64)) } else { Err(SqlError::Row) };
    }
    if value.is_null() {
        return Ok(Value::Null);
    }
    value
        .dyn_ref::<ArrayBuffer>()
        .map(|buffer| Value::Blob(Uint8Array::new(buffer).to_vec()))
        .ok_or(SqlError::Row)
}
