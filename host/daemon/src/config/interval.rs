//! Lengths of time as people write them: `30s`, `2m`, `6h`, `1d`.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use weir_model::DurationMs;

/// A length of time from one second to a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval(pub Duration);

const SECONDS_MAX: u64 = 366 * 86_400;

impl Interval {
    /// How long it is.
    pub fn length(self) -> DurationMs {
        DurationMs(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.trim().split_at(digits);
        let unit_seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        let seconds = number.parse::<u64>().ok()?.checked_mul(unit_seconds)?;
        (1..=SECONDS_MAX).contains(&seconds).then(|| Self(Duration::from_secs(seconds)))
    }
}

impl JsonSchema for Interval {
    fn schema_name() -> Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^ *[0-9]+ *[smhd] *$", "examples": ["30s", "2m", "6h", "1d"] })
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error =
            || serde::de::Error::custom(format!("`{text}` is no length of time; write `30s`, `2m`, `6h` or `1d`"));
        Self::parse(&text).ok_or_else(error)
    }
}
