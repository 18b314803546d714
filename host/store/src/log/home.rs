//! Where the log of an account lives and whose it is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_model::AccountId;

use super::{LogError, LogErrorKind, LogLimits, LogOptions};
use crate::disk::{Disk, OsDisk, read_file, replace_file};
use crate::keys::Keys;

/// Version of a log's folder that this program reads and writes.
const FORMAT: u32 = 1;
/// File that says whose the folder is.
const LABEL: &str = "log.json";
/// Folder of the generations.
pub(super) const RAW: &str = "raw";

/// Where a log lives and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) journal: PathBuf,
    pub(crate) raw: PathBuf,
    pub(crate) account: AccountId,
    pub(crate) keys: Arc<Keys>,
    pub(crate) limits: LogLimits,
}

/// Content of `log.json`.
#[derive(Serialize, Deserialize)]
struct Label {
    format: u32,
    #[serde(default)]
    key: String,
}

impl Home {
    /// Checks that the folder is ours to use, or labels a new one.
    pub(super) fn open(options: LogOptions) -> Result<Self, LogError> {
        let LogOptions { dir, account, keys, disk, limits } = options;
        let error = |error| LogError::io(format!("open the log of `{account}` in {}", dir.display()), error);
        disk.create_dir(&dir).map_err(error)?;
        let path = dir.join(LABEL);
        let key = keys.fingerprint();
        let label = read_file(&*disk, &path).map_err(error)?.map(|bytes| serde_json::from_slice::<Label>(&bytes));
        let refuse = |kind| Err(LogError::new(format!("open the log of `{account}` in {}", dir.display()), kind));
        match label {
            Some(Ok(label)) if label.format != FORMAT => return refuse(LogErrorKind::Format),
            Some(Ok(label)) if label.key != key => return refuse(LogErrorKind::WrongKey),
            Some(Ok(_)) => {}
            // A label that cannot be read says nothing; the seals will tell whether the key is right.
            Some(Err(_)) => tracing::warn!(%account, "the label of the log is damaged"),
            None => {
                replace_file(&*disk, &path, label_of(&keys).as_bytes()).map_err(error)?;
            }
        }
        for folder in ["journal", RAW] {
            disk.create_dir(&dir.join(folder)).map_err(error)?;
        }
        disk.sync_dir(&dir).map_err(error)?;
        Ok(Self { disk, journal: dir.join("journal"), raw: dir.join(RAW), account, keys, limits })
    }

    /// Labels a copy of the log.
    pub(crate) fn label(&self, copy: &Path) -> io::Result<()> {
        replace_file(&OsDisk, &copy.join(LABEL), label_of(&self.keys).as_bytes())
    }
}

fn label_of(keys: &Keys) -> String {
    serde_json::json!({ "format": FORMAT, "key": keys.fingerprint() }).to_string()
}
