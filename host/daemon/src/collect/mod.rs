//! One collection of one integration: every dataset, page by page, each page and its cursor in one commit.
//!
//! Invariant: no cursor moves past data that is not kept. A kill at any instant costs at most one page, which is
//! read again.

mod children;
mod known;
mod pass;
mod run;
mod schedule;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::{IntegrationName, Timestamp};
use weir_sandbox::{Dataset, Pass, Plugin};

use crate::account::Account;
use crate::egress::HostConnection;
use crate::error::Fault;
use crate::normaliser::Source;

pub(crate) use run::remember;
pub use run::{collect, last_full, last_runs};
pub use schedule::{interval_of, run_on_schedule};

/// What a collection needs.
pub struct Collection {
    /// Where records go.
    pub account: Arc<Account>,
    /// Whose.
    pub integration: IntegrationName,
    /// Who reads.
    pub plugin: Arc<Plugin>,
    /// How the tool is reached.
    pub connection: Arc<HostConnection>,
    /// Settings the connector gets, kept with the log for normalising.
    pub source: Source,
}

/// How much to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What changed since the last time.
    Incremental,
    /// Everything; what is not there any more is withdrawn.
    Full,
}

impl Depth {
    fn pass(self) -> Pass {
        match self {
            Self::Incremental => Pass::Incremental,
            Self::Full => Pass::Full,
        }
    }
}

/// How far a collection is, for people who watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectProgress {
    /// Dataset being read.
    pub dataset: String,
    /// Pages kept.
    pub pages: u64,
    /// Records read.
    pub records: u64,
    /// Parent records whose children are still to be read, in this dataset.
    pub pending: u64,
}

/// What a collection brought; kept as its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs, or when the host died in it.
    pub finished_at: Option<Timestamp>,
    /// Whether everything was read again.
    pub full: bool,
    /// Pages kept.
    pub pages: u64,
    /// Records read; those that said nothing new were not kept again.
    pub records: u64,
    /// Elements without a key, quarantined with a diagnostic.
    pub rejected: u64,
    /// Records withdrawn by a full pass.
    pub withdrawn: u64,
    /// Datasets that could not be read to their end, with the reason.
    pub failures: Vec<DatasetFailure>,
}

/// A dataset that could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetFailure {
    /// Which.
    pub dataset: String,
    /// Why, the whole chain.
    pub error: String,
    /// Whose fault: `config`, `upstream`, `plugin`, `host`.
    pub blame: String,
    /// Whether trying again can help.
    pub retry: bool,
}

impl RunRecord {
    pub(crate) fn begun(started_at: Timestamp, depth: Depth) -> Self {
        Self {
            started_at,
            finished_at: None,
            full: depth == Depth::Full,
            pages: 0,
            records: 0,
            rejected: 0,
            withdrawn: 0,
            failures: Vec::new(),
        }
    }

    /// Whether every dataset was read to its end.
    pub fn complete(&self) -> bool {
        self.finished_at.is_some() && self.failures.is_empty()
    }
}

impl DatasetFailure {
    fn of(dataset: &Dataset, fault: &Fault) -> Self {
        Self {
            dataset: dataset.name.clone(),
            error: fault.chain(),
            blame: fault.blame_word().to_owned(),
            retry: !matches!(fault.retry(), weir_sandbox::Retry::Never),
        }
    }
}
