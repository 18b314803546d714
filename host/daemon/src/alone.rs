//! Folders outside of the data folder that one writes to at a time, whether a host, a command or both.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::Fault;

/// Keeps others out of a folder until it is dropped.
pub(crate) fn alone(dir: &Path) -> Result<File, Fault> {
    let failed = |error| Fault::config(format!("cannot lock {}", dir.display())).caused_by(error);
    let folder = File::open(dir).map_err(failed)?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => {
            Err(Fault::config(format!("{} is being written to", dir.display())).hint("wait until that has ended"))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = alone(dir.path()).unwrap();
        assert!(alone(dir.path()).unwrap_err().to_string().ends_with("is being written to"));
        drop(first);
        alone(dir.path()).unwrap();
    }
}
