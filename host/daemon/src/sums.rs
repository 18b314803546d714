//! Digests of the files of a folder, by which it is told later that nothing was changed, removed or added.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ring::digest::{Context, SHA256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hex::hex;

/// Bytes read at a time.
const READ_BYTES: usize = 1 << 20;

/// Bytes of a file and their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sum {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256 in hex.
    pub sha256: String,
}

/// Reads a file to its end.
pub(crate) fn sum(path: &Path) -> io::Result<Sum> {
    let mut file = File::open(path)?;
    let (mut digest, mut bytes) = (Context::new(&SHA256), 0);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sum { bytes, sha256: hex(digest.finish()) }),
            n_read => {
                digest.update(&buffer[..n_read]);
                bytes += n_read as u64;
            }
        }
    }
}

/// Names of all files below a folder, but for those that were being written when something ended.
pub(crate) fn names(dir: &Path) -> io::Result<Vec<String>> {
    let found = crate::lifecycle::files(dir)?;
    let whole = found.iter().filter(|path| path.extension().is_none_or(|extension| extension != "draft"));
    Ok(whole.filter_map(|path| Some(path.strip_prefix(dir).ok()?.to_str()?.to_owned())).collect())
}

/// What is wrong with the files of a folder, compared with what they were. `manifest` is the file that says it.
pub(crate) fn problems(dir: &Path, manifest: &str, known: &BTreeMap<&str, &Sum>) -> io::Result<Vec<String>> {
    let mut problems = Vec::new();
    for (name, was) in known {
        match sum(&dir.join(name)) {
            Err(error) => problems.push(format!("{name}: {error}")),
            Ok(is) if is != **was => problems.push(format!("{name} is not as it was written")),
            Ok(_) => {}
        }
    }
    let unknown = names(dir)?.into_iter().filter(|name| !known.contains_key(name.as_str()) && name != manifest);
    problems.extend(unknown.map(|name| format!("{name} is not in the manifest")));
    Ok(problems)
}
