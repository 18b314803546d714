//! `[retention]` and `[[hold]]`: how long raw records are kept, and what is kept whatever else is said.

use serde::{Deserialize, Deserializer};
use weir_model::IntegrationName;

/// `[retention]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Raw records of integrations that have no policy of their own.
    pub raw: Keep,
    /// Policies of integrations.
    pub policy: Vec<PolicyConfig>,
}

/// `[[retention.policy]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Whose raw records.
    pub integration: IntegrationName,
    /// How long they are kept.
    pub raw: Keep,
}

/// `[erasure]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErasureConfig {
    /// Whether what one person wants to erase waits for another to confirm it.
    pub confirm: bool,
}

/// How long something is kept after it was accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing is dropped.
    #[default]
    Forever,
    /// As many days, at least one.
    Days(u32),
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let days = || text.strip_suffix('d')?.parse().ok().filter(|days| *days > 0);
        match text.as_str() {
            "forever" => Ok(Self::Forever),
            _ => days().map(Self::Days).ok_or_else(|| {
                serde::de::Error::custom(format!("`{text}` is no time to keep; write `forever` or `400d`"))
            }),
        }
    }
}

/// `[[hold]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldConfig {
    /// What it is called.
    pub name: String,
    /// Whose raw records are held; those of all integrations when left out.
    pub integration: Option<IntegrationName>,
    /// Why.
    pub reason: String,
}
