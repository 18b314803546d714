//! How long to wait after a failure.
//!
//! Invariant: a wait is never shorter than the host asked for, as long as the host asks for no more than `asked_max`.

use std::time::Duration;

/// Exponential back-off with full jitter.
#[derive(Debug, Clone)]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub first: Duration,
    /// Upper bound of every wait.
    pub most: Duration,
    /// Longest `Retry-After` that is believed.
    pub asked_max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), most: Duration::from_mins(5), asked_max: Duration::from_hours(1) }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row. `chance` is uniform over all values; it keeps collectors that
    /// failed together from coming back together.
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>, chance: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let bound = self.first.saturating_mul(doubled).min(self.most);
        // Half is fixed and half is chance, so that a host that is down is never asked in a tight loop.
        let jittered = bound / 2 + (bound / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX));
        asked.map_or(jittered, |asked| asked.min(self.asked_max).max(jittered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_honours_the_host() {
        let backoff = Backoff::default();
        let waits = |chance| [1, 2, 3, 9, 10, 99].map(|failures| backoff.wait(failures, None, chance).as_millis());
        assert_eq!(waits(0), [500, 1_000, 2_000, 128_000, 150_000, 150_000]);
        assert_eq!(waits(u32::MAX), [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
        let asked = |seconds| backoff.wait(1, Some(Duration::from_secs(seconds)), 0).as_millis();
        assert_eq!([asked(0), asked(30), asked(3_600), asked(3_601)], [500, 30_000, 3_600_000, 3_600_000]);
    }
}
