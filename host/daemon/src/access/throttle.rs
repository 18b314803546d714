//! Log-ins that failed make the next ones slow: those from the same address by much, those of the same name from
//! elsewhere by little, so that nobody can lock out somebody else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_model::Timestamp;

/// Failures that cost nothing.
const FREE: u32 = 3;
/// Longest wait of an address, in milliseconds.
const ADDRESS_MS_MAX: u64 = 8_000;
/// Longest wait for a name, in milliseconds.
const NAME_MS_MAX: u64 = 1_000;
/// First wait, in milliseconds; it doubles with each failure.
const FIRST_MS: u64 = 125;
/// Failures are forgotten after this time without another one, in milliseconds.
const FORGOTTEN_MS: u64 = 15 * 60_000;
/// Most attempts of one address that wait at a time.
const WAITING_MAX: u32 = 5;
/// Most names and addresses that are remembered.
const ENTRIES_MAX: usize = 20_000;

/// Failures by name and by address.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<BTreeMap<(Kind, String), Failures>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Address,
    Name,
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    n: u32,
    waiting: u32,
    at: Option<Timestamp>,
}

/// An attempt that waits, or is looked at. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Attempt<'t> {
    throttle: &'t Throttle,
    address: String,
    name: String,
    /// How long it has to wait.
    pub(crate) delay: Duration,
}

impl Throttle {
    /// Begins an attempt; none when too many of the address wait already.
    pub(crate) fn begin(&self, address: &str, name: &str, now: Timestamp) -> Option<Attempt<'_>> {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |it: &Failures| it.at.and_then(|at| now.since(at)).is_some_and(|ago| ago.0 < FORGOTTEN_MS);
        if failures.len() >= ENTRIES_MAX {
            failures.retain(|_, it| it.waiting > 0 || is_recent(it));
        }
        let n = |kind, name: &str| {
            failures.get(&(kind, name.to_owned())).filter(|it| is_recent(it)).map_or(0, |failures| failures.n)
        };
        let delay = wait_ms(n(Kind::Address, address), ADDRESS_MS_MAX).max(wait_ms(n(Kind::Name, name), NAME_MS_MAX));
        let own = failures.entry((Kind::Address, address.to_owned())).or_default();
        if !is_recent(own) {
            own.n = 0;
        }
        if own.waiting >= WAITING_MAX {
            return None;
        }
        own.waiting += 1;
        let delay = Duration::from_millis(delay);
        Some(Attempt { throttle: self, address: address.to_owned(), name: name.to_owned(), delay })
    }
}

impl Attempt<'_> {
    /// Notes that it failed.
    pub(crate) fn failed(self, now: Timestamp) {
        let mut failures = self.throttle.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = failures.len() < ENTRIES_MAX;
        for key in [(Kind::Address, self.address.clone()), (Kind::Name, self.name.clone())] {
            if room || failures.contains_key(&key) {
                let own = failures.entry(key).or_default();
                own.n = own.n.saturating_add(1);
                own.at = Some(now);
            }
        }
    }

    /// Notes that it was the right one. Its address stays slow, for it may have tried other names.
    pub(crate) fn succeeded(self) {
        let mut failures = self.throttle.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&(Kind::Name, self.name.clone()));
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut failures = self.throttle.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Kind::Address, std::mem::take(&mut self.address));
        if let Some(own) = failures.get_mut(&key) {
            own.waiting = own.waiting.saturating_sub(1);
            if own.waiting == 0 && own.n == 0 {
                failures.remove(&key);
            }
        }
    }
}

fn wait_ms(n: u32, most: u64) -> u64 {
    match n.checked_sub(FREE) {
        None => 0,
        Some(over) => FIRST_MS.saturating_mul(1 << over.min(16)).min(most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(throttle: &Throttle, address: &str, name: &str, times: usize) {
        for _ in 0..times {
            throttle.begin(address, name, Timestamp::from_ms(0)).unwrap().failed(Timestamp::from_ms(0));
        }
    }

    fn delay(throttle: &Throttle, address: &str, name: &str, at_ms: i64) -> u128 {
        throttle.begin(address, name, Timestamp::from_ms(at_ms)).unwrap().delay.as_millis()
    }

    #[test]
    fn failures_slow_their_address_much_and_their_name_little() {
        let throttle = Throttle::default();
        fail(&throttle, "1.1.1.1", "ana", 2);
        assert_eq!(delay(&throttle, "1.1.1.1", "ana", 1), 0);
        fail(&throttle, "1.1.1.1", "ana", 100);
        assert_eq!(delay(&throttle, "1.1.1.1", "ana", 1), 8_000);
        assert_eq!(delay(&throttle, "1.1.1.1", "bo", 1), 8_000);
        assert_eq!(delay(&throttle, "2.2.2.2", "ana", 1), 1_000);
        assert_eq!(delay(&throttle, "2.2.2.2", "bo", 1), 0);
        assert_eq!(delay(&throttle, "1.1.1.1", "ana", 16 * 60_000), 0);
    }

    #[test]
    fn the_right_password_frees_the_name_and_not_the_address() {
        let throttle = Throttle::default();
        fail(&throttle, "1.1.1.1", "ana", 10);
        throttle.begin("2.2.2.2", "ana", Timestamp::from_ms(1)).unwrap().succeeded();
        assert_eq!(delay(&throttle, "2.2.2.2", "ana", 2), 0);
        assert_eq!(delay(&throttle, "1.1.1.1", "ana", 2), 8_000);
    }

    #[test]
    fn an_address_waits_a_few_times_at_once() {
        let throttle = Throttle::default();
        let now = Timestamp::from_ms(0);
        let waiting: Vec<_> = (0..5).map(|_| throttle.begin("1.1.1.1", "ana", now).unwrap()).collect();
        assert!(throttle.begin("1.1.1.1", "ana", now).is_none());
        assert!(throttle.begin("2.2.2.2", "ana", now).is_some());
        drop(waiting);
        assert!(throttle.begin("1.1.1.1", "ana", now).is_some());
    }
}
