//! Propels: reactions to domain events. What a propel decides is kept in one commit with "event handled"; its actions
//! are carried out from there, each under an id of its own, so a retry has one effect.

mod dispatch;
mod facts;
mod outbox;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_model::{Filter, Timestamp};
use weir_sandbox::Plugin;

use crate::account::Account;
use crate::egress::HostConnection;
use crate::error::Fault;
use crate::state_keys;

pub use dispatch::dispatch;
pub use outbox::carry_out;

/// A configured propel.
pub struct Propel {
    /// Its name.
    pub name: String,
    /// Who reacts.
    pub plugin: Arc<Plugin>,
    /// Kinds of event it is given; `*` for all.
    pub on: Vec<String>,
    /// What the entity must be like.
    pub when: Filter,
    /// Settings as a JSON object.
    pub settings: String,
    /// Connections it may use.
    pub connections: BTreeMap<String, Arc<HostConnection>>,
}

/// One run of a propel: what it was given and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropelRun {
    /// Whose.
    pub propel: String,
    /// Number of the event.
    pub event: u64,
    /// Its kind.
    pub kind: String,
    /// The entity it is about.
    pub entity: String,
    /// When it was handled.
    pub at: Timestamp,
    /// `done`, `skipped`, `failed`.
    pub outcome: String,
    /// Why, when it was skipped or failed.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Ids of its actions.
    pub actions: Vec<String>,
}

/// Runs, newest first; of one propel or of all.
pub fn runs(account: &Account, propel: Option<&str>, limit: usize) -> Result<Vec<PropelRun>, Fault> {
    let prefix = state_keys::propel_runs();
    let prefix = propel.map_or(prefix.clone(), |name| prefix.with(name));
    let stored = account.log.state_under(&prefix).map_err(Fault::from_log)?;
    let mut runs: Vec<PropelRun> = stored.iter().filter_map(|(_, value)| serde_json::from_slice(value).ok()).collect();
    runs.sort_by(|left, right| right.at.cmp(&left.at).then(right.event.cmp(&left.event)));
    runs.truncate(limit);
    Ok(runs)
}
