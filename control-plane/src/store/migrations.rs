//! Numbered migrations, run when an object wakes. Each runs once, whole or not at all; none is ever edited.

use super::{Sql, SqlError, Value};

/// An org's database.
pub const ORG: &[&str] = &[
    include_str!("org_0001.sql"),
    include_str!("org_0002.sql"),
    include_str!("org_0003.sql"),
    include_str!("org_0004.sql"),
];

/// An account's database.
pub const ACCOUNT: &[&str] = &[include_str!("account_0001.sql"), include_str!("account_0002.sql")];

/// A shard of the registry.
pub const REGISTRY: &[&str] = &[include_str!("registry_0001.sql")];

/// A sign-in identity's database, from its first claim on.
pub const IDENTITY: &[&str] = &[include_str!("identity_0001.sql")];

/// Brings a database up to date.
///
/// # Errors
/// Those of the database; what the failing migration wrote is undone.
pub fn run(sql: &dyn Sql, migrations: &[&str]) -> Result<(), SqlError> {
    sql.exec("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY) STRICT", &[])?;
    let done = match sql.exec("SELECT COALESCE(MAX(number), 0) FROM migrations", &[])?.first() {
        Some(row) => row.number(0)?,
        None => 0,
    };
    for (number, script) in (1u64..).zip(migrations).filter(|(number, _)| *number > done) {
        let mut outcome = Ok(());
        sql.atomically(&mut || {
            outcome = statements(script)
                .try_for_each(|statement| sql.exec(statement, &[]).map(|_| ()))
                .and_then(|()| {
                    sql.exec("INSERT INTO migrations (number) VALUES (?)", &[Value::from(number)]).map(|_| ())
                });
            outcome.is_ok()
        })?;
        outcome?;
    }
    Ok(())
}

/// Whether a database has ever been written to. An object that was only asked about stays empty: Cloudflare then keeps
/// nothing of it (local workerd keeps an empty file).
///
/// # Errors
/// Those of the database.
pub fn is_empty(sql: &dyn Sql) -> Result<bool, SqlError> {
    Ok(sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'", &[])?.is_empty())
}

fn statements(script: &str) -> impl Iterator<Item = &str> {
    script.split(';').map(str::trim).filter(|statement| !statement.is_empty())
}
