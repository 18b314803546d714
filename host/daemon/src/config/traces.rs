//! `[tracing]`: who gathers traces of Weir itself.

use serde::Deserialize;

use super::{AuthConfig, ConfigError};

/// `[tracing]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracingConfig {
    /// Base URL of a collector that speaks OTLP over HTTP; `/v1/traces` is put behind it.
    pub endpoint: String,
    /// How this host proves itself to it.
    #[serde(default)]
    pub auth: AuthConfig,
    /// Whether its host may be at a private address although its name looks public.
    #[serde(default)]
    pub private: bool,
    /// Part of the traces that are sent, 0 to 1. A trace that somebody else began is sent when they do.
    #[serde(default = "all")]
    pub sample: f64,
}

fn all() -> f64 {
    1.0
}

impl TracingConfig {
    /// What the environment says, in the words of OpenTelemetry; none when it says nothing.
    pub fn of_environment() -> Option<Self> {
        let endpoint = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok().filter(|url| !url.is_empty())?;
        Some(Self { endpoint, auth: AuthConfig::None, private: true, sample: all() })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if (0.0..=1.0).contains(&self.sample) {
            return Ok(());
        }
        Err(ConfigError::Wrong {
            place: "`[tracing]`".into(),
            what: "samples a part that is none".into(),
            hint: "`sample` is a number from 0 to 1".into(),
        })
    }
}
