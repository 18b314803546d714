//! `[[threshold]]`: numbers that are news when they cross a line.

use serde::Deserialize;
use weir_stages::aggregate::DEFINITIONS;

use super::{Config, ConfigError, Interval};

/// A line that the number of a metric may cross.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdConfig {
    /// Unique name.
    pub name: String,
    /// Metric; the statistic is the one it shows first.
    pub metric: String,
    /// It is crossed above this: a number in the metric's unit, or a length of time.
    pub over: Option<Line>,
    /// It is crossed below this.
    pub under: Option<Line>,
    /// The number is that of the time just gone by, as long as this; 30 days when left out.
    pub window: Option<Interval>,
    /// Team it is for.
    pub team: Option<String>,
    /// Project it is for.
    pub project: Option<String>,
    /// Service it is for.
    pub service: Option<String>,
    /// How often it is looked at; 5 minutes when left out.
    pub every: Option<Interval>,
}

/// A number, or a length of time.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// In the unit of the metric.
    Number(f64),
    /// In milliseconds.
    Time(Interval),
}

impl Line {
    /// In the unit of the metric.
    pub fn value(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Time(interval) => interval.0.as_secs_f64() * 1e3,
        }
    }
}

impl ThresholdConfig {
    pub(super) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        let wrong = |what: &str, hint: &str| {
            let place = format!("threshold `{}`", self.name);
            Err(ConfigError::Wrong { place, what: what.to_owned(), hint: hint.to_owned() })
        };
        let ours = DEFINITIONS.iter().any(|definition| definition.computed && definition.name == self.metric);
        let theirs = config.metric.iter().any(|metric| metric.name == self.metric);
        match (&self.over, &self.under) {
            _ if !ours && !theirs => {
                wrong(&format!("names the metric `{}`, which there is not", self.metric), "`weir metrics` lists them")
            }
            (Some(_), None) | (None, Some(_)) => Ok(()),
            _ => wrong("needs one line", "add `over` or `under`"),
        }
    }
}
