//! Settings that many connectors have.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use weir_model::Timestamp;

/// Earliest time of interest: a day, `2025-01-01`, or an instant, `2025-01-01T08:00:00+01:00`. A day begins in UTC.
///
/// ```
/// use weir_sdk::settings::Since;
///
/// let since: Since = serde_json::from_str(r#""2025-01-01""#).unwrap();
/// assert_eq!(since.ms(), 1_735_689_600_000);
/// assert!(serde_json::from_str::<Since>(r#""new year""#).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Since(Timestamp);

impl Since {
    /// In milliseconds.
    pub fn ms(self) -> i64 {
        self.0.ms()
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SinceVisitor)
    }
}

struct SinceVisitor;

impl Visitor<'_> for SinceVisitor {
    type Value = Since;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day like 2025-01-01, or an instant")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Since, E> {
        let is_day = text.len() == "2025-01-01".len();
        let instant = if is_day { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let unreadable = |_| E::custom(format!("`since` is `{text}`; write it like 2025-01-01"));
        instant.parse().map(Since).map_err(unreadable)
    }
}
