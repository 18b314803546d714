//! Who may have broken a build: asked of the line it belongs to, whenever somebody wants to know. Nothing is stored,
//! so commits that come late are in the next answer.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use weir_model::entity::{Build, Commit, TestResult};
use weir_model::event::NewEvent;
use weir_model::{Entity, EntityId, EntityKind, ObjectId, StoredRecord};
use weir_stages::correlate::{
    BuildPoint, Colour, CommitGraph, Suspect, SuspectReason, Verdict, VerdictState, verdict, weigh,
};
use weir_stages::{facets, react};
use weir_store::{Apply, Changed, EntityRow, Reader, SearchQuery};

use super::lines::{self, Remembered, Spot, growing};
use crate::error::Fault;
use crate::query::View;

/// Most builds of a break whose tests are looked at.
const STREAK_MAX: usize = 50;
/// Most test reports of one build.
const REPORTS_MAX: usize = 200;

/// The commits that may have broken a build.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Suspects {
    /// The build.
    pub build: EntityId,
    /// `broken`, `still-broken`, `rerun`, `fixed`, `green` or `unknown`.
    pub state: VerdictState,
    /// Why nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The last green build before it.
    pub since: Option<EntityId>,
    /// The build that opened the break it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<EntityId>,
    /// Commits, the most suspect first.
    pub commits: Vec<SuspectCommit>,
    /// What else is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<&'static str>,
}

/// A commit that may have to do with it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SuspectCommit {
    /// Its id.
    pub id: EntityId,
    /// Its object id.
    pub sha: String,
    /// Why it is listed.
    pub reason: SuspectReason,
    /// 1 when it is the only candidate, 1/n for one of n, more or less by evidence, 0 when it is listed and not
    /// suspected.
    pub confidence: f64,
    /// What speaks for or against it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<&'static str>,
    /// First line of its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// A red build that opened a break.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RedBuild {
    /// Flat view of the build.
    pub build: weir_model::SearchDocument,
    /// Who may have broken it.
    pub suspects: Suspects,
}

/// The commits that may have broken the build called `id`; none when there is no such build.
pub fn suspects(account: &View<'_>, id: &EntityId) -> Result<Option<Suspects>, Fault> {
    let derived = account.derived().clone();
    let reader = account.reader(&derived)?;
    suspects_of(&reader, &account.graph(), id)
}

/// The same, asked of one moment.
pub(crate) fn suspects_of(reader: &Reader<'_>, graph: &CommitGraph, id: &EntityId) -> Result<Option<Suspects>, Fault> {
    let Some(mut line) = line_around(reader, graph, id)? else { return Ok(None) };
    let Some(target) = line.iter().position(|point| point.id == *id) else { return Ok(None) };
    tell_failing(reader, &mut line, target)?;
    let Some(verdict) = verdict(&line, target, graph) else { return Ok(None) };
    explain(reader, verdict, line[target].failing.as_ref()).map(Some)
}

/// Adds the failing tests of the red builds from the last green one to the target.
fn tell_failing(reader: &Reader<'_>, line: &mut [BuildPoint], target: usize) -> Result<(), Fault> {
    let to_target = line.iter_mut().take(target.saturating_add(1)).rev();
    for point in to_target.take_while(|point| point.colour() != Colour::Green).take(STREAK_MAX) {
        if point.colour() == Colour::Red {
            point.failing = failing(reader, &point.id)?;
        }
    }
    Ok(())
}

/// Names of the failing tests of a build; none when no report of it names a test.
fn failing(reader: &Reader<'_>, build: &EntityId) -> Result<Option<BTreeSet<String>>, Fault> {
    let rows = reader.lookup("test-report>build", &build.to_string(), i64::MIN..=i64::MAX, false, REPORTS_MAX);
    let mut tests = BTreeSet::new();
    for row in rows.map_err(Fault::from_derived)? {
        let Some(Entity::TestReport(report)) = row.entity else { continue };
        let failed =
            report.cases.into_iter().filter(|case| matches!(case.result, TestResult::Failed | TestResult::Error));
        tests.extend(failed.map(|case| case.name));
    }
    Ok(Some(tests).filter(|tests| !tests.is_empty()))
}

/// The newest builds that opened a break, newest first.
pub fn red_builds(account: &View<'_>, limit: usize) -> Result<Vec<RedBuild>, Fault> {
    let filter = "kind:build AND result:(failure OR unstable OR timeout)".parse();
    let filter =
        filter.map_err(|error: weir_model::filter::FilterError| Fault::host("a constant filter").caused_by(error))?;
    let query = SearchQuery::new(filter, limit.saturating_mul(5).min(500));
    let found = account.derived().index.search(&account.within(query)).map_err(Fault::from_derived)?;
    let mut red = Vec::new();
    for mut hit in found.hits {
        account.keep_own_teams(&mut hit.document);
        if red.len() == limit {
            break;
        }
        // Where every suspicion was withdrawn the build was flaky, and nobody broke it.
        let suspects = suspects(account, &hit.id)?.filter(|suspects| {
            suspects.state == VerdictState::Broken && suspects.commits.iter().any(|commit| commit.confidence > 0.0)
        });
        red.extend(suspects.map(|suspects| RedBuild { build: hit.document, suspects }));
    }
    Ok(red)
}

