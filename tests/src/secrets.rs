//! Looking for secrets where none may be: in every file that a server wrote.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::fs;
use std::path::{Path, PathBuf};

/// The ways in which bytes could stand in a file: as they are, hexadecimal, base64 of either alphabet at each alignment,
/// UTF-16.
pub fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex = |upper: bool| -> Vec<u8> {
        let digit = |byte: &u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
        secret.iter().map(digit).collect::<String>().into_bytes()
    };
    let mut all = vec![secret.to_vec(), hex(false), hex(true)];
    for engine in [STANDARD, URL_SAFE] {
        for before in 0..3_usize {
            let shifted = [&vec![0; before], secret].concat();
            let encoded = engine.encode(&shifted).into_bytes();
            // The characters that are made of the secret's bits alone.
            all.push(encoded[(before * 8).div_ceil(6)..shifted.len() * 8 / 6].to_vec());
        }
    }
    all.push(secret.iter().flat_map(|byte| [*byte, 0]).collect());
    all
}

/// The files below `dir` that hold `secret` in any spelling.
///
/// # Panics
/// Where a file cannot be read, or there is none: then nothing was searched.
pub fn files_with(dir: &Path, secret: &[u8]) -> Vec<PathBuf> {
    let spellings = spellings(secret);
    let holds = |path: &PathBuf| {
        let content = fs::read(path).unwrap();
        spellings.iter().any(|spelling| memchr::memmem::find(&content, spelling).is_some())
    };
    let files = files(dir);
    assert!(!files.is_empty(), "no files in {}", dir.display());
    files.into_iter().filter(holds).collect()
}

/// Every file below `dir`.
///
/// # Panics
/// Where a folder cannot be read.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
