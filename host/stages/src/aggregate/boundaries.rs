//! The instants an entity knows of itself, by the names metrics are defined with.

use weir_model::{Entity, Timestamp};

use super::work::{WorkRules, history};

/// Boundaries after which there is an outcome.
pub(super) const ENDS: [&str; 7] = ["finished", "merged", "closed", "done", "resolved", "completed", "submitted"];

pub(super) fn is_end(name: &str) -> bool {
    ENDS.contains(&name)
}

/// Every boundary a kind of entity has, with its time where it was reached.
pub(super) fn of(entity: &Entity, rules: &WorkRules) -> Vec<(&'static str, Option<Timestamp>)> {
    match entity {
        Entity::Commit(it) => vec![("authored", it.authored_at), ("committed", it.committed_at)],
        Entity::Change(it) => vec![
            ("created", it.created_at),
            ("opened", it.created_at),
            ("ready", it.ready_at),
            ("merged", it.merged_at),
            ("closed", it.closed_at),
        ],
        Entity::Review(it) => vec![("submitted", it.submitted_at)],
        Entity::WorkItem(it) => {
            vec![("created", it.created_at), ("done", history(it, rules).done_at()), ("due", it.due_at)]
        }
        Entity::Sprint(it) => {
            vec![("started", it.started_at), ("due", it.ends_at), ("completed", it.completed_at)]
        }
        Entity::Build(it) => {
            vec![("queued", it.queued_at), ("started", it.started_at), ("finished", it.finished_at)]
        }
        Entity::TestReport(it) => vec![("started", it.started_at), ("finished", it.finished_at)],
        Entity::Artifact(it) => vec![("created", it.created_at), ("published", it.published_at)],
        Entity::Deployment(it) => {
            vec![("queued", it.queued_at), ("started", it.started_at), ("finished", it.finished_at)]
        }
        Entity::Incident(it) => vec![
            ("started", it.started_at),
            ("detected", it.detected_at),
            ("acknowledged", it.acknowledged_at),
            ("resolved", it.resolved_at),
            ("closed", it.closed_at),
        ],
        Entity::Custom(it) => vec![("happened", it.at)],
        Entity::Repository(it) => vec![("created", it.created_at)],
        Entity::Person(it) => vec![("created", it.created_at)],
    }
}

/// Time of one of them; none where the kind has no such boundary or has not reached it.
pub(super) fn boundary(entity: &Entity, name: &str, rules: &WorkRules) -> Option<Timestamp> {
    of(entity, rules).into_iter().find(|(known, _)| *known == name).and_then(|(_, at)| at)
}
