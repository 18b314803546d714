//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::settings::Since;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Builders to read. None: all.
    pub builders: Vec<String>,
    /// Properties of builds to keep as their parameters.
    pub parameters: Vec<String>,
    /// Nothing older than this day or instant.
    pub since: Option<Since>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Whether builds of a builder are wanted.
    pub(crate) fn chooses(&self, builder: &str) -> bool {
        self.builders.is_empty() || self.builders.iter().any(|chosen| chosen == builder)
    }
}
