//! Bands: labels beside a number, never part of its definition. Sets are data, in `bands.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::answers::Rhythm;

const HOUR_MS: f64 = 3_600_000.0;
/// Days of a month, for frequencies that are given per month: a twelfth of a mean year.
const MONTH_DAYS: f64 = 365.25 / 12.0;

/// What was measured of a metric.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Its value: milliseconds or a share.
    pub value: Option<f64>,
    /// How often it happens a day.
    pub per_day: Option<f64>,
    /// How regular.
    pub rhythm: Option<Rhythm>,
}

#[derive(Debug, Deserialize)]
struct File {
    band: Vec<Bands>,
}

/// The bands of one metric in one set, best first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bands {
    set: String,
    metric: String,
    elite: Limit,
    high: Limit,
    medium: Limit,
}

static BANDS: LazyLock<Vec<Bands>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("bands.toml")).expect("a test reads what is built in");
    file.band
});

/// Names of the sets.
pub static BAND_SETS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = BANDS.iter().map(|bands| bands.set.as_str()).collect();
    names.dedup();
    names
});

/// Whether there is a set of that name.
pub fn has_band_set(set: &str) -> bool {
    BAND_SETS.contains(&set)
}

/// The band of a metric in a set: `elite`, `high`, `medium` or `low`. None where the set has none for the metric, or
/// what it looks at is unknown.
pub fn band(set: &str, metric: &str, measured: &Measured) -> Option<&'static str> {
    let bands = BANDS.iter().find(|bands| bands.set == set && bands.metric == metric)?;
    let limits = [("elite", &bands.elite), ("high", &bands.high), ("medium", &bands.medium)];
    for (name, limit) in limits {
        if limit.is_kept(measured)? {
            return Some(name);
        }
    }
    Some("low")
}

/// A limit as it is written: `>= 5 days/week`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Limit {
    how: How,
    of: Of,
    /// In the unit of `of`.
    at: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Of {
    Value,
    PerDay,
    DaysPerWeek,
    DaysPerMonth,
}

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no limit");
        let mut words = text.split(' ');
        let (Some(how), Some(number), Some(unit), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let how = match how {
            "<" => How::Below,
            "<=" => How::AtMost,
            ">" => How::Above,
            ">=" => How::AtLeast,
            _ => return Err(wrong()),
        };
        let (of, at) = match unit {
            "h" => (Of::Value, number * HOUR_MS),
            "d" => (Of::Value, number * 24.0 * HOUR_MS),
            "%" => (Of::Value, number / 100.0),
            "/day" => (Of::PerDay, number),
            "/week" => (Of::PerDay, number / 7.0),
            "/month" => (Of::PerDay, number / MONTH_DAYS),
            "days/week" => (Of::DaysPerWeek, number),
            "days/month" => (Of::DaysPerMonth, number),
            _ => return Err(wrong()),
        };
        Ok(Self { how, of, at })
    }
}

impl Limit {
    /// None where what it looks at is unknown. A window too short for a median over months is none that keeps it.
    fn is_kept(&self, measured: &Measured) -> Option<bool> {
        let value = match self.of {
            Of::Value => measured.value?,
            Of::PerDay => measured.per_day?,
            Of::DaysPerWeek => measured.rhythm?.median_days_per_week?,
            Of::DaysPerMonth => measured.rhythm?.median_days_per_month.unwrap_or(0.0),
        };
        Some(match self.how {
            How::Below => value < self.at,
            How::AtMost => value <= self.at,
            How::Above => value > self.at,
            How::AtLeast => value >= self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_band() {
        assert_eq!(*BAND_SETS, ["devlake/2023", "devlake/2021", "harness"]);
        let share = |value| Measured { value: Some(value), ..Measured::default() };
        let fail_rate = |set, value| band(set, "change-fail-rate", &share(value));
        assert_eq!(
            [0.149, 0.15, 0.155, 0.305, 0.451].map(|value| fail_rate("harness", value)),
            [Some("elite"), Some("high"), Some("high"), Some("medium"), Some("low")]
        );
        assert_eq!(
            [0.05, 0.051, 0.16].map(|value| fail_rate("devlake/2023", value)),
            [Some("elite"), Some("high"), Some("low")]
        );
        assert_eq!(fail_rate("harness", f64::MAX), Some("low"));
        assert_eq!(band("harness", "change-fail-rate", &Measured::default()), None);
        assert_eq!(band("harness", "cycle-time", &share(1.0)), None);
        let daily = |per_day| Measured { per_day: Some(per_day), ..Measured::default() };
        let frequency = |per_day| band("harness", "deployment-frequency", &daily(per_day));
        assert_eq!([1.1, 1.0, 0.1, 0.01].map(frequency), [Some("elite"), Some("high"), Some("medium"), Some("low")]);
    }
}
