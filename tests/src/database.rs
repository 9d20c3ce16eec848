//! A stopped server's databases, read and changed behind its back.

use crate::Gate;
use crate::secrets::files;
use rusqlite::Connection;

/// The database of an org, whose server must have been stopped.
///
/// # Panics
/// Where there is none.
pub fn of_org(gate: &Gate, org: &str) -> Connection {
    let is_orgs = |database: &Connection| {
        database.query_row("SELECT id FROM org", [], |row| row.get::<_, String>(0)).is_ok_and(|id| id == org)
    };
    let files = files(gate.data_dir());
    let databases =
        files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "sqlite"));
    let mut databases = databases.map(|path| Connection::open(path).unwrap());
    databases.find(is_orgs).unwrap_or_else(|| panic!("no database of {org} in {files:?}"))
}
