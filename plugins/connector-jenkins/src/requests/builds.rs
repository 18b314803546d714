//! Builds: of every job that has new ones, newest first, down to those that are known.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::http::Request;
use weir_sdk::prelude::*;

use super::jobs::{self, Job};
use super::position::NextPage;
use super::{Position, unreadable};
use crate::origin::Origin;
use crate::settings::Settings;

/// Builds of one page.
const PAGE: u64 = 50;
/// Requests sent at once.
const REQUESTS_MAX: usize = 64;
/// What is asked of a build. Without such a list Jenkins would compute all there is, and take its time.
const FIELDS: &str = "number,url,displayName,building,result,timestamp,duration,builtOn,queueId,\
    actions[causes[shortDescription,userId,userName,upstreamProject,upstreamBuild,addr],\
    parameters[name,value],lastBuiltRevision[SHA1,branch[name]],remoteUrls,mercurialRevisionNumber,\
    failCount,skipCount,totalCount,queuingDurationMillis,\
    waitingDurationMillis,blockedDurationMillis,buildableDurationMillis],\
    fingerprint[fileName,hash,original[name,number]],\
    changeSet[kind,items[commitId,timestamp,author[fullName],authorEmail,msg,comment]],\
    changeSets[kind,items[commitId,timestamp,author[fullName],authorEmail,msg,comment]]";

/// Head of a build: what names it and says how new it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    number: Field<u64>,
    timestamp: Instant,
    duration: Field<i64>,
    building: Field<bool>,
}

/// A page of builds. An answer without them is none.
#[derive(Deserialize)]
struct Builds<'a> {
    #[serde(rename = "allBuilds", borrow)]
    builds: Vec<&'a RawValue>,
}

/// One page of builds.
pub(super) fn step(run: &Run<Settings>, mut position: Position) -> Result<Page<Position>, Failure> {
    if let Some(jobs) = position.short(run.run_at) {
        return Err(Failure::transient(
            "jenkins.jobs.unreadable",
            format!("builds of these jobs cannot be read: {jobs}"),
        ));
    }
    let jobs = run.remember(|| jobs::list(run.connection(), &run.settings))?;
    if position.is_between_passes() {
        position.begin(&jobs);
        let records = follow_up(run, &jobs, &mut position)?;
        return Ok(Page::records(records).next(position));
    }
    let since = run.floor(run.settings.since);
    let Some((job, page)) = position.next(&jobs, since) else {
        position.end(run.run_at);
        let is_done = position.is_between_passes() && position.short(run.run_at).is_none();
        return Ok(if is_done { Page::empty().done_at(position) } else { Page::empty().next(position) });
    };
    let records = match read(run, job, page) {
        Ok(read) => take(&mut position, job, page, since, read),
        Err(failure) => pass_over(&mut position, job, since, failure)?,
    };
    Ok(Page::records(records).next(position))
}

/// Builds of an earlier pass that were not over then. What cannot be read now is asked for again next time.
fn follow_up(run: &Run<Settings>, jobs: &[Job], position: &mut Position) -> Result<Vec<RawRecord>, Failure> {
    let of =
        |name: &str| jobs.binary_search_by(|job| job.origin.job.as_str().cmp(name)).ok().map(|at| &jobs[at].origin);
    let mut records = Vec::new();
    for unfinished in position.unfinished().chunks(REQUESTS_MAX) {
        let (there, gone): (Vec<_>, Vec<_>) = unfinished.iter().partition(|(name, _)| of(name).is_some());
        for (name, number) in gone {
            position.is_over(name, *number);
        }
        let there: Vec<_> = there.into_iter().filter_map(|(name, number)| Some((of(name)?, *number))).collect();
        let requests: Vec<_> = there.iter().map(|(origin, number)| request(run, origin, *number)).collect();
        for ((origin, number), answer) in there.into_iter().zip(run.connection().send_all(&requests)) {
            records.extend(one(origin, number, answer, position)?);
        }
    }
    Ok(records)
}

fn request(run: &Run<Settings>, origin: &Origin, number: u64) -> Request {
    run.get(format!("{}/api/json", origin.build_path(number))).query("tree", FIELDS).into_request()
}

fn one(
    origin: &Origin,
    number: u64,
    answer: Result<Response, Failure>,
    position: &mut Position,
) -> Result<Option<RawRecord>, Failure> {
    match answer {
        Ok(answer) => {
            let text = answer.text()?;
            let Ok(build) = Build::cut(origin, &text) else { return Ok(None) };
            build.note(origin, position);
            Ok(Some(build.record))
        }
        Err(failure) if failure.kind == FailureKind::Gone => {
            position.is_over(&origin.job, number);
            Ok(None)
        }
        Err(failure) if is_of_all_jobs(&failure) => Err(failure),
        Err(_) => Ok(None),
    }
}

