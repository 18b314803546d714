//! Rules of the repository that no compiler knows.

use std::fs;
use std::path::{Path, PathBuf};

/// Files that may hold `unsafe`; docs/ARCHITECTURE.md lists them with the reason.
const UNSAFE: &[&str] =
    &["host/daemon/src/memory.rs", "host/sandbox/src/cache.rs", "sdk/rust/src/macros.rs", "tests/guests/src/lib.rs"];
/// Longest file of code, in lines.
const FILE_LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below `folder` with this extension, as a path from the root.
fn files(extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
            if path.is_dir() {
                if !["target", "node_modules", ".git"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn every_file_says_what_it_owns() {
    for path in files("rs").iter().filter(|path| !path.ends_with("/tests.rs") && !path.contains("/tests/")) {
        let text = read(path);
        assert!(text.starts_with("//!"), "{path} opens without `//!`");
    }
}

#[test]
fn files_are_of_a_size_to_read() {
    for path in files("rs") {
        let lines = read(&path).lines().count();
        assert!(lines <= FILE_LINES_MAX, "{path} has {lines} lines, at most {FILE_LINES_MAX}");
    }
}

#[test]
fn unsafe_stands_where_it_is_listed() {
    let architecture = read("docs/ARCHITECTURE.md");
    for path in files("rs").iter().filter(|path| !path.starts_with("tests/suite/")) {
        let text = read(path);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let holds = code.filter(|line| !line.contains("unsafe_code")).any(|line| {
            line.contains("unsafe {")
                || line.contains("unsafe fn")
                || line.contains("unsafe impl")
                || line.contains("unsafe(")
        });
        if holds {
            assert!(UNSAFE.contains(&path.as_str()), "{path} holds unsafe code and is not listed");
            assert!(architecture.contains(path), "docs/ARCHITECTURE.md does not say why {path} holds unsafe code");
        }
    }
}

/// Paths in backquotes that name something in the repository.
fn named_paths(text: &str) -> Vec<String> {
    let tops = ["host/", "wit/", "sdk/", "plugins/", "collectors/", "tests/", "xtask/", "docs/", "ui/", ".ci/"];
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted
        .filter(|quoted| tops.iter().any(|top| quoted.starts_with(top)) && !quoted.contains([' ', '*', '{', '<']));
    paths.map(str::to_owned).collect()
}

#[test]
fn paths_in_documents_exist() {
    for document in files("md") {
        for path in named_paths(&read(&document)) {
            assert!(root().join(&path).exists(), "{document} names `{path}`, which does not exist");
        }
    }
}

/// Symbols that docs/ARCHITECTURE.md names as `crate::path::Name` must stand in the code.
#[test]
fn symbols_in_the_architecture_exist() {
    let code: String = files("rs").iter().map(|path| read(path)).collect();
    let text = read("docs/ARCHITECTURE.md");
    let symbols = text.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains("::") && !quoted.contains(' '));
    for symbol in symbols {
        let last = symbol.rsplit("::").next().unwrap().trim_end_matches("()");
        let defined = ["fn ", "struct ", "enum ", "trait ", "mod ", "type "].iter().any(|word| {
            code.match_indices(&format!("{word}{last}"))
                .any(|(at, found)| !code[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        assert!(defined, "docs/ARCHITECTURE.md names `{symbol}`, and nothing is called `{last}`");
    }
}

#[test]
fn the_architecture_fits_its_length() {
    assert!(read("docs/ARCHITECTURE.md").lines().count() <= 200);
}

#[test]
fn no_word_of_the_workplace() {
    let words = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("level", "ops.")];
    // A path of the API may have a part of that name; one that begins with it is of a machine.
    let begins = |text: &str, at: usize| !text[..at].ends_with(|before: char| before.is_alphanumeric());
    for path in files("rs").iter().chain(&files("md")).chain(&files("toml")) {
        let text = read(path);
        for word in words {
            let found = text.match_indices(word).any(|(at, _)| begins(&text, at));
            assert!(!found, "{path} holds `{word}`");
        }
    }
}
