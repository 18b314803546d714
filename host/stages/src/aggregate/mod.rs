//! Numbers: what each entity says about each metric.
//!
//! A sample is a function of its facts alone. What was not reached is unknown with a reason, never 0; it takes part in
//! no statistic and is counted.

mod answers;
mod bands;
mod boundaries;
mod change;
mod compat;
mod custom;
mod definitions;
mod deployment;
mod line;
mod passage;
mod samples;
mod work;

#[cfg(test)]
mod regression;

pub use answers::{Rhythm, Trend, Waiting, rhythm, trend, waiting};
pub use bands::{BAND_SETS, Measured, band, has_band_set};
pub use change::{CHANGE_METRICS, ChangeFacts, Deployed, change_samples, change_timeline, first_commit_at};
pub use compat::{CompatChange, CompatDeployment, CompatFacts, CompatIncident, CompatValue, Family, compat};
pub use definitions::{
    CustomMetric, DEFINITIONS, Definition, DefinitionError, Direction, MetricSettings, Statistic, Unit, ValueSettings,
    custom_metrics, definition,
};
pub use deployment::{
    DEPLOYMENT_METRICS, DeploymentFacts, Outcome, Rollouts, deployment_samples, is_attempt, is_counted, is_rollout,
    outcome,
};
pub use line::{BREAK_METRIC, COMMIT_METRIC, ends_break, line_samples};
pub use passage::{Flag, Passage, Segment, passage};
pub use samples::{own_metrics, own_samples};
pub use work::{
    Aligned, AlignmentCategory, AlignmentError, Category, CustomCheck, Effort, History, Hygiene, HygieneCategory,
    HygieneError, HygieneItem, HygieneRules, HygieneSettings, InSprint, Part, Phase, SprintReport, Standing, Stay,
    WORK_METRICS, WorkRules, WorkSettings, align, history, sprint_keys, sprint_report,
};
