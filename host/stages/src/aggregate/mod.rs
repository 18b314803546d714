//! Numbers: what each entity says about each metric.
//!
//! A sample is a function of its facts alone. What was not reached is unknown with a reason, never 0; it takes part in
//! no statistic and is counted.

mod change;
mod definitions;
mod deployment;
mod line;
mod passage;
mod samples;
mod work;

pub use change::{CHANGE_METRICS, ChangeFacts, Deployed, change_samples, change_timeline, first_commit_at};
pub use definitions::{DEFINITIONS, Definition, Direction, Statistic, Unit, definition};
pub use deployment::{
    DEPLOYMENT_METRICS, DeploymentFacts, Outcome, deployment_samples, is_counted, is_rollout, outcome,
};
pub use line::{LINE_METRICS, line_samples};
pub use passage::{Flag, Passage, Segment, passage};
pub use samples::{own_metrics, own_samples};
pub use work::{
    Aligned, AlignmentCategory, AlignmentError, Category, CustomCheck, Effort, History, Hygiene, HygieneCategory,
    HygieneError, HygieneItem, HygieneRules, HygieneSettings, InSprint, Part, Phase, SprintReport, Standing, Stay,
    WORK_METRICS, WorkRules, WorkSettings, align, history, sprint_keys, sprint_report,
};
