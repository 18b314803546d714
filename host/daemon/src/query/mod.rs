//! Questions to one account, answered the same to the API and to the command line.

mod answers;
mod compat;
mod entity;
mod events;
mod links;
mod metrics;
mod outcomes;
mod people;
mod plugins;
mod propels;
mod search;
mod standing;
mod status;
mod view;
mod work;

pub(crate) use answers::{Answers, Counts, Question};
pub use entity::{EntityAnswer, RawAnswer, entity, notes, raw};
pub use events::{EventsAnswer, cloud_events, events};
pub use links::{DanglingAnswer, LinkAnswer, LinksAnswer, LooseAnswer, SuspectsAnswer, dangling, links, suspects};
pub use metrics::{MetricAnswer, MetricParams, SampleBehind, list_metrics, metric, samples_behind};
pub use outcomes::{OutcomeAnswer, OutcomeParams, outcomes};
pub use people::{PeopleAnswer, PeopleParams, TeamAnswer, people, teams};
pub use plugins::{PluginAnswer, plugins};
pub use propels::{PropelStatus, propel_status};
pub(crate) use search::unknown_variable;
pub use search::{
    GroupsAnswer, SavedSearches, SearchAnswer, SearchParams, saved_searches, search, search_as, search_schema,
};
pub use standing::standing;
pub use status::{IntegrationStatus, StatusAnswer, status};
pub use view::View;
pub use work::{
    AlignmentAnswer, AlignmentParams, HygieneAnswer, HygieneParams, ItemsAnswer, SprintParams, SprintsAnswer,
    StatusesAnswer, WorkParams, alignment, hygiene, items, sprints, statuses,
};
