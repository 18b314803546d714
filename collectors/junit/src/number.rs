//! Durations as runners write them.
//!
//! Invariant: what is not plainly a duration is none; a comma that may be a decimal one is not guessed at.

/// Milliseconds of seconds with a fraction: "1.5", "1,234.5".
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let plain = match (text.contains(','), text.contains('.')) {
        (true, false) => return None,
        (true, true) => text.replace(',', ""),
        (false, _) => text.to_owned(),
    };
    rounded(plain.parse::<f64>().ok()? * 1000.0)
}

/// Milliseconds of "hh:mm:ss.fffffff", with days in front or not: "1.02:03:04.5".
pub(crate) fn clock(text: &str) -> Option<u64> {
    let (hours, rest) = text.trim().split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let whole = |text: &str| text.parse::<u32>().ok().map(f64::from);
    let minutes = (whole(days)? * 24.0 + whole(hours)?) * 60.0 + whole(minutes)?;
    rounded((minutes * 60.0 + seconds.parse::<f64>().ok()?) * 1000.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn rounded(ms: f64) -> Option<u64> {
    (0.0..9e15).contains(&ms).then_some(ms.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_every_runner() {
        let texts = ["0", "1.5", "0.0005", "1,234.5", "1,234", "-345345", "", "NaN", "1e400", " 2 "];
        let read = [Some(0), Some(1500), Some(1), Some(1_234_500), None, None, None, None, None, Some(2000)];
        assert_eq!(texts.map(seconds), read);
        let texts = ["00:00:00.0200000", "01:02:03", "1.00:00:00.5", "00:00", "a:b:c", "-1:0:0"];
        assert_eq!(texts.map(clock), [Some(20), Some(3_723_000), Some(86_400_500), None, None, None]);
    }
}
