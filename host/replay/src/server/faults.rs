//! What can go wrong with an answer, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::random::Random;

/// One way of failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A secondary rate limit: 403 or 429 with `Retry-After`.
    Throttled {
        /// 403 or 429.
        status: u16,
        /// What `Retry-After` says, in seconds.
        retry_after_s: u64,
    },
    /// Another status, with a page of HTML as proxies send it.
    Status(u16),
    /// Half the body, then the connection is closed.
    Closed,
    /// Half the body, as if that were all.
    Truncated,
    /// 200 with a body that is no JSON.
    NotJson,
    /// 200 with JSON that is not the answer, as some gateways report errors.
    OtherJson,
    /// The right answer, late.
    Slow(Duration),
}

/// When to make which fault.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    at: BTreeMap<u64, Fault>,
    on: Vec<Rule>,
    by_chance: Option<Chance>,
}

#[derive(Debug, Clone)]
struct Rule {
    part: String,
    fault: Fault,
    times: u32,
}

#[derive(Debug, Clone, Copy)]
struct Chance {
    seed: u64,
    percent: i64,
}

/// What a client can get over by trying again; nothing that looks like an answer.
const PASSING: [Fault; 5] = [
    Fault::Throttled { status: 429, retry_after_s: 1 },
    Fault::Throttled { status: 403, retry_after_s: 1 },
    Fault::Status(502),
    Fault::Status(503),
    Fault::Closed,
];

impl Faults {
    /// None at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Makes `fault` at the request of this number, counted from 1.
    #[must_use]
    pub fn at(mut self, number: u64, fault: Fault) -> Self {
        self.at.insert(number, fault);
        self
    }

    /// Makes `fault` at the first `times` requests whose path and query contain `part`.
    #[must_use]
    pub fn on(mut self, part: &str, fault: Fault, times: u32) -> Self {
        self.add(part, fault, times);
        self
    }

    /// Makes passing faults at `percent` of the requests, always the same ones for a seed.
    #[must_use]
    pub fn by_chance(mut self, seed: u64, percent: u8) -> Self {
        self.by_chance = Some(Chance { seed, percent: i64::from(percent) });
        self
    }

    pub(super) fn add(&mut self, part: &str, fault: Fault, times: u32) {
        self.on.push(Rule { part: part.to_owned(), fault, times });
    }

    pub(super) fn draw(&mut self, number: u64, path: &str) -> Option<Fault> {
        if let Some(fault) = self.at.remove(&number) {
            return Some(fault);
        }
        if let Some(rule) = self.on.iter_mut().find(|rule| rule.times > 0 && path.contains(&rule.part)) {
            rule.times -= 1;
            return Some(rule.fault);
        }
        let Chance { seed, percent } = self.by_chance?;
        let mut random = Random::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.chance(percent).then(|| *random.pick(&PASSING))
    }
}
