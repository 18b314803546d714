//! `[intake]`: bounds of pushes, webhooks and what comes beside them.

use serde::Deserialize;
use weir_model::raw::PAYLOAD_BYTES_MAX;

use super::ConfigError;

/// The table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntakeConfig {
    /// Largest body, and largest part of one, in bytes; at most the size of a raw record.
    pub body_bytes_max: usize,
    /// Largest file sent beside a report, in bytes.
    pub file_bytes_max: u64,
    /// Most bytes that such a file may unpack to.
    pub unpacked_bytes_max: u64,
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self { body_bytes_max: PAYLOAD_BYTES_MAX, file_bytes_max: 256 << 20, unpacked_bytes_max: 1 << 30 }
    }
}

impl IntakeConfig {
    pub(super) fn check(self) -> Result<(), ConfigError> {
        if (1..=PAYLOAD_BYTES_MAX).contains(&self.body_bytes_max) {
            return Ok(());
        }
        Err(ConfigError::Wrong {
            place: "`body_bytes_max` of `[intake]`".to_owned(),
            what: format!("is not from 1 to {PAYLOAD_BYTES_MAX}"),
            hint: "a raw record holds no more".to_owned(),
        })
    }
}
