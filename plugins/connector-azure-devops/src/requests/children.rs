//! What lies under a pull request, a build or a work item.

use weir_sdk::address;
use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use super::answer;
use super::listing::{API, Of, base};
use super::{Next, Place, Position, Read};
use crate::origin::Origin;
use crate::settings::Settings;

/// Updates of one page.
const UPDATES: u64 = 200;
const UPDATES_TEXT: &str = "200";

/// One page of what lies under a record.
pub(super) fn page(run: &Run<Settings>, place: Place) -> Result<Read, Failure> {
    let parent = Parent::of(run)?;
    let call = run.get(parent.path(&run.dataset)).query("api-version", API);
    let call = match (run.dataset.as_str(), &place.page.next) {
        ("work-item-updates", Some(Next::Skip(skip))) => {
            call.query("$top", UPDATES_TEXT).query("$skip", skip.to_string())
        }
        ("work-item-updates", _) => call.query("$top", UPDATES_TEXT),
        ("pull-commits" | "build-changes", Some(Next::Token(token))) => {
            call.query("$top", "100").query("continuationToken", token)
        }
        ("pull-commits" | "build-changes", _) => call.query("$top", "100"),
        _ => call,
    };
    let answer = answer::accepted(call.send_any()?)?;
    // A build that never began has no timeline.
    if answer.status() == 204 {
        return Ok((Page::empty(), Then::Leave(None)));
    }
    let next = match run.dataset.as_str() {
        "work-item-updates" => next_updates(&answer, place.page.next.as_ref())?,
        "pull-commits" | "build-changes" => answer::token(&answer),
        _ => None,
    };
    let page = parent.extract(answer, &run.dataset);
    Ok((page, Then::next_or_leave(place.page.turned(next), None)))
}

fn next_updates(answer: &Response, next: Option<&Next>) -> Result<Option<Next>, Failure> {
    let skipped = if let Some(Next::Skip(skipped)) = next { *skipped } else { 0 };
    let n_elements = answer::heads(&answer.text()?)?.len();
    let is_full = u64::try_from(n_elements).is_ok_and(|n| n >= UPDATES);
    Ok(is_full.then_some(Next::Skip(skipped + UPDATES)))
}

/// The record a child dataset is read under.
struct Parent {
    key: String,
    id: u64,
    origin: Origin<'static>,
}

impl Parent {
    fn of(run: &Run<Settings>) -> Result<Self, Failure> {
        let parent = run.parent()?;
        let origin: Origin<'_> = run.parent_context()?;
        let odd = || Failure::internal("azure-devops.parent", format!("`{}` is no key of a record above", parent.key));
        let id: u64 = parent.key.rsplit(['!', '/']).next().and_then(|id| id.parse().ok()).ok_or_else(odd)?;
        let of_pull = run.dataset.starts_with("pull-");
        let of_build = run.dataset.starts_with("build-");
        let origin = Origin {
            project: origin.project.into_owned().into(),
            repository: origin.repository.map(|repository| repository.into_owned().into()),
            pull: of_pull.then_some(id),
            build: of_build.then_some(id),
        };
        Ok(Self { key: parent.key.clone(), id, origin })
    }

    fn path(&self, dataset: &str) -> String {
        let project = base(Of::Project, &self.origin.project);
        let repository = self.origin.repository.as_deref().map(address::encode).unwrap_or_default();
        let id = self.id;
        match dataset {
            "pull-commits" => format!("{project}/_apis/git/repositories/{repository}/pullRequests/{id}/commits"),
            "pull-threads" => format!("{project}/_apis/git/repositories/{repository}/pullRequests/{id}/threads"),
            "build-timelines" => format!("{project}/_apis/build/builds/{id}/timeline"),
            "build-changes" => format!("{project}/_apis/build/builds/{id}/changes"),
            _ => format!("{project}/_apis/wit/workItems/{id}/updates"),
        }
    }

    fn extract(&self, answer: Response, dataset: &str) -> Page<Position> {
        let prefix = format!("{}/", self.key);
        let page = match dataset {
            "pull-commits" => Page::extract(answer, "/value").key("/commitId").version("/committer/date"),
            "pull-threads" => Page::extract(answer, "/value").version("/lastUpdatedDate"),
            // One timeline is one record; it changes with every step of the build.
            "build-timelines" => Page::extract(answer, "").version("/changeId"),
            "build-changes" => Page::extract(answer, "/value").version("/timestamp"),
            _ => Page::extract(answer, "/value").version("/rev"),
        };
        page.key_prefix(&prefix).context(&self.origin)
    }
}
