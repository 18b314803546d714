//! What is read under a merge request, a pipeline or an issue.

use weir_sdk::address;
use weir_sdk::http::Call;
use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use super::head::elements;
use super::{Head, Leaf, PAGE, Place, Position, Read};
use crate::origin::Origin;
use crate::settings::Settings;

/// A page of it.
pub(super) fn page(run: &Run<Settings>, place: Place) -> Result<Read, Failure> {
    let parent = Parent::of(run)?;
    let call = match place.page.link {
        Some(link) => run.follow(link),
        None => with_query(run.get(parent.path(&run.dataset)), &run.dataset),
    };
    let answer = call.send()?;
    let next = answer.next_link();
    let page = match run.dataset.as_str() {
        "jobs" | "bridges" => jobs(&answer, &parent)?,
        "approvals" => approvals(run, &answer, &parent)?,
        "merge-request-commits" => {
            let prefix = format!("{}/", parent.key);
            Page::extract(answer, "").key_prefix(&prefix).version("/committed_date").context(&parent.origin)
        }
        "notes" => Page::extract(answer, "").version("/updated_at").context(&parent.origin),
        _ => Page::extract(answer, "").version("/created_at").context(&parent.origin),
    };
    Ok((page, Then::next_or_leave(next.map(|link| Leaf { link: Some(link), ..Leaf::default() }), None)))
}

/// Jobs are cut here and not by the host, for their version is the latest of three times.
fn jobs(answer: &Response, parent: &Parent) -> Result<Page<Position>, Failure> {
    let text = answer.text()?;
    let mut records = Vec::new();
    for json in elements(&text)? {
        records.push(Head::read(json.get())?.record(json.get()).context(&parent.origin));
    }
    Ok(Page::records(records))
}

/// One document that need not name what it is about; it is as new as the merge request.
fn approvals(run: &Run<Settings>, answer: &Response, parent: &Parent) -> Result<Page<Position>, Failure> {
    let listed: Option<serde_json::Value> = answer.pointer("/approved_by")?;
    if !listed.is_some_and(|listed| listed.is_array()) {
        return Err(Failure::transient("gitlab.approvals.unreadable", "the answer does not say who approved"));
    }
    let version = run.parent.as_ref().and_then(|parent| parent.version);
    let record = RawRecord::upsert(parent.key.clone(), answer.text()?).version(version);
    Ok(Page::records(vec![record.context(&parent.origin)]))
}

/// The record a child dataset is read under.
struct Parent {
    key: String,
    origin: Origin<'static>,
    /// Number of the merge request or issue, id of the pipeline.
    number: u64,
}

impl Parent {
    fn of(run: &Run<Settings>) -> Result<Self, Failure> {
        let parent = run.parent()?;
        let origin: Origin<'_> = run.parent_context()?;
        let odd = || Failure::internal("gitlab.parent", format!("`{}` is no key of a record above", parent.key));
        let number = parent.key.rsplit(['!', '#']).next().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(odd)?;
        let project = Origin::of(origin.project.into_owned());
        let origin = match run.dataset.as_str() {
            "jobs" | "bridges" => Origin { pipeline: Some(number), ..project },
            "issue-states" | "issue-labels" => Origin { issue: Some(number), ..project },
            _ => Origin { merge_request: Some(number), ..project },
        };
        Ok(Self { key: parent.key.clone(), origin, number })
    }

    fn path(&self, dataset: &str) -> String {
        let (parents, below) = match dataset {
            "jobs" => ("pipelines", "jobs"),
            "bridges" => ("pipelines", "bridges"),
            "issue-states" => ("issues", "resource_state_events"),
            "issue-labels" => ("issues", "resource_label_events"),
            "merge-request-commits" => ("merge_requests", "commits"),
            "approvals" => ("merge_requests", "approvals"),
            _ => ("merge_requests", "notes"),
        };
        address::path(["projects", &self.origin.project, parents, &self.number.to_string(), below])
    }
}

/// Notes by creation, so that a new one comes last; jobs with those that were repeated.
fn with_query<'r>(call: Call<'r>, dataset: &str) -> Call<'r> {
    match dataset {
        "approvals" => call,
        "notes" => call.query("order_by", "created_at").query("sort", "asc").query("per_page", PAGE),
        "jobs" => call.query("include_retried", "true").query("per_page", PAGE),
        _ => call.query("per_page", PAGE),
    }
}
