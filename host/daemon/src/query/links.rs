//! What belongs to an entity, and why: links are found when they are asked for, by joining what entities call each
//! other with what they answer to. Nothing is stored, so nothing can be stale.

mod dangling;
mod deliveries;
mod incidents;
mod picks;
mod waiting;
mod walk;

use std::cell::RefCell;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::metric::Link;
use weir_model::{Entity, EntityId, EntityKind, ObjectId, Seq, Timestamp};
use weir_stages::correlate::{
    Claim, CommitGraph, Joined, Known, Loose, Name, SuspectReason, claims, join, names, sort, standing,
};
use weir_stages::{Context, facets};
use weir_store::Reader;

use crate::error::Fault;
use crate::query::View;

pub use dangling::{DanglingAnswer, dangling};
pub use waiting::{SuspectsAnswer, suspects};

/// Most entities that are looked at for one name.
const CALLERS_MAX: usize = 1_000;
/// Most raw records named as evidence of one link.
const EVIDENCE_MAX: usize = 8;
/// Longest chain that is followed.
const DEPTH_MAX: u32 = 8;
/// Most entities whose links are followed.
const STEPS_MAX: usize = 200;

/// The links of an entity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LinksAnswer {
    /// The entity asked about.
    pub id: EntityId,
    /// Its links in both directions, the surest first; with a depth above 1 also those of what it leads to.
    pub links: Vec<LinkAnswer>,
    /// Names it uses that lead nowhere, and why.
    pub loose: Vec<LooseAnswer>,
    /// There are more links than were looked at.
    pub truncated: bool,
    /// When the newest record that was processed was taken.
    pub fresh_at: Option<Timestamp>,
}

/// A link, and what is at its other end.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LinkAnswer {
    /// Steps from the entity asked about; 1 for its own links.
    pub depth: u32,
    /// The link.
    #[serde(flatten)]
    pub link: Link,
    /// Title of the end that is farther away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A name that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct LooseAnswer {
    /// The name as it is written.
    pub name: String,
    /// What the entity says about it.
    pub kind: &'static str,
    /// Where it says so.
    pub reason: &'static str,
    /// Why it leads nowhere.
    pub state: Loose,
}

/// The links of the entity called `id`, and of what they lead to, `depth` steps far; none when there is no such entity
/// and nothing names it.
pub fn links(account: &View<'_>, id: &EntityId, depth: u32) -> Result<Option<LinksAnswer>, Fault> {
    let derived = account.derived().clone();
    let reader = account.reader(&derived)?;
    let (context, graph) = (account.context(), account.graph());
    let finder = Finder::new(&reader, &context, &graph)?;
    let Some(start) = finder.known(id)? else { return Ok(None) };
    let found = walk::walk(&finder, start, depth.clamp(1, DEPTH_MAX))?;
    let row = reader.entity(id).map_err(Fault::from_derived)?;
    if row.as_ref().and_then(|row| row.entity.as_ref()).is_some_and(|entity| !account.shows(id, entity)) {
        return Ok(None);
    }
    let unknown = row.is_none();
    if unknown && found.links.is_empty() {
        return Ok(None);
    }
    let walk::Found { links, loose, truncated } = found;
    Ok(Some(LinksAnswer { id: id.clone(), links, loose, truncated, fresh_at: account.taken_at(reader.watermark())? }))
}

/// Finds the links of one entity after the other.
struct Finder<'a> {
    reader: &'a Reader<'a>,
    context: &'a Context,
    graph: &'a CommitGraph,
    /// Whether there is any work item, so that an unknown key is none.
    any_tracker: bool,
    /// Projects that were asked for, and whether they are known.
    projects: RefCell<BTreeMap<String, bool>>,
}

/// The links of one entity.
#[derive(Debug, Default)]
struct Around {
    links: Vec<Link>,
    loose: Vec<LooseAnswer>,
    truncated: bool,
}

impl<'a> Finder<'a> {
    fn new(reader: &'a Reader<'a>, context: &'a Context, graph: &'a CommitGraph) -> Result<Self, Fault> {
        let items = reader.kind(&EntityKind::WorkItem, None, 1).map_err(Fault::from_derived)?;
        Ok(Self { reader, context, graph, any_tracker: !items.is_empty(), projects: RefCell::default() })
    }

