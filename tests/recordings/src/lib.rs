//! Real recordings. They are no part of the repository; tests on them are skipped, aloud, where they are not.

pub mod devlake;
pub mod openapi;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// A path below the recordings, when there are any: `../shared/data` beside the repository, or `WEIR_SHARED_DATA`.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("WEIR_SHARED_DATA").map_or(beside, PathBuf::from).join(path);
    if !path.exists() {
        println!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// Every file below a folder that ends with `end`, in order.
pub fn files_below(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder that was found") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Text of a compressed file.
pub fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("a file that was found");
    MultiGzDecoder::new(file).read_to_string(&mut text).expect("a compressed text");
    text
}

/// Rows of a CSV file with a header, one map of column to text each.
pub fn csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).expect("a file that was found");
    reader.deserialize().map(|row| row.expect("a row of CSV")).collect()
}
