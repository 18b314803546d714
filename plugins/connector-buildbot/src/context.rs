//! What a build does not say about itself: its builder, the request it was made for, and the sources of that. A poll looks
//! it up and a push brings it; either way it becomes the same context of the record.

use serde::{Deserialize, Serialize};

/// Where builds are looked at, with a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site(String);

impl Site {
    /// The address of Buildbot's first page.
    pub(crate) fn new(url: &str) -> Self {
        Self(format!("{}/", url.trim_end_matches('/')))
    }

    /// The one a page lies in: everything before "#/builders/1/builds/3".
    pub(crate) fn of_page(url: &str) -> Option<Self> {
        url.split_once("#/").map(|(site, _)| Self::new(site))
    }
}

/// A builder.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Builder {
    pub(crate) builderid: u64,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
}

/// The request a build was made for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BuildRequest {
    pub(crate) buildrequestid: u64,
    pub(crate) buildsetid: u64,
    submitted_at: Option<i64>,
    waited_for: Option<bool>,
}

/// The set of builds it belongs to.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Buildset {
    pub(crate) bsid: u64,
    reason: Option<String>,
    parent_buildid: Option<u64>,
    #[serde(default)]
    rebuilt_buildid: Option<u64>,
    sourcestamps: Vec<SourceStamp>,
}

impl Buildset {
    /// What was to be checked out, without what signs in there.
    fn sources(&self) -> Vec<SourceStamp> {
        let plain = |source: &SourceStamp| SourceStamp {
            repository: source.repository.as_deref().map(without_credentials),
            ..source.clone()
        };
        self.sourcestamps.iter().map(plain).collect()
    }
}

/// What was to be checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SourceStamp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) codebase: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
}

/// Context of the record of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Context {
    /// Host of the master.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<String>,
    /// Page of the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    pub(crate) builder: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    /// Epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) submitted_at: Option<i64>,
    /// Whether the build that asked for it waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waited_for: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Build that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<u64>,
    /// Build it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rebuilt: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sources: Vec<SourceStamp>,
}

impl Context {
    /// The context of a build with that number in its builder.
    pub(crate) fn new(site: Option<&Site>, builder: &Builder, number: Option<u64>) -> Self {
        let page = |number| site.map(|Site(site)| format!("{site}#/builders/{}/builds/{number}", builder.builderid));
        let host = |Site(site): &Site| {
            let (_, rest) = site.split_once("://")?;
            rest.split('/').next().map(str::to_owned)
        };
        Self {
            system: site.and_then(host),
            url: number.and_then(page),
            builder: builder.name.clone(),
            tags: builder.tags.clone(),
            ..Self::default()
        }
    }

    /// The same with what the request says. Both may be gone from an old build.
    pub(crate) fn asked_by(self, request: Option<&BuildRequest>, buildset: Option<&Buildset>) -> Self {
        Self {
            submitted_at: request.and_then(|request| request.submitted_at),
            waited_for: request.and_then(|request| request.waited_for),
            reason: buildset.and_then(|buildset| buildset.reason.clone()),
            parent: buildset.and_then(|buildset| buildset.parent_buildid),
            rebuilt: buildset.and_then(|buildset| buildset.rebuilt_buildid),
            sources: buildset.map(Buildset::sources).unwrap_or_default(),
            ..self
        }
    }
}

/// A URL without user and password. The user of an SSH URL is no secret and part of the address.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) if !scheme.ends_with("ssh") || authority[..at].contains(':') => {
            format!("{scheme}://{}", &rest[at + 1..])
        }
        _ => url.to_owned(),
    }
}
