//! What a payload does not say about where it comes from: the context of a record, the same from polls and webhooks.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

use crate::settings::{Deployment, Settings};

/// Where a record belongs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Origin<'a> {
    /// The product, whose payloads are read differently.
    #[serde(skip_serializing_if = "is_cloud")]
    pub(crate) deployment: Deployment,
    /// "workspace/slug" or "PROJECT/slug"; empty for repositories, which name themselves.
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) repository: Cow<'a, str>,
    /// Number of the pull request it lies under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<u64>,
    /// Name of the event, for deliveries that are records as a whole.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<Cow<'a, str>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_cloud(deployment: &Deployment) -> bool {
    *deployment == Deployment::Cloud
}

impl<'a> Origin<'a> {
    /// A record of a repository.
    pub(crate) fn of(deployment: Deployment, repository: impl Into<Cow<'a, str>>) -> Self {
        Self { deployment, repository: repository.into(), ..Self::default() }
    }

    /// The record's context; records fed in by hand have none, and are told by the settings.
    pub(crate) fn read(raw: &Raw<'a>, settings: &Settings) -> Self {
        raw.context().unwrap_or_else(|| Self::of(settings.deployment.unwrap_or_default(), ""))
    }

    /// The same, with the repository a payload names when the context does not.
    pub(crate) fn or_in(self, repository: Option<String>) -> Option<Self> {
        if !self.repository.is_empty() {
            return Some(self);
        }
        Some(Self { repository: repository.filter(|name| !name.is_empty())?.into(), ..self })
    }

    /// Under a pull request of it.
    pub(crate) fn pull(self, number: u64) -> Self {
        Self { pull: Some(number), ..self }
    }

    /// A delivery of that event as a whole.
    pub(crate) fn event(self, event: impl Into<Cow<'a, str>>) -> Self {
        Self { event: Some(event.into()), ..self }
    }

    /// The repository as a reference.
    pub(crate) fn reference(&self) -> Reference {
        Reference::Key(self.repository.clone().into_owned())
    }

    /// The name without its owner.
    pub(crate) fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// Key of the pull request or issue of that number: "owner/slug#42".
    pub(crate) fn numbered(&self, number: u64) -> String {
        format!("{}#{number}", self.repository)
    }

    /// Key of a run of Pipelines.
    pub(crate) fn pipeline(&self, uuid: &str) -> String {
        format!("{}/{uuid}", self.repository)
    }
}

/// "workspace/slug" in an API address ".../repositories/workspace/slug/...".
pub(crate) fn repository_in(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("/repositories/")?;
    let mut parts = rest.split(['/', '?']);
    let (owner, slug) = (parts.next()?, parts.next()?);
    (!owner.is_empty() && !slug.is_empty()).then(|| format!("{owner}/{slug}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_where_a_record_belongs() {
        let of = |url| repository_in(url).unwrap_or_default();
        assert_eq!(of("https://api.bitbucket.org/2.0/repositories/acme/api/pullrequests/3"), "acme/api");
        assert_eq!(of("https://api.bitbucket.org/2.0/repositories/acme"), "");
        assert_eq!(of("https://api.bitbucket.org/2.0/users/acme/api"), "");
    }
}
