//! `[[metric]]`: metrics of the operator's own, here or in files beside.

use std::path::Path;

use serde::Deserialize;
use weir_model::Calendar;
use weir_model::calendar::NoTimeZone;
use weir_model::filter::Vocabulary;
use weir_stages::aggregate::{MetricSettings, custom_metrics};

use super::MetricsConfig;
use super::problem::{self, ConfigError};

/// A file with metrics and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    metric: Vec<MetricSettings>,
}

pub(super) fn read(path: &Path) -> Result<Vec<MetricSettings>, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let file: File =
        toml::from_str(&text).map_err(|error| problem::explain(&error, &text, &path.display().to_string()))?;
    Ok(file.metric)
}

pub(super) fn check(metrics: &[MetricSettings], vocabulary: &Vocabulary) -> Result<(), ConfigError> {
    custom_metrics(metrics, vocabulary).map(drop).map_err(|error| {
        let because = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        let place = "`[[metric]]`".to_owned();
        ConfigError::Wrong { place, what: format!("cannot be used: {error}{because}"), hint: error.hint() }
    })
}

impl MetricsConfig {
    /// The calendar of its zone; of UTC when none is named.
    fn zone(&self) -> Result<Calendar, NoTimeZone> {
        self.time_zone.as_deref().map_or(Ok(Calendar::default()), Calendar::of_zone)
    }

    /// The same of a configuration that was checked.
    pub(super) fn calendar(&self) -> Calendar {
        self.zone().unwrap_or_default()
    }
}

pub(super) fn check_calendar(metrics: &MetricsConfig) -> Result<(), ConfigError> {
    let wrong = |setting: &str, error: &dyn std::error::Error, hint: &str| ConfigError::Wrong {
        place: format!("`{setting}` of `[metrics]`"),
        what: format!("cannot be used: {error}"),
        hint: hint.to_owned(),
    };
    let zone = metrics.zone().map_err(|error| {
        wrong("time_zone", &error, "write the name of a zone, such as `Europe/Berlin`, or leave it out for UTC")
    })?;
    let hint = "write days of the week, `saturday`, and dates, `2026-12-25`";
    zone.with_days_off(&metrics.days_off).map(drop).map_err(|error| wrong("days_off", &error, hint))
}
