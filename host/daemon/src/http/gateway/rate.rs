//! How often a caller may ask: an allowance that fills up again at a steady rate. Kept for each caller is one instant,
//! that at which its allowance is whole again; one whose instant has passed needs no entry.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Callers that are known at a time before those with a whole allowance are forgotten.
const CALLERS_MAX: usize = 10_000;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    /// The public part of a key.
    Key(String),
    /// An address; of IPv6 the network, which is one customer's.
    Address(IpAddr),
}

impl Caller {
    /// The caller at an address.
    pub(super) fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self::Address(IpAddr::from((u128::from(address) >> 64 << 64).to_be_bytes())),
            address @ IpAddr::V4(_) => Self::Address(address),
        }
    }
}

/// What is left to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// Requests it may send now.
    pub(super) requests: u32,
    /// Time until its allowance is whole again.
    pub(super) whole_in: Duration,
}

/// Allowances of all callers.
pub(super) struct Allowances {
    /// Requests of a whole allowance.
    pub(super) burst: u32,
    /// Time in which one request comes back.
    every: Duration,
    whole_at: Mutex<BTreeMap<Caller, Instant>>,
}

impl Allowances {
    /// Allowances of `burst` requests that fill up by `per_second`; both at least 1.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        let (every, burst) = (Duration::from_secs(1) / per_second.max(1), burst.max(1));
        Self { burst, every, whole_at: Mutex::default() }
    }

    /// Takes `n` requests of a caller's allowance, none when it does not hold them: then the time until it does.
    pub(super) fn take(&self, caller: &Caller, n: u32, now: Instant) -> Result<Left, Duration> {
        let whole = self.every * self.burst;
        let mut all = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_in = all.get(caller).map_or(Duration::ZERO, |at| at.saturating_duration_since(now)) + self.every * n;
        match whole_in.checked_sub(whole) {
            Some(over) if over > Duration::ZERO => return Err(over),
            _ if n > 0 => put(&mut all, caller, now + whole_in, now),
            _ => {}
        }
        let requests = whole.saturating_sub(whole_in).as_nanos() / self.every.as_nanos();
        Ok(Left { requests: u32::try_from(requests).unwrap_or(u32::MAX), whole_in })
    }

    /// Takes `n` requests whatever the caller has, at most until it has nothing.
    pub(super) fn charge(&self, caller: &Caller, n: u32, now: Instant) {
        let mut all = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_in = all.get(caller).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        // One beyond the whole: nothing can be taken, not even by those who take none.
        let spent = (whole_in + self.every * n).min(self.every * (self.burst + 1));
        put(&mut all, caller, now + spent, now);
    }
}

fn put(all: &mut BTreeMap<Caller, Instant>, caller: &Caller, whole_at: Instant, now: Instant) {
    if all.len() >= CALLERS_MAX {
        all.retain(|_, at| *at > now);
    }
    if all.len() >= CALLERS_MAX {
        // So many at a time are no customers: whoever comes first by name makes room.
        all.pop_first();
    }
    all.insert(caller.clone(), whole_at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_spent_and_fills_up_again() {
        let (all, begin) = (Allowances::new(10, 3), Instant::now());
        let after = |ms| begin + Duration::from_millis(ms);
        let key = Caller::Key("a".to_owned());
        let left = |at_ms| all.take(&key, 1, after(at_ms)).map(|left| left.requests);
        assert_eq!([left(0), left(0), left(0)], [Ok(2), Ok(1), Ok(0)]);
        assert_eq!(left(0), Err(Duration::from_millis(100)));
        assert_eq!(left(99), Err(Duration::from_millis(1)));
        assert_eq!(left(100), Ok(0));
        assert_eq!(left(1_000), Ok(2));
        assert_eq!(all.take(&Caller::at([10, 0, 0, 1].into()), 1, begin).map(|left| left.requests), Ok(2));
    }

    #[test]
    fn what_was_charged_stops_even_those_who_take_nothing() {
        let (all, now) = (Allowances::new(10, 3), Instant::now());
        let caller = Caller::at([10, 0, 0, 1].into());
        assert_eq!(all.take(&caller, 0, now).map(|left| left.requests), Ok(3));
        all.charge(&caller, 1_000, now);
        assert_eq!(all.take(&caller, 0, now), Err(Duration::from_millis(100)));
        assert!(all.take(&caller, 0, now + Duration::from_millis(100)).is_ok());
    }

    #[test]
    fn callers_without_end_take_no_memory_without_end() {
        let (all, begin) = (Allowances::new(1, 1), Instant::now());
        for n in 0..CALLERS_MAX + 10 {
            assert!(all.take(&Caller::Key(n.to_string()), 1, begin).is_ok());
        }
        assert_eq!(all.whole_at.lock().unwrap().len(), CALLERS_MAX);
        assert!(all.take(&Caller::Key("later".to_owned()), 1, begin + Duration::from_secs(2)).is_ok());
        assert_eq!(all.whole_at.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let at = |text: &str| Caller::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
    }
}
