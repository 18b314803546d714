//! Folders outside of the data folder that one writes to at a time.
//!
//! A data folder has one process, so it is enough to know what this one does. Locks of files are not to be had on every
//! network disk, and those are where backups go.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Fault;

/// The folders that are being written to.
#[derive(Debug, Default)]
pub(crate) struct Folders(Mutex<BTreeSet<PathBuf>>);

/// Keeps others out of a folder until it is dropped.
#[derive(Debug)]
pub(crate) struct Alone<'f> {
    folders: &'f Folders,
    dir: PathBuf,
}

impl Folders {
    /// Takes a folder that is there, unless another has it.
    pub(crate) fn take(&self, dir: &Path) -> Result<Alone<'_>, Fault> {
        let unusable = |error| Fault::config(format!("cannot use {}", dir.display())).caused_by(error);
        self.take_named(dir.canonicalize().map_err(unusable)?)
    }

    /// Takes a place that has one name only.
    pub(crate) fn take_named(&self, dir: PathBuf) -> Result<Alone<'_>, Fault> {
        if !self.lock().insert(dir.clone()) {
            return Err(
                Fault::config(format!("{} is being written to", dir.display())).hint("wait until that has ended")
            );
        }
        Ok(Alone { folders: self, dir })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.folders.lock().remove(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let (folders, dir) = (Folders::default(), tempfile::tempdir().unwrap());
        let first = folders.take(dir.path()).unwrap();
        assert!(folders.take(&dir.path().join(".")).unwrap_err().to_string().ends_with("is being written to"));
        drop(first);
        folders.take(dir.path()).unwrap();
    }
}
