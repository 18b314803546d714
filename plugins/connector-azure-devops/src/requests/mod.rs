//! From a position to requests: which listing comes next, where it stops, what is left for the next pass.

mod answer;
mod check;
mod children;
mod listing;
mod position;
mod scopes;
mod work_items;

use weir_sdk::prelude::*;
use weir_sdk::walk::Then;

use crate::settings::Settings;
pub(crate) use check::check;
use listing::{LISTINGS, Listing, Of};
pub(crate) use position::Position;
use position::{Leaf, Next, Place, Read};

/// What can be read.
pub(crate) const DATASETS: &[Dataset] = &[
    Dataset::new("repositories", &["repository"]),
    Dataset::new("commits", &["commit"]),
    Dataset::new("pulls", &["change", "person"]),
    Dataset::new("pull-commits", &["commit", "change"]).full_only().under("pulls"),
    Dataset::new("pull-threads", &["review"]).full_only().under("pulls"),
    Dataset::new("builds", &["build", "person"]),
    Dataset::new("build-timelines", &["build"]).full_only().under("builds"),
    Dataset::new("build-changes", &["build"]).full_only().under("builds"),
    Dataset::new("deployments", &["deployment"]),
    Dataset::new("work-items", &["work-item"]),
    Dataset::new("work-item-updates", &["work-item"]).full_only().under("work-items"),
];

/// One page of a dataset.
pub(crate) fn step(run: &Run<Settings>, position: Position) -> Result<Page<Position>, Failure> {
    if !is_here(run) {
        return Ok(Page::empty().done());
    }
    match run.dataset.as_str() {
        "pull-commits" | "pull-threads" | "build-timelines" | "build-changes" | "work-item-updates" => {
            position.step_whole(run, |place| children::page(run, place))
        }
        "work-items" => position.step(run, &scopes::scopes(run, Of::Project)?, |place| work_items::page(run, place)),
        dataset => {
            let listing = LISTINGS.iter().find(|listing| listing.dataset == dataset);
            let listing = listing.ok_or_else(|| run.unknown_dataset())?;
            position.step(run, &scopes::scopes(run, listing.of)?, |place| page(run, listing, place))
        }
    }
}

/// Releases have a host of their own in the cloud, and it has nothing else. A server has all in one place.
fn is_here(run: &Run<Settings>) -> bool {
    let site = run.connection().site();
    let host = site.split_once("://").map_or(site.as_str(), |(_, rest)| rest).split('/').next().unwrap_or_default();
    let is_release = run.dataset == "deployments";
    match host {
        "dev.azure.com" => !is_release,
        "vsrm.dev.azure.com" => is_release,
        host if host.ends_with(".vsrm.visualstudio.com") => is_release,
        host if host.ends_with(".visualstudio.com") => !is_release,
        _ => true,
    }
}

/// One page of a listing.
fn page(run: &Run<Settings>, listing: &Listing, place: Place) -> Result<Read, Failure> {
    let answer = listing.request(run, &place).send_any()?;
    if answer.status() == 404 {
        return Ok(unreadable(&place));
    }
    let answer = answer::accepted(answer)?;
    let text = answer.text()?;
    let heads = answer::heads(&text)?;
    let mut leaf = place.page.clone();
    leaf.newest.see(heads.iter().filter_map(|(_, head)| head.at(listing.dataset)));
    leaf.newest.hold_back(heads.iter().filter_map(|(_, head)| head.unfinished(listing.dataset)));
    let mark = leaf.newest.mark();
    let next = listing.next(&answer, &place.page, heads.len());
    if next.is_none() && listing.has_leg(&place, leaf.leg + 1) {
        leaf = Leaf { next: Some(Next::Skip(0)), leg: leaf.leg + 1, ..leaf };
        return Ok((listing.extract(answer, &place.scope), Then::Turn(leaf)));
    }
    Ok((listing.extract(answer, &place.scope), Then::next_or_leave(leaf.turned(next), mark)))
}

/// Not there, or not for these eyes.
fn unreadable(place: &Place) -> Read {
    let message = format!("`{}` cannot be read: it is not there, or the token may not see it", place.scope);
    (Page::empty(), Then::PutOff(Failure::forbidden("azure-devops.scope.unreadable", message)))
}