/// Whether Jenkins as a whole does not answer as it should, and not one job.
fn is_of_all_jobs(failure: &Failure) -> bool {
    !matches!(failure.kind, FailureKind::Transient | FailureKind::Forbidden | FailureKind::Poison)
}

/// A build cut from a page.
struct Build {
    record: RawRecord,
    number: Option<u64>,
    began_at: Option<i64>,
    is_over: bool,
}

impl Build {
    fn cut(origin: &Origin, json: &str) -> Result<Self, Failure> {
        let head: Head = serde_json::from_str(json).map_err(|error| unreadable("a build", &error))?;
        let number = head.number.quietly().copied();
        let began_at = head.timestamp.ms();
        let is_over = head.building.quietly() != Some(&true);
        // A build has no time of change. While it runs it is as new as its start, then as its end, and always newer.
        let ran_for = head.duration.quietly().copied().unwrap_or(0).max(0);
        let version = began_at.map(|at| if is_over { at.saturating_add(ran_for).saturating_add(1) } else { at });
        let record = number.map_or_else(
            || RawRecord::unreadable(json),
            |number| RawRecord::upsert(origin.record_key(number), json).version(version).context(origin),
        );
        Ok(Self { record, number, began_at, is_over })
    }

    fn note(&self, origin: &Origin, position: &mut Position) {
        match self.number {
            Some(number) if self.is_over => position.is_over(&origin.job, number),
            Some(number) => position.is_under_way(&origin.job, number, self.began_at),
            None => {}
        }
    }
}

/// The builds of a page; none when the job is gone.
fn read(run: &Run<Settings>, job: &Job, page: Option<NextPage>) -> Result<Option<Vec<Build>>, Failure> {
    let from = page.unwrap_or_default().from;
    let tree = format!("allBuilds[{FIELDS}]{{{from},{}}}", from + PAGE);
    let answer = run.get(format!("{}/api/json", job.origin.path)).query("tree", tree).send();
    let answer = match answer {
        Err(failure) if failure.kind == FailureKind::Gone => return Ok(None),
        answer => answer?,
    };
    let text = answer.text()?;
    let page: Builds<'_> = serde_json::from_str(&text).map_err(|error| unreadable("a page of builds", &error))?;
    page.builds.into_iter().map(|json| Build::cut(&job.origin, json.get())).collect::<Result<_, _>>().map(Some)
}

/// Notes what a page says, and turns to the next one.
fn take(
    position: &mut Position,
    job: &Job,
    page: Option<NextPage>,
    since: Option<i64>,
    read: Option<Vec<Build>>,
) -> Vec<RawRecord> {
    let builds = read.unwrap_or_default();
    let next = next_page(page, &builds, position.floor(&job.origin.job, since));
    for build in &builds {
        build.note(&job.origin, position);
    }
    position.turn(&job.origin.job, next);
    builds.into_iter().map(|build| build.record).collect()
}

/// The next page begins with the last build of this one. When that is not there, builds went away and others moved up
/// unseen: the job is read from its begin.
fn next_page(page: Option<NextPage>, builds: &[Build], floor: Option<i64>) -> Option<NextPage> {
    let numbers = || builds.iter().filter_map(|build| build.number);
    let has_gap = page.is_some_and(|page| page.from > 0 && numbers().max() < Some(page.lowest));
    if has_gap {
        return Some(NextPage::default());
    }
    let is_last = u64::try_from(builds.len()).is_ok_and(|n_builds| n_builds < PAGE);
    let oldest = builds.iter().filter_map(|build| build.began_at).min();
    let is_known = floor.zip(oldest).is_some_and(|(floor, oldest)| oldest < floor);
    let lowest = numbers().min().filter(|_| !is_last && !is_known)?;
    Some(NextPage { from: page.unwrap_or_default().from + PAGE - 1, lowest })
}

/// Leaves a job that cannot be read to the end of the pass: one broken build must not keep those of other jobs back.
fn pass_over(
    position: &mut Position,
    job: &Job,
    since: Option<i64>,
    failure: Failure,
) -> Result<Vec<RawRecord>, Failure> {
    if is_of_all_jobs(&failure) || !position.put_off(&job.origin.job, since) {
        return Err(failure);
    }
    weir_sdk::log::warn("builds of a job cannot be read", &[("job", &job.origin.job), ("why", &failure.message)]);
    Ok(Vec::new())
}
