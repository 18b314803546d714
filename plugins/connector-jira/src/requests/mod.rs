//! From a position to requests: which page comes next, where a pass ends, what is left for the next one.
//!
//! Issues are read by time of change, oldest first, and the time is Jira's own. So what is changed while a pass runs
//! comes once more at its end, and our clock does not matter.

mod answer;
mod check;
mod listing;
mod part;
mod position;
mod search;
mod site;

use weir_sdk::prelude::*;

use crate::settings::Settings;
pub(crate) use check::check;
pub(crate) use listing::BoardOf;
use part::Part;
pub(crate) use position::Position;
pub(crate) use site::Roles;

/// What can be read.
pub(crate) const DATASETS: &[Dataset] = &[
    Dataset::new("projects", &["project"]),
    Dataset::new("statuses", &["status"]),
    Dataset::new("users", &["person"]),
    Dataset::new("boards", &[]),
    Dataset::new("sprints", &["sprint"]).full_only().under("boards"),
    Dataset::new("issues", &["work-item"]),
    Dataset::new("custom-fields", &["work-item"]),
    Dataset::new("changelogs", &["work-item"]),
    Dataset::new("worklogs", &["worklog"]),
    Dataset::new("comments", &["comment"]),
    Dataset::new("remote-links", &["work-item"]).full_only().under("issues"),
];

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    run.settings.sound()?;
    if let Some(part) = Part::of(&run.dataset) {
        return search::page(run, part, position);
    }
    match run.dataset.as_str() {
        "projects" => listing::projects(run, &position),
        "statuses" => listing::statuses(run, &position),
        "users" => listing::users(run, &position),
        "boards" => listing::boards(run, &position),
        "sprints" => listing::sprints(run, &position),
        "remote-links" => listing::remote_links(run),
        _ => Err(run.unknown_dataset()),
    }
}
