//! Certificates: of this host for those who ask it, and of this host for the central it asks.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// `[tls]`: what is shown to those who ask.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate and those between it and its root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
    /// Certificates that vouch for hosts that forward, in PEM. With it nobody forwards without one of theirs.
    pub client_ca: Option<PathBuf>,
}

/// `tls` of `[central]`: what is shown to the central, and how it is known.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentralTlsConfig {
    /// Certificates that vouch for the central besides those of the machine, in PEM.
    pub ca: Option<PathBuf>,
    /// Certificate of this host, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key: Option<PathBuf>,
}

impl TlsConfig {
    pub(super) fn lie_in(&mut self, folder: &Path) {
        [&mut self.certificate, &mut self.key].into_iter().chain(&mut self.client_ca).for_each(|path| {
            *path = folder.join(&*path);
        });
    }
}

impl CentralTlsConfig {
    pub(super) fn lie_in(&mut self, folder: &Path) {
        [&mut self.ca, &mut self.certificate, &mut self.key].into_iter().flatten().for_each(|path| {
            *path = folder.join(&*path);
        });
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.certificate.is_some() == self.key.is_some() {
            return Ok(());
        }
        Err(ConfigError::Wrong {
            place: "`tls` of `[central]`".to_owned(),
            what: "has one of `certificate` and `key`".to_owned(),
            hint: "give both, or neither".to_owned(),
        })
    }
}
