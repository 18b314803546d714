//! What lies under a pull request, a run or a deployment.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_sdk::prelude::*;

use super::listing::path;
use super::{Head, PAGE, Place, Position, Read, follow};
use crate::origin::{Origin, number_after};
use crate::settings::Settings;

/// A page of what lies under a pull request, a run or a deployment.
pub(super) fn page(run: &Run<Settings>, place: &Place) -> Result<Read, Failure> {
    let parent = Parent::of(run)?;
    let call = match &place.page.link {
        Some(link) => run.follow(link),
        None => run.get(parent.path(&run.dataset)).query("per_page", PAGE),
    };
    let answer = call.send()?;
    let next = answer.next_link();
    let page = match run.dataset.as_str() {
        "jobs" => jobs(&answer, &parent)?,
        "pull-commits" => {
            let prefix = format!("{}/", parent.origin.numbered(parent.id));
            let page = Page::extract(answer, "").key("/sha").key_prefix(&prefix).version("/commit/committer/date");
            page.context(&parent.origin.pull(parent.id))
        }
        "reviews" => Page::extract(answer, "").version("/submitted_at").context(&parent.origin.pull(parent.id)),
        _ => Page::extract(answer, "").version("/created_at").context(&parent.origin.deployment(parent.id)),
    };
    Ok((page, follow(next)))
}

/// Jobs are cut here and not by the host, for their version is the latest of three times.
fn jobs(answer: &Response, parent: &Parent) -> Result<Page<Position>, Failure> {
    #[derive(Deserialize)]
    struct Jobs<'a> {
        #[serde(borrow)]
        jobs: Vec<&'a RawValue>,
    }
    let text = answer.text()?;
    let unreadable = |error: serde_json::Error| Failure::transient("github.jobs.unreadable", error.to_string());
    let mut records = Vec::new();
    for job in serde_json::from_str::<Jobs<'_>>(&text).map_err(unreadable)?.jobs {
        let head = Head::read(job.get()).map_err(unreadable)?;
        let id = head.id.quietly().map(u64::to_string);
        let record = id.map_or_else(|| RawRecord::unreadable(job.get()), |id| RawRecord::upsert(id, job.get()));
        records.push(record.version(head.version("jobs")).context(&parent.origin));
    }
    Ok(Page::records(records))
}

/// The record a child dataset is read under.
struct Parent {
    origin: Origin<'static>,
    /// Number of the pull request, id of the run or deployment.
    id: u64,
    attempt: u64,
}

impl Parent {
    fn of(run: &Run<Settings>) -> Result<Self, Failure> {
        let parent = run.parent()?;
        let origin: Origin<'_> = run.parent_context()?;
        let odd = || Failure::internal("github.parent", format!("`{}` is no key of a record above", parent.key));
        let (id, attempt) = match parent.key.split_once('/').filter(|_| run.dataset == "jobs") {
            Some((id, attempt)) => (id.parse().ok(), attempt.parse().ok()),
            None => (parent.key.parse().ok().or_else(|| number_after(&parent.key, "#")), Some(1)),
        };
        let origin = Origin::of(origin.repository.into_owned());
        Ok(Self { origin, id: id.ok_or_else(odd)?, attempt: attempt.ok_or_else(odd)? })
    }

    fn path(&self, dataset: &str) -> String {
        let (id, attempt) = (self.id.to_string(), self.attempt.to_string());
        let below: &[&str] = match dataset {
            "pull-commits" => &["pulls", &id, "commits"],
            "reviews" => &["pulls", &id, "reviews"],
            "jobs" => &["actions", "runs", &id, "attempts", &attempt, "jobs"],
            _ => &["deployments", &id, "statuses"],
        };
        path(&self.origin.repository, below)
    }
}
