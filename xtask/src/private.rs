//! Files and folders that their owner alone can read: 0600 and 0700, whatever the umask of the shell.

use anyhow::{Context as _, Result};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

/// Creates a folder of mode 0700 and its missing parents. One that is there already gets that mode too.
///
/// # Errors
/// When it cannot be created, or belongs to somebody else.
pub fn dir(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
        .with_context(|| format!("cannot create the folder {}", path.display()))
}

/// Opens a file for writing as `options` say, with mode 0600.
///
/// # Errors
/// When it cannot be written, or exists where `options` want a new one.
pub fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    let file = options.write(true).mode(0o600).open(path);
    file.and_then(|file| file.set_permissions(Permissions::from_mode(0o600)).map(|()| file))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file of mode 0600, in the place of an earlier one. Its folder is created if it is missing.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    write_as(path, OpenOptions::new().create(true).truncate(true), text)
}

/// As [`write()`], where there is no file yet.
///
/// # Errors
/// When there is one, or it cannot be written.
pub fn write_new(path: &Path, text: &str) -> Result<()> {
    write_as(path, OpenOptions::new().create_new(true), text)
}

fn write_as(path: &Path, options: &mut OpenOptions, text: &str) -> Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        dir(parent)?;
    }
    let mut file = open(path, options)?;
    writeln!(file, "{text}").with_context(|| format!("cannot write {}", path.display()))
}

/// A command whose files are its owner's alone: it runs with the umask 077, under the same process id.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"umask 077; exec "$0" "$@""#]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn scratch(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("sluicegate-private-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        path
    }

    #[test]
    fn what_is_written_is_the_owners_alone() {
        let root = scratch("written");
        let file = root.join("a/b/file");
        write(&file, "text").unwrap();
        assert_eq!((mode(&root), mode(&root.join("a/b")), mode(&file)), (0o700, 0o700, 0o600));
        write_new(&file, "text").unwrap_err();

        // One of an earlier version, which everybody could read.
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
        write(&file, "more").unwrap();
        dir(&root).unwrap();
        assert_eq!((mode(&root), mode(&file)), (0o700, 0o600));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_command_keeps_its_arguments_and_writes_private_files() {
        let root = scratch("command");
        dir(&root).unwrap();
        let mut shell = command("sh");
        shell.args(["-c", r#"mkdir d; printf %s "$1" > f"#, "sh", "two  words"]).current_dir(&root);
        assert!(shell.status().unwrap().success());
        assert_eq!((mode(&root.join("d")), mode(&root.join("f"))), (0o700, 0o600));
        assert_eq!(fs::read_to_string(root.join("f")).unwrap(), "two  words");
        fs::remove_dir_all(root).unwrap();
    }
}
