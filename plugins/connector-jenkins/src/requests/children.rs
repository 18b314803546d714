//! What lies under a build and has to be asked for: stages, single tests, its time in the queue.
//!
//! Plugins of Jenkins give some of it; where they are not, their address is not there, and there is nothing to read.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use weir_sdk::prelude::*;

use super::{Position, unreadable};
use crate::origin::Origin;
use crate::settings::Settings;

const TESTS: &str = "duration,failCount,passCount,skipCount,\
    suites[name,cases[className,name,status,duration,errorDetails]],\
    childReports[result[duration,failCount,passCount,skipCount,\
    suites[name,cases[className,name,status,duration,errorDetails]]]]";
const TEST_COUNTS: &str = "duration,failCount,passCount,skipCount,childReports[result[failCount]]";
/// Jenkins forgets an item of its queue five minutes after it began to run. Asked a little longer, for clocks differ.
const QUEUED_WITHIN: i64 = 2 * 24 * 60 * 60_000;
/// Most stages Blue Ocean is asked for; it gives a hundred otherwise.
const NODES_MAX: &str = "10000";

type AnyList = Vec<IgnoredAny>;

/// The build as its record has it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Build<'a> {
    #[serde(rename = "_class", borrow)]
    class: Text<'a>,
    timestamp: Instant,
    #[serde(rename = "queueId")]
    queue_id: Field<u64>,
    #[serde(borrow)]
    actions: List<Object<Action<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Action<'a> {
    #[serde(rename = "_class", borrow)]
    class: Text<'a>,
    #[serde(rename = "failCount")]
    fail_count: Field<u64>,
}

/// The record a reader lies under.
struct Parent<'r> {
    record: &'r RawRecord,
    build: Build<'r>,
    origin: Origin,
    number: u64,
}

impl<'r> Parent<'r> {
    fn of(run: &'r Run<Settings>) -> Result<Self, Failure> {
        let unusable = || Failure::internal("jenkins.parent", "the build to read under is not known");
        let record = run.parent.as_ref().ok_or_else(unusable)?;
        let origin = record.context.as_deref().and_then(|context| serde_json::from_str(context).ok());
        let number = record.key.rsplit('/').next().and_then(|number| number.parse().ok());
        let build = serde_json::from_slice(&record.payload).map_err(|error| unreadable("a build", &error))?;
        Ok(Self { record, build, origin: origin.ok_or_else(unusable)?, number: number.ok_or_else(unusable)? })
    }

    fn actions(&self) -> impl Iterator<Item = &Action<'r>> {
        let actions = self.build.actions.quietly().into_iter().flatten();
        actions.filter_map(|action| action.quietly()).map(|action| &action.0)
    }

    /// The answer as the one record under this build.
    fn page(&self, answer: &Response) -> Result<Page<Position>, Failure> {
        let record = RawRecord::upsert(&self.record.key, answer.text()?);
        Ok(Page::records(vec![record.version(self.record.version).context(&self.origin)]).done())
    }
}

/// The answer, none where nothing is at the address.
fn if_there(answer: Result<Response, Failure>) -> Result<Option<Response>, Failure> {
    match answer {
        Err(failure) if failure.kind == FailureKind::Gone => Ok(None),
        answer => answer.map(Some),
    }
}

/// Refuses an answer that has no `T` at `pointer`: it is none to what was asked.
fn holding<T: DeserializeOwned>(answer: Response, pointer: &str, what: &str) -> Result<Response, Failure> {
    match answer.pointer::<T>(pointer)? {
        Some(_) => Ok(answer),
        None => Err(unreadable(what, &format!("nothing fitting is at `{pointer}`"))),
    }
}

/// Stages of a pipeline, from Stage View or else from Blue Ocean.
pub(super) fn stages(run: &Run<Settings>) -> Result<Page<Position>, Failure> {
    let parent = Parent::of(run)?;
    if parent.build.class.quietly().is_some_and(|class| !class.ends_with("WorkflowRun")) {
        return Ok(Page::empty().done());
    }
    let path = format!("{}/wfapi/describe", parent.origin.build_path(parent.number));
    if let Some(answer) = if_there(run.get(path).send())? {
        return parent.page(&holding::<AnyList>(answer, "/stages", "stages")?);
    }
    let nodes = run.get(parent.origin.blue_path(parent.number)).query("limit", NODES_MAX).send();
    match if_there(nodes)? {
        Some(answer) => parent.page(&holding::<AnyList>(answer, "", "stages")?),
        None => Ok(Page::empty().done()),
    }
}

/// Single tests of a build in which some failed. The counts are known from the build itself.
pub(super) fn tests(run: &Run<Settings>) -> Result<Page<Position>, Failure> {
    let parent = Parent::of(run)?;
    let failed = parent.actions().filter_map(|action| action.fail_count.quietly()).sum::<u64>();
    if failed == 0 {
        return Ok(Page::empty().done());
    }
    let path = format!("{}/testReport/api/json", parent.origin.build_path(parent.number));
    let asked = |tree| run.get(&path).query("tree", tree).send();
    let answer = match asked(TESTS) {
        Err(failure) if failure.kind == FailureKind::Poison => asked(TEST_COUNTS),
        answer => answer,
    };
    let Some(answer) = if_there(answer)? else { return Ok(Page::empty().done()) };
    let is_of_parts = answer.pointer::<AnyList>("/childReports")?.is_some();
    let answer = if is_of_parts { answer } else { holding::<u64>(answer, "/failCount", "tests")? };
    parent.page(&answer)
}

/// The item of the queue a build was, where no plugin told how long it waited.
pub(super) fn queue_item(run: &Run<Settings>) -> Result<Page<Position>, Failure> {
    let parent = Parent::of(run)?;
    let is_told = parent.actions().any(|a| a.class.quietly().is_some_and(|class| class.ends_with("TimeInQueueAction")));
    let began_at = parent.build.timestamp.quietly().map_or(i64::MIN, |at| at.ms());
    let is_recent = run.run_at.ms().saturating_sub(began_at) < QUEUED_WITHIN;
    let id = parent.build.queue_id.quietly().filter(|id| **id > 0 && is_recent && !is_told);
    let Some(id) = id else { return Ok(Page::empty().done()) };
    let answer = run.get(format!("/queue/item/{id}/api/json")).query("tree", "id,inQueueSince").send();
    match if_there(answer)? {
        Some(answer) => parent.page(&holding::<u64>(answer, "/inQueueSince", "an item of the queue")?),
        None => Ok(Page::empty().done()),
    }
}
