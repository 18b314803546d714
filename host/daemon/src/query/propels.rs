//! How propels are.

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::Timestamp;

use crate::propel::{Health, Propel};

/// One propel.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PropelStatus {
    /// Its name.
    pub name: String,
    /// `plugin`, `rule` or `subscription`.
    pub engine: &'static str,
    /// `healthy`, `degraded` or `failing`.
    pub state: &'static str,
    /// Kinds of event that start it.
    pub on: Vec<String>,
    /// Gates it decides on.
    pub gates: Vec<String>,
    /// Names by which those outside start it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
    /// When its schedule starts it next, counted from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// Whether its actions are only written down.
    pub dry_run: bool,
    /// Counts since the host started.
    #[serde(flatten)]
    pub health: Health,
}

/// How a propel is.
pub fn propel_status(propel: &Propel, now: Timestamp) -> PropelStatus {
    let health = propel.health();
    PropelStatus {
        name: propel.name.clone(),
        engine: propel.engine.word(),
        state: health.state(),
        on: propel.trigger.on.clone(),
        gates: propel.trigger.gates.iter().cloned().collect(),
        triggers: propel.trigger.names.iter().cloned().collect(),
        next_at: propel.trigger.schedule.as_ref().and_then(|schedule| schedule.next(now)),
        dry_run: propel.dry,
        health,
    }
}
