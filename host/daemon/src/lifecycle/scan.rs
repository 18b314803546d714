//! The search of everything that is left in a data folder for what must be gone.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::AccountId;

use crate::hex::sha256;

/// Bytes searched at a time.
const WINDOW_BYTES: usize = 1 << 20;
/// Folders that say on purpose that there was such an account.
const RECORDS: [&str; 3] = ["audit", "decommissions", "receipts"];

/// Folders whose files are named by account, and may hold the name as any other word.
const OTHERS: [&str; 3] = ["accounts", "cache", "keys"];

/// What a search came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scan {
    /// Files that were read, to their ends.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was looked for: by name what is no secret, by its SHA-256 what is one.
    pub looked_for: Vec<String>,
    /// Where it was found.
    pub found: Vec<Found>,
}

/// Something that should be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// File, from the data folder on.
    pub file: String,
    /// What of that which was looked for.
    pub what: String,
}

struct Needle<'a> {
    name: String,
    finder: Finder<'a>,
    /// Whether files of other accounts may hold it: a word like any other.
    is_word: bool,
}

impl Needle<'_> {
    /// Whether it is in `window`; as a word of its own, if it is one. At the end of a window that is not the last it is
    /// not known yet what follows, and it is looked for again in the next.
    fn is_in(&self, window: &[u8], is_last: bool) -> bool {
        let is_part =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
        let is_found = |at: usize| {
            let end = at + self.finder.needle().len();
            let before = at.checked_sub(1).and_then(|at| window.get(at));
            !self.is_word || !(is_part(before) || is_part(window.get(end)) || (end == window.len() && !is_last))
        };
        self.finder.find_iter(window).any(is_found)
    }
}

/// Searches all files of a data folder for the name of an account and for markers.
///
/// The name may not be that of a file or folder anywhere, nor in a file outside of other accounts. Markers may be
/// nowhere, but for the file of the decommissioning itself.
pub(super) fn scan(data_dir: &Path, account: &AccountId, markers: &[String]) -> io::Result<Scan> {
    let name = Needle { name: format!("account name {account}"), finder: Finder::new(account.as_str()), is_word: true };
    let markers = markers.iter().map(|marker| Needle {
        name: format!("marker sha256:{}", sha256(marker.as_bytes())),
        finder: Finder::new(marker.as_bytes()),
        is_word: false,
    });
    let needles: Vec<Needle<'_>> = std::iter::once(name).chain(markers).collect();
    let mut scan = Scan { looked_for: needles.iter().map(|needle| needle.name.clone()).collect(), ..Scan::default() };
    for path in files(data_dir)? {
        let inside = path.strip_prefix(data_dir).unwrap_or(&path).to_owned();
        let top = inside.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let top = top.unwrap_or_default();
        let is_record = RECORDS.contains(&top.as_str());
        if !is_record && names(&inside, account) {
            scan.found.push(Found { file: inside.display().to_string(), what: needles[0].name.clone() });
        }
        let may_hold = |needle: &&Needle<'_>| {
            if needle.is_word { is_record || OTHERS.contains(&top.as_str()) } else { top == "decommissions" }
        };
        let wanted: Vec<&Needle<'_>> = needles.iter().filter(|needle| !may_hold(needle)).collect();
        scan.files += 1;
        scan.bytes += search(&path, &wanted, |needle| {
            scan.found.push(Found { file: inside.display().to_string(), what: needle.name.clone() });
        })?;
    }
    Ok(scan)
}

/// Whether a part of the path is the account's: `accounts/acme/...`, `keys/acme.slot`.
fn names(path: &Path, account: &AccountId) -> bool {
    let is_it =
        |part: &str| part.strip_prefix(account.as_str()).is_some_and(|rest| matches!(rest, "" | ".slot" | ".draft"));
    path.components().any(|part| is_it(&part.as_os_str().to_string_lossy()))
}

/// Reads a file to its end; how many bytes. Tells each needle that is in it once.
fn search(path: &Path, needles: &[&Needle<'_>], mut tell: impl FnMut(&Needle<'_>)) -> io::Result<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        // Of another account, and gone meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    // A byte more than the longest: what stands before a word decides whether it is one.
    let overlap = needles.iter().map(|needle| needle.finder.needle().len() + 1).max().unwrap_or(0);
    let mut left: Vec<&&Needle<'_>> = needles.iter().collect();
    let (mut window, mut bytes) = (Vec::new(), 0);
    loop {
        let n_read = Read::take(&mut file, WINDOW_BYTES as u64).read_to_end(&mut window)?;
        left.retain(|needle| {
            let found = needle.is_in(&window, n_read == 0);
            if found {
                tell(needle);
            }
            !found
        });
        if n_read == 0 {
            return Ok(bytes);
        }
        bytes += n_read as u64;
        window.drain(..window.len().saturating_sub(overlap));
    }
}

/// All files below a folder, sorted; none when there is no such folder. Links are not followed.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_markers_are_found_wherever_they_lie() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        // A marker over the border of two windows.
        let mut long = vec![b'.'; WINDOW_BYTES - 3];
        long.extend_from_slice(b"canary");
        write("cache/long", &long);
        write("accounts/other/derived/1/model.db", b"acme/api is their project; no bird");
        write("accounts/acme/log.json", b"x");
        write("keys/acme.slot", b"x");
        write("keys/acme2.slot", b"x");
        write("host.json", b"of acme");
        write("instance.json", b"acme2 and my-acme");
        write("audit/chain.jsonl", b"acme was here");
        write("audit/details.jsonl", b"the canary sang");
        write("decommissions/1.json", b"canary of acme");
        let scan = scan(dir.path(), &AccountId::new("acme").unwrap(), &["canary".to_owned()]).unwrap();
        let found: Vec<String> =
            scan.found.iter().map(|found| format!("{} {}", found.file, &found.what[..6])).collect();
        let expected = [
            "accounts/acme/log.json accoun",
            "audit/details.jsonl marker",
            "cache/long marker",
            "host.json accoun",
            "keys/acme.slot accoun",
        ];
        assert_eq!((found, scan.files), (expected.map(str::to_owned).to_vec(), 10));
    }
}
