//! What a payload does not say about where it comes from: the context of a record, the same from polls and webhooks.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

/// Where a record belongs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Origin<'a> {
    /// Name of the project.
    #[serde(borrow)]
    pub(crate) project: Cow<'a, str>,
    /// Name of the repository in it.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<Cow<'a, str>>,
    /// Number of the pull request it lies under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<u64>,
    /// Number of the build it lies under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<u64>,
}

impl<'a> Origin<'a> {
    /// A record of a project.
    pub(crate) fn of(project: impl Into<Cow<'a, str>>) -> Self {
        Self { project: project.into(), ..Self::default() }
    }

    /// Of a repository of it.
    pub(crate) fn repository(self, repository: impl Into<Cow<'a, str>>) -> Self {
        Self { repository: Some(repository.into()), ..self }
    }

    /// The record's context; none for records fed in by hand.
    pub(crate) fn read(raw: &Raw<'a>) -> Option<Self> {
        raw.context().filter(|origin: &Self| !origin.project.is_empty())
    }

    /// Key of a repository: "project/repository".
    pub(crate) fn repository_key(&self) -> Option<String> {
        self.repository.as_ref().map(|repository| format!("{}/{repository}", self.project))
    }

    /// Key of a pull request: "project/repository!42".
    pub(crate) fn pull_key(&self, number: u64) -> Option<String> {
        self.repository_key().map(|repository| format!("{repository}!{number}"))
    }

    /// Key of a build: "project/1234".
    pub(crate) fn build_key(&self, id: u64) -> String {
        format!("{}/{id}", self.project)
    }
}
