//! What is fetched from elsewhere for tests is named by its content: a tag or a version can be moved, a hash cannot.

use std::fs;
use std::path::PathBuf;

fn read(path: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[test]
fn the_actions_of_the_hosted_ci_are_pinned_by_commit() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows");
    let mut actions = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines() {
            let Some((_, used)) = line.split_once("uses:") else { continue };
            let (action, version) = used.split_once('#').expect("a comment with the version");
            let (_, commit) = action.trim().split_once('@').expect("a commit");
            assert!(is_hex(commit, 40), "{line}");
            assert!(version.trim().starts_with('v'), "{line}");
            actions += 1;
        }
    }
    assert!(actions > 0);
}

#[test]
fn the_python_packages_of_the_tests_are_pinned_by_hash() {
    let text = read("tests/interop/python/requirements.txt").replace("\\\n", " ");
    let packages: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(packages.iter().any(|line| line.starts_with("standardwebhooks==")));
    for line in packages {
        let mut words = line.split_whitespace();
        assert!(words.next().is_some_and(|package| package.contains("==")), "{line}");
        let hashes: Vec<_> = words.collect();
        assert!(!hashes.is_empty(), "{line}");
        for hash in hashes {
            assert!(hash.strip_prefix("--hash=sha256:").is_some_and(|hash| is_hex(hash, 64)), "{line}");
        }
    }
    assert!(read("xtask/src/setup.rs").contains("--require-hashes"));
}
