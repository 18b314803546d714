//! Where a secret is found. The file names the place; the secret itself is never in it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;
use crate::egress::Secret;

/// Place of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSource {
    /// Environment variable.
    Env(String),
    /// File; white space around the secret is dropped.
    File(PathBuf),
    /// Credential that systemd passed to the service, by name.
    Credential(String),
}

impl SecretSource {
    /// Fetches the secret.
    pub fn resolve(&self) -> Result<Secret, ConfigError> {
        let found = match self {
            Self::Env(name) => std::env::var(name).map_err(|_| "the environment variable is not set".to_owned()),
            Self::File(path) => std::fs::read_to_string(path).map_err(|error| error.to_string()),
            Self::Credential(name) => credential(name),
        };
        match found.map(|text| text.trim().to_owned()) {
            Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
            Ok(_) => Err(self.missing("it is empty")),
            Err(reason) => Err(self.missing(&reason)),
        }
    }

    /// Takes a relative path from this folder.
    pub(super) fn lie_in(&mut self, folder: &Path) {
        if let Self::File(path) = self {
            *path = folder.join(&*path);
        }
    }

    fn missing(&self, reason: &str) -> ConfigError {
        let place = match self {
            Self::Env(name) => format!("environment variable {name}"),
            Self::File(path) => format!("file {}", path.display()),
            Self::Credential(name) => format!("systemd credential {name}"),
        };
        ConfigError::Secret { place, reason: reason.to_owned() }
    }
}

fn credential(name: &str) -> Result<String, String> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or("systemd passed no credentials")?;
    std::fs::read_to_string(PathBuf::from(folder).join(name)).map_err(|error| error.to_string())
}
