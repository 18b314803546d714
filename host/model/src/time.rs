//! Instants and lengths of time. An instant keeps the offset its source wrote, for that is lost knowledge otherwise;
//! comparing, ordering and storing go by the instant alone.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text or number that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It names a local time and no zone; assuming one would invent a fact.
    #[error("`{0}` has no offset from UTC")]
    NoOffset(String),
    /// It is no time at all.
    #[error("`{0}` is no time")]
    NotATime(String),
    /// It stands for "never" in the tool: 0, or the year 1.
    #[error("`{0}` stands for no time")]
    Unset(String),
}

/// An instant in milliseconds since 1970-01-01T00:00:00Z, with the offset from UTC that its source wrote.
///
/// In documents it is RFC 3339 text with milliseconds, `2024-03-01T09:30:00.000+01:00`; whole numbers of
/// milliseconds are read too.
#[derive(Debug, Clone, Copy)]
pub struct Timestamp {
    ms: i64,
    offset_minutes: i16,
}

impl Timestamp {
    /// Earliest instant that can be written: year -9999.
    const MS_MIN: i64 = -377_705_023_201_000;
    /// Latest instant that can be written: year 9999.
    const MS_MAX: i64 = 253_402_207_200_999;

    /// An instant in UTC. Values out of the years -9999 to 9999 are moved to the nearest one in range.
    pub fn from_ms(ms: i64) -> Self {
        Self { ms: ms.clamp(Self::MS_MIN, Self::MS_MAX), offset_minutes: 0 }
    }

    /// Milliseconds since the epoch.
    pub fn ms(self) -> i64 {
        self.ms
    }

    /// Minutes east of UTC that the source wrote; 0 when it wrote UTC or a number.
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    /// The same instant later by `duration`.
    #[must_use]
    pub fn plus(self, duration: DurationMs) -> Self {
        let ms = i64::try_from(duration.0).unwrap_or(i64::MAX);
        Self { ms: self.ms.saturating_add(ms).min(Self::MS_MAX), ..self }
    }

    /// Time from `earlier` to this; none when that lies after it.
    pub fn since(self, earlier: Self) -> Option<DurationMs> {
        u64::try_from(self.ms.checked_sub(earlier.ms)?).ok().map(DurationMs)
    }

    /// Reads an epoch number by its size: 9 or 10 digits are seconds, 12 or 13 milliseconds, 16 microseconds,
    /// 19 nanoseconds.
    pub fn from_epoch(number: i64) -> Result<Self, TimeError> {
        let ms = match number.unsigned_abs() {
            0 => return Err(TimeError::Unset("0".to_owned())),
            100_000_000..=99_999_999_999 => number.saturating_mul(1_000),
            100_000_000_000..=99_999_999_999_999 => number,
            1_000_000_000_000_000..=9_999_999_999_999_999 => number / 1_000,
            1_000_000_000_000_000_000.. => number / 1_000_000,
            _ => return Err(TimeError::NotATime(number.to_string())),
        };
        Ok(Self::from_ms(ms))
    }

    fn from_jiff(instant: jiff::Timestamp, offset: Offset) -> Self {
        let offset_minutes = i16::try_from(offset.seconds() / 60).unwrap_or(0);
        Self { ms: instant.as_millisecond(), offset_minutes }
    }

    fn in_source_offset(self) -> jiff::Zoned {
        let offset = Offset::from_seconds(i32::from(self.offset_minutes) * 60).unwrap_or(Offset::UTC);
        let instant = jiff::Timestamp::from_millisecond(self.ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        instant.to_zoned(offset.to_time_zone())
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Reads the spellings tools use: RFC 3339, `+0000` offsets, a blank in place of `T`, RFC 2822, epoch digits.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        if let Ok(number) = text.parse() {
            return Self::from_epoch(number);
        }
        if text.starts_with("0001-01-01") || text.starts_with("0000-00-00") {
            return Err(TimeError::Unset(text.to_owned()));
        }
        from_iso(text).or_else(|error| from_rfc2822(text).ok_or(error))
    }
}

fn from_iso(text: &str) -> Result<Timestamp, TimeError> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    // ISO 8601 in the wild: "2016-05-02 16:06:28 +0200", "2016-05-02T16:06:28.639 UTC".
    let zulu = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT"));
    let spelled = zulu.map_or_else(|| squeeze_offset(text), |local| format!("{local}Z"));
    let pieces = PARSER.parse_pieces(&spelled).map_err(|_| TimeError::NotATime(text.to_owned()))?;
    let Some(offset) = pieces.to_numeric_offset() else { return Err(TimeError::NoOffset(text.to_owned())) };
    let time = pieces.time().ok_or_else(|| TimeError::NotATime(text.to_owned()))?;
    let instant = offset.to_timestamp(pieces.date().to_datetime(time));
    Ok(Timestamp::from_jiff(instant.map_err(|_| TimeError::NotATime(text.to_owned()))?, offset))
}

