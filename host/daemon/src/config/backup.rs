//! `[backup]`: where to and how often the account is copied while it is served.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Interval;
use super::problem::ConfigError;

/// `[backup]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupConfig {
    /// Folder it is kept in; relative to this file.
    pub to: PathBuf,
    /// Time between two.
    #[serde(default = "daily")]
    pub every: Interval,
}

fn daily() -> Interval {
    Interval(std::time::Duration::from_secs(86_400))
}

impl BackupConfig {
    pub(super) fn lie_in(&mut self, folder: &Path) {
        self.to = folder.join(&self.to);
    }

    /// A copy that lies in what it is a copy of is lost with it.
    pub(super) fn check(&self, data_dir: &Path) -> Result<(), ConfigError> {
        if self.to.starts_with(data_dir) {
            return Err(ConfigError::Wrong {
                place: "`[backup]`".to_owned(),
                what: "`to` lies in the data folder".to_owned(),
                hint: "name a folder on another disk".to_owned(),
            });
        }
        Ok(())
    }
}
