//! The data folder: one process at a time, one format version, readable by its owner alone.
//!
//! A folder of an unknown version is refused and left exactly as it was found.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use weir_model::AccountId;

use crate::disk::{Disk, OsDisk, replace_file};

/// Version of the layout of a data folder that this program reads and writes.
pub const FORMAT: u32 = 1;

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("data folder {} is in use by {holder}; hint: stop it, or give this one a `data_dir` of its own", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// What its lock file says: `process 4711`.
        holder: String,
    },
    /// It was written by another version of Weir.
    #[error("data folder {} has format {found}, this program reads format {FORMAT}; hint: use the version of weir that wrote it", path.display())]
    Format {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Its `instance.json` is damaged.
    #[error("cannot understand {}", path.display())]
    Instance {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It holds files but not those of a data folder.
    #[error("folder {} is not empty and no data folder of weir; hint: choose an empty one as `data_dir`", .0.display())]
    Foreign(PathBuf),
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Instance {
    format: u32,
    #[serde(default)]
    id: Uuid,
}

/// A locked data folder. The lock goes with this value, or with the process.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    instance: Uuid,
    _lock: File,
}

impl DataDir {
    /// Locks the folder, creating it when it is not there.
    ///
    /// # Errors
    /// When another process holds it, it is of another format, or it is somebody else's folder.
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        check_foreign(path)?;
        check_format(path)?;
        OsDisk.create_dir(path).map_err(io_error("create", path))?;
        let lock = take_lock(path)?;
        let instance = open_instance(path)?;
        Ok(Self { path: path.to_owned(), instance, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Identity of this installation, made up when the folder was created.
    pub fn instance(&self) -> Uuid {
        self.instance
    }

    /// Folder of key slots.
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// Folder of one account.
    pub fn account(&self, account: &AccountId) -> PathBuf {
        self.path.join("accounts").join(account.as_str())
    }

    /// Folder of what may be deleted at any time.
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    move |source| DataDirError::Io { action, path, source }
}

/// Refuses a folder with content but without `instance.json`; only a lock file may be there, from a start that was cut short.
fn check_foreign(path: &Path) -> Result<(), DataDirError> {
    let names = OsDisk.list(path).map_err(io_error("list", path))?;
    let ours = names.iter().all(|name| matches!(name.as_str(), "LOCK" | "instance.draft"));
    let known = ours || names.iter().any(|name| name == "instance.json");
    if known { Ok(()) } else { Err(DataDirError::Foreign(path.to_owned())) }
}

fn read_instance(path: &Path) -> Result<Option<Instance>, DataDirError> {
    let file = path.join("instance.json");
    match fs::read(&file) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|source| DataDirError::Instance { path: file, source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", &file)(error)),
    }
}

fn check_format(path: &Path) -> Result<(), DataDirError> {
    match read_instance(path)? {
        Some(instance) if instance.format != FORMAT => {
            Err(DataDirError::Format { path: path.to_owned(), found: instance.format })
        }
        _ => Ok(()),
    }
}

fn take_lock(path: &Path) -> Result<File, DataDirError> {
    let file = path.join("LOCK");
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&file);
    let mut lock = options.map_err(io_error("open", &file))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Only to name it; a holder that cannot be named holds the lock all the same.
            let _ = lock.read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
            return Err(DataDirError::InUse { path: path.to_owned(), holder: holder.to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(io_error("lock", &file)(source)),
    }
    let write = |lock: &mut File| {
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "process {}", std::process::id())
    };
    write(&mut lock).map_err(io_error("write", &file))?;
    Ok(lock)
}

fn open_instance(path: &Path) -> Result<Uuid, DataDirError> {
    if let Some(instance) = read_instance(path)? {
        return Ok(instance.id);
    }
    let file = path.join("instance.json");
    let instance = Instance { format: FORMAT, id: Uuid::new_v4() };
    let text = serde_json::json!({ "format": instance.format, "id": instance.id }).to_string();
    replace_file(&OsDisk, &file, text.as_bytes()).map_err(io_error("write", &file))?;
    Ok(instance.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_process_is_told_who_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = DataDir::lock(&path).unwrap();
        let error = DataDir::lock(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");
        let instance = first.instance();
        drop(first);
        assert_eq!(DataDir::lock(&path).unwrap().instance(), instance);
    }

    #[test]
    fn an_unknown_format_is_refused_and_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"{"format":2,"news":true}"#;
        fs::write(dir.path().join("instance.json"), text).unwrap();
        let error = DataDir::lock(dir.path()).unwrap_err();
        assert!(matches!(error, DataDirError::Format { found: 2, .. }), "{error}");
        assert_eq!(OsDisk.list(dir.path()).unwrap(), ["instance.json"]);
        assert_eq!(fs::read_to_string(dir.path().join("instance.json")).unwrap(), text);
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_and_untouched() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        assert!(matches!(DataDir::lock(dir.path()), Err(DataDirError::Foreign(_))));
        assert_eq!(OsDisk.list(dir.path()).unwrap(), ["thesis.tex"]);
    }

    #[test]
    fn only_the_owner_can_enter() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep").join("data");
        let data = DataDir::lock(&path).unwrap();
        assert_eq!(fs::metadata(data.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(path.join("instance.json")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
