//! Instants and lengths of time. An instant keeps the offset its source wrote, for that is lost knowledge otherwise;
//! comparing, ordering and storing go by the instant alone.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::de::Visitor;
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
    const MS_MAX: i64 = 253_402_207_200_000;

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

    /// The same instant, written with an offset from UTC in minutes.
    #[must_use]
    pub fn at_offset(self, offset_minutes: i16) -> Self {
        Self { offset_minutes, ..self }
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

    /// Date and time of day where the source is.
    fn local(self) -> DateTime {
        let offset = Offset::from_seconds(i32::from(self.offset_minutes) * 60).unwrap_or(Offset::UTC);
        let instant = jiff::Timestamp::from_millisecond(self.ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        offset.to_datetime(instant)
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
        if let Some(time) = from_zulu(text.as_bytes()) {
            return Ok(time);
        }
        from_iso(text).or_else(|error| from_rfc2822(text).ok_or(error))
    }
}

/// `2024-03-01T09:30:00Z`, with or without milliseconds: what nearly all tools write. None: look closer.
fn from_zulu(text: &[u8]) -> Option<Timestamp> {
    let (date_time, fraction) = text.split_at_checked(19)?;
    let number = |from: usize, to: usize| digits(&date_time[from..to]);
    let ms = match fraction {
        b"Z" => 0,
        [b'.', ms @ .., b'Z'] if ms.len() == 3 => digits(ms)?,
        _ => return None,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(place, mark)| date_time[*place] != *mark) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, small(number(5, 7)?)?, small(number(8, 10)?)?);
    let (hour, minute, second) = (small(number(11, 13)?)?, small(number(14, 16)?)?, small(number(17, 19)?)?);
    let local = DateTime::new(year, month, day, hour, minute, second, i32::from(ms) * 1_000_000).ok()?;
    Offset::UTC.to_timestamp(local).ok().map(|instant| Timestamp::from_jiff(instant, Offset::UTC))
}

/// A number of at most four digits and nothing else.
fn digits(text: &[u8]) -> Option<i16> {
    text.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0')))
}

fn small(number: i16) -> Option<i8> {
    i8::try_from(number).ok()
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
        let local = self.local();
        // Digits by hand: every document has several instants, and the general way costs more than the rest of it.
        let mut text = *b"0000-00-00T00:00:00.000";
        put(&mut text[..4], local.year().unsigned_abs());
        let parts = [local.month(), local.day(), local.hour(), local.minute(), local.second()];
        for (part, start) in parts.into_iter().zip([5, 8, 11, 14, 17]) {
            put(&mut text[start..start + 2], part.unsigned_abs().into());
        }
        put(&mut text[20..], local.millisecond().unsigned_abs());
        f.write_str(if local.year() < 0 { "-" } else { "" })?;
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)?;
        let minutes = self.offset_minutes.unsigned_abs();
        match self.offset_minutes {
            0 => f.write_str("Z"),
            1.. => write!(f, "+{:02}:{:02}", minutes / 60, minutes % 60),
            _ => write!(f, "-{:02}:{:02}", minutes / 60, minutes % 60),
        }
    }
}

/// Writes a number over all of `place`, with leading zeros.
fn put(place: &mut [u8], mut number: u16) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[usize::from(number % 10)];
        number /= 10;
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
        deserializer.deserialize_any(Spelling)
    }
}

/// An instant as text, or as a whole number of milliseconds.
struct Spelling;

impl Visitor<'_> for Spelling {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant as text, or in milliseconds")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, ms: i64) -> Result<Timestamp, E> {
        Ok(Timestamp::from_ms(ms))
    }

    fn visit_u64<E: serde::de::Error>(self, ms: u64) -> Result<Timestamp, E> {
        i64::try_from(ms).map(Timestamp::from_ms).map_err(E::custom)
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

    /// As the general way writes it.
    fn general(time: Timestamp) -> String {
        let offset = Offset::from_seconds(i32::from(time.offset_minutes) * 60).unwrap();
        let zoned = jiff::Timestamp::from_millisecond(time.ms).unwrap().to_zoned(offset.to_time_zone());
        let offset = if time.offset_minutes == 0 { "Z" } else { "%:z" };
        zoned.strftime(&format!("%Y-%m-%dT%H:%M:%S.%3f{offset}")).to_string()
    }

    #[test]
    fn the_quick_ways_agree_with_the_general_ones() {
        let edges = [Timestamp::MS_MIN, -1, 0, 951_782_400_000, 1_709_164_800_000 - 1, Timestamp::MS_MAX];
        for ms in edges.into_iter().chain((-1_000..1_000).map(|step| step * 31_556_952_789 / 7)) {
            for offset_minutes in [0, 1, -30, 330, -420] {
                let time = Timestamp { ms, offset_minutes };
                let written = time.to_string();
                assert_eq!(written, general(time));
                let quick = from_zulu(written.as_bytes());
                assert_eq!(quick.is_some(), offset_minutes == 0 && ms > -62_167_219_200_000, "{written}");
                assert!(quick.is_none_or(|quick| quick == time && from_iso(&written) == Ok(time)), "{written}");
            }
        }
        for odd in ["2024-02-30T00:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.12Z", "2024-01-01 00:00:00Z"] {
            assert_eq!(from_zulu(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn a_document_gives_back_what_it_took() {
        let time: Timestamp = serde_json::from_str("\"2016-05-02T16:06:28.639+1000\"").unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2016-05-02T16:06:28.639+10:00\"");
        assert_eq!(serde_json::from_str::<Timestamp>("1462169188639").unwrap(), time);
    }
}