/// The builds from the last green one before a build to the first green one after it: more say nothing about it.
fn line_around(reader: &Reader<'_>, graph: &CommitGraph, id: &EntityId) -> Result<Option<Vec<BuildPoint>>, Fault> {
    let Some(build) = lines::build(reader, id)? else { return Ok(None) };
    let Some(line) = facets::line(id, &build) else {
        return Ok(Some(vec![BuildPoint::new(id.clone(), &build, None, graph)]));
    };
    let place = facets::line_order(&build);
    let (before, after) = (i64::MIN..=place.saturating_sub(1), place..=i64::MAX);
    let mut around = to_green(reader, &line, before, true)?;
    around.reverse();
    around.extend(to_green(reader, &line, after, false)?);
    let point = |(id, build): (EntityId, Build)| BuildPoint::new(id, &build, None, graph);
    Ok(Some(around.into_iter().map(point).collect()))
}

/// Builds of a line from one end of `places` on, until one beyond that end is green.
fn to_green(
    reader: &Reader<'_>,
    line: &str,
    places: RangeInclusive<i64>,
    newest_first: bool,
) -> Result<Vec<(EntityId, Build)>, Fault> {
    let first = *places.start();
    let read = |limit| {
        let rows = reader.lookup("line", line, places.clone(), newest_first, limit).map_err(Fault::from_derived)?;
        Ok(rows.into_iter().filter_map(build_of).collect())
    };
    let is_green = |(id, build): &(EntityId, Build)| {
        Spot::of(id, build).is_some_and(|spot| spot.order != first && spot.colour == Colour::Green)
    };
    growing(read, |(_, build)| facets::line_order(build), |builds| builds.iter().any(is_green))
}

fn build_of(row: EntityRow) -> Option<(EntityId, Build)> {
    match row.entity {
        Some(Entity::Build(build)) => Some((row.id, *build)),
        _ => None,
    }
}

fn explain(reader: &Reader<'_>, mut verdict: Verdict, failing: Option<&BTreeSet<String>>) -> Result<Suspects, Fault> {
    let mut told: BTreeMap<ObjectId, Commit> = BTreeMap::new();
    for suspect in &verdict.commits {
        let row = reader.entity(&id_of(&suspect.sha)).map_err(Fault::from_derived)?;
        if let Some(Entity::Commit(commit)) = row.and_then(|row| row.entity) {
            told.insert(suspect.sha.clone(), *commit);
        }
    }
    let files = |sha: &ObjectId| {
        let commit = told.get(sha).into_iter();
        commit.flat_map(|commit| &commit.files).map(|file| file.path.clone()).collect()
    };
    if reader.is_limited() {
        // The commit graph knows more than is there for the reader.
        verdict.commits.retain(|suspect| told.contains_key(&suspect.sha));
    }
    weigh(&mut verdict.commits, failing, files);
    let commits = verdict.commits.into_iter().map(|suspect| told_of(suspect, &told)).collect();
    let Verdict { build, state, reason, since, first_bad, flags, .. } = verdict;
    Ok(Suspects { build, state, reason, since, first_bad, commits, flags })
}

fn id_of(sha: &ObjectId) -> EntityId {
    EntityId { kind: EntityKind::Commit, integration: None, key: sha.as_str().to_owned() }
}

fn told_of(suspect: Suspect, told: &BTreeMap<ObjectId, Commit>) -> SuspectCommit {
    let commit = told.get(&suspect.sha);
    let title = commit.and_then(|commit| commit.message.as_ref()?.lines().next().map(str::to_owned));
    let author = commit.and_then(|commit| commit.author.as_ref()).map(|author| author.text().to_owned());
    let Suspect { sha, reason, confidence, evidence } = suspect;
    SuspectCommit { id: id_of(&sha), sha: sha.as_str().to_owned(), reason, confidence, evidence, title, author }
}

/// The event of a build that turned its line red, judged by what was known when it came.
pub(super) fn turned_red(
    apply: &Apply<'_>,
    remembered: &mut Remembered,
    record: &StoredRecord,
    changed: &Changed,
) -> Result<Option<NewEvent>, Fault> {
    let Some(Entity::Build(build)) = &changed.after else { return Ok(None) };
    let was_red = matches!(&changed.before, Some(Entity::Build(before)) if is_red(before));
    if !is_red(build) || was_red {
        return Ok(None);
    }
    let Some(Spot { line, order, colour: Colour::Red, .. }) = Spot::of(&changed.id, build) else { return Ok(None) };
    let before = |spots: &[(EntityId, Arc<Spot>)]| {
        let own = spots.iter().position(|(id, _)| *id == changed.id)?;
        spots[own + 1..].iter().find(|(_, spot)| spot.is_judged()).map(|(_, spot)| spot.colour)
    };
    let spots = remembered.walk(apply, &line, i64::MIN..=order, true, |spots| before(spots).is_some())?;
    let broken = before(&spots) == Some(Colour::Green);
    Ok(broken.then(|| react::broken(&changed.id, build, record.seq, record.received_at)))
}

fn is_red(build: &weir_model::entity::Build) -> bool {
    build.result.as_ref().is_some_and(weir_model::entity::RunResult::is_red)
}
