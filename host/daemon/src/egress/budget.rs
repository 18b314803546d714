//! Rate budgets: one per origin and credential, shared by all connections that use both. A request claims before
//! it is sent and what its response says is noted; between the two nothing is held.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::Timestamp;

use super::rate::{Signal, Stop, Window};

/// Limits and paths a budget learns; a tool has a handful.
const WINDOWS_MAX: usize = 32;
const LANES_MAX: usize = 64;

/// State of one limit of one tool.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BudgetStatus {
    /// Such as `https://api.github.com`.
    pub origin: String,
    /// Name of the limit where the tool has several; empty where it has one.
    pub resource: String,
    /// Requests in a window, where the tool says so.
    pub limit: Option<u64>,
    /// Requests left; none when the tool does not count.
    pub remaining: Option<u64>,
    /// When the window fills up again.
    pub reset_at: Option<Timestamp>,
    /// Nothing is sent before this.
    pub waiting_until: Option<Timestamp>,
}

/// All budgets, by origin and fingerprint of the credential. One outlives its connections for as long as it knows
/// something: a tool that asked for an hour of silence gets it, however often a connection is made anew.
#[derive(Default)]
pub(crate) struct Budgets(Mutex<BTreeMap<BudgetKey, Arc<Budget>>>);

type BudgetKey = (String, [u8; 32]);

impl Budgets {
    /// The budget of `credential` at `origin`, made when it is new.
    pub(crate) fn of(&self, origin: &str, credential: [u8; 32], now: Timestamp) -> Arc<Budget> {
        let mut all = self.0.lock().expect("nothing panics while it is held");
        all.retain(|_, budget| Arc::strong_count(budget) > 1 || budget.matters(now));
        let new = || Arc::new(Budget { origin: origin.to_owned(), state: Mutex::default() });
        all.entry((origin.to_owned(), credential)).or_insert_with(new).clone()
    }

    /// What is known about every limit, by origin.
    pub(crate) fn status(&self, now: Timestamp) -> Vec<BudgetStatus> {
        let all = self.0.lock().expect("nothing panics while it is held");
        all.values().flat_map(|budget| budget.status(now)).collect()
    }
}

/// What one credential may still do at one origin.
pub(crate) struct Budget {
    origin: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By name of the limit.
    windows: BTreeMap<String, Window>,
    /// First segment of a path to the limit it was last counted under.
    lanes: BTreeMap<String, String>,
    blocked_until: Option<Timestamp>,
}

impl Budget {
    /// Takes one request out of the budget, or says until when to wait. `share_percent` of a window may be used.
    pub(crate) fn claim(&self, lane: &str, share_percent: u8, now: Timestamp) -> Result<(), Timestamp> {
        let mut state = self.state();
        if let Some(until) = state.blocked_until {
            if until > now {
                return Err(until);
            }
            state.blocked_until = None;
        }
        let resource = state.lanes.get(lane).cloned().unwrap_or_default();
        let Some(window) = state.windows.get_mut(&resource) else { return Ok(()) };
        if window.reset_at <= now {
            state.windows.remove(&resource);
            return Ok(());
        }
        if window.remaining <= reserved(window, share_percent) {
            return Err(window.reset_at);
        }
        window.remaining -= 1;
        Ok(())
    }

    /// Notes what a response said. When it turned the request away nothing is sent before `earliest`, whatever it
    /// said: a wait of zero, again and again, would be a hammer.
    pub(crate) fn note(&self, lane: &str, signal: Signal, earliest: Timestamp) {
        let mut state = self.state();
        if let Some(stop) = signal.stop {
            let until = match stop {
                Stop::Until(at) => at.max(earliest),
                Stop::Unsaid => earliest,
            };
            state.blocked_until = Some(state.blocked_until.map_or(until, |known| known.max(until)));
        }
        let Some(window) = signal.window else { return };
        if state.lanes.len() < LANES_MAX || state.lanes.contains_key(lane) {
            state.lanes.insert(lane.to_owned(), signal.resource.clone());
        }
        if state.windows.len() < WINDOWS_MAX || state.windows.contains_key(&signal.resource) {
            state.windows.insert(signal.resource, window);
        }
    }

    /// Whether what it knows still holds.
    fn matters(&self, now: Timestamp) -> bool {
        let state = self.state();
        let resets = state.windows.values().map(|window| window.reset_at);
        resets.chain(state.blocked_until).any(|until| until > now)
    }

    fn status(&self, now: Timestamp) -> Vec<BudgetStatus> {
        let state = self.state();
        let blocked = state.blocked_until.filter(|until| *until > now);
        let line = |(resource, window): (&String, &Window)| BudgetStatus {
            origin: self.origin.clone(),
            resource: resource.clone(),
            limit: window.limit,
            remaining: Some(window.remaining),
            reset_at: Some(window.reset_at),
            waiting_until: blocked.or(Some(window.reset_at).filter(|reset| window.remaining == 0 && *reset > now)),
        };
        let mut lines: Vec<_> = state.windows.iter().map(line).collect();
        if lines.is_empty() {
            lines.push(BudgetStatus {
                origin: self.origin.clone(),
                resource: String::new(),
                limit: None,
                remaining: None,
                reset_at: None,
                waiting_until: blocked,
            });
        }
        lines
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }
}

fn reserved(window: &Window, share_percent: u8) -> u64 {
    let kept = u64::from(100 - share_percent.min(100));
    window.limit.unwrap_or(0).saturating_mul(kept) / 100
}

/// Length of time from `now` until `until`.
pub(crate) fn wait(until: Timestamp, now: Timestamp) -> Duration {
    until.since(now).map_or(Duration::ZERO, |wait| Duration::from_millis(wait.0))
}
