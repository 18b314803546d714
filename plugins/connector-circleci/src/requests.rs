//! From a position to requests: pipelines newest first, down to the last pass, and the workflows of each beside it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_sdk::address;
use weir_sdk::prelude::*;
use weir_sdk::walk::{self, Newest, Then, Walk};

use crate::Settings;
use crate::origin::{Origin, PipelineJson};

/// How far before the newest known pipeline to read again, in milliseconds: a workflow may be repeated some hours after.
const OVERLAP: i64 = 6 * 60 * 60_000;
/// Requests sent at once.
const REQUESTS_MAX: usize = 64;

/// Where a dataset stands; its marks are times of creation in milliseconds.
pub(crate) type Position = Walk<Leaf>;
/// A page of a project.
type Place = walk::Place<Leaf>;
/// A page that was read, and where to go on.
type Read = (Page<Position>, Then<Leaf>);

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaf {
    /// Token of the page; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// What was read of times so far.
    newest: Newest,
}

impl Leaf {
    /// The page after this one, if there is one.
    fn turned(self, token: Option<String>) -> Option<Self> {
        token.filter(|token| !token.is_empty()).map(|token| Self { token: Some(token), ..self })
    }
}

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    match run.dataset.as_str() {
        "runs" => position.step(run, run.settings.checked_projects()?, |place| runs(run, place)),
        "jobs" => position.step_whole(run, |place| jobs(run, place.page)),
        _ => Err(run.unknown_dataset()),
    }
}

/// A page of pipelines with their workflows.
fn runs(run: &Run<Settings>, place: Place) -> Result<Read, Failure> {
    let parts = ["project"].into_iter().chain(place.scope.split('/')).chain(["pipeline"]);
    let answer = match listing(run, address::path(parts), place.page.token.as_deref()) {
        Err(failure) if failure.kind == FailureKind::Gone => return Ok(unseen(&place)),
        other => other?,
    };
    let text = answer.text()?;
    let list = Items::read(&text)?;
    let pipelines = list.items.iter().map(|json| Pipeline::read(json)).collect::<Result<Vec<_>, _>>()?;
    let created = || pipelines.iter().filter_map(Pipeline::created_ms);
    let floor = floor(run, &place);
    let mut leaf = place.page;
    if leaf.token.is_none() {
        leaf.newest.see(created());
    }
    let page = Page::records(workflows(run, &place.scope, &mut leaf.newest, &pipelines)?);
    let is_below_floor = floor.zip(created().min()).is_some_and(|(floor, oldest)| oldest < floor);
    let mark = leaf.newest.mark();
    Ok((page, Then::next_or_leave(leaf.turned(list.next_page_token.filter(|_| !is_below_floor)), mark)))
}

fn unseen(place: &Place) -> Read {
    let message = format!("`{}` cannot be read: it is not there, or the token may not see it", place.scope);
    (Page::empty(), Then::PutOff(Failure::forbidden("circleci.project.unreadable", message)))
}

/// The oldest creation to read down to, in milliseconds.
fn floor(run: &Run<Settings>, place: &Place) -> Option<i64> {
    run.floor(run.settings.since).max(place.last_mark.map(|mark| mark - OVERLAP))
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
        self.head.created_at.ms()
    }

    fn is(&self, state: &str) -> bool {
        self.head.state.quietly().is_some_and(|found| found == state)
    }

    fn path(&self) -> String {
        address::path(["pipeline", &self.id, "workflow"])
    }
}

/// The workflows of each pipeline as records; notes the oldest pipeline that is not over.
fn workflows(
    run: &Run<Settings>,
    project: &str,
    newest: &mut Newest,
    pipelines: &[Pipeline<'_>],
) -> Result<Vec<RawRecord>, Failure> {
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
            let origin = Origin::of(project, &pipeline.head);
            let workflows = Workflows::read(&texts)?;
            if !workflows.are_over() || pipeline.is("pending") || pipeline.is("setup-pending") {
                newest.hold_back(pipeline.created_ms());
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
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    created_at: Instant,
    stopped_at: Instant,
}

impl Head<'_> {
    /// Workflows have no time of change; each of their times is one.
    pub(crate) fn version(&self) -> Option<i64> {
        [&self.created_at, &self.stopped_at].into_iter().filter_map(|at| at.quietly()).map(|at| at.ms()).max()
    }

    /// What workflows of a pipeline are in order by.
    fn created(&self) -> (Option<i64>, Option<&str>) {
        (self.created_at.ms(), self.id.quietly().map(AsRef::as_ref))
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
fn jobs(run: &Run<Settings>, leaf: Leaf) -> Result<Read, Failure> {
    let parent = run.parent()?;
    if parent.key.starts_with("pipeline/") {
        return Ok((Page::empty(), Then::Leave(None)));
    }
    let origin: Origin = run.parent_context()?;
    let answer = listing(run, address::path(["workflow", &parent.key, "job"]), leaf.token.as_deref())?;
    let next: Option<String> = answer.pointer("/next_page_token")?;
    let page = Page::extract(answer, "/items").key_prefix(&format!("{}/", parent.key));
    Ok((page.context(&origin.of_job(&parent.key)), Then::next_or_leave(leaf.turned(next), None)))
}

fn unreadable(what: &str) -> Failure {
    Failure::transient("circleci.answer", format!("the answer is not readable: {what}"))
}

/// Whose token it is, and which projects it may not see.
pub(crate) fn check(connection: &Connection<'_>, settings: &Settings) -> Result<Checkup, Failure> {
    let projects = settings.checked_projects()?;
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
