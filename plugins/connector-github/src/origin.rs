//! What a payload does not say about where it comes from: the context of a record, the same from polls and webhooks.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

/// Where a record belongs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin<'a> {
    /// "owner/name".
    #[serde(borrow)]
    pub(crate) repository: Cow<'a, str>,
    /// Number of the pull request it lies under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<u64>,
    /// Id of the deployment it lies under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deployment: Option<u64>,
}

impl<'a> Origin<'a> {
    /// A record of a repository.
    pub(crate) fn of(repository: impl Into<Cow<'a, str>>) -> Self {
        Self { repository: repository.into(), pull: None, deployment: None }
    }

    /// The record's context; records fed in by hand have none, and their API address says it then.
    pub(crate) fn read(raw: &Raw<'a>, api_url: Option<&str>) -> Option<Self> {
        raw.context().or_else(|| Some(Self::of(repository_in(api_url?)?.to_owned())))
    }

    /// Under a pull request of it.
    pub(crate) fn pull(self, number: u64) -> Self {
        Self { pull: Some(number), ..self }
    }

    /// Under a deployment of it.
    pub(crate) fn deployment(self, id: u64) -> Self {
        Self { deployment: Some(id), ..self }
    }

    /// The repository as a reference.
    pub(crate) fn reference(&self) -> Reference {
        Reference::Key(self.repository.clone().into_owned())
    }

    /// The name without its owner.
    pub(crate) fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// Key of the issue or pull request of that number: "owner/name#42". Both share one sequence of numbers, and
    /// every payload that speaks of one knows its number, but not its id.
    pub(crate) fn numbered(&self, number: u64) -> String {
        format!("{}#{number}", self.repository)
    }
}

/// "owner/name" in an API address ".../repos/owner/name/...".
pub(crate) fn repository_in(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("/repos/")?;
    let (owner, rest_of_name) = rest.split_once('/')?;
    let name = rest_of_name.split(['/', '?', '{']).next()?;
    (!owner.is_empty() && !name.is_empty()).then(|| &rest[..=owner.len() + name.len()])
}

/// The number an address ends in: ".../pulls/42", ".../pull/42#issuecomment-1" with `after` = "/pull/".
pub(crate) fn number_after(url: &str, after: &str) -> Option<u64> {
    let (_, rest) = url.rsplit_once(after)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_where_a_record_belongs() {
        assert_eq!(repository_in("https://api.github.com/repos/acme/api/pulls/4"), Some("acme/api"));
        assert_eq!(repository_in("https://ghe.example/api/v3/repos/acme/api"), Some("acme/api"));
        assert_eq!(repository_in("https://api.github.com/user"), None);
        assert_eq!(number_after("https://github.com/acme/api/pull/42#issuecomment-7", "/pull/"), Some(42));
        assert_eq!(number_after("https://github.com/acme/api/issues/42#issuecomment-7", "/pull/"), None);
    }
}
