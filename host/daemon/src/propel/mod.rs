//! Propels: reactions to what happened, to the time, to somebody's word, and to pipelines that ask whether to go on.
//!
//! A propel is an engine, which is a plugin, a rule or a subscription, with triggers and limits. Whatever starts it
//! makes a run. A run is tried; what it asks for is kept together with "handled", and carried out from there under an
//! idempotency key of its own. So a kill loses no run and doubles no effect unseen.

mod attempt;
mod by_hand;
mod dead_letters;
mod event;
mod facts;
mod feed;
mod gate;
mod health;
mod memory;
mod outbox;
mod pace;
mod rule;
mod run;
mod subscription;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use weir_model::Filter;
use weir_model::filter::Vocabulary;
use weir_sandbox::{Plugin, PluginState};

use crate::egress::{HostConnection, MailRelay};
use crate::schedule::Schedule;
use crate::tables::Tables;

pub(crate) use attempt::emitted_stream;
pub use by_hand::{DryRun, Imagined, Pulled, cancel, dry_run, pull, repeat, start};
pub use dead_letters::{DeadLetter, dead_letters, send_again};
pub(crate) use facts::{FACTS, is_fact};
pub use gate::{Answered, Gate, Otherwise, ask};
pub use health::Health;
pub use outbox::{carry_out, send_waiting};
pub use pace::{Hours, Pace, Quiet};
pub use rule::{Rule, RuleError, Step};
pub use run::{Cause, Decision, Run, RunParams, RunState, find, over_before, runs};
pub use subscription::RECEIVER;
pub use work::{begin, drain, work};

pub use weir_stages::normalise::EVENT_KIND as EMITTED_KIND;

/// A configured propel.
pub struct Propel {
    /// Its name.
    pub name: String,
    /// What reacts.
    pub engine: Engine,
    /// What starts it.
    pub trigger: Trigger,
    /// Its limits.
    pub pace: Pace,
    /// Connections it may use.
    pub connections: BTreeMap<String, Arc<HostConnection>>,
    /// Mail relays it may use.
    pub mail: BTreeMap<String, Arc<MailRelay>>,
    /// Questions it may ask.
    pub facts: Arc<BTreeSet<String>>,
    /// All tables.
    pub tables: Arc<Tables>,
    /// Those that its plugin may write to.
    pub writes: Arc<BTreeSet<String>>,
    /// What its filters and searches may name.
    pub vocabulary: Arc<Vocabulary>,
    /// Whether its actions are only written down.
    pub dry: bool,
    live: Live,
}

/// What reacts.
pub enum Engine {
    /// A plugin, with its settings as a JSON object.
    Plugin(Arc<Plugin>, String),
    /// A rule of the configuration.
    Rule(Rule),
    /// A receiver of events, and the URI they name this host by.
    Subscription(String),
}

impl Engine {
    /// What it is, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Plugin(..) => "plugin",
            Self::Rule(_) => "rule",
            Self::Subscription(_) => "subscription",
        }
    }
}

/// What starts a propel.
#[derive(Default)]
pub struct Trigger {
    /// Kinds of event; `*` for all, `build.*` for all of builds.
    pub on: Vec<String>,
    /// What the entity must be like.
    pub when: Option<Filter>,
    /// What it must not be like.
    pub unless: Option<Filter>,
    /// Times.
    pub schedule: Option<Schedule>,
    /// Gates it decides on.
    pub gates: BTreeSet<String>,
    /// Names by which those outside start it.
    pub names: BTreeSet<String>,
    /// One run for all events of a span as long.
    pub digest: Option<Duration>,
    /// At most one run about an entity in a span as long.
    pub throttle: Option<Duration>,
}

/// What only a running host has.
#[derive(Default)]
struct Live {
    /// What the propel remembers; none until it was read.
    memory: Mutex<Option<PluginState>>,
    /// Woken when there is a run to do or an action to carry out.
    wake: Notify,
    outbox: Notify,
    health: std::sync::Mutex<Health>,
}

impl Propel {
    /// A propel that has not run yet.
    pub fn new(
        name: String,
        engine: Engine,
        trigger: Trigger,
        connections: BTreeMap<String, Arc<HostConnection>>,
    ) -> Self {
        let facts = Arc::new(FACTS.iter().map(|(fact, _)| (*fact).to_owned()).collect());
        let (pace, tables, vocabulary, live) = (Pace::default(), Arc::default(), Arc::default(), Live::default());
        let (mail, writes) = (BTreeMap::new(), Arc::default());
        Self { name, engine, trigger, pace, connections, mail, facts, tables, writes, vocabulary, dry: false, live }
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.live.health().clone()
    }
}

impl Trigger {
    /// Whether events of that kind start it.
    pub fn hears(&self, kind: &str) -> bool {
        hears(&self.on, kind)
    }
}

/// Whether a kind of event is among some; `*` stands for all, `build.*` for all of builds.
pub(crate) fn hears(on: &[String], kind: &str) -> bool {
    on.iter().any(|on| on.strip_suffix('*').map_or(on == kind, |begin| kind.starts_with(begin)))
}
