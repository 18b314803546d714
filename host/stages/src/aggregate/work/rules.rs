//! What a status means: the operator's word first, then the tool's. What neither says stays unknown.

use std::collections::BTreeMap;

use globset::GlobSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_model::entity::{WorkCategory, WorkStatus};

use crate::context::{ContextError, patterns};

/// `[work]` as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkSettings {
    /// Class of a status by its name, in any case of letters: `todo`, `doing` or `done`.
    pub status: BTreeMap<String, WorkCategory>,
    /// Statuses in which an item is begun and nobody works on it; `*` stands for any text, `?` for one character.
    pub waiting: Vec<String>,
}

/// What an item does in a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Not begun.
    Todo,
    /// Worked on.
    Active,
    /// Begun, and waiting.
    Waiting,
    /// Finished, whatever the resolution.
    Done,
}

impl Phase {
    /// As written in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Done => "done",
        }
    }

    /// Whether it counts as work in progress.
    pub fn is_begun(self) -> bool {
        matches!(self, Self::Active | Self::Waiting)
    }
}

/// The settings, compiled.
#[derive(Debug)]
pub struct WorkRules {
    status: BTreeMap<String, WorkCategory>,
    waiting: GlobSet,
}

impl WorkRules {
    /// Compiles settings.
    pub fn new(settings: &WorkSettings) -> Result<Self, ContextError> {
        let status = settings.status.iter().map(|(name, category)| (name.to_lowercase(), category.clone())).collect();
        Ok(Self { status, waiting: patterns("work.waiting", &settings.waiting)? })
    }

    /// Class of a status; none when neither the operator nor the tool knows it.
    pub fn category(&self, status: &WorkStatus) -> Option<WorkCategory> {
        let stated = || status.category.clone().filter(|category| !matches!(category, WorkCategory::Unknown(_)));
        self.status.get(&status.name.to_lowercase()).cloned().or_else(stated)
    }

    /// What an item does in it.
    pub fn phase(&self, status: &WorkStatus) -> Option<Phase> {
        match self.category(status)? {
            WorkCategory::Todo => Some(Phase::Todo),
            WorkCategory::Doing if self.waiting.is_match(&status.name) => Some(Phase::Waiting),
            WorkCategory::Doing => Some(Phase::Active),
            WorkCategory::Done => Some(Phase::Done),
            WorkCategory::Unknown(_) => None,
        }
    }
}
