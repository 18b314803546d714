//! The chain around an entity, step by step: from where it was asked, upwards to work and downwards to what runs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weir_model::metric::Link;
use weir_model::{EntityId, EntityKind, Seq};
use weir_stages::correlate::Known;

use super::{Finder, LinkAnswer, LooseAnswer, STEPS_MAX};
use crate::error::Fault;

/// What a walk found.
pub(super) struct Found {
    pub(super) links: Vec<LinkAnswer>,
    pub(super) loose: Vec<LooseAnswer>,
    pub(super) truncated: bool,
}

/// Which way a walk goes on from an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// The start.
    Both,
    /// From what runs to the work behind it.
    Up,
    /// From work to what runs.
    Down,
}

/// Follows links `depth` steps far. A walk never turns: what led up goes on up, what led down goes on down, so that a
/// popular neighbour does not draw in everything.
pub(super) fn walk(finder: &Finder<'_>, start: Known, depth: u32) -> Result<Found, Fault> {
    let mut found = Found { links: Vec::new(), loose: Vec::new(), truncated: false };
    let mut told: BTreeSet<(EntityId, EntityId, String, String)> = BTreeSet::new();
    let mut seen = BTreeSet::from([start.0.clone()]);
    let mut queue = VecDeque::from([(start, Way::Both, 1)]);
    let mut steps = 0;
    while let Some((known, way, at)) = queue.pop_front() {
        steps += 1;
        if steps > STEPS_MAX {
            found.truncated = true;
            break;
        }
        let around = finder.around(&known)?;
        found.truncated |= around.truncated;
        if at == 1 {
            found.loose = around.loose;
        }
        for link in around.links {
            let far = if link.from == known.0 { &link.to } else { &link.from };
            let leads = direction(&known.0.kind, &far.kind);
            if way != Way::Both && leads != Some(way) {
                continue;
            }
            if let Some(leads) = leads.filter(|_| at < depth)
                && seen.insert(far.clone())
                && let Some(next) = finder.known(far)?
            {
                queue.push_back((next, leads, at + 1));
            }
            let key = (link.from.clone(), link.to.clone(), link.kind.clone(), link.reason.clone());
            if told.insert(key) {
                found.links.push(LinkAnswer { depth: at, title: finder.title(far)?, link });
            }
        }
    }
    add_evidence(finder, &mut found.links)?;
    Ok(found)
}

/// Place of a kind on the way from work to what runs; others end a walk.
fn rank(kind: &EntityKind) -> Option<u8> {
    Some(match kind {
        EntityKind::WorkItem => 0,
        EntityKind::Change => 1,
        EntityKind::Commit => 2,
        EntityKind::Build => 3,
        EntityKind::Artifact => 4,
        EntityKind::Deployment => 5,
        EntityKind::Incident => 6,
        _ => return None,
    })
}

fn direction(from: &EntityKind, to: &EntityKind) -> Option<Way> {
    match rank(from)?.cmp(&rank(to)?) {
        std::cmp::Ordering::Less => Some(Way::Down),
        std::cmp::Ordering::Greater => Some(Way::Up),
        std::cmp::Ordering::Equal => None,
    }
}

fn add_evidence(finder: &Finder<'_>, links: &mut [LinkAnswer]) -> Result<(), Fault> {
    let mut known: BTreeMap<EntityId, Vec<Seq>> = BTreeMap::new();
    for LinkAnswer { link: Link { from, evidence, .. }, .. } in links {
        if !known.contains_key(from) {
            known.insert(from.clone(), finder.evidence(from)?);
        }
        evidence.extend(known.get(from).into_iter().flatten());
    }
    Ok(())
}
