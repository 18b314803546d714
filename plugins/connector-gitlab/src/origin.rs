//! What a payload does not say about where it comes from: the context of a record, the same from polls and webhooks.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

/// Where a record belongs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Origin<'a> {
    /// Path of the project with its groups.
    #[serde(borrow)]
    pub(crate) project: Cow<'a, str>,
    /// Number in the project of the merge request it lies under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) merge_request: Option<u64>,
    /// Number in the project of the issue it lies under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issue: Option<u64>,
    /// Id of the pipeline it lies under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pipeline: Option<u64>,
    /// Tier of the environment that is deployed to.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub(crate) tier: Option<Cow<'a, str>>,
}

impl<'a> Origin<'a> {
    /// A record of a project.
    pub(crate) fn of(project: impl Into<Cow<'a, str>>) -> Self {
        Self { project: project.into(), ..Self::default() }
    }

    /// The record's context; records fed in by hand have none, and the address of their page says it then.
    pub(crate) fn read(raw: &Raw<'a>, web_url: Option<&str>) -> Option<Self> {
        raw.context().or_else(|| Some(Self::of(project_in(web_url?)?.to_owned())))
    }

    /// The project as a reference.
    pub(crate) fn reference(&self) -> Reference {
        Reference::Key(self.project.clone().into_owned())
    }

    /// The name without its groups.
    pub(crate) fn name(&self) -> &str {
        self.project.rsplit('/').next().unwrap_or_default()
    }

    /// Key of the merge request of that number: "group/name!42", as people write it.
    pub(crate) fn change(&self, number: u64) -> String {
        format!("{}!{number}", self.project)
    }

    /// Key of the issue of that number: "group/name#42".
    pub(crate) fn issue(&self, number: u64) -> String {
        format!("{}#{number}", self.project)
    }
}

/// What follows the path of a project in the addresses of its pages; old ones have no "/-/".
const PAGES: [&str; 8] =
    ["/-/", "/merge_requests/", "/issues/", "/commit/", "/pipelines/", "/jobs/", "/builds/", "/environments/"];

/// "group/name" in the address of a page ".../group/name/-/issues/4", or of the project itself.
pub(crate) fn project_in(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let end = PAGES.iter().filter_map(|page| path.find(page)).min().unwrap_or(path.len());
    let path = path[..end].trim_end_matches('/').trim_end_matches(".git");
    path.contains('/').then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_where_a_record_belongs() {
        let api = Some("acme/core/api");
        assert_eq!(project_in("https://gitlab.example/acme/core/api/-/merge_requests/4#note_7"), api);
        assert_eq!(project_in("https://gitlab.example/acme/core/api/merge_requests/4"), api);
        assert_eq!(project_in("https://gitlab.example/acme/core/api.git"), api);
        assert_eq!(project_in("https://gitlab.example/acme"), None);
        assert_eq!(project_in("gitlab"), None);
    }
}
