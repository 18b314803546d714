//! Questions to one account, answered the same to the API and to the command line.

mod entity;
mod events;
mod metrics;
mod outcomes;
mod search;
mod status;

pub use crate::process::{Suspects, suspects};
pub use entity::{EntityAnswer, RawAnswer, entity, raw};
pub use events::{EventsAnswer, events};
pub use metrics::{MetricAnswer, MetricParams, list_metrics, metric, samples_behind};
pub use outcomes::{OutcomeAnswer, OutcomeParams, outcomes};
pub(crate) use search::unknown_variable;
pub use search::{GroupsAnswer, SEARCH, SavedSearches, SearchAnswer, SearchParams, saved_searches, search};
pub use status::{IntegrationStatus, StatusAnswer, status};
