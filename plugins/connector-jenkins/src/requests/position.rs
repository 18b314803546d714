//! Where the reading of builds stands: the time up to which all builds are known, the few exceptions to it, and the place
//! of the pass under way.
//!
//! There is one mark for all jobs and not one for each: Jenkins has thousands of them, and a cursor has 64 KiB.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_sdk::prelude::*;

use super::jobs::Job;

/// How far before the mark to read again, in milliseconds: listing the jobs of a large instance takes a while, and builds
/// begin meanwhile.
const OVERLAP: i64 = 10 * 60_000;
/// Builds under way that are remembered one by one; more hold back the mark.
const UNFINISHED_MAX: usize = 200;
/// Jobs that may fail in a pass before it is not the jobs but Jenkins.
const BEHIND_MAX: usize = 20;

/// Position of the builds. It stays far below the 64 KiB a cursor may have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Builds that began before this are known, but for those below; in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<i64>,
    /// Job and number of builds that were not over.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    unfinished: BTreeSet<(String, u64)>,
    /// Jobs that could not be read, with the time to read them down to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    behind: BTreeMap<String, Option<i64>>,
    /// Where the pass under way stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Place>,
    /// The run whose pass has ended without these jobs, and has still to say so; in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    short_in: Option<i64>,
}

/// A place in a pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The job being read, or the one read last.
    job: String,
    /// Page to read of it; none when it is done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<NextPage>,
    /// The mark to be set at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<i64>,
    /// Whether the pass has come to the jobs that could not be read at first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

/// A page of builds of a job, newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NextPage {
    /// Builds to pass over.
    pub(super) from: u64,
    /// Lowest number seen; the page has to reach up to it.
    pub(super) lowest: u64,
}

impl Position {
    /// Whether no pass is under way.
    pub(super) fn is_between_passes(&self) -> bool {
        self.at.is_none()
    }

    /// Begins a pass over these jobs, which are sorted by name. A job that went away is behind no longer.
    pub(super) fn begin(&mut self, jobs: &[Job]) {
        self.behind.retain(|name, _| jobs.binary_search_by(|job| job.origin.job.cmp(name)).is_ok());
        let mark = jobs.iter().map(|job| job.last_build_at).max();
        self.at = Some(Place { mark: mark.max(self.mark), ..Place::default() });
        self.short_in = None;
    }

    /// Time to read a job down to; none for all of it.
    pub(super) fn floor(&self, job: &str, since: Option<i64>) -> Option<i64> {
        match self.behind.get(job) {
            Some(floor) => *floor,
            None => since.max(self.mark.map(|mark| mark - OVERLAP)),
        }
    }

    /// The job to read now, with its page.
    pub(super) fn next<'a>(&self, jobs: &'a [Job], since: Option<i64>) -> Option<(&'a Job, Option<NextPage>)> {
        let place = self.at.as_ref()?;
        let is_due = |job: &&Job| {
            let name = &job.origin.job;
            if place.again {
                return self.behind.contains_key(name);
            }
            self.floor(name, since).is_none_or(|floor| job.last_build_at >= floor) || self.behind.contains_key(name)
        };
        let here = |job: &&Job| place.page.is_some() && job.origin.job == place.job;
        let job = jobs.iter().find(|job| here(job) || (job.origin.job > place.job && is_due(job)))?;
        Some((job, place.page.filter(|_| job.origin.job == place.job)))
    }

    /// Goes on to another page of a job, or leaves it.
    pub(super) fn turn(&mut self, job: &str, page: Option<NextPage>) {
        if page.is_none() {
            self.behind.remove(job);
        }
        self.move_to(job, page);
    }

    /// Leaves a job that cannot be read. False when too many cannot.
    pub(super) fn put_off(&mut self, job: &str, since: Option<i64>) -> bool {
        let floor = self.floor(job, since);
        self.behind.insert(job.to_owned(), floor);
        self.move_to(job, None);
        self.behind.len() <= BEHIND_MAX
    }

    fn move_to(&mut self, job: &str, page: Option<NextPage>) {
        let place = self.at.take().unwrap_or_default();
        self.at = Some(Place { job: job.to_owned(), page, ..place });
    }

    /// Comes to the end of the jobs: tries once more what could not be read, else ends the pass. What is left out even
    /// then is told by [`short`](Self::short).
    pub(super) fn end(&mut self, run_at: Timestamp) {
        let place = self.at.take().unwrap_or_default();
        if !place.again && !self.behind.is_empty() {
            self.at = Some(Place { job: String::new(), page: None, again: true, ..place });
            return;
        }
        self.mark = place.mark;
        self.short_in = (!self.behind.is_empty()).then(|| run_at.ms());
    }

    /// The jobs this run could not read, once its pass has ended.
    pub(super) fn short(&self, run_at: Timestamp) -> Option<String> {
        let jobs: Vec<&str> = self.behind.keys().map(String::as_str).collect();
        (self.short_in == Some(run_at.ms())).then(|| jobs.join(", "))
    }

    /// Builds that were not over when they were read last.
    pub(super) fn unfinished(&self) -> Vec<(String, u64)> {
        self.unfinished.iter().cloned().collect()
    }

    /// A build that is over, or gone.
    pub(super) fn is_over(&mut self, job: &str, number: u64) {
        self.unfinished.remove(&(job.to_owned(), number));
    }

    /// A build under way is read again until it is over.
    pub(super) fn is_under_way(&mut self, job: &str, number: u64, began_at: Option<i64>) {
        if self.unfinished.len() < UNFINISHED_MAX {
            self.unfinished.insert((job.to_owned(), number));
        } else if let Some(place) = &mut self.at {
            place.mark = place.mark.into_iter().chain(began_at).min();
        }
    }
}
