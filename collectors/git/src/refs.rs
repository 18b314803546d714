//! Where branches and tags point, and what changed about it.

use std::collections::BTreeMap;

use gix::ObjectId;
use serde::{Deserialize, Serialize};
use weir_protocol::Diagnostic;

use crate::Repository;
use crate::report::{chain, diagnostic, instant, text};

/// Where the refs of a repository pointed when it was read, by full name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tips(pub BTreeMap<String, String>);

/// A branch or tag.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) commit: ObjectId,
    /// When an annotated tag was made.
    pub(crate) at: Option<String>,
}

/// Branches and tags, under their public names and in their order.
#[derive(Default)]
pub(crate) struct Refs {
    pub(crate) found: Vec<Found>,
    /// Some could not be read: none of those that are missing counts as gone.
    pub(crate) is_partial: bool,
}

impl Refs {
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.found.binary_search_by(|found| found.name.as_str().cmp(name)).is_ok()
    }
}

impl Tips {
    /// The commits pointed to.
    pub(crate) fn commits(&self) -> Vec<ObjectId> {
        let mut ids: Vec<_> = self.0.values().filter_map(|sha| ObjectId::from_hex(sha.as_bytes()).ok()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

impl Repository {
    /// The refs that are wanted. A clone's branches are those it tracks: its own may be stale, or nobody else's.
    pub(crate) fn refs(&self, problems: &mut Vec<Diagnostic>) -> Refs {
        let mut refs = Refs::default();
        if let Err(error) = self.collect(&mut refs, problems) {
            refs.is_partial = true;
            problems.push(diagnostic("unreadable", "refs", chain(&error)));
        }
        refs.found = published(refs.found);
        refs
    }

    fn collect(&self, refs: &mut Refs, problems: &mut Vec<Diagnostic>) -> gix::Result<()> {
        for reference in self.git.references()?.all()? {
            match reference {
                Ok(reference) => self.take(reference, refs, problems),
                Err(error) => {
                    refs.is_partial = true;
                    problems.push(diagnostic("unreadable", "refs", chain(&error)));
                }
            }
        }
        Ok(())
    }

    fn take(&self, mut reference: gix::Reference<'_>, refs: &mut Refs, problems: &mut Vec<Diagnostic>) {
        let name = text(reference.name().as_bstr());
        let is_symbolic = reference.target().try_id().is_none();
        if is_symbolic || !self.is_wanted(&name) {
            return;
        }
        let at = self.tagged_at(&reference);
        let peeled = reference.peel_to_id().map(gix::Id::detach);
        match peeled.and_then(|id| Ok((id, self.git.find_header(id)?.kind()))) {
            Ok((commit, gix::objs::Kind::Commit)) => refs.found.push(Found { name, commit, at }),
            Ok((_, kind)) => problems.push(diagnostic("no-commit", name, format!("points to a {kind}"))),
            Err(error) => {
                refs.is_partial = true;
                problems.push(diagnostic("unreadable", name, chain(&error)));
            }
        }
    }

    fn is_wanted(&self, name: &str) -> bool {
        let branch = name.strip_prefix("refs/heads/").or_else(|| tracked(name));
        match (branch, name.strip_prefix("refs/tags/")) {
            (Some(branch), _) => self.branches.is_match(branch),
            (None, Some(tag)) => self.tags.is_match(tag),
            (None, None) => false,
        }
    }

    fn tagged_at(&self, reference: &gix::Reference<'_>) -> Option<String> {
        let tag = self.git.find_tag(reference.target().try_id()?).ok()?;
        let tagger = tag.tagger().ok()??;
        instant(tagger.time().ok()?)
    }
}

/// "main" of "refs/remotes/origin/main".
fn tracked(name: &str) -> Option<&str> {
    name.strip_prefix("refs/remotes/")?.split_once('/').map(|(_, branch)| branch)
}

/// Tracked branches under the names they have where they come from, in place of a clone's own.
fn published(found: Vec<Found>) -> Vec<Found> {
    let is_clone = found.iter().any(|found| tracked(&found.name).is_some());
    let mut kept: BTreeMap<String, Found> = BTreeMap::new();
    for found in found {
        let name = match tracked(&found.name) {
            Some(branch) => format!("refs/heads/{branch}"),
            None if is_clone && found.name.starts_with("refs/heads/") => continue,
            None => found.name,
        };
        // The first remote wins; they come in the order of their names.
        kept.entry(name.clone()).or_insert(Found { name, ..found });
    }
    kept.into_values().collect()
}
