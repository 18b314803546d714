//! What goes into and comes out of the projection. Values only: nothing here touches a store.

use serde::{Deserialize, Serialize};
use weir_model::event::EventNumber;
use weir_model::id::{EntityId, Seq, StreamId};
use weir_model::metric::{MetricName, Sample};
use weir_model::raw::Version;
use weir_model::time::Timestamp;
use weir_model::{Entity, diagnostic::RecordOutcome};

/// A short name for all that a raw record says; another one says something else.
pub type Said = [u8; 16];

/// What one raw record says about entities. Natural key: stream and key.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordEntities {
    /// Stream of the record.
    pub stream: StreamId,
    /// Its key there.
    pub key: String,
    /// Its version; a lower one than the stored one comes too late and is dropped.
    pub version: Version,
    /// Its position in the log.
    pub seq: Seq,
    /// A name for all it says; none when what it came from says more.
    pub said: Option<Said>,
    /// What it states; nothing when it was withdrawn. Of several statements about one entity the first ranks highest.
    pub entities: Vec<(EntityId, Entity)>,
}

/// An entity whose merged document changed. One of `before` and `after` is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Which.
    pub id: EntityId,
    /// How it was; none when it is new or was a tombstone.
    pub before: Option<Entity>,
    /// How it is; none when nothing contributes to it any more.
    pub after: Option<Entity>,
}

/// An entity as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityRow {
    /// Which.
    pub id: EntityId,
    /// The merge of all contributions; none for a tombstone.
    pub entity: Option<Entity>,
    /// Record that last changed it.
    pub updated_seq: Seq,
}

/// The way from an entity to a raw record behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionRow {
    /// Stream of the raw record.
    pub stream: StreamId,
    /// Its key there.
    pub key: String,
    /// Its version.
    pub version: Version,
    /// Its position in the log.
    pub seq: Seq,
}

/// Which samples: those of a metric, of an instant in `from..to`, and of a team, a project and a service where these
/// are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleQuery {
    /// Which metric.
    pub metric: MetricName,
    /// First instant; none for all from the first sample on.
    pub from: Option<Timestamp>,
    /// First instant that no longer counts; none for all up to the last sample.
    pub to: Option<Timestamp>,
    /// Only of this team.
    pub team: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only of this service.
    pub service: Option<String>,
}

impl SampleQuery {
    /// All samples of a metric.
    pub fn of(metric: impl Into<MetricName>) -> Self {
        Self { metric: metric.into(), from: None, to: None, team: None, project: None, service: None }
    }

    /// Only those of one team, project or service.
    #[must_use]
    pub fn only(mut self, dimension: Dimension, name: &str) -> Self {
        let of = match dimension {
            Dimension::Team => &mut self.team,
            Dimension::Project => &mut self.project,
            Dimension::Service => &mut self.service,
        };
        *of = Some(name.to_owned());
        self
    }

    /// Only those of an instant in `from..to`.
    #[must_use]
    pub fn within(mut self, from: Timestamp, to: Timestamp) -> Self {
        (self.from, self.to) = (Some(from), Some(to));
        self
    }
}

/// What samples can be told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Their team.
    Team,
    /// Their project.
    Project,
    /// Their service.
    Service,
}

impl Dimension {
    /// Name of the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Project => "project",
            Self::Service => "service",
        }
    }
}

/// A sample and the entity it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRow {
    /// The entity behind it.
    pub entity: EntityId,
    /// The sample.
    pub sample: Sample,
}

/// Statistics of the samples of a bucket or a window. Those of no known value are none, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Start of the bucket; of a total, the start of the window, or the day of its first sample.
    pub at: Timestamp,
    /// Samples with a known value.
    pub n: u64,
    /// Samples whose value is unknown.
    pub unknown: u64,
    /// Sum of the known values.
    pub sum: f64,
    /// Mean of the known values.
    pub mean: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// Upper quartile.
    pub p75: Option<f64>,
    /// Ninth decile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// Whether the percentiles are exact; if not, they are within the relative error of a
    /// [`Sketch`](weir_model::statistics::Sketch). All other numbers always are exact.
    pub exact: bool,
}

/// What became of a raw record that was not simply taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRow {
    /// The record's position in the log.
    pub seq: Seq,
    /// Its stream.
    pub stream: StreamId,
    /// Its key there.
    pub key: String,
    /// What became of it.
    pub outcome: RecordOutcome,
}

/// Where the numbering of events stands before the first.
pub const NO_EVENT: EventNumber = EventNumber(0);
