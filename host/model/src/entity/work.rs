//! Work: items and sprints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::{Identity, Reference};
use super::words::{EditedField, SprintState, WorkCategory, WorkKind, WorkLinkKind};
use crate::id::ObjectId;
use crate::time::{DurationMs, Timestamp};
entity!(
    /// An issue, ticket, story, task or defect.
    WorkItem {
        /// Handle as people write it: "ABC-123".
        one handle: String,
        /// Page for people.
        one url: String,
        /// Project it belongs to, as the tool names it.
        one project: String,
        /// Title.
        one title: String,
        /// Description.
        one description: String,
        /// Kind of work.
        one kind: WorkKind,
        /// The tool's word for the kind.
        one kind_word: String,
        /// Status now.
        one status: WorkStatus,
        /// Why it is done: "Fixed", "Won't do". The tool's word.
        one resolution: String,
        /// Priority, the tool's word.
        one priority: String,
        /// Severity, the tool's word.
        one severity: String,
        /// Work item it is part of.
        one parent: Reference,
        /// Epic it belongs to.
        one epic: Reference,
        /// Who created it.
        one creator: Reference,
        /// Who works on it.
        list assignees: Reference,
        /// Labels.
        list labels: String,
        /// Components.
        list components: String,
        /// Releases it is to be fixed in.
        list fix_versions: String,
        /// Sprints it is or was in.
        list sprints: Reference,
        /// Estimate in points.
        one story_points: f64,
        /// First estimate of the time needed.
        one estimate: DurationMs,
        /// Time booked.
        one time_spent: DurationMs,
        /// Time still needed.
        one time_remaining: DurationMs,
        /// Created.
        one created_at: Timestamp,
        /// Last changed upstream.
        one updated_at: Timestamp,
        /// Done.
        one resolved_at: Timestamp,
        /// To be done by; midnight UTC when the tool gives a day only.
        one due_at: Timestamp,
        /// Changes of status.
        list transitions: Transition,
        /// Changes of other fields.
        list edits: Edit,
        /// Links to other work items.
        list links: WorkLink,
        /// Object ids of commits the tool itself links.
        list commits: ObjectId,
        /// Changes the tool itself links.
        list changes: Reference,
    }
);

entity!(
    /// A period of planned work.
    Sprint {
        /// Name.
        one name: String,
        /// Boards or teams it belongs to, as the tool names them.
        list boards: String,
        /// Where it stands.
        one state: SprintState,
        /// The tool's word for the state.
        one state_word: String,
        /// What it is to achieve.
        one goal: String,
        /// Page for people.
        one url: String,
        /// Begin.
        one started_at: Timestamp,
        /// Planned end.
        one ends_at: Timestamp,
        /// Real end.
        one completed_at: Timestamp,
    }
);

/// Status of a work item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkStatus {
    /// The tool's name for it.
    pub name: String,
    /// Its class, from the tool or from the settings. None: the host's rules decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<WorkCategory>,
}

/// One change of status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Id in the tool, none when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Reference>,
    /// Status before. None for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<WorkStatus>,
    /// Status after.
    pub after: WorkStatus,
}

impl Identity for Transition {
    type Id = (Option<String>, Timestamp, String);

    fn identity(&self) -> Self::Id {
        (self.id.clone(), self.at, self.after.name.clone())
    }
}

/// One change of another field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Id in the tool, none when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Reference>,
    /// Which field.
    pub field: EditedField,
    /// Value before as the tool shows it; none when it was empty. A sprint or person is given by its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Value after, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Identity for Edit {
    type Id = (Option<String>, Timestamp, EditedField);

    fn identity(&self) -> Self::Id {
        (self.id.clone(), self.at, self.field.clone())
    }
}

/// Link from a work item to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkLink {
    /// How.
    pub kind: WorkLinkKind,
    /// To which.
    pub target: Reference,
}

impl Identity for WorkLink {
    type Id = (WorkLinkKind, Reference);

    fn identity(&self) -> Self::Id {
        (self.kind.clone(), self.target.clone())
    }
}
