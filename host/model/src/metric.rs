//! Samples of metrics, and what the stores keep beside an entity. The arithmetic is the stages' business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{EntityId, Seq};
use crate::time::Timestamp;

/// Name of a metric: `change-lead-time`.
pub type MetricName = String;

/// What one entity says about one metric. An unreached or unknown value is counted, never taken as 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Which metric.
    pub metric: MetricName,
    /// Instant that decides the day, week or month it counts in.
    pub at: Timestamp,
    /// The value in the metric's unit: milliseconds, or 0 and 1 for a ratio. None: unknown.
    pub value: Option<f64>,
    /// Why the value is unknown: `not-reached`, `no-base`. None when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Project it counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Team it counts for, and those that team is a part of, upwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// Service it counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// A name under which an entity can be found again, ordered within the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lookup {
    /// What sort of name: `line`, `sha`.
    pub name: String,
    /// The name.
    pub value: String,
    /// Place among the entities of the same name, such as a build number.
    pub order: i64,
}

/// Rows derived from one entity alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DerivedRows {
    /// Names to find it by; replace the earlier ones.
    pub lookups: Vec<Lookup>,
    /// Metrics that are a function of this entity alone; their earlier samples of this entity are replaced.
    pub own_metrics: Vec<MetricName>,
    /// Samples of those metrics; of one metric in an order of their own.
    pub samples: Vec<Sample>,
}

/// A link between two entities, with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The entity that is linked.
    pub from: EntityId,
    /// Where it leads.
    pub to: EntityId,
    /// What `to` is to `from`: `closes`, `builds`, `deploys`, `caused-by`.
    pub kind: String,
    /// Rule that found it: `stated`, `title`, `head-revision`, `range`.
    pub reason: String,
    /// 1.0 exact, 0.8 strong, 0.5 or less weak.
    pub confidence: f64,
    /// Raw records that say so, by their positions in the log.
    pub evidence: Vec<Seq>,
    /// Version of the rules: `weir/1`.
    pub rules: String,
}

impl Link {
    /// A link whose raw records are still to be found.
    pub fn new(from: &EntityId, to: &EntityId, kind: &str, reason: &str, confidence: f64, rules: &str) -> Self {
        let (kind, reason, rules) = (kind.to_owned(), reason.to_owned(), rules.to_owned());
        Self { from: from.clone(), to: to.clone(), kind, reason, confidence, evidence: Vec::new(), rules }
    }
}