    /// An entity with what is known of it. A commit is one even if only others name it.
    fn known(&self, id: &EntityId) -> Result<Option<Known>, Fault> {
        let id = self.whole(id);
        let row = self.reader.entity(&id).map_err(Fault::from_derived)?;
        let entity = match row.and_then(|row| row.entity) {
            None if id.kind == EntityKind::Commit => Some(Entity::empty(&EntityKind::Commit)),
            entity => entity,
        };
        Ok(entity.map(|entity| (id, entity)))
    }

    /// The whole id of an abbreviated commit, where only one can be meant.
    fn whole(&self, id: &EntityId) -> EntityId {
        let sha = (id.kind == EntityKind::Commit).then(|| ObjectId::new(&id.key)).flatten();
        let whole = sha.and_then(|sha| self.graph.resolve(&sha)).filter(|sha| self.may_complete(sha));
        whole.map_or_else(|| id.clone(), |sha| EntityId { key: sha.as_str().to_owned(), ..id.clone() })
    }

    /// Whether a commit that the graph knows is there for the reader.
    fn may_complete(&self, sha: &ObjectId) -> bool {
        let id = EntityId { kind: EntityKind::Commit, integration: None, key: sha.as_str().to_owned() };
        !self.reader.is_limited() || self.reader.has(&id).unwrap_or(false)
    }

    /// The commit graph knows commits that are not there for a limited reader.
    fn keep_known(&self, links: &mut Vec<Link>) -> Result<(), Fault> {
        if !self.reader.is_limited() {
            return Ok(());
        }
        let mut known = BTreeMap::new();
        for id in links.iter().flat_map(|link| [&link.from, &link.to]) {
            if !known.contains_key(id) {
                known.insert(id.clone(), self.reader.has(id).map_err(Fault::from_derived)?);
            }
        }
        links.retain(|link| known[&link.from] && known[&link.to]);
        Ok(())
    }

    /// All links of an entity, in both directions, without evidence.
    fn around(&self, known: &Known) -> Result<Around, Fault> {
        let mut around = Around::default();
        self.outgoing(known, &mut around)?;
        self.incoming(known, &mut around)?;
        self.candidates(known, &mut around)?;
        deliveries::add(self, known, &mut around)?;
        incidents::add(self, known, &mut around)?;
        picks::add(self, known, &mut around)?;
        self.keep_known(&mut around.links)?;
        sort(&mut around.links);
        around.loose.sort();
        around.loose.dedup();
        Ok(around)
    }

    fn outgoing(&self, known: &Known, around: &mut Around) -> Result<(), Fault> {
        for claim in claims(&known.0, &known.1, self.context.keys()) {
            match self.joined(known, &claim)? {
                Joined::Links(links) => around.links.extend(links),
                Joined::Ambiguous => around.loose.push(loose(&claim, Loose::Ambiguous)),
                Joined::Unanswered => around.loose.extend(self.loose(&claim)?),
            }
        }
        Ok(())
    }

    /// A name that looked like a handle and leads nowhere, where that is worth telling.
    fn loose(&self, claim: &Claim) -> Result<Option<LooseAnswer>, Fault> {
        let Some(project) = claim.found.as_ref().and_then(|found| found.project.as_ref()) else { return Ok(None) };
        if !self.is_handle(claim)? {
            return Ok(None);
        }
        let state = if self.knows(project)? { Loose::Dangling } else { Loose::Guess };
        Ok(Some(loose(claim, state)))
    }

    fn incoming(&self, known: &Known, around: &mut Around) -> Result<(), Fault> {
        let mut own = names(&known.0, &known.1);
        own.push(Name::Entity(known.0.clone()));
        for name in &own {
            for kind in EntityKind::ALL {
                let callers = self.lookup(&name.calls(kind), &name.text())?;
                around.truncated |= callers.len() == CALLERS_MAX;
                self.of_callers(known, &callers, |claim| claim.name == *name, around)?;
            }
        }
        if known.0.kind == EntityKind::Commit {
            for kind in EntityKind::ALL {
                let callers = self.lookup(&format!("{kind}>abbreviated"), known.0.key.get(..7).unwrap_or_default())?;
                let is_short = |claim: &Claim| match &claim.name {
                    Name::Entity(id) => id.key != known.0.key && self.whole(id) == known.0,
                    _ => false,
                };
                self.of_callers(known, &callers, is_short, around)?;
            }
        }
        Ok(())
    }

