//! Lines of builds, read as far as a question reaches and no farther: back to the build that ended what came before,
//! on to the one that ends what follows.
//!
//! Invariant: what is read ends where whole places end, so that builds of one place are never torn apart.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use weir_model::entity::Build;
use weir_model::{Entity, EntityId, ObjectId};
use weir_stages::correlate::{BuildPoint, Colour, CommitGraph, commit_name};
use weir_stages::{aggregate, facets};
use weir_store::Reader;

use super::EVERY_ONE;
use crate::error::Fault;

/// Read first in one direction; most questions reach no farther.
const FIRST: usize = 4;
/// Read next, as a multiple of what was read before.
const GROWTH: usize = 4;
/// Most builds read in one direction.
const REACH_MAX: usize = 16_384;
/// Most builds that are remembered.
const REMEMBERED_MAX: usize = 20_000;

/// What a build is to its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Which line.
    pub(super) line: String,
    /// Its place there.
    pub(super) order: i64,
    pub(super) colour: Colour,
    /// Commit of the main checkout.
    pub(super) head: Option<ObjectId>,
    /// Whether what comes after it says nothing about what was before.
    pub(super) ends_break: bool,
}

/// Builds of one line with what they are to it.
pub(super) type Spots = Vec<(EntityId, Arc<Spot>)>;

impl Spot {
    /// None for a build that is of no line. Its head is the one it names: which commits are known by now must not
    /// decide.
    pub(super) fn of(id: &EntityId, build: &Build) -> Option<Self> {
        let line = facets::line(id, build)?;
        let point = BuildPoint::new(id.clone(), build, None, &CommitGraph::new());
        let (colour, ends_break) = (point.colour(), aggregate::ends_break(&point, build));
        Some(Self { line, order: facets::line_order(build), colour, head: point.head, ends_break })
    }

    pub(super) fn is_judged(&self) -> bool {
        matches!(self.colour, Colour::Green | Colour::Red)
    }
}

/// The builds that were looked at last, so that a line which grows is not read again and again.
#[derive(Default)]
pub(super) struct Remembered {
    young: BTreeMap<EntityId, Option<Arc<Spot>>>,
    old: BTreeMap<EntityId, Option<Arc<Spot>>>,
}

impl Remembered {
    /// Takes what a build is by now.
    pub(super) fn put(&mut self, id: EntityId, spot: Option<Arc<Spot>>) {
        self.young.insert(id, spot);
        if self.young.len() >= REMEMBERED_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// What a build is to its line.
    pub(super) fn spot(&mut self, reader: &Reader<'_>, id: &EntityId) -> Result<Option<Arc<Spot>>, Fault> {
        if let Some(spot) = self.young.get(id) {
            return Ok(spot.clone());
        }
        let spot = match self.old.get(id) {
            Some(spot) => spot.clone(),
            None => build(reader, id)?.and_then(|build| Spot::of(id, &build)).map(Arc::new),
        };
        self.put(id.clone(), spot.clone());
        Ok(spot)
    }

    /// Builds that go by a name, the nearest end first, until `reaches` says that it is enough of them.
    pub(super) fn walk(
        &mut self,
        reader: &Reader<'_>,
        line: &str,
        places: RangeInclusive<i64>,
        newest_first: bool,
        reaches: impl Fn(&[(EntityId, Arc<Spot>)]) -> bool,
    ) -> Result<Spots, Fault> {
        let read = |limit| {
            let ids =
                reader.lookup_ids("line", line, places.clone(), newest_first, limit).map_err(Fault::from_derived)?;
            let mut spots = Spots::with_capacity(ids.len());
            for id in ids {
                spots.extend(self.spot(reader, &id)?.map(|spot| (id, spot)));
            }
            Ok(spots)
        };
        growing(read, |(_, spot)| spot.order, reaches)
    }

    /// The builds of a line that were made of one commit.
    pub(super) fn of_head(&mut self, reader: &Reader<'_>, line: &str, head: &ObjectId) -> Result<Spots, Fault> {
        let ids = reader.lookup_ids("build>commit", &commit_name(head).text(), i64::MIN..=i64::MAX, false, EVERY_ONE);
        let mut spots = Spots::new();
        for id in ids.map_err(Fault::from_derived)?.into_iter().filter(|id| id.kind == weir_model::EntityKind::Build) {
            let spot = self.spot(reader, &id)?.filter(|spot| spot.line == line && spot.head.as_ref() == Some(head));
            spots.extend(spot.map(|spot| (id, spot)));
        }
        Ok(spots)
    }
}

/// Reads more and more until it is enough, or all there is. `read` gives the nearest of the given number; `order` is
/// the place of each.
pub(super) fn growing<T>(
    mut read: impl FnMut(usize) -> Result<Vec<T>, Fault>,
    order: impl Fn(&T) -> i64,
    reaches: impl Fn(&[T]) -> bool,
) -> Result<Vec<T>, Fault> {
    let mut limit = FIRST;
    loop {
        let mut all = read(limit)?;
        if all.len() < limit || limit >= REACH_MAX {
            return Ok(all);
        }
        // The last place may have more builds than were read.
        let last = all.last().map(&order);
        all.truncate(all.iter().position(|one| Some(order(one)) == last).unwrap_or(0));
        if reaches(&all) {
            return Ok(all);
        }
        limit *= GROWTH;
    }
}

/// The build called `id`, if there is one.
pub(super) fn build(reader: &Reader<'_>, id: &EntityId) -> Result<Option<Build>, Fault> {
    match reader.entity(id).map_err(Fault::from_derived)?.and_then(|row| row.entity) {
        Some(Entity::Build(build)) => Ok(Some(*build)),
        _ => Ok(None),
    }
}
