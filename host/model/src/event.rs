//! Domain events: what changed about an entity. Derived from applied changes, numbered without gaps, and exactly the
//! same when everything is rebuilt from the raw log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{EntityId, Seq};
use crate::time::Timestamp;

/// Number of a domain event in its account: 1, 2, 3, ... without gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EventNumber(pub u64);

/// A domain event before it has a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewEvent {
    /// Dotted kind: `build.finished`, `change.merged`.
    pub kind: String,
    /// When it happened at the tool; when it was accepted, where the tool does not say.
    pub at: Timestamp,
    /// Raw record that brought it about.
    pub seq: Seq,
    /// What it is about.
    pub entity: EntityId,
    /// JSON object of the fields that changed, each `[before, after]`; none for a new entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
}

/// A domain event in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DomainEvent {
    /// Its number; also its position for subscribers.
    pub number: EventNumber,
    /// What happened.
    #[serde(flatten)]
    pub event: NewEvent,
}