    fn of_callers(
        &self,
        known: &Known,
        callers: &[Known],
        calls: impl Fn(&Claim) -> bool,
        around: &mut Around,
    ) -> Result<(), Fault> {
        for caller in callers {
            for claim in claims(&caller.0, &caller.1, self.context.keys()).iter().filter(|claim| calls(claim)) {
                if let Joined::Links(links) = self.joined(caller, claim)? {
                    around.links.extend(links.into_iter().filter(|link| link.to == known.0));
                }
            }
        }
        Ok(())
    }

    fn joined(&self, from: &Known, claim: &Claim) -> Result<Joined, Fault> {
        if !self.is_handle(claim)? {
            return Ok(Joined::Unanswered);
        }
        let answering = match &claim.name {
            Name::Entity(id) => self.known(id)?.into_iter().collect(),
            name => self.lookup(name.space(), &name.text())?,
        };
        Ok(join(from, claim, &answering))
    }

    /// Whether what was found in a text is a handle, given the projects there are.
    fn is_handle(&self, claim: &Claim) -> Result<bool, Fault> {
        let Some(found) = &claim.found else { return Ok(true) };
        for project in [&found.project, &found.unless].into_iter().flatten() {
            self.knows(project)?;
        }
        let projects = self.projects.borrow();
        let knows = |project: &str| projects.get(project) == Some(&true);
        Ok(standing(found, self.context.keys(), knows, self.any_tracker).is_some())
    }

    /// Whether a tracker has a project of that key.
    fn knows(&self, project: &str) -> Result<bool, Fault> {
        if let Some(known) = self.projects.borrow().get(project) {
            return Ok(*known);
        }
        let known = !self.lookup_n("project", project, 1)?.is_empty();
        self.projects.borrow_mut().insert(project.to_owned(), known);
        Ok(known)
    }

    /// The commits that may have broken a build.
    fn candidates(&self, known: &Known, around: &mut Around) -> Result<(), Fault> {
        if known.0.kind != EntityKind::Build {
            return Ok(());
        }
        let suspects = crate::process::suspects_of(self.reader, self.graph, &known.0)?;
        let commits = suspects.into_iter().flat_map(|suspects| suspects.commits);
        for commit in commits.filter(|commit| commit.reason == SuspectReason::Range) {
            around.links.push(Link::new(
                &known.0,
                &commit.id,
                "candidate",
                "range",
                commit.confidence,
                weir_stages::correlate::RULES,
            ));
        }
        Ok(())
    }

    fn lookup(&self, name: &str, value: &str) -> Result<Vec<Known>, Fault> {
        self.lookup_n(name, value, CALLERS_MAX)
    }

    fn lookup_n(&self, name: &str, value: &str, limit: usize) -> Result<Vec<Known>, Fault> {
        let rows = self.reader.lookup(name, value, i64::MIN..=i64::MAX, false, limit).map_err(Fault::from_derived)?;
        Ok(rows.into_iter().filter_map(|row| Some((row.id, row.entity?))).collect())
    }

    /// The raw records in which an entity says what it says.
    fn evidence(&self, id: &EntityId) -> Result<Vec<Seq>, Fault> {
        let rows = self.reader.contributions(id).map_err(Fault::from_derived)?;
        Ok(rows.into_iter().map(|row| row.seq).take(EVIDENCE_MAX).collect())
    }

    fn title(&self, id: &EntityId) -> Result<Option<String>, Fault> {
        let row = self.reader.entity(id).map_err(Fault::from_derived)?;
        Ok(row.and_then(|row| facets::search_document(&row.id, row.entity.as_ref()?, self.context).title))
    }
}

fn loose(claim: &Claim, state: Loose) -> LooseAnswer {
    LooseAnswer { name: claim.name.text(), kind: claim.kind, reason: claim.reason, state }
}
