//! Commits that carry the same patch: cherry-picks of which git has written nothing.

use weir_model::Entity;
use weir_model::metric::Link;
use weir_stages::correlate::{Known, RULES, WEAK};

use super::{Around, Finder};
use crate::error::Fault;

/// Commits that may carry one patch. More of them, and it says nothing: a version is raised, a file is made anew.
const PICKS_MAX: usize = 8;

/// Adds the links between a commit and those that change the same; the later one is taken from the earlier one.
pub(super) fn add(finder: &Finder<'_>, known: &Known, around: &mut Around) -> Result<(), Fault> {
    let Entity::Commit(commit) = &known.1 else { return Ok(()) };
    let Some(patch) = &commit.patch_id else { return Ok(()) };
    let same = finder.lookup_n("patch", patch, PICKS_MAX + 1)?;
    if same.len() > PICKS_MAX {
        return Ok(());
    }
    let own = same.iter().position(|other| other.0 == known.0);
    for (at, other) in same.iter().enumerate().filter(|(at, _)| Some(*at) != own) {
        // They come in the order of their times.
        let (from, to) = if Some(at) > own { (other, known) } else { (known, other) };
        around.links.push(Link::new(&from.0, &to.0, "derived-from", "patch", WEAK, RULES));
    }
    Ok(())
}
