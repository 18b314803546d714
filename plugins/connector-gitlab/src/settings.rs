//! Settings of the connector, as in `weir.toml`.

use serde::Deserialize;
use weir_sdk::prelude::*;
use weir_sdk::settings::Since;

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Projects, "group/subgroup/name", spelled as GitLab spells them.
    pub projects: Vec<String>,
    /// Groups of which all projects are read, those of subgroups too.
    pub groups: Vec<String>,
    /// Nothing older than this day or instant.
    pub since: Option<Since>,
    /// Datasets to read. None: all.
    pub datasets: Vec<String>,
}

impl Settings {
    /// Whether a dataset is wanted for itself.
    pub(crate) fn names(&self, dataset: &str) -> bool {
        self.datasets.is_empty() || self.datasets.iter().any(|wanted| wanted == dataset)
    }

    /// Whether records of a project are wanted; GitLab compares paths without case.
    pub(crate) fn chooses(&self, project: &str) -> bool {
        let project = project.to_lowercase();
        let in_group = |group: &String| project.starts_with(&format!("{}/", group.to_lowercase()));
        (self.projects.is_empty() && self.groups.is_empty())
            || self.projects.iter().any(|chosen| chosen.to_lowercase() == project)
            || self.groups.iter().any(in_group)
    }

    /// Refuses settings that name nothing, or something that is no path.
    pub(crate) fn checked(&self) -> Result<(), Failure> {
        let is_path = |path: &str| path.split('/').all(|part| !part.is_empty());
        let odd_project = self.projects.iter().find(|path| !is_path(path) || !path.contains('/'));
        if let Some(odd) = odd_project.or_else(|| self.groups.iter().find(|path| !is_path(path))) {
            let message = format!("`{odd}` is no path; write it like group/project, as in the address of its page");
            return Err(Failure::config("gitlab.settings.path", message));
        }
        if self.projects.is_empty() && self.groups.is_empty() {
            return Err(Failure::config("gitlab.settings.projects", "set `projects` or `groups`"));
        }
        Ok(())
    }
}
