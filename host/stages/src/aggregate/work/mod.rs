//! Work: the history of an item's status and what follows from it, sprints, hygiene, and what work went into.
//!
//! Everything here is a function of the items, of the rules, and of an instant that is passed in.

mod alignment;
mod history;
mod hygiene;
mod rules;
mod samples;
mod sprint;

pub use alignment::{Aligned, AlignmentCategory, AlignmentError, Category, Effort, align};
pub use history::{History, Stay, history};
pub use hygiene::{CustomCheck, Hygiene, HygieneCategory, HygieneError, HygieneItem, HygieneRules, HygieneSettings};
pub use rules::{Phase, WorkRules, WorkSettings};
pub use samples::WORK_METRICS;
pub(in crate::aggregate) use samples::work_item_samples;
pub use sprint::{InSprint, Part, SprintReport, Standing, sprint_keys, sprint_report};
