//! Files of Durable Objects that hold nothing. Cloudflare keeps nothing of an object that has no table; workerd keeps its file, even
//! where the object has emptied itself. So each email without account that somebody tries leaves two: its identity's, whose
//! attempts no longer count, and its decoy account's.
//!
//! Invariant: a file that has a table or a write-ahead log, or is no SQLite database, stays. What a running workerd has open has
//! a log, so a second start on the same folder takes nothing from it.

use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// SQLite's file header, and that of the b-tree of the schema behind it (sqlite.org/fileformat2.html, sections 1.3 and 1.6).
const HEADERS: usize = 100 + 8;
const MAGIC: &[u8] = b"SQLite format 3\0";
/// A leaf of a table's b-tree.
const LEAF: u8 = 0x0d;

/// Removes them from the folder that has a folder for each class.
///
/// # Errors
/// Those of the file system.
pub(super) fn remove(objects: &Path) -> Result<()> {
    for class in folder(objects)?.into_iter().filter(|path| path.is_dir()) {
        for file in folder(&class)?.into_iter().filter(|path| path.extension() == Some("sqlite".as_ref())) {
            if holds_nothing(&file).with_context(|| file.display().to_string())? {
                fs::remove_file(&file)?;
            }
        }
    }
    Ok(())
}

fn folder(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path).with_context(|| path.display().to_string())?;
    Ok(entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?)
}

/// Whether a database has no table, and no log: one that is open, or was when the power went, has a log.
fn holds_nothing(file: &Path) -> Result<bool> {
    if beside(file, "-wal").try_exists()? {
        return Ok(false);
    }
    let mut head = Vec::with_capacity(HEADERS);
    File::open(file)?.take(HEADERS as u64).read_to_end(&mut head)?;
    Ok(match head.split_at_checked(100) {
        None => head.is_empty(),
        Some((header, schema)) => {
            // The b-tree's kind, its first free block, its number of cells.
            header.starts_with(MAGIC) && matches!(schema, [LEAF, _, _, 0, 0, ..])
        }
    })
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// A database in a class's folder, as workerd makes them, after these statements.
    fn database(objects: &Path, name: &str, statements: &str) -> (PathBuf, Connection) {
        let class = objects.join("IdentityDo");
        fs::create_dir_all(&class).unwrap();
        let file = class.join(format!("{name}.sqlite"));
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch(&format!("PRAGMA journal_mode = WAL; {statements}")).unwrap();
        (file, connection)
    }

    #[test]
    fn what_holds_nothing_goes_and_everything_else_stays() {
        let objects = std::env::temp_dir().join(format!("leftovers-{}", std::process::id()));
        drop(fs::remove_dir_all(&objects));
        let closed = |name: &str, statements: &str| database(&objects, name, statements).0;
        let emptied =
            "CREATE TABLE attempts (tat INTEGER); INSERT INTO attempts VALUES (1); DROP TABLE attempts;";
        let gone = [closed("asked", ""), closed("emptied", emptied)];
        let many: String =
            (0..200).map(|n| format!("CREATE TABLE t{n} (a_column_of_some_length TEXT);")).collect();
        let kept = [
            closed("claimed", "CREATE TABLE identity (user_id TEXT);"),
            closed("large", &many),
            // Still in its log, as after a power cut.
            {
                let (file, connection) =
                    database(&objects, "logged", "CREATE TABLE identity (user_id TEXT);");
                let copy = file.with_file_name("copied.sqlite");
                fs::copy(beside(&file, "-wal"), beside(&copy, "-wal")).unwrap();
                fs::copy(&file, &copy).unwrap();
                drop(connection);
                copy
            },
            objects.join("IdentityDo/text.sqlite"),
            objects.join("IdentityDo/empty.other"),
            objects.join("file"),
        ];
        let void = objects.join("IdentityDo/void.sqlite");
        fs::write(&void, "").unwrap();
        fs::write(&kept[3], "SQLite format 3\0 is what this is not").unwrap();
        fs::write(&kept[4], "").unwrap();
        fs::write(&kept[5], "").unwrap();

        remove(&objects).unwrap();
        for path in gone.iter().chain([&void]) {
            assert!(!path.exists(), "{}", path.display());
        }
        for path in &kept {
            assert!(path.exists(), "{}", path.display());
        }
        fs::remove_dir_all(&objects).unwrap();
    }
}
