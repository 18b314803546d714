//! `[backup]` and `[export]`: where to and how often the account is copied while it is served.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Interval;
use super::problem::ConfigError;
use crate::export::{Form, Recipient, Wanted};

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

/// `[export]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportConfig {
    /// Folder it is kept in; relative to this file.
    pub to: PathBuf,
    /// Time between two.
    #[serde(default = "daily")]
    pub every: Interval,
    /// Raw records; none of the three: all of them.
    #[serde(default)]
    pub raw: bool,
    /// Entities.
    #[serde(default)]
    pub entities: bool,
    /// Numbers by day.
    #[serde(default)]
    pub metrics: bool,
    /// Form of entities and numbers.
    #[serde(default)]
    pub format: Form,
    /// Who it is encrypted for: `age1...`; nobody: it is not.
    #[serde(default)]
    pub recipients: Vec<Recipient>,
}

impl ExportConfig {
    /// What of the account it is.
    pub fn wanted(&self) -> Wanted {
        let Self { raw, entities, metrics, format, ref recipients, .. } = *self;
        Wanted { raw, entities, metrics, format, recipients: recipients.clone() }
    }
}

fn daily() -> Interval {
    Interval(std::time::Duration::from_secs(86_400))
}

/// Takes a path from the folder of the file.
pub(super) fn lie_in(folder: &Path, to: &mut PathBuf) {
    *to = folder.join(&*to);
}

/// A copy that lies in what it is a copy of is lost with it.
pub(super) fn check(section: &str, to: &Path, data_dir: &Path) -> Result<(), ConfigError> {
    if to.starts_with(data_dir) {
        return Err(ConfigError::Wrong {
            place: format!("`[{section}]`"),
            what: "`to` lies in the data folder".to_owned(),
            hint: "name a folder on another disk".to_owned(),
        });
    }
    Ok(())
}
