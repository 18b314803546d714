//! Reads what a tool says about its limits. Pure. Tools spell it in a dozen ways; what cannot be read is left out.

use http::StatusCode;
use http::header::{DATE, HeaderMap, RETRY_AFTER};
use weir_model::{DurationMs, Timestamp};

/// GitHub's wait for its secondary limits when the answer names none.
const SECONDARY_WAIT_MS: u64 = 60_000;
/// Part of a refusal that is searched for the word of a limit.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;
/// Clocks closer than this are taken for equal.
const SKEW_MS_MIN: u64 = 5_000;

/// What one response said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signal {
    /// Name of the limit where a tool has several: "core", "search"; empty where it has one.
    pub(crate) resource: String,
    /// State of that limit.
    pub(crate) window: Option<Window>,
    /// The request was turned away because of a limit.
    pub(crate) stop: Option<Stop>,
}

/// A limit that fills up again at a known time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) limit: Option<u64>,
    pub(crate) remaining: u64,
    pub(crate) reset_at: Timestamp,
}

/// How long to stay away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Until(Timestamp),
    /// The tool did not say.
    Unsaid,
}

/// Reads a response that came at `now`.
pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Signal {
    let reading = Reading { headers, now };
    let window = reading.window();
    let resource = reading.text("x-ratelimit-resource").unwrap_or_default();
    let stop = reading.stop(status, body, window.as_ref());
    Signal { resource: resource.chars().take(64).collect(), window, stop }
}

struct Reading<'a> {
    headers: &'a HeaderMap,
    now: Timestamp,
}

impl Reading<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    fn stop(&self, status: StatusCode, body: &[u8], window: Option<&Window>) -> Option<Stop> {
        let asked = self.text(RETRY_AFTER.as_str()).and_then(|text| self.instant(text));
        let spent = window.filter(|window| window.remaining == 0).map(|window| window.reset_at);
        match status {
            StatusCode::TOO_MANY_REQUESTS => Some(asked.or(spent).map_or(Stop::Unsaid, Stop::Until)),
            StatusCode::SERVICE_UNAVAILABLE => asked.map(Stop::Until),
            StatusCode::FORBIDDEN => {
                let secondary = || speaks_of_a_limit(body).then(|| self.now.plus(DurationMs(SECONDARY_WAIT_MS)));
                asked.or(spent).or_else(secondary).map(Stop::Until)
            }
            _ => None,
        }
    }

    fn window(&self) -> Option<Window> {
        const FAMILIES: [&str; 3] = ["x-ratelimit-", "ratelimit-", "x-rate-limit-"];
        FAMILIES.iter().find_map(|family| self.family(family)).or_else(|| self.structured())
    }

    fn family(&self, family: &str) -> Option<Window> {
        let part = |name: &str| self.text(&format!("{family}{name}"));
        let remaining = whole(part("remaining")?)?;
        let reset_at = self.instant(part("reset")?)?;
        Some(Window { limit: part("limit").and_then(whole), remaining, reset_at })
    }

    /// `RateLimit: "default";r=50;t=30`, and the older `limit=100, remaining=50, reset=30`.
    fn structured(&self) -> Option<Window> {
        let text = self.text("ratelimit")?;
        let part = |names: [&str; 2]| {
            let mut pairs = text.split([';', ',']).filter_map(|pair| pair.split_once('='));
            pairs.find(|(name, _)| names.contains(&name.trim())).and_then(|(_, value)| whole(value))
        };
        let reset = part(["t", "reset"])?;
        let reset_at = self.now.plus(DurationMs(reset.saturating_mul(1_000)));
        Some(Window { limit: part(["q", "limit"]), remaining: part(["r", "remaining"])?, reset_at })
    }

    /// Reads a wait or a time: seconds from now, seconds or milliseconds since the epoch, a date. Times are of the
    /// tool's clock and moved to ours.
    fn instant(&self, text: &str) -> Option<Timestamp> {
        match text.parse::<f64>() {
            Ok(number) if (0.0..1e8).contains(&number) => {
                let wait = std::time::Duration::from_secs_f64(number).as_millis();
                Some(self.now.plus(DurationMs(u64::try_from(wait).ok()?)))
            }
            Ok(number) if number < 0.0 || !number.is_finite() => None,
            _ => text.parse().ok().map(|at| self.to_our_clock(at)),
        }
    }

    fn to_our_clock(&self, at: Timestamp) -> Timestamp {
        let Some(theirs) = self.text(DATE.as_str()).and_then(|date| date.parse::<Timestamp>().ok()) else { return at };
        let skew_ms = self.now.ms() - theirs.ms();
        if skew_ms.unsigned_abs() < SKEW_MS_MIN { at } else { Timestamp::from_ms(at.ms().saturating_add(skew_ms)) }
    }
}

fn whole(text: &str) -> Option<u64> {
    // Some tools list several limits: "100, 100;w=60".
    text.split([',', ';']).next()?.trim().parse().ok()
}

fn speaks_of_a_limit(body: &[u8]) -> bool {
    let start = &body[..body.len().min(REFUSAL_BYTES_MAX)];
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    ["secondary rate limit", "rate limit exceeded", "abuse detection"].iter().any(|words| text.contains(words))
}

#[cfg(test)]
#[path = "tests/rate.rs"]
mod tests;
