//! What was reported already.
//!
//! Invariant: a build is marked only after the sink has taken its report, so forgetting all of it costs time and never a
//! build: reports are the same every time they are read, and their keys too.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::junit::JUNIT_XML;
use crate::layout::BUILD_XML;

/// The builds that were reported, by folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    builds: BTreeMap<PathBuf, Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Of the files as they were.
    files: u64,
    /// Of the report as it was.
    report: u64,
    finished: bool,
}

/// Why the file of marks could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct SeenError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The state of a build's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Files {
    fingerprint: u64,
    /// Youngest change, in milliseconds.
    pub(crate) changed_at: i64,
}

impl Seen {
    /// Reads the marks of a former run; none when there is no file or it is damaged.
    pub fn load(path: &Path) -> Result<Self, SeenError> {
        match fs::read(path) {
            Ok(json) => Ok(serde_json::from_slice(&json).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(SeenError { action: "read", path: path.to_owned(), source }),
        }
    }

    /// Writes the marks; the file is whole or what it was before.
    pub fn save(&self, path: &Path) -> Result<(), SeenError> {
        let json = serde_json::to_vec(self).map_err(io::Error::other);
        let part = path.with_extension("part");
        let written = json.and_then(|json| {
            let mut file = File::create(&part)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(&part, path)
        });
        written.map_err(|source| SeenError { action: "write", path: path.to_owned(), source })
    }

    /// Builds marked.
    pub fn len(&self) -> usize {
        self.builds.len()
    }

    /// Nothing was reported yet.
    pub fn is_empty(&self) -> bool {
        self.builds.is_empty()
    }

    /// A finished build whose files are as they were need not be read. One that runs is always read.
    pub(crate) fn is_done(&self, dir: &Path, files: Files) -> bool {
        self.builds.get(dir).is_some_and(|mark| mark.finished && mark.files == files.fingerprint)
    }

    /// This very report was taken before.
    pub(crate) fn is_same(&self, dir: &Path, report: &[u8]) -> bool {
        self.builds.get(dir).is_some_and(|mark| mark.report == hash(report))
    }

    pub(crate) fn mark(&mut self, dir: &Path, files: Files, report: &[u8], finished: bool) {
        self.builds.insert(dir.to_owned(), Mark { files: files.fingerprint, report: hash(report), finished });
    }

    /// Forgets builds below `root` that are gone. What was reported of them stays where it was sent.
    pub(crate) fn retain_existing(&mut self, root: &Path) {
        self.builds.retain(|dir, _| !dir.starts_with(root) || dir.join(BUILD_XML).exists());
    }

    /// Folders of builds that were running when they were read last.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &Path> {
        self.builds.iter().filter(|(_, mark)| !mark.finished).map(|(dir, _)| dir.as_path())
    }
}

impl Files {
    /// Looks at the files a report is made of, without reading them.
    pub(crate) fn of(dir: &Path) -> Self {
        let mut state = Vec::new();
        let mut changed_at = 0;
        for name in [BUILD_XML, JUNIT_XML, "changelog.xml", "workflow", "workflow-completed", "log"] {
            let Ok(meta) = fs::metadata(dir.join(name)) else { continue };
            let changed = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            state.extend_from_slice(name.as_bytes());
            state.extend_from_slice(&meta.len().to_be_bytes());
            state.extend_from_slice(&changed.as_nanos().to_be_bytes());
            changed_at = changed_at.max(i64::try_from(changed.as_millis()).unwrap_or(i64::MAX));
        }
        Self { fingerprint: hash(&state), changed_at }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest(&SHA256, bytes).as_ref()[..8]);
    u64::from_be_bytes(first)
}
