//! From a position to requests: which listing comes next, where it stops, what is left for the next pass.

mod answer;
mod check;
mod children;
mod listing;
mod position;
mod scopes;
mod work_items;

use weir_sdk::prelude::*;

use crate::settings::Settings;
pub(crate) use check::check;
use listing::{LISTINGS, Listing, Of};
use position::Place;
pub(crate) use position::Position;

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
            children::page(run, &position)
        }
        "work-items" => through(run, Of::Project, position, |place| work_items::page(run, place)),
        dataset => {
            let unknown =
                || Failure::config("azure-devops.dataset", format!("there is no dataset `{dataset}` to read"));
            let listing = LISTINGS.iter().find(|listing| listing.dataset == dataset).ok_or_else(unknown)?;
            through(run, listing.of, position, |place| page(run, listing, place))
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

/// What a request brought.
enum Read {
    Page(Box<Page<Position>>, Place),
    /// Not there, or not for these eyes.
    Unreadable,
}

/// One page of a dataset that is read project by project, or repository by repository.
fn through(
    run: &Run<Settings>,
    of: Of,
    mut position: Position,
    read: impl FnOnce(Place) -> Result<Read, Failure>,
) -> Result<Page<Position>, Failure> {
    let scopes = scopes::scopes(run, of)?;
    let Some(place) = position.place(&scopes) else {
        return Ok(Page::empty().done_at(position));
    };
    let scope = place.scope.clone();
    let page = match read(place)? {
        Read::Page(page, place) => {
            if place.next.is_some() {
                position.turn(place);
            } else {
                position.keep(&place);
                position.leave(&scopes);
            }
            *page
        }
        Read::Unreadable => {
            skip(run, &mut position, &scope)?;
            position.leave(&scopes);
            Page::empty()
        }
    };
    Ok(if position.is_between_passes() { page.done_at(position) } else { page.next(position) })
}

/// One scope that cannot be read does not stop the others. A full pass reads the others too, but does not end well, for
/// its end would count everything of this one as deleted.
fn skip(run: &Run<Settings>, position: &mut Position, scope: &str) -> Result<(), Failure> {
    if run.is_incremental() {
        weir_sdk::log::warn("skipped what cannot be read", &[("scope", scope)]);
        return Ok(());
    }
    let message = format!("`{scope}` cannot be read: it is not there, or the token may not see it");
    if position.skip(scope) { Ok(()) } else { Err(Failure::forbidden("azure-devops.scope.unreadable", message)) }
}

/// One page of a listing.
fn page(run: &Run<Settings>, listing: &Listing, mut place: Place) -> Result<Read, Failure> {
    let answer = listing.request(run, &place)?.send_any()?;
    if answer.status() == 404 {
        return Ok(Read::Unreadable);
    }
    let answer = answer::accepted(answer)?;
    let text = answer.text()?;
    let heads = answer::heads(&text)?;
    for (_, head) in &heads {
        place.raise_mark(head.at(listing.dataset));
        place.hold_back(head.unfinished(listing.dataset));
    }
    let next = listing.next(&answer, &place, heads.len());
    let page = listing.extract(answer, &place.scope);
    if next.is_none() && listing.has_leg(run, &place, place.leg + 1) {
        let place = Place { next: Some(position::Next::Skip(0)), leg: place.leg + 1, ..place };
        return Ok(Read::Page(Box::new(page), place));
    }
    Ok(Read::Page(Box::new(page), Place { next, ..place }))
}
