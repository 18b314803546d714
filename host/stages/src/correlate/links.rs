//! From a claim and those who answer to its name to links.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::entity::{Build, Change};
use weir_model::metric::Link;
use weir_model::{Entity, EntityId};

use super::claims::Claim;
use super::names::Name;

/// Version of the rules that find links; each link carries it.
pub const RULES: &str = "weir/1";

/// An entity as rules see it.
pub type Known = (EntityId, Entity);

/// What became of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Joined {
    /// Who answers.
    Links(Vec<Link>),
    /// Nobody answers to the name.
    Unanswered,
    /// Several answer, and only one can be meant.
    Ambiguous,
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loose {
    /// Its project is known, and there is no such item.
    Dangling,
    /// It looks like a handle; no tracker is connected that could tell.
    Guess,
    /// Several artifacts go by it.
    Ambiguous,
}

/// Joins a claim with those who answer to its name.
pub fn join(from: &Known, claim: &Claim, answering: &[Known]) -> Joined {
    let fits = |(id, entity): &&Known| {
        *id != from.0 && claim.only.as_ref().is_none_or(|kind| *kind == id.kind) && in_time(claim, &from.1, entity)
    };
    let fitting: Vec<&Known> = answering.iter().filter(fits).collect();
    if matches!(claim.name, Name::Artifact(_)) && claim.reason == "name" && digests(&fitting).len() > 1 {
        return Joined::Ambiguous;
    }
    if fitting.is_empty() {
        return Joined::Unanswered;
    }
    Joined::Links(fitting.into_iter().map(|(to, _)| link(&from.0, to, claim)).collect())
}

fn link(from: &EntityId, to: &EntityId, claim: &Claim) -> Link {
    Link::new(from, to, claim.kind, claim.reason, claim.confidence, RULES)
}

/// A build of a source branch is one of the change only while that is open.
fn in_time(claim: &Claim, from: &Entity, to: &Entity) -> bool {
    match (&claim.name, from, to) {
        (Name::Branch(_), Entity::Build(build), Entity::Change(change)) => while_open(build, change),
        (Name::Branch(_), ..) => false,
        _ => true,
    }
}

fn while_open(build: &Build, change: &Change) -> bool {
    let Some(at) = build.started_at.or(build.queued_at).or(build.finished_at) else { return false };
    let ended = [change.merged_at, change.closed_at].into_iter().flatten().min();
    change.created_at.is_some_and(|opened| opened <= at) && ended.is_none_or(|ended| at <= ended)
}

/// What tells artifacts of one name apart: their digests, else their ids.
fn digests(artifacts: &[&Known]) -> BTreeSet<String> {
    let digest = |(id, entity): &&Known| match entity {
        Entity::Artifact(artifact) => artifact.digest.clone().unwrap_or_else(|| id.to_string()),
        _ => id.to_string(),
    };
    artifacts.iter().map(digest).collect()
}

/// Orders links for people: the surest first, then by kind and name.
pub fn sort(links: &mut Vec<Link>) {
    links.sort_by(|a, b| {
        let names = |link: &Link| (link.kind.clone(), link.from.clone(), link.to.clone(), link.reason.clone());
        b.confidence.total_cmp(&a.confidence).then_with(|| names(a).cmp(&names(b)))
    });
    links.dedup_by(|a, b| (&a.from, &a.to, &a.kind, &a.reason) == (&b.from, &b.to, &b.kind, &b.reason));
}

#[cfg(test)]
mod tests;
