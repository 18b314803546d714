//! From a position to requests: pipelines newest first, down to the last pass, and the workflows of each beside it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_sdk::address;
use weir_sdk::prelude::*;

use crate::Settings;
use crate::origin::{Origin, PipelineJson};

const HOUR: i64 = 60 * 60_000;
/// How far before the newest known pipeline to read again, in milliseconds: a workflow may be repeated some hours after.
const OVERLAP: i64 = 6 * HOUR;
/// Pipelines that are older than this and still not over hold nothing back, in milliseconds.
const UNFINISHED_AGE_MAX: i64 = 72 * HOUR;
/// Requests sent at once.
const REQUESTS_MAX: usize = 64;

/// Where a dataset stands. Between passes only the marks are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Creation of the newest pipeline that is over, with all before it, by project, in milliseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, i64>,
    /// Projects that this pass has yet to read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
    /// Projects this pass could not read; tried once more at its end.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    put_off: BTreeSet<String>,
    /// Where the pass under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Place>,
}

/// A page of pipelines of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    project: String,
    /// Token of the page; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Creation of the newest pipeline, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
    /// Creation of the oldest pipeline that is not over, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<i64>,
}

impl Position {
    /// The page to read now; begins a pass when none is under way.
    fn place(&mut self, settings: &Settings) -> Result<Option<Place>, Failure> {
        if self.at.is_none() {
            self.left = settings.sorted_projects()?;
            self.enter_next();
        }
        Ok(self.at.clone())
    }

    fn enter_next(&mut self) {
        let next = if self.left.is_empty() { None } else { Some(self.left.remove(0)) };
        self.at = next.map(|project| Place { project, ..Place::default() });
    }

    /// Keeps how far a project was read, and goes on to the next.
    fn leave(&mut self, place: Place) {
        if let Some(newest) = place.newest {
            let unfinished = place.unfinished.filter(|unfinished| newest - unfinished <= UNFINISHED_AGE_MAX);
            self.marks.insert(place.project, unfinished.map_or(newest, |unfinished| newest.min(unfinished)));
        }
        self.enter_next();
    }

    /// Puts a project off to the end of the pass. False when it had been put off before.
    fn put_off(&mut self, project: &str) -> bool {
        let is_first = self.put_off.insert(project.to_owned());
        if is_first {
            self.left.push(project.to_owned());
            self.enter_next();
        }
        is_first
    }

    fn page_or_end(mut self, page: Page<Self>) -> Page<Self> {
        if self.at.is_some() {
            return page.next(self);
        }
        self.put_off.clear();
        page.done_at(self)
    }
}

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    match run.dataset.as_str() {
        "runs" => runs(run, position),
        "jobs" => jobs(run, &position),
        other => Err(Failure::config("circleci.dataset", format!("there is no dataset `{other}` to read"))),
    }
}

/// A page of pipelines with their workflows.
fn runs(run: &Run<Settings>, mut position: Position) -> Result<Page<Position>, Failure> {
    let Some(mut place) = position.place(&run.settings)? else { return Ok(Page::empty().done_at(position)) };
    let parts = ["project"].into_iter().chain(place.project.split('/')).chain(["pipeline"]);
    let answer = match listing(run, address::path(parts), place.token.as_deref()) {
        Err(failure) if failure.kind == FailureKind::Gone => return pass_over(run, position, &place.project),
        other => other?,
    };
    let text = answer.text()?;
    let list = Items::read(&text)?;
    let pipelines = list.items.iter().map(|json| Pipeline::read(json)).collect::<Result<Vec<_>, _>>()?;
    let page = Page::records(workflows(run, &mut place, &pipelines)?);
    let created = pipelines.iter().filter_map(Pipeline::created_ms);
    let (oldest, newest) = (created.clone().min(), created.max());
    if place.token.is_none() {
        place.newest = newest;
    }
    let is_below_floor = floor(run, &position, &place).zip(oldest).is_some_and(|(floor, oldest)| oldest < floor);
    match list.next_page_token.filter(|token| !token.is_empty() && !is_below_floor) {
        Some(token) => position.at = Some(Place { token: Some(token), ..place }),
        None => position.leave(place),
    }
    Ok(position.page_or_end(page))
}

