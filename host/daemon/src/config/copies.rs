//! `[backup]` and `[export]`: where to and how often the account is copied while it is served.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::problem::ConfigError;
use super::{Interval, SecretSource};
use crate::export::{Form, Recipient, To, Wanted};

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
    /// Folder it is kept in, relative to this file; or `s3://bucket/prefix`, in `store`.
    pub to: To,
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
    /// The store of the S3 kind that `s3://` means.
    pub store: Option<StoreConfig>,
}

/// `[export.store]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Its URL without bucket: `https://s3.eu-central-1.amazonaws.com`. A private address in it is a grant in itself.
    pub endpoint: String,
    /// Its region; many that are not of AWS say `us-east-1`.
    pub region: String,
    /// Name of the key that requests are signed with.
    pub access_key: SecretSource,
    /// The key.
    pub secret_key: SecretSource,
    /// Whether a name that looks public may lead to a private address.
    #[serde(default)]
    pub private: bool,
    /// Whether the bucket is named in the host, not in the path.
    #[serde(default)]
    pub virtual_host: bool,
}

impl ExportConfig {
    /// What of the account it is.
    pub fn wanted(&self) -> Wanted {
        let Self { raw, entities, metrics, format, ref recipients, .. } = *self;
        Wanted { raw, entities, metrics, format, recipients: recipients.clone() }
    }

    /// Takes a folder from that of the file, and checks where it lies.
    pub(super) fn lie_in(&mut self, folder: &Path, data_dir: &Path) -> Result<(), ConfigError> {
        match &mut self.to {
            To::Folder(to) => lie_in("export", to, folder, data_dir),
            To::Store { .. } if self.store.is_some() => Ok(()),
            To::Store { .. } => Err(ConfigError::Wrong {
                place: "`[export]`".to_owned(),
                what: "nothing is said of the store in `to`".to_owned(),
                hint: "add `[export.store]` with `endpoint`, `region`, `access_key` and `secret_key`".to_owned(),
            }),
        }
    }

    /// Every secret that is named.
    pub(super) fn secrets(&mut self) -> impl Iterator<Item = &mut SecretSource> {
        self.store.iter_mut().flat_map(|store| [&mut store.access_key, &mut store.secret_key])
    }
}

impl BackupConfig {
    /// Takes the folder from that of the file, and checks where it lies.
    pub(super) fn lie_in(&mut self, folder: &Path, data_dir: &Path) -> Result<(), ConfigError> {
        lie_in("backup", &mut self.to, folder, data_dir)
    }
}

fn daily() -> Interval {
    Interval(std::time::Duration::from_secs(86_400))
}

/// A copy that lies in what it is a copy of is lost with it.
fn lie_in(section: &str, to: &mut PathBuf, folder: &Path, data_dir: &Path) -> Result<(), ConfigError> {
    *to = folder.join(&*to);
    if to.starts_with(data_dir) {
        return Err(ConfigError::Wrong {
            place: format!("`[{section}]`"),
            what: "`to` lies in the data folder".to_owned(),
            hint: "name a folder on another disk".to_owned(),
        });
    }
    Ok(())
}
