//! When builds, stages and deployments began, for the step that reports their end.
//!
//! One small file per span. Invariant: a file that is lost or damaged costs a duration, never a report.

use std::fs;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

/// A folder of begins.
#[derive(Debug, Clone)]
pub struct Starts {
    dir: PathBuf,
}

impl Starts {
    /// Begins that are kept below a folder.
    pub fn below(dir: &Path) -> Self {
        Self { dir: dir.join("starts") }
    }

    /// Remembers that a span began at a time in milliseconds, unless its begin is known.
    pub fn note(&self, span: &str, ms: i64) {
        let path = self.path(span);
        if !path.exists() {
            let _ = fs::create_dir_all(&self.dir).and_then(|()| fs::write(path, ms.to_string()));
        }
    }

    /// When a span began, in milliseconds.
    pub fn of(&self, span: &str) -> Option<i64> {
        fs::read_to_string(self.path(span)).ok()?.trim().parse().ok()
    }

    /// Forgets a span that is over.
    pub fn forget(&self, span: &str) {
        let _ = fs::remove_file(self.path(span));
    }

    fn path(&self, span: &str) -> PathBuf {
        let hash = digest(&SHA256, span.as_bytes());
        let name: String = hash.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(name)
    }
}