/// A project that cannot be read does not stop the others. A full pass reads the others too, but does not end well, for
/// nobody would learn of it.
fn pass_over(run: &Run<Settings>, mut position: Position, project: &str) -> Result<Page<Position>, Failure> {
    if run.is_incremental() {
        weir_sdk::log::warn("skipped a project that cannot be read", &[("project", project)]);
        position.enter_next();
    } else if !position.put_off(project) {
        let message = format!("`{project}` cannot be read: it is not there, or the token may not see it");
        return Err(Failure::forbidden("circleci.project.unreadable", message));
    }
    Ok(position.page_or_end(Page::empty()))
}

/// The oldest creation to read down to, in milliseconds.
fn floor(run: &Run<Settings>, position: &Position, place: &Place) -> Option<i64> {
    let asked = run.floor(run.settings.since);
    let mark = position.marks.get(&place.project).filter(|_| run.is_incremental());
    asked.max(mark.map(|mark| mark - OVERLAP))
}

/// A listing with a token for what comes after.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Items<'a> {
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
    next_page_token: Option<String>,
}

/// The same, of which the list is there.
struct Listed<'a> {
    items: Vec<&'a RawValue>,
    next_page_token: Option<String>,
}

impl<'a> Items<'a> {
    fn read(text: &'a str) -> Result<Listed<'a>, Failure> {
        let Items { items, next_page_token } =
            serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
        Ok(Listed { items: items.ok_or_else(|| unreadable("it has no list `items`"))?, next_page_token })
    }
}

fn listing(run: &Run<Settings>, path: String, token: Option<&str>) -> Result<Response, Failure> {
    let call = run.get(path);
    match token {
        Some(token) => call.query("page-token", token).send(),
        None => call.send(),
    }
}

struct Pipeline<'a> {
    json: &'a RawValue,
    head: PipelineJson<'a>,
    id: String,
}

impl<'a> Pipeline<'a> {
    fn read(json: &'a RawValue) -> Result<Self, Failure> {
        let head: PipelineJson<'a> =
            serde_json::from_str(json.get()).map_err(|error| unreadable(&error.to_string()))?;
        let id = head.id.quietly().ok_or_else(|| unreadable("a pipeline has no id"))?.clone().into_owned();
        Ok(Self { json, head, id })
    }

    fn created_ms(&self) -> Option<i64> {
        self.head.created_at.quietly().map(|at| at.ms())
    }

    fn is(&self, state: &str) -> bool {
        self.head.state.quietly().is_some_and(|found| found == state)
    }

    fn path(&self) -> String {
        address::path(["pipeline", &self.id, "workflow"])
    }
}

/// The workflows of each pipeline as records; notes the oldest pipeline that is not over.
fn workflows(run: &Run<Settings>, place: &mut Place, pipelines: &[Pipeline<'_>]) -> Result<Vec<RawRecord>, Failure> {
    let mut records = Vec::new();
    for chunk in pipelines.chunks(REQUESTS_MAX) {
        let requests: Vec<_> = chunk.iter().map(|pipeline| run.get(pipeline.path()).into_request()).collect();
        for (pipeline, answer) in chunk.iter().zip(run.connection().send_all(&requests)) {
            let texts = match answer {
                Ok(answer) => rest(run, pipeline, answer.text()?)?,
                // It was dropped after it was listed.
                Err(failure) if failure.kind == FailureKind::Gone => continue,
                Err(failure) => return Err(failure),
            };
            let origin = Origin::of(&place.project, &pipeline.head);
            let workflows = Workflows::read(&texts)?;
            if !workflows.are_over() || pipeline.is("pending") || pipeline.is("setup-pending") {
                place.unfinished = place.unfinished.into_iter().chain(pipeline.created_ms()).min();
            }
            if workflows.0.is_empty() && pipeline.is("errored") {
                records.push(never_ran(pipeline, &origin));
            }
            records.extend(workflows.records(&origin)?);
        }
    }
    Ok(records)
}

/// All pages of the workflows of a pipeline, of which there is hardly ever a second.
fn rest(run: &Run<Settings>, pipeline: &Pipeline<'_>, first: String) -> Result<Vec<String>, Failure> {
    let mut texts = vec![first];
    while let Some(token) = texts.last().and_then(|text| Items::read(text).ok()?.next_page_token) {
        if token.is_empty() {
            break;
        }
        texts.push(listing(run, pipeline.path(), Some(&token))?.text()?);
    }
    Ok(texts)
}

/// A pipeline whose configuration could not be read never got to have a workflow, and is all there is of the run.
fn never_ran(pipeline: &Pipeline<'_>, origin: &Origin) -> RawRecord {
    let key = format!("pipeline/{}", pipeline.id);
    RawRecord::upsert(key, pipeline.json.get()).version(pipeline.created_ms()).context(origin)
}

/// The few fields of a workflow or job that name it and say how new it is.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) id: Field<Cow<'a, str>>,
    #[serde(borrow)]
    name: Field<Cow<'a, str>>,
    #[serde(borrow)]
    status: Field<Cow<'a, str>>,
    created_at: Field<Timestamp>,
    stopped_at: Field<Timestamp>,
}