/// "... +0200" to "...+0200": the blank before an offset is common and not ISO.
fn squeeze_offset(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((local, offset)) if offset.starts_with(['+', '-']) => format!("{local}{offset}"),
        _ => text.to_owned(),
    }
}

fn from_rfc2822(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_jiff(zoned.timestamp(), zoned.offset()))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zoned = self.in_source_offset();
        let format = if self.offset_minutes == 0 { "%Y-%m-%dT%H:%M:%S.%3fZ" } else { "%Y-%m-%dT%H:%M:%S.%3f%:z" };
        write!(f, "{}", zoned.strftime(format))
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.ms == other.ms
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.ms.cmp(&other.ms)
    }
}

impl std::hash::Hash for Timestamp {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.ms.hash(state);
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Spelling<'a> {
            Ms(i64),
            #[serde(borrow)]
            Text(std::borrow::Cow<'a, str>),
        }
        match Spelling::deserialize(deserializer)? {
            Spelling::Ms(ms) => Ok(Self::from_ms(ms)),
            Spelling::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 instant; the offset is the one the source wrote. Whole milliseconds since the epoch are read too.",
        })
    }
}

/// Length of time in whole milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DurationMs(pub u64);

impl fmt::Display for DurationMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
    fn check(texts: &[&str], expected: Expect) {
        let line = |text: &&str| match text.parse::<Timestamp>() {
            Ok(time) => format!("{text} -> {time} ({})\n", time.ms()),
            Err(error) => format!("{text} -> {error}\n"),
        };
        expected.assert_eq(&texts.iter().map(line).collect::<String>());
    }

    #[test]
    fn reads_the_spellings_of_tools() {
        let texts = [
            "2024-03-01T09:30:00Z",
            "2016-05-02T16:06:28.639+1000",
            "2021-11-29 14:20:33 -0700",
            "2021-11-29T14:20:33 UTC",
            "Mon, 29 Nov 2021 14:20:33 +0100",
            "1680006843",
            "1680006843000",
        ];
        check(
            &texts,
            expect![[r"
            2024-03-01T09:30:00Z -> 2024-03-01T09:30:00.000Z (1709285400000)
            2016-05-02T16:06:28.639+1000 -> 2016-05-02T16:06:28.639+10:00 (1462169188639)
            2021-11-29 14:20:33 -0700 -> 2021-11-29T14:20:33.000-07:00 (1638220833000)
            2021-11-29T14:20:33 UTC -> 2021-11-29T14:20:33.000Z (1638195633000)
            Mon, 29 Nov 2021 14:20:33 +0100 -> 2021-11-29T14:20:33.000+01:00 (1638192033000)
            1680006843 -> 2023-03-28T12:34:03.000Z (1680006843000)
            1680006843000 -> 2023-03-28T12:34:03.000Z (1680006843000)
        "]],
        );
    }

    #[test]
    fn refuses_what_would_invent_a_fact() {
        check(
            &["2024-03-01T09:30:00", "0001-01-01T00:00:00Z", "0", "soon", "42", ""],
            expect![[r"
            2024-03-01T09:30:00 -> `2024-03-01T09:30:00` has no offset from UTC
            0001-01-01T00:00:00Z -> `0001-01-01T00:00:00Z` stands for no time
            0 -> `0` stands for no time
            soon -> `soon` is no time
            42 -> `42` is no time
             -> `` is no time
        "]],
        );
    }

    #[test]
    fn a_document_gives_back_what_it_took() {
        let time: Timestamp = serde_json::from_str("\"2016-05-02T16:06:28.639+1000\"").unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2016-05-02T16:06:28.639+10:00\"");
        assert_eq!(serde_json::from_str::<Timestamp>("1462169188639").unwrap(), time);
    }
}
