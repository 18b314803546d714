//! Settings of the connector, as in `weir.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_sdk::model::entity::{WorkCategory, WorkKind};
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

use crate::requests::DATASETS;

/// What to read, and what the names of this Jira mean.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which Jira it is.
    pub deployment: Choice,
    /// Keys of the projects to read. None: all the account may see.
    pub projects: Vec<String>,
    /// Condition in JQL that issues must meet as well.
    pub jql: Option<String>,
    /// Nothing older than this day or instant.
    pub since: Option<Since>,
    /// Datasets to read. None: all but those that have a switch of their own.
    pub datasets: Vec<String>,
    /// Whether comments are read.
    pub comments: bool,
    /// Whether links to other tools are read, with one request for each changed issue.
    pub remote_links: bool,
    /// Fields that are never stored: ids, or names as Jira shows them.
    pub sensitive_fields: Vec<String>,
    /// Attributes by the name or id of the custom field that holds them.
    pub custom_fields: BTreeMap<String, String>,
    /// Name or id of the field with story points, where Jira's own is not used.
    pub story_points: Option<String>,
    /// Name or id of the field with the severity.
    pub severity: Option<String>,
    /// Kind of work by name of an issue type.
    pub kinds: BTreeMap<String, String>,
    /// Class of status by name or id, where it differs from Jira's.
    pub statuses: BTreeMap<String, String>,
}

/// Which Jira it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Ask it.
    #[default]
    Auto,
    /// Jira Cloud.
    Cloud,
    /// Jira Server or Data Center.
    Server,
}

impl Settings {
    /// Refuses what would only fail later, in the middle of a pass.
    pub(crate) fn sound(&self) -> Result<(), Failure> {
        let refused = |code: &str, text: String| Err(Failure::config(format!("jira.settings.{code}"), text));
        if self.jql.as_ref().is_some_and(|jql| jql.to_ascii_lowercase().contains("order by")) {
            return refused("jql", "leave ORDER BY out of `jql`: the connector needs an order of its own".to_owned());
        }
        if let Some(odd) = self.projects.iter().find(|key| !is_project_key(key)) {
            return refused("projects", format!("`{odd}` is no key of a project; one looks like ABC"));
        }
        if let Some((name, word)) = self.kinds.iter().find(|(_, word)| is_unknown_kind(word)) {
            return refused("kinds", format!("`{word}`, given for `{name}`, is no kind of work"));
        }
        match self.statuses.iter().find(|(_, word)| is_unknown_category(word)) {
            Some((name, word)) => {
                refused("statuses", format!("`{word}`, given for `{name}`, is none of todo, doing, done"))
            }
            None => Ok(()),
        }
    }

    /// What can be read with these settings.
    pub(crate) fn datasets(&self) -> Result<Vec<Dataset>, Failure> {
        let is_on = |dataset: &&Dataset| match dataset.name {
            "comments" => self.comments && !self.hides(&["comment"]),
            "remote-links" => self.remote_links,
            _ => true,
        };
        let all: Vec<_> = DATASETS.iter().filter(is_on).cloned().collect();
        Dataset::chosen(&all, &self.datasets)
    }

    /// Whether a dataset is read with these settings.
    pub(crate) fn reads(&self, name: &str) -> bool {
        self.datasets().is_ok_and(|datasets| datasets.iter().any(|dataset| dataset.name == name))
    }

    /// Whether issues of a project are wanted.
    pub(crate) fn chooses(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|chosen| chosen.eq_ignore_ascii_case(project))
    }

    /// Whether a field must not be stored; any of its names counts.
    pub(crate) fn hides(&self, names: &[&str]) -> bool {
        let hidden: Vec<_> = self.sensitive_fields.iter().map(|name| bare(name)).collect();
        names.iter().any(|name| hidden.contains(&bare(name)))
    }

    /// The kind the operator gave an issue type.
    pub(crate) fn kind(&self, issue_type: &str) -> Option<WorkKind> {
        self.kinds.get(issue_type).map(|word| WorkKind::from_word(word))
    }

    /// The class the operator gave a status.
    pub(crate) fn category(&self, id: &str, name: &str) -> Option<WorkCategory> {
        self.statuses.get(id).or_else(|| self.statuses.get(name)).map(|word| WorkCategory::from_word(word))
    }
}

/// A name without what differs from place to place: Jira writes fixVersions, "Fix versions", "Fix Version/s" and
/// "Fix Version".
fn bare(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    letters.collect::<String>().trim_end_matches('s').to_owned()
}

fn is_project_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_unknown_kind(word: &str) -> bool {
    matches!(WorkKind::from_word(word), WorkKind::Unknown(_))
}

fn is_unknown_category(word: &str) -> bool {
    matches!(WorkCategory::from_word(word), WorkCategory::Unknown(_))
}