impl Head<'_> {
    /// Workflows have no time of change; each of their times is one.
    pub(crate) fn version(&self) -> Option<i64> {
        [&self.created_at, &self.stopped_at].into_iter().filter_map(|at| at.quietly()).map(|at| at.ms()).max()
    }

    /// What workflows of a pipeline are in order by.
    fn created(&self) -> (Option<i64>, Option<&str>) {
        (self.created_at.quietly().map(|at| at.ms()), self.id.quietly().map(AsRef::as_ref))
    }

    fn is_over(&self) -> bool {
        !self.status.quietly().is_some_and(|word| matches!(word.as_ref(), "running" | "failing" | "on_hold"))
    }
}

struct Workflows<'a>(Vec<(&'a RawValue, Head<'a>)>);

impl<'a> Workflows<'a> {
    fn read(texts: &'a [String]) -> Result<Self, Failure> {
        let mut workflows = Vec::new();
        for text in texts {
            for json in Items::read(text)?.items {
                let head = serde_json::from_str(json.get()).map_err(|error| unreadable(&error.to_string()))?;
                workflows.push((json, head));
            }
        }
        Ok(Self(workflows))
    }

    fn are_over(&self) -> bool {
        self.0.iter().all(|(_, head)| head.is_over())
    }

    /// A repeat is a workflow of its own, of the same name and created later.
    fn records(&self, origin: &Origin) -> Result<Vec<RawRecord>, Failure> {
        let record = |(json, head): &(&RawValue, Head<'_>)| {
            let before = |other: &&Head<'_>| other.name == head.name && other.created() < head.created();
            let ids = self.0.iter().map(|(_, other)| other).filter(before).filter_map(|other| other.id.quietly());
            let attempt = u32::try_from(ids.collect::<BTreeSet<_>>().len()).ok().map(|before| before + 1);
            let id = head.id.quietly().ok_or_else(|| unreadable("a workflow has no id"))?;
            let record = RawRecord::upsert(id.as_ref(), json.get()).version(head.version());
            Ok(record.context(&Origin { attempt, ..origin.clone() }))
        };
        self.0.iter().map(record).collect()
    }
}

/// A page of the jobs of a workflow. A repeat lists jobs of the attempt before that it did not run again, so a job is only
/// known together with its workflow.
fn jobs(run: &Run<Settings>, position: &Position) -> Result<Page<Position>, Failure> {
    let missing = || Failure::internal("circleci.parent", "jobs are read under a workflow");
    let parent = run.parent.as_ref().ok_or_else(missing)?;
    if parent.key.starts_with("pipeline/") {
        return Ok(Page::empty().done_at(Position::default()));
    }
    let origin: Origin = serde_json::from_str(parent.context.as_deref().ok_or_else(missing)?).map_err(|_| missing())?;
    let token = position.at.as_ref().and_then(|place| place.token.as_deref());
    let answer = listing(run, address::path(["workflow", &parent.key, "job"]), token)?;
    let next: Option<String> = answer.pointer("/next_page_token")?;
    let page = Page::extract(answer, "/items").key_prefix(&format!("{}/", parent.key));
    let page = page.context(&origin.of_job(&parent.key));
    Ok(match next.filter(|token| !token.is_empty()) {
        Some(token) => {
            let place = Place { token: Some(token), ..Place::default() };
            page.next(Position { at: Some(place), ..Position::default() })
        }
        None => page.done_at(Position::default()),
    })
}

fn unreadable(what: &str) -> Failure {
    Failure::transient("circleci.answer", format!("the answer is not readable: {what}"))
}

/// Whose token it is, and which projects it may not see.
pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let projects = settings.sorted_projects()?;
    let identity = connection.get("/me").send()?.pointer("/login")?;
    let mut missing = Vec::new();
    for project in projects {
        let path = address::path(["project"].into_iter().chain(project.split('/')));
        match connection.get(path).send() {
            Ok(_) => {}
            Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => {
                missing.push(format!("{project}: it is not there, or the token may not see it"));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(Checkup { tool: "CircleCI".to_owned(), identity, missing })
}
