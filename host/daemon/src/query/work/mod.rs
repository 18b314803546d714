//! Questions about work: what is in progress, where time goes, how sprints went, how well items are kept, and what
//! work went into. Everything is computed from the items when asked; which items follows from the samples.

mod items;
mod reports;
mod sprints;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::entity::WorkItem;
use weir_model::statistics::percentile;
use weir_model::{Calendar, Entity, EntityId, SearchDocument, Timestamp};
use weir_stages::aggregate::{History, history};
use weir_stages::{Context, facets};
use weir_store::{Reader, SampleQuery};

use super::metrics::instant;
use crate::error::Fault;
use crate::query::View;

pub(super) use items::level;
pub use items::{ItemsAnswer, StatusesAnswer, items, statuses};
pub use reports::{AlignmentAnswer, AlignmentParams, HygieneAnswer, HygieneParams, alignment, hygiene};
pub use sprints::{SprintParams, SprintsAnswer, sprints};

/// Version of the definitions of this module.
const DEFINITION: &str = "weir/1";

/// Whose items, and when.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkParams {
    /// First instant or day; none: the first there is.
    pub from: Option<String>,
    /// First instant or day after the window; none: the last there is.
    pub to: Option<String>,
    /// Instant or day that is looked at; none: now.
    pub at: Option<String>,
    /// Only of this team.
    pub team: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only those in progress, not all that are open.
    pub begun: bool,
    /// Most items listed.
    pub limit: Option<usize>,
}

impl WorkParams {
    fn query(&self, account: &View<'_>, metric: &str, calendar: &Calendar) -> Result<SampleQuery, Fault> {
        account.narrowed(SampleQuery {
            from: self.from.as_deref().map(|text| instant(text, calendar)).transpose()?,
            to: self.to.as_deref().map(|text| instant(text, calendar)).transpose()?,
            team: self.team.clone(),
            project: self.project.clone(),
            ..SampleQuery::of(metric)
        })
    }
}

/// A work item with what follows from it alone.
struct Known {
    id: EntityId,
    item: WorkItem,
    history: History,
    document: SearchDocument,
}

/// Reads work items; what is no longer one is left out.
fn read(reader: &Reader<'_>, ids: impl IntoIterator<Item = EntityId>, context: &Context) -> Result<Vec<Known>, Fault> {
    let mut items = Vec::new();
    for id in ids {
        let row = reader.entity(&id).map_err(Fault::from_derived)?;
        if let Some(Entity::WorkItem(item)) = row.and_then(|row| row.entity) {
            items.push(of(id, *item, context));
        }
    }
    Ok(items)
}

fn of(id: EntityId, item: WorkItem, context: &Context) -> Known {
    let document = facets::search_document(&id, &Entity::from(item.clone()), context);
    Known { history: history(&item, context.work()), id, item, document }
}

/// When the newest record that was processed was taken.
fn fresh_at(account: &View<'_>, reader: &Reader<'_>) -> Result<Option<Timestamp>, Fault> {
    account.taken_at(reader.watermark())
}

/// Statistics over known values.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Spread {
    /// Values.
    pub n: usize,
    /// Mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// Three of four are at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p75: Option<f64>,
    /// Nine of ten are at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    /// Standard deviation of the sample; of at least two values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

impl Spread {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let mean = (n > 0).then(|| values.iter().sum::<f64>() / n as f64);
        let squares = |mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let deviation = mean.filter(|_| n > 1).map(|mean| (squares(mean) / (n - 1) as f64).sqrt());
        let [p50, p75, p90] = [0.5, 0.75, 0.9].map(|p| percentile(&values, p));
        Self { n, mean, p50, p75, p90, deviation }
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
fn ms(duration: weir_model::DurationMs) -> f64 {
    duration.0 as f64
}
