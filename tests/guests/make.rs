//! Makes the guests. A module of the tests that run them, in `host/sandbox/tests` and in `tests/suite`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// A component made of `tests/guests`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(dead_code, reason = "not all tests run all of them")]
pub(crate) enum Guest {
    Connector,
    Propel,
    Smuggler,
}

impl Guest {
    fn name(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Propel => "propel",
            Self::Smuggler => "smuggler",
        }
    }

    fn features(self) -> &'static [&'static str] {
        match self {
            Self::Connector => &[],
            Self::Propel => &["--features", "propel"],
            Self::Smuggler => &["--features", "smuggler"],
        }
    }

    /// The component. Built at most once for the same sources.
    pub(crate) fn wasm(self) -> Vec<u8> {
        static BUILT: Mutex<BTreeMap<Guest, Vec<u8>>> = Mutex::new(BTreeMap::new());
        let mut built = BUILT.lock().unwrap();
        built.entry(self).or_insert_with(|| fs::read(build(self)).unwrap()).clone()
    }
}

fn repository() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().find(|folder| folder.join("wit").is_dir()).unwrap()
}

fn build(guest: Guest) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("guests");
    fs::create_dir_all(&target).unwrap();
    // All guests are one crate and so one file; tests may also run as many processes.
    let lock = File::create(target.join("guests.lock")).unwrap();
    lock.lock().unwrap();
    // Named by what it is made of: checkouts may share the folder.
    let sources = format!("{:016x}", sources());
    let kept = target.join(format!("{}-{sources}.wasm", guest.name()));
    if !kept.exists() {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(repository()).env("CARGO_TARGET_DIR", &target).env("WEIR_GUESTS", &sources);
        cargo.args(["build", "--quiet", "-p", "weir-guests", "--target", "wasm32-wasip2", "--profile", "plugin"]);
        assert!(cargo.args(guest.features()).status().unwrap().success(), "the guests do not build");
        fs::copy(target.join("wasm32-wasip2/plugin/weir_guests.wasm"), &kept).unwrap();
    }
    kept
}

/// Fingerprint of the sources.
fn sources() -> u64 {
    let guests = repository().join("tests/guests");
    let entries = [guests.clone(), guests.join("src"), repository().join("wit")].map(|dir| fs::read_dir(dir).unwrap());
    let mut files: Vec<PathBuf> = entries.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let mut hasher = DefaultHasher::new();
    for path in files {
        fs::read(path).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}
